"""Landlords of all London: one entity behind licences and liabilities, whichever borough holds the record.

Who is joined:

- A *company* is its name, spelt in one way (Ltd, Limited; plc; the, and): a registered name is unique in the
  United Kingdom (Companies Act 2006, section 66), so no address is asked. Two registered numbers are two companies.
- A *person* is a name and an address: initial and surname at the same keyed address, or the same full name in
  the same postcode where both records show one. A name alone joins nobody, since common names would chain
  strangers into one giant landlord; neither does another first name at the same address, who is a relative.
- Plain names that are *spelt otherwise* (a slip, a short form, a married name at home) are compared by `people`, the
  engine of `loda link-people`, each new or changed record once (`landlord_edges`).
- A name that was seen only as a token (council tax) is a company where the record says so or where the token is that
  of a company known from a licence register; otherwise it is a person.

Guards: a "company" with no word that tells it apart, or with more than `MOST_RECORDS` records, is joined like a person,
by name *and* address; and what hangs together only by a chain between two full first names or two registered numbers
falls apart at its weakest edges (`landlord_guard`).
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.hashing import code_version
from pipelines.core.tables import LANDLORD, LANDLORD_EDGE
from pipelines.core.types import StageResult
from pipelines.governance import access, stages
from pipelines.link import landlord_records as behind
from pipelines.link.landlord_edges import OTHER, RECORD, spelt_otherwise
from pipelines.link.landlord_guard import guarded
from pipelines.link.landlord_ids import carried_over

STAGE = "landlords"
LONDON = "london"
DATASETS = ("council_tax", "hmo_licence")
MOST_RECORDS = 2_000
log = logging.getLogger(__name__)


class LandlordReason(StrEnum):
    """Why a record belongs to its landlord."""

    COMPANY_NAME = "company_name"
    NAME_AND_ADDRESS = "name_and_address"
    NAME_AND_POSTCODE = "name_and_postcode"
    SPELT_OTHERWISE = "spelt_otherwise"
    NAME_ALONE = "name_alone"


SAME = "same_"
"""Begins the reason of an edge by equality; any other is one of the engine's."""
EXPLAINED = {
    LandlordReason.COMPANY_NAME: "company name the same in one spelling",
    LandlordReason.NAME_AND_ADDRESS: "surname and first name or initial the same; address the same",
    LandlordReason.NAME_AND_POSTCODE: "full name the same; postcode the same",
}
STRENGTH = {
    LandlordReason.COMPANY_NAME: 0.999,
    LandlordReason.NAME_AND_ADDRESS: 0.995,
    LandlordReason.NAME_AND_POSTCODE: 0.98,
}
"""What such edges count as beside the engine's probabilities: where a chain breaks."""


@dataclass
class Resolved:
    """Records with landlord_id and reason; edges by position; counts."""

    rows: pd.DataFrame
    edges: pd.DataFrame
    counts: dict[str, float]


def link_landlords() -> StageResult:
    """Write the tables `landlord` and `landlord_edge` for every borough: licence holders, managers, liable owners.

    `landlord_id` says nothing by itself, names cannot be read from it, and it stays from night to night
    (`landlord_ids`). Only records that are new or changed since last night are compared with the others, unless the
    code has changed.
    """
    drops = stages.drops_behind(datasets=list(DATASETS))
    boroughs = sorted({drop[0] for drop in drops})
    allowed = [[b, d] for b in boroughs for d in DATASETS if access.allowed(b, d, "hmo_detection")]
    made_from = stages.input_hash(STAGE, drops, allowed)
    same_code = stages.summary_of(STAGE, LONDON).get("code") == code_version()
    if stages.is_done(STAGE, LONDON, made_from):
        return StageResult(STAGE, LONDON, "unchanged", "The landlords are up to date.")
    if not boroughs:
        return StageResult(
            STAGE, LONDON, "skipped", "No borough has licences or council tax yet, so there are no landlords."
        )
    started = time.perf_counter()
    before = access.read_table("landlord", LANDLORD, boroughs=boroughs).to_pandas().fillna({"seen": ""})
    edges_before = access.read_table("landlord_edge", LANDLORD_EDGE, boroughs=boroughs).to_pandas()
    found = resolve(
        behind.read(boroughs), before, edges_before if same_code else edges_before.iloc[:0], anew=not same_code
    )
    table = pa.Table.from_pandas(found.rows[LANDLORD.names], preserve_index=False).cast(LANDLORD)
    edges = _edge_table(found)
    for borough in boroughs:
        # Edges first: a run that is killed in between compares anew what has no row yet.
        for name, part in (("landlord_edge", edges), ("landlord", table)):
            own = part.filter(pc.equal(part["borough"], borough))
            access.write_table(name, own, borough=borough, made_from={"input": made_from})
    counts = found.counts | {"seconds": round(time.perf_counter() - started, 3)}
    stages.mark_done(STAGE, LONDON, made_from, {**counts, "code": code_version()})
    log.info("landlords: %d records, %d landlords", counts["records"], counts["landlords"])
    sentence = (
        f"{int(counts['landlords']):,} landlords stand behind {int(counts['records']):,} licences and liabilities; "
        f"{int(counts['across_boroughs']):,} of them in more than one borough."
    )
    return StageResult(STAGE, LONDON, "made", sentence, counts)


def resolve(rows: pd.DataFrame, before: pd.DataFrame, edges_before: pd.DataFrame, *, anew: bool = False) -> Resolved:
    """Give each record its landlord.

    Args:
        rows: records as `landlord_records.read` gives them, with liable_party where a record has one.
        before: last night's rows of `landlord`.
        edges_before: last night's rows of `landlord_edge`.
        anew: compare everything, although last night's identifiers stay.
    """
    rows = rows.sort_values(RECORD, ignore_index=True)
    _key(rows)
    by_name = _known_by_name(rows)
    spelt = spelt_otherwise(rows, before.iloc[:0] if anew else before, edges_before)
    edges = pd.concat(
        [part for part in (_same(rows, by_name), spelt.edges) if len(part)] or [spelt.edges], ignore_index=True
    )
    ends = edges[["left", "right"]].to_numpy(np.int64)
    # A firm whose name does not tell it apart is joined by name and address alone, as equality has it.
    vague = (edges["reason"] == LandlordReason.COMPANY_NAME) & ~by_name.to_numpy()[ends].all(axis=1)
    joining = (edges["decision"] == "linked") & ~vague
    label, broken = guarded(rows, edges.loc[joining])
    same = label[ends[:, 0]] == label[ends[:, 1]]
    edges["decision"] = np.where(same, "linked", "review")
    rows["reason"] = _reason(rows, edges.loc[same & joining], by_name)
    rows["landlord_id"], ids = _identified(rows, pd.Series(label), by_name, before)
    counts = _counts(rows) | {name: float(count) for name, count in ids.items()}
    counts |= {
        "pairs_compared": float(spelt.compared),
        "edges_kept": float(spelt.kept),
        "pairs_left_out": float(spelt.left_out),
        "chains_cut": float(broken),
        "review": float((edges["decision"] == "review").sum()),
    }
    return Resolved(rows, edges, counts)


def _key(rows: pd.DataFrame) -> None:
    """The key of each record's name: of a plain name its spelling in one way, of a token that of the name it is of."""
    is_plain = rows["plain"] != ""
    plain = rows.loc[is_plain]
    rows["key"] = rows["token"]
    rows.loc[is_plain, "key"] = behind.keys(
        plain["company"].where(plain["company"] != "", behind.initial_name(plain["person"]))
    )
    tokens = rows.loc[~is_plain, "token"]
    known = behind.spellings(rows.loc[is_plain], tokens)
    rows.loc[~is_plain, "key"] = tokens.map(known["key"]).fillna(tokens)
    rows.loc[~is_plain, "full"] = tokens.map(known["full"]).fillna("")


def _known_by_name(rows: pd.DataFrame) -> pd.Series[bool]:
    """Records of companies that their name alone tells apart."""
    companies = set(rows.loc[rows["company"] != "", "key"])
    names = rows.loc[rows["company"] != "", ["company", "key"]].drop_duplicates("company")
    vague = set(names.loc[names["company"].map(behind.says_little), "key"])
    said = rows["liable_party"].eq("company") if "liable_party" in rows else pd.Series(False, index=rows.index)
    crowded = rows["key"].map(rows["key"].value_counts()) > MOST_RECORDS
    return (rows["key"].isin(companies) | said) & ~rows["key"].isin(vague) & ~crowded


def _same(rows: pd.DataFrame, by_name: pd.Series[bool]) -> pd.DataFrame:
    """Edges by equality, from the first record of a group to each other one."""
    ways = (
        (LandlordReason.COMPANY_NAME, by_name, ["key"], "number"),
        (LandlordReason.NAME_AND_ADDRESS, ~by_name & (rows["address"] != ""), ["key", "address"], "full"),
        (LandlordReason.NAME_AND_POSTCODE, ~by_name & (rows["person"] != "") & (rows["postcode"] != ""),
         ["person", "postcode"], "number"),
    )  # fmt: skip
    found = []
    for reason, among, group, telling in ways:
        some = rows.loc[among & (rows[group[0]] != ""), [*group, telling]]
        told = some[telling].where(some[telling] != "")
        several = told.groupby([some[column] for column in group]).transform("nunique") > 1
        # Of two first names at one address, or two numbers of one name, an initial belongs to neither for certain.
        some = some.assign(apart=some[telling].where(several, ""))
        first = pd.Series(some.index, index=some.index).groupby([some[c] for c in (*group, "apart")]).transform("first")
        other = first.to_numpy() != some.index.to_numpy()
        found.append(
            pd.DataFrame(
                {
                    "left": first.to_numpy()[other],
                    "right": some.index.to_numpy()[other],
                    "probability": STRENGTH[reason],
                    "decision": "linked",
                    "reason": SAME + reason,
                    "explanation": EXPLAINED[reason],
                }
            )
        )
    return pd.concat(found, ignore_index=True)


def _reason(rows: pd.DataFrame, edges: pd.DataFrame, by_name: pd.Series[bool]) -> pd.Series[str]:
    """The strongest of a record's edges; a company is known by its name also where it is the only record of it."""
    reason = pd.Series(str(LandlordReason.NAME_ALONE), index=rows.index, dtype=object)
    ends = pd.concat([edges.set_index("left")["reason"], edges.set_index("right")["reason"]])
    reason[ends.index.unique()] = str(LandlordReason.SPELT_OTHERWISE)
    for found in (LandlordReason.NAME_AND_POSTCODE, LandlordReason.NAME_AND_ADDRESS):
        reason[ends.index[ends == SAME + found].unique()] = str(found)
    return reason.where(~by_name, str(LandlordReason.COMPANY_NAME))


def _identified(
    rows: pd.DataFrame, label: pd.Series[int], by_name: pd.Series[bool], before: pd.DataFrame
) -> tuple[pd.Series[str], dict[str, int]]:
    """Identifiers: last night's; for a new landlord a keyed hash of the name, of a person with its oldest address."""
    lone = rows["borough"] + "|" + rows["dataset"] + "|" + rows["record_id"].astype(str) + "|" + rows["role"]
    where = rows["address"].where(rows["address"] != "", rows["postcode"])
    anchor = pd.DataFrame({"label": label, "since": rows["known_since"], "where": where.where(where != "", lone)})
    anchor["name"] = rows["key"].where(by_name, rows["key"] + "|" + anchor["where"])
    anchor["lone"] = lone
    shared = anchor["label"].duplicated(keep=False)
    oldest = pd.concat([anchor.loc[~shared], anchor.loc[shared].sort_values(["since", "where", "lone"])])
    oldest = oldest.drop_duplicates("label").set_index("label")
    natural, own = behind.keys(oldest["name"]), behind.keys(oldest["lone"])
    had = pd.Series(dtype=object)
    if len(before):
        had = before.drop_duplicates(RECORD).set_index(RECORD)["landlord_id"]
    last = had.reindex(pd.MultiIndex.from_frame(rows[RECORD])) if len(had) else pd.Series("", index=rows.index)
    last_id = pd.Series(last.to_numpy(), index=rows.index, dtype=object).fillna("")
    return carried_over(label, last_id, natural, own)


def _edge_table(found: Resolved) -> pa.Table:
    """Edges with the records at both ends, and nothing of what stands in them."""
    edges, ends = found.edges, found.rows[RECORD]
    left = ends.iloc[edges["left"].to_numpy(np.int64)].reset_index(drop=True)
    right = ends.iloc[edges["right"].to_numpy(np.int64)].reset_index(drop=True).set_axis(OTHER, axis=1)
    frame = pd.concat([left, right, edges.drop(columns=["left", "right"])], axis=1)
    return pa.Table.from_pandas(frame[LANDLORD_EDGE.names], preserve_index=False).cast(LANDLORD_EDGE)


def _counts(rows: pd.DataFrame) -> dict[str, float]:
    by_landlord = rows.groupby("landlord_id")
    boroughs = by_landlord["borough"].nunique()
    return {
        "records": float(len(rows)),
        "landlords": float(rows["landlord_id"].nunique()),
        "largest": float(by_landlord.size().max()) if len(rows) else 0.0,
        "across_boroughs": float((boroughs >= 2).sum()),
        **{f"reason.{r}": float((rows["reason"] == str(r)).sum()) for r in LandlordReason},
    }
