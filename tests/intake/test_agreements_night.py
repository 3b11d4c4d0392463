"""What becomes of a borough's data when its agreement ends, is limited or withdrawn between two nights."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from pipelines import ingest
from pipelines.core import lake
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import DropProfile, LastGood, QualityMeasure, StageState
from pipelines.core.settings import settings
from pipelines.governance import access, audit, retention, stages
from pipelines.governance.enforcement import apply_agreements
from tests.intake.conftest import Intake, register
from tests.unit.agreed import REGISTERS, agree, withdrawal

PLACE = ("oxford", "hmo_licence", "hmo_detection")


def night(intake: Intake) -> str:
    """A night with its first stage; what that said."""
    said = apply_agreements().sentence
    intake.night()
    return said


def kept(home: Path) -> dict[str, int]:
    """Files that hold the register, by where they lie, the borough's own apart."""
    below = {"raw": "lake/raw", "intake": "lake/intake", "lake": "lake/harmonised", "beside": "bucket/drops"}
    found = {}
    for name, folder in below.items():
        files = [p for p in (home / folder).rglob("*") if p.is_file() and "_delta_log" not in p.parts]
        found[name] = len([p for p in files if p.name != "register.csv"])
    return found


def test_an_agreement_that_has_ended_stops_the_use_and_a_renewed_one_brings_it_back(intake: Intake):
    intake.drop(register(5))
    night(intake)
    before = stages.drops_behind(["oxford"])
    agree(REGISTERS, valid_until="2020-12-31")
    assert intake.lake() == [], "also before the night has run"
    assert stages.drops_behind(["oxford"]) == []
    assert "oxford may not use hmo_licence" in night(intake)
    assert "ended on 31 December 2020" in access.refusal(*PLACE)
    assert len(lake.read("harmonised/hmo_licence")) == 5, "what is kept is a matter of retention"
    assert night(intake) == "All is covered."
    agree(REGISTERS)
    assert len(intake.lake()) == 5
    assert stages.drops_behind(["oxford"]) == before


def test_fields_that_are_taken_out_are_blank_at_once_and_deleted_by_the_night(intake: Intake, home: Path):
    intake.drop(register(5))
    night(intake)
    (before,) = stages.drops_behind(["oxford"])
    agree(REGISTERS, fields={"hmo_licence": {"without": ["max_persons"]}})
    assert {row["max_persons"] for row in intake.lake()} == {None}
    assert "leaves out the field max_persons" in access.refusal(*PLACE, field="max_persons")
    night(intake)
    assert lake.read("harmonised/hmo_licence")["max_persons"].null_count == 5
    files = list((home / "lake" / "harmonised").rglob("*.parquet"))
    assert all(pq.read_table(p)["max_persons"].null_count == 5 for p in files), "no older version holds them either"
    (after,) = stages.drops_behind(["oxford"])
    assert after != before, "what was made with them is made anew"
    assert night(intake) == "All is covered."
    agree(REGISTERS)
    night(intake)
    assert {row["max_persons"] for row in intake.lake()} == {6}, "the extract was read again"


def test_what_is_withdrawn_is_gone_the_same_night_but_for_the_boroughs_own_file(intake: Intake, home: Path):
    own = intake.drop(register(5) + b"torn\n")
    intake.drop(register(6), name="later.csv")
    night(intake)
    with transaction() as session:
        assert session.get(DropProfile, intake.drops()[0].id)
    assert min(kept(home).values()) > 0
    agree(REGISTERS, withdrawals=[withdrawal(boroughs=["oxford"], datasets=["hmo_licence"])])
    assert "oxford's hmo_licence was withdrawn and is deleted" in night(intake)
    assert kept(home) == {"raw": 0, "intake": 0, "lake": 0, "beside": 1}
    assert own.read_bytes() == register(5) + b"torn\n"
    assert retention.prove() == (2, [])
    with transaction() as session:
        assert session.scalars(sa.select(LastGood)).all() == []
        for table in (DropProfile, QualityMeasure):
            assert session.scalars(sa.select(table)).all() == []
        (line,) = audit.lines(session, what="delete withdrawn data")
    assert (line.about, line.details["rows"], line.details["drops"]) == ("hmo_licence of oxford", 5, 2)
    assert (line.details["by"], line.details["why"]) == ("B Example", "a letter")
    assert "Example Road" not in json.dumps(line.details)
    assert {drop.receipt for drop in intake.drops()} == {None}
    assert all("B Example withdrew oxford's hmo_licence" in drop.sentence for drop in intake.drops())
    assert night(intake) == "All is covered."


def test_the_same_bytes_are_taken_in_anew_once_there_is_an_agreement_again(intake: Intake):
    path = intake.drop(register(5))
    night(intake)
    agree(REGISTERS, withdrawals=[withdrawal()])
    night(intake)
    path.unlink()
    intake.drop(register(5))
    night(intake)
    refused = intake.only()
    assert (refused.status, refused.reason) == ("refused", "no_agreement")
    assert "B Example withdrew" in refused.receipt["sentence"]
    agree(REGISTERS)
    night(intake)
    assert intake.only().status == "accepted"
    assert len(intake.lake()) == 5


def test_what_another_agreement_covers_is_not_deleted(intake: Intake):
    intake.drop(register(5))
    night(intake)
    agree(REGISTERS, id="oxford-own", boroughs=["oxford"])
    agree(REGISTERS, withdrawals=[withdrawal()])
    night(intake)
    assert len(intake.lake()) == 5


def test_a_drop_under_way_is_stopped_and_taken_up_again(intake: Intake, home: Path):
    intake.drop(register(5))
    ingest.admit("oxford")
    agree(REGISTERS, valid_until="2020-12-31")
    night(intake)
    stopped = intake.only()
    assert (stopped.status, stopped.reason, intake.lake()) == ("refused", "no_agreement", [])
    assert (
        "ended on 31 December 2020" in (home / "bucket/drops/oxford/hmo_licence/register.csv.receipt.txt").read_text()
    )
    agree(REGISTERS)
    night(intake)
    assert (intake.only().status, len(intake.lake())) == ("accepted", 5)


def test_an_idle_night_changes_nothing(intake: Intake):
    intake.drop(register(5))
    agree(REGISTERS, fields={"hmo_licence": {"without": ["max_persons"]}})
    night(intake)
    with transaction() as session:
        before = [(s.stage, s.borough, s.input_hash, s.made_at) for s in session.scalars(sa.select(StageState))]
        lines = len(audit.lines(session))
    assert night(intake) == "All is covered."
    with transaction() as session:
        after = [(s.stage, s.borough, s.input_hash, s.made_at) for s in session.scalars(sa.select(StageState))]
        assert (after, len(audit.lines(session))) == (before, lines)


ELECTORS = "UPRN,Property Number,Property Address 1,Property Address 2,Property Address 3,Property Address 4,Post Code,"
COUNTS = "Electors,Different Surnames,Added Last 12 Months,Count Date"


def electors(*rows: str, more: str = "") -> bytes:
    return ("\ufeff" + "\r\n".join([ELECTORS + COUNTS + more, *rows]) + "\r\n").encode()


def elector_row(uprn: int, more: str = "") -> str:
    return f"{uprn},1,{uprn} Example Road,,,,SE15 4QL,1,1,0,01/06/2026{more}"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (electors(*(elector_row(1000 + n, ",Kate") for n in range(30)), more=",Forename"), "'Forename'"),
        (electors(*(elector_row(1000 + n // 3) for n in range(60))), "40 of 60 rows"),
    ],
)
def test_electors_come_as_counts_or_not_at_all(intake: Intake, home: Path, content: bytes, told: str):
    (settings().mappings_dir / "camden").mkdir(parents=True)
    (settings().mappings_dir / "camden" / "electoral.yaml").write_text(
        'extends: xpress\nshape: {encoding: utf-8-sig}\ndates: ["%d/%m/%Y"]\n'
        "ignore: {Forename: a name}\noptional: [Forename]\n"
    )
    intake.drop(content, place="camden/electoral")
    night(intake)
    drop = intake.only()
    assert (drop.status, drop.reason) == ("refused", "person_level_rows")
    assert told in drop.sentence
    assert intake.lake("electoral", "camden") == []
    apply_agreements()
    assert (kept(home)["raw"], kept(home)["intake"]) == (0, 0), "its bytes must not be held"
    assert night(intake) == "All is covered."
    assert intake.only().status == "refused"


def test_electors_by_property_are_taken(intake: Intake):
    intake.drop(electors(*(elector_row(1000 + n) for n in range(30))), place="camden/electoral")
    night(intake)
    assert intake.only().accepted == 30
