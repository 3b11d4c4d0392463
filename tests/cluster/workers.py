"""Airflow on a cluster: its parts on one host, Celery's workers on others, and a night that is watched to its end."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from subprocess import Popen

import httpx

from tests.cluster.hosts import BIN, Cluster, airflow, family_of, kill, process

NIGHTLY = ("loda_ingest", "loda_link", "loda_train_hmo", "loda_score_hmo", "loda_publish")
WORKERS = ("worker-a", "worker-b")
SCHEDULER = ("scheduler", "--skip-serve-logs")
PARTS = (("api-server",), ("dag-processor",), SCHEDULER)
MOST_RESTARTS = 5
READY_SECONDS = 300
RECEIVED = re.compile(r"\[([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\] received")
"""How Celery tells in a worker's log that it has taken a task."""


@dataclass
class Airflow:
    """An Airflow that runs on a cluster; `stack` ends what is started on it.

    Where it is `kept_up`, a part that ends is started again, as systemd does by `Restart=always`.
    """

    cluster: Cluster
    stack: ExitStack
    workers: dict[str, Popen[bytes]] = field(default_factory=dict)
    parts: dict[str, Popen[bytes]] = field(default_factory=dict)
    kept_up: bool = False
    restarts: Counter[str] = field(default_factory=Counter)
    _commands: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def start_worker(self, host: str) -> None:
        """A Celery worker on a host with an empty disk."""
        command = ("celery", "worker", "--celery-hostname", f"{host}@cluster", "--skip-serve-logs")
        self.workers[host] = self.start(host, host, *command)

    def start(self, host: str, name: str, *command: str) -> Popen[bytes]:
        """A part of Airflow on a host; it is ended with the test."""
        self._commands[name] = (host, command)
        log = self.cluster.folder / "logs" / f"{name}.log"
        started = process(self.cluster.environment(host), log, str(BIN / "airflow"), *command)
        self.parts[name] = self.stack.enter_context(started)
        return self.parts[name]

    def tasks(self) -> list[tuple[str, str, str]]:
        """Task, state and host of every task instance, the host being the one whose worker's log tells of it."""
        query = "SELECT external_executor_id, task_id, coalesce(state, '') FROM task_instance"
        known = {str(name): (str(task), str(state)) for name, task, state in self.cluster.rows("airflow", query)}
        return [(*known[name], host) for host in self.workers for name in self.received(host) if name in known]

    def received(self, host: str) -> set[str]:
        """Ids of what a worker has taken, from its log."""
        log = self.cluster.folder / "logs" / f"{host}.log"
        return set(RECEIVED.findall(log.read_text(errors="replace"))) if log.exists() else set()

    def kill_worker(self, host: str) -> None:
        """End a worker and all below it at once, as when its host loses its power."""
        kill(family_of(self.workers[host]))
        del self.parts[host]  # from now on it may be away

    def kill_part(self, name: str) -> None:
        """End a part of Airflow and all below it at once."""
        kill(family_of(self.parts[name]))

    def schedulers(self) -> int:
        """How many are at work."""
        query = "SELECT count(*) FROM job WHERE job_type = 'SchedulerJob' AND state = 'running'"
        return int(str(self.cluster.rows("airflow", query)[0][0]))

    def under_way(self, stages: Collection[str]) -> set[tuple[str, str, int]]:
        """DAG, task and place of the tasks of some stages that were begun and have not ended."""
        query = "SELECT dag_id, task_id, map_index FROM task_instance WHERE state = 'running' AND pid IS NOT NULL"
        found = [(str(d), str(t), int(str(m))) for d, t, m in self.cluster.rows("airflow", query)]
        return {task for task in found if task[1].rsplit(".", 1)[-1] in stages}

    def tries(self) -> dict[tuple[str, str, int], tuple[str, int]]:
        """State and number of tries of every task instance."""
        query = "SELECT dag_id, task_id, map_index, state, try_number FROM task_instance"
        found = self.cluster.rows("airflow", query)
        return {(str(d), str(t), int(str(m))): (str(state), int(str(tries))) for d, t, m, state, tries in found}

    def by_worker(self) -> Counter[str]:
        """How many task instances each host has ended well."""
        return Counter(host for _, state, host in self.tasks() if state == "success")

    def states(self) -> list[tuple[str, str]]:
        """DAG and state of every run."""
        return [
            (str(dag), str(state)) for dag, state in self.cluster.rows("airflow", "SELECT dag_id, state FROM dag_run")
        ]

    def faults(self) -> str:
        """What is not well, for the message of a test that fails."""
        query = "SELECT dag_id, task_id, map_index, state, try_number FROM task_instance WHERE state <> 'success'"
        logs = sorted((self.cluster.folder / "logs").glob("*.log"))
        ended = [f"{log.name}:\n{log.read_text(errors='replace')[-1500:]}" for log in logs]
        return f"{self.states()}\n{self.cluster.rows('airflow', query)}\n" + "\n".join(ended)

    def begin_night(self) -> None:
        """Start the first DAG of the night; what follows starts by what it announces."""
        self.until("Airflow's interface answers", READY_SECONDS, self.answers)
        known = "SELECT dag_id FROM dag WHERE is_stale = false AND is_paused = false"
        self.until(
            "all DAGs are read",
            READY_SECONDS,
            lambda: set(NIGHTLY) <= {r[0] for r in self.cluster.rows("airflow", known)},
        )
        airflow(self.cluster.environment("head"), "dags", "trigger", "loda_ingest")

    def answers(self) -> bool:
        """Whether the api-server does; a task that starts before it fails and is tried again."""
        try:
            address = f"http://127.0.0.1:{self.cluster.port}/api/v2/monitor/health"
            return bool(httpx.get(address, timeout=5).status_code == httpx.codes.OK)
        except httpx.TransportError:
            return False

    def is_over(self) -> bool:
        """Whether every DAG of the night has run to its end, and none is about to start."""
        runs = self.states()
        assert "failed" not in {state for _, state in runs}, self.faults()
        waiting = self.cluster.rows("airflow", "SELECT 1 FROM asset_dag_run_queue")
        return set(NIGHTLY) <= {dag for dag, _ in runs} and {state for _, state in runs} == {"success"} and not waiting

    def until(self, what: str, seconds: float, is_so: Callable[[], bool]) -> None:
        """Wait until something is so; all parts must keep running meanwhile."""
        end = time.monotonic() + seconds
        while not is_so():
            gone = [name for name, part in self.parts.items() if part.poll() is not None]
            if self.kept_up:
                gone = [name for name in gone if not self._start_again(name)]
            assert not gone, f"ended by themselves: {gone}\n{self.faults()}"
            assert time.monotonic() < end, f"not within {seconds} s: {what}\n{self.faults()}"
            time.sleep(2)

    def _start_again(self, name: str) -> bool:
        if self.restarts[name] == MOST_RESTARTS:
            return False
        self.restarts[name] += 1
        host, command = self._commands[name]
        started = self.start(host, name, *command)
        if name in self.workers:
            self.workers[name] = started
        return True


@contextmanager
def airflow_on(cluster: Cluster) -> Iterator[Airflow]:
    """Airflow with two workers that share no folder, until the block ends."""
    (cluster.folder / "logs").mkdir()
    with ExitStack() as stack:
        started = Airflow(cluster, stack)
        for part in PARTS:
            started.start("head", part[0], *part)
        for host in WORKERS:
            started.start_worker(host)
        yield started
