"""What lies outside and fails is told in a sentence, never put down to a file, and never quoted."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import botocore.exceptions
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines import night, whole_night
from pipelines.cli import app
from pipelines.core import outside
from pipelines.core.errors import LodaError, RefusedDrop
from pipelines.core.ledger.engine import engine, transaction
from pipelines.core.settings import settings

CANARY = "Zebedee Canary"


def answered(status: int, code: str) -> botocore.exceptions.ClientError:
    said = {"Error": {"Code": code, "Message": CANARY}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return botocore.exceptions.ClientError(said, "GetObject")  # type: ignore[arg-type]


def from_server(state: str) -> sa.exc.OperationalError:
    original = type("Error", (Exception,), {"sqlstate": state})(CANARY)
    return sa.exc.OperationalError("select", {"name": CANARY}, original)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, CANARY), "There is no space left"),
        (OSError(f"Generic LocalFileSystem error: No space left on device (os error 28) {CANARY}"), "no space left"),
        (OSError(errno.EIO, CANARY), "A disk or file system fails"),
        (ConnectionRefusedError(errno.ECONNREFUSED, CANARY), "A server does not answer"),
        (OSError(f"Generic S3 error: {CANARY}"), "The bucket"),
        (answered(503, "SlowDown"), "answers 503"),
        (answered(403, "AccessDenied"), "answers 403"),
        (botocore.exceptions.EndpointConnectionError(endpoint_url=CANARY), "The bucket"),
        (from_server("57P01"), "away or was restarted"),
        (from_server("08006"), "away or was restarted"),
        (from_server("53100"), "is full"),
        (from_server("40P01"), "in the way"),
    ],
)
def test_what_is_wrong_outside_is_told_without_the_exceptions_text(home: Path, error: Exception, says: str):
    with pytest.raises(outside.Outside) as told, outside.told():
        raise error
    assert says in str(told.value)
    assert CANARY not in str(told.value)
    assert told.value.exit_code == 75
    assert told.value.__cause__ is None


REFUSED = {
    'FATAL:  password authentication failed for user "loda_app"': "refuses its user or the password",
    'FATAL:  database "lodda" does not exist': "is not there",
    "failed to resolve host 'postgres.example': [Errno -2] Name or service not known": "no name server knows",
    "connection refused: Is the server running?": "is away or was restarted",
}


@pytest.mark.parametrize("said", list(REFUSED))
def test_a_database_that_refuses_is_told_apart_from_one_that_is_away(home: Path, said: str):
    original = type("Error", (Exception,), {"sqlstate": None})(f"{said} {CANARY}")
    sentence = outside.sentence_of(sa.exc.OperationalError("connect", None, original))
    assert sentence is not None
    assert REFUSED[said] in sentence
    assert CANARY not in sentence


@pytest.mark.parametrize(
    "error",
    [
        ValueError("No space left on device"),
        OSError("Not a gzipped file"),
        OSError(errno.EINVAL, "seek"),
        FileNotFoundError(errno.ENOENT, "a path"),
        answered(404, "NoSuchKey"),
        from_server("23505"),
    ],
)
def test_what_is_ours_or_a_files_passes_as_it_is(home: Path, error: Exception):
    with pytest.raises(type(error)), outside.told():
        raise error


def test_damage_of_a_file_with_a_failing_store_behind_it_is_none(home: Path):
    refused = RefusedDrop("unreadable_spreadsheet", "The workbook is damaged.")
    refused.__cause__ = OSError(errno.EIO, "read")
    with pytest.raises(outside.Outside):
        outside.raise_if_behind(refused)
    outside.raise_if_behind(RefusedDrop("no_rows", "The file has headings but no rows."))


def test_a_full_ledger_is_told_by_the_stage_that_met_it(home: Path, monkeypatch: pytest.MonkeyPatch):
    def fill(_borough: str) -> None:
        with transaction() as session:
            session.execute(sa.text("CREATE TABLE ballast (content BLOB)"))
            session.execute(sa.text("PRAGMA max_page_count = 1"))
            session.execute(sa.text("INSERT INTO ballast VALUES (zeroblob(10000000))"))

    monkeypatch.setattr("pipelines.ingest.admit", fill)
    with pytest.raises(LodaError, match="There is no space left"):
        night.admit("camden")


def test_tables_that_were_changed_under_a_run_are_told_with_both_versions(home: Path):
    with sqlite3.connect(settings().home / "ledger.db") as ledger:
        ledger.execute("UPDATE alembic_version SET version_num = '0001'")
        ledger.execute("DROP TABLE loda_arrival")
    changed = pytest.raises(LodaError, match=r"is at version 0001 and this code needs \d{4}")
    with changed, outside.told(), transaction() as session:
        session.execute(sa.text("SELECT * FROM loda_arrival"))
    engine().dispose()


def test_a_command_says_it_once(home: Path, monkeypatch: pytest.MonkeyPatch):
    def away(*_arguments: object, **_named: object) -> None:
        raise botocore.exceptions.EndpointConnectionError(endpoint_url=CANARY)

    monkeypatch.setattr(whole_night, "run", away)
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 75
    assert done.output.count("loda: The bucket") == 1, done.output
