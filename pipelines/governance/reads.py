"""Which personal data were read, by which stage or command: lines of the audit log, cheap enough for every read.

Inside `reading(stage, borough)` reads are gathered and written as one line, at the latest before the stage writes
what it made of them: nothing is made of data whose reading is not on record. Outside of it each read is a line of
its own, in the name of the module that asked.

A page has one line for all that it shows. Inside `showing(page, borough)` reads wait, those of the stages that the page
calls among them, until the page takes them into its own event with `told_with`; both are then one transaction.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.governance import audit

READ = "read"
OURS = "pipelines.governance"


@dataclass
class _Gathered:
    """Reads of one stage for one borough that are not written yet. `page` gathers what it gathers, if it is in one."""

    stage: str
    borough: str
    page: _Gathered | None = None
    reads: list[dict[str, Any]] = field(default_factory=list)


_gathering: ContextVar[_Gathered | None] = ContextVar("reads of the running stage", default=None)


@contextmanager
def reading(stage: str, borough: str) -> Iterator[None]:
    """Gather the reads of a stage or command and write them as one line, also where it fails.

    Inside `showing` they are handed to the page instead.
    """
    with _gathered(stage, borough, is_page=False):
        yield


@contextmanager
def showing(page: str, borough: str) -> Iterator[None]:
    """Gather the reads of a page until its own event takes them (`told_with`).

    What no event took, since the page failed or had nothing to show, is a line of its own at the end.
    """
    with _gathered(page, borough, is_page=True):
        yield


@contextmanager
def _gathered(stage: str, borough: str, *, is_page: bool) -> Iterator[None]:
    outer = _gathering.get()
    own = _Gathered(stage, borough)
    if outer is not None:
        own.page = outer.page
    if own.page is None and is_page:
        own.page = own
    token = _gathering.set(own)
    try:
        yield
    finally:
        try:
            if own.page is not None and own.page is not own:
                own.page.reads += own.reads
            else:
                flush()
        finally:
            _gathering.reset(token)


def told_with(session: Session) -> dict[str, Any]:
    """What was read so far and is not on record, as details of the event that the caller adds in its transaction.

    Empty where nothing was read. They count as told once the transaction is committed; rolled back, they wait again.
    """
    gathered = _gathering.get()
    if gathered is None:
        return {}
    whose = [gathered] if gathered.page in (None, gathered) else [gathered.page, gathered]
    taken = [(own, own.reads) for own in whose if own is not None and own.reads]
    for own, _ in taken:
        own.reads = []

    def undone(_session: Session) -> None:
        for own, reads in taken:
            own.reads = [*reads, *own.reads]

    if taken:
        sa.event.listen(session, "after_rollback", undone, once=True)
    told = [read for _, reads in taken for read in reads]
    return {"reads": told} if told else {}


def add(
    table: str,
    *,
    boroughs: Sequence[str],
    rows: int,
    fields: Sequence[str] | str,
    purpose: str,
    withheld: Sequence[str] = (),
    role: str | None = None,
) -> None:
    """Note one read: how many rows of which fields of which boroughs, for what. Never a value."""
    read: dict[str, Any] = {"table": table, "boroughs": list(boroughs), "rows": rows, "purpose": purpose}
    read["fields"] = fields if isinstance(fields, str) else list(fields)
    if withheld:
        read["withheld"] = list(withheld)
    if role is not None:
        read["role"] = role
    gathered = _gathering.get()
    if gathered is not None:
        gathered.reads.append(read)
        return
    about = boroughs[0] if len(boroughs) == 1 else "london"
    audit.note(what=READ, about=about, details={"by": _caller(), "reads": [read]})


def flush() -> None:
    """Write what was gathered, if anything was."""
    gathered = _gathering.get()
    if gathered is None or not gathered.reads:
        return
    reads, gathered.reads = gathered.reads, []
    audit.note(what=READ, about=gathered.borough, details={"by": gathered.stage, "reads": reads})


def _caller() -> str:
    """Name of the first module on the way here that is not of this package."""
    frame = sys._getframe(1)
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(OURS):
            return name
        if frame.f_back is None:
            break
        frame = frame.f_back
    return "unknown"
