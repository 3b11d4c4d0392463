"""A street whose records leave something to people, and the commands with which they decide."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from pipelines.cli import app
from pipelines.core.tables import LINK
from pipelines.governance import access
from pipelines.link import link_borough
from tests.unit.link_lake import put

BOROUGH = "camden"
TWICE = {"address": "4 Example Road", "postcode": "N1 1AA"}
"""An address that the gazetteer holds under two UPRNs, 41 and 42."""

HOUSE = {"address": "6 Example Road", "postcode": "N1 1AA"}
"""An address of one house, 60."""

FLATS = {"address": "8 Example Road", "postcode": "N1 1AA"}
"""A building, 80, with two flats, 81 and 82."""


def gazetteer(*left_out: str) -> list[dict[str, Any]]:
    rows = [
        TWICE | {"uprn": "41", "blpu_class": "RD04"},
        TWICE | {"uprn": "42", "blpu_class": "RD04"},
        HOUSE | {"uprn": "60", "blpu_class": "RD04"},
        FLATS | {"uprn": "80", "blpu_class": "PP"},
        FLATS | {"uprn": "81", "address": "Flat 1, 8 Example Road", "parent_uprn": "80", "blpu_class": "RD06"},
        FLATS | {"uprn": "82", "address": "Flat 2, 8 Example Road", "parent_uprn": "80", "blpu_class": "RD06"},
    ]
    return [row | {"lsoa_code": "E01900001"} for row in rows if row["uprn"] not in left_out]


def night(*records: dict[str, Any], drop: str = "d1", dataset: str = "epc") -> dict[int, dict[str, Any]]:
    """Link the borough after a drop of these records; the links by record, numbered from 1000 on."""
    rows = [{"certificate_ref": f"{drop}-{n}"} | record for n, record in enumerate(records)]
    put(BOROUGH, dataset, rows, drop=drop)
    return linked(dataset)


def linked(dataset: str = "epc") -> dict[int, dict[str, Any]]:
    link_borough(BOROUGH)
    links = access.read_table("link", LINK, boroughs=[BOROUGH]).to_pylist()
    return {link["record_id"]: link for link in links if link["dataset"] == dataset}


def loda(*arguments: str) -> Result:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def export(path: Path) -> list[dict[str, str]]:
    """The rows of an export, as a spreadsheet shows them."""
    done = loda("link", "review", "export", BOROUGH, "--out", str(path))
    assert done.exit_code == 0, done.output
    return read(path)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as handle:
        return list(csv.DictReader(handle))


def fill_in(path: Path, change: Callable[[list[dict[str, str]]], object]) -> None:
    """Change the rows of an export, as an officer does in a spreadsheet."""
    rows = read(path)
    change(rows)
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        pen = csv.DictWriter(handle, list(rows[0]))
        pen.writeheader()
        pen.writerows(rows)


def decide(path: Path, verdict: str, uprn: str = "", address: str = TWICE["address"], who: str = "A Example") -> None:
    """Export, decide about one address, import; all must go well."""
    export(path)
    fill_in(path, lambda rows: [row.update(verdict=verdict, uprn=uprn) for row in rows if row["address"] == address])
    done = loda("link", "review", "import", str(path), "--who", who)
    assert done.exit_code == 0, done.output
