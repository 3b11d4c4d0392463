"""What a task does with a stage's result and with its faults."""

from __future__ import annotations

import logging
from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.core.errors import ConfigurationError, HeldDrop, LodaError, NotFound, RefusedDrop
from pipelines.core.lock import Busy
from pipelines.core.outside import Outside
from pipelines.core.types import StageResult


@pytest.fixture(scope="module")
def wiring() -> Any:
    import loda_wiring

    return loda_wiring


def raiser(error: BaseException) -> Any:
    def harmonise(borough: str) -> None:
        raise error

    return harmonise


def test_a_result_passes_as_a_small_dict(wiring: Any) -> None:
    def admit(borough: str) -> StageResult:
        return StageResult("admit", borough, "made", "Two drops.", {"drops": 2})

    assert wiring.run(admit, borough="camden") == {
        "stage": "admit",
        "borough": "camden",
        "outcome": "made",
        "sentence": "Two drops.",
        "counts": {"drops": 2},
    }


@pytest.mark.parametrize(
    "error",
    [
        HeldDrop("x", "The drop is held."),
        RefusedDrop("x", "The drop is refused."),
        ConfigurationError("A mapping is faulty."),
        NotFound("There is no such borough."),
        LodaError("Something is to be mended."),
        ValueError("a cell"),
        FileNotFoundError("a path"),
        PermissionError("a path"),
    ],
)
def test_what_a_person_must_mend_is_not_tried_again(wiring: Any, error: Exception) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException):
        wiring.run(raiser(error), borough="camden")


@pytest.mark.parametrize(
    "error", [ConnectionResetError(), TimeoutError(), OSError(5, "io"), Busy("borough-camden", 60), Outside("Full.")]
)
def test_what_may_pass_is_tried_again(wiring: Any, error: Exception) -> None:
    with pytest.raises(wiring.TryAgain):
        wiring.run(raiser(error), borough="camden")


def test_a_fault_of_the_network_behind_a_sentence_is_tried_again(wiring: Any) -> None:
    def harmonise(borough: str) -> None:
        try:
            raise ConnectionResetError
        except ConnectionResetError:
            raise LodaError("harmonise of camden failed with ConnectionResetError.") from None

    with pytest.raises(wiring.TryAgain, match="ConnectionResetError"):
        wiring.run(harmonise, borough="camden")


def test_a_refused_drop_is_not_tried_again_whatever_is_behind_it(wiring: Any) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    def harmonise(borough: str) -> None:
        try:
            raise OSError(5, "zip")
        except OSError as error:
            raise RefusedDrop("unreadable_spreadsheet", "The workbook is damaged.") from error

    with pytest.raises(AirflowFailException, match=r"^The workbook is damaged\.$"):
        wiring.run(harmonise, borough="camden")


def test_the_text_of_an_unforeseen_exception_is_told_to_nobody(wiring: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "Zebedee Canary"
    with pytest.raises(Exception, match=r"harmonise met ValueError at test_wiring\.py:\d+") as raised:
        wiring.run(raiser(ValueError(f"cannot convert '{canary}'")), borough="camden")
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    assert canary not in caplog.text + str(raised.value)
    assert "test_wiring.py" in caplog.text


def test_progress_is_told_with_borough_stage_and_seconds(wiring: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "loda.progress")

    def gate(borough: str) -> StageResult:
        return StageResult("gate", borough, "unchanged", "Nothing new.")

    wiring.run(gate, borough="camden")
    told = [record.progress for record in caplog.records]  # type: ignore[attr-defined]
    assert [(t["outcome"], t["stage"], t["borough"]) for t in told] == [
        ("started", "gate", "camden"),
        ("unchanged", "gate", "camden"),
    ]


def test_a_failure_is_told_in_one_sentence(wiring: Any, caplog: pytest.LogCaptureFixture) -> None:
    wiring.tell_failure(
        {
            "ti": SimpleNamespace(dag_id="loda_ingest", task_id="intake.gate"),
            "task": SimpleNamespace(op_kwargs={"borough": "camden"}),
            "exception": HeldDrop("x", "The drop is held."),
        }
    )
    assert caplog.messages == [
        "loda_ingest: gate failed for camden, which stays at its last good state. The drop is held."
    ]


def result(borough: str, outcome: str) -> dict[str, Any]:
    return {"stage": "rank", "borough": borough, "outcome": outcome, "sentence": "", "counts": {}}


def test_an_asset_is_updated_if_one_borough_changed_something(wiring: Any) -> None:
    events: Any = defaultdict(SimpleNamespace)
    results = [result("camden", "made"), result("barnet", "unchanged"), None]
    assert wiring.announce(wiring.RANKED, events, results) == {"boroughs": ["camden"]}
    assert events[wiring.RANKED].extra == {"boroughs": ["camden"]}


@pytest.mark.parametrize("results", [None, [], [None], [result("camden", "unchanged"), result("barnet", "skipped")]])
def test_an_asset_is_not_updated_if_nothing_changed(wiring: Any, results: Any) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    with pytest.raises(AirflowSkipException, match="Nothing has changed"):
        wiring.announce(wiring.RANKED, defaultdict(SimpleNamespace), results)


def test_a_run_fails_if_a_borough_is_not_through(wiring: Any) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=r"last good state: barnet, hackney\. Done: 1 of 3\."):
        wiring.conclude(["barnet", "camden", "hackney"], [result("camden", "made")])
    with pytest.raises(AirflowFailException, match="could not be listed"):
        wiring.conclude(None, None)
    assert wiring.conclude([], []) == {"done": 0}


def test_the_result_of_a_single_mapped_task_comes_bare(wiring: Any) -> None:
    events: Any = defaultdict(SimpleNamespace)
    assert wiring.announce(wiring.RANKED, events, result("camden", "made"), None) == {"boroughs": ["camden"]}
    assert wiring.conclude(["camden", "london"], result("camden", "made"), result("london", "made")) == {"done": 2}


def test_a_run_that_an_asset_started_is_told_from_those_of_the_clock_and_of_people(wiring: Any) -> None:
    from airflow.utils.types import DagRunType

    started = {kind: wiring.was_started_by_an_asset(SimpleNamespace(run_type=kind)) for kind in DagRunType}
    assert [kind for kind, by_asset in started.items() if by_asset] == [DagRunType.ASSET_TRIGGERED]
    assert wiring.was_started_by_an_asset(SimpleNamespace(run_type="asset_triggered"))
