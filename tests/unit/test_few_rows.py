"""A few rows of a file are the same whether their lines are picked out or the whole file is read again."""

import io

import numpy as np
import pytest

from pipelines.core.bucket import Folder
from pipelines.extracts import Extract, RaggedRows
from pipelines.extracts.few_rows import few_lines
from schemas.mapping import Shape

ROWS = [f'{number},"High St, {number}",£{number}' for number in range(60)]
WANTED = np.array([2, 13, 41, 61], np.int64)


def told(content: bytes, shape: Shape, counted: int, tmp_path) -> tuple[dict[int, dict[str, str]], RaggedRows, bool]:
    """The wanted rows by number, what was torn, and whether the lines were picked out."""
    (tmp_path / "a.csv").write_bytes(content)
    extract = Extract(Folder(str(tmp_path)), "a.csv", ".csv")
    ragged = RaggedRows()
    rows = {}
    for chunk in extract.rows_among(WANTED, counted, shape, ["a", "b", "c"], ragged):
        rows |= dict(zip(chunk.row_numbers.tolist(), chunk.table.to_pylist(), strict=True))
    picked = few_lines(io.BytesIO(content), shape, WANTED, counted) is not None
    return {number: row for number, row in rows.items() if number in WANTED}, ragged, picked


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "not ended"])
@pytest.mark.parametrize("header_row", [0, 1, 2])
def test_lines_picked_out_are_the_rows(encoding: str, end: str, last: bool, header_row: int, tmp_path):
    lines = [*["a,b,c", "x,y,z"][:header_row], *ROWS, "61,torn", "62,b,c"]
    content = (end.join(lines) + (end if last else "")).encode(encoding)
    shape = Shape(encoding="utf-8" if encoding.startswith("utf-8") else encoding, header_row=header_row)
    found, torn, picked = told(content, shape, len(ROWS) + 2, tmp_path)
    whole, all_torn, _ = told(content, shape, 0, tmp_path)
    assert picked == (encoding != "utf-16")
    assert found == whole
    assert set(torn.numbers) <= set(all_torn.numbers)
    assert (61 in torn.numbers) == (header_row == 0)


@pytest.mark.parametrize(
    "odd",
    ['7,"High St\nLondon",x', "", "7,a,x\r8,b,y", '7,"a\r\nb",x'],
    ids=["line end in a cell", "blank row", "return alone", "both in a cell"],
)
def test_where_lines_are_not_rows_the_whole_file_is_read(odd: str, tmp_path):
    lines = ["a,b,c", *ROWS[:20], odd, *ROWS[20:]]
    content = "\n".join(lines).encode()
    whole, _, _ = told(content, Shape(), 0, tmp_path)
    counted = len(ROWS) + {"": 0, "7,a,x\r8,b,y": 2}.get(odd, 1)
    found, _, picked = told(content, Shape(), counted, tmp_path)
    assert not picked
    assert found == whole
    assert len(found) == len(WANTED)


def test_a_cell_with_a_line_end_and_a_return_alone_do_not_make_up_for_one_another(tmp_path):
    lines = ["a,b,c", *ROWS[:20], '7,"a\nb",x\r8,b,y', *ROWS[20:]]
    assert not told("\n".join(lines).encode(), Shape(), len(ROWS) + 2, tmp_path)[2]


def test_a_mark_within_the_file_stays_in_its_cell(tmp_path):
    lines = ["a,b,c", "\ufeff1,b,c", *ROWS]
    found, _, picked = told("\n".join(lines).encode("utf-8-sig"), Shape(), len(ROWS) + 1, tmp_path)
    assert picked
    assert found[2]["a"] == "\ufeff1"


def test_many_rows_are_read_like_all_others():
    content = "\n".join(["a,b,c", *ROWS]).encode()
    assert few_lines(io.BytesIO(content), Shape(), np.arange(2, 20), len(ROWS)) is None


def test_lines_longer_than_a_block_are_not_kept(monkeypatch: pytest.MonkeyPatch, tmp_path):
    content = "\n".join(["a,b,c", *ROWS]).encode()
    monkeypatch.setattr("pipelines.extracts.few_rows.BLOCK_BYTES", 50)
    assert told(content, Shape(), len(ROWS), tmp_path)[2]
    monkeypatch.setattr("pipelines.extracts.few_rows.BLOCK_BYTES", 5)
    assert not told(content, Shape(), len(ROWS), tmp_path)[2]
