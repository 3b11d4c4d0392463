"""The tables of addresses: every case read as the officers' tables say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.link.address import canonical, parse
from schemas.strict_yaml import read_yaml

TABLES = [read_yaml(Path(__file__).with_name(name)) for name in ("addresses.yaml", "addresses_more.yaml")]
CASES = [(group["group"], case) for table in TABLES for group in table["groups"] for case in group["cases"]]
SAME = [texts for table in TABLES for texts in table["same"]]
DIFFERENT = [texts for table in TABLES for texts in table["different"]]
PARTS = ("unit", "number", "name", "street", "postcode")


def test_the_tables_are_large_enough() -> None:
    assert len(CASES) >= 180


@pytest.mark.parametrize(("group", "case"), CASES, ids=[f"{g}: {c['text']}" for g, c in CASES])
def test_address_is_read_as_the_table_says(group: str, case: dict[str, Any]) -> None:
    read = parse([case["text"]]).iloc[0]
    assert {part: read[part] for part in PARTS} == {part: case.get(part, "") for part in PARTS}


@pytest.mark.parametrize("texts", SAME, ids=lambda texts: texts[0])
def test_spellings_of_one_address_have_one_canonical_form(texts: list[str]) -> None:
    assert canonical(texts).nunique() == 1


@pytest.mark.parametrize("texts", DIFFERENT, ids=lambda texts: " / ".join(texts))
def test_different_addresses_have_different_canonical_forms(texts: list[str]) -> None:
    assert canonical(texts).nunique() == len(texts)
