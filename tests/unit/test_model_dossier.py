"""What stands behind each entry of a list is in the ledger: all of it in words, none of it telling who was drawn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from models.hmo import build_features, estimator, score, train
from models.hmo.landlord_page import landlord
from models.hmo.why import NOTE, why
from pipelines import night
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, Dossier, ListEntry
from pipelines.core.ledger.officers import Override
from pipelines.core.tables import LICENSING
from pipelines.governance import access
from pipelines.ranking import rank
from schemas import registry
from tests.homes import own_home
from tests.unit.agreed import agree
from tests.unit.model_world import AS_OF, World, day, make, quiet_home, spread

CANARY = "Zebedee Quillfeather"
KEYS = {
    *("borough", "uprn", "address", "postcode", "building_uprn", "as_of", "model", "list_id", "reasons", "raises"),
    *("lowers", "hardly", "records", "left_out", "licences", "applications", "licensing", "landlord", "withheld"),
    "note",
}
RECORD = {"dataset", "source", "record_id", "date", "reference", "what", "of", "link"}
SETTINGS = {"LODA_CAPACITY": "20", "LODA_LIST_LENGTH": "40", "LODA_CONTROL_SHARE": "0.2"}


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Two scored boroughs; camden's list holds every home, one of them with all kinds of records."""
    with own_home(tmp_path_factory.mktemp("dossier"), **SETTINGS), pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator.SETTINGS, "max_iter", 20)
        world = make(("camden", "hackney"), dwellings=500)
        uprn = quiet_home(world, "camden")
        spine = world.boroughs["camden"]["property"]
        flat = next(spine[spine["parent_uprn"].notna()].itertuples())
        ids = _plant(world, uprn, flat.parent_uprn)
        world.write_all()
        for borough in world.boroughs:
            build_features(borough, AS_OF)
        train(AS_OF)
        for borough in world.boroughs:
            score(borough, AS_OF)
            _license(world, borough)
            rank(borough, AS_OF)
        assert night.dossiers("camden", AS_OF).outcome == "made"
        yield SimpleNamespace(world=world, uprn=uprn, flat=flat, ids=ids)


def _plant(world: World, uprn: str, building: str) -> dict[str, int]:
    said: dict[str, Any] = {"request_category": "noise", "request_outcome": "notice", "reason": "uprn_agrees"}
    ids = {
        "told": world.add(
            "camden", "service_request", uprn, received_date=day(100), known_since=day(90), closed_date=day(60),
            request_ref="SR-17", address=CANARY, **said,
        ),
        "later": world.add("camden", "service_request", uprn, received_date=day(9), known_since=day(-1), **said),
        "old": world.add("camden", "service_request", uprn, received_date=day(4000), known_since=day(3999), **said),
        "building": world.add(
            "camden", "service_request", building, received_date=day(40), known_since=day(39), decision="parent", **said
        ),
        "visit": world.add(
            "camden", "inspection", uprn, visit_date=day(50), known_since=day(45), inspection_ref="I-1",
            visit_reason="control", access="gained", finding="not_hmo",
        ),
        "tax": world.add(
            "camden", "council_tax", uprn, "L-PLANTED", liability_start=day(40), known_since=day(39),
            liable_party="owner", liable_name=CANARY, liable_address=CANARY, account_ref=CANARY, band="F",
        ),
    }  # fmt: skip
    licence = {"licence_type": "mandatory", "commencement_date": day(700), "known_since": day(699)}
    register = {"holder_name": CANARY, "holder_address": "1 Elsewhere"}
    for borough, home, status in (
        ("camden", uprn, "surrendered"),
        ("hackney", world.boroughs["hackney"]["property"]["uprn"].iloc[-1], "current"),
    ):
        ids[borough] = world.add(
            borough, "hmo_licence", home, licence_status=status, licence_ref=f"LIC-{borough}",
            expiry_date=day(-1000), max_persons=5, **licence, **register,
        )  # fmt: skip
        frames = world.boroughs[borough]
        holder = {"dataset": "hmo_licence", "record_id": ids[borough], "role": "holder", "landlord_id": "L-PLANTED"}
        frames["landlord"] = pd.concat([frames["landlord"], pd.DataFrame([holder])], ignore_index=True)
    ids["application"] = world.add(
        "camden", "licence_application", uprn, application_ref="APP-1", application_kind="renewal",
        application_status="refused", received_date=day(300), decision_date=day(200), known_since=day(299),
        applicant_name=CANARY,
    )  # fmt: skip
    return ids


def _license(world: World, borough: str) -> None:
    uprns = world.boroughs[borough]["property"]["uprn"].tolist()
    row = {
        "uprn": uprns, "borough": borough, "as_of": AS_OF, "building_uprn": uprns, "needed": "cannot_tell",
        "needed_why": "Not settled (Housing Act 2004 s.55).", "status": "none", "status_why": "None on the register.",
    }  # fmt: skip
    access.write_table("licensing", spread(row, LICENSING), borough=borough, made_from={})


def contents(borough: str = "camden") -> dict[str, dict[str, Any]]:
    with transaction() as session:
        query = sa.select(Dossier).where(Dossier.list_id.like(f"{borough}%"))
        return {row.uprn: row.content for row in session.scalars(query)}


def leaves(value: Any) -> Iterator[Any]:
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from leaves(part)
    if not isinstance(value, (dict, list)):
        yield value


def keys(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(keys, value))
    return set(value).union(*map(keys, value.values())) if isinstance(value, dict) else set()


def test_every_entry_has_its_dossier_with_the_same_keys(listed):
    found = contents()
    with transaction() as session:
        entries = session.scalars(sa.select(ListEntry).where(ListEntry.list_id.like("camden%"))).all()
    assert set(found) == {entry.uprn for entry in entries}
    assert any(entry.control_slot for entry in entries)
    for entry in entries:
        own = found[entry.uprn]
        assert set(own) == KEYS
        assert (own["reasons"], own["list_id"], own["note"]) == (entry.reasons, entry.list_id, NOTE)
        assert {type(own[name]) for name in KEYS} <= {str, int, list, dict, type(None)}
        assert own["licensing"]["needed_why"] == "Not settled (Housing Act 2004 s.55)."
        for record in (*own["records"], *own["licences"], *own["applications"]):
            assert set(record) >= RECORD
            assert date.fromisoformat(record["date"]) <= AS_OF


def test_no_figure_tells_how_likely_a_home_is(listed):
    for own in contents().values():
        assert not [leaf for leaf in leaves(own) if isinstance(leaf, float)]
        assert not keys(own) & {"probability", "log_odds", "value", "control_slot", "control_inclusion", "rank"}


def test_the_reasons_are_those_of_the_model(listed):
    found = contents()
    for uprn in (listed.uprn, listed.flat.uprn):
        told = why("camden", uprn)
        for side in ("raises", "lowers"):
            expected = [(t["words"], t["strength"]) for t in told[side] if t["strength"] != "hardly"]
            assert [(t["words"], t["strength"]) for t in found[uprn][side]] == expected
            assert all(theme["features"] for theme in found[uprn][side])
        hardly = {t["words"] for side in ("raises", "lowers") for t in told[side] if t["strength"] == "hardly"}
        assert set(found[uprn]["hardly"]) == hardly
        assert found[uprn]["building_uprn"] == told["building_uprn"]


def test_records_are_told_in_words_with_their_tie(listed):
    records = {record["record_id"]: record for record in contents()[listed.uprn]["records"]}
    told = records[listed.ids["told"]]
    assert (told["what"], told["date"], told["reference"], told["source"], told["of"]) == (
        "domestic noise; notice served", day(100).isoformat(), "SR-17", "Complaints", "home",
    )  # fmt: skip
    assert told["link"] == {
        "decision": "linked", "reason": "uprn_agrees", "stage": None, "sure": None,
        "sentence": "The record's own UPRN is in the gazetteer and its address does not contradict it.",
    }  # fmt: skip
    assert records[listed.ids["visit"]]["what"] == "an officer got in; not an HMO", "and not that it was drawn"
    assert records[listed.ids["tax"]]["what"].startswith("liable: the owner")
    assert not {listed.ids["later"], listed.ids["old"]} & set(records)
    days = [record["date"] for record in contents()[listed.uprn]["records"]]
    assert days == sorted(days, reverse=True)


def test_records_of_the_building_stand_with_its_flats(listed):
    records = {record["record_id"]: record["of"] for record in contents()[listed.flat.uprn]["records"]}
    assert records[listed.ids["building"]] == "building"
    assert listed.ids["building"] not in {record["record_id"] for record in contents()[listed.uprn]["records"]}


def test_the_register_is_told_without_names_where_analysts_see_none(listed):
    own = contents()[listed.uprn]
    (licence,), (application,) = own["licences"], own["applications"]
    assert (licence["type"], licence["state"], licence["holder"], licence["max_persons"]) == (
        "mandatory HMO licence, Housing Act 2004 Part 2", "surrendered", None, 5,
    )  # fmt: skip
    assert (licence["from"], licence["reference"]) == (day(700).isoformat(), "LIC-camden")
    assert (application["what"], application["decided"]) == ("application to renew; refused", day(200).isoformat())
    text = json.dumps(list(contents().values()))
    for word in (CANARY, *CANARY.split(), "Elsewhere"):
        assert word not in text


def test_the_landlord_is_told_across_boroughs(listed):
    assert contents()[listed.uprn]["landlord"] == {
        "id": "L-PLANTED",
        "name": None,
        "role": "licence holder",
        "boroughs": [
            {"borough": "camden", "properties": 1, "licences": 1, "in_force": 0},
            {"borough": "hackney", "properties": 1, "licences": 1, "in_force": 1},
        ],
    }


def test_it_is_not_made_twice_and_made_again_where_one_is_missing(listed):
    assert night.dossiers("camden", AS_OF).outcome == "unchanged"
    before = contents()
    with transaction() as session:
        session.execute(sa.delete(Dossier).where(Dossier.uprn == listed.uprn))
    assert night.dossiers("camden", AS_OF).outcome == "made"
    assert contents() == before


def test_reading_is_on_record_as_an_analysts(listed):
    with transaction() as session:
        session.execute(sa.delete(Dossier).where(Dossier.uprn == listed.uprn))
    night.dossiers("camden", AS_OF)
    with transaction() as session:
        query = sa.select(AuditEvent).where(AuditEvent.what == "read").order_by(AuditEvent.number.desc())
        lines = [line for line in session.scalars(query) if line.details["by"] == "dossiers"]
    roles = {read["table"]: read.get("role") for line in lines[:1] for read in line.details["reads"]}
    assert roles["council_tax"] == roles["hmo_licence"] == roles["inspection"] == "analyst"


def test_there_is_none_for_another_day_or_without_a_list(listed):
    assert night.dossiers("camden", day(30)).outcome == "skipped"
    assert night.dossiers("islington", AS_OF).outcome == "skipped"
    assert len(contents()) > 0


def test_what_the_agreement_withholds_is_named_and_what_it_shows_is_shown(listed):
    written = agree(may_see={"analyst": "record"}, at_finest={"service_request": "count"})
    try:
        registry.clear()
        rank("camden", AS_OF)
        assert night.dossiers("camden", AS_OF).outcome == "made"
        own = contents()[listed.uprn]
        assert "service_request" not in {record["dataset"] for record in own["records"]}
        assert any("service_request in counts only" in sentence for sentence in own["withheld"])
        assert own["licences"][0]["holder"] == own["landlord"]["name"] == CANARY
        assert json.dumps(own).count(CANARY) == 2, "and nobody else is named"
        assert landlord("L-PLANTED")["names"] == [CANARY]
    finally:
        written.unlink()
        registry.clear()
    rank("camden", AS_OF)
    assert night.dossiers("camden", AS_OF).outcome == "made"
    assert contents()[listed.uprn]["landlord"]["name"] is None


def test_a_landlord_is_read_across_boroughs_as_far_as_agreements_allow(listed):
    found = landlord("L-PLANTED", on=AS_OF)
    assert json.loads(json.dumps(found)) == found
    assert CANARY not in json.dumps(found)
    camden, hackney = found["boroughs"]
    (home,) = camden["properties"]
    assert (home["uprn"], home["roles"], camden["unplaced"]) == (listed.uprn, ["licence holder", "liable owner"], 0)
    assert [(own["reference"], own["state"]) for own in home["licences"]] == [("LIC-camden", "surrendered")]
    assert home["liable"] == [{"from": day(40).isoformat(), "until": None, "in_force": True}]
    assert hackney["properties"][0]["licences"][0]["state"] == "in force"
    written = agree(at_finest={"hmo_licence": "count"})
    try:
        registry.clear()
        found = landlord("L-PLANTED", on=AS_OF)
        assert [borough["borough"] for borough in found["boroughs"]] == ["camden"]
        assert len(found["withheld"]) == 2
    finally:
        written.unlink()
        registry.clear()
    with pytest.raises(NotFound, match="begin again"):
        landlord("nobody")


def test_of_a_property_the_newest_is_kept_also_after_it_left_the_list(listed):
    with transaction() as session:
        session.add(
            Override(
                borough="camden", uprn=listed.uprn, address="x", kind="exclude", reason="r", who="A Officer",
                made_at=pd.Timestamp.now("UTC").to_pydatetime(), expires_on=date(2100, 1, 1),
            )
        )  # fmt: skip
    before = contents()[listed.uprn]
    assert rank("camden", AS_OF).outcome == "made"
    assert night.dossiers("camden", AS_OF).outcome == "made"
    with transaction() as session:
        kept = session.execute(sa.select(Dossier.uprn, Dossier.list_id)).all()
    assert len({uprn for uprn, _ in kept}) == len(kept)
    assert dict(map(tuple, kept))[listed.uprn] == before["list_id"]
    assert contents()[listed.flat.uprn]["list_id"] != before["list_id"]
