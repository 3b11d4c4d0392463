"""Drops made to reach what is not the borough's: links, pipes, paths, SQL in cells and headings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import engine
from pipelines.core.settings import settings
from tests.intake.conftest import HEADER, Intake, register, row

SECRET = b"canary-elsewhere-77,1,1,1,1,1\n"
INJECTIONS = (
    "'; DROP TABLE loda_drop; --",
    "1' OR '1'='1",
    "x' UNION SELECT id FROM loda_drop --",
    "borough = 'oxford' OR 1=1",
    "%s %(id)s :id {0} ${jndi:ldap://x}",
)


@pytest.fixture
def intake(home: Path) -> Intake:
    return Intake(Path(settings().bucket_url))


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A file that is not the borough's, though the platform may read it."""
    path = tmp_path / "elsewhere" / "secret.csv"
    path.parent.mkdir()
    path.write_bytes(SECRET)
    return path


def place(intake: Intake) -> Path:
    folder = intake.bucket / "drops" / "oxford" / "hmo_licence"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def holders_of(secret: bytes, home: Path) -> list[str]:
    """Plain files below the home that hold something."""
    files = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    return [str(path.relative_to(home)) for path in files if secret in path.read_bytes()]


def test_a_link_is_refused_unread_wherever_it_leads(intake: Intake, home: Path, elsewhere: Path) -> None:
    (place(intake) / "register.csv").symlink_to(elsewhere)
    intake.night()
    found = intake.only()
    assert (found.status, found.reason) == ("refused", "unreadable_file")
    assert "link" in (found.sentence or "")
    assert holders_of(b"canary-elsewhere", home) == []


def test_a_link_to_another_boroughs_extract_is_refused(intake: Intake) -> None:
    theirs = intake.drop(register(5), place="sheffield/hmo_licence")
    (place(intake) / "register.csv").symlink_to(theirs)
    intake.night()
    assert [d.reason for d in intake.drops() if d.borough == "oxford"] == ["unreadable_file"]
    assert intake.lake() == []


def test_a_link_that_leads_nowhere_and_a_linked_folder_stop_nobody(intake: Intake, elsewhere: Path) -> None:
    (place(intake) / "gone.csv").symlink_to(elsewhere.with_name("gone.csv"))
    (place(intake) / "folder.csv").symlink_to(elsewhere.parent)
    intake.drop(register(3))
    intake.night()
    assert len(intake.lake()) == 3
    assert sorted(str(d.reason) for d in intake.drops()) == ["None", "unreadable_file", "unreadable_file"]
    assert [path.name for path in elsewhere.parent.iterdir()] == ["secret.csv"], "nothing is written through a link"
    assert intake.night() == []


def test_a_pipe_does_not_hold_up_the_night(intake: Intake) -> None:
    os.mkfifo(place(intake) / "pipe.csv")
    intake.drop(register(3))
    intake.night()
    assert len(intake.lake()) == 3
    assert {d.reason for d in intake.drops()} == {None, "unreadable_file"}


def test_nothing_is_written_through_a_link_that_lies_where_a_receipt_will(intake: Intake, elsewhere: Path) -> None:
    path = intake.drop(register(3))
    for name in (f".{path.name}.receipt.txt.part", f"{path.name}.receipt.txt", f"{path.name}.receipt.json"):
        path.with_name(name).symlink_to(elsewhere)
    intake.night()
    assert elsewhere.read_bytes() == SECRET
    receipt = path.with_name(f"{path.name}.receipt.txt")
    assert not receipt.is_symlink()
    assert "3" in receipt.read_text()


@pytest.mark.parametrize(
    "name", ["..", "../x.csv", "a/../../x.csv", "/etc/x.csv", "%2e%2e%2fx.csv", "..%2fx.csv", "a\\..\\x.csv"]
)
def test_no_key_of_a_store_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    folder = Folder(str(tmp_path / "bucket"))
    (tmp_path / "x.csv").write_bytes(SECRET)
    folder.write_bytes("drops/in.csv", b"in")
    before = sorted(str(p) for p in tmp_path.rglob("*") if "bucket" not in p.parts)
    for act in (lambda: folder.write_bytes(name, b"out"), lambda: folder.remove(name)):
        try:
            act()
        except ValueError as error:
            assert "leads out" in str(error)  # noqa: PT017 - a name that stays inside is only a strange one
    assert sorted(str(p) for p in tmp_path.rglob("*") if "bucket" not in p.parts) == before
    assert (tmp_path / "x.csv").read_bytes() == SECRET


@pytest.mark.parametrize("name", ["%2e%2e%2f%2e%2e%2fregister.csv", "a\\..\\..\\register.csv"])
def test_a_name_that_is_a_path_elsewhere_is_only_a_name_here(intake: Intake, home: Path, name: str) -> None:
    before = set(home.parent.rglob("*.csv"))
    intake.drop(register(3), name)
    intake.night()
    assert len(intake.lake()) == 3
    made = set(home.parent.rglob("*.csv*")) - before
    assert all(path.is_relative_to(home) for path in made)


@pytest.mark.parametrize("text", INJECTIONS)
def test_sql_in_cells_headings_and_names_is_text(intake: Intake, text: str) -> None:
    intake.bucket.mkdir()
    tables = set(sa.inspect(engine()).get_table_names()) if intake.night() == [] else set()
    quoted = '"' + text.replace('"', '""') + '"'
    rows = [row(n, location=f'"{n} Example Road {text} Oxford OX4 1AB"') for n in range(1, 6)]
    intake.drop("\n".join([HEADER, *rows]).encode(), f"{text.replace('/', '_')}.csv")
    intake.drop("\n".join([f"{HEADER},{quoted}", *(row(n) + ",1" for n in range(10, 15))]).encode(), "heading.csv")
    intake.night()
    found = {d.path.rsplit("/", 1)[-1]: d for d in intake.drops()}
    assert len(found) == 2, "both are on record"
    assert found["heading.csv"].reason == "layout_changed"
    assert [r["address"].count(text) for r in intake.lake()] == [1] * 5
    assert set(sa.inspect(engine()).get_table_names()) >= tables
    assert tables
