"""Columns of invented files to fields: right, or marked as uncertain. Never wrong in silence."""

from __future__ import annotations

import pytest

from pipelines.onboard import propose
from tests.unit.onboard_files import MARK, Columns, recognised

REGISTER: Columns = [
    ("Licence No", "ref", "licence_ref"),
    ("Licence Type", "licence_type", "licence_type"),
    ("Property Address", "address", "address"),
    ("Property Postcode", "postcode", "postcode"),
    ("Licence Holder Name", "person", "holder_name"),
    ("Licence Holder Address", "far_address", "holder_address"),
    ("Max Occupants", "persons", "max_persons"),
    ("Max Households", "households", "max_households"),
    ("Start Date", "start", "commencement_date"),
    ("Expiry Date", "end", "expiry_date"),
    ("Manager Telephone", "phone", None),
    ("Notes", "text", None),
]

TRAPS: dict[str, tuple[str, Columns]] = {
    "wards under Postcode": ("hmo_licence", [
        ("Licence No", "ref", "licence_ref"), ("Property Address", "full_address", "address"),
        ("Postcode", "ward", None), ("Max persons", "persons", "max_persons")]),
    "the holder's address comes first": ("hmo_licence", [
        ("Licence No", "ref", "licence_ref"), ("Licence Holder", "person", "holder_name"),
        ("Address", "address", "holder_address"), ("Postcode", "far_postcode", "holder_address"),
        ("Property Address", "address", "address"), ("Property Postcode", "postcode", "postcode")]),
    "two addresses that name no owner": ("hmo_licence", [
        ("Ref", "ref", "licence_ref"), ("Name", "person", "holder_name"), ("Address", "address", "holder_address"),
        ("Postcode", "far_postcode", "holder_address"), ("Address (2)", "address", "address"),
        ("Postcode (2)", "postcode", "postcode")]),
    "a reference that is a UPRN": ("hmo_licence", [
        ("Ref", "uprn", "uprn"), ("Licence", "ref", "licence_ref"), ("Address", "full_address", "address")]),
    "permitted and actual occupants": ("hmo_licence", [
        ("Licence Number", "ref", "licence_ref"), ("Address", "full_address", "address"), ("Occupants", "persons", None),  # noqa: E501
        ("Occupants permitted", "persons", "max_persons"), ("Households", "households", "max_households")]),
    "the holder's postcode after a whole address": ("hmo_licence", [
        ("Licence Number", "ref", "licence_ref"), ("Property Address", "full_address", "address"),
        ("Licence Holder", "person", "holder_name"), ("Holder Address", "address", "holder_address"),
        ("Postcode", "far_postcode", "holder_address")]),
    "a value for a heading": ("hmo_licence", [
        ("Reference", "ref", "licence_ref"), ("Property", "address", "address"), ("N17", "postcode", "postcode"),
        ("Holder", "person", "holder_name")]),
    "an address over columns without headings": ("hmo_licence", [
        ("Full Address", "house_number", "address"), ("(column 2)", "street", "address"),
        ("Postcode", "postcode", "postcode"), ("Licence Number", "ref", "licence_ref")]),
    "swapped grid coordinates": ("gazetteer", [
        ("UPRN", "uprn", "uprn"), ("Address", "full_address", "address"), ("Easting", "northing", "northing"),
        ("Northing", "easting", "easting")]),
    "latitude and longitude of a register": ("hmo_licence", [
        ("Licence Number", "ref", "licence_ref"), ("Address", "full_address", "address"), ("Latitude", "small", None),
        ("Longitude", "small", None)]),
    "a type of house under Type": ("hmo_licence", [
        ("Licence Number", "ref", "licence_ref"), ("Type", "house_type", None), ("Address", "full_address", "address")]),  # noqa: E501
    "a type of house under Type of a waste extract": ("waste", [
        ("Job Number", "ref", "waste_ref"), ("Type", "house_type", None), ("Address", "full_address", "address"),
        ("Event Type", "waste_kind", "waste_kind")]),
    "a type of house under Type, and kinds of event under a heading that says nothing": ("waste", [
        ("Job Number", "ref", "waste_ref"), ("Type", "house_type", None), ("Address", "full_address", "address"),
        ("What", "waste_kind", "waste_kind")]),
    "parts of a name": ("hmo_licence", [
        ("Address", "full_address", "address"), ("Holder Title", "title", "holder_name"),
        ("Holder Initial", "initial", "holder_name"), ("Holder Surname", "surname", "holder_name"),
        ("Company Name", "company", "holder_name")]),
    "the managing agent's telephone": ("hmo_licence", [
        ("Property", "full_address", "address"), ("Managing Agent", "person", "manager_name"),
        ("Managing Agent Tel", "phone", None), ("Managing Agent Address", "far_address", None)]),
    "a file of council tax": ("council_tax", [
        ("Account", "ref", "account_ref"), ("Property Address", "full_address", "address"),
        ("Liable Name", "person", "liable_name"), ("From", "start", "liability_start"), ("To", "end", "liability_end"),
        ("Balance", "small", None)]),
}  # fmt: skip


def check(columns: Columns, dataset: str) -> tuple[int, list[str]]:
    """Columns that are right, and the sentences of those that are wrong and were not marked."""
    made = propose(recognised(columns), borough="haringey", dataset=dataset)
    right, silent = 0, []
    for column, (heading, _, field) in zip(made.columns, columns, strict=True):
        right += column.field == field
        if column.field != field and column.sure:
            silent.append(f"{heading} -> {column.field}: {column.evidence}")
    return right, silent


@pytest.mark.parametrize("name", TRAPS)
def test_no_trap_is_wrong_in_silence(name: str):
    dataset, columns = TRAPS[name]
    right, silent = check(columns, dataset)
    assert silent == []
    assert right == len(columns)


def test_a_plain_register_is_right_and_relied_upon():
    made = propose(recognised(REGISTER), borough="haringey")
    assert (made.dataset, made.dataset_confidence >= 0.9) == ("hmo_licence", True)
    assert [c.field for c in made.columns] == [field for _, _, field in REGISTER]
    assert all(c.sure and c.confidence >= 0.9 for c in made.columns)
    assert made.usable
    assert made.missing == ()


def test_dates_under_swapped_headings_are_not_relied_upon():
    columns = [
        ("Licence Number", "ref", None),
        ("Address", "full_address", None),
        ("Start Date", "end", None),
        ("Expiry Date", "start", None),
    ]
    made = {c.column: c for c in propose(recognised(columns), borough="haringey", dataset="hmo_licence").columns}
    assert not made["Start Date"].sure
    assert "later than" in made["Start Date"].evidence


def test_more_households_than_persons_is_a_doubt():
    columns = [
        ("Address", "full_address", None),
        ("Max persons", "households", None),
        ("Max households", "persons", None),
    ]
    made = {c.column: c for c in propose(recognised(columns), borough="haringey", dataset="hmo_licence").columns}
    assert not made["Max persons"].sure
    assert not made["Max households"].sure


def test_without_any_heading_all_is_a_guess_and_marked():
    kinds = [("ref", "licence_ref"), ("full_address", "address"), ("person", "holder_name"), ("start", "commencement_date"),  # noqa: E501
             ("end", "expiry_date"), ("licence_type", "licence_type")]  # fmt: skip
    columns = [(f"(column {n})", kind, field) for n, (kind, field) in enumerate(kinds, start=1)]
    made = propose(recognised(columns), borough="haringey", dataset="hmo_licence")
    assert [c.field for c in made.columns] == [field for _, field in kinds]
    assert not any(c.sure for c in made.columns)
    assert all(c.confidence < 0.5 for c in made.columns)


def test_five_hundred_columns_ask_few_questions():
    columns = [
        ("Licence Number", "ref", None),
        ("Property Address", "full_address", None),
        ("Expiry Date", "end", None),
    ]
    columns += [(f"Attr{n}", "small", None) for n in range(497)]
    made = propose(recognised(columns, rows=60), borough="haringey", dataset="hmo_licence")
    assert [c.field for c in made.columns[:3]] == ["licence_ref", "address", "expiry_date"]
    assert all(c.field is None for c in made.columns[3:])
    assert len(made.questions) <= 3


def test_a_file_of_nothing_known_says_what_is_missing():
    columns = [("Lorem", "small", None), ("Ipsum", "ward", None)]
    made = propose(recognised(columns), borough="haringey")
    assert made.dataset_confidence < 0.5
    assert not made.usable
    assert any("Ask the borough" in sentence for sentence in made.missing)
    assert not any(c.sure for c in made.columns)


@pytest.mark.parametrize("name", ["plain", *TRAPS])
def test_no_value_of_a_personal_column_is_in_a_proposal(name: str):
    dataset, columns = ("hmo_licence", REGISTER) if name == "plain" else TRAPS[name]
    made = propose(recognised(columns), borough="haringey", dataset=dataset)
    told = f"{made.as_dict()}{made.yaml_text()}{made.questions}{made.notes}{made.mapping}"
    assert MARK not in told


def test_personal_columns_are_classed():
    made = {
        c.column: c.privacy for c in propose(recognised(REGISTER), borough="haringey", dataset="hmo_licence").columns
    }
    assert made["Licence Holder Name"] == "public_register"
    assert made["Manager Telephone"] == "direct"
    assert made["Notes"] == "special"
    assert made["Property Address"] == "indirect"
    assert made["Max Occupants"] == "none"


def test_an_unknown_heading_over_names_is_personal():
    columns = [("Address", "full_address", None), ("Kontakt", "surname", None), ("Xyz", "person", None)]
    made = {c.column: c for c in propose(recognised(columns), borough="haringey", dataset="planning").columns}
    assert made["Xyz"].privacy == "direct"


def decided(*more: tuple[str, str, str | None]) -> dict:
    """What is proposed for the headings of a register and one more."""
    made = propose(recognised([*REGISTER[:4], *REGISTER[6:10], *more]), borough="haringey", dataset="hmo_licence")
    return {column.column: column for column in made.columns}


def test_a_day_is_told_from_another_by_its_heading_alone():
    assert decided(("Cabinet Meeting", "start", None))["Cabinet Meeting"].field is None


@pytest.mark.parametrize(
    ("heading", "kind"),
    [("Property City", "full_address"), ("Who holds it? (firms)", "company"), ("House/flat", "address")],
)
def test_a_piece_that_is_left_out_is_never_left_out_in_silence(heading: str, kind: str):
    column = decided((heading, kind, None))[heading]
    assert column.field is not None or not column.sure


def under(heading: str, kind: str, dataset: str = "waste"):
    """What is proposed for a column of a waste extract, or of another dataset, under a heading."""
    columns = [
        ("Reference", "ref", None),
        (heading, kind, None),
        ("Address", "full_address", None),
        ("Day", "start", None),
    ]
    made = propose(recognised(columns), borough="haringey", dataset=dataset)
    return next(column for column in made.columns if column.column == heading)


@pytest.mark.parametrize("heading", ["Type", "Kind", "Category"])
@pytest.mark.parametrize(
    ("dataset", "field", "kind"),
    [("waste", "waste_kind", "waste_kind"), ("hmo_licence", "licence_type", "licence_type")],
)
def test_what_a_general_heading_leaves_open_the_codes_under_it_settle(
    heading: str, dataset: str, field: str, kind: str
):
    column = under(heading, kind, dataset)
    assert (column.field, column.sure) == (field, True), column.evidence


@pytest.mark.parametrize(
    ("heading", "kind"), [("Type", "waste_kind_and_more"), ("Type", "one_waste_kind"), ("Type Code", "waste_kind")]
)
def test_codes_of_which_some_are_unknown_or_all_the_same_are_proposed_and_marked(heading: str, kind: str):
    column = under(heading, kind)
    assert (column.field, column.sure) == ("waste_kind", False), column.evidence


def test_a_waste_extract_is_known_by_its_kinds_under_type():
    columns = [
        ("Reference", "ref", "waste_ref"),
        ("Type", "waste_kind", "waste_kind"),
        ("Address", "full_address", "address"),
        ("Postcode", "postcode", "postcode"),
        ("Event Date", "start", "event_date"),
    ]
    made = propose(recognised(columns), borough="haringey")
    assert (made.dataset, made.dataset_confidence >= 0.9) == ("waste", True)
    assert [c.field for c in made.columns] == [field for _, _, field in columns]
