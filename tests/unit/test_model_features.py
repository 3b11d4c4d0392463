"""Features: what they count, what they must never see, and that what is not shared is unknown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.hmo import build_features, features, inputs
from models.hmo.evidence import View
from models.hmo.features.declaration import POOLED, SOURCE_WORDS
from models.hmo.sources import LABEL_DATASETS, RESIDENTIAL
from pipelines.governance import access
from schemas import registry
from tests.homes import own_home
from tests.unit import model_world
from tests.unit.model_world import AS_OF, World, day, make

BOROUGH = "camden"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with own_home(tmp_path) as folder:
        yield folder


@pytest.fixture
def world(home: Path) -> World:
    return make((BOROUGH,), dwellings=200)


@pytest.fixture
def two_boroughs(home: Path) -> World:
    return make((BOROUGH, "hackney"), dwellings=200)


def features_of(borough: str = BOROUGH, as_of: date = AS_OF) -> pd.DataFrame:
    return model_world.features_of(borough, as_of)


def quiet_home(world: World, borough: str = BOROUGH) -> str:
    return model_world.quiet_home(world, borough)


def test_every_feature_is_declared_whole():
    assert len(set(features.NAMES)) == len(features.NAMES)
    for feature in features.FEATURES:
        assert feature.words, feature.name
        assert feature.unit, feature.name
        assert feature.imputation, feature.name
        assert feature.dataset in SOURCE_WORDS, feature.name
        assert feature.dataset in POOLED or feature.dataset in registry.contracts()
        assert feature.dataset not in LABEL_DATASETS
        assert feature.window_days is None or 0 < feature.window_days < 5000
        assert "{" not in feature.tell(2.0).replace("{value}", ""), feature.name


def test_the_future_moves_nothing(world):
    world.write_all()
    before = features_of()
    home = quiet_home(world)
    ahead = AS_OF + timedelta(days=1)
    add = world.add
    add(BOROUGH, "service_request", home, request_category="noise", received_date=ahead, known_since=ahead)
    add(BOROUGH, "waste", home, waste_kind="bulky", event_date=ahead, known_since=ahead)
    add(BOROUGH, "planning", home, planning_kind="change_of_use_hmo", received_date=ahead, known_since=ahead)
    add(BOROUGH, "epc", home, floor_area=999.0, habitable_rooms=12, lodgement_date=ahead, known_since=ahead)
    add(BOROUGH, "electoral", home, electors=9, surnames=9, snapshot_date=ahead, known_since=ahead)
    add(BOROUGH, "benefits", home, benefit_claims=9, snapshot_date=ahead, known_since=ahead)
    add(BOROUGH, "social_housing", home, social_landlord="council", social_from=ahead, known_since=day(5))
    add(
        BOROUGH, "council_tax", home, landlord="L1", liable_party="owner", discount="spd", band="H",
        liability_start=ahead, known_since=ahead,
    )  # fmt: skip
    world.write(BOROUGH)
    pd.testing.assert_frame_equal(features_of(), before)


def test_what_became_known_late_moves_nothing_until_it_was_known(world):
    world.write_all()
    before = features_of(as_of=day(30))
    home = quiet_home(world)
    world.add(BOROUGH, "service_request", home, request_category="noise", received_date=day(60), known_since=day(10))
    world.add(
        BOROUGH, "council_tax", home, liable_party="owner", discount="none", liability_start=day(90),
        known_since=day(10),
    )  # fmt: skip
    world.write(BOROUGH)
    pd.testing.assert_frame_equal(features_of(as_of=day(30)), before)
    now = features_of()
    assert now.loc[home, "noise_36_months"] == 1
    assert now.loc[home, "owner_liable"] == 1


def test_the_answer_itself_moves_nothing(world):
    world.write_all()
    before = features_of()
    home = quiet_home(world)
    world.add(
        BOROUGH, "hmo_licence", home, landlord="L1", licence_type="mandatory", commencement_date=day(400),
        expiry_date=AS_OF + timedelta(days=900), known_since=day(395), max_persons=8,
    )  # fmt: skip
    world.add(
        BOROUGH, "licence_application", home, application_kind="new", received_date=day(450), known_since=day(450),
        occupants=8, households=8,
    )  # fmt: skip
    world.add(
        BOROUGH, "inspection", home, access="gained", finding="hmo_unlicensed", visit_reason="complaint",
        visit_date=day(430), known_since=day(425), occupants=8, households=8,
    )  # fmt: skip
    for frame in (world.boroughs[BOROUGH]["property"], world.boroughs[BOROUGH]["gazetteer"]):
        frame.loc[frame["uprn"] == home, "blpu_class"] = "RH01"
    world.write(BOROUGH)
    after = features_of()
    # The row itself is as before to the last digit; another of L1's homes may rightly see the licence elsewhere.
    pd.testing.assert_series_equal(after.loc[home], before.loc[home])
    elsewhere = [name for name in features.NAMES if name.startswith("landlord_")] + ["near_licences"]
    pd.testing.assert_frame_equal(after.drop(columns=elsewhere), before.drop(columns=elsewhere))


def test_a_feature_cannot_read_a_dataset_of_labels(world):
    world.write_all()
    view: View = next(inputs.read_evidence([BOROUGH])).at(AS_OF)
    for dataset in LABEL_DATASETS:
        assert dataset not in view.cut
        with pytest.raises(PermissionError, match="no feature may read it"):
            view.records(dataset)


def test_what_a_borough_does_not_share_is_unknown_not_nought(two_boroughs):
    world = two_boroughs
    world.write(BOROUGH, without=("waste", "benefits", "epc"))
    world.write("hackney")
    found = features_of()
    for feature in features.FEATURES:
        if feature.dataset in ("waste", "benefits", "epc"):
            assert found[feature.name].isna().all(), feature.name
    assert (found["complaints_36_months"] == 0).any()
    assert features_of("hackney")["bulky_24_months"].notna().all()


def test_counts_by_kind_and_window(world):
    home = quiet_home(world)
    for back, kind in ((10, "noise"), (300, "noise"), (400, "pests"), (1094, "waste"), (1096, "waste")):
        world.add(
            BOROUGH, "service_request", home, request_category=kind, received_date=day(back), known_since=day(back)
        )
    world.add(
        BOROUGH, "service_request", home, request_category="fire_safety", received_date=day(50), known_since=day(50),
        closed_date=AS_OF + timedelta(days=2), request_outcome="notice",
    )  # fmt: skip
    world.write_all()
    row = features_of().loc[home]
    assert row["complaints_12_months"] == 3
    assert row["complaints_36_months"] == 5
    assert (row["noise_36_months"], row["pests_36_months"], row["waste_36_months"]) == (2, 1, 1)
    assert row["months_since_complaint"] == 0
    assert row["notices_36_months"] == 0, "the notice is not known before the complaint was closed"


def test_the_newest_count_and_the_current_liability_count(world):
    home = quiet_home(world)
    frames = world.boroughs[BOROUGH]
    for dataset in ("electoral", "council_tax"):
        frames[dataset] = frames[dataset][frames[dataset]["linked_uprn"] != home]
    newest = frames["electoral"]["snapshot_date"].max()
    world.add(BOROUGH, "electoral", home, electors=2, surnames=1, snapshot_date=day(380), known_since=day(370))
    world.add(BOROUGH, "electoral", home, electors=6, surnames=5, snapshot_date=newest, known_since=newest)
    for begun, ended, party in ((1000, 501, "occupier"), (500, 101, "occupier"), (100, None, "company")):
        world.add(
            BOROUGH, "council_tax", home, liable_party=party, discount="none", band="E", known_since=day(begun - 10),
            liability_start=day(begun), liability_end=None if ended is None else day(ended),
        )  # fmt: skip
    world.write_all()
    row = features_of().loc[home]
    assert (row["electors"], row["surnames"]) == (6, 5)
    assert row["liability_changes_5_years"] == 3
    assert row["liability_changes_12_months"] == 1
    assert (row["company_liable"], row["owner_liable"], row["accounts_at_once"]) == (1, 0, 1)
    assert row["band"] == 5


def test_a_landlord_is_followed_into_other_boroughs_but_never_home(two_boroughs):
    world = two_boroughs
    home, elsewhere = quiet_home(world), quiet_home(world, "hackney")
    for borough, uprn in ((BOROUGH, home), ("hackney", elsewhere)):
        frame = world.boroughs[borough]["council_tax"]
        world.boroughs[borough]["council_tax"] = frame[frame["linked_uprn"] != uprn]
        world.add(
            borough, "council_tax", uprn, landlord="planted", liable_party="owner", discount="none",
            liability_start=day(900), known_since=day(890),
        )  # fmt: skip
    licence = {"licence_type": "additional", "commencement_date": day(200), "known_since": day(199)}
    world.add("hackney", "hmo_licence", elsewhere, landlord="planted", expiry_date=AS_OF, **licence)
    for uprn, borough in ((home, BOROUGH), (elsewhere, "hackney")):
        world.add(
            borough, "service_request", uprn, request_category="pests", received_date=day(30), known_since=day(30)
        )
    world.write_all()
    own = features_of().loc[home]
    assert (own["landlord_buildings"], own["landlord_boroughs"]) == (1, 1)
    assert (own["landlord_licences"], own["landlord_complaints"]) == (1, 1)
    other = features_of("hackney").loc[elsewhere]
    assert (other["landlord_licences"], other["landlord_complaints"]) == (0, 1)


def test_complaints_about_the_whole_building_are_shared_by_its_homes(world):
    spine = world.boroughs[BOROUGH]["property"]
    shell = spine.loc[spine["blpu_class"] == "PP", "uprn"].iloc[0]
    flats = spine.loc[spine["parent_uprn"] == shell, "uprn"]
    frames = world.boroughs[BOROUGH]
    frames["social_housing"] = frames["social_housing"][~frames["social_housing"]["linked_uprn"].isin(flats)]
    frames["service_request"] = frames["service_request"][frames["service_request"]["linked_uprn"] != shell]
    for _ in range(3):
        world.add(
            BOROUGH, "service_request", shell, decision="parent", request_category="noise", received_date=day(9),
            known_since=day(9),
        )  # fmt: skip
    world.write_all()
    found = features_of()
    assert shell not in found.index
    assert (found.loc[flats, "building_complaints_36_months"] == 1.5).all()
    assert (found.loc[flats, "units_in_building"] == 2).all()


def test_the_cohort_is_homes_that_stand_and_are_not_social(world):
    spine, gazetteer = world.boroughs[BOROUGH]["property"], world.boroughs[BOROUGH]["gazetteer"]
    free = [quiet_home(world)]
    homes = spine[spine["parent_uprn"].isna() & (spine["blpu_class"] != "PP")]["uprn"].tolist()
    social = set(world.boroughs[BOROUGH]["social_housing"]["linked_uprn"])
    gone, unborn, late, shop, rented = [uprn for uprn in homes if uprn not in social and uprn not in free][:5]
    gazetteer.loc[gazetteer["uprn"] == gone, "end_date"] = day(1)
    gazetteer.loc[gazetteer["uprn"] == unborn, "start_date"] = AS_OF + timedelta(days=1)
    gazetteer.loc[gazetteer["uprn"] == late, "known_since"] = AS_OF + timedelta(days=1)
    spine.loc[spine["uprn"] == shop, "blpu_class"] = "CR"
    world.add(BOROUGH, "social_housing", rented, social_landlord="housing_association", known_since=day(100))
    world.write_all()
    found = set(features_of().index)
    assert free[0] in found
    assert found.isdisjoint({gone, unborn, late, shop, rented} | social)
    assert "RH01" in RESIDENTIAL


def test_a_house_divided_into_rooms_stays_whole(world):
    spine = world.boroughs[BOROUGH]["property"]
    house = quiet_home(world)
    homes = spine[spine["parent_uprn"].isna() & (spine["uprn"] != house) & (spine["blpu_class"] != "PP")]["uprn"]
    rooms = homes.iloc[-3:]
    spine.loc[spine["uprn"].isin(rooms), ["parent_uprn", "blpu_class"]] = [house, "RH02"]
    world.write_all()
    found = set(features_of().index)
    assert house in found
    assert found.isdisjoint(rooms)


def test_done_once_and_skipped_with_a_sentence(world, home):
    assert build_features(BOROUGH, AS_OF).outcome == "skipped"
    world.write_all()
    assert build_features(BOROUGH, AS_OF).outcome == "made"
    assert build_features(BOROUGH, AS_OF).outcome == "unchanged"
    assert build_features(BOROUGH, day(1)).outcome == "made"
    world.write(BOROUGH)
    assert build_features(BOROUGH, day(1)).outcome == "made"
    early = build_features(BOROUGH, date(1999, 1, 1))
    assert early.outcome == "skipped"
    assert "1999-01-01" in early.sentence


def test_words_tell_value_source_and_day():
    known_to = {"electoral": "2026-09-01", "service_request": "2026-09-30"}
    surnames = features.BY_NAME["surnames"]
    told = surnames.tell_all(np.array([5.0, 1.0, np.nan, 0.0]), known_to)
    assert told.tolist() == [
        "5 surnames among electors (electoral register, counted 1 Sep 2026)",
        "1 surname among electors (electoral register, counted 1 Sep 2026)",
        "",
        "",
    ]
    assert features.BY_NAME["built"].tell(1890.0) == "built before 1900"
    assert features.BY_NAME["months_since_complaint"].tell(48.0) == ""
    assert features.BY_NAME["storeys"].tell_all(np.array([4.0]), {}).tolist() == ["4 storeys (gazetteer)"]


def test_data_whose_agreement_has_ended_is_unknown_the_next_night(world, monkeypatch):
    world.write_all()
    assert features_of()["bulky_24_months"].notna().all()
    agreed = access.allowed
    monkeypatch.setattr(
        access, "allowed", lambda b, dataset, purpose: dataset != "waste" and agreed(b, dataset, purpose)
    )
    assert features_of()["bulky_24_months"].isna().all()
