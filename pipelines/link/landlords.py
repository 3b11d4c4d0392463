"""Landlords of all London: one entity behind licences and liabilities, whichever borough holds the record.

Who is joined:

- A *company* is its name, spelt in one way (Ltd, Limited; plc; the, and): a registered name is unique in the
  United Kingdom (Companies Act 2006, section 66), so no address is asked.
- A *person* is a name and an address: initial and surname at the same keyed address, or the same full name in
  the same postcode where both records show one. A name alone joins nobody, since common names would chain
  strangers into one giant landlord.
- A name that was seen only as a token (council tax) is a company where the record says so or where the token is that
  of a company known from a licence register; otherwise it is a person.

Guard against giant clusters: a "company" with no word that tells it apart, or with more than `MOST_RECORDS`
records, is joined like a person, by name *and* address; and persons' clusters never leave one name.
"""

from __future__ import annotations

import logging
import time
from enum import StrEnum
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.tables import LANDLORD
from pipelines.core.types import StageResult
from pipelines.governance import access, pseudonym, stages
from pipelines.link.address.text import as_text, clean, swap, take_postcode

STAGE = "landlords"
LONDON = "london"
DATASETS = ("council_tax", "hmo_licence")
MOST_RECORDS = 2_000
TITLES = "MR|MRS|MS|MISS|DR|MX|SIR|PROF|REV"
ENDINGS = ("LTD", "LIMITED", "PLC", "LLP", "CIC")
TRADES = (
    *("PROPERTIES", "PROPERTY", "LETTINGS", "ESTATES", "ESTATE", "HOMES", "HOUSING", "MANAGEMENT", "INVESTMENTS"),
    *("HOLDINGS", "GROUP", "COMPANY", "CO", "ASSOCIATION", "TRUST", "RESIDENTIAL", "LIVING"),
)
COMPANY = rf"\b(?:{'|'.join((*ENDINGS, *TRADES))})$"
PLAIN_WORDS = frozenset([*TRADES, *ENDINGS, "AND", "UK", "LONDON"])
"""A company called by these words alone is not told apart by its name."""
log = logging.getLogger(__name__)


class LandlordReason(StrEnum):
    """Why a record belongs to its landlord."""

    COMPANY_NAME = "company_name"
    NAME_AND_ADDRESS = "name_and_address"
    NAME_AND_POSTCODE = "name_and_postcode"
    NAME_ALONE = "name_alone"


def link_landlords() -> StageResult:
    """Write the table `landlord` for every borough: licence holders, managers, liable owners.

    `landlord_id` is a keyed hash of the company's name, or of the person's name with the address known longest,
    so it is the same from night to night while the oldest record stands, and names cannot be read from it.
    """
    drops = stages.drops_behind(datasets=list(DATASETS))
    boroughs = sorted({drop[0] for drop in drops})
    allowed = [[b, d] for b in boroughs for d in DATASETS if access.allowed(b, d, "hmo_detection")]
    made_from = stages.input_hash(STAGE, drops, allowed)
    if stages.is_done(STAGE, LONDON, made_from):
        return StageResult(STAGE, LONDON, "unchanged", "The landlords are up to date.")
    if not boroughs:
        return StageResult(
            STAGE, LONDON, "skipped", "No borough has licences or council tax yet, so there are no landlords."
        )
    started = time.perf_counter()
    rows = resolve(pd.concat([_licences(boroughs), _liabilities(boroughs)], ignore_index=True))
    table = pa.Table.from_pandas(rows[LANDLORD.names], preserve_index=False).cast(LANDLORD)
    for borough in boroughs:
        own = table.filter(pc.equal(table["borough"], borough))
        access.write_table("landlord", own, borough=borough, made_from={"input": made_from})
    counts = _counts(rows) | {"seconds": round(time.perf_counter() - started, 3)}
    stages.mark_done(STAGE, LONDON, made_from, counts)
    log.info("landlords: %d records, %d landlords", counts["records"], counts["landlords"])
    sentence = (
        f"{int(counts['landlords']):,} landlords stand behind {int(counts['records']):,} licences and liabilities; "
        f"{int(counts['across_boroughs']):,} of them in more than one borough."
    )
    return StageResult(STAGE, LONDON, "made", sentence, counts)


def _licences(boroughs: list[str]) -> pd.DataFrame:
    """Holders and managers, in plain text in the public register; only the holder has an address there."""
    columns = ["borough", "record_id", "holder_name", "holder_address", "manager_name", "known_since"]
    table = access.read_dataset("hmo_licence", boroughs=boroughs, purpose="hmo_detection", columns=columns)
    parts = []
    for role, name, address in (("holder", "holder_name", "holder_address"), ("manager", "manager_name", None)):
        text = as_text(table[name])
        where = as_text(table[address]) if address else pa.array([""] * len(text), pa.string())
        _, postcode = take_postcode(clean(where))
        company = company_name(text)
        parts.append(
            pd.DataFrame(
                {
                    "borough": table["borough"].to_pandas(),
                    "dataset": "hmo_licence",
                    "record_id": table["record_id"].to_pandas(),
                    "role": role,
                    "known_since": pd.to_datetime(table["known_since"].to_pandas()),
                    "plain": text.to_pandas(),
                    "company": company.to_pandas(),
                    "person": person_name(text).to_pandas(),
                    "token": _tokens(text),
                    "address": _tokens(where),
                    "postcode": postcode.to_pandas(),
                }
            ).loc[lambda f: f["plain"].str.strip() != ""]
        )
    return pd.concat(parts, ignore_index=True)


def _liabilities(boroughs: list[str]) -> pd.DataFrame:
    """Liable owners and companies; name and address are tokens."""
    columns = ["borough", "record_id", "liable_name", "liable_address", "liable_party", "known_since"]
    table = access.read_dataset("council_tax", boroughs=boroughs, purpose="hmo_detection", columns=columns)
    table = table.filter(
        pc.and_(pc.is_in(table["liable_party"], pa.array(["owner", "company"])), table["liable_name"].is_valid())
    )
    frame: pd.DataFrame = table.to_pandas().rename(columns={"liable_name": "token", "liable_address": "address"})
    frame["known_since"] = pd.to_datetime(frame["known_since"])
    frame["address"] = frame["address"].fillna("")
    return frame.assign(dataset="council_tax", role="owner", plain="", company="", person="", postcode="")


def company_name(text: pa.Array) -> pa.Array:
    """The name of a company in one spelling, ending in LTD where it is a limited one; empty where it is no company."""
    name = pseudonym.canonical(swap(pc.utf8_upper(text), r"['’.]", ""))
    name = swap(swap(swap(name, r"\bLIMITED\b", "LTD"), r"^THE ", ""), r"\bAND\b ", "")
    return pc.if_else(pc.match_substring_regex(name, COMPANY), name, "")


def person_name(text: pa.Array) -> pa.Array:
    """A person's name without titles, `SURNAME, First` turned about."""
    turned = swap(pc.utf8_upper(text), r"^\s*([^,]+),\s*([^,]+?)\s*$", r"\2 \1")
    name = swap(pseudonym.canonical(turned), rf"\b(?:{TITLES})\b", " ")
    return pc.utf8_trim_whitespace(swap(name, r" +", " "))


def initial_name(names: pd.Series[str]) -> pd.Series[str]:
    """Initial and surname: `KATE ANN EXAMPLE` and `K EXAMPLE` are both `K EXAMPLE`."""
    return names.str.replace(r"^([A-Z])[^ ]* (?:.* )?([^ ]+)$", r"\1 \2", regex=True)


def turned(names: pd.Series[str]) -> pd.Series[str]:
    """The surname first, as many registers write it."""
    return names.str.replace(r"^(.+) ([^ ]+)$", r"\2 \1", regex=True)


def _tokens(text: pa.Array) -> pd.Series[str]:
    blank = pc.equal(pc.utf8_trim_whitespace(text), "")
    return cast("pd.Series[str]", pc.if_else(blank, "", pseudonym.tokens(text)).to_pandas())


def _spellings(plain: pd.DataFrame) -> pd.Series[str]:
    """From the token of every way in which a council may have written a plain name, to the name's own key."""
    companies = plain.loc[plain["company"] != "", "company"].drop_duplicates()
    persons = plain.loc[(plain["company"] == "") & (plain["person"] != ""), "person"].drop_duplicates()
    limited = companies.loc[companies.str.endswith(" LTD")]
    in_full = limited.str.replace(r" LTD$", " LIMITED", regex=True)
    orders = [form for name in (persons, initial_name(persons)) for form in (name, turned(name))]
    titled = [f"{title} " + form for title in TITLES.split("|") for form in orders]
    ways = [
        *((way, companies) for way in (companies, "THE " + companies)),
        *((way, limited) for way in (in_full, "THE " + in_full)),
        *((way, initial_name(persons)) for way in (*orders, *titled)),
    ]
    written = [pd.DataFrame({"written": way, "key": _key(name)}) for way, name in ways]
    every = pd.concat([pd.DataFrame({"written": plain["plain"], "key": plain["key"]}), *written], ignore_index=True)
    every["token"] = _tokens(as_text(every["written"]))
    return every.drop_duplicates("token").set_index("token")["key"]


def _key(names: pd.Series[str]) -> pd.Series[str]:
    return pd.Series(_tokens(as_text(names)).to_numpy(), index=names.index, dtype=object)


def resolve(rows: pd.DataFrame) -> pd.DataFrame:
    """Give each record its landlord.

    Args:
        rows: borough, dataset, record_id, role, known_since, plain, company, person, token, address (token), postcode,
            and liable_party where the record has one; empty text where something is not known.

    Returns:
        The rows with landlord_id and reason.
    """
    rows = rows.copy()
    is_plain = rows["plain"] != ""
    name = rows["company"].where(rows["company"] != "", initial_name(rows["person"]))
    rows["key"] = rows["token"]
    rows.loc[is_plain, "key"] = _key(name[is_plain])
    known = _spellings(rows.loc[is_plain])
    rows.loc[~is_plain, "key"] = rows.loc[~is_plain, "token"].map(known).fillna(rows.loc[~is_plain, "token"])
    companies = set(rows.loc[rows["company"] != "", "key"])
    vague = set(rows.loc[rows["company"].map(_says_little), "key"])
    said = rows["liable_party"].eq("company") if "liable_party" in rows else pd.Series(False, index=rows.index)
    crowded = rows["key"].map(rows["key"].value_counts()) > MOST_RECORDS
    by_name = (rows["key"].isin(companies) | said) & ~rows["key"].isin(vague) & ~crowded
    rows["cluster"], rows["reason"] = "", str(LandlordReason.COMPANY_NAME)
    rows.loc[by_name, "cluster"] = rows.loc[by_name, "key"]
    persons = rows.loc[~by_name]
    cluster, reason = _persons(persons)
    rows.loc[~by_name, "cluster"], rows.loc[~by_name, "reason"] = cluster, reason
    rows["landlord_id"] = _key(rows["cluster"])
    return rows.sort_values(["borough", "dataset", "record_id", "role"], ignore_index=True)


def _says_little(company: str) -> bool:
    return bool(company) and not set(company.split()) - PLAIN_WORDS


def _persons(rows: pd.DataFrame) -> tuple[pd.Series[str], pd.Series[str]]:
    """Clusters of one name whose records share an address or a postcode, directly or through one another."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if rows.empty:
        return rows["key"], rows["key"]
    edges = []
    shared: dict[str, pd.Series[bool]] = {}
    position = pd.Series(np.arange(len(rows)), index=rows.index)
    for name, column in (("key", "address"), ("person", "postcode")):
        has = (rows[name] != "") & (rows[column] != "")
        group = position.loc[has].groupby([rows.loc[has, name], rows.loc[has, column]])
        edges.append(np.column_stack([position.loc[has].to_numpy(), group.transform("first").to_numpy()]))
        shared[column] = (group.transform("size") > 1).reindex(rows.index, fill_value=False)
    joined = np.concatenate(edges)
    graph = coo_matrix((np.ones(len(joined)), (joined[:, 0], joined[:, 1])), shape=(len(rows), len(rows)))
    _, label = connected_components(graph, directed=False)
    # The address known longest names the cluster, so that a new record never renames an old landlord.
    where = rows["address"].where(rows["address"] != "", rows["postcode"])
    lone = rows["borough"] + "|" + rows["dataset"] + "|" + rows["record_id"].astype(str) + "|" + rows["role"]
    anchor = rows.assign(label=label, where=where.where(where != "", lone)).sort_values(["known_since", "where"])
    oldest = anchor.groupby("label")["where"].first()
    cluster = rows["key"] + "|" + pd.Series(label, index=rows.index).map(oldest)
    reason = pd.Series(str(LandlordReason.NAME_ALONE), index=rows.index)
    reason[shared["postcode"]] = str(LandlordReason.NAME_AND_POSTCODE)
    reason[shared["address"]] = str(LandlordReason.NAME_AND_ADDRESS)
    return cluster, reason


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
