"""The synthetic London is the same for the same seed, and a later last day only adds to what was known."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.demo.world import BoroughWorld, WorldSpec, make_borough, make_landlords
from schemas.registry import contracts

EARLIER, LATER = date(2026, 6, 30), date(2026, 7, 28)

MAY_CHANGE = {
    "council_tax": {"liability_end"},
    "service_request": {"closed_date", "request_outcome"},
    "hmo_licence": {"licence_status"},
    "licence_application": {"application_status", "decision_date", "effective_from", "effective_until"},
    "planning": {"planning_decision", "decision_date"},
    "gazetteer": {"blpu_class", "logical_status"},
    "social_housing": {"social_until"},
}
"""What staff update in a row that they have already."""


def _world(slug: str, dwellings: int, until: date, boroughs: tuple[str, ...] | None = None) -> BoroughWorld:
    spec = WorldSpec(boroughs=boroughs or (slug,), dwellings=dwellings, seed=11, until=until)
    return make_borough(spec, slug, make_landlords(spec))


@pytest.fixture(scope="module")
def worlds() -> tuple[BoroughWorld, BoroughWorld]:
    return _world("waltham_forest", 4000, EARLIER), _world("waltham_forest", 4000, LATER)


def test_same_spec_same_frames(worlds: tuple[BoroughWorld, BoroughWorld]) -> None:
    again = _world("waltham_forest", 4000, EARLIER)
    for name, frame in worlds[0].records.items():
        pd.testing.assert_frame_equal(frame, again.records[name])
    for name, frame in worlds[0].truth.items():
        pd.testing.assert_frame_equal(frame, again.truth[name])


def test_which_other_boroughs_are_asked_for_changes_nothing(worlds: tuple[BoroughWorld, BoroughWorld]) -> None:
    among_others = _world("waltham_forest", 4000, EARLIER, ("camden", "waltham_forest", "sutton"))
    for name, frame in worlds[0].records.items():
        pd.testing.assert_frame_equal(frame, among_others.records[name])


def test_another_seed_is_another_london(worlds: tuple[BoroughWorld, BoroughWorld]) -> None:
    spec = WorldSpec(boroughs=("waltham_forest",), dwellings=4000, seed=12, until=EARLIER)
    other = make_borough(spec, "waltham_forest", make_landlords(spec))
    assert set(other.records["gazetteer"]["street"]) != set(worlds[0].records["gazetteer"]["street"])


@pytest.mark.parametrize("dataset", sorted(contracts()))
def test_later_day_keeps_history(worlds: tuple[BoroughWorld, BoroughWorld], dataset: str) -> None:
    contract = contracts()[dataset]
    old, new = (world.records[dataset] for world in worlds)
    key = list(contract.key)
    fixed = [name for name in old.columns if name not in MAY_CHANGE.get(dataset, set())]
    both = old[fixed].merge(new[fixed], on=key, how="left", suffixes=("", " later"), indicator=True)
    gone = both["_merge"] == "left_only"
    # Only what falls out of the years that are kept may go: at most what happened in 28 of 1,826 days.
    assert gone.mean() < (0.03 if len(old) > 500 else 0.10)
    kept = both[~gone]
    for name in fixed:
        if name not in key:
            pd.testing.assert_series_equal(kept[name], kept[f"{name} later"], check_names=False)
    before = new[new["known_since"] <= pd.Timestamp(EARLIER)]
    unknown = before.merge(old[key], on=key, how="left", indicator=True)["_merge"] == "left_only"
    assert not unknown.any()


def test_later_day_knows_more(worlds: tuple[BoroughWorld, BoroughWorld]) -> None:
    old, new = (world.records["service_request"] for world in worlds)
    assert new["known_since"].max() > old["known_since"].max()


def test_truth_moves_with_the_day(worlds: tuple[BoroughWorld, BoroughWorld]) -> None:
    old, new = (world.truth["property"].set_index("uprn")["is_hmo"] for world in worlds)
    changed = (old != new.reindex(old.index)).sum()
    assert 0 <= changed < 0.02 * old.sum() + 5


def test_days_outside_the_horizon_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="lives from"):
        WorldSpec(boroughs=("camden",), dwellings=10, seed=1, until=date(2028, 6, 1))
    with pytest.raises(ConfigurationError, match="lives from"):
        WorldSpec(boroughs=("camden",), dwellings=10, seed=1, until=date(2021, 6, 1))


def test_unknown_borough_is_refused() -> None:
    spec = WorldSpec(boroughs=("camden", "oxford"), dwellings=10, seed=1, until=EARLIER)
    landlords = make_landlords(spec)
    with pytest.raises(NotFound, match="oxford"):
        make_borough(spec, "oxford", landlords)
    with pytest.raises(NotFound, match="bexley"):
        make_borough(spec, "bexley", landlords)
