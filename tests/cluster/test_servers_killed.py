"""The S3 server, Redis and one of two schedulers end with SIGKILL in the middle of one night and are started again.

Each is killed while stages are at work, and comes back after some seconds, as systemd has it by `Restart=always`. Redis
keeps nothing on disk here, so that tasks that wait at it are lost with it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.cluster.hosts import Cluster, Lists, loda
from tests.cluster.servers import wait_for_bucket
from tests.cluster.test_worker_killed import SOON
from tests.cluster.workers import SCHEDULER, Airflow, airflow_on

NIGHT_SECONDS = 2400
AWAY_SECONDS = 15
SOONER = {**SOON, "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "30"}


def test_s3_redis_and_a_scheduler_killed_in_mid_night_cost_no_list(cluster: Cluster, at_home: Lists) -> None:
    cluster.more = SOONER
    with airflow_on(cluster) as airflow:
        airflow.kept_up = True
        airflow.start("head-2", "scheduler-2", *SCHEDULER)
        airflow.begin_night()
        airflow.until("two schedulers are at work", 300, lambda: airflow.schedulers() == 2)
        hit = [
            _broken(airflow, ("harmonise",), lambda: _killed(cluster, "s3")),
            _broken(airflow, ("gate", "publish"), lambda: _killed(cluster, "redis")),
            _broken(airflow, ("link",), lambda: airflow.kill_part("scheduler")),
        ]
        airflow.until("the night's DAGs succeed", NIGHT_SECONDS, airflow.is_over)
        again = {task: tries for task, (_, tries) in airflow.tries().items() if tries > 1}
    print(f"under way at each kill: {hit}; tried again: {again}; parts started again: {dict(airflow.restarts)}")  # noqa: T201
    assert airflow.restarts["scheduler"] == 1
    assert cluster.published() == at_home
    assert "none changed" in loda(cluster.environment("another-host"), "audit", "verify")
    _nothing_doubled(cluster)


def _broken(airflow: Airflow, stages: tuple[str, ...], fault: Callable[[], None]) -> set[tuple[str, str, int]]:
    """Make the fault while one of the stages is at work; returns what was."""
    airflow.until(f"one of {stages} is at work", NIGHT_SECONDS, lambda: bool(airflow.under_way(stages)))
    hit = airflow.under_way(stages)
    assert hit, "it was over before the kill"
    fault()
    return hit


def _killed(cluster: Cluster, name: str) -> None:
    server = cluster.servers[name]
    server.kill()
    time.sleep(AWAY_SECONDS)
    server.start()
    if name == "s3":
        wait_for_bucket(server)


def _nothing_doubled(cluster: Cluster) -> None:
    """One last good extract a source, each with all its rows, and one list a borough."""
    wrong = "SELECT id FROM loda_drop WHERE finished_at IS NOT NULL AND rows_in <> accepted + quarantined"
    assert cluster.rows("loda", wrong) == []
    lists = cluster.rows("loda", "SELECT borough, count(*) FROM loda_list GROUP BY borough")
    assert {str(borough): number for borough, number in lists} == dict.fromkeys(cluster.boroughs, 1)
    told = cluster.rows("loda", "SELECT count(*), count(DISTINCT drop_id) FROM loda_last_good")[0]
    assert told[0] == told[1]
