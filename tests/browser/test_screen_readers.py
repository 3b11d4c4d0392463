"""What somebody hears of every page, asked of Chromium's accessibility tree: what axe does not ask.

Landmarks and headings by which one goes through a page, names by which one knows what one is about to press, headers
by which one knows in which column one is, and that what was done is said. No screen reader itself is run.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

from review.identity.person import Role
from schemas import registry
from tests.browser import office as of
from tests.browser.conftest import unfold
from tests.browser.spoken import Node, Table, tables_of, tree_of
from tests.browser.test_every_page import (
    ANALYST,
    DATA,
    FIRST,
    HOMES,
    LINKS,
    LIST,
    MANAGER,
    STEP,
    UNLISTED,
    VIEWS,
    View,
    ask_for_key,
    press,
    settle,
)
from tests.browser.test_every_page import address as address
from tests.browser.test_every_page import contexts as contexts

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

Contexts = Callable[["Role | None"], "BrowserContext"]

PRESSED = ("button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "spinbutton", "slider")
PRESSED += ("menuitem", "tab", "switch", "DisclosureTriangle", "Date")
TOGETHER = ("row", "form", "search")
"""Within which a name may be had by one thing alone."""
PARTS = ("group", "radiogroup", "Date")
"""Whose name is said with that of what stands in them: a day's "Month" is that of one day."""
LANDMARKS = ("banner", "complementary", "contentinfo", "main", "navigation", "region", "search")

THINGS = (
    (rf"/(properties|homes)/{of.BOROUGH}/\d+", "Example Road"),
    (r"/landlords/[^/]+/landlord-\d", "Example Lettings"),
    (r"/intake/[^/]+/(drops|mappings)/[^/]+", ".csv"),
    (rf"/model/documents/{of.CHAMPION}/", of.CHAMPION),
    (rf"/model/compare/{of.COMPARED}", of.COMPARED),
    (rf"/model/compare/{of.UNCOMPARED}", of.UNCOMPARED),
    *((rf"/[a-z]+/{slug}\b", registry.borough(slug).name) for slug in (of.BOROUGH, of.EMPTY)),
)
"""What the first heading of a page says, by the page's address: the thing that it is about, else whose page it is."""

READ = [view for view in VIEWS if view.status in (200, 422)]


def subject(view: View) -> str:
    """What the first heading must say."""
    return next((thing for pattern, thing in THINGS if re.match(pattern, view.path)), "")


@pytest.fixture
def heard(contexts: Contexts) -> Iterator[Callable[[View], tuple[Page, Node]]]:
    """Opens a view; the page with all that was folded away, and what is told of it."""
    opened: list[Page] = []

    def hear(view: View) -> tuple[Page, Node]:
        page = contexts(view.role).new_page()
        opened.append(page)
        page.set_default_timeout(STEP)
        page.goto(view.path)
        if view.act is not None:
            view.act(page)
            page.wait_for_load_state()
        settle(page)
        unfold(page)
        return page, tree_of(page)

    yield hear
    for page in opened:
        page.close()


@pytest.mark.parametrize("view", READ, ids=lambda view: view.called)
def test_a_page_can_be_heard(heard: Callable[[View], tuple[Page, Node]], view: View) -> None:
    page, root = heard(view)
    wrong = {
        "landmarks": landmarks(root),
        "headings": headings(root, subject(view)),
        "without a name": [own.role for own in root.all(*PRESSED) if not own.name],
        "of one name together": of_one_name(root),
        "one name for two places": two_places(root),
        "tables": [fault for table in tables_of(page, root) for fault in of_table(table)],
    }
    assert {name: found for name, found in wrong.items() if found} == {}


def landmarks(root: Node) -> list[str]:
    """What is wrong with the parts that one jumps to: one main part, and others of a kind told apart by name."""
    found = Counter((own.role, own.name) for own in root.all(*LANDMARKS))
    main = sum(number for (role, _), number in found.items() if role == "main")
    twice = [f"two of {role} '{name}'" for (role, name), number in found.items() if number > 1]
    return twice + ([f"{main} main parts"] if main != 1 else [])


def headings(root: Node, about: str) -> list[str]:
    """What is wrong with the headings: one first, which says what the page is about, and none that skips a step.

    A message that is said by itself (an alert) comes before the first heading and has one of its own.
    """
    found = [own for own in root.all("heading") if own.nearest("alert") is None]
    first = [own.name for own in found if own.own["level"] == 1]
    faults = [f"first headings {first}"] if len(first) != 1 or about not in first[0] else []
    levels = [0, *(int(own.own["level"]) for own in found)]
    pairs = zip(levels, levels[1:], found, strict=False)
    faults += [f"'{own.name}' is {level} after {before}" for before, level, own in pairs if level > before + 1]
    return faults + [f"'{own.name}' is empty" for own in found if not own.name]


def of_one_name(root: Node) -> list[str]:
    """Names that two things have within one row or form, and so are not known apart."""
    found: dict[tuple[int, str, str, str], int] = defaultdict(int)
    for own in root.all(*PRESSED):
        outer, part = own.nearest(*TOGETHER), own.nearest(*PARTS)
        if outer is not None:
            found[id(outer), part.name if part else "", own.role, own.name] += 1
    return [f"{role} '{part} {name}'" for (_, part, role, name), number in found.items() if number > 1]


def two_places(root: Node) -> list[str]:
    """Links of the page's main part that are called alike and lead to two places."""
    leads: dict[str, set[str]] = defaultdict(set)
    for main in root.all("main"):
        for own in main.all("link"):
            leads[own.name].add(str(own.own.get("url")))
    return [name for name, places in leads.items() if len(places) > 1]


def of_table(table: Table) -> list[str]:
    """What is wrong with a table: it has a name, a row of headers with words, and each cell stands under one."""
    if not table.rows:
        return [f"table '{table.name}' has no rows"]
    head, *rows = table.rows
    faults = [] if table.name else ["a table has no name"]
    faults += [f"'{table.name}': {own.role} '{own.name}' in the head" for own, _ in head if own.role != "columnheader"]
    faults += [f"'{table.name}': a header without words" for own, _ in head if not own.name]
    wide = sum(columns for _, columns in head)
    faults += [
        f"'{table.name}': {sum(columns for _, columns in row)} cells under {wide} headers"
        for row in rows
        if sum(columns for _, columns in row) != wide
    ]
    return faults


def test_first_headings_of_two_pages_are_not_the_same(contexts: Contexts) -> None:
    said: dict[str, set[str]] = defaultdict(set)
    for view in READ:
        if view.act is None:
            text = contexts(view.role).request.get(view.path).text()
            (first,) = re.findall(r"<h1\b[^>]*>(.*?)</h1>", text, flags=re.DOTALL)
            said[" ".join(re.sub("<[^>]+>", " ", first).split())].add(view.path.split("?")[0])
    assert {name: paths for name, paths in said.items() if len(paths) > 1} == {}


WRONG = """<html lang="en"><title>Wrong</title><main></main><main><h1>Results</h1><h3>By week</h3>
<nav aria-label="Back"></nav><nav aria-label="Back"></nav><button></button>
<form aria-label="a"><button>Save</button><button>Save</button></form><a href="http://a/1">Open</a><a href="http://a/2">Open</a>
<table><tr><th scope="col">Week</th><td>Visits</td><th scope="col"></th></tr><tr><td>1</td><td>2</td></tr></table>
</main></html>"""


def test_what_is_wrong_is_heard(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content(WRONG)
    root = tree_of(page)
    assert landmarks(root) == ["two of main ''", "two of navigation 'Back'", "2 main parts"]
    assert headings(root, "Camden") == ["first headings ['Results']", "'By week' is 3 after 1"]
    assert [own.role for own in root.all(*PRESSED) if not own.name] == ["button"]
    assert of_one_name(root) == ["button ' Save'"]
    assert two_places(root) == ["Open"]
    (table,) = tables_of(page, root)
    said = ["a table has no name", "'': cell 'Visits' in the head", "'': a header without words"]
    assert of_table(table) == [*said, "'': 2 cells under 3 headers"]
    page.close()


# --- what is said by itself ---


def test_how_many_homes_a_filter_leaves_is_said(contexts: Contexts) -> None:
    page = contexts(ANALYST).new_page()
    page.set_default_timeout(STEP)
    page.goto(LIST)
    (before,) = tree_of(page).all("status")
    assert (before.own["live"], before.text) == ("polite", "1 to 12 of 30 homes")
    loads: list[str] = []
    page.on("load", lambda own: loads.append(own.url))
    page.get_by_label("Priority").select_option("top")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**band=top**")
    page.wait_for_function("document.querySelector('#count').textContent.includes('of 4 homes')")
    root = tree_of(page)
    (after,) = root.all("status")
    # A region that is put there anew with its words says nothing: it must be the one that was there.
    assert (after.element, after.text) == (before.element, "1 to 4 of 4 homes")
    assert loads == [], "the results were swapped, not the page"
    assert [own.name for own in root.all("button") if own.own.get("focused")] == ["Show"], "nobody loses their place"
    page.close()


SAYS = {
    "an outcome": (View(f"{FIRST}/outcome", ANALYST, lambda page: record(page)), "The outcome is saved"),
    "an outcome at a home on no list": (
        View(f"{UNLISTED}/outcome", ANALYST, lambda page: record(page)),
        "The outcome is saved",
    ),
    "a correction": (
        View(f"{HOMES}/82/outcomes/{of.AT_UNLISTED}", ANALYST, press("Save the outcome")),
        "The outcome is saved",
    ),
    "what is wrong in a form": (View(f"{FIRST}/outcome", ANALYST, press("Save the outcome")), "There is a problem"),
    "a key": (View(f"/tokens/{of.EMPTY}", MANAGER, lambda page: ask_for_key(page)), "Copy the key now"),
    "a decision about an address": (View(LINKS, DATA, press("It is not")), "Saved."),
}
"""What is done, and what is said of it on the page that comes."""


def has_keyboard(own: Node) -> bool:
    """Whether the keyboard is on a thing, or on what is round it."""
    return bool(own.own.get("focused")) or (
        own.within is not None and own.within.role != "main" and has_keyboard(own.within)
    )


def record(page: Page) -> None:
    for part, value in (("Day", 30), ("Month", 9), ("Year", 2026)):
        page.get_by_label(part, exact=True).fill(str(value))
    page.get_by_role("radio", name="Not an HMO").check()
    press("Save the outcome")(page)


@pytest.mark.parametrize("done", SAYS)
def test_what_was_done_is_said(heard: Callable[[View], tuple[Page, Node]], done: str) -> None:
    view, words = SAYS[done]
    _, root = heard(view)
    # What a page has from the beginning is said only where the keyboard is put on it.
    said = [own.text for own in root.all("alert") if own.own.get("live") == "assertive" and has_keyboard(own)]
    assert [words in text for text in said] == [True], [own.text for own in root.all("alert", "status")]
