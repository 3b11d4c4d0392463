"""Sign-in at a council's identity provider: what goes well, and everything that must not."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import oidc_provider_mock._app as mock
import pytest
import sqlalchemy as sa
from authlib import jose
from fastapi import FastAPI

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.ledger.officers import SignIn
from review.identity import cookies, oidc
from tests.review.conftest import ADDRESS, Browser
from tests.review.provider import CLIENT, Provider, running


@pytest.fixture(scope="module")
def council() -> Iterator[Provider]:
    with running() as found:
        yield found


@pytest.fixture
def browser(app: FastAPI, council: Provider, set_review: Callable[..., None]) -> Browser:
    council.says.clear()
    set_review(oidc_issuer=council.url, oidc_client_id=CLIENT, oidc_client_secret="not a secret")
    return Browser(app)


def begin(browser: Browser, where: str = "/boroughs?to=lists") -> str:
    """Follow the link of the sign-in page; returns the provider's address."""
    answer = browser.get("/sign-in/oidc", params={"next": where})
    assert answer.status_code == 303
    return str(answer.headers["location"])


def signed_in() -> list[SignIn]:
    with transaction() as session:
        return list(session.scalars(sa.select(SignIn)))


def refused(answer: Any, status: int, words: str) -> None:
    """Nobody was signed in, the page says why, and there is nothing left to try again with."""
    assert answer.status_code == status
    assert words in answer.text
    assert signed_in() == []
    assert cookies.SESSION not in answer.cookies
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_whole_sign_in(browser: Browser, council: Provider) -> None:
    page = browser.get("/sign-in?next=/boroughs%3Fto%3Dlists")
    assert 'href="/sign-in/oidc?next=/boroughs%3Fto%3Dlists"' in page.text
    answer = browser.get(council.answer(begin(browser)))
    assert (answer.status_code, answer.headers["location"]) == (303, "/boroughs?to=lists")
    (session,) = signed_in()
    assert (session.subject, session.name, session.through) == ("officer", "Ola Officer", "oidc")
    assert session.grants == {"camden": ["analyst"]}
    assert "Signed in as Ola Officer" in browser.get("/boroughs").text
    with transaction() as ledger:
        event = ledger.scalars(sa.select(AuditEvent)).one()
    assert (event.who, event.what) == ("Ola Officer (officer)", "sign in")
    assert event.details == {"through": "oidc", "grants": {"camden": ["analyst"]}}


def test_what_the_provider_is_asked(browser: Browser, council: Provider) -> None:
    address = begin(browser)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert asked["redirect_uri"] == f"{ADDRESS}/sign-in/callback"
    assert asked["response_type"] == "code"
    assert asked["scope"].split() == ["openid", "profile"]
    assert asked["code_challenge_method"] == "S256"
    assert min(len(asked["state"]), len(asked["nonce"])) >= 30
    browser.get(council.answer(address))
    sent = council.sent("/oauth2/token")
    proof = base64.urlsafe_b64encode(hashlib.sha256(sent["code_verifier"].encode()).digest()).rstrip(b"=").decode()
    assert proof == asked["code_challenge"]
    assert sent["redirect_uri"] == asked["redirect_uri"]


def test_state_and_nonce_are_new_every_time(browser: Browser) -> None:
    asked = [parse_qs(urlsplit(begin(browser)).query) for _ in range(2)]
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]


@pytest.mark.parametrize(
    ("subject", "grants"),
    [
        ("two roles", {"camden": ["analyst", "data_officer"], "tower_hamlets": ["analyst", "data_officer"]}),
        ("unknown roles", {"camden": ["analyst"]}),
        ("no role", {}),
        ("only odd claims", {}),
    ],
)
def test_roles_and_boroughs_come_from_the_claims(
    browser: Browser, council: Provider, subject: str, grants: dict[str, list[str]]
) -> None:
    assert browser.get(council.answer(begin(browser, "/"), subject)).status_code == 303
    assert signed_in()[0].grants == grants
    if not grants:
        assert "no borough has given you a role yet" in browser.get("/").text


def test_claims_are_found_where_the_settings_say(set_review: Callable[..., None]) -> None:
    set_review(oidc_roles_claim="realm_access.roles", oidc_boroughs_claim="groups", oidc_name_claim="preferred")
    claims = {"sub": "7", "realm_access": {"roles": ["manager"]}, "groups": ["london"], "preferred": " Max M "}
    assert oidc.identity_of(claims) == ("7", "Max M", {"london": ["manager"]})
    assert oidc.identity_of({"sub": "7", "realm_access": []}) == ("7", "7", {})


@pytest.mark.parametrize(
    "subject",
    [
        "other nonce",
        "other issuer",
        "other audience",
        "other party",
        "too old",
        "not yet",
        "without expiry",
        "other token",
    ],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(browser: Browser, council: Provider, subject: str) -> None:
    refused(browser.get(council.answer(begin(browser), subject)), 502, "cannot be relied on")


def test_a_token_of_another_key_is_refused(
    browser: Browser, council: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = jose.RSAKey.generate_key(is_private=True).as_dict(is_private=True)
    config = mock.OpenIDCode.get_jwt_config
    monkeypatch.setattr(mock.OpenIDCode, "get_jwt_config", lambda *given: {**config(*given), "key": other})
    refused(browser.get(council.answer(begin(browser))), 502, "cannot be relied on")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_token_that_anybody_could_sign_is_refused(
    browser: Browser, council: Provider, monkeypatch: pytest.MonkeyPatch, algorithm: str
) -> None:
    council.says["id_token_signing_alg_values_supported"] = ["RS256", algorithm]
    config = mock.OpenIDCode.get_jwt_config
    secret = {"key": {"kty": "oct", "k": "bm90IGEgc2VjcmV0IG5vdCBhIHNlY3JldCBub3QgYSBzZWNyZXQ"}, "alg": algorithm}
    monkeypatch.setattr(mock.OpenIDCode, "get_jwt_config", lambda *given: {**config(*given), **secret})
    refused(browser.get(council.answer(begin(browser))), 502, "cannot be relied on")
    assert ("/oauth2/token", 200) in council.answered[-2:], "the provider gave a token"


@pytest.mark.parametrize(
    "tamper",
    [
        lambda path: path.replace("state=", "state=x"),
        lambda path: path.replace("state=", "other="),
        lambda path: path.split("?")[0],
        lambda path: path.split("?")[0] + "?error=access_denied",
    ],
)
def test_a_tampered_state_is_refused(browser: Browser, council: Provider, tamper: Callable[[str], str]) -> None:
    path = tamper(council.answer(begin(browser)))
    before = len(council.asked)
    refused(browser.get(path), 400, "not begun in this browser")
    assert len(council.asked) == before, "the provider is not asked"


def test_the_answer_to_another_browser_is_refused(browser: Browser, council: Provider, app: FastAPI) -> None:
    """Somebody who is made to follow a link is not signed in as whoever made it."""
    path = council.answer(begin(browser))
    refused(Browser(app).get(path), 400, "not begun in this browser")
    other = Browser(app)
    begin(other)
    refused(other.get(path), 400, "not begun in this browser")


@pytest.mark.parametrize(
    "change", [lambda cookie: cookie[:-2] + "AA", lambda cookie: "AAAA" + cookie, lambda _: "x.y.z"]
)
def test_a_tampered_cookie_is_refused(browser: Browser, council: Provider, change: Callable[[str], str]) -> None:
    path = council.answer(begin(browser))
    held = browser.cookies[cookies.SIGNING_IN]
    browser.cookies.clear()
    browser.cookies.set(cookies.SIGNING_IN, change(held))
    refused(browser.get(path), 400, "not begun in this browser")


def test_an_answer_is_used_once_though_the_cookie_is_kept(browser: Browser, council: Provider) -> None:
    path = council.answer(begin(browser))
    held = browser.cookies[cookies.SIGNING_IN]
    assert browser.get(path).status_code == 303
    assert cookies.SIGNING_IN not in browser.cookies
    browser.cookies.set(cookies.SIGNING_IN, held)
    again = browser.get(path)
    assert again.status_code == 400
    assert "was used already" in again.text
    assert len(signed_in()) == 1


def test_a_sign_in_that_took_too_long_is_refused(
    browser: Browser, council: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    import itsdangerous.timed

    path = council.answer(begin(browser))
    now = itsdangerous.timed.time.time
    late = type("Late", (), {"time": staticmethod(lambda: now() + cookies.SHORT_SECONDS + 1)})
    monkeypatch.setattr(itsdangerous.timed, "time", late)
    refused(browser.get(path), 400, "more than ten minutes ago")


def test_an_answer_of_another_issuer_is_refused(browser: Browser, council: Provider) -> None:
    path = council.answer(begin(browser))
    refused(browser.get(f"{path}&iss=https%3A%2F%2Felsewhere.example"), 400, "another sign-in service")


def test_turning_back_at_the_provider_is_told_in_a_sentence(browser: Browser, council: Provider) -> None:
    path = council.answer(begin(browser), action="deny")
    state = parse_qs(urlsplit(str(browser.get("/sign-in/oidc").headers["location"])).query)["state"][0]
    answer = browser.get(f"{urlsplit(path).path}?error=access_denied&state={state}")
    refused(answer, 400, "did not let you through")


@pytest.mark.parametrize(
    ("code", "words", "never"),
    [
        ("invalid_scope", "refused (&#39;invalid_scope&#39;)", "%%"),
        ("<script>alert(1)</script>", "service refused. Nobody", "alert"),
    ],
)
def test_what_the_provider_calls_an_error_is_shown_only_if_it_is_a_code(
    browser: Browser, code: str, words: str, never: str
) -> None:
    state = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    answer = browser.get("/sign-in/callback", params={"error": code, "error_description": "alert", "state": state})
    refused(answer, 400, words)
    assert never not in answer.text


def test_a_code_that_the_provider_does_not_know_is_refused(browser: Browser) -> None:
    state = parse_qs(urlsplit(begin(browser)).query)["state"][0]
    refused(browser.get("/sign-in/callback", params={"code": "guessed", "state": state}), 502, "cannot be relied on")


def test_a_provider_that_is_away_is_told_in_a_sentence(browser: Browser, set_review: Callable[..., None]) -> None:
    set_review(oidc_issuer="http://127.0.0.1:9")
    refused(browser.get("/sign-in/oidc"), 503, "does not answer")


def test_a_provider_that_calls_itself_otherwise_is_not_asked(
    browser: Browser, council: Provider, set_review: Callable[..., None]
) -> None:
    set_review(oidc_issuer=council.url + "/")
    refused(browser.get("/sign-in/oidc"), 503, "does not answer")


@pytest.mark.parametrize("where", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example"])
def test_no_way_out_of_these_pages_through_a_sign_in(browser: Browser, council: Provider, where: str) -> None:
    assert browser.get(council.answer(begin(browser, where))).headers["location"] == "/"


def test_the_secret_is_sent_in_the_way_that_the_provider_takes(browser: Browser, council: Provider) -> None:
    browser.get(council.answer(begin(browser)))
    assert "client_secret" not in council.sent("/oauth2/token")
    oidc.forget_provider()
    council.says["token_endpoint_auth_methods_supported"] = ["client_secret_post", "private_key_jwt"]
    browser.get(council.answer(begin(browser)))
    assert council.sent("/oauth2/token")["client_secret"] == "not a secret"


def test_a_provider_that_signs_in_no_way_that_is_taken_is_not_asked(browser: Browser, council: Provider) -> None:
    council.says["id_token_signing_alg_values_supported"] = ["none", "HS256"]
    refused(browser.get("/sign-in/oidc"), 503, "does not answer")


def test_keys_that_changed_are_read_anew(browser: Browser, council: Provider) -> None:
    path = council.answer(begin(browser))
    old = jose.RSAKey.generate_key(options={"kid": "old"}, is_private=True).as_dict(is_private=False)
    oidc.provider().load_server_metadata()["jwks"] = {"keys": [old]}
    assert browser.get(path).status_code == 502
    assert browser.get(council.answer(begin(browser))).status_code == 303


def test_without_a_provider_there_is_no_such_sign_in(nobody: Browser) -> None:
    assert nobody.get("/sign-in/oidc").status_code == 404
    assert nobody.get("/sign-in/callback?code=1&state=1").status_code == 404
