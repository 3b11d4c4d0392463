"""Small registers of which the gate's tests change one thing: rows as dictionaries, files as boroughs drop them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from pipelines.core.ledger.models import Drop
from pipelines.core.settings import settings
from tests.intake.conftest import Intake

TODAY = date(2026, 9, 30)
Row = dict[str, Any]
DISTRICTS = {
    "camden": ["NW1", "NW3", "NW5", "WC1N"],
    "hounslow": ["TW3", "TW4", "TW7", "W4"],
    "islington": ["N1", "N5"],
}
FIRST_UPRN = {"camden": 5_000_000, "hounslow": 100_021_000_000, "islington": 5_300_000}

FIELDS = {
    "hmo_licence": [
        "licence_ref",
        "licence_type",
        "licence_status",
        "address",
        "postcode",
        "uprn",
        "holder_name",
        "max_persons",
        "max_households",
        "commencement_date",
        "expiry_date",
    ],
    "gazetteer": ["uprn", "parent_uprn", "address", "postcode", "start_date", "end_date", "easting", "northing"],
    "council_tax": ["account_ref", "address", "postcode", "uprn", "band", "discount", "liability_start"],
    "service_request": ["request_ref", "request_category", "address", "postcode", "uprn", "received_date"],
}


def know(borough: str, dataset: str, fields: Sequence[str] | None = None) -> None:
    """A mapping under which the columns bear the fields' own names, and the file's name the day of the extract."""
    folder = settings().mappings_dir / borough
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "dates": ["%Y-%m-%d"],
        "extract_date": {"pattern": r"(\d{4}-\d{2}-\d{2})", "format": "%Y-%m-%d"},
        "fields": {name: name for name in fields or FIELDS[dataset]},
    }
    (folder / f"{dataset}.yaml").write_text(yaml.safe_dump(content))


def place(borough: str, number: int) -> Row:
    """Where home number so-and-so of a borough lies."""
    districts = DISTRICTS[borough]
    return {
        "address": f"{number} {borough.title()} Example Road",
        "postcode": f"{districts[number % len(districts)]} {number % 9 + 1}AB",
        "uprn": str(FIRST_UPRN[borough] + number),
    }


def licences(borough: str, rows: int, day: date = TODAY) -> list[Row]:
    """A register of licences as it stands on a day: five years each, evenly granted over the last five."""
    return [
        {
            "licence_ref": f"L/{number:05d}",
            "licence_type": ["mandatory", "additional"][number % 2],
            "licence_status": "current",
            **place(borough, number),
            "holder_name": f"Example Homes {number} Ltd",
            "max_persons": [6, 4][number % 2],
            "max_households": 3,
            "commencement_date": (began := day - timedelta(days=10 + 1700 * number // max(rows, 1))),
            "expiry_date": began + timedelta(days=1825),
        }
        for number in range(rows)
    ]


def gazetteer(borough: str, rows: int) -> list[Row]:
    """A gazetteer of so many homes."""
    return [
        {
            **place(borough, number),
            "parent_uprn": "",
            "start_date": date(2001, 4, 1) + timedelta(days=number),
            "end_date": "",
            "easting": 530_000 + number,
            "northing": 180_000 + number,
        }
        for number in range(rows)
    ]


def accounts(borough: str, rows: int, day: date = TODAY) -> list[Row]:
    """Council tax accounts, one a home."""
    return [
        {
            "account_ref": f"A{number:06d}",
            **place(borough, number),
            "band": "ABCD"[number % 4],
            "discount": ["none", "none", "spd"][number % 3],
            "liability_start": day - timedelta(days=5 + 10 * number),
        }
        for number in range(rows)
    ]


def requests(borough: str, rows: int, day: date = TODAY) -> list[Row]:
    """Requests of the last days, one a day."""
    return [
        {
            "request_ref": f"R{(day - timedelta(days=number)).isoformat()}",
            "request_category": ["noise", "waste", "pests"][number % 3],
            **place(borough, number),
            "received_date": day - timedelta(days=1 + number),
        }
        for number in range(rows)
    ]


def changed(rows: Iterable[Row], change: Callable[[int, Row], Row | None]) -> list[Row]:
    """Rows with `change(place, row)` laid over each."""
    return [{**row, **(change(number, row) or {})} for number, row in enumerate(rows)]


def as_csv(rows: Sequence[Row], fields: Sequence[str] | None = None) -> bytes:
    """The rows as a CSV file."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(fields or rows[0]), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def send(
    intake: Intake, rows: Sequence[Row], day: date = TODAY, place: str = "camden/hmo_licence", name: str = ""
) -> Path:
    """Drop an extract made on a day."""
    dataset = place.split("/")[1]
    return intake.drop(as_csv(rows, FIELDS[dataset]), f"{name or dataset}-{day.isoformat()}.csv", place)


def drop_of(intake: Intake, path: Path) -> Drop:
    """The drop of the file that lies at a path."""
    relative = os.path.relpath(path, intake.bucket)
    (drop,) = [drop for drop in intake.drops() if drop.path == relative]
    return drop


def fate(intake: Intake, path: Path) -> tuple[str, str | None, str]:
    """Status, reason and sentence of the drop at a path."""
    drop = drop_of(intake, path)
    return drop.status, drop.reason, drop.sentence or ""
