"""What people filled in, taken into the ledger: good rows are taken, the others are listed with what to do.

A file can simply be mended and imported again: a decision that holds already changes nothing. Of one borough either
all good rows are taken, with their line in the audit log, or none: they are one transaction.
"""

from __future__ import annotations

import csv
import io
import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LinkReview
from pipelines.core.lock import exclusive
from pipelines.extracts.guarded import unguarded
from pipelines.governance import access, audit, link_decisions
from pipelines.governance.reads import reading, told_with
from pipelines.governance.subjects import known, place_keys, remembered
from pipelines.link.review import IS, IS_NOT, keys_of
from pipelines.link.review_export import CANDIDATES, HEADINGS, IDENTITY, MARK, TO_FILL_IN, key_of_row
from pipelines.link.spine import Spine, read_spine
from schemas import registry
from schemas.agreement import Role

log = logging.getLogger(__name__)

NONE_OF_THESE = "none_of_these"
VERDICTS = (IS, IS_NOT, NONE_OF_THESE)
LONGEST_NAME, LONGEST_NOTE = 120, 500
DECIDED_SINCE = "somebody has decided otherwise about this address since the file was exported"
UPRN = re.compile(r"[1-9]\d{0,11}")
ROUNDED = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")


class NotTaken(LodaError):
    """A file of decisions of which nothing can be taken; the sentence says why."""


@dataclass(frozen=True)
class Refused:
    """A row of the file that was not taken: its number as a spreadsheet shows it, and what to do."""

    row: int
    sentence: str


@dataclass
class Taken:
    """What became of a file's rows. Counts are of decisions; a "none of these" is one for each candidate."""

    new: int = 0
    unchanged: int = 0
    superseded: int = 0
    left_open: int = 0
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True)
class Wish:
    """One decision that a row asks for; `key` is that of its address."""

    row: int
    key: str
    canonical: str
    postcode: str
    verdict: str
    uprn: str
    cells: dict[str, str]

    @property
    def seen(self) -> int:
        """Number of the newest decision about the address when it was exported."""
        return int(self.cells["last_decision"] or 0)


def take(path: Path, who: str) -> Taken:
    """Take the decisions of a file in the name of the person who made them.

    Raises:
        NotFound: there is no such file.
        NotTaken: it is not a file of ours, nothing is filled in, or nobody is named.
    """
    who = _named(who)
    rows = _read(path)
    taken = Taken()
    filled = [(n, row) for n, row in enumerate(rows, start=2) if any(row[name] for name in TO_FILL_IN)]
    taken.left_open = len(rows) - len(filled)
    if not filled:
        raise NotTaken("Nothing is filled in: write is, is_not or none_of_these in the column verdict of a row.")
    sound = [(n, row) for n, row in filled if _take_note(taken, n, _fault_of(row))]
    for slug in sorted({row["borough"] for _, row in sound}):
        _take_borough(slug, [(n, row) for n, row in sound if row["borough"] == slug], who, taken)
    taken.refused.sort(key=lambda refused: refused.row)
    return taken


def take_one(row: dict[str, str], who: str, spine: Spine, role: Role) -> Taken:
    """Take the decision of one row of `HEADINGS`, filled in by a person in a role, with the spine behind the export.

    Of the spine only its UPRNs, and what is known of the gazetteer as a whole, are needed.

    Raises:
        NotTaken: nobody is named.
        ConfigurationError: the role may not see the borough's gazetteer.
    """
    who = _named(who)
    taken = Taken()
    if _take_note(taken, 1, _fault_of(row)):
        _take_borough(row["borough"], [(1, row)], who, taken, spine=spine, role=role)
    return taken


def _named(who: str) -> str:
    who = " ".join(who.split())
    if not who or len(who) > LONGEST_NAME:
        raise NotTaken(
            f"Give the name of the person who decided, in at most {LONGEST_NAME} letters: --who 'A Example'."
        )
    return who


def _take_note(taken: Taken, row: int, fault: str | None) -> bool:
    """Whether a row has no fault; one that has is listed."""
    if fault is not None:
        taken.refused.append(Refused(row, f"Row {row}: {fault}"))
    return fault is None


def _read(path: Path) -> list[dict[str, str]]:
    """The rows as they were exported, each cell as it was before it was guarded."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:  # a spreadsheet's plain "CSV" on Windows
        text = content.decode("cp1252", errors="replace")
    head = text.split("\n", 1)[0]
    delimiter = ";" if head.count(";") > head.count(",") else ","
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise NotTaken(f"{path.name} is no CSV file that can be read; save it as CSV and import it again.") from error
    lacking = [name for name in HEADINGS if not lines or name not in lines[0]]
    if lacking:
        raise NotTaken(
            f"{path.name} lacks the columns {', '.join(lacking)}; import a file that 'loda link review export' wrote."
        )
    width = len(lines[0])
    body = [line + [""] * (width - len(line)) for line in lines[1:]]
    columns = {
        name: unguarded(pa.array([line[n] for line in body], pa.string())).to_pylist()
        for n, name in enumerate(lines[0])
    }
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return [
        row | {name: row[name].strip() for name in (*TO_FILL_IN, "borough", "last_decision", "key")} for row in rows
    ]


def _fault_of(row: dict[str, str]) -> str | None:
    """What is wrong with a row by itself."""
    if key_of_row(row) != row["key"]:
        return (
            f"one of the columns {', '.join(IDENTITY)} or key was changed, so nobody knows which address is meant. "
            "Export again and fill in only verdict, uprn and note."
        )
    if row["borough"] not in registry.boroughs():
        return "its borough is not known; export again."
    verdict = _verdict(row)
    if verdict not in VERDICTS:
        told = "is empty" if not verdict else "is not one that there is"
        return f"the verdict {told}; write is, is_not or none_of_these."
    if len(row["note"]) > LONGEST_NOTE:
        return f"the note has more than {LONGEST_NOTE} letters; shorten it."
    return _fault_of_uprn(row, verdict)


def _fault_of_uprn(row: dict[str, str], verdict: str) -> str | None:
    uprn, several = _uprn(row), len(_candidates(row)) != 1
    if verdict == NONE_OF_THESE:
        if row["uprn"]:
            return "none_of_these speaks of all candidates; take the UPRN away, or write is or is_not."
        return None if _candidates(row) else "there are no candidates to refuse; leave the row empty."
    if ROUNDED.fullmatch(row["uprn"]):
        return "the spreadsheet has rounded the UPRN; copy the candidate's whole cell, or make the column text."
    if not row["uprn"] and several:
        return "write in the column uprn which property is meant; a candidate's whole cell may be copied there."
    if not UPRN.fullmatch(uprn):
        return "its uprn is none: up to 12 digits, the first not 0; a candidate's whole cell may be copied there."
    return None


def _verdict(row: dict[str, str]) -> str:
    return re.sub(r"[\s_-]+", "_", row["verdict"].lower())


def _candidates(row: dict[str, str]) -> list[str]:
    return [row[name].split(MARK, 1)[0] for name in CANDIDATES if row[name]]


def _uprn(row: dict[str, str]) -> str:
    """The property that a row speaks of: as written, of a copied cell, or the only candidate."""
    written = row["uprn"].split(MARK, 1)[0].strip()
    return written or next(iter(_candidates(row)), "")


def _take_borough(
    slug: str,
    rows: list[tuple[int, dict[str, str]]],
    who: str,
    taken: Taken,
    *,
    spine: Spine | None = None,
    role: Role = "data_officer",
) -> None:
    refusal = access.refusal(slug, "gazetteer", "hmo_detection", role=role)
    if refusal is not None:
        raise ConfigurationError(f"{refusal} So no decisions about its links can be taken.")
    with exclusive(link_decisions.LOCK.format(slug)), reading("link review import", slug):
        spine = spine or read_spine(slug)[0]
        wishes = _without_contradictions(_wishes(slug, rows, spine, taken), taken)
        with transaction() as session:
            before = link_decisions.read(slug, session=session)
            keys = keys_of([d.address_written for d in before], [d.postcode_written for d in before], spine)["key"]
            _write(session, slug, wishes, list(zip(keys.tolist(), before, strict=True)), who, taken)


def _wishes(slug: str, rows: list[tuple[int, dict[str, str]]], spine: Spine, taken: Taken) -> list[Wish]:
    """The decisions that rows ask for, without those that cannot be."""
    cells = [row for _, row in rows]
    keys = keys_of([row["address"] for row in cells], [row["postcode"] for row in cells], spine)
    there = set(spine.rows["uprn"])
    forgotten = _erased(cells)
    found = []
    for (n, row), (canonical, postcode, key), gone in zip(
        rows, keys.itertuples(index=False, name=None), forgotten, strict=True
    ):
        uprns = _candidates(row) if _verdict(row) == NONE_OF_THESE else [_uprn(row)]
        fault = None
        if not canonical:
            fault = "the address says too little to decide about; leave the row empty."
        elif gone:
            fault = "the records of this property were erased, so nothing may be kept about it; leave the row empty."
        elif not set(uprns) <= there:
            fault = f"the UPRN is not in the gazetteer of {slug}; look it up again, or wait for the next gazetteer."
        if _take_note(taken, n, fault):
            verdict = IS if _verdict(row) == IS else IS_NOT
            found += [Wish(n, key, canonical, postcode, verdict, uprn, row) for uprn in uprns]
    return found


def _erased(rows: list[dict[str, str]]) -> list[bool]:
    """Which rows speak of a property whose records were erased."""
    tokens = remembered()
    columns = {name: pa.array([row[name] for row in rows], pa.string()) for name in ("address", "postcode")}
    places = place_keys(columns)
    gone = known("place", places, tokens) | known("uprn", pa.array([_uprn(row) for row in rows]), tokens)
    return [bool(hit) for hit in pc.fill_null(pa.array(gone), False).to_pylist()]


def _without_contradictions(wishes: list[Wish], taken: Taken) -> list[Wish]:
    """Rows that do not contradict one another: is and is_not of one pair, or two properties that one address is."""
    if not wishes:
        return []
    frame = pd.DataFrame([(w.row, w.key, w.verdict, w.uprn) for w in wishes], columns=["row", "key", "verdict", "uprn"])
    both = frame.groupby(["key", "uprn"])["verdict"].transform("nunique") > 1
    positive = frame.loc[frame["verdict"] == IS]
    two = positive.groupby("key")["uprn"].transform("nunique") > 1
    for row in sorted(set(frame.loc[both, "row"])):
        _take_note(taken, row, "the file says both is and is_not of this address and UPRN; keep one of them.")
    for row in sorted(set(positive.loc[two, "row"]) - set(frame.loc[both, "row"])):
        _take_note(taken, row, "the file says of one address that it is two properties; keep one of them.")
    wrong = {refused.row for refused in taken.refused}
    return [wish for wish in wishes if wish.row not in wrong]


def _write(
    session: Session, slug: str, wishes: list[Wish], before: list[tuple[str, LinkReview]], who: str, taken: Taken
) -> None:
    """Add what is new, mark what it takes the place of, and record the act."""
    by_key: dict[str, list[LinkReview]] = {}
    for key, decision in before:
        by_key.setdefault(key, []).append(decision)
    made: list[LinkReview] = []
    late = {w.row for w in wishes if any(d.number > w.seen for d in _replaced(w, by_key.get(w.key, [])))}
    for row in sorted(late):
        _take_note(taken, row, f"{DECIDED_SINCE}; export again.")
    done: set[tuple[str, str, str]] = set()
    superseded = 0
    for wish in (w for w in wishes if w.row not in late):
        standing = by_key.get(wish.key, [])
        same = (wish.key, wish.verdict, wish.uprn)
        if same in done or any((d.verdict, d.uprn) == (wish.verdict, wish.uprn) for d in standing):
            taken.unchanged += 1
            continue
        done.add(same)
        decision = _decision(slug, wish, who)
        session.add(decision)
        session.flush()
        made.append(decision)
        numbers = [d.number for d in _replaced(wish, standing)]
        superseded += len(numbers)
        session.execute(
            sa.update(LinkReview)
            .where(LinkReview.number.in_(numbers), LinkReview.superseded_at.is_(None))
            .values(superseded_at=decision.decided_at, superseded_by=decision.number)
        )
    taken.new, taken.superseded = taken.new + len(made), taken.superseded + superseded
    if made:
        details: dict[str, Any] = {verdict: sum(d.verdict == verdict for d in made) for verdict in (IS, IS_NOT)}
        numbers = [made[0].number, made[-1].number]
        details |= {"superseded": superseded, "first": numbers[0], "last": numbers[1]} | told_with(session)
        audit.record(session, who=who, what="decide links", about=slug, details=details)
        log.info("%s: %d decisions about links were taken, %d superseded", slug, len(made), superseded)


def _replaced(wish: Wish, standing: list[LinkReview]) -> list[LinkReview]:
    """Decisions that hold and that a new one takes the place of: of the same pair, or that it is another property."""
    other = IS_NOT if wish.verdict == IS else IS
    return [
        d
        for d in standing
        if (d.verdict == other and d.uprn == wish.uprn) or (wish.verdict == IS == d.verdict and d.uprn != wish.uprn)
    ]


def _decision(slug: str, wish: Wish, who: str) -> LinkReview:
    cells = wish.cells
    return LinkReview(
        borough=slug,
        canonical=wish.canonical,
        postcode=wish.postcode,
        address_written=cells["address"],
        postcode_written=cells["postcode"],
        verdict=wish.verdict,
        uprn=wish.uprn,
        datasets=cells["datasets"].split(),
        note=cells["note"],
        who=who,
        decided_at=clock.now(),
    )
