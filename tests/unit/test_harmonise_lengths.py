"""A licence whose register gives its first day and its length has a last day."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pydantic import ValidationError

from pipelines.extracts.chunk import Chunk
from pipelines.harmonise.rows import harmonise_chunk
from schemas import registry
from schemas.mapping import FieldMap, Mapping

CONTRACT = registry.contract("hmo_licence")


def layout(**expiry: object) -> Mapping:
    fields = {
        "address": "Address",
        "commencement_date": {"column": "Start", "date": ["%d/%m/%Y"]},
        "expiry_date": {"column": "Duration", "after": "commencement_date", **expiry},
    }
    return Mapping.model_validate(
        {"borough": "x", "dataset": "hmo_licence", "name": "x", "fields": fields, "blanks": ["n/a"]}
    )


def harmonised(starts: list[str], lengths: list[str], **expiry: object) -> tuple[list, set[tuple[str, str]]]:
    table = pa.table(
        {"Address": [f"{n} Example Road" for n in range(len(starts))], "Start": starts, "Duration": lengths}
    )
    made = harmonise_chunk(Chunk(table, np.arange(2, 2 + len(starts))), layout(**expiry), CONTRACT, date(2026, 1, 1))
    return made.table.column("expiry_date").to_pylist(), {
        (r["field"], r["issue_type"]) for r in made.issues.to_pylist()
    }


@pytest.mark.parametrize(
    ("start", "length", "last"),
    [
        ("17/11/2023", "5", date(2028, 11, 16)),
        ("17/11/2023", "5 years", date(2028, 11, 16)),
        ("17/11/2023", "Five Years", date(2028, 11, 16)),
        ("17/11/2023", "1.5 yrs", date(2025, 5, 16)),
        ("31/08/2023", "6 months", date(2024, 2, 29)),
        ("29/02/2024", "1 year", date(2025, 2, 28)),
        ("01/01/2024", "90 days", date(2024, 3, 30)),
        ("01/01/2024", "n/a", None),
        ("", "5", None),
    ],
)
def test_last_day_of_a_length(start: str, length: str, last: date | None):
    assert harmonised([start], [length])[0] == [last]


def test_unit_is_that_of_cells_that_name_none():
    assert harmonised(["01/01/2024", "01/01/2024"], ["3", "1 year"], unit="months")[0] == [
        date(2024, 3, 31),
        date(2024, 12, 31),
    ]


def test_a_length_that_is_none_is_told_and_the_row_lives():
    dates, issues = harmonised(["01/01/2024", "01/01/2024"], ["until sold", "5"])
    assert dates == [None, date(2028, 12, 31)]
    assert ("expiry_date", "invalid_number") in issues


def test_a_last_day_beyond_the_contract_is_out_of_range():
    dates, issues = harmonised(["01/01/2039"], ["900 years"])
    assert dates == [None]
    assert ("expiry_date", "date_out_of_range") in issues


def test_many_rows_at_once():
    starts = [f"{1 + n % 28:02d}/03/2024" for n in range(9000)]
    dates, _ = harmonised(starts, ["5" if n % 2 else "1 year" for n in range(9000)])
    assert dates[:3] == [date(2025, 2, 28), date(2029, 3, 1), date(2025, 3, 2)]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"after": "effective_from"}, "which is not mapped to a date of its own"),
        ({"after": "address"}, "which is no date"),
    ],
)
def test_a_mapping_that_counts_from_nothing_is_faulty(change: dict[str, str], sentence: str):
    mapping = layout()
    fields = mapping.fields | {"expiry_date": mapping.fields["expiry_date"].model_copy(update=change)}
    assert any(sentence in fault for fault in mapping.model_copy(update={"fields": fields}).faults(CONTRACT))
    assert not mapping.faults(CONTRACT)


def test_a_unit_without_a_length_is_refused():
    with pytest.raises(ValidationError, match="needs after"):
        FieldMap.model_validate({"column": "Duration", "unit": "months"})
