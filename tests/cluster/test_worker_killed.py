"""A worker that is killed in the middle of a task costs the night minutes and no list."""

from __future__ import annotations

from tests.cluster.hosts import Cluster, Lists, loda
from tests.cluster.workers import Airflow, airflow_on

NIGHT_SECONDS = 1800
SOON = {
    # Airflow's defaults are five and ten minutes; nothing else is other than in a night that nobody disturbs.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT": "180",
    "AIRFLOW__SCHEDULER__TASK_QUEUED_TIMEOUT_CHECK_INTERVAL": "20",
}
LONG = ("harmonise", "gate", "publish", "link")
"""Tasks that write, and take seconds, so that a kill falls into the middle of one."""


def test_a_worker_killed_in_the_middle_of_a_task_costs_no_list(cluster: Cluster, at_home: Lists) -> None:
    cluster.more = SOON
    with airflow_on(cluster) as airflow:
        airflow.begin_night()
        airflow.until(
            "worker-a is at work on a long task", NIGHT_SECONDS, lambda: bool(_under_way(airflow, "worker-a"))
        )
        airflow.kill_worker("worker-a")
        lost = _under_way(airflow, "worker-a")
        assert lost, "it was over before the kill"
        airflow.until("the night's DAGs succeed", NIGHT_SECONDS, airflow.is_over)
        again = airflow.tries()
    assert {name: again[name] for name in lost} == dict.fromkeys(lost, ("success", 2))
    assert cluster.published() == at_home
    assert "none changed" in loda(cluster.environment("another-host"), "audit", "verify")


def _under_way(airflow: Airflow, host: str) -> set[tuple[str, str, int]]:
    """DAG, task and place of the long tasks that a worker has begun and not ended."""
    query = (
        "SELECT external_executor_id, dag_id, task_id, map_index FROM task_instance "
        "WHERE state = 'running' AND pid IS NOT NULL"
    )
    found = airflow.cluster.rows("airflow", query)
    mine = airflow.received(host)
    return {
        (str(dag), str(task), int(str(place)))
        for name, dag, task, place in found
        if str(name) in mine and str(task).rsplit(".", 1)[-1] in LONG
    }
