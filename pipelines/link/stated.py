"""The first stage, by record: a UPRN in the row that is in the gazetteer and whose address does not contradict it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link.places import numbers_agree, stem_and_type, units_agree
from pipelines.link.records import Records
from pipelines.link.spine import Spine
from pipelines.link.verdicts import CERTAIN, together, verdicts
from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage

SAME_STREET = 0.6


def by_uprn(records: Records, spine: Spine) -> tuple[pd.DataFrame, npt.NDArray[np.bool_]]:
    """Verdicts by stated UPRN, one for each distinct pair of UPRN and address that agrees.

    Returns:
        Verdicts indexed by record (row of `records.rows`), with a column stage; and, for every record,
        whether its UPRN is in the gazetteer but belongs to another address.
    """
    known = pd.DataFrame({"uprn": spine.rows["uprn"], "row": np.arange(len(spine.rows))})
    said = pd.DataFrame({"uprn": records.rows["uprn"].to_numpy(), "address": records.rows["address"].to_numpy()})
    distinct = said.loc[said["uprn"] != ""].drop_duplicates().merge(known, on="uprn")
    if distinct.empty:
        return together([]).assign(stage=str(LinkStage.UPRN)), np.zeros(len(said), dtype=bool)
    left = records.addresses.loc[distinct["address"]].reset_index(drop=True)
    right = spine.rows.loc[distinct["row"]].reset_index(drop=True)
    distinct["agrees"] = agrees(left, right)
    # Where a UPRN has several spellings of its address, one that agrees is enough.
    best = distinct.sort_values(["agrees", "row"], ascending=[False, True]).drop_duplicates(["uprn", "address"])
    found = said.merge(best, on=["uprn", "address"], how="left")
    stated = found["row"].notna().to_numpy()
    agreed = stated & found["agrees"].eq(True).to_numpy()
    contradicted = stated & ~agreed
    index = pd.Index(np.flatnonzero(agreed))
    rows = spine.rows.loc[found["row"].to_numpy()[agreed].astype(np.int64)]
    parent = rows["is_parent"].to_numpy()
    made = together(
        [
            verdicts(
                index[mask],
                decision,
                LinkReason.UPRN_AGREES,
                uprn=rows["uprn"][mask],
                level=level,
                probability=CERTAIN,
                gap=CERTAIN,
            )
            for mask, decision, level in (
                (~parent, Decision.LINKED, Level.UNIT),
                (parent, Decision.PARENT, Level.BUILDING),
            )
        ]
    )
    return made.assign(stage=str(LinkStage.UPRN)), contradicted


def agrees(left: pd.DataFrame, right: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Row by row: nothing in the record's address (left) contradicts the property (right).

    A unit in the record but none in the property is left to the later stages: the gazetteer may have that unit.
    """
    number = numbers_agree(left, right) != 0
    a, b = left["has_unit"].to_numpy(), right["has_unit"].to_numpy()
    unit = ~a | (a & b & units_agree(left, right))
    return np.asarray(number & unit & _streets_agree(left, right))


def _streets_agree(left: pd.DataFrame, right: pd.DataFrame) -> npt.NDArray[np.bool_]:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import cpdist

    stem, _ = stem_and_type(left["street"])
    other, _ = stem_and_type(right["street"])
    missing = (stem == "").to_numpy() | (other == "").to_numpy()
    same_postcode = (left["postcode"] == right["postcode"]).to_numpy() & (left["postcode"] != "").to_numpy()
    near = cpdist(stem.to_numpy(), other.to_numpy(), scorer=OSA.normalized_similarity, dtype=np.float32)
    return np.asarray(missing | same_postcode | (near >= SAME_STREET))
