"""The first stage, by record: a UPRN in the row that is in the gazetteer and whose address does not contradict it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link.places import BUILDING, UNIT, numbers_agree, stem_and_type, units_agree
from pipelines.link.records import Records
from pipelines.link.spine import Spine
from pipelines.link.verdicts import CERTAIN, together, verdicts
from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage

SAME_STREET = 0.6
COMPARED = [*UNIT, *BUILDING, "has_unit"]
"""What `agrees` asks of either side."""


def by_uprn(records: Records, spine: Spine) -> tuple[pd.DataFrame, npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Verdicts by stated UPRN, one for each distinct pair of UPRN and address that agrees.

    Returns:
        Verdicts with a column stage; for every record the position of its verdict, -1 where it has none; and whether
        its UPRN is in the gazetteer but belongs to another address.
    """
    uprns = pd.Index(spine.rows["uprn"].unique())
    said = records.rows["uprn"].cat
    number, address = uprns.get_indexer(said.categories)[said.codes], records.rows["address"].to_numpy()
    stated = number >= 0
    of = np.full(len(stated), -1, np.int64)
    if not stated.any():
        return together([]).assign(stage=str(LinkStage.UPRN)), of, np.zeros(len(stated), dtype=bool)
    # Pairs are told apart by one whole number each: to join by two columns of text would take ten times as long.
    pair_of, pairs = pd.factorize(number[stated] * len(records.addresses) + address[stated])
    row, agree = _best_rows(pairs // len(records.addresses), pairs % len(records.addresses), uprns, records, spine)
    rows = spine.rows[["uprn", "is_parent"]].take(row[agree])
    parent = rows["is_parent"].to_numpy()
    made = verdicts(
        pd.RangeIndex(len(rows)),
        Decision.LINKED,
        LinkReason.UPRN_AGREES,
        uprn=rows["uprn"],
        level=Level.UNIT,
        probability=CERTAIN,
        gap=CERTAIN,
    )
    made.loc[parent, ["decision", "level"]] = str(Decision.PARENT), str(Level.BUILDING)
    of[stated] = np.where(agree, np.cumsum(agree) - 1, -1)[pair_of]
    return made.assign(stage=str(LinkStage.UPRN)), of, stated & (of < 0)


def _best_rows(
    number: npt.NDArray[np.int64],
    address: npt.NDArray[np.int64],
    uprns: pd.Index[str],
    records: Records,
    spine: Spine,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """For each pair of a UPRN (its number) and an address: a row of the spine, and whether that agrees.

    Where a UPRN has several spellings of its address, one that agrees is enough.
    """
    known = pd.DataFrame({"number": uprns.get_indexer(pd.Index(spine.rows["uprn"])), "row": np.arange(len(spine.rows))})
    both = pd.DataFrame({"pair": np.arange(len(number)), "number": number}).merge(known, on="number")
    left = records.addresses[COMPARED].take(address[both["pair"]]).reset_index(drop=True)
    right = spine.rows[COMPARED].take(both["row"].to_numpy()).reset_index(drop=True)
    both["agrees"] = agrees(left, right)
    best = both.sort_values(["pair", "agrees", "row"], ascending=[True, False, True]).drop_duplicates("pair")
    return best["row"].to_numpy(), best["agrees"].to_numpy()


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

    agree = (left["postcode"] == right["postcode"]).to_numpy() & (left["postcode"] != "").to_numpy()
    agree |= (left["street"] == right["street"]).to_numpy()
    # Of nearly all pairs the above is enough to know.
    open_ = np.flatnonzero(~agree)
    stem, other = (stem_and_type(side["street"].iloc[open_])[0].to_numpy() for side in (left, right))
    near = cpdist(stem, other, scorer=OSA.normalized_similarity, dtype=np.float32)
    agree[open_] = (stem == "") | (other == "") | (near >= SAME_STREET)
    return np.asarray(agree)
