"""Landlords across boroughs: plain names of licence registers and tokens of council tax as one entity each."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from pipelines.core.tables import LANDLORD
from pipelines.governance import access, pseudonym
from pipelines.link import landlords, link_landlords
from tests.unit.link_lake import put


def token(text: str) -> str:
    return str(pseudonym.tokens(pa.array([text]))[0].as_py())


def licence(name: str, address: str = "1 Elsewhere Street, London N1 1AA", **more: Any) -> dict[str, Any]:
    return {"licence_ref": "x", "address": "14 Example Road", "holder_name": name, "holder_address": address, **more}


def liability(name: str, address: str = "1 Elsewhere Street, London N1 1AA", party: str = "owner") -> dict[str, Any]:
    row = {"account_ref": "x", "address": "14 Example Road", "liable_party": party}
    return row | {"liable_name": token(name), "liable_address": token(address) if address else None}


def made() -> pd.DataFrame:
    link_landlords()
    rows = access.read_table("landlord", LANDLORD).to_pandas()
    rows["who"] = rows["borough"] + "/" + rows["dataset"] + "/" + (rows["record_id"] - 1000).astype(str)
    return rows.set_index(["who", "role"]).sort_index()


def ids(rows: pd.DataFrame) -> list[str]:
    return rows["landlord_id"].tolist()


def test_a_company_is_one_landlord_in_every_borough_and_spelling(home: Path) -> None:
    put(
        "camden", "hmo_licence", [licence("Example Lettings Ltd", "somewhere"), licence("EXAMPLE LETTINGS LIMITED", "")]
    )
    put("hackney", "council_tax", [liability("Example Lettings Limited", "elsewhere", "company")])
    put("brent", "council_tax", [liability("The Example Lettings Ltd.", "", "owner")])
    assert len(set(ids(made()))) == 1


def test_a_person_needs_the_address_as_well(home: Path) -> None:
    put("camden", "hmo_licence", [licence("Jane Example"), licence("Jane Example", "9 Other Road, London E1 9ZZ")])
    put(
        "hackney",
        "council_tax",
        [liability("Jane Example"), liability("Jane Example", "5 Third Road"), liability("Jane Example", "")],
    )
    rows = made()["landlord_id"].droplevel("role")
    assert rows["camden/hmo_licence/0"] == rows["hackney/council_tax/0"]
    assert rows.nunique() == 4


def test_titles_and_turned_names_are_the_same_person_at_one_address(home: Path) -> None:
    put("camden", "hmo_licence", [licence("Mr John Example"), licence("EXAMPLE, John")])
    put("hackney", "council_tax", [liability("John Example"), liability("Mrs John Example"), liability("Example John")])
    assert len(set(ids(made()))) == 1


def test_an_initial_is_the_name_at_the_same_address_only(home: Path) -> None:
    put("camden", "hmo_licence", [licence("Kate Example"), licence("K Example"), licence("Ms Kate Ann Example")])
    put("hackney", "council_tax", [liability("Example, K"), liability("K Example", "9 Other Road")])
    rows = made()["landlord_id"].droplevel("role")
    elsewhere = rows.pop("hackney/council_tax/1")
    assert len(set(rows)) == 1
    assert elsewhere not in set(rows)


def test_one_postcode_joins_two_spellings_of_a_persons_address(home: Path) -> None:
    put(
        "camden",
        "hmo_licence",
        [licence("Jane Example", "1 Elsewhere Street N1 1AA"), licence("Jane Example", "1, Elsewhere St, N1 1AA")],
    )
    rows = made()
    assert len(set(ids(rows))) == 1
    assert set(rows["reason"]) == {landlords.LandlordReason.NAME_AND_POSTCODE}


def test_occupiers_are_no_landlords(home: Path) -> None:
    put(
        "camden",
        "council_tax",
        [liability("Jane Example", party="occupier"), liability("The Council", party="council")],
    )
    assert made().empty


def test_managers_are_landlords_with_a_role_of_their_own(home: Path) -> None:
    put(
        "camden",
        "hmo_licence",
        [licence("Jane Example", manager_name="Example Homes Ltd"), licence("Example Homes Limited")],
    )
    rows = made().reset_index().set_index(["record_id", "role"])["landlord_id"]
    assert rows[(1000, "manager")] == rows[(1001, "holder")]
    assert rows[(1000, "holder")] != rows[(1000, "manager")]


def test_a_crowd_of_one_name_is_not_one_landlord(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlords, "MOST_RECORDS", 3)
    put("camden", "hmo_licence", [licence("Example Homes Ltd", f"{n} Road N1 {n}AA") for n in range(5)])
    assert made()["landlord_id"].nunique() == 5


def test_a_name_of_trade_words_alone_is_not_one_landlord(home: Path) -> None:
    put("camden", "hmo_licence", [licence("Property Management Ltd", f"{n} Road N1 {n}AA") for n in range(3)])
    assert made()["landlord_id"].nunique() == 3


def test_ids_are_stable_from_night_to_night_and_hold_no_name(home: Path) -> None:
    old = {"known_since": date(2020, 1, 1)}
    put("camden", "hmo_licence", [licence("Jane Example", **old), licence("Example Homes Ltd", **old)])
    first = made()["landlord_id"]
    put("hackney", "council_tax", [liability("Jane Example"), liability("Example Homes Limited", party="company")])
    second = made()["landlord_id"]
    assert second[first.index].tolist() == first.tolist()
    assert second.str.fullmatch("[0-9a-f]{32}").all()


def test_an_unchanged_second_run_does_nothing(home: Path) -> None:
    assert link_landlords().outcome == "skipped"
    put("camden", "hmo_licence", [licence("Jane Example")])
    result = link_landlords()
    assert (result.outcome, result.borough, result.counts["landlords"]) == ("made", "london", 1)
    assert link_landlords().outcome == "unchanged"
