"""What visits made of the lists: an unbiased base rate, and hits found against hits expected."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.hmo import outcomes
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.ranking import control
from tests.unit.licensing_world import BOROUGH, write_dataset, write_links

DAY = date(2024, 6, 1)
CAPACITY = 40


def issue(
    day: date, uprns: list[str], chances: list[float], slots: dict[str, int], frame: int, version: int = 1
) -> str:
    name = f"{BOROUGH}-{day}-v{version}"
    with transaction() as session:
        session.add(
            PublishedList(
                id=name, borough=BOROUGH, as_of=day, version=version, issued_at=datetime(2024, 6, 1, tzinfo=UTC),
                model_id="m", input_hash="0", capacity=CAPACITY, rows=len(uprns), tie_seed=1, expected_hits=0.0,
                files={}, control_frame=frame,
            )
        )  # fmt: skip
        session.flush()
        for rank, (uprn, chance) in enumerate(zip(uprns, chances, strict=True), start=1):
            session.add(
                ListEntry(
                    list_id=name, rank=rank, uprn=uprn, address="x", ward=None, probability=chance, reasons=[],
                    licence_needed="mandatory", licence_status="none", licence_why="", control_slot=slots.get(uprn),
                )
            )  # fmt: skip


def visit(*visits: tuple[str, date, str, str | None]) -> None:
    """Visits of (UPRN, day, reason, finding); without a finding there was no access."""
    rows = [
        {
            "inspection_ref": f"i{n}", "visit_date": day, "visit_reason": reason, "finding": finding,
            "access": "no_access" if finding is None else "gained", "known_since": day,
        }
        for n, (_, day, reason, finding) in enumerate(visits)
    ]  # fmt: skip
    write_dataset("inspection", *rows)
    write_links(*(("inspection", n, uprn) for n, (uprn, *_) in enumerate(visits, start=1)))


def test_the_base_rate_by_hand(home: Path):
    uprns = [str(n) for n in range(1, CAPACITY + 1)]
    issue(DAY, uprns, [0.5] * CAPACITY, {"3": 3, "20": 20, "40": 40}, frame=1000)
    assert outcomes.base_rate(BOROUGH) is None
    after = DAY + timedelta(days=10)
    visit(
        ("1", after, "list", "hmo_unlicensed"),
        ("3", after, "list", "single_household"),
        ("20", after, "control", "hmo_unlicensed"),
        ("30", after, "list", "not_hmo"),
    )
    found = outcomes.base_rate(BOROUGH)
    assert (found.lists, found.drawn, found.visited, found.answered, found.hmos) == (1, 2, 2, 2, 1)
    assert (found.rate, found.candidates) == (0.5, 1000), "the control at 40 lies beyond the last visit at 30"
    assert found.low < 0.15
    assert found.high > 0.85


def test_only_visits_because_of_the_list_within_the_window_count(home: Path):
    issue(DAY, ["1", "2"], [0.9, 0.1], {"2": 2}, frame=100)
    visit(
        ("2", DAY - timedelta(days=1), "list", "hmo_unlicensed"),
        ("2", DAY + timedelta(days=5), "complaint", "hmo_unlicensed"),
        ("2", DAY + timedelta(days=outcomes.WINDOW_DAYS + 1), "list", "hmo_unlicensed"),
    )
    assert outcomes.base_rate(BOROUGH) is None
    assert outcomes.expected_against_found(BOROUGH) is None


def test_a_list_that_nobody_worked_from_says_nothing(home: Path):
    """A control of another night's list that was visited for its likelihood would raise the rate."""
    uprns = [str(n) for n in range(1, CAPACITY + 1)]
    issue(DAY, uprns, [0.5] * CAPACITY, {"2": 2, "20": 20, "39": 39}, frame=1000)
    visit(("2", DAY, "list", "hmo_unlicensed"), ("40", DAY, "list", "not_hmo"))
    assert outcomes.base_rate(BOROUGH) is None


def test_no_access_is_visited_and_not_answered(home: Path):
    issue(DAY, ["1", "2"], [0.9, 0.1], {"1": 1, "2": 2}, frame=100)
    visit(("1", DAY, "list", None), ("2", DAY, "list", "single_household"))
    found = outcomes.base_rate(BOROUGH)
    assert (found.visited, found.answered, found.rate) == (2, 1, 0.0)
    assert found.low == 0.0
    assert 0.7 < found.high < 0.85, "Wilson's interval of 0 in 1"


def test_over_many_lists_the_rate_is_unbiased_although_the_model_chooses_hmos(home: Path, monkeypatch):
    """Eighty nights of a borough whose truth is known: what the model chose are nearly all HMOs."""
    rng = np.random.default_rng(4)
    candidates = pd.Series([str(n) for n in range(2000)])
    chance = np.linspace(1.0, 0.0, 2000) ** 8
    truth = rng.random(2000) < chance
    rows, seen = [], []
    for night in range(80):
        drawn = control.draw(candidates, CAPACITY, CAPACITY, 0.25, night)
        order = control.arranged(2000, drawn, CAPACITY)
        slots = dict(zip(drawn.drawn.tolist(), drawn.slots.tolist(), strict=True))
        stop = int(rng.integers(15, CAPACITY + 1))
        for rank, at in enumerate(order.tolist(), start=1):
            day = DAY + timedelta(days=night * 200)
            rows.append((f"l{night}", day, 1, CAPACITY, 2000, str(at), rank, chance[at], slots.get(at)))
            if rank <= stop:
                seen.append((str(at), day, True, bool(truth[at])))
    names = ["list_id", "as_of", "version", "capacity", "frame", "uprn", "rank", "probability", "control_slot"]
    monkeypatch.setattr(outcomes, "listed_entries", lambda _: pd.DataFrame(rows, columns=names))
    visits = pd.DataFrame(seen, columns=["uprn", "day", "answered", "hmo"])
    monkeypatch.setattr(outcomes, "list_visits", lambda _: visits)
    found = outcomes.base_rate(BOROUGH)
    assert found.answered > 300
    assert found.low <= truth.mean() <= found.high
    assert abs(found.rate - truth.mean()) < 0.05
    assert visits["hmo"].mean() > 4 * truth.mean(), "what the list finds is no base rate"


def test_hits_found_against_hits_expected(home: Path):
    issue(DAY, ["1", "2", "3"], [0.8, 0.5, 0.3], {}, frame=10)
    later = DAY + timedelta(days=7)
    issue(later, ["1", "2", "4"], [0.9, 0.4, 0.2], {}, frame=10, version=2)
    visit(
        ("1", DAY + timedelta(days=3), "list", "hmo_unlicensed"),
        ("2", later + timedelta(days=1), "list", "not_hmo"),
        ("4", later + timedelta(days=1), "list", None),
        ("9", later, "list", "hmo_unlicensed"),
    )
    found = outcomes.expected_against_found(BOROUGH)
    assert (found.visited, found.answered, found.found) == (3, 2, 1)
    assert found.expected == pytest.approx(0.8 + 0.4), "each by the newest list that held it on the day"
    assert found.low == 0.0
    assert found.high == 2.0


def test_a_visit_to_several_flats_at_once_is_no_answer_about_one(home: Path):
    issue(DAY, ["1", "2"], [0.9, 0.1], {"1": 1, "2": 2}, frame=100)
    write_dataset(
        "inspection",
        {"inspection_ref": "i", "visit_date": DAY, "visit_reason": "list", "access": "gained", "finding": "not_hmo"},
    )
    write_links(("inspection", 1, "1"), ("inspection", 1, "2"))
    assert outcomes.base_rate(BOROUGH) is None
