"""Caution: the links of an area are held to an estimated precision; the least sure of them go to people."""

from __future__ import annotations

import pandas as pd

from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage

PRECISE = 0.9935
"""Share of an area's links that must be right by their own probabilities.

These are a quarter of a per cent too careful where much is missing, so that 99.5% are (docs/linkage.md)."""
USUAL = 0.998
PRIOR_LINKS = 2_000.0
"""An area with few links is judged as the average one: as if it had so many more, of which `USUAL` are right."""


def held_to_precision(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The same verdicts, with the least likely links of the pair model turned into questions to people.

    Where a gazetteer lacks much, or records come without postcodes, more of what the model takes is wrong. One cut for
    all areas would be too high for most or too low for some; this one is as low as an area's own estimate allows.
    Links of one probability are all kept or all given up.

    Args:
        verdicts: columns of `verdicts.COLUMNS` and stage, one row an address.
    """
    if verdicts.empty:
        return verdicts
    linked = verdicts["decision"] == str(Decision.LINKED)
    doubt = (1 - verdicts.loc[linked, "probability"]).astype(float)
    least = verdicts.loc[linked & (verdicts["stage"] == str(LinkStage.PAIRS)), "probability"].astype(float)
    links, wrong = PRIOR_LINKS + len(doubt), PRIOR_LINKS * (1 - USUAL) + doubt.sum()
    if least.empty or wrong <= (1 - PRECISE) * links:
        return verdicts
    by_probability = least.groupby(least).agg("size").sort_index()
    kept = links - by_probability.cumsum()
    left = wrong - ((1 - by_probability.index) * by_probability).cumsum()
    enough = by_probability.index[(left <= (1 - PRECISE) * kept).to_numpy()]
    highest = enough[0] if len(enough) else by_probability.index.max()
    given_up = least.index[least <= highest]
    made = verdicts.copy()
    made.loc[given_up, "runner_up"] = made.loc[given_up, "uprn"]
    for column, value in (
        ("uprn", ""),
        ("decision", Decision.REVIEW),
        ("reason", LinkReason.NEAR_MATCH),
        ("level", Level.NONE),
    ):
        made.loc[given_up, column] = str(value)
    return made
