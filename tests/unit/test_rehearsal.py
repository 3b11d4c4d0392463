"""A rehearsal answers as the night would, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pipelines.core.bucket import Folder
from pipelines.core.settings import settings
from pipelines.extracts import Extract
from pipelines.rehearsal import Rehearsal, rehearse
from schemas import registry
from tests.intake.conftest import HEADER, Intake, register, row

BLANK = "\n".join([HEADER, *(row(n, location="") for n in range(9))]).encode()
FAULTY = "\n".join([HEADER, *(row(n) for n in range(1, 9)), row(9, location=""), row(10, start="31/04/2024")]).encode()


ROOT = Path(__file__).resolve().parents[2]


def of(content: bytes, folder: Path, name: str = "register.csv", **given) -> Rehearsal:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    extract = Extract(Folder(str(folder)), name, Path(name).suffix.lower())
    return rehearse(extract, **({"borough": "oxford", "dataset": "hmo_licence", "file_name": name} | given))


def everything(folder: Path) -> dict[str, bytes]:
    """All files but the index of readers that SQLite keeps in shared memory."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.suffix != ".db-shm"]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}


@pytest.fixture
def intake(home: Path) -> Intake:
    return Intake(Path(settings().bucket_url))


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A LODA_HOME that does not exist."""
    monkeypatch.setenv("LODA_HOME", str(tmp_path / "none"))
    settings.cache_clear()
    registry.clear()
    yield tmp_path / "none"
    settings.cache_clear()
    registry.clear()


def test_without_a_ledger_a_file_is_answered_and_nothing_is_made(nowhere: Path, tmp_path: Path):
    made = of(FAULTY, tmp_path / "files")
    assert made.would_be_accepted
    assert (made.receipt["rows_in"], made.receipt["accepted"], made.receipt["quarantined"]) == (10, 9, 1)
    assert made.quarantine_csv is not None
    assert b'"10"' in made.quarantine_csv
    assert not nowhere.exists()


def test_it_says_what_the_night_then_says(intake: Intake, tmp_path: Path):
    intake.drop(register(30), "earlier.csv")
    intake.night()
    before = everything(settings().home)
    rehearsed = of(FAULTY, tmp_path / "files").receipt
    assert everything(settings().home) == before, "nothing is stored"
    intake.drop(FAULTY)
    intake.night()
    real = json.loads(json.dumps(intake.drops()[-1].receipt))
    assert real["since_last"]["rows_in"] == {"before": 30, "now": 10}
    apart = {"received_at", "made_from", "extract_date", "outcome", "rehearsed", "notes"}
    assert (rehearsed["outcome"], real["outcome"]) == ("Would be accepted", "Accepted")
    assert {k: v for k, v in rehearsed.items() if k not in apart} == {k: v for k, v in real.items() if k not in apart}


@pytest.mark.parametrize(
    ("content", "name", "status", "reason"),
    [
        (b"", "register.csv", "refused", "empty_file"),
        (b"%PDF-1.7 nothing", "register.csv", "refused", "not_text"),
        (b"PK\x03\x04 damaged", "register.xlsx", "refused", "unreadable_spreadsheet"),
        (HEADER.encode() + b"\n", "register.csv", "refused", "no_rows"),
        (register(3), "n" * 240 + ".csv", "refused", "name_too_long"),
        (b"One,Two\n1,2\n", "register.csv", "held", "layout_changed"),
        (register(3, header=HEADER.replace("Location", "Premises")), "register.csv", "held", "layout_changed"),
        (BLANK, "register.csv", "held", "too_many_quarantined"),
    ],
)
def test_bad_files_never_raise(nowhere: Path, tmp_path: Path, content, name, status, reason):
    short = name if len(name) < 200 else "short.csv"
    made = of(content, tmp_path / "files", short, file_name=name)
    assert (made.receipt["status"], made.receipt["reason"]) == (status, reason)
    assert made.receipt["sentence"].endswith(".")
    assert not made.would_be_accepted


def test_a_place_that_no_night_reads_is_told(nowhere: Path, tmp_path: Path):
    assert of(register(3), tmp_path, borough="atlantis").receipt["reason"] == "unknown_borough"
    assert of(register(3), tmp_path, dataset="dragons").receipt["reason"] == "unknown_dataset"
    assert of(register(3), tmp_path, dataset="council_tax").receipt["reason"] == "no_agreement"


def test_a_proposed_mapping_is_tried_without_being_stored(nowhere: Path, tmp_path: Path):
    known = registry.mappings("oxford", "hmo_licence")[0]
    renamed = known.model_copy(
        update={
            "name": "proposed",
            "fields": {
                k: v.model_copy(update={"column": "Premises"}) if v.column == "Location" else v
                for k, v in known.fields.items()
            },
        }
    )
    content = register(4, header=HEADER.replace("Location", "Premises"))
    made = of(content, tmp_path / "files", borough="sheffield", mapping=renamed)
    assert (made.receipt["status"], made.usable) == ("accepted", 4)


def test_private_files_go_in_any_case(intake: Intake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    private = tmp_path / "private"
    private.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(private))
    of(FAULTY, tmp_path / "files")
    with monkeypatch.context() as broken:
        broken.setattr("pipelines.rehearsal.answer", _full_disk)
        with pytest.raises(OSError, match="disk"):
            of(FAULTY, tmp_path / "files")
    assert list(private.iterdir()) == []


def _full_disk(*_: object, **__: object) -> int:
    raise OSError("disk full")


READ_ONLY = """
import sys
from pathlib import Path
from pipelines.core.bucket import Folder
from pipelines.extracts import Extract
from pipelines.rehearsal import rehearse
home = Path(sys.argv[1])
try:
    (home / "written").touch()
except PermissionError:
    made = rehearse(
        Extract(Folder(str(home)), "register.csv", ".csv"),
        borough="oxford", dataset="hmo_licence", file_name="register.csv",
    )
    print(made.receipt["status"], made.receipt["quarantined"], *made.receipt["notes"])
"""


AS_ANYBODY = ["setpriv", "--bounding-set", "-dac_override"] if os.geteuid() == 0 else []
"""Root may write anywhere, unless it gives that up."""


@pytest.mark.skipif(bool(AS_ANYBODY) and shutil.which("setpriv") is None, reason="root cannot give up its rights here")
def test_a_home_that_may_not_be_written_to(intake: Intake):
    """The ledger is there and cannot be opened for writing."""
    intake.drop(register(5))
    intake.night()
    with tempfile.TemporaryDirectory() as open_to_all:
        home = Path(open_to_all) / "home"
        shutil.copytree(settings().home, home)
        (home / "register.csv").write_bytes(FAULTY)
        for path in (*home.rglob("*"), home, Path(open_to_all)):
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = subprocess.run(
            [*AS_ANYBODY, sys.executable, "-c", READ_ONLY, str(home)],
            env={**os.environ, "LODA_HOME": str(home), "PYTHONPATH": str(ROOT)},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        for path in (Path(open_to_all), home, *home.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith("accepted 1 "), done.stdout
