"""Nothing that a day could not know moves any feature, whatever it is, whichever dataset holds it, in any borough."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.hmo import features, inputs, matrix
from models.hmo.sources import COLUMNS, LABEL_DATASETS
from schemas import registry
from schemas.contract import Field
from tests.homes import own_home
from tests.unit.model_world import AS_OF, World, day, make, quiet_home

BOROUGHS = ("camden", "hackney")
EARLIER = day(120)
Moments = Callable[[np.random.Generator], tuple[date, date]]


def after(rng: np.random.Generator) -> tuple[date, date]:
    """Happened and was known after the day."""
    happened = EARLIER + timedelta(days=int(rng.integers(1, 120)))
    return happened, happened + timedelta(days=int(rng.integers(0, 30)))


def told_late(rng: np.random.Generator) -> tuple[date, date]:
    """Happened before the day, anywhere in years, and was known after it."""
    return EARLIER - timedelta(days=int(rng.integers(0, 2000))), EARLIER + timedelta(days=int(rng.integers(1, 120)))


def known_ahead(rng: np.random.Generator) -> tuple[date, date]:
    """Known before the day of something that was to happen after it."""
    return EARLIER + timedelta(days=int(rng.integers(1, 120))), EARLIER - timedelta(days=int(rng.integers(0, 300)))


def value(field: Field, rng: np.random.Generator) -> Any:
    """Any value that the contract lets the field have."""
    if field.codes:
        return str(rng.choice(sorted(field.codes)))
    if field.type == "date":
        return day(int(rng.integers(-900, 1500)))
    if field.type == "string":
        return f"{rng.integers(1 << 60):032x}"
    low, high = float(field.minimum or 0), float(field.maximum or 50)
    number = float(rng.integers(int(low) + 1, int(min(high, low + 40)) + 1))
    return int(number) if field.type == "integer" else number


def plant(
    world: World, borough: str, dataset: str, uprn: str, rng: np.random.Generator, moments: tuple[date, date]
) -> None:
    contract = registry.contract(dataset)
    values = {f.name: value(f, rng) for f in contract.fields if f.name not in ("address", "postcode", "uprn")}
    values |= {contract.event_time: moments[0], contract.known_since: moments[1]}
    if dataset == "epc":
        values["certificate_date"] = moments[0]
    reason = rng.choice(["unit_not_in_gazetteer", "exact_address_unique"])
    landlord = f"L{rng.integers(20)}" if dataset in ("council_tax", "hmo_licence") else None
    world.add(borough, dataset, uprn, landlord=landlord, reason=str(reason), **values)


def moved(before: dict[str, pd.DataFrame], after: dict[str, pd.DataFrame]) -> set[str]:
    """Names of features of which any value in any borough is not what it was, to the last digit."""
    for borough, frame in before.items():
        pd.testing.assert_index_equal(frame.index, after[borough].index)
    return {
        name
        for borough, frame in before.items()
        for name in features.NAMES
        if not np.array_equal(frame[name], after[borough][name], equal_nan=True)
    }


def matrices(on: date = EARLIER) -> dict[str, pd.DataFrame]:
    """Each borough's features by UPRN, from the lake as it is."""
    found = {}
    for evidence in inputs.read_evidence(list(BOROUGHS)):
        members, values = matrix.at(evidence.at(on))
        found[evidence.borough] = pd.DataFrame(values, evidence.uprns[members], features.NAMES)
    return found


@dataclass(frozen=True)
class Written:
    """A world in the lake of a home, and its features on the earlier day."""

    home: Path
    world: World
    features: dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("written") / "home"
    with own_home(folder):
        found = make(BOROUGHS, dwellings=150)
        found.write_all()
        return Written(folder, found, matrices())


@pytest.fixture
def before(written: Written) -> dict[str, pd.DataFrame]:
    """The features before anything was planted."""
    return written.features


@pytest.fixture
def world(written: Written, tmp_path: Path) -> Iterator[World]:
    """That world in a copy of its home, to plant in."""
    with own_home(tmp_path / "home") as home:
        shutil.copytree(written.home, home, dirs_exist_ok=True)
        yield deepcopy(written.world)


@pytest.mark.parametrize("moments", [after, told_late, known_ahead], ids=lambda moments: moments.__name__)
def test_no_feature_is_moved_by_what_the_day_could_not_know(
    world: World, before: dict[str, pd.DataFrame], moments: Moments
):
    rng = np.random.default_rng(11)
    datasets = sorted(set(COLUMNS) - {"social_housing"})
    for dataset in datasets:
        event = registry.contract(dataset).event_time
        if event == "known_since" and moments is not after:
            continue
        for borough in BOROUGHS:
            homes = world.boroughs[borough]["property"]["uprn"].to_numpy()
            for uprn in rng.choice(homes, 40):
                plant(world, borough, dataset, str(uprn), rng, moments(rng))
    world.write_all()
    assert moved(before, matrices()) == set()


def test_social_housing_that_was_told_late_takes_no_home_out(world: World, before: dict[str, pd.DataFrame]):
    rng = np.random.default_rng(5)
    for borough in BOROUGHS:
        for uprn in rng.choice(world.boroughs[borough]["property"]["uprn"].to_numpy(), 20):
            world.add(
                borough, "social_housing", str(uprn), social_landlord="council", social_from=day(900),
                known_since=EARLIER + timedelta(days=3),
            )  # fmt: skip
    world.write_all()
    assert moved(before, matrices()) == set()


def test_a_home_that_was_not_known_yet_changes_nothing_around_it(world: World, before: dict[str, pd.DataFrame]):
    for borough in BOROUGHS:
        frames = world.boroughs[borough]
        for dataset in ("property", "gazetteer"):
            new = frames[dataset].iloc[60:90].copy()
            new["uprn"] = [str(int(uprn) + 5_000_000) for uprn in new["uprn"]]
            if dataset == "gazetteer":
                new["record_id"] += 5_000_000
                new["known_since"] = EARLIER + timedelta(days=2)
            frames[dataset] = pd.concat([frames[dataset], new], ignore_index=True)
    world.write_all()
    assert moved(before, matrices()) == set()


@pytest.mark.parametrize("whole_building", [False, True], ids=["house", "building"])
@pytest.mark.parametrize("dataset", sorted(LABEL_DATASETS))
def test_the_own_licence_application_or_visit_moves_nothing_of_the_own_row(
    world: World, before: dict[str, pd.DataFrame], dataset: str, whole_building: bool
):
    rng = np.random.default_rng(3)
    spine = world.boroughs["camden"]["property"]
    shell = next(u for u in spine["uprn"] if (spine["parent_uprn"] == u).sum() == 2)
    flats = [uprn for uprn in spine.loc[spine["parent_uprn"] == shell, "uprn"] if uprn in before["camden"].index]
    house = quiet_home(world, "camden")
    mine, planted = (flats, [shell, *flats[1:]]) if whole_building else ([house], [house])
    assert mine
    for uprn in planted:
        for _ in range(3):
            happened = EARLIER - timedelta(days=int(rng.integers(30, 400)))
            plant(world, "camden", dataset, uprn, rng, (happened, happened))
    world.write_all()
    after = matrices()
    pd.testing.assert_frame_equal(after["camden"].loc[mine], before["camden"].loc[mine], check_exact=True)
    elsewhere = {name for name in features.NAMES if name.startswith("landlord_")} | {"near_licences"}
    assert moved(before, after) <= (elsewhere if dataset == "hmo_licence" else set())


def test_what_was_planted_is_seen_once_it_can_be_known(world: World):
    """The tests above would pass with rows that nobody ever reads: on a later day these rows do move features."""
    later = AS_OF + timedelta(days=40)
    before = matrices(later)
    rng = np.random.default_rng(11)
    for dataset in sorted(set(COLUMNS) - {"social_housing"}):
        for borough in BOROUGHS:
            for uprn in rng.choice(world.boroughs[borough]["property"]["uprn"].to_numpy(), 40):
                plant(world, borough, dataset, str(uprn), rng, after(rng))
    world.write_all()
    seen = moved(before, matrices(later))
    by_gazetteer = {"storeys", "units_in_building", "part_of_building", "above_shop"}
    assert set(features.NAMES) - seen <= by_gazetteer
