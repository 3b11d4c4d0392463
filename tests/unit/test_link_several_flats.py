"""A record of several flats, through the night: a row of `link` for each, counted once, and what readers make of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from models.hmo import evidence, landlords, sources
from models.hmo.labels import labels_at
from pipelines.core.tables import LANDLORD, LICENSING, LINK, LINK_REPORT
from pipelines.governance import access, stages
from pipelines.licensing import assess
from pipelines.link import LinkReason, link_borough, review
from pipelines.link.review import COLUMNS, Decided
from pipelines.link.why import why
from tests.unit.link_lake import put

BOROUGH = "camden"
POSTCODE = "N1 1AA"
AS_OF = date(2025, 6, 1)
BLOCK = {"uprn": "100", "address": "12 Example Road", "postcode": POSTCODE, "blpu_class": "PP"}
LICENCE = {"licence_ref": "L1", "licence_type": "additional", "max_persons": 12}
LICENCE |= {"commencement_date": date(2024, 1, 1), "expiry_date": date(2028, 12, 31)}


def flat(name: str, number: int = 12, parent: str | None = "100") -> dict[str, Any]:
    uprn = f"{number}{ord(name) if name.isalpha() else int(name):03}"
    address = f"Flat {name}, {number} Example Road"
    return {"uprn": uprn, "address": address, "postcode": POSTCODE, "blpu_class": "RD06", "parent_uprn": parent}


def record(address: str, **more: Any) -> dict[str, Any]:
    return {"address": address, "postcode": POSTCODE} | more


def linked(*records: dict[str, Any], gazetteer: list[dict[str, Any]] | None = None) -> pd.DataFrame:
    put(BOROUGH, "gazetteer", [BLOCK, *(flat(n) for n in "1234")] if gazetteer is None else gazetteer)
    put(BOROUGH, "hmo_licence", [LICENCE | {"licence_ref": f"L{n}"} | row for n, row in enumerate(records)])
    assert link_borough(BOROUGH).outcome == "made"
    return links()


def links() -> pd.DataFrame:
    return access.read_table("link", LINK, boroughs=[BOROUGH]).to_pandas()


def test_a_licence_of_three_flats_is_three_rows_and_one_record(home: Path) -> None:
    found = linked(record("Flats 1-3, 12 Example Road"))
    assert found["uprn"].tolist() == ["12001", "12002", "12003"]
    assert set(found["record_id"]) == {1000}
    told = {(r["decision"], r["level"], r["reason"], r["stage"]) for r in found.to_dict("records")}
    assert told == {("linked", "unit", "unit_range", "exact")}
    assert (found["probability"] == found["probability"].max()).all()
    counts = counts_told()
    assert (counts["records"], counts["linked"], counts["parent"], counts["match_rate"]) == (1, 1, 0, 1)
    report = access.read_table("link_report", LINK_REPORT, boroughs=[BOROUGH]).to_pandas()
    totals = report.groupby("group")[["records", "linked"]].sum()
    assert (totals == 1).all(axis=None)
    assert report.loc[report["group"] == "reason", "value"].tolist() == ["unit_range"]


def counts_told() -> dict[str, float]:
    return stages.summary_of("link", BOROUGH)


@pytest.mark.parametrize(
    ("address", "uprns"),
    [
        ("Flats 1 to 9, 12 Example Road", ["100", "12001", "12002", "12003", "12004"]),
        ("Flats 2 and 4, 12 Example Road", ["12002", "12004"]),
        ("Flats 7-9, 12 Example Road", ["100"]),
        ("Flat 2, 12 Example Road", ["12002"]),
        ("12 Example Road", ["100"]),
        ("Flats 1-3, 99 Nowhere Lane", [None]),
    ],
)
def test_only_flats_of_the_run_and_the_building_where_one_is_lacking(
    home: Path, address: str, uprns: list[str | None]
) -> None:
    assert linked(record(address))["uprn"].tolist() == uprns
    assert counts_told()["records"] == 1


@pytest.mark.parametrize(("stated", "uprns"), [("100", ["1", "2"]), ("12002", ["1", "2"]), ("12004", ["4"])])
def test_a_stated_uprn_is_the_building_or_a_flat_of_the_run_or_stands_alone(
    home: Path, stated: str, uprns: list[str]
) -> None:
    found = linked(record("Flats 1-2, 12 Example Road", uprn=stated))
    assert found["uprn"].tolist() == [f"1200{n}" for n in uprns]


def test_a_building_without_a_row_of_its_own_still_has_its_flats(home: Path) -> None:
    block = [flat(n, parent=None) for n in "123"]
    found = linked(record("Flats 1-3, 12 Example Road"), gazetteer=block)
    assert found["uprn"].tolist() == ["12001", "12002", "12003"]
    assert (found["probability"] > 0.9).all()


def test_a_parent_that_stands_elsewhere_than_its_flats(home: Path) -> None:
    parent = BLOCK | {"address": "12-14 Example Road"}
    rows = [parent, *(flat(n) for n in "12"), *(flat(n, 14) for n in "12")]
    found = linked(record("Flats 1-2, 14 Example Road"), gazetteer=rows)
    assert found["uprn"].tolist() == ["14001", "14002"]


def test_of_a_flat_under_two_uprns_nothing_is_said(home: Path) -> None:
    rows = [BLOCK, flat("1"), flat("2"), flat("2") | {"uprn": "77"}, flat("3")]
    found = linked(record("Flats 1-3, 12 Example Road"), gazetteer=rows)
    assert found["uprn"].tolist() == ["100", "12001", "12003"]


def test_why_tells_of_each_flat(home: Path) -> None:
    linked(record("Flats 1-3, 12 Example Road"))
    (told,) = why(BOROUGH, "12002")["records"]
    assert told["reason"] == LinkReason.UNIT_RANGE
    assert "one of them" in told["sentence"]
    assert why(BOROUGH, "12004")["records"] == []


def licensing() -> pd.DataFrame:
    assert assess(BOROUGH, AS_OF).outcome == "made"
    return access.read_table("licensing", LICENSING, boroughs=[BOROUGH]).to_pandas().set_index("uprn")


def test_a_licence_that_names_flats_is_held_for_each_of_them_and_for_no_other(home: Path) -> None:
    linked(record("Flats 1-3, 12 Example Road"))
    found = licensing()
    assert found["status"].to_dict() == {
        "100": "none",
        "12001": "held",
        "12002": "held",
        "12003": "held",
        "12004": "none",
    }


def test_a_licence_of_the_building_covers_no_self_contained_flat_but_is_asked_about(home: Path) -> None:
    linked(record("12 Example Road"))
    found = licensing()
    assert found["status"].tolist() == ["held", "none", "none", "none", "none"]
    assert found.loc["12001", "missing"] is not None
    assert "names this flat" in str(found.loc["12001", "missing"])


def test_persons_counted_in_several_flats_are_in_none_of_them_alone(home: Path) -> None:
    visit = {"inspection_ref": "V", "visit_date": date(2025, 1, 1), "access": "gained", "finding": "hmo_unlicensed"}
    visit |= {"occupants": 9, "households": 9, "known_since": date(2025, 1, 1)}
    put(BOROUGH, "inspection", [record("Flats 1-3, 12 Example Road") | visit])
    linked(record("Flats 1-3, 12 Example Road"))
    several = licensing().loc["12001"]
    put(BOROUGH, "inspection", [record("Flat 1, 12 Example Road") | visit], drop="d2")
    link_borough(BOROUGH)
    alone = licensing().loc["12001"]
    assert (alone["needed"], several["needed"]) == ("additional", "cannot_tell")
    assert (alone["status"], several["status"]) == ("held", "held")


def test_the_model_sees_the_record_at_each_flat_and_its_numbers_at_none(home: Path) -> None:
    put(BOROUGH, "electoral", [record("Flats 1-3, 12 Example Road", electors=9, snapshot_date=date(2025, 1, 1))])
    linked(record("Flats 1-9, 12 Example Road"), record("Flat 1, 12 Example Road"))
    tables = next(iter(sources.batches([BOROUGH])))[1]
    found = evidence.load(BOROUGH, tables, None)
    assert found is not None
    licences, electors = found.records["hmo_licence"], found.records["electoral"]
    assert [found.uprns[at] for at in licences.row] == ["12001", "12001", "12002", "12003", "12004"]
    assert [found.uprns[at] for at in electors.row] == ["12001", "12002", "12003"]
    assert np.isnan(electors.numbers["electors"]).all()
    labels = dict(zip(found.uprns, labels_at(found, AS_OF), strict=True))
    assert [labels[uprn] for uprn in ("12001", "12004")] == [1, 1]
    assert np.isnan(labels["100"])


def test_a_landlord_of_several_flats_holds_one_building(home: Path) -> None:
    linked(record("Flats 1-3, 12 Example Road"))
    row = {"borough": BOROUGH, "dataset": "hmo_licence", "record_id": 1000, "role": "holder", "landlord_id": "a"}
    table = pa.Table.from_pylist([dict.fromkeys(LANDLORD.names) | row], schema=LANDLORD)
    access.write_table("landlord", table, borough=BOROUGH, made_from={})
    held = landlords.read([BOROUGH]).held
    assert (len(held.place), held.licence.tolist()) == (1, [True])


def decided(verdict: str, uprn: str) -> Decided:
    row = (1, "Flats 1-3, 12 Example Road", POSTCODE, verdict, uprn)
    return Decided(pd.DataFrame([row], columns=list(COLUMNS)))


@pytest.mark.parametrize(
    ("verdict", "uprn", "uprns"),
    [
        ("is_not", "12002", ["12001", "12003"]),
        ("is_not", "100", [None]),
        ("is", "12004", ["12004"]),
        ("is", "100", ["100"]),
    ],
)
def test_what_people_say_of_the_record_outranks_its_run(
    home: Path, monkeypatch: pytest.MonkeyPatch, verdict: str, uprn: str, uprns: list[str | None]
) -> None:
    monkeypatch.setattr(review, "decided", lambda borough: decided(verdict, uprn))
    assert linked(record("Flats 1-3, 12 Example Road"))["uprn"].tolist() == uprns
    assert counts_told()["records"] == 1
