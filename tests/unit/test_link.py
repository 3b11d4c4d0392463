"""The link stage of one borough, from harmonised rows on a lake to the tables `property` and `link`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core.tables import LINK, PROPERTY
from pipelines.governance import access
from pipelines.link import Decision, LinkReason, link_borough
from pipelines.link.address import parse
from pipelines.link.records import datasets_with_address
from tests.unit.link_lake import put

FLOORS = ("Ground Floor Flat", "First Floor Flat", "Second Floor Flat")
WAYS = (
    "{unit}, {line}, London",
    "{unit} {line}",
    "{line}, {unit}",
    "{unit}, {line} N1 1AA",
)


def gazetteer() -> list[dict[str, Any]]:
    """Forty buildings of one street: houses, flats by number, letter and floor, rooms."""
    rows: list[dict[str, Any]] = []
    for n in range(1, 41):
        number, postcode = 2 * n, f"N1 {n // 14 + 1}AA"
        units = {0: [], 1: [f"Flat {k}" for k in range(1, 13)], 2: ["Flat A", "Flat B"], 3: list(FLOORS)}[n % 4]
        parent = str(1000 + n)
        house = {"uprn": parent, "address": f"{number} Example Road, London", "postcode": postcode}
        rows.append(house | {"blpu_class": "PP" if units else "RD04", "ward_code": "E05000001"})
        rows += [
            {"uprn": f"{parent}{k:02}", "parent_uprn": parent, "address": f"{unit}, {house['address']}"}
            | {"postcode": postcode, "blpu_class": "RD06"}
            for k, unit in enumerate(units)
        ]
    return rows


def records() -> list[dict[str, Any]]:
    """Every unit of the gazetteer written in every way, and units that it does not have."""
    out = []
    for row in gazetteer():
        parts = row["address"].removesuffix(", London").split(", ")
        for way in WAYS if len(parts) == 2 else ():
            text = way.format(unit=parts[0], line=parts[1]).replace("N1 1AA", row["postcode"])
            out.append(
                {"address": text, "postcode": row["postcode"], "parent": row["parent_uprn"], "true": row["uprn"]}
            )
        if len(parts) == 1:
            for unit in ("Flat 99", "Room 3", "Flat Z", "Third Floor Flat"):
                text = f"{unit}, {parts[0]}"
                out.append({"address": text, "postcode": row["postcode"], "parent": row["uprn"], "true": ""})
    return out


@pytest.fixture
def linked(home: Path) -> pd.DataFrame:
    """Links of the records joined with what they are known to be."""
    put("camden", "gazetteer", gazetteer())
    truth = records()
    put("camden", "epc", [{"certificate_ref": str(n), **_fields(r)} for n, r in enumerate(truth)])
    assert link_borough("camden").outcome == "made"
    links = access.read_table("link", LINK, boroughs=["camden"]).to_pandas()
    known = pd.DataFrame(truth).assign(record_id=range(1000, 1000 + len(truth)))
    return links.merge(known, on="record_id")


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    return {"address": record["address"], "postcode": record["postcode"]}


def test_every_record_has_one_link_and_known_units_are_found(linked: pd.DataFrame) -> None:
    assert len(linked) == len(records())
    known = linked[linked["true"] != ""]
    assert (known["decision"] == Decision.LINKED).all()
    assert (known["uprn"] == known["true"]).all()


def test_a_unit_the_gazetteer_lacks_goes_to_its_building_and_nowhere_else(linked: pd.DataFrame) -> None:
    unknown = linked[linked["true"] == ""]
    assert set(unknown["decision"]) == {Decision.PARENT}
    assert set(unknown["reason"]) == {LinkReason.UNIT_NOT_IN_GAZETTEER}
    assert (unknown["uprn"] == unknown["parent"]).all()


def test_two_present_units_are_never_merged(linked: pd.DataFrame) -> None:
    units = parse([row["address"] for row in gazetteer()])["unit"].tolist()
    unit_of = dict(zip((row["uprn"] for row in gazetteer()), units, strict=True))
    ties = linked[linked["decision"] == Decision.LINKED]
    mine, theirs = parse(ties["address"])["unit"].tolist(), ties["uprn"].map(unit_of).tolist()
    assert [m for m, t in zip(mine, theirs, strict=True) if m and t and m != t] == []


def test_property_table_is_the_whole_spine(home: Path) -> None:
    put("camden", "gazetteer", gazetteer())
    link_borough("camden")
    spine = access.read_table("property", PROPERTY, boroughs=["camden"]).to_pandas().set_index("uprn")
    assert len(spine) == len(gazetteer())
    assert spine.loc["1004", "units_in_building"] == 1
    assert spine.loc["1001", "units_in_building"] == 12
    assert spine.loc["100100", "units_in_building"] == 12
    assert spine.loc["100100", "building_key"] == spine.loc["1001", "building_key"] == "2|EXAMPLE RD|N1"
    assert spine.loc["100100", "street_key"] == "EXAMPLE RD|N1"
    assert spine.loc["100100", "canonical"] == "FLAT 1|2||EXAMPLE RD"
    assert spine.loc["1001", "ward_code"] == "E05000001"


def test_counts_add_up_by_dataset(home: Path) -> None:
    put("camden", "gazetteer", gazetteer())
    put("camden", "epc", [{"certificate_ref": "1", "address": "2 Example Road", "postcode": "N1 1AA"}])
    put("camden", "waste", [{"waste_ref": str(n), "address": "Nowhere 5", "postcode": "E1 1AA"} for n in range(3)])
    counts = link_borough("camden").counts
    assert counts["records"] == 4 == sum(counts[str(d)] for d in Decision)
    assert counts["epc.match_rate"] == 1
    assert counts["waste.match_rate"] == 0
    assert counts["match_rate"] == 0.25
    assert {"pairs", "pairs_left_out", "seconds", "addresses"} <= counts.keys()


def test_an_unchanged_second_run_does_nothing_and_a_new_drop_does(home: Path) -> None:
    put("camden", "gazetteer", gazetteer())
    put("camden", "epc", [{"certificate_ref": "1", "address": "4 Example Road", "postcode": "N1 1AA"}])
    assert link_borough("camden").outcome == "made"
    assert link_borough("camden").outcome == "unchanged"
    put("hackney", "gazetteer", gazetteer())
    assert link_borough("camden").outcome == "unchanged"
    put("camden", "waste", [{"waste_ref": "1", "address": "8 Example Road", "postcode": "N1 1AA"}])
    again = link_borough("camden")
    assert (again.outcome, again.counts["records"]) == ("made", 2)


def test_without_a_gazetteer_there_is_nothing_to_link_to(home: Path) -> None:
    put("camden", "epc", [{"certificate_ref": "1", "address": "4 Example Road"}])
    result = link_borough("camden")
    assert result.outcome == "skipped"
    assert "gazetteer" in result.sentence


def test_a_gazetteer_alone_gives_a_spine_and_no_links(home: Path) -> None:
    put("camden", "gazetteer", gazetteer())
    result = link_borough("camden")
    assert (result.outcome, result.counts["records"]) == ("made", 0)
    assert access.read_table("link", LINK, boroughs=["camden"]).num_rows == 0


def test_historical_and_closed_properties_are_not_linked_by_address(home: Path) -> None:
    row = {"address": "4 Example Road", "postcode": "N1 1AA"}
    put("camden", "gazetteer", [row | {"uprn": "1", "logical_status": "8"}, row | {"uprn": "2", "logical_status": "1"}])
    put("camden", "epc", [row | {"certificate_ref": "1"}, row | {"certificate_ref": "2", "uprn": "1"}])
    link_borough("camden")
    links = access.read_table("link", LINK, boroughs=["camden"]).to_pandas().set_index("record_id")
    assert links["uprn"].to_dict() == {1000: "2", 1001: "1"}


def test_parts_of_the_gazetteer_are_used_where_it_gives_them(home: Path) -> None:
    parts = {"unit": "2", "building_name": "Broadway Court", "building_number": "10", "street": "Bow Common"}
    put(
        "camden",
        "gazetteer",
        [{"uprn": "1", "address": "2 BROADWAY COURT 10 BOW COMMON", "postcode": "N1 1AA", **parts}],
    )
    link_borough("camden")
    spine = access.read_table("property", PROPERTY, boroughs=["camden"]).to_pylist()[0]
    assert spine["canonical"] == "FLAT 2|10|BDWY CT|BOW COMMON"


def test_every_address_bearing_dataset_is_linked() -> None:
    assert set(datasets_with_address()) == {
        "benefits",
        "council_tax",
        "electoral",
        "epc",
        "hmo_licence",
        "inspection",
        "licence_application",
        "planning",
        "service_request",
        "social_housing",
        "waste",
    }
