"""A faulty mapping is told in a sentence before any file is read with it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from schemas import registry
from schemas.mapping import Mapping
from schemas.mapping_faults import mapping_faults, reads_a_date, unaccounted

SOUND = {
    "address": "Address",
    "commencement_date": "From",
    "licence_type": {"column": "Type", "values": {"M": "mandatory"}},
}


def mapping(**more: Any) -> Mapping:
    content = {"borough": "oxford", "dataset": "hmo_licence", "name": "x", "fields": SOUND, "dates": ["%d/%m/%Y"]}
    return Mapping.model_validate(content | {"blanks": ["", "n/a", "00/00/0000"]} | more)


def told(**more: Any) -> str:
    return "; ".join(mapping_faults(mapping(**more), registry.contract("hmo_licence")))


def test_a_sound_mapping_has_no_fault():
    assert told() == ""


@pytest.mark.parametrize(
    ("yaml_text", "sentence"),
    [
        ("fields: {address: Address, colour: B}", "field 'colour' is not in the contract of hmo_licence"),
        ("fields: {licence_ref: A}", "required field 'address' has no source"),
        ("fields: {address: A}\noptional: [A]", "required field 'address' is fed by optional columns alone"),
        ("fields: {address: {columns: [A, B, A]}}", "field 'address' is fed twice by column 'A'"),
        ("ignore: {Address: free text}", "column 'Address' is both mapped and ignored"),
        ("optional: [Ward]", "optional column 'Ward' is not in the layout"),
        ("dates: []", "date field 'commencement_date' declares no format"),
        ("dates: [dd/mm/yyyy]", "the date format 'dd/mm/yyyy' cannot be read back to a day"),
        ("dates: ['%d/%m']", "the date format '%d/%m' cannot be read back to a day"),
        ("dates: ['%d/%Q/%Y']", "the date format '%d/%Q/%Y' cannot be read back to a day"),
        ("fields: {address: {column: A, date: ['%Y']}}", "field 'address' is no date but declares date formats"),
        ("fields: {address: A, expiry_date: {constant: 30/11/2026}}", "is not written as 2026-11-30"),
        ("fields: {address: A, licence_type: {column: B, values: {X: big}}}", "maps to 'big', which is not one of its"),
        ("fields: {address: A, licence_type: {column: B, default: big}}", "the default 'big' of field 'licence_type'"),
        (
            "fields: {address: A, licence_type: {column: B, values: {HMO: mandatory, hmo: additional}}}",
            "maps codes that differ only by case or spaces apart: 'HMO' to 'mandatory' and 'hmo' to 'additional'",
        ),
        ("patches: {colour: {a: b}}", "patches are given for 'colour', which is not in the contract"),
        ("patches: {postcode: {a: b}}", "the patches of field 'postcode' are never reached: the field is not mapped"),
        (
            "fields: {address: A, licence_type: {constant: mandatory}}\npatches: {licence_type: {a: b}}",
            "the patches of field 'licence_type' are never reached: the field is a constant",
        ),
        ("patches: {address: {'(': b}}", "is not a pattern and replacement that can be run"),
        ("patches: {address: {'a': '\\2'}}", "is not a pattern and replacement that can be run"),
        ("patches: {address: {'(?=a)': b}}", "is not a pattern and replacement that can be run"),
        ("patches: {address: {'^n/a$': b}}", "is never reached: that text is read as blank before it"),
        ("patches: {address: {'^a  b$': b}}", "is never reached: spaces are tidied before it"),
        ("patches: {address: {'Rd': Road, '^High Rd$': x}}", "is never reached: an earlier patch changes that text"),
        ("implied: {colour: {column: Ref}}", "'colour' is said to be implied but is not in the contract"),
        ("implied: {storeys: {column: Ref}}", "is compared with nothing: the field is not mapped"),
        ("implied: {licence_type: {constant: mandatory}}", "must come from a column"),
        ("implied: {licence_type: {column: Ref, values: {X: big}}}", "maps to 'big', which is not one of its codes"),
        ("known_since: {after: expiry_date}", "known_since counts from 'expiry_date', which is not mapped"),
        ("known_since: {after: address}", "known_since counts from 'address', which is no date"),
        ("files: {'*.csv': {shape: {header_row: 2}}}", "for files '*.csv' the key 'shape' cannot differ"),
        ("files: {'*.csv': {fields: {address: Premises}}}", "for files '*.csv' other columns are read"),
        ("files: {'*.csv': {dates: ['%d']}}", "for files '*.csv': the date format '%d' cannot be read back"),
        ("files: {'*.csv': {fields: {address: {extract: '('}}}}", "what is said for files '*.csv' is faulty"),
    ],
)
def test_each_fault_is_a_sentence(yaml_text, sentence):
    assert sentence in told(**yaml.safe_load(yaml_text))


def test_a_pattern_that_no_column_can_be_run_through_is_refused_when_it_is_read():
    with pytest.raises(ValueError, match="look-ahead"):
        mapping(fields={"address": {"column": "A", "extract": "(?=x)(a)"}})


def test_headings_are_all_accounted_for():
    made = mapping(ignore={"Notes": "free text"}, optional=["Notes"])
    assert unaccounted(made, ["Address", "From", "Type"]) == []
    assert unaccounted(made, ["Address", "From", "Ward"]) == [
        "column 'Ward' is neither mapped nor ignored",
        "column 'Type' is mapped or ignored but not in the file",
    ]


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%d-%b-%y", "%Y%m%d", "excel", "%Y-%m-%dT%H:%M:%S%z", "%d %B %Y"])
def test_formats_that_say_a_day(form):
    assert reads_a_date(form)


def test_a_files_own_way_of_reading_is_laid_over_the_layout():
    made = mapping(files={"*2024-03*.csv": {"dates": ["%m/%d/%Y"], "patches": {"address": {"Rd": "Road"}}}})
    assert made.for_file("drops/oxford/hmo_licence/register 2024-03-01.csv").dates == ("%m/%d/%Y",)
    assert made.for_file("drops/oxford/hmo_licence/register 2024-03-01.csv").patches == {"address": {"Rd": "Road"}}
    assert made.for_file("drops/oxford/hmo_licence/register 2024-04-01.csv") is made
    assert made.for_file(None) is made
    assert mapping().hash != made.hash


def test_the_more_specific_layer_wins(tmp_path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "mappings"
    (folder / "systems" / "shop").mkdir(parents=True)
    (folder / "oxford").mkdir()
    (folder / "general.yaml").write_text(
        "blanks: ['', n/a]\npatches: {address: {Rd: Road, St: Street}, uprn: {x: ''}}\n"
    )
    (folder / "systems" / "shop" / "hmo_licence.yaml").write_text(
        "dates: ['%d/%m/%Y']\nfields: {address: Address, expiry_date: To}\npatches: {address: {Rd: R.}}\n"
    )
    path = folder / "oxford" / "hmo_licence.yaml"
    path.write_text(
        "extends: shop\nblanks: ['']\npatches: {address: {St: null}}\nfiles: {'a*': {patches: {address: {Rd: Rue}}}}\n"
    )
    monkeypatch.setattr(registry, "FOLDER", tmp_path)
    registry.contracts.cache_clear()
    registry.read_mapping.cache_clear()
    monkeypatch.setattr(registry, "contract", lambda _dataset, known=CONTRACT: known)
    made = registry.read_mapping(path)
    assert made.blanks == ("",), "the borough's own list"
    assert made.patches == {"address": {"Rd": "R."}}, "the system's over the general one; the borough takes one away"
    assert made.for_file("a.csv").patches["address"] == {"Rd": "Rue"}
    registry.clear()


CONTRACT = registry.contract("hmo_licence")
