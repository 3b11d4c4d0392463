"""Scorecards: figures of the drops that were used, beside London's, in pictures that say the same in words."""

from __future__ import annotations

import csv
import json
import re
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines import publish
from pipelines.cli import app
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood, QualityMeasure
from pipelines.publish.due import days_late
from pipelines.publish.scorecard_pages import borough_page, london_page, scorecard_csv, scorecard_rows
from pipelines.publish.scorecards import DROPS_SHOWN, Card, Scorecards, scorecards
from pipelines.publish.sparkline import EDGE, HEIGHT, percent, sparkline
from schemas.calendar import Beat
from tests.unit.pages_world import drop, london, overall
from tests.unit.test_dataset_pages import text_of

DAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def _day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", "2026-03-10T02:00:00+00:00")


def only(borough: str = "camden") -> Card:
    (card,) = scorecards().cards[borough]
    return card


def latest(card: Card) -> dict[str, float | None]:
    return {line.name: line.latest for line in card.lines}


def test_newest_drop_and_the_change_since_the_one_before(home: Path) -> None:
    drop("camden", "hmo_licence", DAY - timedelta(days=7), overall(0.9), status="superseded")
    drop("camden", "hmo_licence", DAY, overall(0.95))
    card = only()
    assert latest(card)["validity"] == 0.95
    line = card.line("validity")
    assert line is not None
    assert line.shares == (0.9, 0.95)
    assert line.change == pytest.approx(0.05)
    assert line.london is None, "one borough is no London"
    assert line.against_london == ""
    assert latest(card)["uprn_in_gazetteer"] == 1.0


def test_what_was_not_used_has_no_figures(home: Path) -> None:
    drop("camden", "hmo_licence", DAY, overall(0.95))
    drop("camden", "hmo_licence", DAY + timedelta(days=1), overall(0.1), status="held")
    drop("camden", "hmo_licence", DAY + timedelta(days=2), status="refused")
    assert [arrival.extract_date for arrival in only().arrivals] == [DAY]


def test_twelve_drops_are_shown_and_timed_by_the_one_before(home: Path) -> None:
    for week in range(DROPS_SHOWN + 3):
        drop("camden", "hmo_licence", DAY + timedelta(days=7 * week), overall(0.9 + week / 1000))
    card = only()
    assert len(card.arrivals) == DROPS_SHOWN
    assert card.arrivals[0].extract_date == DAY + timedelta(days=21)
    assert card.arrivals[0].late == 0, "the drop before it is known, though it is not shown"
    assert (card.in_time.good, card.in_time.of) == (DROPS_SHOWN, DROPS_SHOWN)


def test_timeliness_is_by_the_boroughs_own_calendar(home: Path) -> None:
    drop("camden", "hmo_licence", DAY - timedelta(days=30), overall(), status="superseded")
    drop("camden", "hmo_licence", DAY, overall())
    assert latest(only())["timeliness"] == pytest.approx(7 / (7 + 19)), "due after 7 days, waited for 4, 19 days late"
    folder = home / "calendars"
    folder.mkdir(parents=True)
    (folder / "camden.yaml").write_text("datasets: {hmo_licence: {every: monthly}}")
    assert latest(only())["timeliness"] == 1.0
    assert only().arrivals[0].late is None


def test_days_late_count_from_the_end_of_the_grace() -> None:
    beat = Beat(every="monthly", day=None, grace_days=10, since=None)
    arrivals = [(date(2026, 1, 1), date(2026, 1, 2)), (date(2026, 2, 1), date(2026, 2, 11))]
    assert days_late(beat, arrivals) == [None, 0]
    arrivals.append((date(2026, 3, 1), date(2026, 3, 13)))
    assert days_late(beat, arrivals) == [None, 0, 2]


def test_london_median_is_of_each_boroughs_newest(home: Path) -> None:
    for slug, share in [("camden", 0.8), ("bexley", 0.9), ("brent", 1.0)]:
        drop(slug, "waste", DAY - timedelta(days=7), overall(0.1), status="superseded")
        drop(slug, "waste", DAY, overall(share))
    drop("oxford", "hmo_licence", DAY, overall(0.2))
    found = {slug: only(slug).line("validity") for slug in ("camden", "bexley", "brent")}
    assert {slug: line.london for slug, line in found.items() if line} == dict.fromkeys(found, 0.9)
    assert [line.against_london for line in found.values() if line] == ["below", "same", "above"]


def test_sources_of_a_borough_count_once_in_the_median(home: Path) -> None:
    drop("camden", "waste", DAY, overall(0.5, rows=1000), source="crm")
    drop("camden", "waste", DAY, overall(1.0, rows=3000), source="app")
    drop("bexley", "waste", DAY, overall(0.9))
    drop("brent", "waste", DAY, overall(0.8))
    cards = scorecards().cards["camden"]
    assert [card.source for card in cards] == ["app", "crm"]
    line = cards[0].line("validity")
    assert line is not None
    assert line.london == pytest.approx(0.875), "(500 + 3000) of 4000"


def test_what_cost_most_is_named_first_and_says_what_to_do(home: Path) -> None:
    figures = overall() | {("validity", "invalid_uprn"): (900, 1000), ("conformity", "unknown_code"): (700, 1000)}
    figures |= {("completeness", "liability_end_filled"): (10, 1000), ("validity", "invalid_date"): (1000, 1000)}
    drop("camden", "council_tax", DAY, figures)
    faults = only().faults
    assert [(fault.issue, fault.rows) for fault in faults] == [("unknown_code", 300), ("invalid_uprn", 100)]
    assert all(fault.what_to_do for fault in faults)


def test_share_is_never_rounded_up_to_all() -> None:
    assert percent(0.9999) == "99.9%"
    assert percent(1.0) == "100%"
    assert percent(0) == "0.0%"


def test_sparkline_says_in_words_what_it_shows() -> None:
    picture = sparkline([0.95, None, 0.9, 1.0], 0.97)
    assert picture.words == "3 extracts, from 95.0% to 100%, lowest 90.0%, highest 100%; London median 97.0%"
    assert len(picture.points) == 3
    assert len(picture.segments) == 1, "a line joins only extracts that follow one another"
    heights = [height for _, height in picture.points]
    assert heights[2] < heights[0] < heights[1], "higher is better"
    assert all(EDGE <= height <= HEIGHT - EDGE for height in heights)
    assert sparkline([None], None).words == "no figures"
    assert sparkline([0.5], None).words == "one extract, 50.0%"
    assert sparkline([1.0, 1.0], 1.0).london == EDGE


def test_flat_line_near_the_top_does_not_look_like_a_fall() -> None:
    picture = sparkline([0.99, 0.98], None)
    rise = picture.points[1][1] - picture.points[0][1]
    assert 0 < rise < HEIGHT / 5


@pytest.fixture
def boroughs(home: Path) -> Scorecards:
    london(date(2026, 3, 6), boroughs=("camden", "bexley", "brent"), months=4)
    return scorecards()


def test_page_tells_by_sign_and_word_not_by_colour(boroughs: Scorecards) -> None:
    page = borough_page("camden", boroughs)
    shown = text_of(page)
    assert "Camden: scorecard" in shown
    for sign, words in (("▲", "above the London median"), ("▼", "below the London median")):
        assert page.decode().count(f'aria-hidden="true">{sign}<') == shown.count(f", {words}")
    pictures = re.findall(r"<svg[^>]*>", page.decode())
    assert len(pictures) == sum(len(card.lines) for card in boroughs.cards["camden"])
    assert all('role="img"' in picture and "extract" in picture for picture in pictures)
    assert "late" in shown


def test_page_of_a_borough_without_figures(home: Path) -> None:
    shown = text_of(borough_page("camden", scorecards()))
    assert "No extract of Camden has been scored yet" in shown


def test_london_page_links_each_borough(boroughs: Scorecards) -> None:
    page = london_page(boroughs).decode()
    assert re.findall(r'href="(\w+)/scorecard.html"', page) == ["bexley", "brent", "camden"]
    assert 'href="datasets/council_tax.html"' in page


def test_table_has_every_figure(boroughs: Scorecards) -> None:
    cards = boroughs.cards["camden"]
    rows = list(csv.DictReader(scorecard_csv(cards).decode().splitlines()))
    assert len(rows) == len(scorecard_rows(cards)) > 50
    row = next(r for r in rows if r["dataset"] == "council_tax" and r["line"] == "validity")
    assert float(row["share"]) == pytest.approx(int(row["good"]) / int(row["of"]), abs=1e-5)
    assert row["borough_name"] == "Camden"


def test_stage_writes_what_changed_and_no_more(
    boroughs: Scorecards, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish.publish_pages()
    published = home / "published"
    before = {path: path.stat().st_mtime_ns for path in published.rglob("scorecard*")}
    assert {path.name for path in before} == {"scorecard.html", "scorecard.csv", "scorecards.html", "scorecards.csv"}
    assert publish.publish_pages().outcome == "unchanged"
    monkeypatch.setenv("LODA_NOW", "2026-03-10T23:00:00+00:00")
    drop("camden", "waste", date(2026, 3, 10), overall(0.7))
    assert publish.publish_pages().outcome == "made"
    after = {path: path.stat().st_mtime_ns for path in published.rglob("scorecard*")}
    changed = {str(path.relative_to(published)) for path in after if after[path] != before[path]}
    assert changed == {"camden/scorecard.html", "camden/scorecard.csv", "scorecards.html", "scorecards.csv"}


@pytest.mark.usefixtures("boroughs")
def test_scorecard_goes_when_its_figures_are_gone(home: Path) -> None:
    publish.publish_pages()
    assert (home / "published" / "camden" / "scorecard.html").exists()
    with transaction() as session:
        session.execute(sa.delete(QualityMeasure).where(QualityMeasure.borough == "camden"))
        session.execute(sa.delete(LastGood).where(LastGood.borough == "camden"))
        session.execute(sa.delete(Drop).where(Drop.borough == "camden"))
    publish.publish_pages()
    assert not list((home / "published" / "camden").iterdir())
    assert (home / "published" / "bexley" / "scorecard.html").exists()
    assert publish.publish_pages().outcome == "unchanged"


def test_loda_scorecard(boroughs: Scorecards) -> None:
    shown = CliRunner().invoke(app, ["scorecard", "camden", "--json"])
    assert shown.exit_code == 0, shown.output
    assert {row["dataset"] for row in json.loads(shown.output)} == {
        "gazetteer",
        "council_tax",
        "hmo_licence",
        "service_request",
    }
    assert "council_tax" in CliRunner().invoke(app, ["scorecard", "camden"], env={"COLUMNS": "250"}).output
    assert CliRunner().invoke(app, ["scorecard", "ealing"]).exit_code == 66
