"""Whatever comes in: every row comes out once, in order, and the order of the rows changes no answer."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.csv as pacsv
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.link.people import link_files
from pipelines.link.people.matching import match
from pipelines.link.people.names import parsed
from pipelines.link.people.records import prepared
from tests.examples import examples

NAMES = (
    "Jane Wetherby",
    "J Wetherby",
    "Wetherby, Jane",
    "Jane Wehterby",
    "John Wetherby",
    "Example Homes Ltd",
    "",
    "Mr",
)
PLACES = ("1 Elsewhere Street N1 1AA", "1 Elsewhere St, N1 1AA", "9 Other Road E1 9ZZ", "")
BORN = ("1961-05-03", "1961-05-08", "3/5/1961", "1983-11-24", "")
ROW = st.tuples(st.sampled_from(NAMES), st.sampled_from(PLACES), st.sampled_from(BORN))
ROLES = {"name": ["name"], "address": ["address"], "birth_date": ["born"]}
TEXT = st.text(max_size=40)
QUICK = settings(max_examples=examples(10, 100), deadline=None)


def table(rows: list[tuple[str, str, str]]) -> pa.Table:
    return pa.table(dict(zip(("name", "address", "born"), map(list, zip(*rows, strict=True)), strict=True)))


def entities(rows: list[tuple[str, str, str]]) -> list[str]:
    return list(match(prepared(table(rows), ROLES)).entity)


def content(rows: list[tuple[str, str, str]]) -> list[tuple[str, ...]]:
    """All of each row that is compared: "Street" and "St" are one."""
    return [tuple(row) for row in prepared(table(rows), ROLES).astype(str).to_numpy().tolist()]


@QUICK
@given(st.lists(ROW, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(rows: list[tuple[str, str, str]], draw: random.Random) -> None:
    order = list(range(len(rows)))
    draw.shuffle(order)
    straight, shuffled = entities(rows), entities([rows[at] for at in order])
    # Rows alike in all that is compared may change places with one another.
    said = content(rows)
    assert sorted(zip(said, straight, strict=True)) == sorted(
        (said[at], e) for at, e in zip(order, shuffled, strict=True)
    )


@QUICK
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=8))
def test_any_text_survives_and_every_row_has_an_entity(rows: list[tuple[str, str, str]]) -> None:
    assert len(entities(rows)) == len(rows)


@QUICK
@given(st.lists(TEXT, min_size=1, max_size=10))
def test_any_name_is_taken_apart(names: list[str]) -> None:
    told = parsed(pa.array(names))
    assert len(told) == len(names)
    assert told.notna().all(axis=None)


@QUICK
@given(st.lists(st.tuples(TEXT, TEXT), min_size=0, max_size=6))
def test_rows_in_are_rows_out_of_a_file(rows: list[tuple[str, str]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "register.csv"
        table = pa.table({"name": [n for n, _ in rows], "address": [a for _, a in rows]}, schema=pa.schema(
            [("name", pa.string()), ("address", pa.string())]))  # fmt: skip
        pacsv.write_csv(table, path)
        found = link_files([path]).rows
        assert found["row"].tolist() == list(range(1, len(rows) + 1))
        assert (found["size"] == found.groupby("entity")["entity"].transform("size")).all()
