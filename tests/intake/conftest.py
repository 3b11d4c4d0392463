"""A borough's intake on a synthetic register in Oxford's public layout: bytes in, drops and receipts out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import sqlalchemy as sa

from pipelines import gate, harmonise, ingest, publish
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop
from pipelines.core.settings import settings
from pipelines.governance import access

HEADER = "Case Number,Location,Total Number Occupants,Total Number Units,Licence Commenced,Licence Expires"
NIGHT: tuple[Callable[[str], object], ...] = (ingest.admit, harmonise.harmonise, gate.gate, publish.publish_drops)


def row(number: int, **cells: str) -> str:
    """One sound row of the register, with some cells changed."""
    sound = {
        "case": f"23/{number:05d}/HMOLIC",
        "location": f"{number} Example Road Oxford OX4 1AB",
        "occupants": "6",
        "units": "5",
        "start": "01/02/2023",
        "end": "31/01/2028",
    }
    return ",".join((sound | cells).values())


def register(rows: int, first: int = 1, header: str = HEADER) -> bytes:
    """A sound register with so many rows."""
    return "\n".join([header, *(row(n) for n in range(first, first + rows))]).encode() + b"\n"


@dataclass
class Intake:
    """Drop bytes, run the intake, read what became of them."""

    bucket: Path

    def drop(self, content: bytes, name: str = "register.csv", place: str = "oxford/hmo_licence") -> Path:
        path = self.bucket / "drops" / place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def night(self) -> list[str]:
        boroughs = ingest.discover()
        for borough in boroughs:
            for stage in NIGHT:
                stage(borough)
        return boroughs

    def drops(self) -> list[Drop]:
        with transaction() as session:
            return list(session.scalars(sa.select(Drop).order_by(Drop.received_at, Drop.id)))

    def only(self) -> Drop:
        (found,) = self.drops()
        assert found.receipt is not None, "every drop has a receipt"
        assert found.rows_in == found.accepted + found.quarantined
        return found

    def lake(self, dataset: str = "hmo_licence", borough: str = "oxford") -> list[dict]:
        return access.read_dataset(dataset, boroughs=[borough], purpose="hmo_detection").to_pylist()


@pytest.fixture
def intake(home: Path) -> Intake:
    return Intake(Path(settings().bucket_url))


KilledNight = Callable[[int | Literal["both"]], tuple[int, int]]


@pytest.fixture(scope="module")
def night_killed_at() -> Iterator[KilledNight]:
    """Run the intake of the present home until its N-th lasting step: how it ended, and the steps of a whole one.

    For "both", run two at once to their ends: how each ended.
    """
    driver = Path(__file__).with_name("killed_night.py")
    environment = {**os.environ, "PYTHONPATH": str(driver.parents[2]), "LODA_STABLE_SECONDS": "0"}
    process = subprocess.Popen(
        [sys.executable, str(driver)], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def run(step: int | Literal["both"]) -> tuple[int, int]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{settings().home} {step}\n")
        process.stdin.flush()
        ended, steps = process.stdout.readline().split()
        return int(ended), int(steps)

    yield run
    process.communicate(timeout=60)
