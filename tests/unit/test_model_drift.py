"""Drift of inputs and scores: what moved is told in an officer's words, and chance raises no alarm."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from models.hmo import artefacts, drift, profiles
from models.hmo.drift import FALSE_ALARMS, WATCH
from models.hmo.profiles import SCORE
from pipelines.core.errors import NotFound

NAMES = ("storeys", "habitable_rooms", "complaints", "floor_area", "never_sent", *(f"f{n}" for n in range(20)))


def homes(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    rooms = rng.integers(2, 9, size).astype(float)
    rooms[rng.random(size) < 0.08] = np.nan
    named = [rng.integers(1, 5, size), rooms, rng.poisson(0.1, size), rng.normal(80, 20, size), np.full(size, np.nan)]
    values = np.column_stack([*named, rng.normal(0, 1, (size, 20))])
    return values, rng.beta(1, 20, size)


def trained(size: int = 2000, seed: int = 1) -> profiles.Profiles:
    return profiles.measure(NAMES, {"camden": homes(np.random.default_rng(seed), size)})


def moved(shifts: list[drift.Shift]) -> dict[str, str]:
    return {shift.feature: shift.sentence for shift in shifts if shift.moved}


def test_the_index_by_hand():
    then, now = np.array([50, 50]), np.array([80, 20])
    p, q = np.array([50.5, 50.5]) / 101, np.array([80.5, 20.5]) / 101
    assert drift.stability_index(then, now) == pytest.approx(((q - p) * np.log(q / p)).sum())
    assert drift.stability_index(then, then) == 0
    assert drift.stability_index(np.array([9, 0, 0]), np.array([7, 0, 0])) == 0, "one bin tells nothing"


def test_bins_hold_values_up_to_their_end_and_the_missing_apart():
    edges = np.array([1.0, 3.0])
    assert profiles.binned(np.array([0.0, 1.0, 1.5, 3.0, 9.0, np.nan]), edges).tolist() == [2, 2, 1, 1]
    assert profiles.edges_of(np.array([0.0] * 97 + [5.0] * 3)).tolist() == [0.0]
    assert profiles.edges_of(np.full(3, np.nan)).tolist() == []
    third = np.array([0.1, 0.2, 0.7])
    assert profiles.binned(third, profiles.edges_of(third.astype(np.float32).astype(float))).sum() == 3


def test_scores_are_profiled_by_some_homes_and_features_by_all(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(artefacts, "SCORED", 300)
    asked: list[int] = []

    class Detector:
        features = NAMES

        def probability(self, values: np.ndarray) -> np.ndarray:
            asked.append(len(values))
            return values[:, 0] / 10

    values, _ = homes(np.random.default_rng(5), 1000)
    part = SimpleNamespace(borough="camden", known=SimpleNamespace(values=values, found=np.zeros(1000)))
    empty = SimpleNamespace(borough="hackney", known=SimpleNamespace(values=values[:0], found=np.zeros(0)))
    found = artefacts.profiled([part, empty], Detector())  # type: ignore[arg-type, list-item]
    assert asked == [250]
    assert found.of("hackney") is None
    counts = found.counts["camden"]
    assert {name: int(own.sum()) for name, own in counts.items()} == {**dict.fromkeys(NAMES, 1000), SCORE: 250}
    assert counts["habitable_rooms"][-1] == np.isnan(values[:, 1]).sum()


def test_a_column_that_went_missing_is_told_with_both_shares():
    values, score = homes(np.random.default_rng(2), 1500)
    values[np.random.default_rng(3).random(1500) < 0.58, 1] = np.nan
    found = moved(drift.compare(trained(), "camden", NAMES, values, score))
    assert set(found) == {"habitable_rooms"}
    share = np.isnan(values[:, 1]).mean()
    assert found["habitable_rooms"].startswith(f"camden: habitable_rooms is missing for {share:.0%} of homes, ")
    assert found["habitable_rooms"].endswith("% when the model was trained.")


def test_a_feature_that_moved_is_told_at_the_cut_where_most_homes_changed_sides():
    values, score = homes(np.random.default_rng(2), 1500)
    values[:, 3] += 25
    values[:, 0] = 4
    found = moved(drift.compare(trained(), "camden", NAMES, values, score))
    assert set(found) == {"storeys", "floor_area"}
    assert found["storeys"].startswith("camden: storeys is above 3 for 100% of homes, 2")
    assert "when the model was trained" in found["floor_area"]


def test_scores_are_watched_beside_features():
    values, score = homes(np.random.default_rng(2), 1500)
    found = moved(drift.compare(trained(), "camden", NAMES, values, np.minimum(score * 3, 1.0)))
    assert set(found) == {SCORE}
    assert found[SCORE].startswith("camden: score is above 0.")


def test_what_nobody_sent_and_arrives_is_told():
    values, score = homes(np.random.default_rng(2), 500)
    values[:, 4] = 7
    found = moved(drift.compare(trained(), "camden", NAMES, values, score))
    assert found["never_sent"] == "camden: never_sent is missing for 0% of homes, 100% when the model was trained."


@pytest.mark.parametrize("size", [40, 120, 600, 5000])
def test_a_borough_of_any_size_does_not_alarm_by_chance(size: int):
    """Resampled from one population; 0.2 alone would alarm a small borough nearly every night."""
    nights, alarms, naive = 120, 0, 0
    for night in range(nights):
        then = trained(size, seed=1000 + night)
        shifts = drift.compare(then, "camden", NAMES, *homes(np.random.default_rng(5000 + night), size))
        alarms += any(shift.moved for shift in shifts)
        naive += any(shift.psi >= WATCH for shift in shifts)
    assert alarms / nights <= FALSE_ALARMS + 3 * np.sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / nights)
    if size == 40:
        assert naive / nights > 0.9


def test_a_real_shift_in_a_small_borough_is_still_found():
    found = 0
    for night in range(50):
        values, score = homes(np.random.default_rng(9000 + night), 150)
        values[:, 3] += 40
        found += "floor_area" in moved(drift.compare(trained(150, night), "camden", NAMES, values, score))
    assert found >= 48


def test_nothing_is_compared_where_nothing_can_be():
    values, score = homes(np.random.default_rng(2), 500)
    assert drift.compare(trained(), "hackney", NAMES, values, score) == []
    assert drift.compare(trained(), "camden", NAMES, values[:20], score[:20]) == []
    assert drift.compare(trained(20), "camden", NAMES, values, score) == []
    assert drift.figures([]) == {"compared": 0, "alerts": [], "large": 0, "features": {}}


def test_profiles_are_kept_beside_the_model_and_hold_counts_alone(home: Path):
    made = trained()
    profiles.write(made, "m1")
    first = (home / "models" / profiles.name_of("m1")).read_bytes()
    profiles.write(trained(), "m1")
    assert (home / "models" / profiles.name_of("m1")).read_bytes() == first, "the same homes, the same bytes"
    again = profiles.read("m1")
    assert again is not None
    assert all((again.counts["camden"][name] == made.counts["camden"][name]).all() for name in (*NAMES, SCORE))
    values, score = homes(np.random.default_rng(1), 2000)
    assert moved(drift.compare(again, "camden", NAMES, values, score)) == {}
    assert max(shift.psi for shift in drift.compare(again, "camden", NAMES, values, score)) == 0
    assert profiles.read("m2") is None
    assert len(first) < 20_000


def test_the_stage_says_what_moved_most_and_where_the_rest_is():
    values, score = homes(np.random.default_rng(2), 1500)
    values[:, 0] = 4
    values[:, 3] += 25
    kept = drift.figures(drift.compare(trained(), "camden", NAMES, values, score))
    told = drift.in_short(kept)
    assert told.startswith(" Moved since training: camden: ")
    assert told.endswith("And 1 more: 'loda model drift'.")
    assert (len(kept["alerts"]), kept["large"], kept["compared"]) == (2, 2, len(NAMES) + 1)


def test_the_picture_is_drawn_from_what_was_kept_and_is_the_same_again(tmp_path: Path) -> None:
    rows = {"storeys": {"psi": 0.4, "limit": 0.1, "missing_then": 0.0, "missing_now": 0.5, "moved": True}}
    kept = {"camden": {"features": rows}, "hackney": {"features": {"storeys": {**rows["storeys"], "moved": False}}}}
    for name in ("one.png", "two.png"):
        drift.draw(tmp_path / name, kept)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()
    with pytest.raises(NotFound, match="Nothing was held against"):
        drift.draw(tmp_path / "none.png", {})
