"""Whole journeys in a real browser, from signing in to what was done: analyst, data officer, engineer, governance."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from pipelines.core.settings import settings
from tests.browser import office as of
from tests.browser.hands import Keyboard, Mouse
from tests.browser.office import office
from tests.intake.gate_world import as_csv, know, licences
from tests.review.listed import address_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

LIST = f"/lists/{of.BOROUGH}"
STEP = 20_000
"""Milliseconds that anything may take on a busy machine."""

Visit = Callable[..., "Page"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with office(tmp_path_factory.mktemp("journeys") / "home") as found:
        know(of.BOROUGH, "hmo_licence")
        yield found


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    """A new visitor's page. Afterwards nothing was asked for from elsewhere, and no script has complained."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    said: list[str] = []

    def begin(**more: bool) -> Page:
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}, **more)
        context.on("request", lambda request: asked.append(request.url))
        context.on("weberror", lambda error: said.append(str(error.error)))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(STEP)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((f"{address}/", "data:"))] == []
    assert said == []


def sign_in(page: Page, hands: Mouse, name: str, there: str) -> None:
    """Go where nobody may go without, and sign in as one of the ready people."""
    page.goto(there)
    assert page.url.endswith(f"/sign-in?next={there}")
    hands.choose(page.get_by_role("radio", name=name))
    hands.press(page.get_by_role("button", name="Sign in", exact=True))
    page.wait_for_url(lambda url: urlsplit(url).path == there)  # the sign-in page's own address ends with it, too
    assert f"Signed in as {name}" in page.inner_text("footer")


@pytest.mark.parametrize(
    ("number", "hands_of", "scripts"),
    [(9, Mouse, True), (10, Keyboard, True), (11, Mouse, False), (12, Keyboard, False)],
    ids=["mouse", "keyboard", "mouse-without-scripts", "keyboard-without-scripts"],
)
def test_an_analyst_records_what_a_visit_found(visit: Visit, number: int, hands_of: type[Mouse], scripts: bool) -> None:
    page = visit(java_script_enabled=scripts)
    hands = hands_of(page)
    sign_in(page, hands, "Ama Example", LIST)
    hands.write(page.get_by_label("Search"), f"{number} example road")
    hands.press(page.get_by_role("button", name="Show"))
    page.wait_for_url(f"**{LIST}?search={number}+example+road*")
    entry = page.get_by_role("link", name=address_of(number), exact=True)
    assert page.get_by_role("listitem").filter(has=entry).get_by_text("To visit").is_visible()
    hands.press(entry)
    page.wait_for_url(f"**/properties/{of.BOROUGH}/*")
    hands.press(page.get_by_role("button", name="Record what was found"))
    page.wait_for_url("**/outcome")

    hands.choose(page.get_by_role("radio", name="Unlicensed HMO"))
    hands.press(page.get_by_role("button", name="Save the outcome"))
    page.wait_for_selector(".govuk-error-summary")
    assert page.title().startswith("Error: ")
    if scripts:
        assert page.evaluate("document.activeElement.className") == "govuk-error-summary"
    assert page.get_by_role("radio", name="Unlicensed HMO").is_checked(), "what was chosen is kept"
    hands.press(page.locator(".govuk-error-summary a").first)
    if scripts:
        assert page.evaluate("document.activeElement.name") == "visited-day"
    for label, part in (("Day", "1"), ("Month", "10"), ("Year", "2026")):
        hands.write(page.get_by_label(label, exact=True), part)
    hands.press(page.get_by_role("button", name="Save the outcome"))

    page.wait_for_url("**?done=outcome*")
    assert page.get_by_role("alert").get_by_text("The outcome is saved").is_visible()
    assert "1 October 2026" in page.get_by_role("region", name="History of outcomes").inner_text()
    page.goto(f"{LIST}?search={number}+example+road")
    found = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=address_of(number), exact=True))
    assert found.get_by_text("Unlicensed HMO").is_visible()
    assert found.get_by_text("Visited 1 October 2026").is_visible()


def test_the_first_key_leads_past_the_navigation(visit: Visit) -> None:
    page = visit()
    sign_in(page, Mouse(page), "Ama Example", LIST)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main-content"


def test_a_data_officer_decides_checks_and_drops(visit: Visit) -> None:
    page = visit()
    hands = Mouse(page)
    sign_in(page, hands, "Dina Example", f"/intake/{of.BOROUGH}")
    hands.press(page.get_by_role("link", name="HMO licence register: register.csv"))
    page.wait_for_url(f"**/drops/{of.HELD}")
    assert page.get_by_text("This is not a date.").first.is_visible()
    hands.choose(page.get_by_role("radio", name="Release it"))
    hands.press(page.get_by_role("button", name="Save the decision"))
    page.wait_for_selector(".govuk-error-summary")
    assert page.title().startswith("Error: ")
    assert page.get_by_role("radio", name="Release it").is_checked()
    hands.write(page.get_by_label("Reason"), "The register was cleaned of lapsed licences.")
    hands.press(page.get_by_role("button", name="Save the decision"))
    page.wait_for_url("**?done=released")
    assert page.get_by_role("alert").get_by_text("The drop is released.").is_visible()
    assert page.get_by_text("The register was cleaned of lapsed licences.").is_visible()

    content = as_csv(licences(of.BOROUGH, 30))
    file = {"name": "licences_2026-10-01.csv", "mimeType": "text/csv", "buffer": content}
    lies = (
        Path(settings().bucket_url.removeprefix("file://")) / "drops" / of.BOROUGH / "hmo_licence" / str(file["name"])
    )
    for place, button in (("check", "Check"), ("upload", "Drop the file")):
        page.goto(f"/intake/{of.BOROUGH}/{place}")
        page.locator("[name=dataset]").select_option("hmo_licence")
        page.locator("input[type=file]").set_input_files(file)
        hands.press(page.get_by_role("button", name=button, exact=True))
        if place == "check":
            assert page.get_by_text("Nothing was stored, and nobody else was told.").is_visible()
            assert not lies.exists()
    page.wait_for_url("**done=dropped*")
    assert page.get_by_text("The file is dropped.").is_visible()
    assert lies.read_bytes() == content


def test_an_engineer_looks_after_the_platform_and_promotes_a_model(visit: Visit) -> None:
    page = visit()
    hands = Mouse(page)
    sign_in(page, hands, "Emil Example", "/health")
    assert page.get_by_role("heading", level=1).inner_text() == "Health"
    hands.press(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Model"))
    page.wait_for_url("**/model")
    assert page.get_by_role("heading", name=f"In use: {of.CHAMPION}").is_visible()
    hands.choose(page.get_by_role("radio", name=of.CHALLENGER))
    hands.press(page.get_by_role("button", name="Make it the champion"))
    page.wait_for_selector(".govuk-error-summary")
    assert page.get_by_role("radio", name=of.CHALLENGER).is_checked()
    hands.write(page.get_by_label("Why").first, "It finds more in every borough.")
    hands.press(page.get_by_role("button", name="Make it the champion"))
    page.wait_for_url("**/model?done=promoted")
    assert page.get_by_role("heading", name=f"In use: {of.CHALLENGER}").is_visible()
    changes = page.get_by_role("region", name="Changes of champion")
    assert changes.get_by_text("It finds more in every borough.").is_visible()


def test_a_governance_lead_reads_the_log_and_ends_a_session(visit: Visit) -> None:
    analyst = visit()
    sign_in(analyst, Mouse(analyst), "Mark Example", LIST)
    page = visit()
    hands = Mouse(page)
    sign_in(page, hands, "Gwen Example", "/audit")
    assert page.get_by_text("The log is sound").is_visible()
    hands.write(page.get_by_label("Act"), "view list")
    hands.write(page.get_by_label("Who"), "Mark Example (local:manager)")
    hands.press(page.get_by_role("button", name="Show"))
    page.wait_for_url("**/audit?what=view+list*")
    assert page.get_by_role("row").filter(has_text=of.LIST).filter(has_text="Mark Example").count() == 1
    hands.press(page.get_by_role("link", name="Sessions"))
    page.wait_for_url("**/sessions")
    hands.press(page.get_by_role("row", name="Mark Example").get_by_role("button"))
    page.wait_for_url("**/sessions?done=session-ended")
    assert page.get_by_role("row", name="Mark Example").count() == 0
    analyst.reload()
    assert "/sign-in?next=" in analyst.url
