"""`make run`: one whole night through Airflow on this machine, told line by line.

Each DAG runs to its end with `DAG.test()` in a process of its own, so that its memory is given back. Airflow takes 8
to 12 seconds to import and to build its API, so one process, the host, does that once and forks a child for each DAG.
It also loads the libraries that several DAGs need. The host has one thread, but for that of Arrow's memory, which a
fork renews, and never touches the lake: a process that has used a lake table must not fork.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from loda_environment import BIN, ROOT, airflow_home, environment, make_database

INTAKE, REPORT, LINK, TRAIN = "loda_ingest", "loda_report", "loda_link", "loda_train_hmo"
SCORE, PUBLISH = "loda_score_hmo", "loda_publish"
NIGHT_STATE = "whole night"
SHARED_LIBRARIES = ("great_expectations", "skops.io")
"""With pandas, scikit-learn and SciPy below them. Loaded before Airflow: skops asks every loaded module for each of its
names, at which Airflow's modules warn a thousand times, and a DAG that needs a model waits six seconds."""
PREPARING = (
    "prepare",
    "discover",
    "boroughs_with_data",
    "boroughs_to_list",
    "boroughs_with_outcomes",
    "training_is_due",
    "resolve_as_of",
)


class NightStopped(Exception):
    """The night cannot go on; its text says why."""


class Reporter(logging.Handler):
    """Hands what tasks say about their progress to the parent process, a JSON object a line."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self.pipe = os.fdopen(descriptor, "w", buffering=1)

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a progress record on; other records stay in the log."""
        progress = getattr(record, "progress", None)
        if progress:
            self.send(progress)

    def send(self, fields: dict[str, Any]) -> None:
        """Write one object."""
        self.pipe.write(json.dumps(fields) + "\n")


def host_dags(descriptor: int) -> None:
    """Host process: load Airflow, then run each DAG whose id comes on standard input in a forked child."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # or NumPy starts a thread, and threads forbid a fork
    for library in SHARED_LIBRARIES:
        importlib.import_module(library)
    import asyncio

    import httpx
    from airflow import settings
    from airflow.dag_processing.dagbag import DagBag
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    reporter = Reporter(descriptor)
    progress = logging.getLogger("loda.progress")
    progress.addHandler(reporter)
    progress.setLevel(logging.INFO)
    bag = DagBag(ROOT / "dags")
    app = in_process_api_server().app

    async def build_routes() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://in-process") as client:
            await client.get("/health")

    asyncio.run(build_routes())  # half of the time that Airflow takes to start, and leaves no thread behind
    for line in sys.stdin:
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            settings.engine.dispose(close=False)  # a database connection belongs to the process that opened it
            _run_dag(bag, line.strip(), reporter)
        _, status = os.waitpid(child, 0)
        if status:
            reporter.send(
                {"outcome": "ended", "state": f"exit {os.waitstatus_to_exitcode(status)}", "announced": False}
            )


def _run_dag(bag: Any, dag_id: str, reporter: Reporter) -> None:
    code = 1
    try:
        if bag.import_errors:
            raise ImportError(f"DAGs cannot be imported: {bag.import_errors}")
        run = bag.dags[dag_id].test()
        states = {instance.task_id: str(instance.state) for instance in run.get_task_instances()}
        announced = any(task.startswith("announce_") and state == "success" for task, state in states.items())
        reporter.send({"outcome": "ended", "state": str(run.state), "announced": announced})
        code = 0
    except Exception:
        logging.getLogger(__name__).exception("%s could not be run", dag_id)
    finally:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)  # the thread of Airflow's API would hold the process for seconds


class Host:
    """The process in which Airflow is loaded, from the parent's side."""

    def __init__(self, log: Path) -> None:
        reading, writing = os.pipe()
        with log.open("ab") as handle:
            self.process = subprocess.Popen(  # noqa: S603 - this file
                [sys.executable, __file__, "--report-to", str(writing)],
                stdin=subprocess.PIPE,
                stdout=handle,
                stderr=handle,
                pass_fds=[writing],
                env=environment(),
                cwd=ROOT,
                start_new_session=True,  # so that it can be ended with its child
            )
        os.close(writing)
        self.reports = os.fdopen(reading)

    def run(self, dag_id: str) -> Iterator[dict[str, Any]]:
        """Run a DAG to its end; yields its progress reports, the last of which has the outcome `ended`.

        Raises:
            NightStopped: the process ended before that.
        """
        if self.process.stdin is not None and self.process.poll() is None:
            self.process.stdin.write(f"{dag_id}\n".encode())
            self.process.stdin.flush()
        for line in self.reports:
            report = json.loads(line)
            yield report
            if report["outcome"] == "ended":
                return
        raise NightStopped(f"Airflow ended with exit code {self.process.wait()} while {dag_id} was to run.")

    def stop(self) -> None:
        """End the process, at once if a child of it is at work: what a stage writes appears whole or not at all."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=1)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reports.close()


class Terminal:
    """The night as a person watches it: a line for each stage that ended, a moving one for the stage under way."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
        self.failures = 0
        self.status = self.console.status("") if self.console.is_terminal else None

    def say(self, sentence: str) -> None:
        """One sentence on a line of its own."""
        self.console.print(sentence, markup=False)

    def show(self, report: dict[str, Any]) -> None:
        """One report of a task."""
        outcome, stage, borough = report["outcome"], report["stage"], report["borough"]
        if outcome == "started":
            if self.status:
                self.status.update(f"{borough}: {stage}")
                self.status.start()
            return
        if outcome in {"failed", "put off"}:
            self.failures += outcome == "failed"
        elif stage in PREPARING:
            return
        style = {"failed": "bold red", "put off": "yellow", "made": "green"}.get(outcome, "dim")
        line = f"{borough:<24} {stage:<14} {outcome:<9} {report['seconds']:6.1f} s  "
        self.console.print(f"[{style}]{line}[/]", report["sentence"] and _plain(report["sentence"]), sep="")

    def pause(self) -> None:
        """Take the moving line away."""
        if self.status:
            self.status.stop()


def _plain(sentence: str) -> str:
    from rich.markup import escape

    return escape(sentence)


class Memory(threading.Thread):
    """Watches the memory of this process and all below it (resident set, bytes)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0

    def run(self) -> None:
        """Sample twice a second."""
        import psutil

        me = psutil.Process()
        while True:
            total = 0
            for process in [me, *me.children(recursive=True)]:
                try:
                    total += process.memory_info().rss
                except psutil.NoSuchProcess:
                    continue
            self.peak = max(self.peak, total)
            time.sleep(0.5)


def made_from() -> str:
    """Hash of all that a night's lists are made from, so that a night with nothing new can be told from others."""
    import sqlalchemy as sa

    from pipelines import night
    from pipelines.core.hashing import hash_files
    from pipelines.core.ledger.engine import transaction
    from pipelines.core.ledger.models import ModelVersion
    from pipelines.core.settings import settings
    from pipelines.governance.stages import drops_behind, input_hash

    with transaction() as session:
        champions = sorted(session.scalars(sa.select(ModelVersion.id).where(ModelVersion.status == "champion")))
    data = hash_files((ROOT / "schemas").rglob("*.yaml"))
    return input_hash(
        drops_behind(), champions, str(night.resolve_as_of(None)), data, settings().capacity, settings().list_length
    )


def make_extracts_if_none(terminal: Terminal) -> None:
    """Fill an empty bucket with the synthetic extracts of `loda demo`.

    Raises:
        NightStopped: they could not be made.
    """
    from pipelines.core.bucket import Folder
    from pipelines.core.settings import settings

    if Folder(settings().bucket_url).list("drops"):
        return
    terminal.say("The bucket is empty: making synthetic extracts first.")
    if subprocess.run([str(BIN / "loda"), "demo"], env=environment(), cwd=ROOT, check=False).returncode:  # noqa: S603
        raise NightStopped("The synthetic extracts could not be made; the line above says why.")
    time.sleep(settings().stable_seconds)  # a younger file counts as one that is still being written


class Night:
    """The DAGs of one night, run one after the other and told on the terminal."""

    def __init__(self, terminal: Terminal, host: Host) -> None:
        self.terminal, self.host = terminal, host

    def run(self, dag_id: str) -> bool:
        """Run a DAG to its end; returns whether it announced something new."""
        failures, last = self.terminal.failures, {}
        for report in self.host.run(dag_id):
            last = report
            if report["outcome"] != "ended":
                self.terminal.show(report)
        self.terminal.pause()
        if last["state"] != "success" and self.terminal.failures == failures:
            self.terminal.failures += 1
            self.terminal.say(f"{dag_id} ended as {last['state']}; the log says why.")
        return bool(last["announced"])


def whole_night(night: Night, terminal: Terminal) -> None:
    """Intake, pages and notices; and if anything is new links, a model if one is due, lists, files."""
    from pipelines import night as stages
    from pipelines.governance.stages import is_done, mark_done

    changed = night.run(INTAKE)
    night.run(REPORT)
    if not stages.boroughs_with_data():
        terminal.say(
            "No borough has a gazetteer in the lake yet, so there is nothing to rank. 'loda status' says more."
        )
        return
    if not changed and not terminal.failures and is_done(NIGHT_STATE, stages.LONDON, made_from()):
        terminal.say("Nothing new has been dropped and every list is current: nothing was changed.")
        return
    night.run(LINK)
    if stages.training_is_due():
        night.run(TRAIN)
    night.run(SCORE)
    night.run(PUBLISH)
    if not terminal.failures:
        mark_done(NIGHT_STATE, stages.LONDON, made_from(), {"boroughs": len(stages.boroughs_with_data())})


@contextmanager
def only_one(home: Path) -> Iterator[None]:
    """Hold this machine's night against a second one.

    Raises:
        NightStopped: another one is running.
    """
    from filelock import FileLock, Timeout

    home.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(home / "night.lock", timeout=0):
            yield
    except Timeout:
        raise NightStopped(f"Another night is running on {home.parent}; wait for it to end.") from None


def where_to_look() -> str:
    """The command that opens the officers' pages, and the address of a list there is."""
    import sqlalchemy as sa

    from pipelines.core.ledger.engine import transaction
    from pipelines.core.ledger.models import PublishedList
    from review.settings import address

    with transaction() as session:
        listed = session.scalar(
            sa.select(sa.func.min(PublishedList.borough)).where(PublishedList.withdrawn_at.is_(None))
        )
    found = f"{address()}/lists/{listed}" if listed else address()
    return f"Where officers work the lists: run 'make serve' and open {found}"


def main() -> int:
    """Parent process: run the night and show it. Exit code 1 if anything failed."""
    from pipelines.core.errors import LodaError
    from pipelines.core.settings import settings

    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)  # end Airflow's process too, as Ctrl-C does
    began, terminal, memory = time.monotonic(), Terminal(), Memory()
    memory.start()
    log = settings().home / "logs" / f"night-{datetime.now():%Y%m%d-%H%M%S}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    host = None
    try:
        with only_one(airflow_home()):
            make_extracts_if_none(terminal)
            terminal.say(f"Running the night through Airflow; its own log is {log}.")
            make_database(log)
            host = Host(log)
            whole_night(Night(terminal, host), terminal)
    except (NightStopped, LodaError) as error:
        terminal.failures += 1
        terminal.say(f"{error} See {log}.")
    except KeyboardInterrupt:
        terminal.say("Stopped. Whatever was under way is done again the next time; nothing is half written.")
        return 130
    finally:
        terminal.pause()
        if host is not None:
            host.stop()
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    terminal.say(f"The night took {minutes} min {seconds} s; peak memory {memory.peak / 2**30:.1f} GiB.\n")
    shown = subprocess.run([str(BIN / "loda"), "tonight"], cwd=ROOT, env=environment(), check=False)  # noqa: S603
    terminal.say(f"\n{where_to_look()}")
    if terminal.failures:
        terminal.say(f"\n{terminal.failures} failed above and stay at their last good state; everything else is done.")
    return 1 if terminal.failures or shown.returncode else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run one night through Airflow on this machine.")
    parser.add_argument("--report-to", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.report_to is not None:
        host_dags(arguments.report_to)
    else:
        sys.exit(main())
