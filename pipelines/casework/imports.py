"""Outcomes from a file, for boroughs that stay in their case system: each row is accepted, known already or refused.

Good rows are taken, the others are listed with what to do; a mended file is simply imported again. All of a file is
one transaction with its line in the audit log.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.casework import import_checks, import_columns, places, rules, versions
from pipelines.casework.import_checks import Known
from pipelines.casework.words import SETTLES, Found, Method, Through
from pipelines.core import clock
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.ledger.officers import Outcome, OutcomeFile
from pipelines.core.lock import exclusive
from pipelines.extracts.plain_table import ends_in_half_a_row, read_plain_table
from pipelines.governance import audit
from pipelines.governance.reads import reading, told_with
from pipelines.governance.subjects import known, remembered
from schemas import registry

log = logging.getLogger(__name__)

LOCK = "outcomes-{}"
AT_ONCE = 500
NOT_SAID = "not said"
"""Who went there, where a file does not tell."""


@dataclass(frozen=True)
class Refused:
    """A row of the file that was not taken: its number as a spreadsheet shows it, and what to do."""

    row: int
    sentence: str


@dataclass(frozen=True)
class Taken:
    """What became of a file: `rows_in` = `accepted` + `known` (already) + the number of `refused`.

    `before` says when and by whom the very same file was taken; then nothing was changed, and the counts are of then.
    """

    rows_in: int = 0
    accepted: int = 0
    known: int = 0
    refused: list[Refused] = field(default_factory=list)
    before: str | None = None


def take(path: Path, borough: str, who: str, name: str | None = None) -> Taken:
    """Take the outcomes of a file for a borough, in the name of the person who answers for it.

    `name` is what the file is called where `path` is that of a copy.

    Raises:
        NotFound: there is no such file or borough.
        LodaError: it is no table of outcomes, or nothing may be kept for the borough; the sentence says why.
    """
    registry.borough(borough)
    who, name = rules.tidy_name(who), name or path.name
    rules.require(rules.why_not_name(who, "the person who answers for it") or rules.why_not_kept(borough))
    if not path.is_file():
        raise NotFound(f"There is no file '{name}'.")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with exclusive(LOCK.format(borough)), reading("outcomes import", borough):
        before = _before(borough, sha256)
        if before is not None:
            return before
        cells = import_columns.as_columns(read_plain_table(path), name)
        rows = _read(cells, name)
        if ends_in_half_a_row(path) and len(rows):
            rows.loc[rows.index[-1], "fault"] = "the file ends in the middle of this row; export it again."
        gazetteer, tokens = places.gazetteer(borough), remembered()
        rows["erased"] = known("uprn", pa.array(rows["uprn"], pa.string()), tokens)
        with transaction() as session:
            rows = import_checks.judged(rows, _known(session, borough, rows, gazetteer))
            taken = _write(session, borough, rows, who)
            _remember(session, borough, sha256, name, who, taken)
    log.info("%s: of %d outcomes in a file %d were taken", borough, taken.rows_in, taken.accepted)
    return taken


def _read(cells: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows with codes and days in the place of words; null where a cell cannot be read."""
    method = cells["method"].fillna(str(Method.VISIT))
    return pd.DataFrame(
        {
            "uprn": import_columns.uprns(cells["uprn"]),
            "rounded": import_columns.is_rounded(cells["uprn"]),
            "found": import_columns.codes(cells["outcome"], import_columns.finding_words()),
            "visited_on": import_columns.days(cells["visited_on"], name),
            "method": import_columns.codes(method, import_columns.method_words()),
            "officer": cells["officer"].str.split().str.join(" ").fillna(NOT_SAID),
            "note": cells["note"]
            .str.replace(r"\r\n?", "\n", regex=True)
            .str.replace(rules.CONTROL, "", regex=True)
            .fillna(""),
            "list_id": cells["list_id"],
            "fault": pd.Series(pd.NA, index=cells.index, dtype="string"),
        },
        index=cells.index,
    )


def _known(session: Session, borough: str, rows: pd.DataFrame, gazetteer: pa.Table) -> Known:
    """What the ledger and the gazetteer know of the properties and lists that the file names."""
    named = sorted(set(rows["list_id"].dropna()))
    lists = sa.select(PublishedList.id, PublishedList.as_of).where(PublishedList.borough == borough)
    as_of = {issued: day for issued, day in session.execute(lists) if issued in set(named)}
    entry = sa.select(ListEntry.list_id, ListEntry.uprn, ListEntry.rank, ListEntry.address)
    entries = [tuple(row) for issued in as_of for row in session.execute(entry.where(ListEntry.list_id == issued))]
    address = gazetteer.to_pandas().drop_duplicates("uprn").set_index("uprn")["address"]
    elsewhere = sorted(set(rows["uprn"].dropna()) - set(address.index))
    address = pd.concat([address, _once_listed(session, borough, elsewhere)])
    columns = (Outcome.number, Outcome.uprn, Outcome.visited_on, Outcome.found, Outcome.method)
    held = sa.select(*columns).where(Outcome.borough == borough, Outcome.superseded_at.is_(None))
    standing = pd.DataFrame(
        [tuple(row) for row in session.execute(held.order_by(Outcome.number))],
        columns=["number", "uprn", "visited_on", "found", "method"],
    )
    standing["visited_on"] = pd.to_datetime(standing["visited_on"])
    return Known(
        address=address,
        as_of=as_of,
        entries=pd.DataFrame(entries, columns=["list_id", "uprn", "rank", "listed_as"]),
        standing=standing,
    )


def _once_listed(session: Session, borough: str, uprns: list[str]) -> pd.Series[str]:
    """Addresses of properties that are in the gazetteer no more and stood on a list of the borough, the newest."""
    query = (
        sa.select(ListEntry.uprn, ListEntry.address)
        .join(PublishedList, PublishedList.id == ListEntry.list_id)
        .where(PublishedList.borough == borough)
        .order_by(PublishedList.as_of, PublishedList.version)
    )
    found: dict[str, str] = {}
    for start in range(0, len(uprns), AT_ONCE):
        mine = query.where(ListEntry.uprn.in_(uprns[start : start + AT_ONCE]))
        found |= {uprn: address for uprn, address in session.execute(mine)}  # noqa: C416 - rows are no pairs to mypy
    return pd.Series(found, dtype=object)


def _write(session: Session, borough: str, rows: pd.DataFrame, who: str) -> Taken:
    """Add the good rows, raise the versions of their properties, and record the act."""
    new = rows[rows["fault"].isna() & ~rows["repeats"]]
    faulty = rows["fault"].dropna()
    taken = Taken(
        rows_in=len(rows),
        accepted=len(new),
        known=len(rows) - len(new) - len(faulty),
        refused=[
            Refused(row, f"Row {row}: {sentence}") for row, sentence in zip(faulty.index.tolist(), faulty, strict=True)
        ],
    )
    if len(new):
        now = clock.now()
        session.execute(sa.insert(Outcome), _records(borough, new, who, now))
        visited = new["visited_on"].dt.date.where(~new["found"].isin([str(code) for code in SETTLES]), date.max)
        versions.write_many(session, borough, visited.groupby(new["uprn"]).max().to_dict(), who=who)
    details: dict[str, Any] = {"rows_in": taken.rows_in, "accepted": taken.accepted, "known": taken.known}
    details |= {"refused": len(taken.refused), "boroughs": [borough], "fields": list(import_columns.COLUMNS)}
    details |= told_with(session)
    audit.record(session, who=who, what="import outcomes", about=borough, details=details)
    return taken


def _records(borough: str, new: pd.DataFrame, who: str, now: datetime) -> list[dict[str, Any]]:
    """Rows of the ledger's table."""
    columns = ["uprn", "address", "list_id", "rank", "found", "attempt", "visited_on", "method", "note", "officer"]
    frame = new[columns].assign(visited_on=new["visited_on"].dt.date, rank=new["rank"].astype("Int64"))
    same = {"borough": borough, "recorded_by": who, "recorded_at": now, "recorded_through": str(Through.IMPORT)}
    # Arrow gives null as None, which pandas has several signs for.
    return [row | same for row in pa.Table.from_pandas(frame, preserve_index=False).to_pylist()]


def _before(borough: str, sha256: str) -> Taken | None:
    """That this very file was taken before, None if it was not."""
    with transaction() as session:
        found = session.get(OutcomeFile, (borough, sha256))
    if found is None:
        return None
    known_then = found.rows_in - found.accepted - found.refused
    said = f"This very file was taken in on {found.at.day} {found.at:%B %Y} by {found.who}; nothing was changed now."
    return Taken(rows_in=found.rows_in, accepted=found.accepted, known=known_then, before=said)


def _remember(session: Session, borough: str, sha256: str, name: str, who: str, taken: Taken) -> None:
    """Know the file again, if anything of it was taken; one that was refused whole may be tried again."""
    if not taken.accepted:
        return
    session.add(
        OutcomeFile(
            borough=borough,
            sha256=sha256,
            name=name[:255],
            who=who,
            at=clock.now(),
            rows_in=taken.rows_in,
            accepted=taken.accepted,
            refused=len(taken.refused),
        )
    )


def template() -> str:
    """A file with the headings, as CSV, and an example of a row that is to be written over."""
    example = {
        "uprn": "100023336956",
        "outcome": Found.SINGLE_HOUSEHOLD,
        "visited_on": (clock.today() - timedelta(days=1)).isoformat(),
        "method": Method.VISIT,
        "officer": "A Example",
        "note": "",
        "list_id": "",
    }
    return f"{','.join(import_columns.COLUMNS)}\r\n{','.join(example[name] for name in import_columns.COLUMNS)}\r\n"
