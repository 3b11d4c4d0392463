"""Every dataset of the synthetic London keeps its contract, and belongs to the gazetteer and the truth."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest

from pipelines.demo.world import BoroughWorld, WorldSpec, make_borough, make_landlords
from schemas.contract import Field
from schemas.registry import boroughs, contracts

UNTIL = date(2026, 6, 30)
LONDON = tuple(slug for slug, borough in boroughs().items() if borough.london)


def _world(slug: str, dwellings: int) -> BoroughWorld:
    spec = WorldSpec(boroughs=(slug,), dwellings=dwellings, seed=5, until=UNTIL)
    return make_borough(spec, slug, make_landlords(spec))


@pytest.fixture(scope="module", params=[("camden", 5000), ("westminster", 3000), ("city_of_london", 200)])
def world(request: pytest.FixtureRequest) -> BoroughWorld:
    return _world(*request.param)


def _assert_field(frame: pd.DataFrame, field: Field) -> None:
    column = frame[field.name]
    values = column.dropna()
    assert not field.required or column.notna().all(), field.name
    if field.type == "date":
        assert pd.api.types.is_datetime64_dtype(column), field.name
    if field.codes is not None:
        assert set(values) <= set(field.codes), field.name
    if field.pattern is not None and len(values):
        assert values.str.fullmatch(field.pattern).all(), field.name
    if field.max_length is not None and len(values):
        assert values.str.len().max() <= field.max_length, field.name
    if field.minimum is not None and len(values):
        bounds: tuple[Any, Any] = (field.minimum, field.maximum)
        low, high = (pd.Timestamp(bound) if field.type == "date" else bound for bound in bounds)
        assert values.between(low, high).all(), field.name


@pytest.mark.parametrize("dataset", sorted(contracts()))
def test_contract_is_kept(world: BoroughWorld, dataset: str) -> None:
    contract, frame = contracts()[dataset], world.records[dataset]
    assert [name for name in frame.columns if not name.startswith("true_")] == [f.name for f in contract.fields]
    for field in contract.fields:
        _assert_field(frame, field)
    assert not frame.duplicated(list(contract.key)).any()


@pytest.mark.parametrize("dataset", sorted(contracts()))
def test_nothing_is_known_too_early_or_too_late(world: BoroughWorld, dataset: str) -> None:
    contract, frame = contracts()[dataset], world.records[dataset]
    assert frame["known_since"].notna().all()
    assert (frame["known_since"] <= pd.Timestamp(UNTIL)).all()
    if dataset != "licensing_scheme":  # a designation is known before it comes into force
        dated = frame[contract.event_time].notna()
        assert (frame.loc[dated, contract.event_time] <= frame.loc[dated, "known_since"]).all()


def test_every_address_is_the_gazetteers(world: BoroughWorld) -> None:
    gazetteer = world.records["gazetteer"]
    assert gazetteer["uprn"].is_unique
    assert not gazetteer.duplicated(["address", "postcode"]).any()
    official = gazetteer.set_index("uprn")[["address", "postcode"]]
    for dataset, frame in world.records.items():
        if dataset == "licensing_scheme":
            continue
        assert (frame["uprn"] == frame["true_uprn"]).all()
        placed = frame[frame["true_uprn"].isin(official.index)]
        # A new home may be taxed before the gazetteer has it.
        assert len(placed) >= 0.99 * len(frame) - 1
        expected = official.loc[placed["true_uprn"]]
        assert (placed["address"].to_numpy() == expected["address"].to_numpy()).all()
        assert (placed["postcode"].to_numpy() == expected["postcode"].to_numpy()).all()


def test_parents_and_classes(world: BoroughWorld) -> None:
    gazetteer = world.records["gazetteer"].set_index("uprn")
    parents = gazetteer["parent_uprn"].dropna()
    assert parents.isin(gazetteer.index).all()
    assert (
        gazetteer.loc[parents.unique(), "blpu_class"].isin(["PP", "X", "RH01", "RD02", "RD03", "RD04", "RD", "R"]).all()
    )
    flats = gazetteer[gazetteer["blpu_class"] == "RD06"]
    assert flats["parent_uprn"].notna().all()


def test_truth_agrees_with_itself(world: BoroughWorld) -> None:
    truth = world.truth["property"]
    assert truth["uprn"].is_unique
    hmos = truth[truth["is_hmo"]]
    assert (hmos["kind"] == "dwelling").all()
    assert (hmos["occupants"] >= 3).all()
    assert (hmos["households"] >= 2).all()
    assert (hmos["households"] <= hmos["occupants"]).all()
    assert (hmos["hmo_since"] <= pd.Timestamp(UNTIL)).all()
    assert hmos["landlord_id"].notna().all()
    assert (truth["hmo_since"].notna() == truth["is_hmo"]).all()
    mandatory = truth[truth["licensable"] == "mandatory"]
    assert (mandatory["occupants"] >= 5).all()
    assert (truth["licensed"].isna() == (truth["licensable"] == "none")).all()
    standing = world.records["gazetteer"].query("end_date.isna()")["uprn"]
    assert standing.isin(truth["uprn"]).all()
    landlords = world.truth["landlord"]
    assert landlords["landlord_id"].is_unique
    assert truth["landlord_id"].dropna().isin(landlords["landlord_id"]).all()
    assert landlords["hmos"].sum() == len(hmos)


def test_register_and_truth_agree(world: BoroughWorld) -> None:
    register, truth = world.records["hmo_licence"], world.truth["property"].set_index("uprn")
    current = register[register["licence_status"] == "current"]
    held = truth.loc[current["true_uprn"], "licence_held"]
    known = current["licence_type"].to_numpy() == held.to_numpy()
    assert len(current) == 0 or known.mean() > 0.97
    assert register["true_landlord"].isin(world.truth["landlord"]["landlord_id"]).all()


@pytest.mark.parametrize("slug", LONDON)
def test_every_borough_can_be_small(slug: str) -> None:
    world = _world(slug, 200)
    assert set(world.records) == set(contracts())
    truth = world.truth["property"]
    assert 190 <= (truth["kind"] == "dwelling").sum() <= 200


@pytest.mark.parametrize("dwellings", [1, 2, 17])
def test_tiny_boroughs_do_not_crash(dwellings: int) -> None:
    world = _world("city_of_london", dwellings)
    assert len(world.records["gazetteer"]) >= dwellings
