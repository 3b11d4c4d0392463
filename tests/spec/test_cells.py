"""Every case of cells.yaml: a cell as it is written, what is kept, and which issues say so."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipelines.extracts import Chunk
from pipelines.harmonise.rows import harmonise_chunk
from schemas import registry
from schemas.mapping import Mapping
from schemas.strict_yaml import read_yaml

CASES = read_yaml(Path(__file__).with_name("cells.yaml"))
OF_THE_FIELD = {"values", "extract", "default"}


def harmonised(case: dict[str, Any]) -> tuple[Any, list[str]]:
    dataset, name = case["field"].split(".")
    by = case.get("by", {})
    general = read_yaml(registry.FOLDER / "mappings" / "general.yaml")
    how = {"column": "Cell", **{key: value for key, value in by.items() if key in OF_THE_FIELD}}
    content = {
        "blanks": general["blanks"],
        "dates": ["%d/%m/%Y"],
        **{key: value for key, value in by.items() if key not in OF_THE_FIELD | {"patches"}},
        "patches": {name: by["patches"]} if "patches" in by else {},
        "borough": "camden",
        "dataset": dataset,
        "name": dataset,
        "fields": {name: how},
    }
    chunk = Chunk(pa.table({"Cell": pa.array([case["written"], "filler"], pa.string())}), np.array([2, 3]))
    made = harmonise_chunk(chunk, Mapping.model_validate(content), registry.contract(dataset), date(2026, 9, 30))
    issues = [i for i in made.issues.to_pylist() if i["row_number"] == 2 and i["field"] == name]
    assert all(issue["column"] == "Cell" for issue in issues)
    told = {issue["issue_type"] for issue in issues} - {"missing_required"}  # follows from a blank
    return made.table[name][0].as_py(), sorted(told)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_cell(case):
    assert harmonised(case) == (case.get("read"), sorted(case.get("issues", [])))


def test_every_issue_that_a_cell_can_have_stands_in_the_table():
    shown = {issue for case in CASES for issue in case.get("issues", [])}
    assert shown <= set(registry.issue_types())
    source = "".join(path.read_text() for path in (registry.FOLDER.parent / "pipelines" / "harmonise").glob("*.py"))
    raised = {issue for issue in registry.issue_types() if f'"{issue}"' in source}
    of_rows = {"missing_required", "duplicate_row", "ragged_row", "no_rows", "platform_fault", "known_after_extract",
               "reference_against_type", "date_order_unproven", "invalid_format", "text_too_long"}  # fmt: skip
    assert raised - of_rows == shown


def test_the_cases_have_names_of_their_own():
    assert len({case["case"] for case in CASES}) == len(CASES)
