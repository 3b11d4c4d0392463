"""What is known about the answer: who held a licence, and what visits found. Never read by a feature.

Two questions are kept apart. `labels_at` says what was known by a day. `training_labels`
pairs each answer with the last as-of date of the history that lies strictly before anybody
at the council could have acted on it, so that no feature can have been moved by the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from models.hmo.days import NEVER, Floats, Ints, Mask, day_number
from models.hmo.evidence import Evidence
from models.hmo.records import Records
from models.hmo.sources import HMO_LICENCES

UNLICENSED, LICENSED = "hmo_unlicensed", "hmo_licensed"
FOUND_HMO = (UNLICENSED, LICENSED, "hmo_not_licensable")
LICENCE_CHECK = "licence_check"
"""A visit to what a licence or application had named already: an answer, but no discovery."""

PLANNED = ("programme", "list", "control")
"""Visits to homes that the council chose by area, by score or by chance, and not because somebody told of them."""

FOUND_NONE = ("not_hmo", "single_household")

BIAS = (
    "Labels are what was licensed or visited, not what is. A register holds landlords who applied, and visits went "
    "where somebody complained or where officers already suspected: the data give the chance of an HMO among "
    "inspected properties, P(V|I), while the list asks for P(V)."
)


@dataclass(frozen=True)
class Answers:
    """Dated answers, one a licence or visit: position in the spine, HMO or not, from when known, how long it holds.

    `moment` is the first day on which the answer could have moved anything: the earliest of
    its event, its becoming known and an application for a licence at the same property. `visit`
    is true for visits that could discover something: checks of licences are not. `planned` is true for those of
    `PLANNED`, `unlicensed` where such a visit found an HMO without the licence that it needs, `held` where it found
    one with it.
    """

    row: Ints
    hmo: Mask
    visit: Mask
    planned: Mask
    unlicensed: Mask
    held: Mask
    event: Ints
    known: Ints
    until: Ints
    moment: Ints

    def __len__(self) -> int:
        return len(self.row)


def answers(evidence: Evidence) -> Answers:
    """All answers of a borough, in the order of their events. A visit without access is no answer."""
    licences, visits = evidence.records["hmo_licence"], evidence.records["inspection"]
    licences = licences.take((licences.row >= 0) & licences.has("licence_type", *HMO_LICENCES))
    inside = (visits.row >= 0) & visits.has("access", "gained")
    visits = visits.take(inside & visits.has("finding", *FOUND_HMO, *FOUND_NONE))
    frame = pd.DataFrame(
        {
            "row": np.concatenate([licences.row, visits.row]),
            "hmo": np.concatenate([np.ones(len(licences), dtype=bool), visits.has("finding", *FOUND_HMO)]),
            "visit": np.concatenate([np.zeros(len(licences), dtype=bool), ~visits.has("visit_reason", LICENCE_CHECK)]),
            "planned": np.concatenate([np.zeros(len(licences), dtype=bool), visits.has("visit_reason", *PLANNED)]),
            "unlicensed": np.concatenate([np.zeros(len(licences), dtype=bool), visits.has("finding", UNLICENSED)]),
            "held": np.concatenate([np.zeros(len(licences), dtype=bool), visits.has("finding", LICENSED)]),
            "event": np.concatenate([licences.event, visits.event]),
            "known": np.concatenate([licences.known, visits.known]),
            "until": np.concatenate([licences.days["expiry_date"], np.full(len(visits), NEVER)]),
        }
    )
    frame["unlicensed"] &= frame["visit"]
    frame["held"] &= frame["visit"]
    frame["planned"] &= frame["visit"]
    frame["moment"] = np.minimum(frame["event"], frame["known"])
    applied = _first_application(evidence)[frame["row"].to_numpy()]
    frame["moment"] = np.where(frame["hmo"], np.minimum(frame["moment"], applied), frame["moment"])
    frame = frame.sort_values(["event", "visit", "hmo", "row"], kind="stable")
    return Answers(**{name: frame[name].to_numpy() for name in frame.columns})


def _first_application(evidence: Evidence) -> Ints:
    first = np.full(len(evidence), NEVER, dtype=np.int64)
    applications: Records = evidence.records["licence_application"]
    linked = applications.row >= 0
    moment = np.minimum(applications.event, applications.known)
    np.minimum.at(first, applications.row[linked], moment[linked])
    return first


def labels_at(evidence: Evidence, as_of: date) -> Floats:
    """1 known HMO, 0 known not to be one, NaN unlabelled, for each property of the spine on a day.

    The newest answer that was known by then and still holds wins: a licence in force, or what
    the last visit inside found.
    """
    day = day_number(as_of)
    given = answers(evidence)
    holds = (given.known <= day) & (given.event <= day) & (given.until >= day)
    labels = np.full(len(evidence), np.nan)
    # In the order of events, so that the newest answer stays.
    labels[given.row[holds]] = given.hmo[holds]
    return labels


@dataclass(frozen=True)
class TrainingLabels:
    """Answers paired with the history date whose features they may train: one a property and date.

    `known` is the day on which each label became known; `planned`, `unlicensed` and `held` as in `Answers`.
    """

    row: Ints
    date_index: Ints
    hmo: Mask
    visit: Mask
    planned: Mask
    unlicensed: Mask
    held: Mask
    known: Ints


def training_labels(evidence: Evidence, as_of: date, dates: list[date]) -> TrainingLabels:
    """Labels known by `as_of`, each with the newest of `dates` strictly before its moment (`date_index`).

    A property that is an HMO counts once, at the first moment at which it was known to be
    one: a renewal tells nothing that was not known. Answers older than the history are left out.
    """
    day = day_number(as_of)
    given = answers(evidence)
    usable = (given.known <= day) & (given.event <= day)
    frame = pd.DataFrame(
        {
            name: getattr(given, name)
            for name in ("row", "hmo", "visit", "planned", "unlicensed", "held", "event", "moment", "known")
        }
    )[usable]
    first = frame[frame["hmo"]].sort_values(["moment", "event"], kind="stable").drop_duplicates("row")
    found_none = frame[~frame["hmo"]].merge(first[["row", "moment"]], on="row", how="left", suffixes=("", "_hmo"))
    # What was found not to be an HMO and became one later was rightly found; the other way round is a contradiction.
    found_none = found_none[~(found_none["moment_hmo"] <= found_none["moment"])].drop(columns="moment_hmo")
    chosen = pd.concat([first, found_none], ignore_index=True)
    numbers = np.array(sorted(day_number(d) for d in dates), dtype=np.int64)
    chosen["date_index"] = np.searchsorted(numbers, chosen["moment"].to_numpy(), side="left") - 1
    chosen = chosen[chosen["date_index"] >= 0]
    chosen = chosen.sort_values("event", kind="stable").drop_duplicates(["row", "date_index"], keep="last")
    chosen = chosen.sort_values(["date_index", "row"])
    return TrainingLabels(
        chosen["row"].to_numpy(dtype=np.int64),
        chosen["date_index"].to_numpy(dtype=np.int64),
        chosen["hmo"].to_numpy(dtype=bool),
        chosen["visit"].to_numpy(dtype=bool),
        chosen["planned"].to_numpy(dtype=bool),
        chosen["unlicensed"].to_numpy(dtype=bool),
        chosen["held"].to_numpy(dtype=bool),
        chosen["known"].to_numpy(dtype=np.int64),
    )


def settled(evidence: Evidence, as_of: date) -> Mask:
    """Properties that never stand in for the unlabelled, by what was known on a day.

    Those with an answer, the parts of a building with one, and the building of a part with one.
    """
    given = answers(evidence)
    known = np.zeros(len(evidence), dtype=bool)
    known[given.row[given.known <= day_number(as_of)]] = True
    parent = evidence.parent
    has_parent = parent >= 0
    above = known.copy()
    above[parent[has_parent & known]] = True
    above[has_parent] |= known[parent[has_parent]]
    return above
