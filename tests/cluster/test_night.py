"""A night on S3 and PostgreSQL gives the lists of a laptop: by one process a host, and by two Celery workers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.cluster.hosts import BIN, KEYS, ROOT, Cluster, inherited, lists_of_folder, loda, night, process

BOROUGHS = ("barnet", "bexley", "camden")
EXTRACTS = ("--boroughs", ",".join(BOROUGHS), "--dwellings", "400", "--seed", "1")
NIGHTLY = ("loda_ingest", "loda_link", "loda_train_hmo", "loda_score_hmo", "loda_publish")
WORKERS = ("worker-a", "worker-b")
NIGHT_SECONDS = 1500

Lists = dict[str, list[tuple[str, ...]]]


@pytest.fixture(scope="module")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Lists:
    """The lists of the same extracts on SQLite and a folder."""
    home = tmp_path_factory.mktemp("laptop")
    own = {**inherited(), **KEYS, "LODA_HOME": str(home), "LODA_STABLE_SECONDS": "0", "PYTHONPATH": str(ROOT)}
    loda(own, "demo", *EXTRACTS)
    night(own)
    found = lists_of_folder(home / "published")
    assert set(found) == set(BOROUGHS)
    assert all(len(entries) > 20 for entries in found.values())
    return found


def test_a_night_by_hand_on_one_host_goes_on_on_another(cluster: Cluster, at_home: Lists) -> None:
    cluster.make_database("plain")
    first, second = (cluster.environment(host, "plain") for host in ("host-a", "host-b"))
    loda(first, "demo", *EXTRACTS)
    told = night(first)
    assert told["rows_in"] == told["accepted"] + told["quarantined"] > 9000
    assert cluster.published("plain") == at_home
    # The other host has an empty disk: it finds all that was done, and can open the model.
    assert night(second)["changed"] is False
    loda(second, "model", "evaluate")
    assert "none changed" in loda(second, "audit", "verify")
    _holds_receipts(cluster, "plain")


def _holds_receipts(cluster: Cluster, space: str) -> None:
    with cluster.database(space).connect() as connection:
        found = connection.execute(
            sa.text(
                "SELECT borough, count(*), count(receipt) FROM loda_drop WHERE status = 'accepted' GROUP BY borough"
            )
        ).all()
    assert {row[0] for row in found} == set(BOROUGHS)
    assert all(drops == receipts > 0 for _, drops, receipts in found)


@pytest.fixture(scope="module")
def airflow(cluster: Cluster) -> Iterator[dict[str, str]]:
    """Airflow with two workers that share no folder; the environment of its command on the first host."""
    for name in ("airflow", "celery"):
        cluster.make_database(name)
    head = cluster.environment("head", "celery")
    _airflow(head, "db", "migrate")
    loda(head, "demo", *EXTRACTS)
    logs = cluster.folder / "logs"
    logs.mkdir()
    parts = (("api-server",), ("dag-processor",), ("scheduler", "--skip-serve-logs"))
    with ExitStack() as started:
        for part in parts:
            started.enter_context(process(head, logs / f"{part[0]}.log", str(BIN / "airflow"), *part))
        for worker in WORKERS:
            own = cluster.environment(worker, "celery")
            command = ("celery", "worker", "--celery-hostname", f"{worker}@cluster", "--skip-serve-logs")
            started.enter_context(
                process(own, logs / f"{worker}.log", str(BIN / "airflow"), *command, "--concurrency", "1")
            )
        yield head


def _airflow(environment: dict[str, str], *arguments: str) -> None:
    Path(environment["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [str(BIN / "airflow"), *arguments], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def _rows(cluster: Cluster, query: str) -> list[tuple[Any, ...]]:
    with cluster.database("airflow").connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query))]


def _until(what: str, seconds: float, is_so: Any) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, f"not within {seconds} s: {what}"
        time.sleep(2)


def test_a_night_by_two_workers(cluster: Cluster, airflow: dict[str, str], at_home: Lists) -> None:
    known = "SELECT dag_id FROM dag WHERE is_stale = false AND is_paused = false"
    _until("DAGs are read", 180, lambda: set(NIGHTLY) <= {row[0] for row in _rows(cluster, known)})
    _airflow(airflow, "dags", "trigger", "loda_ingest")

    def is_over() -> bool:
        runs = dict(_rows(cluster, "SELECT dag_id, state FROM dag_run"))
        failed = [dag for dag, state in runs.items() if state == "failed"]
        assert not failed, _rows(
            cluster, "SELECT dag_id, task_id, map_index, state, try_number FROM task_instance WHERE state <> 'success'"
        )
        queued = _rows(cluster, "SELECT 1 FROM asset_dag_run_queue")
        return set(NIGHTLY) <= set(runs) and set(runs.values()) == {"success"} and not queued

    _until("the night's DAGs succeed", NIGHT_SECONDS, is_over)
    assert cluster.published("celery") == at_home
    _holds_receipts(cluster, "celery")
    assert "none changed" in loda(airflow, "audit", "verify")
    done = _tasks_by_worker(cluster)
    assert all(done.get(f"{worker}@cluster", 0) > 0 for worker in WORKERS), done


def _tasks_by_worker(cluster: Cluster) -> dict[str, int]:
    """What each worker says of itself when it is asked through the broker."""
    from celery import Celery

    told = Celery(broker=cluster.redis).control.inspect(timeout=10).stats() or {}
    return {name: sum(own["total"].values()) for name, own in told.items()}
