"""Files of outcomes: every row has a fate, the same file twice changes nothing, nothing is guessed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines.casework import import_columns, imports, planning
from pipelines.casework.import_columns import NotTaken
from pipelines.casework.imports import Taken
from pipelines.casework.rules import NotAllowedNow
from pipelines.cli import app
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.ledger.officers import Outcome, OutcomeFile, PropertyCase
from pipelines.core.tables import PROPERTY
from pipelines.governance import access, erasure, erasure_search
from pipelines.governance.subjects import property_subject
from tests.unit.casework_world import CAMDEN, HACKNEY, LIST, NOW, UPRNS, recorded, two_lists

WHO = "Mia Manager"
HEAD = "uprn,outcome,visited_on,method,officer,note,list_id"
KEPT = "5001"
"""A property that is in the gazetteer and stood on no list."""


@pytest.fixture(autouse=True)
def _world(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", NOW)
    two_lists()
    spine = [{"borough": CAMDEN, "uprn": KEPT, "address": "1 New Street, London", "postcode": "NW1 1AA"}]
    access.write_table("property", pa.Table.from_pylist(spine, schema=PROPERTY), borough=CAMDEN, made_from={})


def take(tmp_path: Path, *rows: str, head: str = HEAD, name: str = "visits.csv", end: str = "\n") -> Taken:
    path = tmp_path / name
    path.write_bytes(("\n".join([head, *rows]) + end).encode())
    return imports.take(path, CAMDEN, WHO)


def held() -> list[Outcome]:
    with transaction() as session:
        return list(session.scalars(sa.select(Outcome).order_by(Outcome.number)))


def test_a_good_file_is_taken_whole(tmp_path: Path) -> None:
    taken = take(
        tmp_path,
        f"{UPRNS[2]},Unlicensed HMO,2026-11-18,Joint visit with the police,Ola Officer,five doors,{LIST}",
        f"{KEPT},no_access,2026-11-18,,,,",
        f"0{UPRNS[0]},HMOL,2026-11-19,visit,,,",
    )
    assert (taken.rows_in, taken.accepted, taken.known, taken.refused) == (3, 3, 0, [])
    first, second, third = held()
    assert (first.found, first.method, first.officer, first.note) == (
        "hmo_unlicensed",
        "joint_police",
        "Ola Officer",
        "five doors",
    )
    assert (first.list_id, first.rank, first.address) == (LIST, 1, "1 Example Road, London, SE15 4QL")
    assert (second.address, second.attempt, second.officer) == ("1 New Street, London, NW1 1AA", 1, "not said")
    assert (third.uprn, third.found) == (UPRNS[0], "hmo_licensed")
    assert {row.recorded_through for row in held()} == {"import"}
    assert {row.recorded_by for row in held()} == {WHO}
    with transaction() as session:
        (line,) = session.scalars(sa.select(AuditEvent).where(AuditEvent.what == "import outcomes"))
        assert (line.about, line.details["accepted"]) == (CAMDEN, 3)
        assert "five doors" not in json.dumps(line.details)
        assert session.get_one(PropertyCase, (CAMDEN, KEPT)).version == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("123456,empty,2026-11-18,,,,", "stood on no list of this borough and is not in its gazetteer"),
        ("12a,empty,2026-11-18,,,,", "no UPRN"),
        (",empty,2026-11-18,,,,", "no UPRN"),
        (f"{'9' * 400},empty,2026-11-18,,,,", "no UPRN"),
        ("1.00023E+11,empty,2026-11-18,,,,", "rounded the UPRN"),
        (f"{KEPT},a palace,2026-11-18,,,,", "say what was found"),
        (f"{KEPT},,2026-11-18,,,,", "say what was found"),
        (f"{KEPT},empty,2026-02-30,,,,", "visited_on is no day"),
        (f"{KEPT},empty,yesterday,,,,", "visited_on is no day"),
        (f"{KEPT},empty,,,,,", "visited_on is no day"),
        (f"{KEPT},empty,2026-11-21,,,,", "in the future"),
        (f"{KEPT},empty,1999-12-31,,,,", "before 2000"),
        (f"{UPRNS[2]},empty,2026-11-09,,,,{LIST}", "before the list's day, 10 November 2026"),
        (f"{UPRNS[2]},empty,2026-11-18,,,,camden-1", "no such list"),
        (f"{UPRNS[0]},empty,2026-11-18,,,,{LIST}", "not on that list"),
        (f"{KEPT},empty,2026-11-18,telepathy,,,", "say how it was found out"),
        (f"{KEPT},no access,2026-11-18,desk,,,", "goes to no door"),
        (f"{KEPT},empty,2026-11-18,,,{'x' * 2001},", "more than 2,000 letters"),
        (f"{KEPT},empty,2026-11-18,,{'x' * 121},,", "more than 120 letters"),
    ],
)
def test_a_bad_row_is_refused_with_what_to_do_and_the_others_are_taken(tmp_path: Path, row: str, said: str) -> None:
    taken = take(tmp_path, row, f"{UPRNS[3]},empty,2026-11-18,,,,")
    assert (taken.rows_in, taken.accepted, taken.known, len(taken.refused)) == (2, 1, 0, 1)
    assert taken.refused[0].row == 2
    assert taken.refused[0].sentence.startswith("Row 2: ")
    assert said in taken.refused[0].sentence
    assert [outcome.uprn for outcome in held()] == [UPRNS[3]]


def test_the_same_file_twice_is_told_and_changes_nothing(tmp_path: Path) -> None:
    rows = (f"{KEPT},empty,2026-11-18,,,,", "77,empty,2026-11-18,,,,")
    first = take(tmp_path, *rows)
    again = take(tmp_path, *rows, name="again.csv")
    assert first.before is None
    assert again.before == "This very file was taken in on 20 November 2026 by Mia Manager; nothing was changed now."
    assert (again.rows_in, again.accepted, again.known) == (2, 1, 0)
    assert len(held()) == 1
    with transaction() as session:
        (file,) = session.scalars(sa.select(OutcomeFile))
        assert (file.name, file.rows_in, file.accepted, file.refused) == ("visits.csv", 2, 1, 1)


def test_a_file_that_was_refused_whole_may_be_tried_again(tmp_path: Path) -> None:
    row = "5002,empty,2026-11-18,,,,"
    assert take(tmp_path, row).accepted == 0
    spine = [{"borough": CAMDEN, "uprn": "5002", "address": "2 New Street", "postcode": None}]
    access.write_table("property", pa.Table.from_pylist(spine, schema=PROPERTY), borough=CAMDEN, made_from={})
    assert take(tmp_path, row).accepted == 1


def test_what_stands_already_is_counted_and_not_taken_again(tmp_path: Path) -> None:
    recorded(UPRNS[2], found="empty")
    taken = take(
        tmp_path,
        f"{UPRNS[2]},empty,2026-11-18,,,another note,",
        f"{KEPT},empty,2026-11-18,,,,",
        f"{KEPT},empty,2026-11-18,,,,",
    )
    assert (taken.rows_in, taken.accepted, taken.known, taken.refused) == (3, 1, 2, [])
    assert len(held()) == 2


def test_two_answers_about_one_day_are_never_both_taken(tmp_path: Path) -> None:
    recorded(UPRNS[2], found="empty")
    taken = take(
        tmp_path,
        f"{UPRNS[2]},single_household,2026-11-18,,,,",
        f"{KEPT},empty,2026-11-18,,,,",
        f"{KEPT},single_household,2026-11-18,,,,",
        f"{UPRNS[3]},no_access,2026-11-18,,,,",
        f"{UPRNS[3]},single_household,2026-11-18,,,,",
    )
    assert [(row.row, row.sentence.split(": ")[1][:14]) for row in taken.refused] == [
        (2, "something else"),
        (3, "the file says "),
        (4, "the file says "),
    ]
    assert taken.accepted == 2, "nobody opened in the morning, and somebody did in the afternoon"


def test_tries_are_counted_over_the_ledger_and_the_file(tmp_path: Path) -> None:
    recorded(UPRNS[2], found="no_access", visited_on=date(2026, 11, 11))
    take(
        tmp_path,
        f"{UPRNS[2]},no_access,2026-11-13,,,,",
        f"{UPRNS[2]},no_access,2026-11-12,,,,",
        f"{UPRNS[2]},wrong_address,2026-11-12,,,,",
        f"{UPRNS[2]},empty,2026-11-14,,,,",
        f"{UPRNS[2]},no_access,2026-11-15,,,,",
        f"{KEPT},no_access,2026-11-15,,,,",
    )
    tries = {(row.uprn, row.visited_on.day): row.attempt for row in held() if row.found == "no_access"}
    assert tries == {(UPRNS[2], 11): 1, (UPRNS[2], 12): 2, (UPRNS[2], 13): 3, (UPRNS[2], 15): 1, (KEPT, 15): 1}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (["2026-11-03", "2026-11-13"], ["2026-11-03", "2026-11-13"]),
        (["03/11/2026", "3/1/2026"], ["2026-11-03", "2026-01-03"]),
        (["2026-11-03 00:00:00", None], ["2026-11-03", None]),
        (["2026-11-3", "20261103"], [None, None]),
        (["31/02/2026"], [None]),
    ],
)
def test_days(text: list[str | None], read: list[str | None]) -> None:
    import pandas as pd

    found = import_columns.days(pd.Series(text, dtype="string", index=range(2, 2 + len(text))), "f.csv")
    assert [None if pd.isna(day) else str(day.date()) for day in found] == read


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["2026-11-03", "04/11/2026"], "in two ways"),
        (["11/13/2026", "11/14/2026"], "month first in visited_on, as in row 2"),
    ],
)
def test_a_column_of_days_that_nobody_can_be_sure_of_refuses_the_file(
    tmp_path: Path, rows: list[str], said: str
) -> None:
    with pytest.raises(NotTaken, match=said):
        take(tmp_path, *(f"{KEPT},empty,{day},,,," for day in rows))
    assert held() == []


def test_half_a_file_is_taken_up_to_the_row_that_is_cut(tmp_path: Path) -> None:
    taken = take(tmp_path, f"{KEPT},empty,2026-11-18,,,,", f"{UPRNS[2]},empty,2026-11-18,vi", end="")
    assert (taken.rows_in, taken.accepted) == (2, 1)
    assert taken.refused[0].sentence == "Row 3: the file ends in the middle of this row; export it again."
    cut = take(tmp_path, f'{UPRNS[3]},empty,2026-11-18,,,"he sa', end="", name="quote.csv")
    assert (cut.accepted, len(cut.refused)) == (0, 1)


def test_any_delimiter_and_encoding_and_order_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "excel.csv"
    text = f"Visited on;Note;Outcome;UPRN;Postcode\n18/11/2026;'=1+1;Not an HMO;{KEPT};NW1\n;;;;\n"
    path.write_bytes(text.encode("utf-16"))
    assert imports.take(path, CAMDEN, WHO).accepted == 1
    assert held()[0].note == "=1+1"
    latin = tmp_path / "latin.csv"
    latin.write_bytes(f"uprn|outcome|visited_on|officer\n{UPRNS[2]}|vacant|2026-11-18|Zoë\n".encode("cp1252"))
    assert imports.take(latin, CAMDEN, WHO).accepted == 1
    assert held()[1].officer == "Zoë"


def test_what_is_no_file_of_outcomes_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotTaken, match="lacks the columns outcome, visited_on"):
        take(tmp_path, "1,2", head="uprn,colour")
    with pytest.raises(NotTaken, match="two columns uprn"):
        take(tmp_path, "1,1,empty,2026-11-18", head="UPRN,uprn,outcome,visited_on")
    with pytest.raises(NotFound, match=r"no file 'gone\.csv'"):
        imports.take(tmp_path / "gone.csv", CAMDEN, WHO)
    with pytest.raises(NotFound, match="no borough"):
        imports.take(tmp_path / "gone.csv", "atlantis", WHO)
    with pytest.raises(NotAllowedNow, match="who the person who answers for it is"):
        imports.take(tmp_path / "gone.csv", CAMDEN, " ")


def test_another_boroughs_properties_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "visits.csv"
    path.write_text(f"{HEAD}\n{KEPT},empty,2026-11-18,,,,\n{UPRNS[2]},empty,2026-11-18,,,,{LIST}\n")
    taken = imports.take(path, HACKNEY, WHO)
    assert (taken.accepted, len(taken.refused)) == (0, 2)


def test_nothing_is_kept_about_an_erased_property(tmp_path: Path) -> None:
    erasure.erase(erasure_search.find(property_subject(f"uprn:{UPRNS[2]}"), lambda _drop: iter(())), "Gil", "asked")
    taken = take(tmp_path, f"{UPRNS[2]},empty,2026-11-18,,,,")
    assert "erased" in taken.refused[0].sentence


def test_a_visit_of_the_file_is_no_longer_planned_and_open_pages_are_told(tmp_path: Path) -> None:
    def plan(uprn: str) -> Any:
        said: dict[str, Any] = {"borough": CAMDEN, "uprn": uprn, "assigned_to": "Ola", "who": "Ola"}
        with transaction() as session:
            return planning.plan(session, **said, planned_for=date(2026, 11, 25), expected_version=0)

    plan(UPRNS[2])
    plan(UPRNS[3])
    take(tmp_path, f"{UPRNS[2]},empty,2026-11-18,,,,", f"{UPRNS[3]},no_access,2026-11-18,,,,")
    with transaction() as session:
        settled, shut = (session.get_one(PropertyCase, (CAMDEN, uprn)) for uprn in UPRNS[2:4])
    assert (settled.planned_for, settled.assigned_to, settled.version, settled.changed_by) == (None, "Ola", 2, WHO)
    assert (shut.planned_for, shut.version) == (date(2026, 11, 25), 2)


def test_the_commands(tmp_path: Path) -> None:
    def loda(*arguments: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, ["outcomes", *arguments])
        assert done.exit_code == code, done.output
        return done.output

    assert "No outcome is recorded" in loda("list", CAMDEN)
    path = tmp_path / "visits.csv"
    path.write_text(loda("template").replace("100023336956", KEPT) + "9,empty,2026-11-18,,,,\n")
    told = loda("import", str(path), "--borough", CAMDEN, "--who", WHO, code=1)
    assert "2 rows in = 1 accepted + 0 known already + 1 refused" in told
    assert "Row 3: " in told
    assert "nothing was changed" in loda("import", str(path), "--borough", CAMDEN, "--who", WHO)
    again = json.loads(loda("import", str(path), "--borough", CAMDEN, "--json"))
    assert again["before"]
    (row,) = json.loads(loda("list", CAMDEN, "--json"))
    assert (row["uprn"], row["found_words"], row["recorded_by"]) == (KEPT, "Single household", WHO)
    assert "Single household" in loda("list", CAMDEN)
    with transaction() as session:
        read = [line for line in session.scalars(sa.select(AuditEvent)) if line.what == "read"]
    assert "outcome" in {each["table"] for line in read for each in line.details["reads"]}
    assert "no borough" in loda("list", "atlantis", code=66)
