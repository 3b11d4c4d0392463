"""Which personal data were read, by which stage or command: lines of the audit log, cheap enough for every read.

Inside `reading(stage, borough)` reads are gathered and written as one line, at the latest before the stage writes
what it made of them: nothing is made of data whose reading is not on record. Outside of it each read is a line of
its own, in the name of the module that asked.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from pipelines.governance import audit

READ = "read"
OURS = "pipelines.governance"


@dataclass
class _Gathered:
    """Reads of one stage for one borough that are not written yet."""

    stage: str
    borough: str
    reads: list[dict[str, Any]] = field(default_factory=list)


_gathering: ContextVar[_Gathered | None] = ContextVar("reads of the running stage", default=None)


@contextmanager
def reading(stage: str, borough: str) -> Iterator[None]:
    """Gather the reads of a stage or command and write them as one line, also where it fails."""
    token = _gathering.set(_Gathered(stage, borough))
    try:
        yield
    finally:
        try:
            flush()
        finally:
            _gathering.reset(token)


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
