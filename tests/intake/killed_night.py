"""Runs intakes that kill themselves at their N-th lasting step. Started once by `conftest.py`.

Each line `HOME STEP` on stdin has a child of this process run one borough's intake in that home; the answer is a line
`EXIT STEPS`. On `HOME both` two children run it at once, with a night's locks; the answer is `EXIT EXIT`.
A child begins with everything loaded, which is most of what a night in a fresh process would cost.

Lasting steps are what a crash can fall between: a ledger commit (killed just before it),
a file that appears (before and after), a lake commit (after).
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import great_expectations  # noqa: F401 - loaded here, once
import sqlalchemy as sa

from pipelines import gate, harmonise, ingest, publish
from pipelines import night as stages
from pipelines.core import bucket, lake

left = 0
steps = 0


def step(_name: str) -> None:
    global left, steps
    steps += 1
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


def around(function: Callable[..., Any], *, before: bool = False) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        if before:
            step(function.__name__)
        result = function(*arguments, **named)
        step(function.__name__)
        return result

    return wrapped


def night(home: str, until: int) -> None:
    global left
    os.environ["LODA_HOME"] = home
    left = until
    for borough in ingest.discover():
        for stage in (ingest.admit, harmonise.harmonise, gate.gate, publish.publish_drops):
            stage(borough)


def with_locks(home: str) -> None:
    os.environ["LODA_HOME"] = home
    stages.prepare()
    for borough in stages.discover():
        for stage in (stages.admit, stages.harmonise, stages.gate, stages.publish_drops):
            stage(borough)


def begun(work: Callable[[], object]) -> int:
    """A child that does some work and ends with 0, or with 1 if it raised."""
    child = os.fork()
    if not child:
        try:
            work()
        except BaseException:  # noqa: BLE001 - told by how the child ends
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return child


def ended(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def in_a_child(home: str, until: int) -> str:
    reading, writing = os.pipe()

    def counted() -> None:
        night(home, until)
        os.write(writing, str(steps).encode())

    child = begun(counted)
    os.close(writing)
    with os.fdopen(reading) as answer:
        told = answer.read() or "0"
    return f"{ended(child)} {told}"


def in_two_children(home: str) -> str:
    children = [begun(lambda: with_locks(home)) for _ in range(2)]
    return " ".join(str(ended(child)) for child in children)


sa.event.listen(sa.Engine, "commit", lambda _connection: step("commit"))
lake.replace = around(lake.replace, before=True)
bucket.LocalFileSystem.mv = around(bucket.LocalFileSystem.mv, before=True)

for line in sys.stdin:
    where, _, number = line.strip().rpartition(" ")
    sys.stdout.write((in_two_children(where) if number == "both" else in_a_child(where, int(number))) + "\n")
    sys.stdout.flush()
