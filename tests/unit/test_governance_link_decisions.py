"""What people decided about links is erased, withdrawn and kept no longer than the records that it was made for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LinkReview
from pipelines.governance import audit, erasure, erasure_search, link_decisions, retention, subjects
from pipelines.governance.enforcement import apply_agreements
from pipelines.link import review
from tests.unit.agreed import agree, withdrawal
from tests.unit.governed_world import borough_with_list
from tests.unit.link_lake import put
from tests.unit.review_world import BOROUGH, TWICE, export, fill_in, gazetteer, loda, night

MADE = datetime(2024, 6, 1, tzinfo=UTC)


def lines_of(_drop: Drop) -> Iterator[pa.Array]:
    yield pa.array([], pa.string())


def decided(uprn: str = "2", **changes: Any) -> int:
    """A decision of Camden; returns its number."""
    usual: dict[str, Any] = {
        "borough": "camden",
        "canonical": "|2||EXAMPLE RD",
        "postcode": "NW6 1AA",
        "address_written": "2 Exmaple Road",
        "postcode_written": "NW6 1AA",
        "verdict": "is",
        "datasets": ["council_tax"],
        "note": "",
        "who": "A Example",
        "decided_at": MADE,
    }
    with transaction() as session:
        made = LinkReview(uprn=uprn, **usual | changes)
        session.add(made)
        session.flush()
        return made.number


def numbers() -> list[int]:
    with transaction() as session:
        return list(session.scalars(sa.select(LinkReview.number).order_by(LinkReview.number)))


@pytest.fixture
def world(home: Path) -> Path:
    borough_with_list("camden")
    return home


# --- erasure ---


def test_a_property_takes_all_decisions_about_it_along(world: Path) -> None:
    of_it = decided("2", superseded_at=MADE)
    of_its_address = decided("1", address_written="2 EXAMPLE ROAD", verdict="is_not")
    other = decided("3", address_written="3 Example Road")
    found = erasure_search.find(subjects.property_subject("uprn:2"), lines_of)
    assert found.decisions == [of_it, of_its_address]
    assert found.counts()["decisions_about_links"] == 2
    assert numbers() == [of_it, of_its_address, other], "to ask deletes nothing"
    erasure.erase(found, "B Example", "request 17")
    assert numbers() == [other]
    for path in world.glob("ledger.db*"):
        assert b"2 Exmaple Road" not in path.read_bytes()


def test_a_persons_name_goes_from_the_notes_and_the_decision_stays(world: Path) -> None:
    number = decided(note="Kate Example rang and said so")
    decided(note="looked it up")
    found = erasure_search.find(subjects.person_subject(["Kate Example"]), lines_of)
    assert found.counts()["notes_of_decisions_that_are_blanked"] == 1
    erasure.erase(found, "B Example", "request 18")
    with transaction() as session:
        assert [d.note for d in session.scalars(sa.select(LinkReview).order_by(LinkReview.number))] == [
            "",
            "looked it up",
        ]
    assert number in numbers()


def test_an_old_file_does_not_bring_an_erased_property_back(home: Path) -> None:
    put(BOROUGH, "gazetteer", gazetteer())
    night(TWICE)
    path = home / "review.csv"
    export(path)
    erasure.erase(erasure_search.find(subjects.property_subject("uprn:41"), lines_of), "B Example", "request 17")
    put(BOROUGH, "gazetteer", gazetteer())  # as if it stood there still
    fill_in(path, lambda rows: rows[0].update(verdict="is", uprn="41"))
    done = loda("link", "review", "import", str(path), "--who", "A Example")
    assert done.exit_code == 1
    assert "were erased" in done.output
    assert numbers() == []


# --- withdrawal and agreements ---


def test_a_withdrawn_dataset_takes_the_decisions_that_rest_on_it_alone(world: Path) -> None:
    decided("1", datasets=["council_tax"])
    both = decided("2", datasets=["council_tax", "hmo_licence"])
    agree(withdrawals=[withdrawal(boroughs=["camden"], datasets=["council_tax"])])
    apply_agreements()
    with transaction() as session:
        (left,) = session.scalars(sa.select(LinkReview))
        (line,) = audit.lines(session, what="delete withdrawn data")
    assert (left.number, left.datasets) == (both, ["hmo_licence"])
    assert line.details["link_decisions"] == 1


def test_without_the_gazetteer_no_decision_is_kept(world: Path) -> None:
    decided(datasets=["council_tax", "hmo_licence"])
    agree(withdrawals=[withdrawal(boroughs=["camden"], datasets=["gazetteer"])])
    apply_agreements()
    assert numbers() == []


def test_what_no_agreement_covers_is_neither_read_nor_applied(world: Path) -> None:
    decided(datasets=["council_tax"])
    assert len(link_decisions.read("camden")) == 1
    assert len(review.decided("camden").rows) == 1
    agree(datasets=["gazetteer", "epc"])
    assert link_decisions.read("camden") == []
    assert review.decided("camden").version == review.NOTHING.version
    assert len(numbers()) == 1, "it is not withdrawn, and may be covered again"


def test_reading_is_on_record(world: Path) -> None:
    decided()
    link_decisions.read("camden")
    with transaction() as session:
        reads = [read for line in audit.lines(session, what="read") for read in line.details["reads"]]
    assert [r["rows"] for r in reads if r["table"] == "link_review"] == [1]


# --- retention ---


def test_a_decision_that_holds_stays_and_a_superseded_one_goes(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holds = decided()
    decided("1", superseded_at=MADE, superseded_by=holds)
    days = retention.retention_days("camden", "gazetteer")
    monkeypatch.setenv("LODA_NOW", (MADE + timedelta(days=days - 1)).isoformat())
    assert retention.due().counts["decisions"] == 0
    monkeypatch.setenv("LODA_NOW", (MADE + timedelta(days=days + 1)).isoformat())
    assert retention.due().counts["decisions"] == 1
    assert retention.apply_retention().counts["decisions"] == 1
    assert numbers() == [holds]
    with transaction() as session:
        (line,) = audit.lines(session, what="delete link decisions past retention")
    assert (line.about, line.details) == ("camden", {"decisions": 1})


def test_a_decision_that_nothing_covers_goes_when_its_days_are_over(
    world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decided()
    agree(valid_until="2024-12-31")
    days = retention.retention_days("camden", "gazetteer")
    monkeypatch.setenv("LODA_NOW", (MADE + timedelta(days=days + 1)).isoformat())
    retention.apply_retention()
    assert numbers() == []
