"""Signing in and out in a real browser: at a council's provider, on this machine, by keyboard, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from review.app import create_app
from tests.browser.conftest import NARROW, WIDE, overflow, picture, violations
from tests.homes import own_home
from tests.review.conftest import forget_settings
from tests.review.provider import CLIENT, running
from tests.review.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The pages with both ways to sign in."""
    with running() as council:
        more = {
            "OIDC_ISSUER": council.url,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": "none",
            "LOCAL_SIGN_IN": "1",
        }
        environment = {f"LODA_REVIEW_{name}": value for name, value in more.items()}
        with own_home(tmp_path_factory.mktemp("sign-in") / "home", **environment):
            forget_settings()
            with served(create_app()) as found:
                yield found
    forget_settings()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[BrowserContext]:
    """A visit of its own; afterwards the pages have asked for nothing from elsewhere, and nothing was blocked."""
    context = browser.new_context(base_url=address, viewport={"width": WIDE, "height": 900})
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url) if request.frame.url.startswith(address) else None)
    context.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield context
    context.close()
    elsewhere = {urlsplit(url).netloc for url in asked} - {urlsplit(address).netloc}
    assert all(host.startswith("localhost:") for host in elsewhere), "only the provider, by a link"
    assert [text for text in complaints if "Content Security Policy" in text] == []


def test_sign_in_at_the_councils_provider_and_out_again(visit: BrowserContext, address: str) -> None:
    page = visit.new_page()
    page.goto("/boroughs?to=lists")
    assert page.get_by_role("heading", level=1).inner_text() == "Sign in"
    page.get_by_role("button", name="Sign in with your council's account").click()
    page.wait_for_url("http://localhost:*/**")
    page.get_by_role("button", name="officer", exact=True).click()
    page.wait_for_url(f"{address}/boroughs?to=lists")
    assert "Signed in as Ola Officer" in page.inner_text("footer")
    (cookie,) = [one for one in visit.cookies() if one["name"] == "loda_session"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{address}/sign-in?done=signed-out")
    assert "You are signed out" in page.inner_text("main")
    page.goto("/boroughs")
    assert page.url.startswith(f"{address}/sign-in?next=")


@pytest.mark.parametrize("scripts", [True, False])
def test_sign_in_on_this_machine_with_the_keyboard_alone(browser: Browser, address: str, scripts: bool) -> None:
    page = browser.new_page(base_url=address, java_script_enabled=scripts)
    page.goto("/sign-in?next=/sessions")
    page.get_by_role("button", name="Sign in", exact=True).focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in/local")
    assert page.title().startswith("Error: Sign in")
    if scripts:
        assert page.evaluate("document.activeElement.className").startswith("govuk-error-summary")
    page.get_by_role("link", name="Choose as whom to sign in.").focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio").first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sessions")
    assert page.get_by_role("heading", level=1).inner_text() == "Open sessions"
    assert page.get_by_role("row", name="Gwen Example (you)").count() == 1
    page.close()


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/callback", "/accessibility"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_pages_for_anybody_are_accessible(visit: BrowserContext, path: str, width: int) -> None:
    page = visit.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(path)
    picture(page, f"{path.strip('/').replace('/', '-')}-{width}")
    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_the_page_of_sessions_and_a_mistake_are_accessible(visit: BrowserContext, width: int) -> None:
    page = visit.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/sign-in?next=/sessions")
    page.get_by_role("button", name="Sign in", exact=True).click()
    picture(page, f"sign-in-mistake-{width}")
    assert violations(page) == []
    page.get_by_role("radio", name="Ama Example").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    visit.clear_cookies()
    page.goto("/sign-in?next=/sessions")
    page.get_by_role("radio", name="Gwen Example").check()
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/sessions")
    picture(page, f"sessions-{width}")
    assert page.get_by_role("row").count() >= 3
    assert violations(page) == []
    assert overflow(page) == 0
    page.get_by_role("row", name="Ama Example").get_by_role("button").first.click()
    page.wait_for_url("**/sessions?done=session-ended")
    picture(page, f"sessions-ended-{width}")
    assert page.get_by_role("alert").count() == 1
