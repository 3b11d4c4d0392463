"""A night's share of one borough: a failure ends it in a sentence that quotes no data, and touches nobody else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from pipelines import night, whole_night
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, LastGood
from pipelines.core.types import StageResult


def made(stage: str):
    return lambda borough: StageResult(stage, borough, "made", "done")


def test_steps_run_in_order_until_one_fails(monkeypatch: pytest.MonkeyPatch):
    def broken(borough: str) -> StageResult:
        raise ValueError("could not convert string to float: 'A Secret Name'")

    monkeypatch.setattr(night, "admit", made("admit"))
    monkeypatch.setattr(night, "harmonise", broken)
    monkeypatch.setattr(night, "gate", made("gate"))
    done = [result for result, _ in whole_night.share("camden", ["admit", "harmonise", "gate"], ("camden",))]
    assert isinstance(done[0], StageResult)
    stage, borough, sentence = done[1]
    assert (stage, borough, len(done)) == ("harmonise", "camden", 2)
    assert "Secret" not in sentence
    assert "ValueError" in sentence
    assert "the other boroughs are not touched" in sentence


def test_a_fault_that_is_told_keeps_its_own_sentence(monkeypatch: pytest.MonkeyPatch):
    def refused(borough: str) -> StageResult:
        raise NotFound("There is no such thing.")

    monkeypatch.setattr(night, "link", refused)
    ((failure, _),) = whole_night.share("camden", ["link"], ("camden",))
    assert failure == ("link", "camden", "There is no such thing.")


def test_a_killed_worker_costs_its_own_borough_only(home):
    run = whole_night._Night(lambda _result, _seconds: None)
    before = run.pool
    lost: Future = Future()
    lost.set_exception(BrokenProcessPool("killed"))
    ((stage, borough, sentence), _) = run._result(whole_night._Begun(lost, "camden", ["link"]))[0]
    assert (stage, borough) == ("link", "camden")
    assert "tried again" in sentence
    assert run.pool is not before, "the others have workers again"
    run.pool.shutdown()


class AtOnce:
    """A pool that does what it is given as it is given it."""

    def submit(self, work: Any, *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done


BOROUGHS = ["camden", "hackney"]
INTAKE = ("agreements", "publish_pages", "notify")
AFTER = ("link", "landlords", "train", "features", "score", "licensing", "rank", "dossiers", "publish_lists")


@pytest.fixture
def stages_run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Runs all stages of a night over stand-ins and tells what ran, in order; `failing` fail, `later` are due late."""

    def run(
        *, training: bool = True, failing: Collection[str] = (), due: Sequence[list[str]] = (BOROUGHS,)
    ) -> list[str]:
        told: list[str] = []

        def stand_in(stage: str) -> Callable[..., StageResult]:
            def call(*arguments: object) -> StageResult:
                borough = str(arguments[0]) if arguments and arguments[0] in BOROUGHS else "london"
                told.append(f"{stage} {borough}")
                if told[-1] in failing:
                    raise NotFound("There is no such thing.")
                return StageResult(stage, borough, "made", "done")

            return call

        asked = iter([*due, *[due[-1]] * 2])
        for stage in (*INTAKE, *AFTER):
            monkeypatch.setattr(night, stage, stand_in(stage))
        for name, answer in (("discover", []), ("boroughs_with_outcomes", []), ("boroughs_with_data", BOROUGHS),
                             ("training_is_due", training), ("boroughs_to_publish", [])):  # fmt: skip
            monkeypatch.setattr(night, name, lambda answer=answer: answer)
        monkeypatch.setattr(night, "resolve_as_of", lambda _: date(2026, 9, 30))
        monkeypatch.setattr(night, "boroughs_to_list", lambda _day, every: next(asked))
        monkeypatch.setattr(whole_night._Night, "_new_pool", staticmethod(AtOnce))
        whole_night._all_stages(whole_night._Night(lambda _result, _seconds: None), None, None, retrain=False)
        return [line for line in told if line.split()[0] in AFTER]

    return run


def of(borough: str, *stages: str) -> list[str]:
    return [f"{stage} {borough}" for stage in stages]


def test_landlords_come_beside_links_and_a_model_beside_features(stages_run: Callable[..., list[str]]):
    assert stages_run() == [
        *of("london", "landlords"),
        *of("camden", "link"),
        *of("hackney", "link"),
        *of("london", "train"),
        *of("camden", "licensing", "features"),
        *of("hackney", "licensing", "features"),
        *of("camden", "score", "rank"),
        *of("hackney", "score", "rank"),
        *of("camden", "dossiers"),
        *of("hackney", "dossiers"),
        *of("camden", "publish_lists"),
        *of("hackney", "publish_lists"),
    ]


def test_landlords_are_resolved_beside_links_where_no_model_is_due(stages_run: Callable[..., list[str]]):
    ran = stages_run(training=False)
    assert ran[:3] == of("london", "landlords") + of("camden", "link") + of("hackney", "link")
    assert [line for line in ran if line.endswith("camden")] == of(
        "camden", "link", "licensing", "features", "score", "rank", "dossiers", "publish_lists"
    )


@pytest.mark.parametrize("stage", ["link", "licensing", "features", "score"])
def test_a_borough_that_fails_stops_there_and_the_other_goes_on(stages_run: Callable[..., list[str]], stage: str):
    ran = stages_run(failing=[f"{stage} camden"])
    assert [line for line in ran if line.endswith("camden")][-1] == f"{stage} camden"
    assert ran[-1] == "publish_lists hackney"


def test_a_failed_stage_of_london_fails_no_borough(stages_run: Callable[..., list[str]]):
    assert stages_run(failing=["landlords london", "train london"])[-2:] == of("camden", "publish_lists") + of(
        "hackney", "publish_lists"
    )


def test_a_borough_that_the_new_model_makes_due_has_every_stage(stages_run: Callable[..., list[str]]):
    ran = stages_run(due=(["camden"], BOROUGHS))
    assert [line for line in ran if line.endswith("hackney")] == of(
        "hackney", "link", "features", "score", "licensing", "rank", "dossiers", "publish_lists"
    )


def test_the_largest_borough_is_begun_first(home: Path):
    rows = {"barnet": 40, "camden": 900, "hackney": 70, "harrow": 5_000}
    for borough, size in rows.items():
        place = home / "bucket" / "drops" / borough
        place.mkdir(parents=True)
        (place / "council_tax_2026-09-30.csv").write_bytes(b"x" * size)
    assert night.discover() == ["harrow", "camden", "hackney", "barnet"]
    with transaction() as session:
        session.add_all([half_way("barnet", 1_000), half_way("merton", 0)])
    assert night.discover() == ["harrow", "barnet", "camden", "hackney", "merton"], "what is half way is read as well"
    with transaction() as session:
        for borough, size in rows.items():
            # What has no gazetteer is not linked, however much of it there is.
            datasets = ("council_tax", "epc") if borough == "harrow" else ("gazetteer", "epc")
            session.add_all(stands_on(borough, dataset, size) for dataset in datasets)
    assert night.boroughs_with_data() == ["camden", "hackney", "barnet"]


def half_way(borough: str, size: int) -> Drop:
    when = datetime(2026, 9, 29, 3, tzinfo=UTC)
    return Drop(
        **{"id": f"{borough}-epc", "borough": borough, "dataset": "epc", "path": f"drops/{borough}/epc/a.csv"},
        **{"sha256": borough, "size_bytes": size, "received_at": when, "extract_date": when.date()},
        status=DropStatus.RECEIVED.value,
    )


def stands_on(borough: str, dataset: str, rows: int) -> LastGood:
    when = datetime(2026, 9, 30, 3, tzinfo=UTC)
    return LastGood(
        **{"borough": borough, "dataset": dataset, "source": "main", "drop_id": f"{borough}-{dataset}", "rows": rows},
        **{"extract_date": when.date(), "lake_version": 1, "published_at": when},
    )


def test_as_of_dates(home):
    assert night.resolve_as_of("2026-09-30") == date(2026, 9, 30)
    with pytest.raises(LodaError, match="not a date"):
        night.resolve_as_of("30/09/2026")
    with pytest.raises(LodaError, match="has not come yet"):
        night.resolve_as_of("2999-01-01")
    with pytest.raises(LodaError, match="No extract has been accepted"):
        night.resolve_as_of(None)
