"""What landlords have elsewhere, against the definition spelt out home by home, on random holdings."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from models.hmo import landlords
from models.hmo.days import NEVER
from models.hmo.elsewhere import OwnLandlord
from models.hmo.landlords import Held, Holdings, Told

BOROUGHS = ("barnet", "camden", "hackney")
LANDLORDS, PLACES, SPELLS, COMPLAINTS = 8, 30, 120, 150


def holdings(seed: int) -> Holdings:
    rng = np.random.default_rng(seed)
    ends = np.where(rng.random(SPELLS) < 0.5, NEVER, rng.integers(300, 4000, SPELLS))
    return Holdings(
        landlords=LANDLORDS,
        boroughs=BOROUGHS,
        places=pa.array([f"{place}" for place in range(PLACES)]),
        place_borough=rng.integers(0, len(BOROUGHS), PLACES),
        records={},
        held=Held(
            rng.integers(0, LANDLORDS, SPELLS), rng.integers(0, PLACES, SPELLS), rng.random(SPELLS) < 0.4,
            rng.integers(0, 2000, SPELLS), ends, rng.integers(0, 2500, SPELLS),
        ),
        told=Told(
            rng.integers(0, PLACES, COMPLAINTS), rng.integers(0, 2500, COMPLAINTS), rng.integers(0, 2600, COMPLAINTS),
            np.where(rng.random(COMPLAINTS) < 0.5, NEVER, rng.integers(0, 3000, COMPLAINTS)),
        ),
        shared={
            name: np.where(rng.random(len(BOROUGHS)) < 0.4, NEVER, rng.integers(0, 2500, len(BOROUGHS)))
            for name in ("council_tax", "hmo_licence", "service_request")
        },
    )  # fmt: skip


def by_definition(own: Holdings, landlord: int, place: int, borough: int, day: int) -> dict[str, float]:
    """One home's landlord, spell by spell and complaint by complaint."""
    held, told = own.held, own.told
    known = [
        (int(held.place[n]), bool(held.licence[n]), int(held.end[n]))
        for n in range(SPELLS)
        if held.landlord[n] == landlord and held.known[n] <= day and held.start[n] <= day
    ]
    mine = {where for where, _, end in known if end >= day}
    licensed = {where for where, licence, end in known if licence and end >= day}
    ran_out = {where for where, licence, end in known if licence and day - landlords.LAPSE_DAYS <= end < day}
    expired = (ran_out & mine) - licensed

    def complaints(where: int, noticed: bool) -> int:
        return sum(
            told.place[n] == where and told.known[n] <= day and day - landlords.TOLD_DAYS < told.day[n] <= day
            and (told.notice[n] <= day or not noticed)
            for n in range(COMPLAINTS)
        )  # fmt: skip

    there = own.place_borough
    others = mine - {place}
    away = {where for where in others if there[where] != borough}

    def told_of(dataset: str, among: set[int], value: float) -> float:
        shared = any(own.shared[dataset][there[where]] <= day for where in among)
        return float(value) if shared or not among else np.nan

    return {
        "buildings": len(others),
        "boroughs": len({int(there[where]) for where in mine} - {borough}),
        "licences": told_of("hmo_licence", others, len(licensed & others)),
        "expired": told_of("hmo_licence", others, len(expired & others)),
        "complaints": told_of("service_request", others, sum(complaints(where, False) for where in others)),
        "notices": told_of("service_request", others, sum(complaints(where, True) for where in others)),
        "buildings_away": len(away),
        "licences_away": told_of("hmo_licence", away, len(licensed & away)),
        "complaints_away": told_of("service_request", away, sum(complaints(where, False) for where in away)),
    }


@pytest.mark.parametrize("seed", range(6))
def test_what_landlords_have_elsewhere_is_what_the_definition_says(seed: int):
    own, rng = holdings(seed), np.random.default_rng(seed)
    # Days are asked for again, by another borough and after others were asked for.
    for day, borough in ((2300, 0), (1500, 0), (2300, 1), (2300, 2), (2300, 0)):
        inside = np.flatnonzero(own.place_borough == borough)
        landlord = rng.integers(-1, LANDLORDS, 40)
        place = np.where(rng.random(40) < 0.2, -1, rng.choice(inside, 40))
        found: OwnLandlord = own.elsewhere(landlord, place, BOROUGHS[borough], day)
        for home in np.flatnonzero(landlord >= 0):
            wanted = by_definition(own, int(landlord[home]), int(place[home]), borough, day)
            assert {name: getattr(found, name)[home] for name in wanted} == pytest.approx(wanted, nan_ok=True)
        assert all(np.isnan(getattr(found, name)[landlord < 0]).all() for name in vars(found))


def test_only_so_many_days_are_kept():
    own, nobody = holdings(1), np.array([-1])
    for day in range(1000, 1000 + 2 * landlords.MOST_DAYS):
        own.elsewhere(nobody, nobody, "camden", day)
    assert list(own.days) == list(range(1000 + landlords.MOST_DAYS, 1000 + 2 * landlords.MOST_DAYS))


def test_of_nobodys_buildings_nothing_is_known():
    own = holdings(2)
    found = own.elsewhere(np.array([3, -1]), np.array([-1, -1]), "camden", -1)
    assert found.buildings[0] == 0
    assert np.isnan(found.buildings[1])
