"""What waits for people: the addresses of links with decision `review`, in a file to be filled in and given back."""

from __future__ import annotations

import csv
import logging
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.hashing import hash_of
from pipelines.core.tables import LINK
from pipelines.extracts.guarded import guarded
from pipelines.governance import access, link_decisions
from pipelines.governance.reads import reading
from pipelines.link.records import NEEDED, datasets_with_address, make_records
from pipelines.link.review import decided_of, first_of_key, key_of, keys_of
from pipelines.link.spine import Spine, read_spine
from pipelines.link.suggestions import MOST, suggestions
from pipelines.link.vocabulary import SENTENCES, Decision
from schemas import registry
from schemas.agreement import Role

log = logging.getLogger(__name__)

SHOWN = MOST + 2
"""Candidates side by side: the suggestions, and what the link stage or a record named beside them."""

CANDIDATES = tuple(f"candidate_{n}" for n in range(1, SHOWN + 1))
IDENTITY = ("borough", "address", "postcode", "datasets", *CANDIDATES, "last_decision")
"""What a decision is about: not to be changed in the file, which `key` shows."""

TO_FILL_IN = ("verdict", "uprn", "note")
HEADINGS = (
    *("borough", "address", "postcode", "records", "datasets"),
    *CANDIDATES,
    *("reason", "probability", "gap"),
    *TO_FILL_IN,
    *("last_decision", "key"),
)
ADDRESS_KEY = "address_key"
MARK = ": "
"""Between a candidate's UPRN and its address. With it a spreadsheet takes the cell for text and rounds no UPRN."""


@dataclass(frozen=True)
class Exported:
    """How many addresses were written, of how many that wait, and the records behind those written."""

    addresses: int
    waiting: int
    records: int


def key_of_row(row: dict[str, str]) -> str:
    """The mark of a row's identity, by which a changed cell is noticed; a slip is meant, not an attack.

    Blanks do not count, since spreadsheets change them.
    """
    return "k" + hash_of([" ".join(row[name].split()) for name in IDENTITY])[:15]


def export(borough: str, out: Path, limit: int | None = None) -> Exported:
    """Write the addresses of a borough that wait for people, most useful first, one row a distinct address.

    Most useful is what settles most records; of those the likeliest first. The reading is put on record, and only
    what a data officer may see is written. Cells are guarded against formulas.

    Raises:
        NotFound: the borough is not known or has no gazetteer, or the folder of the file is not there.
        ConfigurationError: a data officer may not see the borough's gazetteer.
    """
    slug = registry.borough(borough).slug
    if not out.parent.is_dir():
        raise NotFound(f"There is no folder '{out.parent}' to write the file to.")
    with reading("link review export", slug):
        rows, _ = read_waiting(slug)
    written = rows.head(limit) if limit is not None else rows
    plain = pa.schema([(name, pa.string()) for name in HEADINGS])
    text = pa.Table.from_pandas(written[list(HEADINGS)].astype(str), schema=plain, preserve_index=False)
    safe = pa.table({name: guarded(text[name]) for name in HEADINGS}).to_pandas()
    safe.to_csv(out, index=False, encoding="utf-8-sig", lineterminator="\r\n", quoting=csv.QUOTE_ALL)
    records = int(written["records"].sum()) if len(written) else 0
    log.info("%s: %d addresses of %d that wait were given out for review", slug, len(written), len(rows))
    return Exported(len(written), len(rows), records)


def read_waiting(borough: str, role: Role = "data_officer") -> tuple[pd.DataFrame, Spine]:
    """What waits for people in a borough, as far as a role may see it (`waiting`), and the spine behind it.

    Raises:
        NotFound: the borough has no gazetteer.
        ConfigurationError: the role may not see the borough's gazetteer.
    """
    refusal = access.refusal(borough, "gazetteer", "hmo_detection", role=role)
    if refusal is not None:
        raise ConfigurationError(f"{refusal} So nothing can be given out for review.")
    spine, table = read_spine(borough)
    if not table.num_rows:
        raise NotFound(f"{borough} has no gazetteer that may be used yet, so nothing waits for people.")
    return waiting(borough, spine, _addresses(table), role), spine


def _addresses(table: pa.Table) -> pd.Series[str]:
    """UPRN and address of each property as a candidate's cell, by UPRN."""
    postcode = pc.fill_null(table["postcode"], "")
    text = pc.utf8_trim_whitespace(pc.binary_join_element_wise(pc.fill_null(table["address"], ""), postcode, " "))
    cell = pc.binary_join_element_wise(table["uprn"], text, MARK)
    found = pd.Series(cell.to_pandas().to_numpy(), index=table["uprn"].to_pandas().to_numpy())
    return found.loc[~found.index.duplicated()]


def waiting(borough: str, spine: Spine, cells: pd.Series[str], role: Role = "data_officer") -> pd.DataFrame:
    """One row an address that waits for people, with `HEADINGS`; those that settle most records first.

    `address_key` stands beside: what `keys_of` says of the address.
    """
    links = access.read_table("link", LINK, boroughs=[borough])
    links = links.filter(pc.equal(links["decision"], str(Decision.REVIEW)))
    tables = {name: _of(borough, name, links, role) for name in datasets_with_address()}
    records = make_records(tables, spine.whole, spine.streets)
    rows = records.rows.assign(
        address=first_of_key(records.addresses)[records.rows["address"].to_numpy()],
        written=pd.concat([t["address"].to_pandas() for t in tables.values()], ignore_index=True).fillna(""),
        written_postcode=pd.concat([t["postcode"].to_pandas() for t in tables.values()], ignore_index=True).fillna(""),
    )
    about = links.select(["dataset", "record_id", "reason", "probability", "gap", "runner_up"]).to_pandas()
    rows = rows.assign(dataset=rows["dataset"].astype(str)).merge(about, on=["dataset", "record_id"])
    # Nothing is decided about an address that is none: it would hold for every record without one.
    named = rows["address"].map(records.addresses["canonical"]) != ""
    rows = rows.loc[named.to_numpy(bool)].sort_values(
        ["address", "probability", "written", "written_postcode"], ascending=[True, False, True, True]
    )
    if rows.empty:
        return pd.DataFrame(columns=[*HEADINGS, ADDRESS_KEY])
    groups = rows.groupby("address")
    made = groups.first().assign(
        records=groups.size(),
        datasets=groups["dataset"].agg(lambda names: " ".join(sorted(set(names)))),
        borough=borough,
    )
    made["reason"] = made["reason"].map({str(reason): sentence for reason, sentence in SENTENCES.items()})
    made["key"] = key_of(records.addresses.loc[made.index])
    made = made.drop(columns=["uprn", "postcode"], errors="ignore").rename(
        columns={"written": "address_written", "written_postcode": "postcode"}
    )
    decided, refused = _decided_so_far(borough, spine)
    made["last_decision"] = made["key"].map(decided).fillna(0).astype(int)
    made = made.join(_side_by_side(rows, records.addresses.loc[made.index], spine, made["key"], refused, cells))
    made = made.rename(columns={"address_written": "address"}).reset_index(drop=True)
    made = made.assign(verdict="", uprn="", note="", probability=made["probability"].map("{:.3f}".format))
    made["gap"] = made["gap"].map("{:.3f}".format)
    made[ADDRESS_KEY] = made["key"]
    made["key"] = [key_of_row({n: str(row[n]) for n in IDENTITY}) for row in made.to_dict("records")]
    ordered = made.sort_values(["records", "probability", "address"], ascending=[False, False, True])
    return ordered[[*HEADINGS, ADDRESS_KEY]].reset_index(drop=True)


def _of(borough: str, dataset: str, links: pa.Table, role: Role) -> pa.Table:
    """The records of a dataset that wait for people, as a role may see them."""
    mine = links.filter(pc.equal(links["dataset"], dataset))["record_id"]
    table = access.read_dataset(dataset, boroughs=[borough], purpose="hmo_detection", columns=NEEDED, role=role)
    return table.filter(pc.is_in(table["record_id"], mine.combine_chunks()))


def _decided_so_far(borough: str, spine: Spine) -> tuple[dict[str, int], pd.Index[str]]:
    """The number of the newest decision of each address by its key, and pairs of key and UPRN that were refused."""
    rows = decided_of(link_decisions.read(borough)).rows
    if rows.empty:
        return {}, pd.Index([], dtype=str)
    keys = keys_of(rows["address"].tolist(), rows["postcode"].tolist(), spine)["key"]
    rows = rows.assign(key=keys.to_numpy())
    no = rows.loc[rows["verdict"] == "is_not"]
    newest = {str(key): int(number) for key, number in rows.groupby("key")["number"].max().items()}
    return newest, pd.Index((no["key"] + "|" + no["uprn"]).tolist(), dtype=str)


def _side_by_side(
    rows: pd.DataFrame,
    addresses: pd.DataFrame,
    spine: Spine,
    keys: pd.Series[str],
    refused: pd.Index[str],
    cells: pd.Series[str],
) -> pd.DataFrame:
    """Candidates of each address as cells: what the link stage named, what the records state, what looks like it."""
    named = rows[["address", "runner_up"]].rename(columns={"runner_up": "uprn"})
    stated = rows[["address", "uprn"]].astype({"uprn": object})
    every = pd.concat([named, stated, suggestions(addresses, spine)], ignore_index=True)
    every = every.loc[every["uprn"].isin(cells.index)].drop_duplicates(["address", "uprn"])
    pair = every["address"].map(keys) + "|" + every["uprn"]
    every = every.loc[~pair.isin(refused)]
    every["place"] = every.groupby("address").cumcount()
    every = every.loc[every["place"] < SHOWN].assign(cell=lambda found: found["uprn"].map(cells))
    wide = every.pivot_table(index="address", columns="place", values="cell", aggfunc="first")
    wide = wide.reindex(index=addresses.index, columns=range(SHOWN)).fillna("")
    return wide.set_axis(list(CANDIDATES), axis=1)
