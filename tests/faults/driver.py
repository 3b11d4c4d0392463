"""A process with everything loaded, which forks a child for each night: what a night costs without its imports.

One JSON object a line comes in on stdin, `{"act", "home", "now", ...}`; one a line goes out. The process itself never
touches the lake, because Delta's runtime does not survive a fork; its children do.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import logging
import os
import pkgutil
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import models.hmo
import pipelines
from pipelines import demo, night, whole_night
from pipelines.core.errors import LodaError
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.lists import newest_list
from pipelines.core.ledger.models import AuditEvent, ListEntry
from pipelines.core.ledger.officers import Outcome, PropertyCase
from pipelines.core.settings import settings
from pipelines.observe import deadline
from schemas import registry
from tests.faults import killer as killing
from tests.faults import state

LOADED_FIRST = (
    "clevercsv",
    "great_expectations",
    "pdfplumber",
    "rapidfuzz.distance",
    "rapidfuzz.process",
    "recordlinkage",
    "review.app",
    "s3fs",
    "scipy.sparse",
    "scipy.stats",
    "sklearn.ensemble",
    "sklearn.isotonic",
    "sklearn.linear_model",
    "sklearn.metrics",
    "sklearn.model_selection",
    "skops.io",
    "tests.review.conftest",
    "threadpoolctl",
    "xlsxwriter",
)
"""What a night or a page loads where it first needs it: here once, and not in every child."""


def load() -> None:
    """Load all that, and every module of the stages."""
    own = [*pkgutil.walk_packages(pipelines.__path__, "pipelines.")]
    own += pkgutil.walk_packages(models.hmo.__path__, "models.hmo.")
    for name in (*LOADED_FIRST, *(one.name for one in own)):
        if ".migrations" not in name:
            importlib.import_module(name)


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
    """A night as `loda run` runs it; killed at a step (`step`) or after seconds of work (`seconds`), if either.

    Seconds are the processor's, which are the same however busy the machine is.
    """
    begun = time.process_time()
    whole_night._Night._new_pool = staticmethod(InThisProcess)  # type: ignore[assignment]
    KILLER.arm(order["home"], int(order.get("step", 0)), killing.kill)
    if order.get("seconds"):
        threading.Thread(target=_kill_at, args=(begun + order["seconds"],), daemon=True).start()
    report = whole_night.run(order.get("as_of"))
    KILLER.below, steps = "", KILLER.steps
    return {
        "steps": steps,
        "work": time.process_time() - begun,
        "failures": report.failures,
        "seconds_by_stage": report.seconds,
        "sentences": [f"{r.stage} {r.borough} {r.outcome}: {r.sentence}" for r in report.results],
    }


def _kill_at(end: float) -> None:
    while time.process_time() < end:
        time.sleep(0.002)
    killing.kill()


def a_command(order: dict[str, Any]) -> dict[str, Any]:
    """`loda` with arguments, and what its user sees of it: exit code, output, and what escaped as a stack trace.

    At a step (`step`) or as a stage begins for the first time (`before`), it waits until the test has gone on (`pause`,
    a folder), or its clock jumps (`jump`, a moment).
    """
    from typer.testing import CliRunner

    from pipelines.cli import app

    whole_night._Night._new_pool = staticmethod(InThisProcess)  # type: ignore[assignment]
    act = killing.kill
    if "pause" in order:
        act = functools.partial(_wait_for_the_test, Path(order["pause"]))
    elif "jump" in order:
        act = functools.partial(os.environ.__setitem__, "LODA_NOW", order["jump"])
    KILLER.arm(order["home"], int(order.get("step", 0)), act)
    if "before" in order:
        _first_of_all(order["before"], act)
    done = CliRunner().invoke(app, order["arguments"])
    KILLER.below = ""
    escaped = done.exception if done.exception and not isinstance(done.exception, SystemExit) else None
    where = "".join(traceback.format_exception(escaped)) if escaped else ""
    return {"code": done.exit_code, "output": done.output, "escaped": where, "steps": KILLER.steps}


def _first_of_all(stage: str, act: Callable[[], None]) -> None:
    own, due = getattr(night, stage), [act]

    def call(*arguments: Any) -> Any:
        while due:
            due.pop()()
        return own(*arguments)

    setattr(night, stage, call)


def _wait_for_the_test(folder: Path) -> None:
    (folder / "reached").touch()
    while not (folder / "go").exists():
        time.sleep(0.01)


def a_stage(order: dict[str, Any]) -> dict[str, Any]:
    """One stage in a process of its own, as a task of Airflow's runs it; what it said, or what it failed with.

    At a step (`step`) it waits until the test has gone on (`pause`, a folder).
    """
    act = functools.partial(_wait_for_the_test, Path(order["pause"])) if "pause" in order else killing.kill
    KILLER.arm(order["home"], int(order.get("step", 0)), act)
    try:
        with night.told(order["stage"], order["arguments"][0]):
            result = getattr(night, order["stage"])(*order["arguments"])
    except LodaError as error:
        return {"failed": str(error)}
    finally:
        KILLER.below = ""
    return {"outcome": result.outcome, "sentence": result.sentence}


def an_outcome(order: dict[str, Any]) -> dict[str, Any]:
    """An analyst of a borough records a finding on the page of the first home of its list; killed at a step."""
    from review.app import create_app
    from tests.review.conftest import Browser

    borough = order["borough"]
    with ledger.transaction() as session:
        issued = newest_list(session, borough)
        assert issued is not None
        first = sa.select(ListEntry.uprn).where(ListEntry.list_id == issued.id, ListEntry.rank == 1)
        uprn, day = session.scalars(first).one(), issued.as_of
    browser = Browser(create_app()).sign_in("analyst", borough)
    fields = {"visited-day": str(day.day), "visited-month": str(day.month), "visited-year": str(day.year)}
    KILLER.arm(order["home"], int(order.get("step", 0)))
    answer = browser.post_form(
        f"/properties/{borough}/{uprn}/outcome",
        **{"found": "not_hmo", "method": "visit", "officer": "A Example", "note": "", "version": "0", **fields},
    )
    KILLER.below = ""
    return {"status": answer.status_code, "steps": KILLER.steps}


def recorded(_order: dict[str, Any]) -> dict[str, Any]:
    """How many outcomes there are, how many lines of the audit log tell of one, and versions of what officers hold."""
    told = sa.select(sa.func.count()).select_from(AuditEvent).where(AuditEvent.what == "record outcome")
    with ledger.transaction() as session:
        counts = {
            "outcomes": session.scalar(sa.select(sa.func.count()).select_from(Outcome)),
            "told": session.scalar(told),
            "versions": session.scalar(sa.select(sa.func.sum(PropertyCase.version))) or 0,
        }
    ledger.engine().dispose()
    return counts


def a_world(order: dict[str, Any]) -> dict[str, Any]:
    """Synthetic extracts."""
    demo.make(order["out"], order["truth"], order["boroughs"], order["dwellings"], order["seed"], 1, _day(order))
    return {}


def _day(order: dict[str, Any]) -> Any:
    from datetime import date

    return date.fromisoformat(order["until"])


ACTS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "night": a_night,
    "loda": a_command,
    "stage": a_stage,
    "discover": lambda _order: {"boroughs": night.discover()},
    "outcome": an_outcome,
    "recorded": recorded,
    "late": lambda _order: {"late": [one.sentence for one in deadline.not_out()]},
    "world": a_world,
    "content": lambda order: state.content(Path(order.get("place", order["home"]))),
    "faults": lambda order: {"faults": state.faults(Path(order.get("place", order["home"])))},
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
                if "schemas" in order:  # contracts and mappings of a deploy, instead of this checkout's
                    registry.FOLDER = Path(order["schemas"])
                    registry.clear()
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
    load()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a stage prints is no answer
    for line in sys.stdin:
        answers.write(json.dumps(in_a_child(json.loads(line))) + "\n")
        answers.flush()
