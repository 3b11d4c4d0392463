"""Retention: what is past it is deleted wherever it lies, what is still needed is kept, and the proof looks again."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood, ListEntry
from pipelines.governance import audit, lake_deletion, retention
from pipelines.governance.drop_deletion import lake_folder
from tests.unit.agreed import agree
from tests.unit.governed_world import NOW, borough_with_list, drop, rows, stored

DAYS = 2555
KEPT = ("raw", "intake", "bucket")


@pytest.fixture
def after(home: Path, monkeypatch: pytest.MonkeyPatch):
    """Go to so many days after the drops of these tests were finished with."""

    def go(days: int) -> None:
        monkeypatch.setenv("LODA_NOW", (NOW + timedelta(days=days)).isoformat())

    go(0)
    return go


def replaced(borough: str = "camden") -> tuple[Drop, Drop]:
    """Two extracts of one dataset, the second in the place of the first."""
    old = drop(borough, "waste", "old bytes", name="old.csv", status="superseded")
    rows("waste", {"waste_ref": "1"}, borough=borough, behind=old)
    new = drop(borough, "waste", "new bytes", name="new.csv")
    rows("waste", {"waste_ref": "1"}, {"waste_ref": "2"}, borough=borough, behind=new)
    return old, new


def there(home: Path, found: Drop) -> dict[str, bool]:
    return {
        "raw": lake_folder().exists(f"raw/{found.sha256}"),
        "intake": lake_folder().exists(f"intake/{found.id}"),
        "bucket": (home / "bucket" / f"{found.path}.receipt.json").exists(),
    }


def test_a_replaced_extract_goes_when_its_days_are_over(home: Path, after):
    old, new = replaced()
    after(DAYS - 1)
    assert retention.due().drops == []
    assert retention.apply_retention().outcome == "unchanged"
    after(DAYS + 1)
    assert [d.id for d in retention.due().drops] == [old.id]
    assert there(home, old) == dict.fromkeys(KEPT, True), "to ask deletes nothing"
    assert retention.apply_retention().counts["drops"] == 1
    assert there(home, old) == dict.fromkeys(KEPT, False)
    assert there(home, new) == dict.fromkeys(KEPT, True)
    assert (home / "bucket" / old.path).exists(), "the borough's own file"
    assert stored("harmonised/waste", "camden") == 2
    assert lake_deletion.old_files("harmonised/waste", {}) == [], "no older version holds its rows"
    with transaction() as session:
        assert session.get_one(Drop, old.id).receipt is None
        (line,) = audit.lines(session, what="delete drop past retention")
    assert (line.about, line.details) == (old.id, {"rows": 1, "days": DAYS})
    assert retention.prove() == (1, [])


def test_the_shortest_lived_data_go_by_their_own_agreement(home: Path, after):
    old, _ = replaced()
    agree(retention_days=30)
    after(31)
    assert [d.id for d in retention.due().drops] == [old.id]
    agree(id="longer", boroughs=["camden"], retention_days=60)
    assert retention.due().drops == [], "another agreement still needs it"


def test_what_a_borough_stands_on_goes_only_when_no_agreement_covers_it(home: Path, after):
    _, new = replaced()
    after(DAYS + 1)
    agree(valid_until="2029-01-01")
    retention.apply_retention()
    assert stored("harmonised/waste", "camden") == 0
    assert list((home / "lake/harmonised/waste").rglob("*.parquet")) == []
    with transaction() as session:
        assert session.scalars(sa.select(LastGood)).all() == []
    assert there(home, new) == dict.fromkeys(KEPT, False)
    assert retention.prove() == (2, [])


def test_what_no_agreement_speaks_of_is_kept_long_enough_to_mend_a_slip(home: Path, after):
    agree(boroughs=["bexley"])
    odd = drop("camden", "waste", "bytes", status="refused", reason="no_agreement")
    after(retention.UNAGREED_DAYS - 1)
    assert retention.due().drops == []
    after(retention.UNAGREED_DAYS + 1)
    retention.apply_retention()
    assert there(home, odd) == dict.fromkeys(KEPT, False)


def test_bytes_that_another_drop_needs_stay(home: Path, after):
    old = drop("camden", "waste", "the same", name="a.csv", status="superseded")
    young = drop("camden", "epc", "the same", name="b.csv", finished_at=NOW + timedelta(days=DAYS))
    after(DAYS + 1)
    retention.apply_retention()
    assert there(home, old)["raw"]
    assert not there(home, old)["intake"]
    assert there(home, young) == dict.fromkeys(KEPT, True)
    assert retention.prove() == (1, [])


def test_an_extract_whose_corrections_are_in_use_stays(home: Path, after):
    old = drop("camden", "waste", "old bytes", name="old.csv", status="superseded")
    late = {"finished_at": NOW + timedelta(days=DAYS)}
    drop("camden", "waste", "mended", name="mended.csv", hashes={"corrects": old.id, "quarantine": ""}, **late)
    after(DAYS + 1)
    assert retention.due().drops == []


def test_entries_of_lists_that_nobody_works_from_go(home: Path, after):
    borough_with_list("camden")
    after(DAYS + 1)
    assert retention.due().lists == [], "the list that is worked from stays"
    agree(valid_until="2029-01-01")
    from pipelines.governance.enforcement import apply_agreements

    apply_agreements()
    assert retention.due().lists == ["camden-2024-06-01-v1"]
    retention.apply_retention()
    with transaction() as session:
        assert session.scalars(sa.select(ListEntry)).all() == []
        (line,) = audit.lines(session, what="delete list past retention")
    assert line.details == {"entries": 3, "dossiers": 0}


@pytest.mark.parametrize(
    "place", ["raw bytes", "intake files", "bucket", "given back", "ledger", "lake", "lake history"]
)
def test_the_proof_finds_what_is_left(home: Path, after, place: str):
    old, _ = replaced()
    kept = {path: (home / "lake" / path).read_bytes() for path in lake_deletion.old_files("harmonised/waste", {})}
    given_back = (home / "bucket" / f"{old.path}.quarantine.csv").read_bytes()
    after(DAYS + 1)
    retention.apply_retention()
    if place == "raw bytes":
        lake_folder().write_bytes(f"raw/{old.sha256}", b"back")
    elif place == "intake files":
        lake_folder().write_bytes(f"intake/{old.id}/rows.parquet", b"back")
    elif place == "bucket":
        (home / "bucket" / f"{old.path}.receipt.json").write_text("{}")
    elif place == "given back":
        (home / "bucket" / f"{old.path}.quarantine.csv").write_bytes(given_back)
    elif place == "ledger":
        with transaction() as session:
            session.get_one(Drop, old.id).receipt = {}
    elif place == "lake":
        rows("waste", {"waste_ref": "1"}, borough="camden", behind=old)
    else:
        for path, content in kept.items():
            (home / "lake" / path).write_bytes(content)
    looked, left = retention.prove()
    assert looked == 1
    assert {item.where for item in left} == {"bucket" if place == "given back" else place}
    assert "old bytes" not in json.dumps([item.what for item in left])
