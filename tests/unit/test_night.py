"""A night's share of one borough: a failure ends it in a sentence that quotes no data, and touches nobody else."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from datetime import date

import pytest

from pipelines import night, whole_night
from pipelines.core.errors import LodaError, NotFound
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
    ((stage, borough, sentence), _) = run._result(lost, "camden", ["link"])[0]
    assert (stage, borough) == ("link", "camden")
    assert "tried again" in sentence
    assert run.pool is not before, "the others have workers again"
    run.pool.shutdown()


def test_as_of_dates(home):
    assert night.resolve_as_of("2026-09-30") == date(2026, 9, 30)
    with pytest.raises(LodaError, match="not a date"):
        night.resolve_as_of("30/09/2026")
    with pytest.raises(LodaError, match="has not come yet"):
        night.resolve_as_of("2999-01-01")
    with pytest.raises(LodaError, match="No extract has been accepted"):
        night.resolve_as_of(None)
