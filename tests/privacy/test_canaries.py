"""Marked values in every personal field and ignored column of every dataset, through Airflow: where do they turn up?

A canary names the field it was planted in, so a leak says what leaked. Nothing of them may stand in a log, in
Airflow's database (XCom, task states, rendered fields), in a result of the gate, in a receipt, on a page or in a list.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pipelines.core import beside
from schemas import registry
from schemas.mapping import Mapping
from tests.night.conftest import environment, loda_here

ROOT = Path(__file__).resolve().parents[2]
BOROUGH = "camden"
EVERY = 9
"""One row in so many gets a canary in its address: such a row links to nothing, and the night must still work."""
MARK = "ZEBRAFINCH"
PERSONAL = {"indirect", "direct", "special", "public_register"}
NUMBERS_AND_DATES = {"integer", "number", "date", "boolean"}
OPEN_TO_ALL = {"holder_name", "holder_address", "manager_name"}
"""Published by statute (Housing Act 2004 s.232), so text in the lake; still in no log, receipt or list."""


def canary(dataset: str, what: str) -> str:
    return f"{MARK}{dataset}{what}".replace("_", "").replace(" ", "").upper()


@dataclass
class Watched:
    home: Path
    printed: str
    planted: dict[str, int]


def _targets(mapping: Mapping) -> dict[str, str]:
    """Headings that get a canary, and what it is called."""
    contract = registry.contract(mapping.dataset)
    found = {column: f"ignored{n}" for n, column in enumerate(mapping.ignore)}
    for name, how in mapping.fields.items():
        field = contract.by_name[name]
        # A UPRN with text in it is none; whether a faulty cell is quoted is just what is asked here.
        if field.privacy in PERSONAL and field.type not in NUMBERS_AND_DATES:
            found |= dict.fromkeys(how.sources, name)
    return found


def _plant(path: Path, mapping: Mapping, planted: dict[str, int]) -> None:
    shape = mapping.shape
    text = path.read_bytes().decode(shape.encoding)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=shape.delimiter))
    heading = [" ".join(cell.split()) for cell in rows[shape.header_row - 1]]
    targets = {n: _targets(mapping)[name] for n, name in enumerate(heading) if name in _targets(mapping)}
    contract = registry.contract(mapping.dataset)
    for number, row in enumerate(rows[shape.header_row :]):
        for place, what in targets.items():
            rare = what in contract.by_name and contract.by_name[what].privacy == "indirect"
            if place < len(row) and row[place].strip() and (not rare or number % EVERY == 0):
                mark = canary(mapping.dataset, what)
                row[place] = f"{row[place]} {mark}"
                planted[mark] = planted.get(mark, 0) + 1
    made = io.StringIO(newline="")
    csv.writer(made, delimiter=shape.delimiter, lineterminator="\r\n").writerows(rows)
    path.write_bytes(made.getvalue().encode(shape.encoding))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    home = tmp_path_factory.mktemp("canaries") / "home"
    home.mkdir()
    loda_here(home, "demo", "--boroughs", BOROUGH, "--dwellings", "600", "--seed", "11")
    planted: dict[str, int] = {}
    for path in sorted((home / "bucket" / "drops" / BOROUGH).glob("*/*.csv")):
        if path.parent.name == "gazetteer":
            continue  # its addresses are what a list is there to show
        (mapping,) = [m for m in registry.mappings(BOROUGH, path.parent.name) if m.name == path.parent.name]
        _plant(path, mapping, planted)
    own = {**os.environ, **environment(home)}
    for name in ("AIRFLOW_HOME", "AIRFLOW_CONFIG", "AIRFLOW__CORE__DAGS_FOLDER"):
        own.pop(name, None)
    night = [sys.executable, str(ROOT / "dags" / "run_one_night.py")]
    done = subprocess.run(night, env=own, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return Watched(home, done.stdout + done.stderr, planted)


def test_every_kind_of_personal_field_carries_a_canary(watched: Watched) -> None:
    text = " ".join(watched.planted)
    for needed in (
        "LIABLENAME",
        "LIABLEADDRESS",
        "HOLDERNAME",
        "HOLDERADDRESS",
        "APPLICANTNAME",
        "ACCOUNTREF",
        "IGNORED",
    ):
        assert needed in text
    assert sum(watched.planted.values()) > 2000


def test_nothing_is_printed(watched: Watched) -> None:
    assert MARK not in watched.printed


def test_no_file_outside_the_lake_and_the_drops_holds_one(watched: Watched) -> None:
    """Logs, Airflow's database with its XCom, the ledger, receipts, pages, models and published lists."""
    leaked = {}
    for path in sorted(watched.home.rglob("*")):
        relative = path.relative_to(watched.home)
        if not path.is_file() or relative.parts[0] in {"truth", "lake"}:
            continue
        if relative.parts[0] == "bucket" and not _is_answer(path):
            continue
        found = _found(path.read_bytes()) | (_found_in_sheet(path) if path.suffix == ".xlsx" else set())
        if path.suffix == ".parquet":
            found |= _found(json.dumps(pq.read_table(path).to_pylist(), default=str).encode())
        if found:
            leaked[str(relative)] = sorted(found)
    assert leaked == {}


def test_the_lake_holds_tokens_where_people_were_named(watched: Watched) -> None:
    leaked = set()
    for path in (watched.home / "lake").rglob("*.parquet"):
        if path.relative_to(watched.home / "lake").parts[0] == "raw":
            continue  # the bytes as they were dropped, which retention takes away
        table = pq.read_table(path)
        for name in table.column_names:
            if _is_open(path, name):
                continue
            leaked |= {f"{path.parent.name}: {name}" for _ in _found(str(table[name].to_pylist()).encode())}
    assert leaked == set()


def _is_open(path: Path, name: str) -> bool:
    dataset = next((part for part in path.parts if part in registry.contracts()), None)
    if name in OPEN_TO_ALL or dataset is None:
        return name in OPEN_TO_ALL
    field = registry.contract(dataset).by_name.get(name)
    return field is not None and field.privacy == "indirect"  # addresses, which are what the lake links


def _is_answer(path: Path) -> bool:
    """What we write beside a drop, except the quarantined rows, which are the borough's own."""
    return path.name.endswith(beside.NEVER_A_DROP) or "NOTICE" in path.name


def _found(content: bytes) -> set[str]:
    return {hit.decode() for hit in re.findall(MARK.encode() + rb"[A-Z0-9]*", content)}


def _found_in_sheet(path: Path) -> set[str]:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return set().union(*(_found(archive.read(name)) for name in archive.namelist()))
