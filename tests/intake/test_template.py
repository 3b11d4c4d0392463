"""A dataset's template, filled in and left as it is, is taken from any borough and never shadows its own layouts."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path

import pytest
import xlsxwriter

from schemas import registry
from schemas.sample import csv_sample, sample_rows
from schemas.template import csv_rows
from tests.intake.conftest import Intake, register

OWN = """
source: {source}
dates: ["%d/%m/%Y"]
fields: {{address: {heading}, licence_ref: Ref}}
"""


@pytest.fixture(autouse=True)
def _day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", "2026-03-10T02:00:00+00:00")


def filled(dataset: str) -> bytes:
    return csv_sample(registry.contract(dataset)).encode()


def own_layout(home: Path, name: str, source: str, heading: str = "Where", borough: str = "camden") -> None:
    path = home / "mappings" / borough / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(OWN.format(source=source, heading=heading))


def test_template_of_every_dataset_is_accepted(intake: Intake) -> None:
    for dataset in registry.contracts():
        intake.drop(filled(dataset), f"{dataset}_2026-03-02.csv", f"camden/{dataset}")
    intake.night()
    drops = intake.drops()
    assert sorted(drop.dataset for drop in drops) == sorted(registry.contracts())
    for drop in drops:
        rows = len(sample_rows(registry.contract(drop.dataset)))
        assert (drop.status, drop.mapping_name, drop.source) == ("accepted", "template", "main"), drop.sentence
        assert (drop.rows_in, drop.accepted, drop.quarantined) == (rows, rows, 0)
        assert drop.extract_date == date(2026, 3, 2), "the day in the name that the dataset's page asks for"
        assert len(intake.lake(drop.dataset, "camden")) == rows


def test_columns_may_be_left_out_and_stand_in_any_order(intake: Intake) -> None:
    intake.drop(b"postcode,address\nSE15 0ZZ,12 Example Road\n,3 Specimen Street\n", place="camden/hmo_licence")
    intake.night()
    assert intake.only().status == "accepted"
    assert [row["address"] for row in intake.lake(borough="camden")] == ["12 Example Road", "3 Specimen Street"]


@pytest.mark.parametrize(
    "heading",
    ["licence_ref,postcode", "address,shoe_size", "address,Licence reference"],
    ids=["needed", "new", "title"],
)
def test_template_that_was_changed_is_held(intake: Intake, heading: str) -> None:
    intake.drop(f"{heading}\na,b\n".encode(), place="camden/hmo_licence")
    intake.night()
    assert intake.only().status == "held"


def test_workbook_is_accepted(intake: Intake) -> None:
    contract = registry.contract("waste")
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet("waste")
    names = [field.name for field in contract.fields]
    sheet.write_row(0, 0, names)
    for number, row in enumerate(sample_rows(contract), start=1):
        sheet.write_row(number, 0, [row.get(name, "") for name in names])
    book.add_worksheet("columns").write_string(0, 0, "not read")
    book.close()
    intake.drop(out.getvalue(), "waste.xlsx", "camden/waste")
    intake.night()
    assert (intake.only().status, intake.only().mapping_name) == ("accepted", "template-xlsx")
    assert len(intake.lake("waste", "camden")) == len(sample_rows(contract))


def test_own_layout_comes_first(intake: Intake, home: Path) -> None:
    own_layout(home, "hmo_licence.lower-case", "main", heading="address")
    intake.drop(b"address,Ref\n1 Example Road,A1\n", place="camden/hmo_licence")
    intake.night()
    assert intake.only().mapping_name == "hmo_licence.lower-case"


def test_template_and_own_extract_replace_each_other(intake: Intake) -> None:
    intake.drop(register(8), "register_2026-03-01.csv")
    intake.night()
    assert len(intake.lake()) == 8
    intake.drop(filled("hmo_licence"), "hmo_licence_2026-03-02.csv")
    intake.night()
    assert len(intake.lake()) == len(sample_rows(registry.contract("hmo_licence")))
    intake.drop(register(9), "register_2026-03-03.csv")
    intake.night()
    assert len(intake.lake()) == 9
    assert [drop.status for drop in intake.drops()] == ["superseded", "superseded", "accepted"]


def test_template_stands_for_the_source_of_the_own_layouts(intake: Intake, home: Path) -> None:
    registry.clear()
    place, contract = "swindon/hmo_licence", registry.contract("hmo_licence")
    for path in (registry.FOLDER / "mappings" / "swindon").glob("hmo_licence*.yaml"):
        own_layout(home, path.stem, "register", borough="swindon")
    intake.drop(b"Where,Ref\n1 Example Road,A1\n2 Example Road,A2\n", "own.csv", place)
    intake.night()
    intake.drop(filled("hmo_licence"), "hmo_licence_2026-03-10.csv", place)
    intake.night()
    assert {row["source"] for row in intake.lake(borough="swindon")} == {"register"}
    assert len(intake.lake(borough="swindon")) == len(sample_rows(contract))


def test_rows_of_a_template_go_when_a_layout_of_another_source_comes(intake: Intake, home: Path) -> None:
    place = "camden/waste"
    mapping = registry.FOLDER / "mappings" / "camden" / "waste.yaml"
    assert mapping.exists()
    intake.drop(filled("waste"), "waste_2026-03-01.csv", place)
    intake.night()
    assert {row["source"] for row in intake.lake("waste", "camden")} == {"main"}
    path = home / "mappings" / "camden" / "waste.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "source: crm\ndates: ['%d/%m/%Y']\n"
        "fields: {waste_ref: Ref, waste_kind: Kind, address: Where, event_date: Day}\n"
    )
    registry.clear()
    intake.drop(b"Ref,Kind,Where,Day\n1,bulky,1 Example Road,02/03/2026\n", "crm.csv", place)
    intake.night()
    assert [row["source"] for row in intake.lake("waste", "camden")] == ["crm"], "no record stands there twice"


def test_where_a_dataset_comes_as_two_extracts_a_template_replaces_neither(intake: Intake, home: Path) -> None:
    own_layout(home, "hmo_licence", "hmo")
    own_layout(home, "hmo_licence.selective", "selective", heading="Place")
    intake.drop(filled("hmo_licence"), "hmo_licence_2026-03-02.csv", "camden/hmo_licence")
    intake.night()
    assert (intake.only().status, intake.only().reason) == ("held", "layout_changed")


def test_layout_that_nobody_has_seen_has_no_mapping(intake: Intake) -> None:
    boroughs = (slug for slug, borough in registry.boroughs().items() if borough.london)
    borough, dataset = next((b, d) for b in boroughs for d in registry.contracts() if not registry.own_mappings(b, d))
    intake.drop(b"A,B\n1,2\n", place=f"{borough}/{dataset}")
    intake.night()
    assert (intake.only().status, intake.only().reason) == ("held", "no_mapping")


def test_file_of_an_own_layout_is_not_dated_by_the_template(intake: Intake, home: Path) -> None:
    own_layout(home, "hmo_licence", "main")
    intake.drop(b"Where,Ref\n1 Example Road,A1\n", "register to 2020-01-01.csv", "camden/hmo_licence")
    intake.night()
    assert intake.only().extract_date != date(2020, 1, 1)


def test_filled_in_template_has_the_headings_of_the_empty_one() -> None:
    contract = registry.contract("waste")
    assert csv_rows(contract, [{"waste_ref": "1"}]).splitlines()[0] == csv_rows(contract, []).strip()
