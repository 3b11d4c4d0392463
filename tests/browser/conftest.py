"""A browser that sees pages as people do. Skipped where there is none, unless `LODA_REQUIRE_BROWSER=1`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BY_LAYOUT = ["color-contrast", "link-in-text-block", "scrollable-region-focusable", "target-size"]
"""Rules of axe whose answer depends on how wide the page is; all others go by what is in it."""

NARROW, PHONE, WIDE = 320, 360, 1280
SCREENSHOTS = os.environ.get("LODA_SCREENSHOTS", "")
"""A folder for pictures of the pages; none are taken where it is not set."""


def chromium() -> str | None:
    """Where Chromium lies: `LODA_CHROMIUM`, or as the system has it."""
    named = (os.environ.get("LODA_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((found for found in map(shutil.which, filter(None, named)) if found), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of a process."""
    executable = chromium()
    required = os.environ.get("LODA_REQUIRE_BROWSER") == "1"
    if executable is None and not required:
        pytest.skip("there is no Chromium here; LODA_CHROMIUM says where one lies")
    assert executable is not None, "LODA_REQUIRE_BROWSER=1 and there is no Chromium"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield opened
        opened.close()


Look = Callable[..., "Page"]


@pytest.fixture
def look_at(browser: Browser) -> Iterator[Look]:
    """Open a file as a page of a given width; afterwards no page may have asked for anything but files beside it."""
    asked: list[str] = []
    opened: list[Page] = []

    def look(path: Path, width: int = WIDE) -> Page:
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.resolve().as_uri())
        opened.append(page)
        return page

    yield look
    for page in opened:
        page.close()
    outside = [url for url in asked if not url.startswith(("file:", "data:"))]
    assert outside == [], "a page asks for something from elsewhere"


def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA and good practice: the rule and the first element that breaks it.

    `rules` are those that are asked; all of them where nothing is said.
    """
    from axe_playwright_python.sync_playwright import Axe

    # Without "resultTypes" axe describes every element that passes, too, which takes most of its time.
    asked = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG}
    only = {"runOnly": asked, "resultTypes": ["violations"]}
    found = Axe().run(page, options=only)
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:200]}" for rule in found.response["violations"]]


def unfold(page: Page) -> None:
    """Open everything that is folded away."""
    page.evaluate("document.querySelectorAll('details').forEach(element => { element.open = true })")


def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window; 0 where it can be read without scrolling sideways."""
    return int(
        page.evaluate("Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth)")
    )


def cut(page: Page) -> list[str]:
    """Elements whose text does not fit into them and cannot be scrolled to, by the first of their words."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((own) => {
            const style = getComputedStyle(own);
            const hides = /hidden|clip/.test(style.overflowX) && style.position !== "absolute";
            return hides && own.innerText?.trim() && own.scrollWidth > own.clientWidth + 1;
        }).map((own) => own.innerText.slice(0, 80))"""
    )
    return found


def moving(page: Page) -> list[str]:
    """Elements that move or fade, which none may for who asked the system for less motion."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((own) => {
            const style = getComputedStyle(own);
            return style.animationName !== "none" || style.transitionDuration.split(", ").some((part) => part !== "0s");
        }).map((own) => own.outerHTML.slice(0, 80))"""
    )
    return found


def picture(page: Page, name: str) -> None:
    """Keep a picture of the whole page, where pictures are wanted."""
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
