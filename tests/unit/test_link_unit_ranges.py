"""A licence for several flats: which flats of the gazetteer it is of."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.link.address import parse
from pipelines.link.unit_ranges import MOST, units_in_range
from tests.spec.link_world import spine_of

GAZETTEER = [
    {"uprn": "1", "address": "12 High Street", "postcode": "N1 1AA"},
    *({"uprn": f"1{n}", "address": f"Flat {n}, 12 High Street", "postcode": "N1 1AA"} for n in (1, 2, 3, 4, 10, "1A")),
    *({"uprn": f"2{n}", "address": f"Flat {n}, 14 High Street", "postcode": "N1 1AA"} for n in "ABCD"),
    {"uprn": "30", "address": "Room 2, 12 High Street", "postcode": "N1 1AA"},
]
SPINE = spine_of(GAZETTEER)


def _found(units: list[str], uprn: str) -> pd.DataFrame:
    building = SPINE.rows.set_index("uprn").loc[uprn, "building"]
    return units_in_range(pd.DataFrame({"building": building, "units": units}), SPINE)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("Flats 1-6, 12 High Street", "1-6"),
        ("Flats 1 to 6, 12 High Street", "1-6"),
        ("Flats A to D 12 High Street", "A-D"),
        ("Flats A-D, 12 High Street", "A-D"),
        ("Flats A & B, 12 High Street", "A+B"),
        ("Flat A & B, 12 High Street", "A+B"),
        ("Flats 1 and 2, 12 High Street", "1+2"),
        ("Flats 1, 2 and 3, 12 High Street", "1+2+3"),
        ("Flat 1 & Flat 2, 12 High Street", "1+2"),
        ("12 High Street, Flats 1-6", "1-6"),
        ("Flat 1, 12 High Street", ""),
        ("1-6 High Street", ""),
    ],
)
def test_a_run_of_flats_is_read_and_is_no_unit(text: str, units: str) -> None:
    read = parse([text]).iloc[0]
    assert read["units"] == units
    assert units == "" or (read["unit"], read["street"]) == ("", "HI ST")


def test_every_unit_of_the_run_that_is_there() -> None:
    found = _found(["1-6", "1-4", "2+10", ""], "1")
    assert found.groupby("query")["uprn"].agg(list).to_dict() == {
        0: ["11", "12", "13", "14"],
        1: ["11", "12", "13", "14"],
        2: ["12", "110"],
    }
    assert found.groupby("query")["complete"].first().to_dict() == {0: False, 1: True, 2: True}


def test_letters_and_the_units_of_other_buildings() -> None:
    assert _found(["A-C", "1-6"], "2A")["uprn"].tolist() == ["2A", "2B", "2C"]


@pytest.mark.parametrize("units", ["6-1", f"1-{MOST + 1}", "A-6", "1A-1C", "9-9"])
def test_what_is_no_run_names_nothing(units: str) -> None:
    assert _found([units], "1").empty
