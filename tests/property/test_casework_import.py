"""Whatever a file of outcomes holds: rows in are accepted, known already or refused, and what is kept can be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.casework import imports
from pipelines.casework.import_columns import NotTaken
from pipelines.casework.rules import LONGEST_NOTE
from pipelines.casework.words import SETTLES, Found, Method
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import Outcome, OutcomeFile, PropertyCase
from pipelines.core.tables import PROPERTY
from pipelines.governance import access
from tests.homes import own_home
from tests.unit.casework_world import CAMDEN, LIST, NOW, TODAY, UPRNS, two_lists

HEAD = "uprn,outcome,visited_on,method,officer,note,list_id"
CELL = {
    "uprn": ("5001", "5002", *UPRNS, f"000{UPRNS[0]}", "77", "", "x", "1E+11", "9" * 400),
    "outcome": (*Found, "Unlicensed HMO", "VAC", "Vacant", "", "?"),
    "visited_on": ("2026-11-18", "2026-11-19", "2026-11-09", "2026-11-21", "1999-01-01", "2026-02-30", "", "soon"),
    "method": (*Method, "Visit", "", "?"),
    "officer": ("Ola", "", "x" * 121),
    "note": ("", '"a, b"', "=1+1", "x" * (LONGEST_NOTE + 1), "Zoë"),
    "list_id": ("", LIST, "camden-2026-10-01-v1", "hackney-1"),
}
ROW = st.tuples(*(st.sampled_from(cells) for cells in CELL.values())).map(",".join)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with two lists and a gazetteer of two more properties."""
    with own_home(tmp_path_factory.mktemp("imports") / "home", LODA_NOW=NOW) as home:
        two_lists()
        spine = [
            {"borough": CAMDEN, "uprn": u, "address": f"{u} Road", "postcode": "NW1 1AA"} for u in ("5001", "5002")
        ]
        access.write_table("property", pa.Table.from_pylist(spine, schema=PROPERTY), borough=CAMDEN, made_from={})
        yield home


def emptied() -> None:
    with transaction() as session:
        for table in (Outcome, OutcomeFile, PropertyCase):
            session.execute(sa.delete(table))


def held() -> list[Outcome]:
    with transaction() as session:
        return list(session.scalars(sa.select(Outcome)))


@settings(max_examples=30, deadline=None)
@given(rows=st.lists(ROW, max_size=12), again=st.lists(ROW, max_size=6), cut=st.integers(0, 12))
def test_every_row_has_one_fate(place: Path, rows: list[str], again: list[str], cut: int) -> None:
    emptied()
    there = 0
    for number, lines in enumerate((rows, [*rows, *again])):
        path = place / f"{number}.csv"
        text = "\n".join([HEAD, *lines, ""]).encode()
        path.write_bytes(text[: len(text) - cut] if number and len(lines) else text)
        try:
            taken = imports.take(path, CAMDEN, "Mia Manager")
        except NotTaken:
            assert len(held()) == there
            continue
        assert taken.rows_in == taken.accepted + taken.known + len(taken.refused) or taken.before
        assert len({refused.row for refused in taken.refused}) == len(taken.refused)
        assert len(held()) == there + (0 if taken.before else taken.accepted)
        there = len(held())
    _can_be(held())


def _can_be(kept: list[Outcome]) -> None:
    answers: dict[tuple[str, date], str] = {}
    for outcome in kept:
        assert outcome.address
        assert date(2000, 1, 1) <= outcome.visited_on <= TODAY
        assert (outcome.attempt is None) == (outcome.found != Found.NO_ACCESS)
        assert (outcome.list_id is None) == (outcome.rank is None)
        assert outcome.method in set(Method)
        if outcome.found in SETTLES:
            assert answers.setdefault((outcome.uprn, outcome.visited_on), outcome.found) == outcome.found
    visits = [(outcome.uprn, outcome.visited_on, outcome.found) for outcome in kept]
    assert len(set(visits)) == len(visits)
