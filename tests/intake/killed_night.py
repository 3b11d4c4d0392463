"""Run one borough's intake and kill this very process at its N-th lasting step. Started by `test_kill.py`.

Lasting steps are what a crash can fall between: a ledger commit (killed just before it),
a file that appears (before and after), a lake commit (after).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from pipelines.core import bucket, lake

left = int(sys.argv[1])
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


sa.event.listen(sa.Engine, "commit", lambda _connection: step("commit"))
lake.replace = around(lake.replace, before=True)
move = bucket.LocalFileSystem.mv
bucket.LocalFileSystem.mv = around(move, before=True)

from pipelines import gate, harmonise, ingest, publish  # noqa: E402 - after the steps are counted

for borough in ingest.discover():
    for stage in (ingest.admit, harmonise.harmonise, gate.gate, publish.publish_drops):
        stage(borough)
sys.stdout.write(f"{steps}\n")
