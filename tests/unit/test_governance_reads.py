"""Every read of personal data is on record, a line a stage and borough, and no value is in it."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.tables import PROPERTY
from pipelines.governance import access, audit, reads
from pipelines.governance.reads import reading
from schemas import registry
from tests.unit.agreed import agree

PURPOSE = "hmo_detection"


def lines() -> list[AuditEvent]:
    with transaction() as session:
        return audit.lines(session)


def put(dataset: str, *names: str) -> None:
    schema = registry.contract(dataset).arrow_schema()
    rows = [
        {"borough": "camden", "source": "main", "drop_id": "d", "row_number": n, "record_id": n, "address": name}
        for n, name in enumerate(names)
    ]
    table = pa.Table.from_pylist(rows, schema=schema)
    access.write_dataset(dataset, table, borough="camden", source="main", made_from={})


def test_a_read_outside_of_a_stage_is_a_line_at_once(home):
    put("waste", "CANARY 1", "CANARY 2")
    access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE, columns=["record_id", "address"])
    (line,) = lines()
    assert (line.what, line.about, line.details["by"]) == ("read", "camden", __name__)
    assert line.details["reads"] == [
        {"table": "waste", "boroughs": ["camden"], "rows": 2, "purpose": PURPOSE, "fields": ["address"]}
    ]
    assert "CANARY" not in json.dumps(line.details)


def stage_that_fails() -> None:
    with reading("score", "camden"):
        access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE)
        raise RuntimeError


def test_reads_of_a_stage_are_one_line_also_where_it_fails(home):
    put("waste", "a")
    put("epc", "b", "c")
    with reading("features", "camden"):
        access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE)
        access.read_dataset("epc", boroughs=["camden", "bexley"], purpose=PURPOSE)
        access.read_table("property", PROPERTY, boroughs=["camden"])
        assert lines() == []
    with pytest.raises(RuntimeError):
        stage_that_fails()
    found = [(line.details["by"], [(r["table"], r["rows"]) for r in line.details["reads"]]) for line in lines()]
    assert found == [("features", [("waste", 1), ("epc", 2)]), ("score", [("waste", 1)])]


def test_nothing_is_written_of_reads_that_are_not_on_record(home):
    put("waste", "a")
    with reading("link", "camden"):
        access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE)
        empty = PROPERTY.empty_table()
        access.write_table("property", empty, borough="camden", made_from={})
        assert len(lines()) == 1
    assert len(lines()) == 1


def test_what_is_not_personal_or_not_there_is_no_line(home):
    access.read_dataset("licensing_scheme", boroughs=["camden"], purpose=PURPOSE)
    access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE)
    put("waste", "a")
    agree(valid_until="2020-01-01")
    assert access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE).num_rows == 0
    assert lines() == []


def test_lines_are_found_by_what_they_speak_of(home):
    put("waste", "a")
    put("epc", "a")
    access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE)
    access.read_dataset("epc", boroughs=["camden"], purpose=PURPOSE)
    audit.note(what="promote model", about="hmo-1", who="B Example")
    with transaction() as session:
        assert [line.number for line in audit.lines(session, about="waste")] == [1]
        assert [line.number for line in audit.lines(session, about="camden")] == [1, 2]
        assert [line.number for line in audit.lines(session, about="50%_")] == []
        assert [line.number for line in audit.lines(session, what="promote model")] == [3]
        assert [line.number for line in audit.lines(session, last=2)] == [2, 3]


def test_a_page_tells_in_its_own_event_what_it_and_its_stages_read(home):
    put("epc", "a")
    put("waste", "b")
    with reads.showing("a page", "camden"):
        access.read_dataset("epc", boroughs=["camden"], purpose=PURPOSE)
        with reads.reading("a stage", "camden"):
            access.read_dataset("waste", boroughs=["camden"], purpose=PURPOSE)
        assert lines() == []
        with transaction() as session:
            told = reads.told_with(session)
            audit.record(session, who="a person", what="view page", about="camden", details={"rows": 1} | told)
    (line,) = lines()
    assert [read["table"] for read in line.details["reads"]] == ["epc", "waste"]


def test_what_no_event_took_is_a_line_of_its_own(home):
    put("epc", "a")
    put("waste", "b")
    with reads.showing("a page", "camden"), reads.reading("a stage", "camden"):
        access.read_dataset("epc", boroughs=["camden"], purpose=PURPOSE)
    (line,) = lines()
    assert (line.what, line.details["by"]) == (reads.READ, "a page")


def test_reads_of_an_event_that_was_rolled_back_are_still_told(home):
    put("epc", "a")
    put("waste", "b")

    def fail() -> None:
        with reads.showing("a page", "camden"):
            access.read_dataset("epc", boroughs=["camden"], purpose=PURPOSE)
            with transaction() as session:
                assert len(reads.told_with(session)["reads"]) == 1
                assert reads.told_with(session) == {}
                raise LookupError

    with pytest.raises(LookupError):
        fail()
    (line,) = lines()
    assert [read["table"] for read in line.details["reads"]] == ["epc"]


def test_a_stage_outside_a_page_takes_its_reads_into_its_own_event(home):
    put("epc", "a")
    put("waste", "b")
    with reads.reading("a stage", "camden"):
        access.read_dataset("epc", boroughs=["camden"], purpose=PURPOSE)
        with transaction() as session:
            audit.record(session, who="w", what="write", about="camden", details=reads.told_with(session))
    assert [line.what for line in lines()] == ["write"]
    with transaction() as session:
        assert reads.told_with(session) == {}
