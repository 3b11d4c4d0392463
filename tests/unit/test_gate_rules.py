"""Every rule written by hand, with real Great Expectations: a row that breaks it and its neighbour that does not."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from expectations.checkpoint import check_rows, columns_needed
from expectations.suite import Rule, as_columns, rules_for
from pipelines.core.errors import HeldDrop
from pipelines.gate import judge
from schemas import registry
from tests.unit.gate_rows import EXTRACT, staged, table

Cells = Mapping[str, Any]
D = date
LONDON = {"easting": 530_000.0, "northing": 180_000.0}

CASES: list[tuple[str, str, str, Cells, Cells]] = [
    # dataset, issue, field, a row that breaks the rule, a row that does not
    ("hmo_licence", "end_before_start", "expiry_date",
     {"commencement_date": D(2024, 5, 2), "expiry_date": D(2024, 5, 1)},
     {"commencement_date": D(2024, 5, 2), "expiry_date": D(2024, 5, 2)}),
    ("hmo_licence", "end_before_start", "expiry_date",
     {"commencement_date": D(2024, 5, 2), "expiry_date": D(2023, 5, 2)},
     {"commencement_date": None, "expiry_date": D(2023, 5, 2)}),
    ("hmo_licence", "occupants_against_type", "max_persons",
     {"licence_type": "mandatory", "max_persons": 4}, {"licence_type": "additional", "max_persons": 4}),
    ("hmo_licence", "occupants_against_type", "max_persons",
     {"licence_type": "mandatory", "max_persons": 1}, {"licence_type": "mandatory", "max_persons": 5}),
    ("hmo_licence", "additional_for_five", "max_persons",
     {"licence_type": "additional", "max_persons": 5, "commencement_date": D(2018, 10, 1)},
     {"licence_type": "additional", "max_persons": 5, "commencement_date": D(2018, 9, 30)}),
    ("hmo_licence", "additional_for_five", "max_persons",
     {"licence_type": "additional", "max_persons": 7, "commencement_date": D(2024, 1, 1), "address": "1 Flatholm Road"},
     {"licence_type": "additional", "max_persons": 7, "commencement_date": D(2024, 1, 1), "address": "FLAT 3, 1 A St"}),
    ("hmo_licence", "more_households_than_persons", "max_households",
     {"max_persons": 4, "max_households": 5}, {"max_persons": 5, "max_households": 5}),
    ("hmo_licence", "licence_too_long", "expiry_date",
     {"commencement_date": D(2024, 1, 1), "expiry_date": D(2029, 6, 1)},
     {"commencement_date": D(2024, 1, 1), "expiry_date": D(2029, 1, 1)}),
    ("hmo_licence", "status_against_dates", "licence_status",
     {"licence_status": "current", "expiry_date": D(2026, 8, 1)},
     {"licence_status": "current", "expiry_date": D(2026, 9, 10)}),
    ("hmo_licence", "status_against_dates", "licence_status",
     {"licence_status": "expired", "expiry_date": D(2027, 8, 1)},
     {"licence_status": "expired", "expiry_date": D(2026, 9, 30)}),
    ("licence_application", "end_before_start", "effective_until",
     {"effective_from": D(2026, 2, 1), "effective_until": D(2026, 1, 1)},
     {"effective_from": D(2026, 2, 1), "effective_until": None}),
    ("licence_application", "end_before_start", "decision_date",
     {"received_date": D(2026, 2, 1), "decision_date": D(2026, 1, 31)},
     {"received_date": D(2026, 2, 1), "decision_date": D(2026, 2, 1)}),
    ("licence_application", "exemption_over_three_months", "effective_until",
     {"application_kind": "temporary_exemption", "effective_from": D(2026, 1, 1), "effective_until": D(2026, 6, 30)},
     {"application_kind": "temporary_exemption", "effective_from": D(2026, 1, 1), "effective_until": D(2026, 4, 1)}),
    ("licence_application", "exemption_over_a_year", "effective_until",
     {"application_kind": "temporary_exemption", "effective_from": D(2025, 1, 1), "effective_until": D(2026, 4, 1)},
     {"application_kind": "new", "effective_from": D(2025, 1, 1), "effective_until": D(2029, 12, 31)}),
    ("licence_application", "more_households_than_persons", "households",
     {"occupants": 2, "households": 3}, {"occupants": None, "households": 3}),
    ("licence_application", "decided_but_open", "decision_date",
     {"application_status": "received", "decision_date": D(2026, 1, 31)},
     {"application_status": "granted", "decision_date": D(2026, 1, 31)}),
    ("licence_application", "date_in_future", "received_date",
     {"received_date": D(2026, 10, 1)}, {"received_date": D(2026, 9, 30)}),
    ("licence_application", "date_in_future", "decision_date",
     {"decision_date": D(2027, 1, 1)}, {"decision_date": D(2026, 9, 1)}),
    ("licensing_scheme", "end_before_start", "in_force_until",
     {"in_force_from": D(2024, 1, 2), "in_force_until": D(2024, 1, 1)},
     {"in_force_from": D(2024, 1, 2), "in_force_until": D(2029, 1, 1)}),
    ("licensing_scheme", "scheme_too_long", "in_force_until",
     {"in_force_from": D(2024, 1, 1), "in_force_until": D(2034, 1, 1)},
     {"in_force_from": D(2024, 1, 1), "in_force_until": D(2028, 12, 31)}),
    ("licensing_scheme", "made_after_start", "made_date",
     {"made_date": D(2024, 2, 1), "in_force_from": D(2024, 1, 1), "in_force_until": D(2025, 1, 1)},
     {"made_date": D(2023, 9, 1), "in_force_from": D(2024, 1, 1), "in_force_until": D(2025, 1, 1)}),
    ("licensing_scheme", "more_households_than_persons", "min_households",
     {"min_persons": 3, "min_households": 4}, {"min_persons": 3, "min_households": 2}),
    ("council_tax", "end_before_start", "liability_end",
     {"liability_start": D(2024, 1, 2), "liability_end": D(2024, 1, 1)},
     {"liability_start": D(2024, 1, 2), "liability_end": None}),
    ("council_tax", "discount_and_exemption", "exemption_class",
     {"discount": "spd", "exemption_class": "N"}, {"discount": "empty", "exemption_class": "F"}),
    ("council_tax", "single_discount_without_resident", "discount",
     {"discount": "spd", "liable_party": "company"}, {"discount": "spd", "liable_party": "occupier"}),
    ("council_tax", "date_in_future", "liability_start",
     {"liability_start": D(2029, 1, 1)}, {"liability_start": D(2026, 11, 1)}),
    ("service_request", "end_before_start", "closed_date",
     {"received_date": D(2026, 2, 1), "closed_date": D(2026, 1, 1)},
     {"received_date": D(2026, 2, 1), "closed_date": D(2026, 3, 1)}),
    ("service_request", "decided_but_open", "closed_date",
     {"request_outcome": "open", "closed_date": D(2026, 3, 1)},
     {"request_outcome": "resolved", "closed_date": D(2026, 3, 1)}),
    ("service_request", "date_in_future", "received_date",
     {"received_date": D(2026, 12, 1)}, {"received_date": D(2026, 2, 1)}),
    ("service_request", "date_in_future", "closed_date",
     {"closed_date": D(2026, 12, 1)}, {"closed_date": D(2026, 9, 30)}),
    ("planning", "end_before_start", "decision_date",
     {"received_date": D(2026, 2, 1), "decision_date": D(2026, 1, 1)},
     {"received_date": D(2026, 2, 1), "decision_date": D(2026, 6, 1)}),
    ("planning", "decided_but_open", "decision_date",
     {"planning_decision": "pending", "decision_date": D(2026, 6, 1)},
     {"planning_decision": "pending", "decision_date": None}),
    ("planning", "date_in_future", "received_date",
     {"received_date": D(2027, 2, 1)}, {"received_date": D(2026, 2, 1)}),
    ("planning", "date_in_future", "decision_date",
     {"decision_date": D(2027, 2, 1)}, {"decision_date": D(2026, 2, 1)}),
    ("inspection", "finding_without_access", "finding",
     {"access": "no_access", "finding": "not_hmo"}, {"access": "gained", "finding": "not_hmo"}),
    ("inspection", "visit_in_future", "visit_date",
     {"visit_date": D(2026, 10, 1)}, {"visit_date": D(2026, 9, 30)}),
    ("inspection", "more_households_than_persons", "households",
     {"occupants": 1, "households": 2}, {"occupants": 2, "households": 2}),
    ("inspection", "finding_against_count", "households",
     {"finding": "single_household", "households": 3}, {"finding": "hmo_unlicensed", "households": 3}),
    ("inspection", "finding_against_count", "occupants",
     {"finding": "empty", "occupants": 2}, {"finding": "empty", "occupants": 0}),
    ("gazetteer", "end_before_start", "end_date",
     {"start_date": D(2024, 1, 2), "end_date": D(2024, 1, 1)}, {"start_date": D(2024, 1, 2), "end_date": None}),
    ("gazetteer", "own_parent", "parent_uprn",
     {"uprn": "77", "parent_uprn": "77"}, {"uprn": "78", "parent_uprn": "77"}),
    ("gazetteer", "outside_london", "easting",
     {**LONDON, "easting": 180_000.0}, LONDON),
    ("gazetteer", "outside_london", "northing",
     {**LONDON, "northing": 530_000.0}, {"easting": None, "northing": None}),
    ("gazetteer", "status_against_dates", "logical_status",
     {"logical_status": "1", "end_date": D(2020, 1, 1)}, {"logical_status": "8", "end_date": D(2020, 1, 1)}),
    ("benefits", "part_larger_than_whole", "benefit_private_rent_claims",
     {"benefit_claims": 1, "benefit_private_rent_claims": 2}, {"benefit_claims": 2, "benefit_private_rent_claims": 2}),
    ("benefits", "date_in_future", "snapshot_date",
     {"snapshot_date": D(2026, 10, 31)}, {"snapshot_date": D(2026, 9, 30)}),
    ("electoral", "part_larger_than_whole", "surnames",
     {"electors": 1, "surnames": 2}, {"electors": 2, "surnames": 1}),
    ("electoral", "part_larger_than_whole", "joined_12_months",
     {"electors": 1, "joined_12_months": 2}, {"electors": 2, "joined_12_months": None}),
    ("electoral", "date_in_future", "snapshot_date",
     {"snapshot_date": D(2026, 12, 1)}, {"snapshot_date": D(2025, 12, 1)}),
    ("epc", "lodged_before_assessment", "lodgement_date",
     {"certificate_date": D(2024, 5, 2), "lodgement_date": D(2024, 5, 1)},
     {"certificate_date": D(2024, 5, 2), "lodgement_date": D(2024, 5, 2)}),
    ("epc", "date_in_future", "lodgement_date",
     {"lodgement_date": D(2026, 12, 1)}, {"lodgement_date": D(2026, 9, 1)}),
    ("epc", "floor_area_against_type", "floor_area",
     {"property_type": "flat", "floor_area": 900.0}, {"property_type": "house", "floor_area": 900.0}),
    ("social_housing", "end_before_start", "social_until",
     {"social_from": D(2001, 1, 1), "social_until": D(2000, 1, 1)},
     {"social_from": D(2001, 1, 1), "social_until": D(2001, 1, 1)}),
    ("social_housing", "date_in_future", "social_from",
     {"social_from": D(2030, 1, 1)}, {"social_from": D(2026, 12, 1)}),
    ("waste", "date_in_future", "event_date",
     {"event_date": D(2026, 12, 1)}, {"event_date": D(2026, 9, 29)}),
]  # fmt: skip
DATASETS = sorted(registry.contracts())


def by_hand(dataset: str) -> list[Rule]:
    return [
        rule
        for rule in rules_for(registry.contract(dataset))
        if rule.issue not in {"key_not_unique", "contract_broken"}
    ]


def found(dataset: str, rows: list[Cells], borough: str = "camden") -> set[tuple[int, str, str]]:
    contract = registry.contract(dataset)
    frame = table(dataset, rows, borough).select(columns_needed(contract)).to_pandas(date_as_object=False)
    return {
        (int(number), finding.issue, finding.field)
        for finding in check_rows(contract, frame, EXTRACT)
        for number in finding.row_numbers
    }


@pytest.mark.parametrize("dataset", DATASETS)
def test_each_rule_finds_what_breaks_it_and_nothing_else(dataset: str):
    cases = [case for case in CASES if case[0] == dataset]
    broken = found(dataset, [breaks for *_, breaks, _ in cases])
    for number, (_, issue, field, breaks, _) in enumerate(cases, start=2):
        assert (number, issue, field) in broken, breaks
    whole = found(dataset, [keeps for *_, keeps in cases])
    for number, (_, issue, field, _, keeps) in enumerate(cases, start=2):
        assert (number, issue, field) not in whole, keeps


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_rule_has_a_case(dataset: str):
    tried = {(issue, field) for name, issue, field, *_ in CASES if name == dataset}
    assert {(rule.issue, rule.field) for rule in by_hand(dataset)} == tried


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_rule_is_as_severe_as_its_issue_type_and_looks_at_what_is_there(dataset: str):
    contract = registry.contract(dataset)
    for rule in rules_for(contract):
        assert rule.severity == registry.issue_types()[rule.issue].severity
        assert rule.columns <= set(contract.arrow_schema().names)
        assert not rule.field or rule.field in contract.by_name


def test_coordinates_outside_london_are_no_fault_elsewhere():
    assert found("gazetteer", [{"easting": 435_000.0, "northing": 387_000.0}], "sheffield") == set()


def test_without_the_day_of_the_extract_rules_that_ask_for_it_are_left_out():
    contract = registry.contract("waste")
    rules, _ = as_columns(rules_for(contract), table("waste", [{}]).to_pandas(), None)
    assert not any(rule.issue == "date_in_future" for rule in rules)


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"arguments": {}}, "names columns in its arguments, or days"),
        ({"arguments": {"column": "a"}, "days": {"from": "a", "to": "b"}}, "and not both"),
        (
            {"expectation": "ExpectColumnValuesToNotBeNull", "arguments": {"column": "a"}, "only_where": {"b": ["c"]}},
            "blank",
        ),
        ({"arguments": {"column_list": ["a"]}, "london_only": True}, "cannot be limited"),
        ({"arguments": {"column": "a"}, "severity": "grave"}, "severity"),
        ({"arguments": {"column": "a"}, "where": {}}, "where"),
    ],
)
def test_a_rule_that_cannot_be_judged_is_not_read(rule: dict[str, Any], fault: str):
    sound = {"expectation": "ExpectColumnValuesToBeNull", "severity": "warning", "issue": "out_of_range"}
    with pytest.raises(ValidationError, match=fault):
        Rule.model_validate(sound | rule)


# --- severity decides, and nothing of a value gets out ---

CANARY = "CANARYZEBRA"


def test_critical_holds_error_quarantines_warning_passes(tmp_path, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    rows = [
        {"licence_ref": f"L{n}", "holder_name": f"{CANARY} {n}", "address": f"{CANARY} Road", "max_persons": 6}
        for n in range(20)
    ]
    rows[3] |= {"commencement_date": D(2024, 5, 2), "expiry_date": D(2024, 5, 1)}
    rows[5] |= {"licence_type": "mandatory", "max_persons": 3}
    contract = registry.contract("hmo_licence")
    drop, files = staged(tmp_path / "sound", table("hmo_licence", rows))
    verdict = judge(drop, contract, files, 0)
    assert (verdict.kept, verdict.held) == (19, None)
    findings = files.read("findings").to_pylist()
    assert {(f["row_number"], f["severity"], f["issue_type"]) for f in findings} == {
        (5, "error", "end_before_start"),
        (7, "warning", "occupants_against_type"),
    }
    rows[9] |= {"licence_type": CANARY, "postcode": CANARY, "uprn": "1" * 13}
    drop, files = staged(tmp_path / "broken", table("hmo_licence", rows))
    broken = judge(drop, contract, files, 0)
    assert isinstance(broken.held, HeldDrop)
    assert broken.held.issue_type == "contract_broken"
    assert "1 row in 'licence_type'" in str(broken.held)
    told = caplog.text + "".join(capsys.readouterr()) + repr(verdict) + repr(broken) + str(broken.held)
    assert CANARY not in told
    for name in ("findings.parquet", "gate.json"):
        with files.folder.read(name) as handle:
            assert CANARY.encode() not in handle.read()
    assert broken.profile is not None
    assert CANARY not in broken.profile.model_dump_json()


def test_a_critical_rule_between_fields_holds_until_a_person_releases_the_drop(tmp_path, monkeypatch):
    critical = Rule.model_validate(
        {
            "expectation": "ExpectColumnValuesToBeBetween",
            "severity": "critical",
            "issue": "dates_in_future",
            "field": "commencement_date",
            "days": {"from": "commencement_date", "to": "extract"},
            "arguments": {"min_value": 0},
        }
    )
    monkeypatch.setattr("expectations.checkpoint.rules_for", lambda _: (critical,))
    drop, files = staged(tmp_path, table("hmo_licence", [{"commencement_date": D(2027, 1, 1)}, {}]))
    verdict = judge(drop, registry.contract("hmo_licence"), files, 0)
    assert verdict.held is not None
    assert str(verdict.held).endswith("(1 row in 'commencement_date').")
    released = judge(drop, registry.contract("hmo_licence"), files, 0, released=True)
    assert (released.held, released.kept) == (None, 2)
    assert [remark.issue_type for remark in released.waived] == ["dates_in_future"]


def test_two_rows_of_one_record_hold_the_drop_in_whatever_batch(tmp_path, monkeypatch):
    rows = [{"licence_ref": f"L{n}", "record_id": n % 90} for n in range(100)]
    drop, files = staged(tmp_path, table("hmo_licence", rows))
    monkeypatch.setattr(type(files), "batches", small_batches(type(files).batches, 30))
    verdict = judge(drop, registry.contract("hmo_licence"), files, 0)
    assert verdict.held is not None
    assert verdict.held.issue_type == "key_not_unique"
    assert "(20 rows)" in str(verdict.held)


def small_batches(batches, rows: int):
    def read(self, name, columns=None, **_):
        return batches(self, name, columns, rows)

    return read


def test_batches_are_judged_as_one(tmp_path, monkeypatch):
    rows = [{"licence_ref": f"L{n}", "licence_type": "mandatory", "max_persons": 3 + n % 4} for n in range(100)]
    drop, files = staged(tmp_path, table("hmo_licence", rows))
    whole = judge(drop, registry.contract("hmo_licence"), files, 0)
    expected = files.read("findings")
    monkeypatch.setattr(type(files), "batches", small_batches(type(files).batches, 7))
    parted = judge(drop, registry.contract("hmo_licence"), files, 0)
    assert files.read("findings").equals(expected)
    assert (parted.kept, parted.profile, parted.measures) == (whole.kept, whole.profile, whole.measures)
