"""Layouts, assignments and mappings agree: what a borough writes is what its mapping says, heading by heading."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from pipelines.demo import DEFAULT_BOROUGHS
from pipelines.demo.export.assignments import all_boroughs, extracts
from pipelines.demo.export.layout import FOLDER, layout
from schemas import registry
from schemas.contract import Contract
from schemas.mapping import FieldMap, Mapping

ALWAYS = {"gazetteer", "council_tax", "hmo_licence", "service_request", "inspection", "licensing_scheme"}
PAIRS = [(borough, dataset) for borough in all_boroughs() for dataset in extracts(borough)]


def as_mapped(headings: list[str]) -> list[str]:
    """Headings as a mapping names them: `(column 3)` for a blank one, `Address (2)` for a second `Address`."""
    seen: Counter[str] = Counter()
    names = []
    for position, heading in enumerate(headings, start=1):
        seen[heading] += 1
        twice = f"{heading} ({seen[heading]})" if seen[heading] > 1 else heading
        names.append(twice if heading else f"(column {position})")
    return names


def only_mapping(borough: str, dataset: str) -> Mapping:
    found = registry.own_mappings(borough, dataset)
    assert len(found) == 1
    return found[0]


def test_every_london_borough_shares_what_the_use_case_cannot_do_without() -> None:
    london = {slug for slug, borough in registry.boroughs().items() if borough.london}
    assert set(all_boroughs()) == london
    assert len(london) == 33
    for borough in london:
        assert set(extracts(borough)) >= ALWAYS, borough
        assert set(extracts(borough)) <= set(registry.contracts()), borough


def test_some_boroughs_share_less_and_then_have_no_mapping() -> None:
    lacking = {dataset: [b for b in all_boroughs() if dataset not in extracts(b)] for dataset in registry.contracts()}
    assert {name for name, without in lacking.items() if without} == {"waste", "benefits", "electoral"}
    for dataset, boroughs in lacking.items():
        for borough in boroughs:
            assert registry.own_mappings(borough, dataset) == []


@pytest.mark.parametrize("borough", all_boroughs())
def test_mappings_account_for_every_heading_and_no_other(borough: str) -> None:
    for dataset, extract in extracts(borough).items():
        columns = layout(extract.layout, dataset).headings(uprn=extract.uprn != "none" or dataset == "gazetteer")
        mapping = only_mapping(borough, dataset)
        assert mapping.needed == set(as_mapped([c.heading for c in columns])), dataset
        assert all(reason.strip() for reason in mapping.ignore.values()), dataset


@pytest.mark.parametrize("borough", all_boroughs())
def test_mappings_declare_the_shape_and_the_dates_that_are_written(borough: str) -> None:
    for dataset, extract in extracts(borough).items():
        mapping, source = only_mapping(borough, dataset), layout(extract.layout, dataset)
        assert mapping.shape.format == extract.format
        assert mapping.shape.header_row == extract.header_row
        if extract.format == "csv":
            assert (mapping.shape.encoding, mapping.shape.delimiter) == (extract.encoding, extract.delimiter)
        if extract.format == "xlsx":
            assert mapping.shape.sheet == extract.sheet
        written = source.date or extract.date
        assert ("%Y-%m-%d" if written == "native" else written) in mapping.dates, dataset
        assert mapping.extract_date is not None
        day = date(2026, 3, 9)
        assert mapping.extract_date.read(extract.name_on(day)) == day, extract.name_on(day)


def test_every_word_of_a_code_list_maps_back_to_its_code() -> None:
    for borough, dataset in PAIRS:
        mapping, contract = only_mapping(borough, dataset), registry.contract(dataset)
        for column in layout(extracts(borough)[dataset].layout, dataset).columns:
            field = mapping.fields.get(column.value or "")
            if not column.codes or field is None:
                continue
            for code, words in column.codes.items():
                for word in [words] if isinstance(words, str) else words:
                    assert encoded(word, field, contract, column.value or "", mapping) == (code or None)


def encoded(word: str, field: FieldMap, contract: Contract, name: str, mapping: Mapping) -> str | None:
    """A word as harmonising reads it: blank words, then the mapping's values, then the contract's own codes."""
    if word.casefold() in {blank.casefold() for blank in mapping.blanks}:
        return None
    known = {code.casefold(): code for code in contract.by_name[name].codes or {}}
    known |= {key.casefold(): value for key, value in field.values.items()}
    return known.get(word.casefold(), word)


def test_every_layout_is_used_and_every_code_of_the_contract_has_a_word() -> None:
    used = {(extracts(b)[d].layout, d) for b, d in PAIRS}
    there = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.yaml")}
    assert there == used
    assert len(there) >= 30
    for system, dataset in there:
        for column in layout(system, dataset).columns:
            codes = registry.contract(dataset).by_name.get(column.value or "")
            if codes is not None and codes.codes and column.codes:
                assert set(codes.codes) <= set(column.codes), (system, dataset, column.heading)


def test_every_row_has_a_day_it_was_known_on_or_the_register_has_no_first_day() -> None:
    without = {
        extracts(b)[d].layout
        for b, d in PAIRS
        if "known_since" not in only_mapping(b, d).fields and only_mapping(b, d).known_since is None
    }
    assert without == {"register_hounslow"}


def test_the_four_boroughs_of_the_default_demo_show_every_kind_of_file() -> None:
    files = [extract for borough in DEFAULT_BOROUGHS for extract in extracts(borough).values()]
    assert {"utf-8-sig", "cp1252"} <= {f.encoding for f in files}
    assert ";" in {f.delimiter for f in files}
    assert "old_mac" in {f.line_end for f in files}
    assert any(f.format == "xlsx" and f.preamble >= 3 for f in files)
    assert "parquet" in {f.format for f in files}


def test_about_a_third_of_the_extracts_have_no_uprn() -> None:
    kinds = Counter(
        extracts(b)[d].uprn if "uprn" in only_mapping(b, d).fields else "none"
        for b, d in PAIRS
        if d not in {"gazetteer", "licensing_scheme"}
    )
    share = kinds["none"] / sum(kinds.values())
    assert 0.27 < share < 0.40
    assert kinds["part"] > 50
