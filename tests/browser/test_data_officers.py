"""Decisions of data officers in a real browser: by keyboard alone, by single keys, and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop
from review.app import create_app
from review.identity import cookies, sessions
from review.queries import links
from tests.browser.conftest import WIDE, unfold, violations
from tests.review.desk import review_home
from tests.review.served import served
from tests.unit.link_lake import put
from tests.unit.review_world import BOROUGH, HOUSE, TWICE, gazetteer, night

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HELD = "camden-hmo_licence-000000000001"
FINDING = {
    "issue": "not_a_date", "level": "must fix", "severity": "error", "responsibility": "borough",
    "dimension": "validity", "column": "Licence Expires", "field": "Expiry", "whole_file": False, "rows": 2,
    "first_rows": [4, 9], "rows_set_aside": True, "example": "99/99/9999", "sentence": "This is not a date.",
    "what_to_do": "Correct the date.",
}  # fmt: skip
RECEIPT = {
    "receipt": HELD, "borough": BOROUGH, "dataset": "hmo_licence", "file": "drops/camden/hmo_licence/register.csv",
    "sha256": "0" * 64, "bytes": 4_711, "received_at": "2026-09-30T12:00:00+00:00", "extract_date": "2026-09-30",
    "status": "held", "outcome": "Held: nothing of it is used yet", "reason": "row_count_fell",
    "sentence": "40 usable rows after 200.", "what_to_do": "Send the whole register.", "rows_in": 40, "accepted": 0,
    "quarantined": 40, "rows_with_faults": 2, "quarantine_file": "drops/camden/hmo_licence/register.csv.quarantine.csv",
    "findings": [FINDING], "details": {"total": 1, "shown": 1, "file": None, "lines": [
        {"row": 4, "finding": 0, "shown": "99/99/9999"},
    ]}, "columns": {"Licence Expires": "Expiry", "A column with a name that has no end" * 3: "not used: not wanted"},
}  # fmt: skip


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A borough with a held drop and with an address that waits."""
    with review_home(tmp_path_factory.mktemp("officers") / "home"):
        links._desks.clear()
        put(BOROUGH, "gazetteer", gazetteer())
        night(TWICE, HOUSE)
        at = datetime(2026, 9, 30, 12, tzinfo=UTC)
        held = Drop(
            id=HELD, borough=BOROUGH, dataset="hmo_licence", source="main", path=RECEIPT["file"], sha256="0" * 64,
            size_bytes=4_711, received_at=at, extract_date=date(2026, 9, 30), status="held", reason="row_count_fell",
            sentence="40 usable rows after 200.", rows_in=40, accepted=0, quarantined=40, hashes={}, receipt=RECEIPT,
            finished_at=at,
        )  # fmt: skip
        with transaction() as session:
            session.add(held)
        with served(create_app()) as found:
            yield found


Open = Callable[..., "Page"]


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Open]:
    """Open a page as somebody of a role; nothing may be asked for from elsewhere."""
    asked: list[str] = []
    contexts: list[Any] = []

    def look(path: str, role: str = "data_officer", borough: str = BOROUGH, width: int = WIDE, **more: Any) -> Page:
        context = browser.new_context(base_url=address, viewport={"width": width, "height": 900}, **more)
        own = sessions.begin(f"test:{role}", f"A {role}", {borough: [role]}, "oidc")
        context.add_cookies([{"name": cookies.SESSION, "value": own, "url": address}])
        context.on("request", lambda request: asked.append(request.url))
        contexts.append(context)
        page: Page = context.new_page()
        page.goto(path)
        return page

    yield look
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def test_what_is_wrong_with_a_decision_is_told_where_the_keyboard_is(visit: Open) -> None:
    page = visit(f"/intake/camden/drops/{HELD}")
    page.get_by_role("button", name="Save the decision").press("Enter")
    page.wait_for_selector(".govuk-error-summary")
    assert page.title().startswith("Error: ")
    assert page.evaluate("document.activeElement.className") == "govuk-error-summary"
    assert violations(page) == []
    page.get_by_role("link", name="Give the reason, for those who ask later.").press("Enter")
    assert page.evaluate("document.activeElement.id") == "reason"


def test_addresses_are_decided_by_single_keys_which_can_be_put_off(visit: Open) -> None:
    page = visit("/links/camden")
    page.get_by_label("Single keys").uncheck()
    page.locator("h1").click()
    page.keyboard.press("n")
    page.reload()
    assert page.get_by_label("Single keys").is_checked() is False
    page.get_by_label("Single keys").check()
    page.get_by_text("Add a note").click()
    page.get_by_label("Note", exact=True).press_sequentially("yn0")
    assert page.get_by_label("Note", exact=True).input_value() == "yn0"
    page.locator("h1").click()
    with page.expect_navigation():
        page.keyboard.press("n")
    assert page.get_by_text("UPRN 42").first.is_visible()
    with page.expect_navigation():
        page.keyboard.press("y")
    assert page.get_by_text("Every address is decided.").is_visible()
    page.get_by_role("link", name="What was decided").click()
    page.wait_for_url("**/decisions")
    assert page.get_by_text("It is the property with UPRN 42.").is_visible()
    assert page.get_by_text("Note: yn0").is_visible()
    unfold(page)
    assert violations(page) == []


def test_a_held_drop_is_refused_without_scripts(visit: Open) -> None:
    page = visit(f"/intake/camden/drops/{HELD}", java_script_enabled=False)
    page.get_by_label("Refuse it for good").check()
    page.get_by_label("Reason").fill("sent by mistake")
    page.get_by_role("button", name="Save the decision").click()
    assert page.get_by_text("The drop is refused.").is_visible()
    assert page.get_by_role("button", name="Save the decision").count() == 0
