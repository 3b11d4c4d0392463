"""The results page: figures by hand, nothing that tells who was drawn at random, and what is missing said in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from models.hmo import outcomes as visits_of_lake
from models.hmo import registry as models
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, LastGood, ListEntry, ModelVersion, PublishedList
from pipelines.core.ledger.officers import Outcome
from pipelines.governance import standing
from review import charts
from review.queries import coverage, performance
from review.queries.performance import Tally
from schemas import registry
from tests.review.conftest import Browser
from tests.unit.licensing_world import write_dataset, write_links

CAMDEN, DAY, CAPACITY = "camden", date(2026, 10, 5), 20
"""A Monday, of ISO week 41."""
PATIENCE = 5
"""Seconds that a record may take; it waits for as long as the page does where the page holds the ledger's lock."""


def issue(uprns: list[str], controls: tuple[str, ...] = (), day: date = DAY, chance: float = 0.5) -> str:
    name = f"{CAMDEN}-{day}-v1"
    with transaction() as session:
        session.add(
            PublishedList(
                id=name, borough=CAMDEN, as_of=day, version=(day - DAY).days + 1,
                issued_at=datetime(2026, 10, 5, tzinfo=UTC),
                model_id="m", input_hash="0", capacity=CAPACITY, rows=len(uprns), tie_seed=1, expected_hits=0.0,
                control_frame=1000,
            )
        )  # fmt: skip
        session.flush()
        session.add_all(
            ListEntry(
                list_id=name, rank=rank, uprn=uprn, address="1 Example Road", probability=chance, reasons=[],
                licence_needed="mandatory", licence_status="none", licence_why="",
                control_slot=rank if uprn in controls else None,
            )
            for rank, uprn in enumerate(uprns, start=1)
        )  # fmt: skip
    return name


def found(uprn: str, code: str, day: date = DAY, rank: int | None = 1, **more: Any) -> None:
    usual: dict[str, Any] = {"list_id": f"{CAMDEN}-{DAY}-v1", "method": "visit", "borough": CAMDEN}
    with transaction() as session:
        session.add(
            Outcome(
                uprn=uprn, address="1 Example Road", rank=rank, found=code, visited_on=day, note="", officer="O",
                recorded_by="O", recorded_at=datetime(2026, 11, 1, tzinfo=UTC), recorded_through="page", **usual | more,
            )
        )  # fmt: skip


def of_extract(*visits: tuple[str, date, str | None]) -> None:
    """Visits in the lake of (UPRN, day, finding), made because of a list."""
    rows = [
        {
            "inspection_ref": f"i{n}", "visit_date": day, "visit_reason": "list", "finding": finding,
            "access": "no_access" if finding is None else "gained", "known_since": day,
        }
        for n, (_, day, finding) in enumerate(visits)
    ]  # fmt: skip
    write_dataset("inspection", *rows)
    write_links(*(("inspection", n, uprn) for n, (uprn, *_) in enumerate(visits, start=1)))


@pytest.fixture
def uprns(review_home: Path) -> list[str]:
    """A list of fifty homes in the ledger, every fourth of them drawn at random."""
    made = [str(n) for n in range(1, 51)]
    issue(made, controls=tuple(made[3::4]))
    return made


def results() -> performance.Results:
    visits = visits_of_lake.list_visits(CAMDEN)
    with transaction() as session:
        return performance.results(session, CAMDEN, visits)


def shown(people: Callable[..., Browser], role: str = "analyst") -> str:
    answer = people(role, CAMDEN).get(f"/performance/{CAMDEN}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.text)


def test_visits_are_counted_by_hand(uprns: list[str]) -> None:
    found("1", "hmo_unlicensed", rank=1)
    found("2", "single_household", rank=2, day=DAY + timedelta(days=6))
    found("15", "no_access", rank=15, day=DAY + timedelta(days=7))
    found("16", "empty", rank=16, day=DAY + timedelta(days=7))
    found("30", "hmo_licensed", rank=30, day=DAY + timedelta(days=7))
    found("45", "hmo_not_licensable", rank=45, day=DAY + timedelta(days=7))
    # None of these is a visit that a list led to.
    found("3", "wrong_address", rank=3)
    found("4", "hmo_unlicensed", rank=4, method="desk")
    found("5", "hmo_unlicensed", rank=None, list_id=None)
    found("6", "hmo_unlicensed", rank=6, superseded_at=datetime(2026, 11, 2, tzinfo=UTC))
    found("7", "hmo_unlicensed", rank=7, borough="hackney")
    own = results()
    assert own.total == Tally(visits=6, answered=4, hits=1)
    assert [(week.name, week.monday, week.tally) for week in own.weeks] == [
        ("2026-W42", date(2026, 10, 12), Tally(4, 2, 0)),
        ("2026-W41", DAY, Tally(2, 2, 1)),
    ]
    assert own.bands == {
        "top": Tally(2, 2, 1),
        "high": Tally(2, 0, 0),
        "next": Tally(1, 1, 0),
        "reserve": Tally(1, 1, 0),
    }
    assert (own.left_out.wrong_address, own.left_out.desk) == (1, 1)


def test_a_year_ends_within_a_week(uprns: list[str]) -> None:
    found("1", "not_hmo", day=date(2027, 1, 1))
    assert [week.name for week in results().weeks] == ["2026-W53"]


def test_a_visit_that_came_both_ways_counts_once(uprns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    found("1", "hmo_unlicensed")
    of_extract(("1", DAY, "hmo_unlicensed"), ("2", DAY, "not_hmo"), ("2", DAY - timedelta(days=1), "not_hmo"))
    assert results().total == Tally(visits=2, answered=2, hits=1), "and none before its list was there"
    monkeypatch.setattr(performance, "REVIEW", "test")
    assert results().total == Tally(visits=1, answered=1, hits=1), "rows of these pages are told by the ledger"


def test_no_rate_is_shown_of_few(people: Callable[..., Browser], uprns: list[str]) -> None:
    for uprn in uprns[:4]:
        found(uprn, "hmo_unlicensed", rank=int(uprn))
    assert Tally(4, 4, 4).rate is None
    assert "Too few answers to say" in shown(people)
    found("5", "not_hmo", rank=5)
    text = shown(people)
    assert "80 per 100 answered visits (38 to 96, few answers)" in text, "Wilson's interval of 4 in 5"
    assert "No answer yet" in text, "priorities without a visit"


def visit_controls(uprns: list[str], number: int) -> None:
    """Visits to all that stand before the last of so many controls; each second of these is an unlicensed HMO."""
    controls = uprns[3::4][:number]
    last = uprns.index(controls[-1]) + 1
    of_extract(
        *(
            (uprn, DAY, "hmo_unlicensed" if uprn not in controls or controls.index(uprn) % 2 else "single_household")
            for uprn in uprns[:last]
        )
    )


def test_homes_drawn_at_random_are_told_in_steps(uprns: list[str], people: Callable[..., Browser]) -> None:
    capacity = sa.update(PublishedList).values(capacity=50)
    with transaction() as session:
        session.execute(capacity)
    visit_controls(uprns, 4)
    assert results().base is None
    assert "told from 5 answers on" in shown(people)
    visit_controls(uprns, 5)
    five = results().base
    assert five is not None
    assert (five.answered, five.hmos, five.rate) == (5, 2, 0.4)
    text = shown(people)
    assert "40 per 100" in text
    assert "from 5 answers" in text
    visit_controls(uprns, 9)
    nine = results().base
    assert nine is not None
    assert (nine.answered, nine.rate) == (5, 0.4), "one more answer must not move it"
    whole = visits_of_lake.base_rate(CAMDEN)
    assert whole is not None
    assert whole.answered == 9
    visit_controls(uprns, 10)
    ten = results().base
    assert ten is not None
    assert ten.answered == 10


def test_what_was_promised_is_told_from_five_answers_on_and_rounded(
    uprns: list[str], people: Callable[..., Browser]
) -> None:
    of_extract(*((uprn, DAY, "not_hmo") for uprn in uprns[:4]))
    assert results().promised is None
    of_extract(*((uprn, DAY, "not_hmo") for uprn in uprns[:5]))
    five, text = results().promised, shown(people)
    assert "Of 5 visited homes with an answer the lists had promised about 2 HMOs" in text
    assert "2.5" not in text, "the sum to a decimal would tell the figure of the last home"
    of_extract(*((uprn, DAY, "not_hmo") for uprn in uprns[:9]))
    assert results().promised == five, "and one more answer must not move it"


def test_the_page_names_no_home(uprns: list[str], people: Callable[..., Browser]) -> None:
    for uprn in uprns[:12]:
        found(uprn, "not_hmo", rank=int(uprn))
    text = shown(people)
    assert "Example Road" not in text


def test_what_is_missing_is_said_in_words(review_home: Path, people: Callable[..., Browser]) -> None:
    text = shown(people)
    assert "No visit to a home on the list is on record yet." in text
    assert "No model is in use yet." in text
    assert "Complaints are covered by an agreement, but nothing has come yet, so what neighbours" in text
    with transaction() as session:
        session.add(
            LastGood(
                borough=CAMDEN, dataset="service_request", source="s", drop_id="d", extract_date=DAY, rows=1234,
                lake_version=1, published_at=datetime(2026, 10, 6, tzinfo=UTC),
            )
        )  # fmt: skip
    text = shown(people)
    assert "Complaints are" not in text
    assert "5 October 2026" in text
    assert "1,234" in text


def test_a_dataset_that_no_agreement_covers_is_not_shared(review_home: Path) -> None:
    with transaction() as session:
        rows = coverage.sources(session, "sheffield", {})
    own = next(row for row in rows if row.dataset == "waste")
    assert own.refusal is not None
    assert own.missing == (
        "Waste records are not shared, so bins and fly-tipping at a home do not count. "
        "6 of the 86 figures that the model uses stay unknown."
    )


def test_every_dataset_has_words() -> None:
    assert set(coverage.WITHOUT) == set(registry.contracts())


def test_the_match_rate_stands_beside(review_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with transaction() as session:
        session.add(
            LastGood(
                borough=CAMDEN, dataset="waste", source="s", drop_id="d", extract_date=DAY, rows=10, lake_version=1,
                published_at=datetime(2026, 10, 6, tzinfo=UTC),
            )
        )  # fmt: skip
        session.flush()
        own = coverage.sources(session, CAMDEN, {"waste": (200, 150), "planning": (10, 10)})[0]
    assert (own.dataset, own.match_rate, own.missing) == ("waste", 0.75, None)


def test_the_calibration_of_the_model_in_use(review_home: Path, people: Callable[..., Browser]) -> None:
    bins = [{"rows": 1050, "predicted": 0.041, "found": 0.0}, {"rows": 50, "predicted": 0.536, "found": 0.46}]
    models.record(
        ModelVersion(
            id="m-1", as_of=DAY, trained_at=datetime(2026, 10, 6, tzinfo=UTC), path="p", sha256="s", hashes={},
            metrics={"calibration": {"on": "visits", "brier": 0.1, "bins": bins}},
        )
    )  # fmt: skip
    text = shown(people, "engineer")
    assert "1,050" in text
    assert re.search(r"54%</td> ?<td[^>]*>46%", text)
    assert 'aria-labelledby="chart-calibration-title"' in text


def test_results_of_a_list_that_may_not_be_shown_are_not(
    uprns: list[str], people: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    for uprn in uprns[:12]:
        found(uprn, "hmo_unlicensed", rank=int(uprn))
    monkeypatch.setattr(standing, "list_refusal", lambda _: "The agreement has ended.")
    text = shown(people)
    assert "Results may not be shown. The agreement has ended." in text
    assert "By week" not in text
    assert "Expected and found" not in text
    assert "What the lists rest on" in text


def test_looking_is_on_record(uprns: list[str], people: Callable[..., Browser]) -> None:
    found("1", "hmo_unlicensed")
    shown(people, "governance")
    with transaction() as session:
        line = session.scalars(sa.select(AuditEvent).where(AuditEvent.what == "view results")).one()
    assert (line.about, line.details) == (CAMDEN, {"visits": 1, "weeks": 1})
    assert "governance" in line.who


def test_nobody_who_writes_waits_for_the_figures(
    uprns: list[str], people: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bool] = []

    def meanwhile(work: Callable[..., Any]) -> Callable[..., Any]:
        def worked(*given: Any) -> Any:
            other = Thread(target=lambda: found("1", "hmo_unlicensed"), daemon=True)
            other.start()
            other.join(PATIENCE)
            written.append(not other.is_alive())
            return work(*given)

        return worked

    monkeypatch.setattr(performance, "results", meanwhile(performance.results))
    monkeypatch.setattr(coverage, "sources", meanwhile(coverage.sources))
    shown(people)
    assert written == [True, True], "an outcome was recorded while the page worked out its figures"


@pytest.mark.parametrize("place", ["bexley", "atlantis", "9" * 400, "<script>", "..%2f..", "london"])
def test_another_borough_is_nowhere(review_home: Path, people: Callable[..., Browser], place: str) -> None:
    answer = people("analyst", CAMDEN).get(f"/performance/{place}")
    assert answer.status_code == 404
    assert "<script>alert" not in answer.text


def test_pictures_hold_their_figures() -> None:
    points = [charts.Point(("a",), 0.5, (0.25, 0.75)), charts.Point(("b",), None, None)]
    made = charts.shares("c", "C", points, (0.1, 0.05, 0.2))
    dots = [shape for shape in made.shapes if shape.name == "circle"]
    assert len(dots) == 1
    top, bottom = charts.TOP, charts.HEIGHT - charts.BOTTOM
    assert dots[0].attributes["cy"] == pytest.approx(bottom - (bottom - top) * 0.5 / 0.8, abs=0.1)
    for shape in (*made.shapes, *charts.shares("d", "D", [], None).shapes, *charts.calibration("e", "E", []).shapes):
        assert "style" not in shape.attributes
        for name in ("x", "cx", "x1", "x2"):
            assert 0 <= float(shape.attributes.get(name, 0)) <= charts.WIDTH
