"""The same landlord's identifier from night to night, through splits and merges."""

from __future__ import annotations

import numpy as np
import pandas as pd


def carried_over(
    label: pd.Series[int], before: pd.Series[str], natural: pd.Series[str], own: pd.Series[str]
) -> tuple[pd.Series[str], dict[str, int]]:
    """Each landlord's identifier.

    A landlord keeps the identifier that most of its records had last night. Where two parted (a split), the one with
    more of the records keeps it and the other has a new one; where two became one (a merge), that of the larger stays.
    So new records never rename an old landlord.

    Args:
        label: landlord of each record tonight, whole numbers.
        before: identifier that each record had last night, empty for a new record.
        natural: by landlord, the identifier that it would have if nothing was known of last night.
        own: by landlord in the same order, another that nobody else can have, where another has the natural one.

    Returns:
        Identifier of each record, and counts: `ids_kept`, `ids_new`, `ids_merged` (old ones that went into another
        landlord), `ids_split` (landlords that parted from one).
    """
    known = (before != "").to_numpy()
    # In the order of their names, so that numbers stand for them in every comparison.
    old, olds = pd.factorize(before[known], sort=True)
    pair, votes = np.unique(label.to_numpy(np.int64)[known] * max(len(olds), 1) + old, return_counts=True)
    told = pd.DataFrame({"label": pair // max(len(olds), 1), "old": pair % max(len(olds), 1), "votes": votes})
    left = told.sort_values(["votes", "old", "label"], ascending=[False, True, True], ignore_index=True)
    rounds = [left.iloc[:0]]
    while len(left):
        # Each landlord asks for its best, each identifier goes to who has most of it; who lost asks again.
        won = left.drop_duplicates("label").drop_duplicates("old")
        rounds.append(won)
        left = left.loc[~left["label"].isin(won["label"]) & ~left["old"].isin(won["old"])]
    chosen = pd.concat(rounds)
    taken = natural.isin(olds) | natural.duplicated(keep=False)
    given = natural.where(~taken, own).astype(object)
    given.loc[chosen["label"]] = olds[chosen["old"].to_numpy(np.int64)]
    counts = {
        "ids_kept": len(chosen),
        "ids_new": len(given) - len(chosen),
        "ids_merged": len(olds) - len(chosen),
        "ids_split": int((told.groupby("old").size() - 1).sum()),
    }
    return label.map(given).astype(object), counts
