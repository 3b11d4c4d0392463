"""The same landlord's identifier from night to night, through splits and merges."""

from __future__ import annotations

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
        natural: the identifier that each record's landlord would have if nothing was known of last night.
        own: another for it that nobody else can have, where another landlord has the natural one.

    Returns:
        Identifier of each record, and counts: `ids_kept`, `ids_new`, `ids_merged` (old ones that went into another
        landlord), `ids_split` (landlords that parted from one).
    """
    told = pd.DataFrame({"label": label.to_numpy(), "old": before.to_numpy()})
    told = told.loc[told["old"] != ""]
    votes = told.groupby(["label", "old"]).size().rename("votes").reset_index()
    votes = votes.sort_values(["votes", "old", "label"], ascending=[False, True, True], ignore_index=True)
    chosen: dict[int, str] = {}
    left = votes
    while len(left):
        # Each landlord asks for its best, each identifier goes to who has most of it; who lost asks again.
        asked = left.drop_duplicates("label")
        won = asked.drop_duplicates("old")
        chosen |= dict(zip(won["label"], won["old"], strict=True))
        left = left.loc[~left["label"].isin(won["label"]) & ~left["old"].isin(won["old"])]
    ids = label.map(chosen)
    shared = label.groupby(natural.to_numpy()).transform("nunique") > 1
    taken = natural.isin(set(chosen.values()) | set(told["old"])) | shared
    counts = {
        "ids_kept": len(chosen),
        "ids_new": int(label[ids.isna()].nunique()),
        "ids_merged": len(set(told["old"]) - set(chosen.values())),
        "ids_split": int((votes.groupby("old").size() - 1).clip(lower=0).sum()) if len(votes) else 0,
    }
    return ids.fillna(natural.where(~taken, own)).astype(object), counts
