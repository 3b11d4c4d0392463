"""One small synthetic night, run once for all tests that look at its results.

Before it runs, marked personal values are planted in every place where a person's name or
free text can stand, so that the privacy tests have something to find.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.core.ledger.engine import engine
from pipelines.core.settings import settings
from tests.homes import forget_own_files

LODA = Path(sys.executable).with_name("loda")
BOROUGHS = ("camden", "lambeth")
DWELLINGS = 1200
CANARY = "CANARYZEBRA"
BLIND_TO_THE_TRUTH = """
import os, sys
def watch(event, arguments):
    if event in ("open", "os.listdir", "os.scandir") and "truth" in str(arguments[0]).split("/"):
        sys.stderr.write("the truth was opened\\n")
        sys.stderr.flush()
        os._exit(99)
sys.addaudithook(watch)
"""
"""A `sitecustomize`: every process of the night, its workers too, ends at the first look into the folder of the
synthetic boroughs' truth."""
# Headings of these two boroughs' extracts that hold names, references of persons, or free text.
PERSONAL = ("name", "liable", "notes", "comment", "remark", "correspondence", "payer", "party", "applicant", "forward")


@dataclass(frozen=True)
class Night:
    """Where the night's state lies, what it printed, how many canaries were planted, and its lineage events."""

    home: Path
    summary: dict[str, Any]
    printed: str
    planted: int
    lineage: Path

    def loda(self, *arguments: str, check: bool = True, **extra: str) -> Result:
        """What a command says in this home."""
        return loda_here(self.home, *arguments, check=check, **extra)


def environment(home: Path, **extra: str) -> dict[str, str]:
    """One worker unless a test is about several: each loads everything anew, which is most of a small night."""
    return {"LODA_HOME": str(home), "LODA_STABLE_SECONDS": "0", "LODA_WORKERS": "1", **extra}


def loda_here(home: Path, *arguments: str, check: bool = True, **extra: str) -> Result:
    """A command in this very process, which saves loading everything again."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(home, **extra).items():
            patch.setenv(name, value)
        settings.cache_clear()
        forget_own_files()
        done = CliRunner().invoke(app, list(arguments))
        with suppress(OSError):  # no ledger could be opened
            engine().dispose()
    settings.cache_clear()
    forget_own_files()
    assert not check or done.exit_code == 0, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def run_loda(home: Path, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    done = subprocess.run(
        [str(LODA), *arguments],
        env={**os.environ, **environment(home, **extra)},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
        cwd=home.parent,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done


def plant(bucket: Path) -> int:
    """Put a canary in front of every personal value of the CSV extracts; returns how many."""
    planted = 0
    for path in bucket.rglob("*.csv"):
        # latin-1 maps every byte to one character and back, whatever the extract's own encoding.
        text = path.read_bytes().decode("latin-1")
        end = "\r\n" if "\r\n" in text else ("\n" if "\n" in text else "\r")
        lines = text.split(end)
        delimiter = max(",;\t", key=lines[0].count)
        places = [n for n, h in enumerate(lines[0].split(delimiter)) if any(word in h.lower() for word in PERSONAL)]
        for number, line in enumerate(lines[1:], start=1):
            cells = line.split(delimiter)
            if places and len(cells) == lines[0].count(delimiter) + 1 and '"' not in line:
                for place in places:
                    if cells[place].strip():
                        cells[place] = f"{CANARY} {cells[place]}"
                        planted += 1
                lines[number] = delimiter.join(cells)
        path.write_bytes(end.join(lines).encode("latin-1"))
    return planted


@pytest.fixture(scope="session")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    home = tmp_path_factory.mktemp("night") / "home"
    home.mkdir()
    loda_here(home, "demo", "--boroughs", ",".join(BOROUGHS), "--dwellings", str(DWELLINGS), "--seed", "7")
    planted = plant(home / "bucket")
    watched = home.parent / "watched"
    watched.mkdir()
    (watched / "sitecustomize.py").write_text(BLIND_TO_THE_TRUTH)
    paths = os.pathsep.join([str(watched), *filter(None, [os.environ.get("PYTHONPATH")])])
    lineage = home.parent / "lineage.jsonl"
    done = run_loda(home, "run", "--json", PYTHONPATH=paths, LODA_LINEAGE_FILE=str(lineage))
    return Night(home, json.loads(done.stdout), done.stdout + done.stderr, planted, lineage)
