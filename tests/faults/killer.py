"""Ends this process at its N-th lasting step, as `kill -9` would: no `finally`, no flush, no goodbye.

At that step something else can be done instead, such as to wait until a test has broken what lies around the process.

A lasting step is what a crash can fall between. Every file that Python opens for writing, moves, links or deletes is
one, told by an audit hook of the interpreter; so is each side of a commit of the ledger and of a commit of the lake,
whose files are written outside Python.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from pipelines.core import lake

MOVES = frozenset({"os.rename", "os.link", "os.remove", "os.mkdir", "os.truncate"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def kill() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


class Killer:
    """Counts lasting steps below a folder; at step `until` it acts: the process is no more, unless told otherwise."""

    def __init__(self) -> None:
        self.below = ""
        self.until = 0
        self.steps = 0
        self.act: Callable[[], None] = kill

    def arm(self, below: str, until: int, act: Callable[[], None] = kill) -> None:
        """Begin to count; `until` 0 only counts."""
        self.below, self.until, self.steps, self.act = below, until, 0, act

    def step(self) -> None:
        """One lasting step is about to be taken, or has just been."""
        if not self.below:
            return
        self.steps += 1
        if self.steps == self.until:
            self.act()

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        """The interpreter's audit hook."""
        if not self.below or not (event == "open" or event in MOVES):
            return
        if event == "open" and not (arguments[2] or 0) & WRITING:
            return
        path = arguments[0]
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self.below):
            self.step()


def around(killer: Killer, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function with a lasting step on each side."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        killer.step()
        result = function(*arguments, **named)
        killer.step()
        return result

    return wrapped


def installed() -> Killer:
    """A killer that hears of every lasting step of this process and of its children."""
    killer = Killer()
    sys.addaudithook(killer.heard)
    dialect = sa.engine.default.DefaultDialect
    dialect.do_commit = around(killer, dialect.do_commit)
    lake.write_deltalake = around(killer, lake.write_deltalake)
    lake._commit = around(killer, lake._commit)
    return killer
