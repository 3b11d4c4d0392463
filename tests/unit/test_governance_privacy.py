"""What may stand in no contract and be taken by no mapping: persons where only counts may be, and free text."""

from __future__ import annotations

import pytest

from pipelines.core.errors import RefusedDrop
from pipelines.governance import counts_only
from schemas import privacy, registry
from schemas.contract import Contract, Field
from schemas.mapping import Mapping


def with_field(dataset: str, **changes) -> Contract:
    """A contract with one more field."""
    usual = {"name": "more", "title": "More", "type": "string", "description": "For a test.", "required": False}
    field = Field.model_validate(usual | {"privacy": "none", "max_length": 40} | changes)
    contract = registry.contract(dataset)
    return contract.model_copy(update={"fields": (*contract.fields, field)})


@pytest.mark.parametrize("dataset", sorted(registry.contracts()))
def test_committed_contracts_hold_nothing_of_it(dataset):
    assert privacy.contract_faults(registry.contract(dataset)) == []


@pytest.mark.parametrize("dataset", privacy.COUNTS_ONLY)
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "claimant_name", "privacy": "direct"}, "of the privacy class 'direct'"),
        ({"name": "occupier", "privacy": "none"}, "text about something else than where the property is"),
        ({"name": "born", "type": "date", "max_length": None}, "a date of something else than the count"),
        ({"name": "condition", "privacy": "special", "codes": {"a": "b"}}, "of the privacy class 'special'"),
    ],
)
def test_electors_and_claimants_are_counts(dataset, changes, told):
    assert told in " ".join(privacy.contract_faults(with_field(dataset, **changes)))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"name": "officer_notes"}, "is free text"),
        ({"name": "comments"}, "is free text"),
        ({"max_length": 5000}, "a length of at most 300"),
        ({"max_length": None}, "a length of at most 300"),
    ],
)
def test_no_contract_may_hold_free_text(changes, told):
    assert told in " ".join(privacy.contract_faults(with_field("waste", **changes)))


def mapping(dataset: str, **fields) -> list[str]:
    made = Mapping.model_validate({"borough": "camden", "dataset": dataset, "name": dataset, "fields": fields})
    return privacy.mapping_faults(made, registry.contract(dataset))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"address": "Elector Name"}, "'Elector Name' looks like one person's"),
        ({"address": {"columns": ["Addr", "SURNAME"]}}, "'SURNAME' looks like one person's"),
        ({"electors": "Elector Number"}, "'Elector Number' looks like one person's"),
        ({"electors": {"constant": "1"}}, "a row for each person, not for a count"),
        ({"address": "Comments"}, "looks like free text"),
    ],
)
def test_a_mapping_takes_no_persons_and_no_free_text(fields, told):
    assert told in " ".join(mapping("electoral", **fields))


def test_a_mapping_of_counts_and_places_is_sound():
    counts = {"electors": "No of Electors", "surnames": "Different Surnames", "joined_12_months": "ADDED"}
    assert mapping("electoral", address={"columns": ["Property Name", "Street Name"]}, **counts) == []
    assert mapping("benefits", benefit_claims="live_claims", benefit_private_rent_claims="Private Tenant Claims") == []
    assert mapping("gazetteer", unit="SAO_TEXT", building_name="PAO_TEXT", street="STREET_DESCRIPTOR") == []


@pytest.mark.parametrize("heading", ["Forename", "ELECTOR_SURNAME", "electorForename", "Date of Birth", "NI Number"])
def test_columns_that_name_persons_refuse_an_extract_of_counts(heading):
    with pytest.raises(RefusedDrop, match="single persons") as caught:
        counts_only.check_headings("electoral", ["UPRN", heading])
    assert caught.value.issue_type == "person_level_rows"
    counts_only.check_headings("council_tax", ["UPRN", heading])


@pytest.mark.parametrize(
    "heading", ["Different Surnames", "Property Name", "No of Electors", "Title No", "Claim Count"]
)
def test_columns_of_counts_refuse_nothing(heading):
    counts_only.check_headings("electoral", ["UPRN", heading])


def test_a_row_for_each_person_is_told_by_properties_that_come_again():
    counts_only.check_rows("electoral", 1000, 200)
    counts_only.check_rows("electoral", 20, 10)
    counts_only.check_rows("waste", 1000, 900)
    with pytest.raises(RefusedDrop, match="201 of 1,000 rows"):
        counts_only.check_rows("electoral", 1000, 201)
