"""A layout that drifted: the smallest change to the known mapping, in sentences."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.onboard import propose
from schemas import registry
from schemas.mapping import Mapping
from tests.unit.onboard_files import Columns, recognised

BEFORE: Columns = [
    ("Licence No", "ref", None),
    ("Property Address", "address", None),
    ("Postcode", "postcode", None),
    ("Licence Holder", "person", None),
    ("Max Persons", "persons", None),
    ("Starts", "start", None),
    ("Expires", "end", None),
    ("Remarks", "text", None),
]
CONTENT: dict[str, Any] = {
    "dates": ["%d/%m/%Y"],
    "fields": {
        "licence_ref": "Licence No",
        "address": "Property Address",
        "postcode": "Postcode",
        "holder_name": "Licence Holder",
        "max_persons": "Max Persons",
        "commencement_date": "Starts",
        "expiry_date": "Expires",
    },
    "ignore": {"Remarks": "free text, which must not be used"},
    "known_since": {"after": "commencement_date", "days": 14},
}


@pytest.fixture
def known() -> list[Mapping]:
    return [registry.mapping_of(CONTENT, "haringey", "hmo_licence", "hmo_licence.test")]


def changed(columns: Columns, known: list[Mapping], **more: Any):
    file = recognised(columns)
    for key, value in more.items():
        setattr(file, key, value)
    return propose(file, borough="haringey", dataset="hmo_licence", known=known)


def renamed(**names: str) -> Columns:
    return [(names.get(heading.replace(" ", "_"), heading), kind, field) for heading, kind, field in BEFORE]


def test_a_file_of_the_known_layout_needs_nothing(known):
    made = changed(BEFORE, known)
    assert made.known_layout == "hmo_licence.test"
    assert made.changes == ()
    assert {c.column: c.field for c in made.columns}["Starts"] == "commencement_date"


def test_a_renamed_heading_changes_that_line_and_no_other(known):
    made = changed(renamed(Postcode="Post Code"), known)
    assert made.mapping["fields"] == CONTENT["fields"] | {"postcode": "Post Code"}
    assert made.mapping["ignore"] == CONTENT["ignore"]
    (sentence,) = made.changes
    assert sentence.startswith("The heading 'Postcode' ('Postcode') is now 'Post Code'.")
    assert all(c.sure for c in made.columns)
    assert made.usable


def test_a_heading_renamed_beyond_recognition_is_found_by_its_values_and_marked(known):
    made = changed(renamed(Postcode="Zone"), known)
    assert made.mapping["fields"]["postcode"] == "Zone"
    assert not next(c for c in made.columns if c.column == "Zone").sure
    assert "not certain" in made.changes[0]


def test_a_column_added_is_taken_in_where_a_field_has_no_source_else_ignored(known):
    made = changed([*BEFORE, ("UPRN", "uprn", None), ("Fee paid", "small", None)], known)
    assert made.mapping["fields"]["uprn"] == "UPRN"
    assert "Fee paid" in made.mapping["ignore"]
    assert any("'UPRN' is new and feeds 'UPRN'" in sentence for sentence in made.changes)
    assert any("'Fee paid' is new and is ignored" in sentence for sentence in made.changes)


def test_a_column_that_fed_a_required_field_is_said_to_be_gone(known):
    made = changed([c for c in BEFORE if c[0] != "Property Address"], known)
    assert not made.usable
    assert made.missing == (
        "The column 'Property Address' is gone; it fed 'Address', and no row can be used without that. "
        "Ask the borough to export it again.",
    )


def test_an_optional_column_gone_leaves_its_field_blank(known):
    made = changed([c for c in BEFORE if c[0] not in {"Max Persons", "Remarks"}], known)
    assert "max_persons" not in made.mapping["fields"]
    assert "The column 'Max Persons' is gone; 'Permitted persons' stays blank." in made.changes
    assert "The column 'Remarks', which was ignored, is gone." in made.changes
    assert made.usable


def test_what_rows_are_known_by_goes_with_its_date(known):
    made = changed([c for c in BEFORE if c[0] != "Starts"], known)
    assert "known_since" not in made.mapping
    assert made.usable


def test_a_moved_column_is_no_drift(known):
    assert changed(list(reversed(BEFORE)), known).known_layout == "hmo_licence.test"


def test_a_heading_row_that_moved_is_said(known):
    from schemas.mapping import Shape

    made = changed(renamed(Expires="Expiry"), known, shape=Shape(header_row=3))
    assert "The headings stand in row 3; they stood in row 1." in made.changes
    assert made.mapping["shape"] == {"header_row": 3}


def test_another_layout_altogether_is_no_drift(known):
    columns = [("CaseRef", "ref", None), ("SiteAddress", "full_address", None), ("ValidTo", "end", None)]
    made = changed(columns, known)
    assert made.changes == ()
    assert made.known_layout is None


def test_a_preset_goes_on_being_extended(home):
    from pipelines.core.settings import settings

    folder = settings().mappings_dir / "haringey"
    folder.mkdir(parents=True)
    (folder / "hmo_licence.flare.yaml").write_text('extends: civica_app\ndates: ["%d/%m/%Y"]\n')
    (layout,) = [m for m in registry.mappings("haringey", "hmo_licence") if m.name == "hmo_licence.flare"]
    names = {"Max Persons": "Maximum Persons"}
    columns = [(names.get(name, name), "blank", None) for name in sorted(layout.columns - {"Comments"})]
    made = propose(recognised(columns), borough="haringey", dataset="hmo_licence", known=[layout])
    assert made.mapping["extends"] == "civica_app"
    assert set(made.mapping["fields"]) == {"max_persons"}
    assert made.mapping["ignore"] == {"Comments": None}
    mapping = made.as_mapping("hmo_licence.next")
    assert mapping.columns == {heading for heading, _, _ in columns}
    assert mapping.fields["max_persons"].column == "Maximum Persons"
    assert len(made.changes) == 2
