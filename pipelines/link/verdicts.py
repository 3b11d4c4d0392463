"""Verdicts: what a stage of the cascade says about addresses, one row an address, indexed by the address's number."""

from __future__ import annotations

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
