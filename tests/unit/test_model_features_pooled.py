"""What only all boroughs together tell, what is nearby, and counts over histories of different length."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.hmo import features, inputs
from tests.homes import own_home
from tests.unit.model_world import AS_OF, World, day, features_of, make, quiet_home


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two boroughs side by side, with a hundred homes each that nobody ever told anything of."""
    with own_home(tmp_path):
        found = make(("camden", "hackney"), dwellings=100)
        for frames in found.boroughs.values():
            for dataset in ("service_request", "hmo_licence", "licence_application", "inspection", "social_housing"):
                frames[dataset] = frames[dataset].iloc[:0]
            frames["property"].loc[:, ["parent_uprn", "blpu_class"]] = [None, "RD04"]
            frames["property"]["building_key"] = frames["property"]["uprn"]
            frames["landlord"] = frames["landlord"].iloc[:0]
        yield found


def place(world: World, borough: str, at: int, east: float, north: float) -> str:
    """Put one home somewhere; returns its UPRN."""
    spine = world.boroughs[borough]["property"]
    spine.loc[at, ["easting", "northing"]] = [east, north]
    return str(spine.loc[at, "uprn"])


def complain(world: World, borough: str, uprn: str, back: int, kind: str = "noise", **more: object) -> None:
    told = {"request_category": kind, "received_date": day(back), "known_since": day(back)} | more
    world.add(borough, "service_request", uprn, **told)


def old_history(world: World, borough: str) -> None:
    """A complaint of long ago at the borough's last home, far from the others: the history reaches over all windows."""
    uprn = place(world, borough, 99, 540_000 if borough == "camden" else 545_000, 190_000)
    world.boroughs[borough]["property"].loc[99, "street_key"] = f"far {borough}"
    complain(world, borough, uprn, 2000)


def apart(world: World) -> None:
    """All homes far from each other and each in a street of its own, but for those that a test brings together."""
    for number, frames in enumerate(world.boroughs.values()):
        spine = frames["property"]
        spine["easting"] = 500_000.0 + 600 * np.arange(len(spine)) % 9000
        spine["northing"] = 150_000.0 + 20_000 * number + 600 * (np.arange(len(spine)) // 15)
        spine["street_key"] = spine["uprn"]
    old_history(world, "camden")
    old_history(world, "hackney")


def test_complaints_nearby_count_on_both_sides_of_a_boundary(world: World):
    apart(world)
    east, north = 505_025.0, 163_025.0
    home = place(world, "camden", 0, east, north)
    beside = place(world, "camden", 1, east + 100, north)
    across = [place(world, "hackney", at, east, north + 50 * at) for at in (0, 1, 2, 3)]
    too_far = place(world, "hackney", 4, east, north + 250)
    complain(world, "camden", home, 30)
    complain(world, "camden", beside, 40, "hmo_suspected")
    for uprn in (across[0], across[0], across[3], too_far):
        complain(world, "hackney", uprn, 500)
    world.write_all()
    row = features_of("camden").loc[home]
    assert row["near_complaints"] == pytest.approx((1 + 3) / 3 / 5), "one beside, three across; five other homes"
    assert row["near_complaints_12_months"] == pytest.approx(1 / 5)
    assert row["near_reports"] == pytest.approx(1 / 3 / 5)
    assert row["across_complaints"] == pytest.approx(3 / 3 / 4)
    back = features_of("hackney").loc[too_far]
    assert np.isnan(back["across_complaints"]), "250 m away and in another street"


def test_a_street_goes_on_in_the_next_borough(world: World):
    apart(world)
    camden, hackney = (world.boroughs[borough]["property"] for borough in ("camden", "hackney"))
    camden.loc[[0, 1], "street_key"] = "long road|N1"
    hackney.loc[[0, 1, 2], "street_key"] = "long road|N1"
    for borough, uprn in (("camden", camden.loc[1, "uprn"]), ("hackney", hackney.loc[2, "uprn"])):
        complain(world, borough, uprn, 100)
    world.write_all()
    row = features_of("camden").loc[camden.loc[0, "uprn"]]
    assert row["street_complaints"] == pytest.approx(2 / 3 / 4)
    assert row["street_complaints_12_months"] == pytest.approx(2 / 4)
    assert row["across_complaints"] == pytest.approx(1 / 3 / 3)


def test_a_borough_that_shares_no_complaints_is_missing_nearby_not_quiet(world: World):
    apart(world)
    east, north = 505_025.0, 163_025.0
    home, beside = place(world, "camden", 0, east, north), place(world, "camden", 1, east + 50, north)
    for at in range(8):
        place(world, "hackney", at, east, north + 50)
    complain(world, "camden", beside, 10)
    world.write("camden")
    world.write("hackney", without=("service_request",))
    row = features_of("camden").loc[home]
    assert row["near_complaints_12_months"] == pytest.approx(1), "the eight homes across say nothing"
    assert np.isnan(row["across_complaints"])
    beyond = features_of("hackney").loc[place(world, "hackney", 0, east, north)]
    assert beyond["across_complaints"] == pytest.approx(1 / 3 / 2), "and yet they are told of the other side"


def test_licences_nearby_leave_the_own_building_out(world: World):
    apart(world)
    east, north = 505_025.0, 163_025.0
    home, beside = place(world, "camden", 0, east, north), place(world, "camden", 1, east + 60, north)
    across = place(world, "hackney", 0, east, north + 60)
    for borough, uprn, kind, until in (
        ("camden", home, "mandatory", 900),
        ("camden", beside, "selective", 900),
        ("hackney", across, "additional", 900),
        ("hackney", across, "mandatory", 900),
        ("camden", beside, "mandatory", -5),
    ):
        world.add(
            borough, "hmo_licence", uprn, licence_type=kind, commencement_date=day(300), known_since=day(300),
            expiry_date=AS_OF + timedelta(days=until),
        )  # fmt: skip
    world.write_all()
    found = features_of("camden")["near_licences"]
    assert found[home] == pytest.approx(100 * 1 / 2), "across, once; neither the own, nor another kind, nor run out"
    assert found[beside] == pytest.approx(100 * 2 / 2)


def landlord_of(world: World, borough: str, uprn: str, name: str) -> None:
    frames = world.boroughs[borough]
    frames["council_tax"] = frames["council_tax"][frames["council_tax"]["linked_uprn"] != uprn]
    world.add(
        borough, "council_tax", uprn, landlord=name, liable_party="owner", discount="none",
        liability_start=day(900), known_since=day(890),
    )  # fmt: skip


def test_a_landlords_record_in_other_boroughs(world: World):
    home, near = quiet_home(world, "camden"), world.boroughs["camden"]["property"]["uprn"].iloc[50]
    away, sold = world.boroughs["hackney"]["property"]["uprn"].iloc[[40, 60]]
    for borough, uprn in (("camden", home), ("camden", near), ("hackney", away)):
        landlord_of(world, borough, uprn, "planted")
    complain(world, "camden", home, 20, closed_date=day(10), request_outcome="notice")
    complain(world, "camden", near, 20, closed_date=day(10), request_outcome="notice")
    complain(world, "camden", near, 25, closed_date=AS_OF + timedelta(days=3), request_outcome="notice")
    complain(world, "hackney", away, 20, closed_date=day(10), request_outcome="advice")
    licence = {"licence_type": "mandatory", "known_since": day(1500), "commencement_date": day(1500)}
    for uprn in (away, sold):
        world.add("hackney", "hmo_licence", uprn, landlord="planted", expiry_date=day(100), **licence)
    world.write_all()
    row = features_of("camden").loc[home]
    assert (row["landlord_buildings"], row["landlord_buildings_away"], row["landlord_boroughs"]) == (2, 1, 1)
    assert (row["landlord_complaints"], row["landlord_complaints_away"]) == (3, 1)
    assert row["landlord_notices"] == 1, "not the own, nor one that was not closed by then"
    assert row["landlord_expired"] == 1, "not where the landlord answers no more"
    assert row["landlord_licences"] == row["landlord_licences_away"] == 0
    world.add("hackney", "hmo_licence", away, landlord="planted", expiry_date=AS_OF, **licence)
    world.write_all()
    row = features_of("camden").loc[home]
    assert (row["landlord_expired"], row["landlord_licences_away"]) == (0, 1)


def test_a_landlords_record_where_it_is_not_shared_is_unknown(world: World):
    home, alone = quiet_home(world, "camden"), world.boroughs["camden"]["property"]["uprn"].iloc[50]
    away = world.boroughs["hackney"]["property"]["uprn"].iloc[40]
    landlord_of(world, "camden", home, "planted")
    landlord_of(world, "hackney", away, "planted")
    landlord_of(world, "camden", alone, "of one house")
    complain(world, "camden", home, 20)
    world.write("camden")
    world.write("hackney", without=("service_request", "hmo_licence"))
    found = features_of("camden")
    assert found.loc[home, "landlord_buildings"] == 1
    told = ["landlord_complaints", "landlord_complaints_away", "landlord_notices", "landlord_licences"]
    assert found.loc[home, told].isna().all()
    assert (found.loc[alone, ["landlord_buildings", *told]] == 0).all(), "without other buildings there is nothing"


@pytest.mark.parametrize(("back", "unknown"), [(2000, False), (560, False), (500, True)])
def test_nought_in_a_short_history_is_unknown_and_what_was_found_is_a_fact(world: World, back: int, unknown: bool):
    spine = world.boroughs["camden"]["property"]["uprn"]
    busy, quiet = spine.iloc[10], spine.iloc[11]
    complain(world, "camden", busy, back)
    complain(world, "camden", busy, 30)
    world.write_all()
    found = features_of("camden")
    assert found.loc[busy, "complaints_36_months"] == (1 if back > 1095 else 2)
    assert np.isnan(found.loc[quiet, "complaints_36_months"]) == unknown
    assert found.loc[quiet, "complaints_12_months"] == 0


def test_how_far_back_changes_go_is_told_by_liabilities_that_ended(world: World):
    frames = world.boroughs["camden"]
    open_only = frames["council_tax"][frames["council_tax"]["liability_end"].isna()]
    frames["council_tax"] = open_only
    world.write_all()
    found = features_of("camden")["liability_changes_5_years"]
    assert (found.dropna() > 0).all(), "an extract of accounts in force tells nothing of those that went before"
    evidence = next(inputs.read_evidence(["camden"]))
    assert evidence.at(AS_OF).since("council_tax") > 1 << 30


def test_records_of_flats_that_the_gazetteer_lacks(world: World):
    house = quiet_home(world, "camden")
    frames = world.boroughs["camden"]
    for dataset in ("epc", "council_tax"):
        frames[dataset] = frames[dataset][frames[dataset]["linked_uprn"] != house]
    unit = {"decision": "parent", "reason": "unit_not_in_gazetteer"}
    for back in (100, 400):
        world.add("camden", "epc", house, lodgement_date=day(back), known_since=day(back), property_type="flat", **unit)
        world.add(
            "camden", "council_tax", house, liable_party="occupier", discount="none", liability_start=day(back),
            known_since=day(back), **unit,
        )  # fmt: skip
    world.add("camden", "epc", house, lodgement_date=day(50), known_since=day(50), property_type="house")
    world.write_all()
    row = features_of("camden").loc[house]
    assert (row["unit_certificates_10_years"], row["certificates_10_years"]) == (2, 3)
    assert (row["unit_accounts"], row["accounts_at_once"]) == (2, 2)


def test_contradictions_of_council_tax_and_register(world: World):
    house = quiet_home(world, "camden")
    frames = world.boroughs["camden"]
    newest: date = frames["electoral"]["snapshot_date"].max()
    for dataset in ("electoral", "council_tax", "epc", "waste"):
        frames[dataset] = frames[dataset][frames[dataset]["linked_uprn"] != house]
    for counted, electors in ((newest - timedelta(days=360), 2), (newest, 6)):
        world.add(
            "camden", "electoral", house, electors=electors, surnames=5, snapshot_date=counted, known_since=counted
        )
    world.add("camden", "epc", house, habitable_rooms=4, lodgement_date=day(50), known_since=day(50))
    for begun, ended, party in ((800, 600, "occupier"), (599, 20, "occupier"), (19, None, "company")):
        world.add(
            "camden", "council_tax", house, liable_party=party, discount="spd", known_since=day(begun),
            liability_start=day(begun), liability_end=None if ended is None else day(ended),
        )  # fmt: skip
    for number in (3, None):
        world.add(
            "camden", "waste", house, waste_kind="extra_container", containers=number, event_date=day(90),
            known_since=day(90),
        )  # fmt: skip
    world.write_all()
    row = features_of("camden").loc[house]
    assert row["discount_with_surnames"] == row["liable_not_occupier"] == 1
    assert row["electors_not_liable"] == 6
    assert row["electors_per_room"] == 1.5
    assert row["electors_varied_3_years"] == 4
    assert row["short_stays_5_years"] == 1
    assert row["containers_24_months"] == 4
    assert set(features.BY_NAME) == set(pd.Index(features.NAMES))
