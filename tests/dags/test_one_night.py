"""`make run` and `make airflow`: the order of a night's DAGs, what is shown, and the configuration they start from."""

from __future__ import annotations

import configparser
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Airflow:
    """Stands for the host process: ends each DAG as it is told to."""

    def __init__(self, announced: set[str], failing: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        self.ran: list[str] = []
        self.announced, self.failing = announced, failing

    def run(self, dag_id: str) -> Iterator[dict[str, Any]]:
        self.ran.append(dag_id)
        fields = {"stage": "admit", "borough": "camden", "seconds": 1.0}
        yield {**fields, "outcome": "started", "sentence": ""}
        failed = dag_id in self.failing
        yield {**fields, "outcome": "failed" if failed else "made", "sentence": "[b]Two drops[/b]."}
        yield {"outcome": "ended", "state": "failed" if failed else "success", "announced": dag_id in self.announced}


@pytest.fixture
def night_of(home: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `whole_night` over a stand-in for Airflow; returns the DAGs that ran and the failures."""
    import run_one_night

    from pipelines import night

    monkeypatch.setattr(run_one_night, "made_from", lambda: "the same")
    monkeypatch.setattr(night, "boroughs_with_data", lambda: ["camden"])
    monkeypatch.setattr(night, "training_is_due", lambda: False)

    def run(airflow: Airflow) -> tuple[list[str], int]:
        terminal = run_one_night.Terminal()
        run_one_night.whole_night(run_one_night.Night(terminal, airflow), terminal)
        return airflow.ran, terminal.failures

    return run


def test_a_night_goes_from_intake_to_files(night_of: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ran, failures = night_of(Airflow({"loda_ingest"}))
    assert ran == ["loda_ingest", "loda_report", "loda_link", "loda_score_hmo", "loda_publish"]
    assert failures == 0
    assert "camden" in capsys.readouterr().out


def test_a_sentence_is_shown_as_it_is(night_of: Any, capsys: pytest.CaptureFixture[str]) -> None:
    night_of(Airflow({"loda_ingest"}))
    assert "[b]Two drops[/b]." in capsys.readouterr().out


def test_a_night_trains_a_model_where_one_is_due(night_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import night

    monkeypatch.setattr(night, "training_is_due", lambda: True)
    ran, _ = night_of(Airflow({"loda_ingest"}))
    assert ran == ["loda_ingest", "loda_report", "loda_link", "loda_train_hmo", "loda_score_hmo", "loda_publish"]


def test_a_second_night_with_nothing_new_stops_after_intake(night_of: Any, capsys: pytest.CaptureFixture[str]) -> None:
    night_of(Airflow({"loda_ingest"}))
    ran, failures = night_of(Airflow(set()))
    assert ran == ["loda_ingest", "loda_report"]
    assert failures == 0
    assert "nothing was changed" in capsys.readouterr().out


def test_a_night_that_failed_is_finished_by_the_next_though_nothing_is_new(night_of: Any) -> None:
    ran, failures = night_of(Airflow({"loda_ingest"}, failing={"loda_score_hmo"}))
    assert ran == ["loda_ingest", "loda_report", "loda_link", "loda_score_hmo", "loda_publish"]
    assert failures == 1
    ran, failures = night_of(Airflow(set()))
    assert ran == ["loda_ingest", "loda_report", "loda_link", "loda_score_hmo", "loda_publish"]
    assert failures == 0


def test_without_any_spine_nothing_is_ranked(night_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import night

    monkeypatch.setattr(night, "boroughs_with_data", list)
    assert night_of(Airflow({"loda_ingest"})) == (["loda_ingest", "loda_report"], 0)


def test_the_end_names_the_command_and_the_address_of_a_list(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import run_one_night

    from pipelines.core.ledger.engine import transaction
    from pipelines.core.ledger.models import PublishedList
    from review.settings import review_settings

    now = datetime(2026, 6, 1, tzinfo=UTC)
    figures = {"capacity": 5, "rows": 0, "tie_seed": 1, "expected_hits": 0.0}

    def issued(borough: str, withdrawn_at: datetime | None) -> PublishedList:
        made_from = {"model_id": "m", "input_hash": "h", "as_of": now.date(), "version": 1, "issued_at": now}
        return PublishedList(id=borough, borough=borough, withdrawn_at=withdrawn_at, **made_from, **figures)

    monkeypatch.delenv("LODA_REVIEW_BASE_URL", raising=False)
    review_settings.cache_clear()
    assert run_one_night.where_to_look().endswith("run 'make serve' and open http://127.0.0.1:8000")
    with transaction() as session:
        session.add_all([issued("hackney", None), issued("camden", now)])
    assert run_one_night.where_to_look().endswith("run 'make serve' and open http://127.0.0.1:8000/lists/hackney")


def test_a_second_night_on_the_same_state_is_refused(tmp_path: Path) -> None:
    import run_one_night

    with (
        run_one_night.only_one(tmp_path),
        pytest.raises(run_one_night.NightStopped, match="Another night is running"),
        run_one_night.only_one(tmp_path),
    ):
        pass


def test_the_environment_keeps_its_keys_to_itself(home: Path) -> None:
    from loda_environment import airflow_home, environment

    first, second = environment(8081), environment(8081)
    assert first == second
    assert first["AIRFLOW__API__BASE_URL"] == "http://127.0.0.1:8081"
    keys = airflow_home() / "keys.json"
    assert stat.S_IMODE(keys.stat().st_mode) == 0o600
    assert home in keys.parents
    assert len(set(json.loads(keys.read_text()).values())) == 3


def test_the_configuration_holds_only_what_differs_and_no_secret() -> None:
    from airflow.configuration import conf

    own = configparser.ConfigParser(interpolation=None)
    own.read(ROOT / "airflow.cfg")
    for section in own.sections():
        for option, value in own.items(section):
            known = conf.configuration_description[section]["options"]
            assert option in known, f"Airflow has no option {section}.{option}"
            assert value != str(known[option].get("default"))
            assert not any(word in option for word in ("secret", "password", "key"))


def test_the_dags_are_found_from_the_folder_of_state(monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.configuration import conf

    monkeypatch.setenv("AIRFLOW_HOME", str(ROOT / "var" / "airflow"))
    monkeypatch.delenv("AIRFLOW__CORE__DAGS_FOLDER")
    assert Path(conf.get("core", "dags_folder")).resolve() == ROOT / "dags"
