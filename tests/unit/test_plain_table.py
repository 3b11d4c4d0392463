"""Any CSV or Parquet as texts, row for row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.core.errors import LodaError, NotFound
from pipelines.extracts.plain_table import headings, read_plain_table


def table(path: Path, content: bytes) -> list[dict[str, str | None]]:
    path.write_bytes(content)
    return read_plain_table(path).to_pylist()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_delimiter_and_encoding_are_told(tmp_path: Path, delimiter: str, encoding: str) -> None:
    text = f"name{delimiter}where\nCafé{delimiter}14 Example Road\nB{delimiter}\n"
    rows = table(tmp_path / "f.csv", text.encode(encoding))
    assert rows == [{"name": "Café", "where": "14 Example Road"}, {"name": "B", "where": None}]


def test_rows_of_any_length_keep_their_place(tmp_path: Path) -> None:
    rows = table(tmp_path / "f.csv", b"a,b\n1\n2,3,4,5\n\n6,7\n")
    assert rows == [{"a": "1", "b": None}, {"a": "2", "b": "3"}, {"a": "6", "b": "7"}]


def test_cells_may_have_lines_and_quotes(tmp_path: Path) -> None:
    rows = table(tmp_path / "f.csv", b'a,b\n"14 Example\nRoad","say ""hi"""\n')
    assert rows == [{"a": "14 Example\nRoad", "b": 'say "hi"'}]


def test_headings_without_a_name_or_twice_get_a_number(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text(" a ,,a\n1,2,3\n")
    assert headings(tmp_path / "f.csv") == ["a", "column 2", "a (3)"]
    assert read_plain_table(tmp_path / "f.csv").to_pylist() == [{"a": "1", "column 2": "2", "a (3)": "3"}]


def test_parquet_columns_become_texts(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    pq.write_table(pa.table({"uprn": [100.0, None], "n": [1, 2], "t": ["a", None], "b": [b"x", b"\xff"]}), path)
    rows = read_plain_table(path).to_pylist()
    assert rows == [
        {"uprn": "100", "n": "1", "t": "a", "b": "x"},
        {"uprn": None, "n": "2", "t": None, "b": "\ufffd"},
    ]


def test_parquet_columns_that_are_no_texts_to_arrow_lose_no_row(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    columns = {
        "lines": pa.array([["1 Example St", "Oxford"], None]),
        "parts": pa.array([{"number": 1}, {"number": 2}]),
        "bytes": pa.array([b"caf\xe9", b"plain"], pa.binary()),
    }
    pq.write_table(pa.table(columns), path)
    read = read_plain_table(path)
    assert {field.type for field in read.schema} == {pa.string()}
    assert read["lines"].to_pylist() == ["['1 Example St', 'Oxford']", None]
    assert read["parts"].to_pylist() == ["{'number': 1}", "{'number': 2}"]
    assert read["bytes"].to_pylist() == ["caf\N{REPLACEMENT CHARACTER}", "plain"]


def test_what_is_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_plain_table(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(LodaError, match="is empty"):
        read_plain_table(tmp_path / "empty.csv")
    (tmp_path / "picture.csv").write_bytes(bytes(range(256)))
    with pytest.raises(LodaError, match="cannot be read"):
        headings(tmp_path / "picture.csv")
    (tmp_path / "broken.parquet").write_bytes(b"nothing")
    with pytest.raises(LodaError, match="cannot be read"):
        read_plain_table(tmp_path / "broken.parquet")


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_what_pandas_writes_is_read_row_for_row(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "f.csv"
    plain = [(a.encode("utf-8", "ignore").decode(), b.encode("utf-8", "ignore").decode()) for a, b in cells]
    plain = [(a.replace("\0", "").replace("\r", " "), b.replace("\0", "").replace("\r", " ")) for a, b in plain]
    pd.DataFrame({"n": range(len(plain)), "a": [a for a, _ in plain], "b": [b for _, b in plain]}).to_csv(
        path, index=False
    )
    rows = read_plain_table(path).to_pylist()
    assert [(row["a"] or "", row["b"] or "") for row in rows] == plain
