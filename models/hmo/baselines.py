"""What the model has to beat: chance, triage by complaints, and an inspector's rule of thumb.

Each takes the features of one borough's cohort (shape (rows, features)) and gives a score
by which to rank; equal scores are ties.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.hmo.days import Floats, Numbers
from models.hmo.features import NAMES

THREE_STOREYS = 3
BUILT_BEFORE = 1930


def _column(values: Numbers, name: str) -> Floats:
    return np.asarray(values[:, NAMES.index(name)], dtype=float)


def random(values: Numbers) -> Floats:
    """All alike: every order is as likely as any other."""
    return np.zeros(len(values))


def complaints_only(values: Numbers) -> Floats:
    """Triage as it is: most complaints at the property in 3 years first."""
    return np.nan_to_num(_column(values, "complaints_36_months"))


def rule_of_thumb(values: Numbers) -> Floats:
    """Points for what inspectors name as signs: height, age, location, above a shop, and a complaint.

    The first four were named by inspectors in the pilot (Nesta, "London Office of Data Analytics
    pilot: now for the hard part"); location is a street among the quarter of the borough's
    homes with most complaints around them. The fifth makes it a fair opponent.
    """
    around = _column(values, "street_complaints")
    busy = np.nanquantile(around, 0.75) if np.isfinite(around).any() else np.inf
    signs = (
        _column(values, "storeys") >= THREE_STOREYS,
        _column(values, "built") < BUILT_BEFORE,
        _column(values, "above_shop") > 0,
        around > busy,
        _column(values, "complaints_36_months") > 0,
    )
    return np.asarray(np.sum(signs, axis=0), dtype=float)


BASELINES: dict[str, Callable[[Numbers], Floats]] = {
    "random": random,
    "complaints_only": complaints_only,
    "rule_of_thumb": rule_of_thumb,
}
