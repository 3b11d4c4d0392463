"""Every page in every state, in a real browser: accessible, alone, narrow, with large letters, without movement.

A page that is not in `VIEWS` fails the last test. `make screenshots` keeps a picture of each.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.routing import APIRoute

from review import api
from review.app import create_app
from review.identity import cookies, sessions
from review.identity.person import Role
from tests.browser import office as of
from tests.browser.conftest import (
    BY_LAYOUT,
    NARROW,
    PHONE,
    SCREENSHOTS,
    WIDE,
    cut,
    moving,
    overflow,
    picture,
    unfold,
    violations,
)
from tests.browser.office import office
from tests.homes import own_home
from tests.review.conftest import forget_settings

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page

STEP = 20_000
"""Milliseconds that anything may take on a busy machine."""

Act = Callable[["Page"], None]


def press(name: str) -> Act:
    """Send a form by its button, as it stands."""
    return lambda page: page.get_by_role("button", name=name).first.click()


def send(name: str, **files: Any) -> Act:
    """Choose a dataset and a file, where there are such fields, and send them."""

    def act(page: Page) -> None:
        if page.locator("[name=dataset]").count():
            page.locator("[name=dataset]").first.select_option(files.get("dataset", "hmo_licence"))
        page.locator("input[type=file]").set_input_files(
            {"name": files.get("called", "register_2026-09-30.csv"), "mimeType": "text/csv", "buffer": files["content"]}
        )
        press(name)(page)

    return act


@dataclass(frozen=True)
class View:
    """A page in a state: its address, who looks, what is done there first, and how it answers."""

    path: str
    role: Role | None
    act: Act | None = field(default=None, repr=False)
    status: int = 200
    name: str = ""

    @property
    def called(self) -> str:
        """Name of the test and of the pictures."""
        own = re.sub(r"[^a-z0-9]+", "-", self.path.lower()).strip("-")[:90] or "first-page"
        return "-".join(filter(None, (own, self.name or (f"{self.status}" if self.status != 200 else ""))))


ANALYST, MANAGER, DATA, ENGINEER, GOVERNANCE = Role
LIST, HOME, INTAKE, LINKS = (f"/{kind}/{of.BOROUGH}" for kind in ("lists", "properties", "intake", "links"))
HOMES, UNLISTED = f"/homes/{of.BOROUGH}", f"/homes/{of.BOROUGH}/{of.UNLISTED}"
FIRST, DROPS, EMPTY = f"{HOME}/{of.uprn_of(3)}", f"{INTAKE}/drops", of.EMPTY
WRONG_REGISTER = b"Licence No.,Location\nL1,4 Example Road\nL2,\n"
WRONG_OUTCOMES = b"uprn,outcome,visited_on\n1,hmo_unlicensed,2026-10-01\n,,\n100000030,none,2026-10-01\n"

VIEWS = [
    View("/sign-in", None),
    View("/sign-in", None, press("Sign in"), 422),
    View("/sign-in", ANALYST, name="signed-in"),
    View("/sign-in?done=signed-out", None),
    View("/sign-in/callback", None, status=404),
    View("/accessibility", None),
    View("/nothing-here", None, status=404, name="nobody"),
    View("/nothing-here", ANALYST, status=404),
    View("/health", ANALYST, status=403),
    View("/lists/hackney", ANALYST, status=404),
    View("/", MANAGER),
    View("/boroughs?to=lists", ANALYST),
    View(LIST, ANALYST),
    View(LIST, MANAGER, name="manager"),
    View(f"{LIST}?page=2&sort=address", ANALYST),
    View(f"{LIST}?status=done&ward=Yarley+Common&band=high", ANALYST),
    View(f"{LIST}?search={'x' * 150}&band=nothing", ANALYST, name="nothing-fits"),
    View(f"/lists/{EMPTY}", ANALYST),
    View(f"{LIST}/map", ANALYST),
    View(f"/lists/{EMPTY}/map", ANALYST),
    View(f"{LIST}/round", ANALYST),
    View(f"/lists/{EMPTY}/round", ANALYST),
    View(FIRST, ANALYST),
    View(f"{HOME}/{of.SEEN}?done=outcome", ANALYST),
    View(f"{HOME}/{of.MISTAKEN}", ANALYST, name="corrected"),
    View(f"{HOME}/{of.EXCLUDED}", ANALYST, name="excluded"),
    View(f"{HOME}/999999999999", ANALYST, status=404),
    View(HOMES, ANALYST),
    View(f"{HOMES}?search=example+road", ANALYST),
    View(f"{HOMES}?search=nothing+of+the+kind", ANALYST, name="nothing-fits"),
    View(UNLISTED, ANALYST),
    View(f"{HOMES}/82", ANALYST, name="visited"),
    View(f"{HOMES}/999999999999", ANALYST, status=404),
    View(f"{UNLISTED}/outcome", ANALYST),
    View(f"{UNLISTED}/outcome", ANALYST, press("Save the outcome"), 422),
    View(f"{HOMES}/82/outcomes/{of.AT_UNLISTED}", ANALYST),
    View(f"{FIRST}/outcome", ANALYST),
    View(f"{FIRST}/outcome", ANALYST, press("Save the outcome"), 422),
    View(f"{HOME}/{of.SEEN}/outcomes/1", ANALYST),
    View(f"{HOME}/{of.PLANNED}/plan", ANALYST),
    View(f"{HOME}/{of.PLANNED}/plan", ANALYST, lambda page: spoil_plan(page), 422),
    View(f"{FIRST}/override", ANALYST),
    View(f"{FIRST}/override", ANALYST, press("Save"), 422),
    View(f"{FIRST}/records/service_request/3/refuse", ANALYST),
    View(f"/landlords/{of.BOROUGH}/{of.LANDLORD}", ANALYST),
    View(f"/landlords/{of.BOROUGH}/nobody", ANALYST, status=404),
    View(f"/performance/{of.BOROUGH}", ANALYST),
    View(f"/performance/{EMPTY}", ANALYST),
    View(f"/outcomes/{of.BOROUGH}/import", MANAGER),
    View(f"/outcomes/{of.BOROUGH}/import", MANAGER, press("Send"), 422),
    View(f"/outcomes/{of.BOROUGH}/import", MANAGER, send("Send", content=WRONG_OUTCOMES), name="refused-rows"),
    View(f"/tokens/{of.BOROUGH}", MANAGER),
    View(f"/tokens/{EMPTY}", MANAGER),
    View(f"/tokens/{EMPTY}", MANAGER, press("Give out"), 422),
    View(f"/tokens/{EMPTY}", MANAGER, lambda page: ask_for_key(page), name="given"),
    View("/model", ENGINEER),
    View("/model", ANALYST, name="analyst"),
    View("/model", ENGINEER, press("Make it the champion"), 422),
    View(f"/model/documents/{of.CHAMPION}/card", ANALYST),
    View(f"/model/documents/{of.CHAMPION}/nothing", ANALYST, status=404),
    View(f"/model/compare/{of.COMPARED}", ANALYST),
    View(f"/model/compare/{of.UNCOMPARED}", ANALYST, name="not-yet"),
    View(INTAKE, DATA),
    View(f"/intake/{EMPTY}", DATA),
    View(f"{INTAKE}/scorecard", DATA),
    View(f"{DROPS}/{of.HELD}", DATA),
    View(f"{DROPS}/{of.HELD}", ENGINEER, name="counts-alone"),
    View(f"{DROPS}/{of.HELD}", DATA, press("Save the decision"), 422),
    View(f"{DROPS}/{of.TAKEN}", DATA),
    View(f"{DROPS}/{of.AGAIN}", DATA),
    View(f"{DROPS}/{of.UNREADABLE}", DATA),
    View(f"{INTAKE}/mappings", DATA),
    View(f"/intake/{EMPTY}/mappings", DATA),
    View(f"{INTAKE}/mappings/{of.STRANGE}", DATA),
    View(f"{INTAKE}/mappings/{of.UNREADABLE}", DATA, name="nothing-proposed"),
    View(f"{INTAKE}/check", DATA),
    View(f"{INTAKE}/check", DATA, press("Check"), 422),
    View(f"{INTAKE}/check", DATA, send("Check", content=WRONG_REGISTER), name="checked"),
    View(f"{INTAKE}/upload", DATA),
    View(f"{INTAKE}/upload", DATA, press("Drop the file"), 422),
    View(LINKS, DATA),
    View(LINKS, DATA, lambda page: name_no_property(page), 422),
    View(f"{LINKS}/decisions", ANALYST),
    View("/audit", GOVERNANCE),
    View("/audit?about=nothing+of+the+kind", GOVERNANCE, name="no-line"),
    View("/audit?since=tomorrow", GOVERNANCE, status=422),
    View("/health", ENGINEER),
    View("/sessions", GOVERNANCE),
]
"""Every page, and each state in which it looks otherwise. A new page is one line."""

NO_PAGES = {
    "/healthz", "/sign-in/oidc", "/lists/{borough}/map.json", "/lists/{borough}/export.csv",
    "/lists/{borough}/export.xlsx", "/outcomes/{borough}/import/template.csv",
    "/intake/{borough}/drops/{drop}/rows.csv", "/intake/{borough}/drops/{drop}/findings.csv",
    "/model/files/{model_id}/{name}",
}  # fmt: skip
"""Files, words for machines, and what goes on to the council's provider."""


def spoil_plan(page: Page) -> None:
    page.get_by_label("Year").fill("1926")
    press("Save")(page)


def name_no_property(page: Page) -> None:
    unfold(page)
    press("It is that property")(page)


def ask_for_key(page: Page) -> None:
    page.get_by_label("What it is for").fill("Case system")
    page.get_by_role("radio").first.check()
    press("Give out")(page)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with office(tmp_path_factory.mktemp("every-page") / "home") as found:
        yield found


@pytest.fixture(scope="module")
def contexts(browser: Browser, address: str) -> Iterator[Callable[[Role | None], BrowserContext]]:
    """A browser's profile of each role, kept for all pages."""
    made: dict[Role | None, BrowserContext] = {}

    def of_role(role: Role | None) -> BrowserContext:
        if role not in made:
            made[role] = browser.new_context(base_url=address, reduced_motion="reduce")
            if role is not None:
                own = sessions.begin(f"test:{role}", f"{role} of the tests", of.grants(role), "local")
                made[role].add_cookies([{"name": cookies.SESSION, "value": own, "url": address}])
        return made[role]

    yield of_role
    for context in made.values():
        context.close()


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.called)
def test_a_page_is_for_everybody(contexts: Callable[[Role | None], BrowserContext], address: str, view: View) -> None:
    page = contexts(view.role).new_page()
    asked: list[str] = []
    said: list[str] = []
    answered: list[int] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    page.on(
        "response", lambda answer: answered.append(answer.status) if answer.request.is_navigation_request() else None
    )
    page.set_default_timeout(STEP)
    page.set_viewport_size({"width": WIDE, "height": 900})
    page.goto(view.path)
    if view.act is not None:
        view.act(page)
        page.wait_for_load_state()
    assert answered[-1] == view.status
    assert page.title().startswith("Error: ") == (view.status == 422)
    settle(page)
    take_pictures(page, view)
    unfold(page)
    found = {"wide": violations(page), "moves": moving(page), "wide overflow": overflow(page)}
    page.evaluate("document.documentElement.style.fontSize = '32px'")
    found |= {"large letters overflow": overflow(page), "large letters cut": cut(page)}
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size({"width": NARROW, "height": 900})
    found |= {"narrow": violations(page, BY_LAYOUT), "narrow overflow": overflow(page), "narrow cut": cut(page)}
    page.close()
    # A browser notes as an error of the console that a page is not there, which is what is asked for here.
    found["console"] = [text for text in said if view.status == 200 or "Failed to load resource" not in text]
    found["elsewhere"] = [url for url in asked if not url.startswith((f"{address}/", "data:", f"blob:{address}"))]
    assert {name: value for name, value in found.items() if value} == {}


def settle(page: Page) -> None:
    """Wait for the map, which is drawn after the page is there."""
    if page.locator("#map").count() and page.locator("main table tbody tr").count():
        page.wait_for_selector("#map[data-ready=yes]")


def take_pictures(page: Page, view: View) -> None:
    """On a desk, and on a telephone as it opens there, where pictures are wanted."""
    if SCREENSHOTS:
        picture(page, f"{view.called}-{WIDE}")
        page.set_viewport_size({"width": PHONE, "height": 800})
        page.locator("details[data-closed-when-narrow=yes]").evaluate_all(
            "found => found.forEach(own => own.open = false)"
        )
        picture(page, f"{view.called}-{PHONE}")
        page.set_viewport_size({"width": WIDE, "height": 900})


def test_every_page_of_the_app_stands_in_the_list(tmp_path: Path) -> None:
    with own_home(tmp_path / "home"):
        forget_settings()
        routes = [
            route
            for route in create_app().routes
            if isinstance(route, APIRoute) and "GET" in (route.methods or ()) and not route.path.startswith(api.PREFIX)
        ]
    forget_settings()
    looked_at = {
        next((route.path for route in routes if route.path_regex.match(view.path.split("?")[0])), "") for view in VIEWS
    }
    assert {route.path for route in routes} - looked_at == NO_PAGES, "give every page a line in VIEWS"


def test_names_of_pictures_are_apart() -> None:
    names = [view.called for view in VIEWS]
    assert len(names) == len(set(names))
