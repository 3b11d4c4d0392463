"""Which properties the question is asked of at an as-of date."""

from __future__ import annotations

import numpy as np

from models.hmo.days import Mask
from models.hmo.evidence import View
from models.hmo.sources import RESIDENTIAL

ROOM = "RH02"

RULE = (
    "Residential properties that the gazetteer held as approved and standing on the as-of date, as known by then, "
    "that were not in the social stock. A building that is divided into properties of its own is a shell and is "
    "left out; a house whose only parts are rooms of a house in multiple occupation is undivided and stays, and its "
    "rooms are left out."
)
"""The rule in words, for the model card."""


def members(view: View) -> Mask:
    """Which properties of the spine belong to the cohort, by `RULE`.

    The classes that call a property a house in multiple occupation already (RH*) count as any
    other home: whether a property is in the cohort tells nothing about the answer.
    """
    return view.once("cohort", _members)


def _members(view: View) -> Mask:
    own = view.evidence
    home = view.standing & (view.has_class(*RESIDENTIAL) | (own.blpu_code < 0))
    room = home & view.has_class(ROOM)
    has_parent = home & (own.parent >= 0)
    parts = view.tally(own.parent[has_parent])
    rooms = view.tally(own.parent[has_parent & room])
    undivided = parts == rooms
    inside = home & undivided
    room_of_member = room & (own.parent >= 0) & inside[own.parent]
    return np.asarray(inside & ~room_of_member & ~social(view), dtype=bool)


def social(view: View) -> Mask:
    """Which properties were let by a council, a registered provider or another public body on the day."""
    found = np.zeros(len(view), dtype=bool)
    if view.shares("social_housing"):
        records = view.records("social_housing")
        current = (records.row >= 0) & (records.days["social_until"] >= view.day)
        found[records.row[current]] = True
    return found
