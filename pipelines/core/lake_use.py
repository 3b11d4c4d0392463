"""What a piece of work read and wrote: tables of the lake, lists, models; versions and row counts, never contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Touched:
    """One reading or writing. `boroughs` is None for all; `columns` are names and Arrow types; `rows` None if unknown.

    Of a writing, `version` is the table's once it was committed, as the ledger records it.
    """

    table: str
    version: int
    rows: int | None
    columns: tuple[tuple[str, str], ...]
    boroughs: tuple[str, ...] | None = None
    partition: Mapping[str, str] = field(default_factory=dict)


LEDGER = "ledger"
"""Stands for the ledger's database, whose URL holds a password."""


@dataclass(frozen=True)
class Kept:
    """A list or a model: kept whole, under a version of its own. `size` is bytes; None is unknown or does not apply.

    It lies at `name` below `url`, or in the table `name` of `LEDGER`. `version` is the SHA-256 of its bytes, of several
    files that of their manifest, and in the ledger its id. `about` is a sentence without anybody in it.
    """

    url: str
    name: str
    version: str
    about: str
    rows: int | None = None
    size: int | None = None
    files: int | None = None
    columns: tuple[tuple[str, str], ...] = ()


@dataclass
class Use:
    """All of it, in order."""

    read: list[Touched] = field(default_factory=list)
    written: list[Touched] = field(default_factory=list)
    kept_read: list[Kept] = field(default_factory=list)
    kept_written: list[Kept] = field(default_factory=list)


_under_way: list[Use] = []


@contextmanager
def recording() -> Iterator[Use]:
    """Keep what this process reads and writes until the block ends. What other processes do for it is not seen."""
    use = Use()
    _under_way.append(use)
    try:
        yield use
    finally:
        _under_way.remove(use)


def is_recorded() -> bool:
    """Whether anybody wants to know."""
    return bool(_under_way)


def was_read(touched: Touched) -> None:
    """Put down a reading."""
    for use in _under_way:
        use.read.append(touched)


def was_written(touched: Touched) -> None:
    """Put down a writing."""
    for use in _under_way:
        use.written.append(touched)


def kept_was_read(kept: Kept) -> None:
    """Put down that a list or a model was read."""
    for use in _under_way:
        use.kept_read.append(kept)


def kept_was_written(kept: Kept) -> None:
    """Put down that a list or a model was made."""
    for use in _under_way:
        use.kept_written.append(kept)


def columns_of(fields: Sequence[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Names and types as text."""
    return tuple((name, str(kind)) for name, kind in fields)
