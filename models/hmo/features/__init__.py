"""Every feature, declared once, and the one pass that computes them all."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.hmo.days import Floats, Ints, Mask
from models.hmo.evidence import View
from models.hmo.features.around import NEARBY, SURROUNDINGS
from models.hmo.features.declaration import Feature
from models.hmo.features.events import COMPLAINTS, PLANNING, WASTE
from models.hmo.features.landlord import LANDLORD
from models.hmo.features.residents import BENEFITS, RESIDENTS, TURNOVER
from models.hmo.features.structure import STRUCTURE, TENURE

FEATURES: tuple[Feature, ...] = (
    *STRUCTURE,
    *TENURE,
    *RESIDENTS,
    *TURNOVER,
    *BENEFITS,
    *COMPLAINTS,
    *WASTE,
    *PLANNING,
    *SURROUNDINGS,
    *NEARBY,
    *LANDLORD,
)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
BY_NAME: dict[str, Feature] = {feature.name: feature for feature in FEATURES}

__all__ = ["BY_NAME", "FEATURES", "NAMES", "Feature", "fill", "values"]


def values(view: View) -> Floats:
    """All features of every property of the spine on the as-of date: shape (properties, features)."""
    found = np.empty((len(view), len(FEATURES)), order="F")
    fill(view, (slice(None), found))
    return found


def fill(view: View, *wanted: tuple[Ints | Mask | slice, npt.NDArray[np.floating]]) -> None:
    """Work all features out once, over the whole spine since neighbours count, and keep only the rows that are wanted.

    Args:
        view: the borough on a day.
        wanted: pairs of rows of the spine and an array of shape (rows, features) that takes their features.
    """
    places = np.arange(len(view))
    parts = [(places[rows], into) for rows, into in wanted]
    for at, feature in enumerate(FEATURES):
        column = feature.values(view)
        for rows, into in parts:
            into[:, at] = column.take(rows)
