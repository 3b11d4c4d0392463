"""Which tables of the lake a piece of work read and wrote, at which version, how many rows; never what is in them."""

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


@dataclass
class Use:
    """All of it, in order."""

    read: list[Touched] = field(default_factory=list)
    written: list[Touched] = field(default_factory=list)


_under_way: list[Use] = []


@contextmanager
def recording() -> Iterator[Use]:
    """Keep what this process does to the lake until the block ends. What other processes do for it is not seen."""
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


def columns_of(fields: Sequence[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    """Names and types as text."""
    return tuple((name, str(kind)) for name, kind in fields)
