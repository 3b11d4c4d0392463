"""A disk or bucket that fails while a drop is read: told as that, and the drop is neither refused nor held for it."""

from __future__ import annotations

import errno
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pandas as pd
import pytest

from pipelines import ingest, night
from pipelines.core.bucket import Folder
from pipelines.core.ledger.models import DropStatus
from pipelines.core.outside import Outside
from pipelines.extracts import raw_folder
from pipelines.ingest import admission
from tests.intake.conftest import Intake, register


def workbook(rows: int) -> bytes:
    made = io.BytesIO()
    pd.read_csv(io.BytesIO(register(rows)), dtype=str).to_excel(made, index=False, engine="xlsxwriter")
    return made.getvalue()


def parquet(rows: int) -> bytes:
    return pd.read_csv(io.BytesIO(register(rows)), dtype=str).to_parquet(index=False)


class Failing(io.BytesIO):
    """A file on a disk that fails behind its first bytes."""

    def read(self, size: int | None = -1, /) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    def readinto(self, buffer: Any, /) -> int:
        raise OSError(errno.EIO, "Input/output error")


@contextmanager
def fails(_folder: Folder, _path: str) -> Iterator[IO[bytes]]:
    yield Failing(b"PK" * 5_000)


@pytest.mark.parametrize(
    ("name", "content"),
    [("register.csv", register(5)), ("register.xlsx", workbook(5)), ("register.parquet", parquet(5))],
)
@pytest.mark.parametrize("stage", ["admit", "harmonise"])
def test_a_drop_is_not_refused_for_the_store_that_it_lies_on(
    stage: str, name: str, content: bytes, intake: Intake, monkeypatch: pytest.MonkeyPatch
):
    intake.drop(content, name)
    if stage == "harmonise":
        ingest.admit("oxford")
    with monkeypatch.context() as failing:
        failing.setattr(Folder, "read_own" if stage == "admit" else "read", fails)
        with pytest.raises(Outside, match="A disk or file system fails"):
            getattr(night, stage)("oxford")
    assert [drop.status for drop in intake.drops()] == ([] if stage == "admit" else [DropStatus.RECEIVED])
    intake.night()
    # Oxford's layout is known as CSV only; the others are read to their headings, as on a store that does not fail.
    assert intake.only().status == (DropStatus.ACCEPTED if name.endswith(".csv") else DropStatus.HELD)
    assert intake.only().reason in (None, "no_mapping", "layout_changed")


def test_a_kill_after_a_drop_is_recorded_leaves_no_copy_behind(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    """The same bytes under another name are recorded as a duplicate, and their second copy is gone before that."""
    intake.drop(register(5), "first.csv")
    ingest.admit("oxford")
    intake.drop(register(5), "again.csv")
    seen: list[list[str]] = []
    own = admission._record

    def record(*arguments: Any) -> DropStatus | None:
        seen.append([entry.path for entry in raw_folder().list("incoming")])
        return own(*arguments)

    monkeypatch.setattr(admission, "_record", record)
    ingest.admit("oxford")
    assert seen == [[]]
