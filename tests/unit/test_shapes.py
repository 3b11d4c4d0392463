"""Any declared shape: each row comes out once, under the number the officer's program shows, and nothing is lost."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipelines.core.errors import RefusedDrop
from pipelines.extracts import RaggedRows, chunks, headings
from schemas import registry
from schemas.mapping import Shape
from tests.unit.layouts import HEADINGS, LAYOUTS, Layout, extract_of, make, read, row, text_of, workbook_of

PAGE_LINES = (r"Page \d+ of \d+", "End of report", r"Total.*")
ROWS = [row(number) for number in range(6)]


def shape_of(layout: Layout, heading_row: int) -> Shape:
    return Shape(
        encoding=layout.encoding,
        delimiter=layout.delimiter,
        header_row=heading_row,
        columns=len(HEADINGS),
        repeated_headings=True,
        title_lines=1,
        title_column="Ward",
        skip=PAGE_LINES,
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layout=LAYOUTS)
def test_every_row_of_a_report_comes_out_once_and_every_other_line_is_told(layout: Layout):
    made = make(layout)
    found = read(extract_of(made.text(layout), ".csv"), shape_of(layout, made.heading_row))
    assert found.headings == [*HEADINGS, "Ward"]
    assert found.numbers == made.numbers
    assert [cells[:-1] for cells in found.rows] == made.rows
    assert found.torn == []
    assert found.others == made.others


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(layout=LAYOUTS)
def test_a_workbook_of_the_same_report_gives_the_same(layout: Layout):
    made = make(layout)
    shape = shape_of(layout, made.heading_row).model_copy(update={"format": "xlsx"})
    found = read(extract_of(workbook_of(made.lines), ".xlsx"), shape)
    assert (found.numbers, found.others, found.torn) == (made.numbers, made.others, [])
    assert [cells[:-1] for cells in found.rows] == made.rows


@settings(max_examples=25, deadline=None)
@given(cuts=st.integers(1, 40), page=st.sampled_from([0, 3, 5]))
def test_batches_of_any_size_give_the_same(cuts: int, page: int):
    layout = Layout(rows=40, page=page, titles=bool(page), page_lines=bool(page), footer=("", "Total 40"))
    made = make(layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pipelines.extracts.csv_text.STEP", 1)
        patch.setattr("pipelines.extracts.csv_text.ROWS_AT_ONCE", cuts)
        found = read(extract_of(made.text(layout), ".csv"), shape_of(layout, made.heading_row))
    whole = read(extract_of(made.text(layout), ".csv"), shape_of(layout, made.heading_row))
    assert (found.numbers, found.rows, found.others) == (whole.numbers, whole.rows, whole.others)
    assert found.numbers == made.numbers


def test_title_above_stacked_tables_is_carried_down():
    lines = [["North"], HEADINGS, ROWS[0], ROWS[1], [], ["South"], HEADINGS, ROWS[2]]
    shape = Shape(header_row=2, repeated_headings=True, title_lines=1, title_column="Ward")
    found = read(extract_of(text_of(lines), ".csv"), shape)
    assert [(number, cells[-1]) for number, cells in zip(found.numbers, found.rows, strict=True)] == [
        (3, "North"),
        (4, "North"),
        (8, "South"),
    ]
    assert found.skipped == {"page_heading_skipped": [6, 7]}


def test_lines_of_one_cell_that_lead_to_no_headings_are_rows():
    lines = [HEADINGS, ROWS[0], ["HMO/1"], ROWS[1], ["A title"], HEADINGS, ROWS[2]]
    found = read(extract_of(text_of(lines), ".csv"), Shape(repeated_headings=True, title_lines=3))
    assert found.torn == [3], "it is set aside, not taken for a title"
    assert found.skipped == {"page_heading_skipped": [5, 6]}


def test_groups_named_by_lines_of_their_own():
    made = make(Layout(rows=9, group=3))
    shape = Shape(group_titles=True, title_column="Ward")
    found = read(extract_of(made.text(Layout()), ".csv"), shape)
    assert found.numbers == made.numbers
    assert [cells[-1] for cells in found.rows] == ["Ward A"] * 3 + ["Ward B"] * 3 + ["Ward C"] * 3
    assert found.skipped == {"page_heading_skipped": made.others}


@pytest.mark.parametrize(
    ("upper", "lower", "names"),
    [
        (
            ["Licence", "", "Property", "", "Holder", "Period", ""],
            ["Ref", "Type", "Address", "Postcode", "", "From", "To"],
            ["Licence Ref", "Licence Type", "Property Address", "Property Postcode", "Holder", "Period From",
             "Period To"],
        ),
        (
            ["Licence", "Address of", "", "Licence", "Maximum", "Start", "Expiry"],
            ["number", "property", "Postcode", "holder", "persons", "date", "date"],
            ["Licence number", "Address of property", "Postcode", "Licence holder", "Maximum persons", "Start date",
             "Expiry date"],
        ),
        (
            ["Ref", "Property", "", "Holder", "Persons", "From", "To"],
            ["", "Address", "Postcode", "", "", "", ""],
            ["Ref", "Property Address", "Property Postcode", "Holder", "Persons", "From", "To"],
        ),
    ],
    ids=["merged", "broken off", "merged both ways"],
)  # fmt: skip
def test_headings_over_two_rows(upper: list[str], lower: list[str], names: list[str]):
    found = read(extract_of(text_of([["A title"], upper, lower, *ROWS]), ".csv"), Shape(header_row=2, header_rows=2))
    assert found.headings == names
    assert found.numbers == [4, 5, 6, 7, 8, 9]


def test_footer_is_not_read_and_is_told_line_by_line():
    lines = [HEADINGS, *ROWS, [], ["* Withheld on request."], [], ["Code", "Meaning"], ["M", "Mandatory"]]
    found = read(extract_of(text_of(lines), ".csv"), Shape(ends_at=r"\* Withheld.*"))
    assert found.numbers == [2, 3, 4, 5, 6, 7]
    assert found.skipped == {"footer_skipped": [9, 11, 12]}


def test_second_table_is_found_wherever_the_first_one_ends():
    for length in (2, 700):
        above = [["Code", "Meaning"], *[["M", "Mandatory"]] * length, [], ["Register"]]
        found = read(extract_of(text_of([*above, HEADINGS, *ROWS]), ".csv"), Shape(begins_at="Register", header_row=2))
        assert found.headings == HEADINGS
        assert found.numbers == list(range(length + 5, length + 11))
        assert found.skipped == {"preamble_skipped": list(range(1, length + 2))}


def test_file_without_headings_is_read_by_position_and_one_with_headings_is_not():
    shape = Shape(header_row=0, heading_overrides={1: "Ref", 3: "Postcode"})
    found = read(extract_of(text_of(ROWS), ".csv"), shape)
    assert found.headings == ["Ref", "(column 2)", "Postcode", *[f"(column {n})" for n in range(4, 8)]]
    assert found.numbers == [1, 2, 3, 4, 5, 6]
    assert read(extract_of(text_of([HEADINGS, *ROWS]), ".csv"), shape).headings == []


def test_value_where_a_heading_should_be_gives_no_name_that_changes():
    for value in ("SE5", "SE15"):
        cells = [*HEADINGS[:2], value, *HEADINGS[3:]]
        shape = Shape(heading_overrides={3: "Postcode area"})
        assert read(extract_of(text_of([cells, *ROWS]), ".csv"), shape).headings[2] == "Postcode area"


def test_blank_columns_at_the_right_come_and_go():
    shape = Shape(columns=7)
    for blanks in range(4):
        lines = [[*HEADINGS, *[""] * blanks], *[[*cells, *[""] * (blanks % 2)] for cells in ROWS]]
        found = read(extract_of(text_of(lines), ".csv"), shape)
        assert (found.headings, found.rows, found.torn) == (HEADINGS, ROWS, [])


def test_what_is_written_right_of_the_table_is_set_aside_and_a_new_heading_there_is_seen():
    lines = [[*HEADINGS, ""], ROWS[0], [*ROWS[1], "see file"], ROWS[2]]
    found = read(extract_of(text_of(lines), ".csv"), Shape(columns=7))
    assert (found.numbers, found.torn) == ([2, 4], [3])
    assert read(extract_of(text_of([[*HEADINGS, "", "New"], *ROWS]), ".csv"), Shape(columns=7)).headings[-1] == "New"


def test_rows_that_end_early():
    lines = [HEADINGS, ROWS[0], ROWS[1][:5], ROWS[2]]
    assert read(extract_of(text_of(lines), ".csv"), Shape()).torn == [3]
    found = read(extract_of(text_of(lines), ".csv"), Shape(short_rows=True))
    assert (found.torn, found.rows[1]) == ([], [*ROWS[1][:5], "", ""])


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("plain", [True, False], ids=["arrow", "layout"])
def test_line_ends_in_cells_and_between_rows(line_end: str, plain: bool):
    lines = [["a", "b"], ["1", f"two{line_end}lines"], [], ["2", 'a "quoted" word, and a comma']]
    found = read(extract_of(text_of(lines, line_end=line_end), ".csv"), Shape() if plain else Shape(columns=2))
    assert found.numbers == [2, 4]
    assert [cells[1] for cells in found.rows] == [f"two{line_end}lines", 'a "quoted" word, and a comma']


@pytest.mark.parametrize("shape", [Shape(quote="'"), Shape(quote="'", columns=2)], ids=["arrow", "layout"])
def test_cells_quoted_with_apostrophes(shape: Shape):
    found = read(extract_of(b"a,b\r\n'1','x, y'\r\n", ".csv"), shape)
    assert found.rows == [["1", "x, y"]]


@pytest.mark.parametrize("shape", [Shape(quote=""), Shape(quote="", columns=2)], ids=["arrow", "layout"])
def test_quotation_marks_that_are_part_of_the_text(shape: Shape):
    found = read(extract_of(b'a,b\r\n1,"never closed\r\n2,5" pipe\r\n', ".csv"), shape)
    assert found.rows == [["1", '"never closed'], ["2", '5" pipe']]


@pytest.mark.parametrize("kind", [".csv", ".xlsx"])
def test_five_hundred_columns(kind: str):
    names = [f"Column {n} name" for n in range(500)]
    lines = [names, *[[f"{n}-{place}" for place in range(500)] for n in range(30)]]
    content = text_of(lines) if kind == ".csv" else workbook_of(lines)
    for extra in ({}, {"repeated_headings": True}):
        found = read(extract_of(content, kind), Shape(format=kind[1:], **extra))
        assert (found.headings, found.rows) == (names, lines[1:])


STRANGE = ["\u202eمرحبا", "e\u0301 n\u0303", "=HYPERLINK(1)", "@cmd", "a\tb", "家", "👩‍👩‍👧", "שלום, עולם"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_right_to_left_combining_and_formula_text_survive(encoding: str):
    lines = [["n", "text"], *[[str(n), text] for n, text in enumerate(STRANGE)]]
    content = text_of(lines).decode().encode(encoding)
    for shape in (Shape(encoding=encoding), Shape(encoding=encoding, columns=2)):
        assert [cells[1] for cells in read(extract_of(content, ".csv"), shape).rows] == STRANGE


def test_text_cells_of_a_workbook_survive():
    lines = [
        ["n", "text"],
        *[[str(n), text] for n, text in enumerate([*STRANGE, "a & b < c", "_x000D_", "two\nlines"])],
    ]
    found = read(extract_of(workbook_of(lines), ".xlsx"), Shape(format="xlsx"))
    assert found.rows == lines[1:]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"skip": ["("]}, "regular expression"),
        ({"format": "parquet", "header_row": 3}, "its own headings"),
        ({"format": "addressbase", "skip": ["x"]}, "its own headings"),
        ({"header_row": 0, "repeated_headings": True}, "no headings"),
        ({"title_lines": 1}, "repeated_headings"),
        ({"title_column": "Ward"}, "title_lines"),
        ({"heading_overrides": {0: "a"}}, "greater than or equal to 1"),
        ({"quote": "x"}, "Input should be"),
        ({"columns": 0}, "greater than or equal to 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict, told: str):
    with pytest.raises(ValidationError, match=told):
        Shape(**options)


def test_patterns_cannot_take_for_ever():
    shape = Shape(skip=["(a+)+b"])
    content = text_of([["x", "y"], ["a" * 5000, "c"]])
    assert read(extract_of(content, ".csv"), shape).numbers == [2]


def test_plain_shapes_are_told_from_others():
    assert Shape(header_row=4, heading_overrides={2: "b"}, quote="'").plain
    assert Shape(skip=(), columns=None).plain
    assert not Shape(columns=3).plain
    assert not Shape(header_rows=2).plain


def test_every_skipped_line_has_a_sentence_for_the_officer():
    kinds = {"page_heading_skipped", "page_line_skipped", "footer_skipped", "preamble_skipped"}
    assert {registry.issue_types()[kind].severity for kind in kinds} == {"info"}


def test_row_of_headings_with_more_cells_than_any_table():
    with pytest.raises(RefusedDrop, match="at most 16,384"):
        headings(io.BytesIO(b"," * 20_000 + b"\n"), Shape())


def test_memory_is_for_one_chunk_whatever_the_length():
    """Rows are handed on as they are read: the first chunk is there before the last row is asked for."""
    cells = text_of(ROWS)

    class Endless(io.RawIOBase):
        taken = 0

        def readable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return True

        def seek(self, offset: int, whence: int = 0) -> int:
            return 0

        def readinto(self, buffer) -> int:
            start = Endless.taken % len(cells)
            buffer[:] = (cells * (len(buffer) // len(cells) + 2))[start : start + len(buffer)]
            Endless.taken += len(buffer)
            return len(buffer)

    shape = Shape(columns=7, header_row=0)
    names = [f"(column {n})" for n in range(1, 8)]
    first = next(iter(chunks(io.BufferedReader(Endless()), shape, names, RaggedRows())))
    assert first.table.num_rows > 1000
    assert Endless.taken < 40_000_000
