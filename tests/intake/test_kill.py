"""kill -9 in the middle of every stage of the intake, then the night again: nothing lost, nothing doubled."""

from __future__ import annotations

import random
import signal
from pathlib import Path

from pipelines.core.settings import settings
from tests.homes import move_into_home
from tests.intake.conftest import HEADER, Intake, KilledNight, register, row

KILLS = 8


def fill(intake: Intake) -> None:
    faulty = "\n".join([HEADER, *(row(n) for n in range(1, 30)), row(30, location=""), row(31) + ",torn"]).encode()
    intake.drop(faulty, "register 2024-05-01.csv")
    intake.drop(register(40), "register 2024-06-01.csv")
    intake.drop(b"", "empty.csv")
    intake.drop(register(3), "also.csv", place="oxford/dragons")


def state(intake: Intake) -> dict:
    drops = {d.path: (d.status, d.rows_in, d.accepted, d.quarantined, d.receipt_delivered) for d in intake.drops()}
    files = {
        str(p.relative_to(intake.bucket)): p.read_bytes() if p.suffix == ".csv" else p.stat().st_size > 0
        for p in sorted(intake.bucket.rglob("*"))
        if p.is_file()
    }
    rows = sorted((r["licence_ref"], r["row_number"]) for r in intake.lake())
    return {"drops": drops, "files": files, "rows": rows}


def test_killed_anywhere_the_next_night_ends_as_if_nothing_had_happened(
    intake: Intake, night_killed_at: KilledNight, tmp_path, monkeypatch
):
    fill(intake)
    ended, steps = night_killed_at(10**9)
    assert ended == 0
    assert steps > 20, "the steps of every stage are counted"
    expected = state(intake)
    assert len(expected["rows"]) == 40
    points = sorted(random.Random(2026).sample(range(1, steps + 1), KILLS))
    for point in points:
        monkeypatch.setenv("LODA_HOME", str(tmp_path / f"killed-{point}"))
        move_into_home()
        again = Intake(Path(settings().bucket_url))
        fill(again)
        assert night_killed_at(point)[0] == -signal.SIGKILL, point
        again.night()
        assert state(again) == expected, f"killed at step {point} of {steps}"


def test_two_runs_at_once_do_the_work_once(intake: Intake, night_killed_at: KilledNight):
    fill(intake)
    assert night_killed_at("both") == (0, 0)
    assert sorted(d.status for d in intake.drops()) == ["accepted", "refused", "refused", "superseded"]
    assert len(intake.lake()) == 40
    from pipelines.core import lake

    assert lake.version_of("harmonised/hmo_licence") == 2, "an empty beginning, two extracts, and none twice"
