"""Verdicts: what a stage of the cascade says about addresses, one row an address, indexed by the address's number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage

COLUMNS = ["uprn", "decision", "reason", "level", "probability", "gap", "runner_up"]
_NONE = pd.DataFrame(columns=COLUMNS)
KINDS = {"decision": Decision, "reason": LinkReason, "level": Level, "stage": LinkStage}
CERTAIN = 0.999
"""Probability of a link by equal keys. Not 1: gazetteers have faults as well."""


def verdicts(
    index: pd.Index[int],
    decision: Decision,
    reason: LinkReason,
    *,
    uprn: pd.Series[str] | str = "",
    level: Level = Level.NONE,
    probability: pd.Series[float] | float = 0.0,
    gap: pd.Series[float] | float = 0.0,
    runner_up: pd.Series[str] | str = "",
) -> pd.DataFrame:
    """Verdicts that share decision, reason and level. Series are taken in the order of the index given."""
    if not len(index):
        return together([])
    values = {
        "uprn": uprn,
        "decision": str(decision),
        "reason": str(reason),
        "level": str(level),
        "probability": probability,
        "gap": gap,
        "runner_up": runner_up,
    }
    plain = {name: v.to_numpy() if isinstance(v, pd.Series) else v for name, v in values.items()}
    return pd.DataFrame(plain, index=index, columns=COLUMNS)


def together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Verdicts of several kinds in one frame; empty if there are none."""
    filled = [part for part in parts if len(part)]
    if not filled:
        return _NONE.copy()  # a tenth of the time that it takes to make it
    return pd.concat(filled)


def coded(made: pd.DataFrame) -> pd.DataFrame:
    """Verdicts with a stage, what is told in few words as categories: a million rows are numbers then, not texts."""
    kinds = {name: pd.CategoricalDtype([str(value) for value in kind]) for name, kind in KINDS.items()}
    return made.astype({**kinds, "probability": float, "gap": float})


def tally(columns: dict[str, pd.Series[Any]]) -> pd.DataFrame:
    """How often each combination of the first columns is decided how; all are categories, the last are decisions.

    Rows that lack a value count nowhere. Sorted by the first columns.
    """
    named = {name: column.cat for name, column in columns.items()}
    number, known = np.zeros(1, np.int64), np.ones(1, dtype=bool)
    for told in named.values():
        codes = told.codes.to_numpy()
        number, known = number * len(told.categories) + codes, known & (codes >= 0)
    *keys, decisions = ([str(value) for value in told.categories] for told in named.values())
    sizes = np.bincount(number[known], minlength=math.prod(len(told.categories) for told in named.values()))
    index = pd.MultiIndex.from_product(keys, names=list(named)[:-1])
    wide = pd.DataFrame(sizes.reshape(len(index), len(decisions)), index=index, columns=decisions)
    return wide.loc[wide.any(axis=1)].sort_index()
