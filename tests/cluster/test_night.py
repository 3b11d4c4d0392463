"""A night on S3 and PostgreSQL by two Celery workers gives the lists of a laptop."""

from __future__ import annotations

import json

from tests.cluster.hosts import Cluster, Lists, loda
from tests.cluster.workers import WORKERS, Airflow, airflow_on

NIGHT_SECONDS = 1500


def test_a_night_by_two_workers_gives_the_lists_of_a_laptop(cluster: Cluster, at_home: Lists) -> None:
    with airflow_on(cluster) as airflow:
        airflow.begin_night()
        airflow.until("the night's DAGs succeed", NIGHT_SECONDS, airflow.is_over)
        _both_worked(airflow)
    assert cluster.published() == at_home
    _holds_receipts(cluster)
    _goes_on_elsewhere(cluster)


def _both_worked(airflow: Airflow) -> None:
    done = airflow.by_worker()
    assert set(done) == set(WORKERS), done
    assert all(done[worker] >= 5 for worker in WORKERS), done
    # Stages go to whoever is free, so that both have had the same ones, of different boroughs.
    stages = [{task for task, _, host in airflow.tasks() if host == worker} for worker in WORKERS]
    assert len(set.intersection(*stages)) >= 2, stages


def _holds_receipts(cluster: Cluster) -> None:
    query = "SELECT borough, count(*), count(receipt) FROM loda_drop WHERE status = 'accepted' GROUP BY borough"
    found = {str(borough): (drops, receipts) for borough, drops, receipts in cluster.rows("loda", query)}
    assert set(found) == set(cluster.boroughs)
    assert all(drops == receipts > 0 for drops, receipts in found.values()), found


def _goes_on_elsewhere(cluster: Cluster) -> None:
    """A host with an empty disk finds all that was done, opens the model, and reads an audit log that is whole."""
    other = cluster.environment("another-host")
    told = json.loads(loda(other, "run", "--json"))
    assert told["failures"] == []
    # What is written in the morning is not part of the DAGs above.
    assert {result["stage"] for result in told["results"] if result["outcome"] == "made"} <= {"pages", "notices"}
    assert {it["version"] for it in told["lists"].values()} == {1}
    assert cluster.rows("loda", "SELECT count(*) FROM loda_model_version WHERE status = 'champion'")[0][0] == 1
    loda(other, "model", "evaluate")
    assert "none changed" in loda(other, "audit", "verify")
    loda(other, "doctor")
    loda(other, "backup", "--out", str(cluster.folder / "backup"))
    manifest = json.loads((cluster.folder / "backup" / "manifest.json").read_text())
    assert {name.split("/")[0] for name in manifest["files"]} >= {"bucket", "lake", "published", "models"}
