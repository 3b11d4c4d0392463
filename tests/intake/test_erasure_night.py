"""Erased subjects and rotated keys over several nights, on council tax in the template's own columns."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood
from pipelines.extracts.searching import rows_as_text
from pipelines.governance import audit, erasure, erasure_search, key_rotation, pseudonym, subjects
from pipelines.governance.enforcement import apply_agreements
from tests.intake.conftest import Intake

PLACE = "camden/council_tax"
HEADER = "account_ref,address,postcode,uprn,liable_name,liable_party,band,liability_start"
HOMES = 20


def tax(*more: str, start: str = "2024-09-01") -> bytes:
    """Twenty homes with an owner each; more rows as they are."""
    rows = [f"A{n},{n} Example Road,NW6 1AA,{1000 + n},Owner {n} Sample,owner,D,{start}" for n in range(1, HOMES + 1)]
    return "\n".join([HEADER, *rows, *more]).encode() + b"\n"


def night(intake: Intake) -> None:
    apply_agreements()
    intake.night()


def names(intake: Intake) -> set[str | None]:
    return {row["liable_name"] for row in intake.lake("council_tax", "camden")}


def token(name: str) -> str:
    return str(pseudonym.tokens(pa.array([name]))[0].as_py())


def erase(*spellings: str, uprn: str | None = None) -> erasure_search.Found:
    subject = subjects.person_subject(spellings, uprn) if spellings else subjects.property_subject(str(uprn))
    found = erasure_search.find(subject, rows_as_text)
    erasure.erase(found, "B Example", "request 17")
    return found


def everywhere(home: Path, text: str) -> list[str]:
    """Files that hold a text, the borough's own extracts apart."""
    files = [p for p in home.rglob("*") if p.is_file() and p.name not in {"first.csv", "second.csv", "third.csv"}]
    return [str(p.relative_to(home)) for p in files if text.encode() in p.read_bytes()]


def test_an_erased_property_stays_out_of_every_later_extract(intake: Intake, home: Path):
    intake.drop(tax(), name="first.csv", place=PLACE)
    night(intake)
    found = erase(uprn="1007")
    assert found.counts()["extracts_whose_bytes_are_deleted"] == 1
    assert len(intake.lake("council_tax", "camden")) == HOMES - 1
    # Also by its address alone, and also in a row with other faults, which would be written out.
    later = tax("B1,7 Example Road,NW6 1AA,,Somebody Else,owner,D,2025-01-01", "B2,7 Example Road,NW6 1AA,,,,D,")
    intake.drop(later, name="second.csv", place=PLACE)
    night(intake)
    drop = intake.drops()[-1]
    assert (drop.status, drop.rows_in, drop.accepted, drop.quarantined) == ("accepted", HOMES + 2, HOMES - 1, 3)
    assert {row["uprn"] for row in intake.lake("council_tax", "camden")} == {
        str(1000 + n) for n in range(1, HOMES + 1) if n != 7
    }
    (told,) = [line for line in drop.receipt["findings"] if line["issue"] == "erased_subject"]
    assert told["rows"] == 3
    assert not list((home / "bucket").rglob("second.csv*.quarantine.csv")), "no file holds what was erased"
    night(intake)
    assert everywhere(home, "7 Example Road") == everywhere(home, "Somebody Else") == []
    assert intake.drops()[-1].status == "accepted"


def test_an_erased_person_stays_out_of_every_later_extract(intake: Intake, home: Path):
    kate = "K1,1 Other Road,NW6 1AA,2001,Ms Kate Example,owner,D,2024-09-01"
    intake.drop(tax(kate, "broken,,,,Kate Example,owner,D,2024-09-01"), name="first.csv", place=PLACE)
    night(intake)
    assert "Kate Example" in (home / "bucket/drops/camden/council_tax/first.csv.quarantine.csv").read_text()
    found = erase("Kate Example")
    assert (found.counts()["rows"], found.counts()["quarantine_files"]) == (1, 1)
    again = 'K2,2 Other Road,NW6 1AA,2002,"EXAMPLE, KATE",owner,D,2025-01-01'
    intake.drop(tax(again, kate), name="second.csv", place=PLACE)
    night(intake)
    night(intake)
    assert token("Ms Kate Example") not in names(intake)
    assert len(names(intake)) == HOMES
    assert [path for path in everywhere(home, "Kate Example") if "KATE" not in path] == []
    with transaction() as session:
        (line,) = audit.lines(session, what="delete bytes of extracts")
    assert line.details["held"] == "an erased subject"


def test_the_same_bytes_dropped_again_are_read_again_without_the_subject(intake: Intake):
    path = intake.drop(tax(), name="first.csv", place=PLACE)
    night(intake)
    erase(uprn="1007")
    path.unlink()
    intake.drop(tax(), name="first.csv", place=PLACE)
    night(intake)
    assert (intake.only().accepted, intake.only().quarantined) == (HOMES - 1, 1)


@pytest.mark.parametrize("with_bytes", [True, False])
def test_after_a_rotation_the_night_makes_all_tokens_under_the_new_key(intake: Intake, with_bytes: bool):
    intake.drop(tax(), name="first.csv", place=PLACE)
    night(intake)
    old = names(intake)
    if not with_bytes:
        with transaction() as session:
            drop = session.get_one(LastGood, ("camden", "council_tax", "main"))
            session.get_one(Drop, drop.drop_id).hashes = {"raw_deleted": "2026-01-01"}
    made = key_rotation.rotate("B Example", "yearly")
    assert (made.rows, made.read_again, len(made.without_bytes)) == (HOMES, int(with_bytes), int(not with_bytes))
    assert names(intake) == {None}
    night(intake)
    if with_bytes:
        assert len(names(intake)) == HOMES
        assert not names(intake) & old
        assert token("Owner 3 Sample") in names(intake)
    else:
        assert names(intake) == {None}, "until the borough's next extract"
    intake.drop(tax(start="2024-10-01"), name="second.csv", place=PLACE)
    night(intake)
    assert token("Owner 3 Sample") in names(intake)
