"""From the lake's tables to the table `licensing`."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from pipelines.core.tables import LICENSING
from pipelines.governance import access
from pipelines.licensing import assess
from tests.unit.licensing_world import AS_OF, BOROUGH, write_dataset, write_links, write_properties

pytestmark = pytest.mark.usefixtures("home")


def licensing() -> dict[str, dict[str, Any]]:
    rows = access.read_table("licensing", LICENSING, boroughs=[BOROUGH]).to_pylist()
    return {row["uprn"]: row for row in rows}


def visit(occupants: int, households: int, **more: Any) -> dict[str, Any]:
    usual = {"inspection_ref": "i", "visit_date": date(2024, 2, 1), "access": "gained", "finding": "hmo_unlicensed"}
    return usual | {"occupants": occupants, "households": households} | more


def test_without_a_spine_it_is_skipped() -> None:
    assert assess(BOROUGH, AS_OF).outcome == "skipped"


def test_evidence_goes_from_visit_to_application_to_electors() -> None:
    write_properties(*({"uprn": str(n)} for n in range(1, 6)))
    write_dataset("inspection", visit(6, 4))
    write_dataset(
        "licence_application",
        {"application_ref": "a", "application_kind": "variation", "received_date": date(2024, 1, 5), "occupants": 2},
        {
            "application_ref": "b",
            "application_kind": "variation",
            "received_date": date(2024, 1, 5),
            "occupants": 7,
            "households": 7,
        },
    )
    counts = {"snapshot_date": date(2023, 12, 1), "electors": 5, "surnames": 5}
    write_dataset("electoral", counts, counts, counts, counts | {"electors": 4, "surnames": 1})
    write_links(
        ("inspection", 1, "1"),
        ("licence_application", 1, "1"),
        ("licence_application", 2, "2"),
        ("electoral", 1, "1"),
        ("electoral", 2, "2"),
        ("electoral", 3, "3"),
        ("electoral", 4, "4"),
    )
    result = assess(BOROUGH, AS_OF)
    found = licensing()
    assert result.outcome == "made"
    assert result.counts["needed_mandatory"] == 3
    assert [found[u]["needed"] for u in "12345"] == [
        "mandatory",
        "mandatory",
        "mandatory",
        "cannot_tell",
        "cannot_tell",
    ]
    assert "6 persons in 4 households (visit of 2024-02-01)" in found["1"]["needed_why"]
    assert "7 persons in 7 households (stated in an application of 2024-01-05)" in found["2"]["needed_why"]
    assert "at least 5 persons (electors registered on 2023-12-01)" in found["3"]["needed_why"]
    assert "counted from surnames" in found["3"]["missing"]
    assert "how many persons live there" in found["5"]["missing"]


def test_nothing_known_later_is_used() -> None:
    write_properties({"uprn": "1"}, {"uprn": "2"})
    write_dataset("inspection", visit(6, 4, known_since=date(2024, 6, 1)), visit(6, 4, known_since=date(2024, 6, 2)))
    write_links(("inspection", 1, "1"), ("inspection", 2, "2"))
    assess(BOROUGH, AS_OF)
    assert {uprn: row["needed"] for uprn, row in licensing().items()} == {"1": "mandatory", "2": "cannot_tell"}


def test_links_in_review_are_not_used() -> None:
    write_properties({"uprn": "1"})
    write_dataset("inspection", visit(6, 4))
    write_links(("inspection", 1, "1"), decision="review")
    assess(BOROUGH, AS_OF)
    assert licensing()["1"]["needed"] == "cannot_tell"


def test_a_licence_on_a_building_covers_its_rooms_and_not_its_flats() -> None:
    write_properties(
        {"uprn": "10", "blpu_class": "RH01"},
        {"uprn": "11", "parent_uprn": "10", "blpu_class": "RH02"},
        {"uprn": "12", "parent_uprn": "10", "blpu_class": "R", "address": "Room 2, 10 EXAMPLE ROAD"},
        {"uprn": "13", "parent_uprn": "10", "blpu_class": "RD06", "units_in_building": 2},
    )
    licence = {"licence_ref": "L1", "licence_type": "mandatory", "commencement_date": date(2022, 1, 1)}
    write_dataset("hmo_licence", licence | {"expiry_date": date(2026, 12, 31)})
    write_dataset("electoral", *({"snapshot_date": date(2023, 12, 1), "electors": 3, "surnames": 3} for _ in range(2)))
    write_links(("hmo_licence", 1, "10"), ("electoral", 1, "11"), ("electoral", 2, "12"))
    assess(BOROUGH, AS_OF)
    found = licensing()
    assert {uprn: row["status"] for uprn, row in found.items()} == {
        "10": "held",
        "11": "held",
        "12": "held",
        "13": "none",
    }
    assert {uprn: row["building_uprn"] for uprn, row in found.items()} == {
        "10": "10",
        "11": "10",
        "12": "10",
        "13": "13",
    }
    assert found["11"]["needed"] == "mandatory", "the electors of the rooms count together"
    assert found["11"]["needed_why"].startswith("A room, judged with its building")
    assert "whether licence L1 on the building names this flat" in found["13"]["missing"]


def test_social_housing_is_outside_while_it_lasts() -> None:
    write_properties({"uprn": "1"}, {"uprn": "2"}, {"uprn": "3"})
    write_dataset(
        "social_housing",
        {"social_landlord": "council", "social_from": date(1998, 4, 1)},
        {"social_landlord": "housing_association", "social_until": date(2024, 6, 1)},
        {"social_landlord": "council", "social_until": date(2024, 5, 31)},
    )
    write_dataset("inspection", visit(6, 4), visit(6, 4), visit(6, 4))
    links = [("social_housing", n, str(n)) for n in (1, 2, 3)] + [("inspection", n, str(n)) for n in (1, 2, 3)]
    write_links(*links)
    assess(BOROUGH, AS_OF)
    found = licensing()
    assert [found[u]["needed"] for u in "123"] == ["none", "none", "mandatory"]
    assert "Sch. 14 para. 2(1)(a)" in found["1"]["excluded_why"]
    assert "Sch. 14 para. 2(1)(b)" in found["2"]["excluded_why"]
    assert found["3"]["excluded_why"] is None


def test_a_visit_that_found_no_hmo_takes_a_property_out_for_a_while() -> None:
    write_properties({"uprn": "1"}, {"uprn": "2"})
    recent = visit(4, 1, finding="single_household")
    old = visit(4, 1, finding="single_household", visit_date=date(2021, 1, 1))
    write_dataset("inspection", recent, old)
    write_links(("inspection", 1, "1"), ("inspection", 2, "2"))
    assess(BOROUGH, AS_OF)
    found = licensing()
    assert found["1"]["excluded_why"] == "The visit of 2024-02-01 found that it is not an HMO (Housing Act 2004 s.254)."
    assert found["2"]["excluded_why"] is None


def test_the_schemes_a_borough_drops_win_over_the_published_ones() -> None:
    write_properties({"uprn": "1"}, {"uprn": "2", "ward_code": "E05000002"})
    write_dataset("inspection", visit(3, 3), visit(3, 3))
    write_links(("inspection", 1, "1"), ("inspection", 2, "2"))
    assess(BOROUGH, AS_OF)
    assert [licensing()[u]["needed"] for u in "12"] == ["additional", "additional"]
    scheme = {"scheme_ref": "Own", "scheme_type": "additional", "covers_ward": "E05000002", "min_persons": 3}
    write_dataset(
        "licensing_scheme", scheme | {"in_force_from": date(2024, 1, 1), "in_force_until": date(2028, 12, 31)}
    )
    assert assess(BOROUGH, AS_OF).outcome == "made"
    found = licensing()
    assert found["2"]["needed"] == "additional"
    assert "Own, in force 2024-01-01 to 2028-12-31" in found["2"]["needed_why"]
    assert found["1"]["needed"] == "cannot_tell", "its ward code is not known"


def test_the_same_inputs_are_not_worked_out_again_and_changed_ones_are() -> None:
    write_properties({"uprn": "1"})
    write_dataset("inspection", visit(6, 4))
    write_links(("inspection", 1, "1"))
    assert assess(BOROUGH, AS_OF).outcome == "made"
    assert assess(BOROUGH, AS_OF).outcome == "unchanged"
    assert assess(BOROUGH, date(2024, 6, 2)).outcome == "made"
    write_dataset("inspection", visit(3, 3))
    assert assess(BOROUGH, date(2024, 6, 2)).outcome == "made"
    assert licensing()["1"]["needed"] == "additional"


def test_what_is_no_dwelling_is_no_candidate() -> None:
    write_properties({"uprn": "1"}, {"uprn": "2", "blpu_class": "CR"}, {"uprn": "3", "blpu_class": "RI01"})
    assess(BOROUGH, AS_OF)
    found = licensing()
    assert set(found) == {"1", "3"}
    assert "Sch. 14 para. 3" in found["3"]["excluded_why"]
