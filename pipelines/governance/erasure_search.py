"""Where a person or a property stands, in every place that can hold either: what `erasure` then deletes."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from pipelines.core import beside, lake
from pipelines.core.bucket import Folder
from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, ListEntry
from pipelines.core.settings import settings
from pipelines.governance import (
    casework_records,
    dossiers,
    drop_deletion,
    lake_deletion,
    link_decisions,
    pseudonym,
    standing,
)
from pipelines.governance.access import HARMONISED
from pipelines.governance.pseudonym import canonical
from pipelines.governance.subjects import Mask, Subject, in_text, is_in, name_fields, place_keys
from schemas import registry
from schemas.contract import Contract

RowsAsText = Callable[[Drop], Iterator[pa.Array]]
"""The rows of an extract, one text each; `LodaError` where it cannot be divided into rows."""


@dataclass
class Hit:
    """Rows of one dataset of one borough that are about the subject."""

    borough: str
    dataset: str
    source: str
    records: list[int]
    blanked: list[int]


@dataclass
class Found:
    """Where a subject stands: rows, list entries, quarantine files, extracts. Counts and names of places, no values."""

    subject: Subject
    hits: list[Hit] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    derived: dict[tuple[str, str], int] = field(default_factory=dict)
    lists: dict[str, int] = field(default_factory=dict)
    told: dossiers.Told = field(default_factory=dossiers.Told)
    decisions: list[int] = field(default_factory=list)
    notes: list[int] = field(default_factory=list)
    casework: casework_records.Records = field(default_factory=casework_records.Records)
    history: list[str] = field(default_factory=list)
    quarantine: dict[str, int] = field(default_factory=dict)
    drops: list[Drop] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    in_boroughs_folders: list[str] = field(default_factory=list)

    @property
    def boroughs(self) -> list[str]:
        """Boroughs in which the subject stands."""
        mine = {hit.borough for hit in self.hits} | {borough for _, borough in self.derived}
        mine |= self.casework.boroughs | {drop.borough for drop in self.drops}
        return sorted(mine | {path.split("/")[1] for path in self.quarantine})

    def counts(self) -> dict[str, int]:
        """How much of each kind."""
        return {
            "rows": sum(len(hit.records) for hit in self.hits),
            "rows_whose_names_are_blanked": sum(len(hit.blanked) for hit in self.hits),
            "derived_rows": sum(self.derived.values()),
            "list_entries": sum(self.lists.values()),
            "list_entries_whose_landlord_is_blanked": len(self.told.entries),
            "dossiers": len(self.told.gone),
            "dossiers_whose_names_are_blanked": len(self.told.blanked),
            "decisions_about_links": len(self.decisions),
            "notes_of_decisions_that_are_blanked": len(self.notes),
            **self.casework.counts(),
            "files_of_history": len(self.history),
            "quarantine_files": len(self.quarantine),
            "extracts_whose_bytes_are_deleted": len(self.drops),
            "extracts_that_could_not_be_searched": len(self.unread),
        }


def find(subject: Subject, rows_as_text: RowsAsText) -> Found:
    """Where a subject stands. Nothing is changed; reading is not recorded, since `erase` is."""
    found = Found(subject)
    links = _links_to(subject) if subject.uprn else {}
    for dataset, contract in registry.contracts().items():
        for part in lake_deletion.partitions(f"{HARMONISED}/{dataset}"):
            _look_in(found, contract, part, links)
    found.places = sorted({*found.places, *(_own_places(subject.uprn) if subject.uprn else ())})
    _look_in_derived(found)
    _look_in_lists(found)
    found.told = dossiers.about(subject, _records_of(found))
    found.decisions, found.notes = link_decisions.about(subject, found.places)
    found.casework = casework_records.about(subject)
    _look_in_history(found, links)
    _look_in_bucket(found)
    _look_in_extracts(found, rows_as_text)
    return found


def _links_to(subject: Subject) -> dict[tuple[str, str], set[int]]:
    """Record ids that were tied to the subject's property, by borough and dataset.

    Of a public register, where the property itself is erased, only those that are tied to no other beside it: a licence
    for several flats loses this one's link and stays for the others. A person's name is blanked in it all the same.
    """
    rows = lake.read("link", columns=["borough", "dataset", "record_id", "uprn", "decision"])
    if rows is None:
        return {}
    rows = rows.filter(pc.is_in(rows["decision"], pa.array(["linked", "parent"])))
    is_mine = pc.equal(rows["uprn"], str(subject.uprn))
    mine = rows.filter(is_mine)
    beside = rows.filter(pc.and_(pc.invert(is_mine), pc.is_in(rows["record_id"], mine["record_id"].combine_chunks())))
    every = {} if subject.names else registry.contracts()
    registers = pa.array([name for name, contract in every.items() if _is_register(contract)], pa.string())
    several = set(_records(beside.filter(pc.is_in(beside["dataset"], registers))))
    found: dict[tuple[str, str], set[int]] = {}
    for borough, dataset, record in _records(mine):
        if (borough, dataset, record) not in several:
            found.setdefault((borough, dataset), set()).add(record)
    return found


def _records(links: pa.Table) -> Iterable[tuple[str, str, int]]:
    return zip(*(links[name].to_pylist() for name in ("borough", "dataset", "record_id")), strict=True)


def _is_register(contract: Contract) -> bool:
    return any(entry.privacy == "public_register" for entry in contract.fields)


def _own_places(uprn: str | None) -> list[str]:
    """The property's address as the gazetteer writes it."""
    rows = lake.read("property", columns=["borough", "uprn", "address", "postcode"])
    if rows is None:
        return []
    mine = rows.filter(pc.equal(rows["uprn"], str(uprn)))
    return [place for place in place_keys(mine).to_pylist() if place]


def _columns(contract: Contract) -> list[str]:
    wanted = ["record_id", "uprn", "address", "postcode", *name_fields(contract)]
    there = contract.arrow_schema().names
    return [name for name in wanted if name in there]


def matches(rows: pa.Table, contract: Contract, subject: Subject, linked: set[int]) -> tuple[Mask, Mask]:
    """Rows about the subject that go, and rows of a public register whose names are blanked."""
    nobody = np.zeros(rows.num_rows, bool)
    at_property = nobody
    if subject.uprn is not None:
        at_property = np.isin(rows["record_id"].to_numpy(), list(linked))
        if "uprn" in rows.column_names:
            at_property = at_property | is_in(rows["uprn"], [subject.uprn])
    if not subject.names:
        return at_property, nobody
    gone, blanked = nobody, nobody
    tokens = pseudonym.tokens(pa.array(subject.names)).to_pylist()
    for name in (name for name in name_fields(contract) if name in rows.column_names):
        if contract.by_name[name].privacy == "public_register":
            blanked = blanked | is_in(canonical(rows[name]), subject.names)
        else:
            gone = gone | is_in(rows[name], tokens)
    if subject.uprn is not None:
        gone, blanked = gone & at_property, blanked & at_property
    return gone, blanked & ~gone


def _look_in(found: Found, contract: Contract, part: Mapping[str, str], links: dict[tuple[str, str], set[int]]) -> None:
    table = lake.open_table(f"{HARMONISED}/{contract.dataset}")
    if table is None:
        return
    filters = [(name, "=", value) for name, value in part.items()]
    there = {entry.name for entry in table.schema().fields}
    rows = table.to_pyarrow_table(columns=[n for n in _columns(contract) if n in there], filters=filters)
    gone, blanked = matches(rows, contract, found.subject, links.get((part["borough"], contract.dataset), set()))
    if not (gone | blanked).any():
        return
    ids = rows["record_id"].to_numpy()
    found.hits.append(Hit(part["borough"], contract.dataset, part["source"], ids[gone].tolist(), ids[blanked].tolist()))
    if found.subject.uprn is not None and {"address", "postcode"} <= set(rows.column_names):
        mine = rows.filter(pa.array(gone | blanked))
        found.places += [place for place in place_keys(mine).to_pylist() if place]


def derived_rows(rows: pa.Table, *, table: str, borough: str, found: Found) -> Mask:
    """Rows of a derived table that are about the subject, or rest on a record that is."""
    going = np.zeros(rows.num_rows, bool)
    if not found.subject.names:
        named = ("uprn", "building_uprn", *(("runner_up",) if "record_id" not in rows.column_names else ()))
        for name in named:
            if name in rows.column_names:
                going |= is_in(rows[name], [str(found.subject.uprn)])
    if "record_id" in rows.column_names:
        for hit in found.hits:
            # A landlord is made of names, a link of addresses: the latter stays where only names go.
            ids = hit.records + (hit.blanked if table in standing.OF_NAMES else [])
            if hit.borough == borough:
                going |= is_in(rows["dataset"], [hit.dataset]) & np.isin(rows["record_id"].to_numpy(), ids)
            if "other_record_id" in rows.column_names:
                other = is_in(rows["other_borough"], [hit.borough]) & is_in(rows["other_dataset"], [hit.dataset])
                going |= other & np.isin(rows["other_record_id"].to_numpy(), ids)
    return going


def _look_in_derived(found: Found) -> None:
    for table in standing.DERIVED:
        for part in lake_deletion.partitions(table):
            rows = lake_deletion.rows_of(table, part)
            going = None if rows is None else derived_rows(rows, table=table, borough=part["borough"], found=found)
            if going is not None and going.any():
                found.derived[(table, part["borough"])] = int(going.sum())


def _records_of(found: Found) -> set[tuple[str, str, int]]:
    return {(hit.borough, hit.dataset, record) for hit in found.hits for record in (*hit.records, *hit.blanked)}


def _look_in_lists(found: Found) -> None:
    if found.subject.names:
        return  # a person's entries stay, without their landlord
    with transaction() as session:
        mine = sa.select(ListEntry.list_id, sa.func.count()).where(ListEntry.uprn == found.subject.uprn)
        found.lists = dict(session.execute(mine.group_by(ListEntry.list_id)).all())


def _look_in_history(found: Found, links: dict[tuple[str, str], set[int]]) -> None:
    """Data files that only older versions need and that hold the subject."""
    for dataset, contract in registry.contracts().items():
        table = f"{HARMONISED}/{dataset}"
        for path in lake_deletion.old_files(table, {}):
            borough = path.removeprefix(f"{table}/borough=").split("/")[0]
            with lake_deletion.lake_folder().read(path) as handle:
                file = pq.ParquetFile(handle)
                rows = file.read(columns=[n for n in _columns(contract) if n in file.schema_arrow.names])
            gone, blanked = matches(rows, contract, found.subject, links.get((borough, dataset), set()))
            if (gone | blanked).any():
                found.history.append(path)


def _look_in_bucket(found: Found) -> None:
    """Quarantine files that hold the subject; one that an officer has begun to correct is the borough's own."""
    bucket = Folder(settings().bucket_url)
    with transaction() as session:
        given_back = {str(hashes.get(drop_deletion.GIVEN_BACK)) for hashes in session.scalars(sa.select(Drop.hashes))}
    for path in (entry.path for entry in bucket.list("drops") if entry.path.endswith(beside.QUARANTINE)):
        with bucket.read(path) as handle:
            cells = csv.reader(io.StringIO(handle.read().decode("utf-8-sig", errors="replace"), newline=""))
            text = pa.array([" ".join(row) for row in cells], pa.string())
        hit = int(in_text(text, found.subject, found.places).sum())
        if hit and drop_deletion.sha256_of(bucket, path) in given_back:
            found.quarantine[path] = hit
        elif hit:
            found.in_boroughs_folders.append(path)


def _look_in_extracts(found: Found, rows_as_text: RowsAsText) -> None:
    """Extracts whose bytes are kept and hold the subject; those that nobody can read are named."""
    with transaction() as session:
        every = session.scalars(sa.select(Drop).order_by(Drop.received_at)).all()
    kept = [drop for drop in every if not drop_deletion.is_gone(drop)]
    by_bytes: dict[str, bool] = {}
    for drop in kept:
        if not lake_deletion.lake_folder().exists(f"raw/{drop.sha256}"):
            continue
        if drop.sha256 not in by_bytes:
            try:
                parts = (in_text(text, found.subject, found.places) for text in rows_as_text(drop))
                by_bytes[drop.sha256] = any(bool(part.any()) for part in parts)
            except (LodaError, OSError, ValueError, KeyError):  # bytes that were refused may be anything
                found.unread.append(drop.id)
                by_bytes[drop.sha256] = False
        if by_bytes[drop.sha256]:
            found.drops.append(drop)
