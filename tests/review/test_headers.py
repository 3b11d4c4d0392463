"""What holds a browser to this site: headers of every answer, flags of cookies, assets that ask nobody else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

import review.headers
from review.app import STATIC, create_app
from review.identity import cookies
from tests.homes import own_home
from tests.review.conftest import Browser, forget_settings
from tests.review.test_identity import mark_of

FOLDER = STATIC.parent
ASSETS = sorted(path for path in STATIC.rglob("*") if path.is_file())
TEMPLATES = sorted((FOLDER / "templates").rglob("*.html"))
HTTPS = "https://review.example"
PAGES = ["/", "/sign-in", "/accessibility", "/boroughs", "/nowhere", "/static/review.css", "/static/nowhere.css"]
OUTSIDE = re.compile(r"(?:https?:)?//([a-z0-9-]+(?:\.[a-z0-9-]+)+)", re.IGNORECASE)
NAMED_ONLY = {
    "www.w3.org": "names of SVG and XHTML",
    "github.com": "a comment, and the licence",
    "maplibre.org": "a link in the map's credit",
    "maplibre.invalid": "never asked: the base of relative addresses",
    "wiki.openstreetmap.org": "a link where a browser has no WebGL",
}
"""Hosts that stand in vendored files, and why no page asks for anything from them."""


@pytest.fixture(scope="module")
def secure_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """The app as it stands behind a proxy that speaks https."""
    with own_home(tmp_path_factory.mktemp("secure") / "home", LODA_REVIEW_BASE_URL=HTTPS):
        forget_settings()
        yield create_app()
    forget_settings()


def policy_of(answer: Any) -> dict[str, list[str]]:
    rules = (rule.split() for rule in answer.headers["content-security-policy"].split(";"))
    return {name: values for name, *values in rules}


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_carries_the_headers(nobody: Browser, path: str) -> None:
    answer = nobody.get(path)
    policy = policy_of(answer)
    assert policy["default-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    every = {value for values in policy.values() for value in values}
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:", "http:"} & every
    assert not any("." in value for value in every), "no host is named"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    kept = path.startswith("/static/") and answer.status_code == 200
    assert answer.headers["cache-control"] == ("public, max-age=3600" if kept else "no-store")
    assert "strict-transport-security" not in answer.headers, "not in plain http"


def test_errors_carry_the_headers_too(people: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch) -> None:
    browser = people("analyst", "camden")
    assert policy_of(browser.get("/sessions"))["default-src"] == ["'self'"]

    def away(_request: object) -> None:
        raise OperationalError("SELECT canary", {"who": "canary"}, Exception("canary"))

    monkeypatch.setattr(review.headers, "recognise", away)
    answer = browser.get("/boroughs")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "60"
    assert "canary" not in answer.text
    assert policy_of(answer)["default-src"] == ["'self'"]


def test_the_mark_of_scripts_is_new_in_every_answer_and_on_every_script(nobody: Browser) -> None:
    seen = set()
    for _ in range(3):
        answer = nobody.get("/sign-in")
        (mark,) = re.findall(r"'nonce-([\w-]+)'", answer.headers["content-security-policy"])
        assert len(mark) >= 20
        inline = [tag for tag in re.findall(r"<script[^>]*>", answer.text) if "src=" not in tag]
        assert inline
        assert all(f'nonce="{mark}"' in tag for tag in inline)
        seen.add(mark)
    assert len(seen) == 3


def test_nothing_is_styled_or_run_in_line() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=\s*[\"']|javascript:", text), path.name
        bare = [tag for tag in re.findall(r"<script[^>]*>", text) if "src=" not in tag and "nonce=" not in tag]
        assert bare == [], path.name


@pytest.mark.parametrize("path", [*TEMPLATES, *ASSETS], ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_outside_host_is_asked(path: Path) -> None:
    found = {host.lower() for host in OUTSIDE.findall(path.read_text(encoding="utf-8"))}
    ours = "vendor" not in path.parts
    assert found <= ({"www.w3.org"} if ours else set(NAMED_ONLY))


def test_the_pages_ask_for_nothing_but_what_lies_here(people: Callable[..., Browser]) -> None:
    for browser, path in ((people("governance"), "/sessions"), (people(None), "/"), (people("analyst"), "/sign-in")):
        page = browser.get(path).text
        for address in re.findall(r'(?:href|src|action)="([^"]*)"', page):
            assert address.startswith(("/", "#")), address
            if address.startswith("/static/"):
                assert browser.get(address).status_code == 200, address


def test_vendored_files_are_those_of_the_list() -> None:
    listed = dict(reversed(line.split("  ")) for line in (FOLDER / "assets/SHA256SUMS").read_text().splitlines())
    there = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (STATIC / "vendor").iterdir()}
    licences = there.pop("LICENCES.txt")
    assert there == listed
    assert licences == hashlib.sha256((FOLDER / "assets/licences.txt").read_bytes()).hexdigest()


def test_nothing_of_the_brand_that_is_for_gov_uk_alone(nobody: Browser) -> None:
    for path in (STATIC / "vendor").glob("*.css"):
        style = path.read_text()
        assert "@font-face" not in style
        assert "gds transport" not in style.lower()
        parts = [part for part in re.split("[{}]", style) if "crown" in part.lower() or "crest" in part.lower()]
        assert all("govuk-footer__crown" in part or "govuk-crest.svg" in part for part in parts), "names, no drawing"
    assert not [path for path in ASSETS if path.suffix in {".woff", ".woff2", ".ttf", ".ico"} or "crest" in path.name]
    for page in ("/sign-in", "/accessibility"):
        text = nobody.get(page).text.lower()
        for word in ("crown", "copyright-logo", "crest", "gov.uk –", "nationalarchives", "licence-logo", "#1d70b8"):
            assert word not in text, word


def flags(answer: Any) -> dict[str, set[str]]:
    """Cookies that an answer sets, with their flags."""
    found = {}
    for line in answer.headers.get_list("set-cookie"):
        name, *rest = line.split(";")
        found[name.split("=")[0]] = {part.strip().lower() for part in rest}
    return found


def test_cookies_on_this_machine(nobody: Browser) -> None:
    page = nobody.get("/sign-in")
    sent = nobody.post("/sign-in/local", data={"csrf": mark_of(page), "who": "analyst"})
    assert set(flags(page)) == {cookies.FORM}
    assert set(flags(sent)) == {cookies.SESSION, cookies.FORM, cookies.SIGNING_IN}
    for own in (*flags(page).values(), *flags(sent).values()):
        assert {"httponly", "samesite=lax", "path=/"} <= own
        assert "secure" not in own
        assert not any(part.startswith("domain") for part in own)
    assert "max-age=43200" in flags(sent)[cookies.SESSION]


def test_in_https_cookies_are_of_this_host_alone(secure_app: FastAPI) -> None:
    browser = Browser(secure_app, HTTPS, "10.0.0.9")
    page = browser.get("/sign-in")
    assert page.headers["strict-transport-security"] == "max-age=31536000"
    assert {f"__Host-{cookies.FORM}"} == set(flags(page))
    assert {"secure", "httponly", "samesite=lax", "path=/"} <= flags(page)[f"__Host-{cookies.FORM}"]
    browser.sign_in("analyst", "camden")
    out = browser.post_form("/sign-out")
    assert out.status_code == 303
    assert {"secure", "httponly", "max-age=0"} <= flags(out)[f"__Host-{cookies.SESSION}"]


def test_in_https_a_cookie_without_the_prefix_is_not_believed(secure_app: FastAPI) -> None:
    browser = Browser(secure_app, HTTPS, "10.0.0.9").sign_in("analyst", "camden")
    assert browser.get("/boroughs").status_code == 200
    (own,) = [one.value for one in browser.cookies.jar if one.name.endswith(cookies.SESSION)]
    browser.cookies.clear()
    assert browser.get("/boroughs", headers={"cookie": f"{cookies.SESSION}={own}"}).status_code == 303


def test_only_the_host_of_the_settings_is_answered(secure_app: FastAPI) -> None:
    assert Browser(secure_app, HTTPS, "10.0.0.9").get("/sign-in").status_code == 200
    for host in ("elsewhere.example", "review.example.elsewhere.example", "127.0.0.1", "", "a b", "review.example/x"):
        answer = Browser(secure_app, HTTPS, "10.0.0.9").get("/sign-in", headers={"host": host})
        assert answer.status_code == 400, host


def test_a_form_is_held_against_the_address_that_officers_use(secure_app: FastAPI) -> None:
    """A proxy speaks plain http to the app, but the browser says https."""
    browser = Browser(secure_app, HTTPS, "10.0.0.9").sign_in("analyst", "camden")
    for origin, status in (("http://review.example", 403), (HTTPS, 303)):
        answer = browser.post("/sign-out", data={"csrf": browser.csrf}, headers={"origin": origin})
        assert answer.status_code == status, origin
