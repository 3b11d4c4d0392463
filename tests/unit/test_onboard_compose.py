"""From columns to the fields of a mapping: composed addresses and names, codes, dates, lengths, what is missing."""

from __future__ import annotations

import pytest
import yaml

from pipelines.onboard import Answers, propose
from pipelines.onboard.headings import knowledge
from pipelines.onboard.propose import extract_date_in
from schemas import registry
from tests.unit.onboard_files import Columns, recognised

REF, ADDRESS = ("Licence Number", "ref", None), ("Property Address", "full_address", None)


def fields(columns: Columns, dataset: str = "hmo_licence", **more: object) -> dict:
    made = propose(recognised(columns), borough="haringey", dataset=dataset, **more)  # type: ignore[arg-type]
    assert made.usable, made.faults
    return made.mapping["fields"]


def test_an_address_that_holds_the_postcode_gives_both():
    made = fields([REF, ADDRESS])
    assert made["address"]["column"] == made["postcode"]["column"] == "Property Address"
    assert "extract" in made["address"]
    assert "extract" in made["postcode"]


def test_a_postcode_of_its_own_wins_and_the_address_is_plain():
    made = fields([REF, ("Address", "address", None), ("Postcode", "postcode", None)])
    assert (made["address"], made["postcode"]) == ("Address", "Postcode")


def test_house_number_street_and_town_make_one_address_in_that_order():
    columns = [("Town", "ward", None), ("Street", "street", None), ("House No", "house_number", None), REF]
    assert fields(columns)["address"] == {"columns": ["House No", "Street", "Town"], "join": " "}


def test_numbered_lines_make_one_address_whatever_their_order():
    columns = [("Address 2", "ward", None), ("Address 1", "address", None), ("Address 3", "ward", None), REF]
    assert fields(columns)["address"] == {"columns": ["Address 1", "Address 2", "Address 3"]}


def test_a_title_that_is_never_filled_is_left_out_of_the_name():
    columns = [
        REF,
        ADDRESS,
        ("Holder Title", "blank", None),
        ("Holder Initial", "initial", None),
        ("Holder Surname", "surname", None),
    ]
    assert fields(columns)["holder_name"] == {"columns": ["Holder Initial", "Holder Surname"], "join": " "}


def test_a_length_stands_for_the_last_day():
    made = propose(
        recognised([REF, ADDRESS, ("Start Date", "start", None), ("Duration", "years", None)]),
        borough="haringey",
        dataset="hmo_licence",
    )
    assert made.mapping["fields"]["expiry_date"] == {"column": "Duration", "after": "commencement_date"}
    assert {c.column: c.field for c in made.columns}["Duration"] == "expiry_date"
    assert made.usable


def test_a_length_beside_both_dates_is_ignored():
    columns = [REF, ADDRESS, ("Start Date", "start", None), ("End Date", "end", None), ("Duration", "years", None)]
    made = propose(recognised(columns), borough="haringey", dataset="hmo_licence")
    assert "Duration" in made.mapping["ignore"]
    assert made.mapping["fields"]["expiry_date"] == "End Date"


def test_the_endings_of_references_say_the_type_and_are_marked():
    import pyarrow as pa

    file = recognised([("Case Number", "ref", None), ADDRESS])
    refs = [f"17/{n:05d}/{'HMOADS' if n % 2 else 'HMOLIC'}" for n in range(120)]
    file.sample = pa.table({"Case Number": refs, "Property Address": file.sample.column(1)})
    made = propose(file, borough="haringey", dataset="hmo_licence")
    how = made.mapping["fields"]["licence_type"]
    assert how["values"] == {"HMOADS": "additional", "HMOLIC": "mandatory"}
    assert "UNSURE: the ending of the reference" in made.yaml_text()


def test_known_codes_are_mapped_and_unknown_ones_asked_never_guessed():
    import pyarrow as pa

    file = recognised([REF, ADDRESS, ("Licence Type", "licence_type", None)])
    types = ["Mandatory HMO", "Selective", "ZZ9"] * 40
    file.sample = file.sample.set_column(2, "Licence Type", pa.array(types))
    made = propose(file, borough="haringey", dataset="hmo_licence")
    assert made.mapping["fields"]["licence_type"]["values"] == {
        "Mandatory HMO": "mandatory",
        "Selective": "selective",
    } or (made.mapping["fields"]["licence_type"]["values"] == {"Mandatory HMO": "mandatory"})
    assert [(q.kind, q.about) for q in made.questions if q.kind == "code"] == [("code", "ZZ9")]
    assert "UNSURE: ZZ9" in made.yaml_text()
    told = propose(
        file, borough="haringey", dataset="hmo_licence", answers=Answers(codes={"licence_type": {"ZZ9": "additional"}})
    )
    assert told.mapping["fields"]["licence_type"]["values"]["ZZ9"] == "additional"
    assert not [q for q in told.questions if q.kind == "code"]


def test_american_dates_are_declared_by_evidence():
    assert propose(
        recognised([REF, ADDRESS, ("Start Date", "american", None)]), borough="haringey", dataset="hmo_licence"
    ).mapping["dates"] == ["%m/%d/%Y"]


def test_dates_that_tell_nothing_follow_those_that_tell():
    columns = [REF, ADDRESS, ("Start Date", "unclear_day", None), ("Expiry Date", "american", None)]
    made = propose(recognised(columns), borough="haringey", dataset="hmo_licence")
    assert made.mapping["dates"] == ["%m/%d/%Y"]
    assert not [q for q in made.questions if q.kind == "dates"]


def test_dates_that_nothing_decides_are_asked_about():
    file = recognised([REF, ADDRESS, ("Start Date", "unclear_day", None)])
    made = propose(file, borough="haringey", dataset="hmo_licence")
    assert [q.about for q in made.questions if q.kind == "dates"] == ["commencement_date"]
    assert "UNSURE: no value tells day from month" in made.yaml_text()
    told = propose(file, borough="haringey", dataset="hmo_licence", answers=Answers(day_first=False))
    assert told.mapping["dates"] == ["%m/%d/%Y"]
    assert not [q for q in told.questions if q.kind == "dates"]


def test_a_required_field_without_a_source_is_said_in_plain_words_and_nothing_is_usable():
    made = propose(recognised([REF, ("Expiry Date", "end", None)]), borough="haringey", dataset="hmo_licence")
    assert not made.usable
    assert any(sentence.startswith("No column holds 'Address'") for sentence in made.missing)
    assert made.missing[0] in made.yaml_text()


def test_a_required_code_that_no_column_holds_is_asked_for_the_whole_file():
    columns = [("UPRN", "uprn", None), ("Property Address", "full_address", None), ("Acquired", "start", None)]
    made = propose(recognised(columns), borough="haringey", dataset="social_housing")
    (question,) = [q for q in made.questions if q.kind == "constant"]
    assert question.about == "social_landlord"
    told = propose(
        recognised(columns),
        borough="haringey",
        dataset="social_housing",
        answers=Answers(constants={"social_landlord": "council"}),
    )
    assert told.mapping["fields"]["social_landlord"] == {"constant": "council"}
    assert told.usable


def test_an_answer_about_a_column_holds():
    file = recognised([REF, ADDRESS, ("Units", "persons", None)])
    made = propose(
        file, borough="haringey", dataset="hmo_licence", answers=Answers(columns={"Units": "max_households"})
    )
    assert made.mapping["fields"]["max_households"] == "Units"
    ignored = propose(file, borough="haringey", dataset="hmo_licence", answers=Answers(columns={"Units": None}))
    assert "Units" in ignored.mapping["ignore"]
    assert not [q for q in ignored.questions if q.about == "Units"]


def test_rows_count_as_known_as_in_other_boroughs():
    made = propose(recognised([REF, ADDRESS, ("Start Date", "start", None)]), borough="haringey", dataset="hmo_licence")
    assert made.mapping["known_since"] == {"after": "commencement_date", "days": 14}


def test_the_yaml_is_the_mapping():
    from tests.unit.test_onboard_columns import REGISTER, TRAPS

    for dataset, columns in [("hmo_licence", REGISTER), *TRAPS.values()]:
        made = propose(recognised(columns), borough="haringey", dataset=dataset)
        assert yaml.safe_load(made.yaml_text()) == made.mapping
        if made.usable:
            mapping = made.as_mapping()
            assert mapping.columns == {heading for heading, _, _ in columns}
            assert mapping.faults(registry.contract(dataset)) == []


def test_a_file_of_a_known_product_extends_its_preset():
    preset = registry.preset("civica_app", "hmo_licence")
    columns = [(name, "blank", None) for name in sorted(preset.columns - {"UPRN"})]
    made = propose(recognised(columns), borough="haringey")
    assert (made.dataset, made.system, made.mapping["extends"]) == ("hmo_licence", "civica_app", "civica_app")
    assert made.mapping["fields"] == {"uprn": None}
    assert all(c.sure for c in made.columns)
    mapping = made.as_mapping()
    assert mapping.columns == {heading for heading, _, _ in columns}


def test_values_that_speak_against_a_preset_are_told():
    preset = registry.preset("civica_app", "hmo_licence")
    columns = [(name, "ward" if name == "Premises Postcode" else "blank", None) for name in sorted(preset.columns)]
    made = {c.column: c for c in propose(recognised(columns), borough="haringey").columns}
    assert not made["Premises Postcode"].sure
    assert made["Licence Reference"].sure


def test_without_the_preset_the_columns_are_found_all_the_same():
    preset = registry.preset("civica_app", "hmo_licence")
    columns = [(name, "blank", None) for name in ("Licence Reference", "Premises Address", "Expiry Date")]
    made = propose(
        recognised(columns), borough="haringey", dataset="hmo_licence", knows=knowledge(without_systems=["civica_app"])
    )
    assert made.system is None
    assert [c.field for c in made.columns] == ["licence_ref", "address", "expiry_date"]
    assert preset.dataset == "hmo_licence"


@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("HMO_Register_2026-09-30.csv", "%Y-%m-%d"), ("register_20260930.csv", "%Y%m%d"), ("CT30092026.csv", "%d%m%Y"),
        ("HMO register 30-09-2026.csv", "%d-%m-%Y"), ("Waste 30 September 2026.csv", "%d %B %Y"), ("LB-LIC-260930.csv", "%y%m%d"),  # noqa: E501
    ],
)  # fmt: skip
def test_the_day_in_a_file_name_is_found_and_can_be_read_again(name: str, day: str):
    from schemas.mapping import ExtractDate

    found = extract_date_in(name)
    assert found is not None
    assert found["format"] == day
    assert str(ExtractDate(**found).read(name)) == "2026-09-30"


def test_a_file_name_without_a_day_says_nothing():
    assert extract_date_in("register.csv") is None
    assert extract_date_in("register_12345678.csv") is None
