"""What stands behind an entry, and who, goes where the entry goes; an erased person is blanked in both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Dossier, ListEntry, PublishedList
from pipelines.governance import dossiers, erasure, erasure_search, lists_down, subjects
from pipelines.governance.enforcement import apply_agreements
from pipelines.governance.retention import apply_retention
from schemas import registry
from tests.unit.agreed import agree, withdrawal
from tests.unit.governed_world import borough_with_list
from tests.unit.test_governance_erasure import KATE, lines_of


@pytest.fixture
def world(home: Path) -> Path:
    borough_with_list("camden")
    borough_with_list("bexley", first=14)
    for entry in entries():
        _behind(entry)
    return home


def _behind(entry: ListEntry) -> None:
    """A dossier as the model's stage makes it; Kate is landlord of 3 and 16 and holds the licence of 1."""
    kate = entry.uprn in ("3", "16")
    holder = {"1": "Mr. Kate EXAMPLE", "2": "Somebody Else"}.get(entry.uprn)
    content = {
        "building_uprn": "2" if entry.uprn == "3" else None,
        "landlord": {"id": f"L{entry.uprn}", "name": "EXAMPLE, Kate" if kate else None, "boroughs": []},
        "licences": [{"reference": "L1", "holder": holder}],
    }
    with transaction() as session:
        row = session.get_one(ListEntry, (entry.list_id, entry.rank))
        row.landlord_id, row.landlord_name = f"L{entry.uprn}", "EXAMPLE, Kate" if kate else None
        session.add(Dossier(list_id=entry.list_id, uprn=entry.uprn, content=content))


def entries() -> list[ListEntry]:
    with transaction() as session:
        return list(session.scalars(sa.select(ListEntry).order_by(ListEntry.list_id, ListEntry.rank)))


def contents() -> dict[str, dict[str, Any]]:
    with transaction() as session:
        return {row.uprn: row.content for row in session.scalars(sa.select(Dossier))}


def test_a_propertys_dossiers_go_and_those_of_its_flats(world: Path):
    found = erasure_search.find(subjects.property_subject("uprn:2"), lines_of)
    assert found.counts()["dossiers"] == 2
    assert set(contents()) == {"1", "2", "3", "14", "15", "16"}, "finding changes nothing"
    erasure.erase(found, "B Example", "request 17")
    assert set(contents()) == {"1", "14", "15", "16"}
    assert contents()["1"]["landlord"]["id"] == "L1"


def test_a_person_is_blanked_as_landlord_and_as_holder(world: Path):
    found = erasure_search.find(KATE, lines_of)
    counts = found.counts()
    assert counts["dossiers_whose_names_are_blanked"] == 3
    assert counts["list_entries_whose_landlord_is_blanked"] == 2
    assert counts["dossiers"] == counts["list_entries"] == 0
    erasure.erase(found, "B Example", "request 18")
    made = contents()
    assert [made[uprn]["landlord"] for uprn in ("3", "16")] == [None, None]
    assert made["1"]["licences"] == [{"reference": "L1", "holder": None}], "the licence stays, without the name"
    assert made["2"]["licences"][0]["holder"] == "Somebody Else"
    assert {e.uprn: e.landlord_id for e in entries()} == {
        "1": "L1", "2": "L2", "3": None, "14": "L14", "15": "L15", "16": None,
    }  # fmt: skip
    assert {entry.landlord_name for entry in entries()} == {None}
    assert "kate" not in json.dumps(made).lower()
    assert erasure_search.find(KATE, lines_of).counts()["dossiers_whose_names_are_blanked"] == 0


def test_the_landlord_that_a_person_is_goes_where_no_name_is_shown(world: Path):
    """The landlord of the person's records is `x` in the lake: what it stands behind is the person's business too."""
    with transaction() as session:
        row = session.scalars(sa.select(ListEntry).where(ListEntry.uprn == "15")).one()
        row.landlord_id = "x"
        behind = session.scalars(sa.select(Dossier).where(Dossier.uprn == "15")).one()
        behind.content = behind.content | {"landlord": {"id": "x", "name": None}}
    erasure.erase(erasure_search.find(KATE, lines_of), "B Example", "request 18")
    assert contents()["15"]["landlord"] is None
    assert next(entry.landlord_id for entry in entries() if entry.uprn == "15") is None


def test_a_person_at_one_property_stays_elsewhere(world: Path):
    erasure.erase(
        erasure_search.find(subjects.person_subject(["Kate Example"], "3"), lines_of), "B Example", "request 19"
    )
    made = contents()
    assert (made["3"]["landlord"], made["16"]["landlord"]["name"]) == (None, "EXAMPLE, Kate")
    assert made["1"]["licences"][0]["holder"] == "Mr. Kate EXAMPLE"
    assert {entry.uprn for entry in entries() if entry.landlord_name} == {"16"}


def test_a_list_that_is_taken_down_keeps_its_entries_and_nothing_behind_them(world: Path):
    lists_down.take_down("camden", "Because.")
    assert set(contents()) == {"14", "15", "16"}
    assert len(entries()) == 6


def test_entries_that_are_forgotten_take_what_stands_behind_them(world: Path):
    assert lists_down.forget_entries("camden") == 3
    assert set(contents()) == {"14", "15", "16"}


def test_a_withdrawn_dataset_takes_them(world: Path):
    agree(withdrawals=[withdrawal(boroughs=["camden"], datasets=["hmo_licence"])])
    registry.clear()
    apply_agreements()
    assert set(contents()) == {"14", "15", "16"}
    assert {entry.uprn for entry in entries()} == {"14", "15", "16"}


def test_an_agreement_that_ended_takes_them(world: Path):
    agree(datasets=["gazetteer", "hmo_licence"], at_finest={})
    registry.clear()
    apply_agreements()
    assert contents() == {}


def test_retention_takes_those_of_a_list_past_it(world: Path, monkeypatch: pytest.MonkeyPatch):
    lists_down.published("camden")
    with transaction() as session:
        issued = session.scalars(sa.select(PublishedList).where(PublishedList.borough == "camden")).one()
        kept = {name: getattr(issued, name) for name in PublishedList.__table__.columns.keys()}  # noqa: SIM118
        session.add(PublishedList(**kept | {"id": "camden-later", "version": 2}))
    monkeypatch.setenv("LODA_NOW", "2036-06-01T02:00:00+00:00")
    apply_retention()
    assert set(contents()) == {"14", "15", "16"}


def test_a_borough_without_any_loses_none(world: Path):
    with transaction() as session:
        assert dossiers.forget_borough(session, "hackney") == 0
    assert len(contents()) == 6
