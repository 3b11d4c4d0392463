"""A process with everything loaded, which forks a child for each night: what a night costs without its imports.

One JSON object a line comes in on stdin, `{"act", "home", "now", ...}`; one a line goes out. The process itself never
touches the lake, because Delta's runtime does not survive a fork; its children do.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import great_expectations  # noqa: F401 - loaded here, once

from models import hmo  # noqa: F401
from pipelines import casework, demo, gate, harmonise, ingest, licensing, link, onboard, publish, ranking, whole_night  # noqa: F401
from pipelines.casework import take_in  # noqa: F401
from pipelines.core.settings import settings
from pipelines.governance import enforcement  # noqa: F401
from tests.faults import killer as killing
from tests.faults import state

KILLER = killing.installed()
END = time.perf_counter() + float(os.environ.get("LODA_FAULT_SECONDS", "3600"))


class InThisProcess:
    """A pool of no processes: the night's own work, done here, so that one kill ends all of it."""

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Do it now."""
        done: Future[Any] = Future()
        done.set_result(function(*arguments))
        return done

    def shutdown(self, **_named: Any) -> None:
        """There is nothing to end."""


def a_night(order: dict[str, Any]) -> dict[str, Any]:
    """A night as `loda run` runs it; killed at a step (`step`) or after so many seconds (`seconds`), if either."""
    whole_night._Night._new_pool = staticmethod(InThisProcess)  # type: ignore[assignment]
    KILLER.arm(order["home"], int(order.get("step", 0)))
    if order.get("seconds"):
        timer = threading.Timer(order["seconds"], lambda: os.kill(os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
    report = whole_night.run(order.get("as_of"))
    KILLER.below, steps = "", KILLER.steps
    return {
        "steps": steps,
        "failures": report.failures,
        "seconds_by_stage": report.seconds,
        "sentences": [f"{r.stage} {r.borough} {r.outcome}: {r.sentence}" for r in report.results],
    }


def a_world(order: dict[str, Any]) -> dict[str, Any]:
    """Synthetic extracts."""
    demo.make(order["out"], order["truth"], order["boroughs"], order["dwellings"], order["seed"], 1, _day(order))
    return {}


def _day(order: dict[str, Any]) -> Any:
    from datetime import date

    return date.fromisoformat(order["until"])


ACTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "night": a_night,
    "world": a_world,
    "content": lambda order: state.content(Path(order["home"])),
    "faults": lambda order: {"faults": state.faults(Path(order["home"]))},
}


def in_a_child(order: dict[str, Any]) -> dict[str, Any]:
    """What an act answered, with the exit code of the child that did it and the seconds it took."""
    reading, writing = os.pipe()
    started = time.perf_counter()
    child = os.fork()
    if not child:
        code = 1
        with contextlib.suppress(BaseException):
            try:
                os.environ.update({"LODA_HOME": order["home"], "LODA_NOW": order["now"]} | order.get("settings", {}))
                settings.cache_clear()
                answer = ACTS[order["act"]](order)
                with os.fdopen(writing, "w") as handle:
                    json.dump(answer, handle, default=str)
                code = 0
            except BaseException:  # noqa: BLE001 - told by the exit code
                traceback.print_exc()
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as handle:
        told = handle.read()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"exit": code, "seconds": time.perf_counter() - started, **(json.loads(told) if told else {})}


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a stage prints is no answer
    for line in sys.stdin:
        answers.write(json.dumps(in_a_child(json.loads(line))) + "\n")
        answers.flush()
