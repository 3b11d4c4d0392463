"""Contracts, mappings and vocabularies hold together, all of them, as they are committed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from expectations.suite import rules_for
from pipelines.core.errors import ConfigurationError
from schemas import registry
from schemas.mapping import Mapping
from schemas.template import csv_template

DATASETS = [
    "gazetteer",
    "council_tax",
    "electoral",
    "benefits",
    "hmo_licence",
    "licence_application",
    "licensing_scheme",
    "service_request",
    "waste",
    "planning",
    "epc",
    "inspection",
    "social_housing",
]


def test_there_are_the_thirteen_datasets():
    assert sorted(registry.contracts()) == sorted(DATASETS)


def test_same_field_name_means_the_same_in_every_contract():
    seen: dict[str, tuple] = {}
    for contract in registry.contracts().values():
        for field in contract.fields:
            meaning = (
                field.title,
                field.type,
                field.description,
                field.privacy,
                field.codes,
                field.pattern,
                field.minimum,
                field.maximum,
                field.max_length,
            )
            assert seen.setdefault(field.name, meaning) == meaning, field.name


@pytest.mark.parametrize("dataset", DATASETS)
def test_contract_is_complete(dataset):
    contract = registry.contract(dataset)
    assert contract.key
    assert contract.event_time in contract.by_name
    assert contract.known_since in contract.by_name
    assert contract.event_time != contract.known_since
    assert all(len(field.description) > 10 for field in contract.fields)
    assert all(field.example is not None for field in contract.fields)


def test_no_contract_asks_for_names_of_electors_or_claimants():
    for dataset in ("electoral", "benefits"):
        assert {f.privacy for f in registry.contract(dataset).fields} <= {"none", "indirect"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_template_has_the_contracts_headings(dataset):
    headings = csv_template(registry.contract(dataset)).strip().split(",")
    assert headings == [f.name for f in registry.contract(dataset).fields]


@pytest.mark.parametrize("dataset", DATASETS)
def test_suite_is_generated_from_the_contract(dataset):
    contract = registry.contract(dataset)
    rules = rules_for(contract)
    for field in contract.fields:
        kinds = {rule.expectation for rule in rules if rule.field == field.name}
        assert not field.required or "ExpectColumnValuesToNotBeNull" in kinds
        assert field.codes is None or "ExpectColumnValuesToBeInSet" in kinds
    assert {rule.issue for rule in rules} <= set(registry.issue_types())
    assert all(rule.columns <= {*contract.by_name, "borough", "source", "record_id"} for rule in rules)


def every_mapping_file() -> list[Path]:
    folder = registry.FOLDER / "mappings"
    return [p for p in sorted(folder.glob("*/*.yaml")) if p.parent.name in registry.boroughs()]


def test_every_mapping_is_sound():
    files = every_mapping_file()
    assert files
    for path in files:
        registry.read_mapping(path)


def test_every_agreement_names_boroughs_and_datasets_there_are():
    for agreement in registry.agreements():
        assert set(agreement.boroughs) <= {*registry.boroughs(), "all-london"}
        assert set(agreement.datasets) <= {*registry.contracts(), "all"}


def faulty(tmp_path: Path, text: str, dataset: str = "hmo_licence") -> str:
    path = tmp_path / "oxford" / f"{dataset}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    registry.clear()
    with pytest.raises(ConfigurationError) as caught:
        registry.read_mapping(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fields: {address: A, address: B}", "twice"),
        ("fields: {address: A, colour: B}", "'colour' is not in the contract"),
        ("fields: {licence_ref: A}", "required field 'address' has no source"),
        ("fields: {address: A}\nignore: {A: free text}", "both mapped and ignored"),
        ("fields: {address: A, expiry_date: B}", "declares no format"),
        ("fields: {address: A, licence_type: {column: B, values: {X: sensational}}}", "not one of its codes"),
        ("fields: {address: {column: A, columns: [B, C]}}", "exactly one of"),
        ("fields: {address: {column: A, extract: '(a)(b)'}}", "one group"),
        ("fields: {address: A}\nsurprise: 1", "surprise"),
        ("extends: nobody\nfields: {address: A}", "no preset"),
        ("fields: [", "not valid YAML"),
        ("fields: {address: A}\nshape: {header_row: -1}", "header_row"),
        ("fields: {address: A}\nshape: {encoding: utf8-bom}", "no encoding"),
        ("fields: {address: A}\nsource: \"x' OR '1'='1\"", "source"),
        ("fields: {address: A}\nextract_date: {pattern: 'abc', format: '%Y'}", "one group"),
        ("fields: {address: A}\nknown_since: {after: expiry_date}", "not mapped"),
    ],
)
def test_faulty_mapping_is_told_in_a_sentence(tmp_path, text, told):
    assert told in faulty(tmp_path, text)


def test_yaml_cannot_make_objects(tmp_path):
    told = faulty(tmp_path, "fields: !!python/object/apply:os.system ['true']")
    assert "not valid YAML" in told


def test_mapping_hash_moves_with_its_meaning():
    one = registry.mappings("oxford", "hmo_licence")[0]
    other = Mapping.model_validate(one.model_dump() | {"dates": ("%Y-%m-%d",)})
    assert one.hash != other.hash


def test_contract_file_is_plain_odcs():
    for path in (registry.FOLDER / "contracts").glob("*.yaml"):
        document = yaml.safe_load(path.read_text())
        assert document["kind"] == "DataContract"
        assert document["apiVersion"].startswith("v3.")
