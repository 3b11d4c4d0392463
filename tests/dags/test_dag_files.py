"""Every DAG file: it imports cheaply and without effects, and says whose it is, when it runs and what it is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DAGS = Path(__file__).resolve().parents[2] / "dags"
EXPECTED = [
    "loda_deadline",
    "loda_ingest",
    "loda_link",
    "loda_publish",
    "loda_report",
    "loda_retention",
    "loda_score_hmo",
    "loda_train_hmo",
]
SECONDS_TO_PARSE = 2.0
HEAVY = {"pandas", "numpy", "pyarrow", "deltalake", "sklearn", "great_expectations", "recordlinkage", "pipelines.night"}

# Reads each file as Airflow's processor would, and reports what came with it and what it touched.
PROBE = """
import json, sys, time
from airflow.sdk import Asset, CronTriggerTimetable, Param, dag, task, task_group
touched = []
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith((".py", ".pyc", ".so")):
        touched.append(arguments[0])
    if event in {"socket.connect", "sqlite3.connect", "subprocess.Popen"}:
        touched.append(event)
sys.path.insert(0, sys.argv[1])
sys.addaudithook(watch)
report = {}
for name in sys.argv[2:]:
    touched.clear()
    before, began = set(sys.modules), time.process_time()
    __import__(name)
    seconds = time.process_time() - began
    report[name] = {"seconds": seconds, "touched": list(touched), "modules": sorted(set(sys.modules) - before)}
print(json.dumps(report))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What reading each file took and touched, in a process of its own."""
    home = tmp_path_factory.mktemp("parsed") / "home"
    environment = {**os.environ, "LODA_HOME": str(home)}
    command = [sys.executable, "-B", "-c", PROBE, str(DAGS), *EXPECTED]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert not home.exists()
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def test_no_import_errors(bag: Any) -> None:
    assert bag.import_errors == {}


def test_the_dags_that_are_expected(bag: Any) -> None:
    assert sorted(bag.dags) == EXPECTED


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_one_dag_a_file_of_its_name(bag: Any, dag_id: str) -> None:
    assert Path(bag.dags[dag_id].fileloc) == DAGS / f"{dag_id}.py"


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_what_every_dag_says_of_itself(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    assert len(dag.doc_md.strip()) > 60
    assert "loda" in dag.tags
    assert len(dag.tags) > 1
    assert dag.max_active_runs == 1
    assert not dag.catchup
    for task in dag.tasks:
        assert task.owner == "loda"
        assert task.retries == 3
        assert task.retry_exponential_backoff
        assert task.max_retry_delay is not None
        assert task.on_failure_callback
        assert task.doc_md or task.python_callable.__doc__, f"{task.task_id} does not say what it does"


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_a_file_is_cheap_and_without_effects_when_parsed(parsed: dict[str, Any], dag_id: str) -> None:
    report = parsed[dag_id]
    assert not HEAVY & set(report["modules"])
    assert [path for path in report["touched"] if not path.startswith(sys.prefix)] == []
    assert report["seconds"] < SECONDS_TO_PARSE


def test_modules_without_dags_are_not_read_as_dags() -> None:
    ignored = {line for line in (DAGS / ".airflowignore").read_text().splitlines() if line and not line.startswith("#")}
    beside = {path.name for path in DAGS.glob("*.py")} - {f"{dag_id}.py" for dag_id in EXPECTED}
    assert beside | {"plugins/"} == ignored


STAGES = ("admit", "harmonise", "gate", "propose", "publish")
CHAINS = {
    "loda_ingest": {
        "prepare": {"agreements"},
        "agreements": {"discover", "boroughs_with_outcomes", "announce_harmonised"},
        "boroughs_with_outcomes": {"outcomes", "conclude_ingest"},
        "outcomes": {"announce_harmonised", "conclude_ingest"},
        "discover": {*(f"intake.{stage}" for stage in STAGES), "conclude_ingest"},
        "intake.admit": {"intake.harmonise"},
        "intake.harmonise": {"intake.gate"},
        "intake.gate": {"intake.propose"},
        "intake.propose": {"intake.publish"},
        "intake.publish": {"announce_harmonised", "conclude_ingest"},
        "announce_harmonised": {"conclude_ingest"},
        "conclude_ingest": set(),
    },
    "loda_link": {
        "boroughs": {"link", "landlords", "conclude_link"},
        "link": {"announce_linked", "conclude_link"},
        "landlords": {"announce_linked", "conclude_link"},
        "announce_linked": {"conclude_link"},
        "conclude_link": set(),
    },
    "loda_train_hmo": {
        "is_due": {"resolve_as_of"},
        "resolve_as_of": {"train"},
        "train": {"announce_trained", "conclude_training"},
        "announce_trained": {"conclude_training"},
        "conclude_training": set(),
    },
    "loda_score_hmo": {
        "resolve_as_of": {
            "boroughs",
            "ranking.features",
            "ranking.score",
            "ranking.licensing",
            "ranking.rank",
            "ranking.dossiers",
        },
        "boroughs": {
            "ranking.features",
            "ranking.score",
            "ranking.licensing",
            "ranking.rank",
            "ranking.dossiers",
            "conclude_score",
        },
        "ranking.features": {"ranking.score"},
        "ranking.score": {"ranking.licensing"},
        "ranking.licensing": {"ranking.rank"},
        "ranking.rank": {"ranking.dossiers", "announce_ranked", "conclude_score"},
        "ranking.dossiers": set(),
        "announce_ranked": {"conclude_score"},
        "conclude_score": set(),
    },
    "loda_publish": {
        "boroughs": {"publish_lists", "conclude_publish"},
        "publish_lists": {"conclude_publish"},
        "conclude_publish": set(),
    },
    "loda_deadline": {"lists_out": set()},
    "loda_report": {"publish_pages": set(), "notify": {"tell_boroughs"}, "tell_boroughs": set(), "measure": set()},
    "loda_retention": {"retention": set()},
}


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_structure(bag: Any, dag_id: str) -> None:
    assert {task.task_id: task.downstream_task_ids for task in bag.dags[dag_id].tasks} == CHAINS[dag_id]


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_a_borough_that_fails_stops_nothing_but_itself(bag: Any, dag_id: str) -> None:
    """Whatever joins boroughs again runs when all are done, failed ones included."""
    dag = bag.dags[dag_id]
    for task in dag.tasks:
        joins_boroughs = any(up.is_mapped or up.task_group.group_id for up in task.upstream_list) and not (
            task.is_mapped or task.task_group.group_id
        )
        if joins_boroughs:
            assert task.trigger_rule.value in {"all_done", "all_done_min_one_success"}, task.task_id


@pytest.mark.parametrize("dag_id", EXPECTED)
def test_the_grid_names_the_boroughs(bag: Any, dag_id: str) -> None:
    for task in bag.dags[dag_id].tasks:
        template = task.partial_kwargs.get("map_index_template") if task.is_mapped else task.map_index_template
        if task.is_mapped or task.task_group.group_id:
            assert template == "{{ task.op_kwargs['borough'] }}", task.task_id


def test_what_starts_what(bag: Any) -> None:
    """Each DAG waits for one asset or any of several, never for all of several, so that nothing waits for ever."""
    from airflow.sdk import AssetAny

    def updates(dag_id: str) -> set[str]:
        return {outlet.name for task in bag.dags[dag_id].tasks for outlet in task.outlets}

    def waits_for(dag_id: str) -> set[str]:
        condition = bag.dags[dag_id].timetable.asset_condition
        assert isinstance(condition, AssetAny) or len(condition.objects) == 1
        return {asset.name for asset in condition.objects}

    assert updates("loda_ingest") == waits_for("loda_link") == {"loda_harmonised"}
    assert waits_for("loda_train_hmo") == updates("loda_link")
    assert waits_for("loda_score_hmo") == updates("loda_link") | updates("loda_train_hmo")
    assert updates("loda_score_hmo") == waits_for("loda_publish") == {"loda_ranked"}


@pytest.mark.parametrize("dag_id", ["loda_train_hmo", "loda_score_hmo"])
def test_an_as_of_date_may_be_given_by_hand(bag: Any, dag_id: str) -> None:
    param = bag.dags[dag_id].params.get_param("as_of")
    assert param.value is None
    assert type(param)(None, schema=param.schema).resolve("2026-03-31") == "2026-03-31"
    with pytest.raises(ValueError, match="2026-31-03"):
        type(param)(None, schema=param.schema).resolve("2026-31-03")
