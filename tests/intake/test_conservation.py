"""Whatever comes in, rows in = accepted + quarantined, each row has one fate, and nobody sees a stack trace."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.core.errors import LodaError
from pipelines.extracts import RaggedRows, chunks, headings
from pipelines.harmonise.rows import harmonise_chunk
from schemas import registry
from schemas.mapping import Mapping, Shape
from tests.examples import examples
from tests.intake.conftest import HEADER

CELLS = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=30),
    st.sampled_from(
        ["", "31/04/2024", "01/02/3017", "1.00023E+11", "=HYPERLINK(1)", "6", "-1", "١٢", "e\u0301", "\u202eabc", "N/A"]
    ),
)
COLUMNS = HEADER.split(",")
ENCODINGS = ["utf-8", "utf-8-sig", "cp1252", "utf-16"]


def mapping(shape: Shape) -> Mapping:
    known = registry.mappings("oxford", "hmo_licence")[0]
    return known.model_copy(update={"shape": shape})


@settings(max_examples=examples(60, 600), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.lists(CELLS, min_size=6, max_size=6), min_size=1, max_size=12),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(ENCODINGS),
    preamble=st.integers(0, 3),
)
def test_every_written_row_comes_back_once(rows, delimiter, line_end, encoding, preamble):
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=csv.QUOTE_ALL)
    for _ in range(preamble):
        writer.writerow(["A report"])
    writer.writerow(COLUMNS)
    writer.writerows(rows)
    content = text.getvalue().encode(encoding, errors="replace")
    shape = Shape(encoding=encoding, delimiter=delimiter, header_row=preamble + 1)
    names = headings(io.BytesIO(content), shape)
    assert names == COLUMNS
    ragged = RaggedRows()
    numbers, kept, quarantined = [], 0, set()
    for chunk in chunks(io.BytesIO(content), shape, names, ragged):
        made = harmonise_chunk(chunk, mapping(shape), registry.contract("hmo_licence"), date(2024, 1, 1))
        numbers += made.row_numbers.tolist()
        kept += int(made.kept.sum())
        quarantined |= set(made.issues.filter(made.issues["quarantines"])["row_number"].to_pylist())
        assert made.table.num_rows == len(made.row_numbers) == len(made.kept)
        assert made.table.filter(made.table["known_since"].is_null()).num_rows == 0
    assert not ragged.numbers
    written = [n for n, cells in enumerate(rows, start=preamble + 2) if any(_is_written(c, encoding) for c in cells)]
    assert numbers == written
    assert kept + len(quarantined) == len(written)


def _is_written(cell: str, encoding: str) -> bool:
    return bool(
        cell.encode(encoding, errors="replace").decode(encoding).strip(" \t\r\n\v\f\x1c\x1d\x1e\x1f\x85\xa0")
        and cell.strip()
    )


@settings(max_examples=examples(100, 1000), deadline=None)
@given(content=st.binary(max_size=2000), encoding=st.sampled_from(ENCODINGS), delimiter=st.sampled_from([",", ";"]))
def test_no_bytes_at_all_lead_to_anything_but_rows_or_a_sentence(content, encoding, delimiter):
    shape = Shape(encoding=encoding, delimiter=delimiter)
    try:
        names = headings(io.BytesIO(content), shape)
        if not names:
            return
        ragged = RaggedRows()
        for chunk in chunks(io.BytesIO(content), shape, names, ragged):
            assert chunk.table.num_rows == len(chunk.row_numbers)
    except LodaError as error:
        assert str(error).endswith("."), error  # noqa: PT017 - either outcome is allowed


@pytest.mark.parametrize("rows", [1, 7, 5000])
def test_row_numbers_hold_over_blocks_torn_and_blank_rows(rows, monkeypatch):
    monkeypatch.setattr("pipelines.extracts.csv_text.BLOCK_BYTES", 2000)
    lines = ["a,b"]
    expected, torn = [], []
    for n in range(2, rows + 2):
        if n % 5 == 0:
            lines.append("torn,torn,torn")
            torn.append(n)
        elif n % 7 == 0:
            lines.append("")
        else:
            lines.append(f"x,{n}")
            expected.append(n)
    content = "\n".join(lines).encode() + b"\n"
    ragged = RaggedRows()
    found, values = [], []
    for chunk in chunks(io.BytesIO(content), Shape(), ["a", "b"], ragged):
        found += chunk.row_numbers.tolist()
        values += chunk.table["b"].to_pylist()
    assert found == expected
    assert values == [str(n) for n in expected]
    assert ragged.numbers == torn
