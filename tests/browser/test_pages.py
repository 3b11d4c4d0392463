"""The pages for everybody in a real browser: accessible, alone, and readable on a telephone and on paper."""

from __future__ import annotations

import json
import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines import publish
from pipelines.publish.open import files
from pipelines.publish.open.page import overview
from schemas import registry
from tests.browser.conftest import NARROW, PHONE, WIDE, Look, overflow, picture, unfold, violations
from tests.homes import own_home
from tests.unit.open_world import made_up
from tests.unit.pages_world import london

QUARTER = files.Period(date(2026, 3, 10))
PAGES = {
    "datasets": "published/datasets/index.html",
    "dataset with names": "published/datasets/council_tax.html",
    "dataset with many codes": "published/datasets/gazetteer.html",
    "dataset without a place": "published/datasets/licensing_scheme.html",
    "scorecard": "published/camden/scorecard.html",
    "scorecards": "published/scorecards.html",
    "systems": "published/systems/index.html",
    "notices": "bucket/drops/camden/NOTICES.html",
    "open data": "published/open/2026-q1/index.html",
    "every quarter's open data": "published/open/index.html",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which every page was written once, from made-up figures."""
    folder = tmp_path_factory.mktemp("pages") / "home"
    with own_home(folder, LODA_NOW="2026-03-10T02:00:00+00:00") as home:
        london(date(2026, 3, 6), boroughs=("camden", "hammersmith_and_fulham", "kensington_and_chelsea"), months=4)
        publish.publish_pages()
        publish.notify()
        _open_data(home / "published" / "open")
    return home


def _open_data(folder: Path) -> None:
    """A quarter of all boroughs and the page that leads to it."""
    made = files.every(*made_up(tuple(slug for slug, one in registry.boroughs().items() if one.london)), QUARTER)
    for name, content in made.items():
        (folder / QUARTER.name / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / QUARTER.name / name).write_bytes(content)
    (folder / "index.html").write_bytes(overview([json.loads(made[files.PACKAGE])]))


@pytest.mark.parametrize("name", PAGES)
def test_page_has_no_axe_violation(written: Path, look_at: Look, name: str) -> None:
    page = look_at(written / PAGES[name])
    unfold(page)
    assert violations(page) == []
    page.set_viewport_size({"width": NARROW, "height": 900})
    assert violations(page) == []


@pytest.mark.parametrize("name", PAGES)
def test_page_is_read_without_scrolling_sideways(written: Path, look_at: Look, name: str) -> None:
    page = look_at(written / PAGES[name])
    unfold(page)
    for width in (NARROW, 640, 1030, WIDE):
        page.set_viewport_size({"width": width, "height": 900})
        assert overflow(page) == 0, width


@pytest.mark.parametrize("name", PAGES)
def test_page_has_one_heading_and_one_main(written: Path, look_at: Look, name: str) -> None:
    page = look_at(written / PAGES[name])
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1
    levels = [int(tag[1]) for tag in page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(h => h.tagName)")]
    assert all(after - before <= 1 for before, after in pairwise(levels)), "no level is left out"
    assert page.title()


def test_table_is_a_table_on_a_telephone_too(written: Path, look_at: Look) -> None:
    page = look_at(written / PAGES["dataset with names"], NARROW)
    assert page.get_by_role("table").count() >= 1
    assert page.get_by_role("row").count() > len(registry.contract("council_tax").fields)
    assert page.get_by_role("columnheader", name="What it means").count() == 1


def test_pictures_are_read_out(written: Path, look_at: Look) -> None:
    page = look_at(written / PAGES["scorecard"])
    picture = page.get_by_role("img").first
    assert "over time" in str(picture.get_attribute("aria-label"))


@pytest.mark.parametrize("name", ["dataset with names", "scorecard", "notices"])
def test_page_prints(written: Path, look_at: Look, name: str) -> None:
    page = look_at(written / PAGES[name])
    content = page.pdf(format="A4", prefer_css_page_size=True)
    assert content[:5] == b"%PDF-"
    assert len(re.findall(rb"/Type /Page\b", content)) <= 12


def test_pictures_of_open_data_fit_the_width_they_are_made_for(written: Path, look_at: Look) -> None:
    """Drawn for a telephone and for a screen, not shrunk until nobody can read them."""
    for width, drawn in ((PHONE, 326), (WIDE, 902)):
        page = look_at(written / PAGES["open data"], width)
        pictures = page.locator("picture img")
        assert pictures.count() == 5
        for box in (pictures.nth(n).bounding_box() for n in range(5)):
            assert box is not None
            assert abs(box["width"] - drawn) <= 2
        picture(page, f"open-data-{width}")
