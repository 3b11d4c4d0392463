"""The table of landlords: records are one, two, or for people to look at, as an officer reads it in the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipelines.link.people.matching import Matched, match
from pipelines.link.people.records import prepared
from schemas.strict_yaml import read_yaml

CASES = read_yaml(Path(__file__).with_name("people.yaml"))
ROLES = {
    "name": ["name"],
    "address": ["address"],
    "birth_date": ["born"],
    "company_number": ["number"],
    "identifier": ["own"],
    "contact": ["contact"],
}


def found(records: list[dict[str, Any]]) -> Matched:
    columns = {column: [str(record.get(column, "")) for record in records] for (column,) in ROLES.values()}
    return match(prepared(pa.table(columns), ROLES))


def test_the_table_is_large_enough_and_holds_each_verdict() -> None:
    assert len(CASES) >= 60
    assert len({case["case"] for case in CASES}) == len(CASES)
    assert {case["verdict"] for case in CASES} == {"same", "different", "review", "not same"}


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
@pytest.mark.parametrize("backwards", [False, True], ids=["", "backwards"])
def test_records_are_one_landlord_or_not_as_the_table_says(case: dict[str, Any], backwards: bool) -> None:
    records = case["records"][::-1] if backwards else case["records"]
    matched = found(records)
    entities = len(set(matched.entity))
    review = (matched.edges["decision"] == "review").any()
    if case["verdict"] == "same":
        assert entities == 1
    else:
        assert entities > 1
    if case["verdict"] == "review":
        assert review
    if case["verdict"] == "different":
        assert not review
