"""Edges between plain names of licence registers that are not spelt alike; only what is new or changed is compared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.link.people import blocks, features, score, verdict
from pipelines.link.people.matching import judged
from pipelines.link.people.records import prepared, records
from pipelines.link.people.verdict import Reason

LINK_FROM, REVIEW_FROM = 0.8, 0.4
RECORD = ["borough", "dataset", "record_id", "role"]
OTHER = [f"other_{name}" for name in RECORD]


@dataclass
class Spelt:
    """Edges between records that are not spelt alike.

    Attributes:
        edges: left, right (positions in the rows), probability, decision, reason, explanation.
        compared: pairs that were scored tonight.
        kept: edges taken over from last night.
        left_out: pairs that a ceiling kept from being compared.
    """

    edges: pd.DataFrame
    compared: int
    kept: int
    left_out: int


def spelt_otherwise(rows: pd.DataFrame, before: pd.DataFrame, edges_before: pd.DataFrame) -> Spelt:
    """Edges between distinct (name, address) pairs of the plain rows.

    The weights are the fixed ones, so that a pair has the same probability every night.

    Args:
        rows: records as `landlord_records.read` gives them.
        before: last night's rows of `landlord`; empty makes everything new.
        edges_before: last night's rows of `landlord_edge`.
    """
    plain = rows.loc[rows["seen"] != ""].drop_duplicates("seen")
    first = pd.Series(plain.index, index=plain["seen"])
    kept = _kept(first, before, edges_before)
    fresh = ~plain["seen"].isin(set(before["seen"])).to_numpy()
    if not fresh.any():
        return Spelt(kept, 0, len(kept), 0)
    table = pa.table({"name": pa.array(plain["plain"], pa.string()), "address": pa.array(plain["where"], pa.string())})
    people = records(prepared(table, {"name": ["name"], "address": ["address"]}))
    pairs = blocks.candidates(people, fresh)
    found = judged(people, pairs, score.fixed(people, features.features(people), world=score.LONDON_LANDLORDS))
    scored = found.scored
    linked = found.sure(LINK_FROM)
    asked = (scored.probability >= REVIEW_FROM) & ~verdict.nameless(scored.levels)[scored.pattern]
    shown = linked | (asked & ~found.forbidden)
    reason = verdict.reasons(scored.levels)[scored.pattern]
    reason[~linked] = str(Reason.NOT_SURE)
    reason[~linked & found.alone] = str(Reason.NAME_ALONE)
    words = verdict.explained(scored.levels, features.features(people))[scored.pattern]
    at = plain.index.to_numpy()
    new = pd.DataFrame(
        {
            "left": at[pairs.left[shown]],
            "right": at[pairs.right[shown]],
            "probability": np.round(scored.probability[shown], 6),
            "decision": np.where(linked[shown], "linked", "review"),
            "reason": reason[shown],
            "explanation": words[shown],
        }
    )
    edges = pd.concat([kept, new], ignore_index=True) if len(kept) else new
    return Spelt(edges, len(pairs), len(kept), sum(pairs for _, pairs in pairs.left_out.values()))


def _kept(first: pd.Series[int], before: pd.DataFrame, edges: pd.DataFrame) -> pd.DataFrame:
    """Last night's edges between spellings that are both there tonight, on tonight's first record of each."""
    columns = ["left", "right", "probability", "decision", "reason", "explanation"]
    edges = edges.loc[edges["reason"].isin([str(r) for r in Reason])]
    if edges.empty or before.empty:
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns})
    seen = before.set_index(RECORD)["seen"]
    ends = {}
    for end, names in (("left", RECORD), ("right", OTHER)):
        said = seen.reindex(pd.MultiIndex.from_frame(edges[names], names=RECORD)).to_numpy()
        ends[end] = pd.Series(said).map(first).to_numpy()
    both = pd.Series(ends["left"]).notna().to_numpy() & pd.Series(ends["right"]).notna().to_numpy()
    found = edges.loc[both, columns[2:]].reset_index(drop=True)
    # Whether the two ended in one landlord is decided anew each night; that the pair itself joins is in its reason.
    unsure = found["reason"].isin([str(Reason.NOT_SURE), str(Reason.NAME_ALONE)])
    found["decision"] = np.where(unsure, "review", "linked")
    for end in ("right", "left"):
        found.insert(0, end, ends[end][both].astype(np.int64))
    return found
