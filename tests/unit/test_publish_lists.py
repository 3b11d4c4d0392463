"""Issued lists as files: safe to open, whole, and switched over at one moment."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.publish import publish_lists
from pipelines.publish.safe_cells import safe

BOROUGH = "camden"
EVIL = '=HYPERLINK("http://example.org","x")'


def issue(version: int = 1, as_of: date = date(2024, 6, 1), address: str = EVIL) -> str:
    list_id = f"{BOROUGH}-{as_of}-v{version}"
    with transaction() as session:
        session.add(
            PublishedList(
                id=list_id,
                borough=BOROUGH,
                as_of=as_of,
                version=version,
                issued_at=datetime(2024, 6, 1, 3, tzinfo=UTC),
                model_id="m1",
                input_hash="0" * 64,
                capacity=1,
                rows=2,
                tie_seed=7,
                expected_hits=0.9,
                files={},
            )
        )
        session.flush()
        for rank, uprn in ((1, "100000000001"), (2, "5")):
            session.add(
                ListEntry(
                    list_id=list_id,
                    rank=rank,
                    uprn=uprn,
                    address=address,
                    ward=None,
                    probability=0.9,
                    reasons=["+1 surname", "@home", "-3"][:rank],
                    licence_needed="mandatory",
                    licence_status="no licence found",
                    licence_why="\tBecause.",
                )
            )
    return list_id


def place(home: Path, version: str = "2024-06-01-v1") -> Path:
    return home / "published" / BOROUGH / version


def test_nothing_issued_is_skipped(home: Path) -> None:
    assert publish_lists(BOROUGH).outcome == "skipped"
    assert not (home / "published").exists()


def test_files_manifest_and_current(home: Path) -> None:
    list_id = issue()
    assert publish_lists(BOROUGH).outcome == "made"
    folder = place(home)
    assert sorted(path.name for path in folder.iterdir()) == ["list.csv", "list.parquet", "list.xlsx", "manifest.json"]
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, sha256 in manifest["sha256"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    assert (manifest["model_id"], manifest["capacity"], manifest["as_of"]) == ("m1", 1, "2024-06-01")
    assert len(manifest["code_version"]) == 12
    current = json.loads((home / "published" / BOROUGH / "current.json").read_text())
    assert current["version"] == "2024-06-01-v1"
    assert current["manifest_sha256"] == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    with transaction() as session:
        kept = session.get_one(PublishedList, list_id)
        assert kept.published_at is not None
        assert set(kept.files) == {"list.csv", "list.xlsx", "list.parquet", "manifest.json"}


def test_no_cell_is_a_formula(home: Path) -> None:
    issue()
    publish_lists(BOROUGH)
    rows = list(csv.DictReader(io.StringIO((place(home) / "list.csv").read_text())))
    assert next(iter(rows[0])) == "uprn"
    assert [row["uprn"] for row in rows] == ["100000000001", "5"]
    assert [row["within_capacity"] for row in rows] == ["yes", "no"]
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    assert rows[0]["address"] == "'" + EVIL
    with zipfile.ZipFile(place(home) / "list.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
        assert "<f>" not in sheet
        assert "100000000001" in book.read("xl/sharedStrings.xml").decode(), "UPRNs are text"
    table = pq.read_table(place(home) / "list.parquet")
    assert table.column_names[0] == "uprn"
    assert table["address"].to_pylist()[0] == EVIL, "Parquet is no spreadsheet: data as it is"


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\tx", "\rx", "\n=1", "  =1", "＝1"])
def test_what_a_spreadsheet_might_run_gets_an_apostrophe(text: str) -> None:
    assert safe(pd.Series([text]))[0].startswith("'")


@pytest.mark.parametrize("text", ["12A High Road", "Flat 2 - rear", "a=b", "", "'quoted"])
def test_other_text_is_left_alone(text: str) -> None:
    assert safe(pd.Series([text]))[0] == text


def test_control_characters_are_taken_out() -> None:
    assert safe(pd.Series(["a\x00b\x1fc", None])).tolist() == ["abc", ""]


def test_published_again_it_is_unchanged_and_a_damaged_file_is_mended(home: Path) -> None:
    issue()
    publish_lists(BOROUGH)
    before = {path.name: path.read_bytes() for path in place(home).iterdir()}
    assert publish_lists(BOROUGH).outcome == "unchanged"
    (place(home) / "list.csv").write_bytes(b"damaged")
    assert publish_lists(BOROUGH).outcome == "made"
    assert {path.name: path.read_bytes() for path in place(home).iterdir()} == before, "the same list, the same bytes"


def test_current_is_written_last_and_a_killed_run_is_done_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issue()
    publish_lists(BOROUGH)
    issue(version=2)
    written: list[str] = []
    real = Folder.write

    @contextmanager
    def killed(self: Folder, path: str) -> Iterator[IO[bytes]]:
        if path == "current.json":
            raise KeyboardInterrupt
        with real(self, path) as handle:
            yield handle
        written.append(path)

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            publish_lists(BOROUGH)
    assert len(written) == 4
    current = home / "published" / BOROUGH / "current.json"
    assert json.loads(current.read_text())["version"] == "2024-06-01-v1", "readers still follow the whole list"
    assert publish_lists(BOROUGH).outcome == "made"
    assert json.loads(current.read_text())["version"] == "2024-06-01-v2"


def test_the_newest_day_and_version_is_published(home: Path) -> None:
    issue(version=1, as_of=date(2024, 6, 2))
    issue(version=2, as_of=date(2024, 6, 1))
    publish_lists(BOROUGH)
    current = json.loads((home / "published" / BOROUGH / "current.json").read_text())
    assert current["version"] == "2024-06-02-v1"
