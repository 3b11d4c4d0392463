"""Headings as councils write them, brought to words: capitals, run together, abbreviated, misspelt."""

from __future__ import annotations

import pytest

from pipelines.onboard.headings import knowledge
from pipelines.onboard.words import likeness, read


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("NameofLicenceholder", {"name", "holder"}),
        ("AddressofHMOlicensedproperty", {"address", "hmo", "property"}),
        ("Permittednoofpersons", {"max", "persons"}),
        ("nohouseholds", {"household"}),
        ("scflats", {"selfcontained"}),
        ("CompnayNo", {"companynumber"}),
        ("LicenceeName1", {"holder", "name", "1"}),
        ("PCODE", {"postcode"}),
        ("DTCOMM", {"date", "start"}),
        ("MAXOCC", {"max", "persons"}),
        ("HOLDERADDR", {"holder", "address"}),
        ("LIAB_START", {"liable", "start"}),
        ("UniquePropertyReferenceNumber", {"uprn"}),
        ("Licence hodler adress", {"holder", "address"}),
        ("UPRN (if known)", {"uprn"}),
        ("No. of rooms providing sleeping accommodation", {"bedroom"}),
        ("Valid To", {"valid", "end"}),
        ("House No", {"building", "ref"}),
        ("(column 3)", set()),
    ],
)
def test_heading_as_words(heading: str, words: set[str]):
    assert read(heading).set == words


def test_a_word_that_nobody_listed_is_left_whole_and_marked():
    heading = read("Tower name")
    assert "tower" in heading.unknown
    assert read("Floors below ground").unknown == {"below", "ground"}


def test_second_heading_of_a_name_and_its_number():
    assert (read("Address (2)").again, read("Address (2)").set) == (2, {"address"})
    assert read("Address Line 3").number == 3


def test_another_party_is_a_clear_no():
    assert likeness(read("Licence Holder Address"), read("Address")) < 0.3
    assert likeness(read("Address of licence holder"), read("Licence holder's address")) == 1.0


@pytest.mark.parametrize(
    ("dataset", "heading", "field"),
    [
        ("hmo_licence", "Max. Occupants", "max_persons"),
        ("hmo_licence", "Licence Commenced", "commencement_date"),
        ("council_tax", "EXEMPTION_CD", "exemption_class"),
        ("service_request", "Date Completed", "closed_date"),
        ("gazetteer", "X Coordinate", "easting"),
        ("inspection", "Got in?", "access"),
    ],
)
def test_heading_says_its_field_outright(dataset: str, heading: str, field: str):
    said = knowledge().says(read(heading), dataset)
    assert max(said, key=lambda name: said[name].score) == field
    assert said[field].outright


def test_every_field_is_known_by_its_own_name_and_title():
    known = knowledge(without_boroughs=(), without_systems=())
    from schemas import registry

    for contract in registry.contracts().values():
        for target in contract.fields:
            said = known.says(read(target.name), contract.dataset)
            assert said[target.name].outright, (contract.dataset, target.name)


@pytest.mark.parametrize(
    ("heading", "reason"),
    [
        ("Manager Telephone", "personal data"),
        ("Fee Paid", "not needed"),
        ("Case Officer", "staff"),
        ("NOTES", "free text"),
    ],
)
def test_headings_that_no_field_wants(heading: str, reason: str):
    found = knowledge().ignored(read(heading), "hmo_licence")
    assert found is not None
    assert reason in found.reason


def test_a_mapped_borough_makes_the_next_one_easier(home):
    from pipelines.core.settings import settings

    heading = read("Zimmerzahl")
    assert not knowledge().says(heading, "hmo_licence")
    folder = settings().mappings_dir / "merton"
    folder.mkdir(parents=True)
    (folder / "hmo_licence.yaml").write_text("fields: {sleeping_rooms: Bedrooms in use, address: Where it is}\n")
    assert knowledge().others(read("Bedrooms in use"), "hmo_licence") == {"sleeping_rooms": 1}
    assert not knowledge(without_boroughs=["merton"]).others(read("Bedrooms in use"), "hmo_licence")


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("Flrs", ("storeys",)),
        ("date_crtd", ("date", "enter")),
        ("VISIT_RSN", ("visit", "reason")),
        ("CLM_CNT", ("claim",)),
        ("FWD_PCODE", ("correspondence", "postcode")),
    ],
)
def test_vowels_that_were_left_out_are_thought_of(heading: str, words: tuple[str, ...]) -> None:
    assert read(heading).words == words
    assert not read(heading).unknown
