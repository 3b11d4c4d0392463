"""Who is it: the local sign-in, sessions from beginning to end, and how often somebody may try."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, LastGood
from pipelines.core.ledger.officers import SignIn, SignInAttempt
from review.app import create_app
from review.identity import attempts, cookies, local, secret, sessions
from review.identity.addresses import local_path
from review.identity.person import Role
from tests.review.conftest import Browser

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def mark_of(page: Any) -> str:
    found = re.findall(r'name="csrf" value="(\w+)"', page.text)
    assert found
    return str(found[-1])


def sign_in_as(browser: Browser, who: str, where: str = "/boroughs") -> Any:
    page = browser.get("/sign-in", params={"next": where})
    assert page.status_code == 200
    return browser.post("/sign-in/local", data={"csrf": mark_of(page), "who": who, "next": where})


def all_sessions() -> list[SignIn]:
    with transaction() as session:
        return list(session.scalars(sa.select(SignIn).order_by(SignIn.began_at)))


def acts() -> list[tuple[str, str]]:
    with transaction() as session:
        return [(one.who, one.what) for one in session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number))]


def add_data(*boroughs: str) -> None:
    with transaction() as session:
        for slug in boroughs:
            day = date(2026, 5, 1)
            kind = {"dataset": "gazetteer", "source": "main", "drop_id": slug, "extract_date": day}
            session.add(LastGood(borough=slug, **kind, rows=1, lake_version=0, published_at=NOON))


class TestLocalSignIn:
    def test_five_ready_people_of_the_boroughs_with_data(self, nobody: Browser) -> None:
        add_data("camden", "bexley")
        page = nobody.get("/sign-in")
        assert page.text.count('type="radio"') == 5
        assert "Bexley, Camden" in page.text
        for one in local.PEOPLE:
            answer = sign_in_as(nobody, one.role.value)
            assert (answer.status_code, answer.headers["location"]) == (303, "/boroughs")
        everywhere = {"london": ["engineer"]}, {"london": ["governance"]}
        theirs = [{"bexley": [role], "camden": [role]} for role in ("analyst", "manager", "data_officer")]
        assert [one.grants for one in all_sessions()] == [*theirs, *everywhere]

    def test_without_data_the_page_says_what_to_do_and_lets_in_all_the_same(self, nobody: Browser) -> None:
        assert "No borough has data yet" in nobody.get("/sign-in").text
        sign_in_as(nobody, "data_officer")
        assert all_sessions()[0].grants == {"london": ["data_officer"]}

    @pytest.mark.parametrize("who", ["", "emperor", "analyst\x00", "a" * 40])
    def test_somebody_else_is_no_choice(self, nobody: Browser, who: str) -> None:
        answer = sign_in_as(nobody, who)
        assert answer.status_code == 422
        assert "<title>Error: Sign in" in re.sub(r">\s+", ">", answer.text)
        assert 'href="#who"' in answer.text
        assert all_sessions() == []

    def test_it_is_not_there_unless_switched_on(self, nobody: Browser, set_review: Callable[..., None]) -> None:
        page = nobody.get("/sign-in")
        set_review(local_sign_in=0)
        assert "made-up people" not in nobody.get("/sign-in").text
        assert "Nobody can sign in here yet" in nobody.get("/sign-in").text
        assert nobody.post("/sign-in/local", data={"csrf": mark_of(page), "who": "analyst"}).status_code in (403, 404)
        assert all_sessions() == []

    @pytest.mark.parametrize(
        ("address", "client", "handed_on"),
        [
            ("http://127.0.0.1:8000", "192.0.2.7", {}),
            ("http://127.0.0.1:8000", "127.0.0.1", {"x-forwarded-for": "192.0.2.7"}),
            ("http://127.0.0.1:8000", "127.0.0.1", {"forwarded": "for=192.0.2.7"}),
        ],
    )
    def test_it_is_not_there_for_others_than_this_machine(
        self, app: FastAPI, review_home: Path, address: str, client: str, handed_on: dict[str, str]
    ) -> None:
        browser = Browser(app, address, client, headers=handed_on)
        page = browser.get("/sign-in")
        assert "made-up people" not in page.text
        there = Browser(app)
        mark = mark_of(there.get("/sign-in"))
        browser.cookies.clear()
        browser.cookies.set(cookies.FORM, there.cookies[cookies.FORM])
        assert browser.post("/sign-in/local", data={"csrf": mark, "who": "analyst"}).status_code == 404
        assert all_sessions() == []

    def test_a_name_that_leads_here_from_elsewhere_is_not_answered(self, app: FastAPI, review_home: Path) -> None:
        """Another site's name may be made to lead to this machine, so that its page could sign in."""
        assert Browser(app, "http://elsewhere.example").get("/sign-in").status_code == 400

    def test_a_form_needs_the_cookie_that_came_with_its_page(self, nobody: Browser, app: FastAPI) -> None:
        mark = mark_of(nobody.get("/sign-in"))
        other = Browser(app)
        assert other.post("/sign-in/local", data={"csrf": mark, "who": "analyst"}).status_code == 403
        other.get("/sign-in")
        assert other.post("/sign-in/local", data={"csrf": mark, "who": "analyst"}).status_code == 403
        made_up = "made-up.cookie.value"
        other.cookies.clear()
        other.cookies.set(cookies.FORM, made_up)
        forged = secret.keyed("form before sign-in", made_up)
        assert other.post("/sign-in/local", data={"csrf": forged, "who": "analyst"}).status_code == 403
        assert all_sessions() == []

    def test_more_than_a_sign_in_needs_is_not_read_from_nobody(self, nobody: Browser, people: Any) -> None:
        large = {"csrf": "x", "who": "a" * 70_000}
        for path in ("/sign-in/local", "/sign-out", "/nowhere"):
            assert nobody.post(path, data=large).status_code == 413, path
        assert nobody.post("/sign-in/local", content=iter([b"a", b"b"])).status_code == 413, "of unknown length"
        assert people("analyst", "camden").post("/sign-out", data=large).status_code == 403, "read, and not ours"


class TestSessions:
    def test_a_session_is_known_by_a_hash_of_its_secret(self, nobody: Browser) -> None:
        answer = sign_in_as(nobody, "analyst")
        own = answer.cookies[cookies.SESSION]
        (begun,) = all_sessions()
        assert len(own) >= 43
        assert own not in (begun.secret_hash, begun.subject)
        assert begun.secret_hash == secret.keyed("session", own)

    @pytest.mark.parametrize("held", ["", "x", "é", "0" * 64, "a" * 5_000, "../../etc/passwd", "' OR 1=1 --"])
    def test_a_cookie_that_is_no_secret_is_nobody(self, nobody: Browser, held: str) -> None:
        answer = nobody.get("/", headers={"cookie": f"{cookies.SESSION}={held}".encode()})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/")

    def test_the_hash_that_lies_in_the_ledger_is_no_secret(self, nobody: Browser) -> None:
        sign_in_as(nobody, "analyst")
        nobody.cookies.clear()
        nobody.cookies.set(cookies.SESSION, all_sessions()[0].secret_hash)
        assert nobody.get("/").status_code == 303

    def test_a_secret_that_was_there_before_is_never_taken_over(self, nobody: Browser, app: FastAPI) -> None:
        """Whoever planted a cookie in a browser does not share the session that is begun there."""
        nobody.cookies.set(cookies.SESSION, "planted")
        sign_in_as(nobody, "analyst")
        fresh = [one for one in nobody.cookies.jar if one.name == cookies.SESSION and one.value != "planted"]
        assert len(fresh) == 1
        other = Browser(app)
        other.cookies.set(cookies.SESSION, "planted")
        assert other.get("/boroughs").status_code == 303

    def test_signing_in_anew_ends_the_session_before(self, nobody: Browser, app: FastAPI) -> None:
        first = sign_in_as(nobody, "analyst").cookies[cookies.SESSION]
        second = sign_in_as(nobody, "engineer").cookies[cookies.SESSION]
        assert first != second
        assert sessions.person_of(first) is None
        assert sessions.person_of(second) is not None

    def test_sign_out(self, nobody: Browser) -> None:
        own = sign_in_as(nobody, "analyst").cookies[cookies.SESSION]
        answer = nobody.post("/sign-out", data={"csrf": mark_of(nobody.get("/boroughs"))})
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?done=signed-out")
        assert cookies.SESSION not in nobody.cookies
        assert sessions.person_of(own) is None
        assert "You are signed out" in nobody.get("/sign-in?done=signed-out").text
        assert [what for _, what in acts()] == ["sign in", "sign out"]

    def test_a_session_that_is_not_used_ends(
        self, people: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch, set_review: Callable[..., None]
    ) -> None:
        set_review(session_minutes=60)
        self.at(monkeypatch, NOON)
        browser = people("analyst", "camden")
        for minutes in (59, 59 + 59, 59 + 59 + 59):
            self.at(monkeypatch, NOON + timedelta(minutes=minutes))
            assert browser.get("/boroughs").status_code == 200, minutes
        self.at(monkeypatch, NOON + timedelta(minutes=59 * 3 + 60))
        assert browser.get("/boroughs").status_code == 303

    def test_a_session_ends_in_any_case(
        self, people: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch, set_review: Callable[..., None]
    ) -> None:
        set_review(session_minutes=60, session_hours=2)
        self.at(monkeypatch, NOON)
        browser = people("analyst", "camden")
        for minutes, status in ((50, 200), (100, 200), (119, 200), (120, 303), (121, 303)):
            self.at(monkeypatch, NOON + timedelta(minutes=minutes))
            assert browser.get("/boroughs").status_code == status, minutes

    def test_who_was_signed_in_is_not_kept_but_in_the_audit_log(
        self, people: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.at(monkeypatch, NOON)
        people("analyst", "camden", name="Old Name")
        self.at(monkeypatch, NOON + timedelta(hours=12) + sessions.KEPT)
        people("engineer", name="New Name")
        assert [one.name for one in all_sessions()] == ["New Name"]
        assert [who.split(" (")[0] for who, _ in acts()] == ["Old Name", "New Name"]

    def test_another_secret_of_the_installation_ends_every_session(
        self, people: Callable[..., Browser], set_review: Callable[..., None]
    ) -> None:
        browser = people("analyst", "camden")
        set_review(secret_key="another one, long enough to be one")
        assert browser.get("/boroughs").status_code == 303

    def test_the_file_of_the_secret_is_for_its_owner_alone(self, review_home: Path) -> None:
        own = secret.secret_key()
        (path,) = (review_home / "secrets").iterdir()
        assert path.read_text() == own
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)

    @staticmethod
    def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
        monkeypatch.setenv("LODA_NOW", moment.isoformat())


class TestEndingOthersSessions:
    def test_a_governance_lead_sees_open_sessions_and_ends_one(self, people: Callable[..., Browser]) -> None:
        lead, officer = people("governance", name="Gita Lead"), people("analyst", "camden", name="<i>Ann</i>")
        page = lead.get("/sessions")
        assert page.text.count("<tr") == 3
        assert "&lt;i&gt;Ann&lt;/i&gt;" in page.text
        assert "Camden" in page.text
        (key,) = re.findall(r'name="session" value="(\w+)"', page.text)
        answer = lead.post_form("/sessions/end", session=key)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sessions?done=session-ended")
        assert officer.get("/boroughs").status_code == 303
        assert lead.get("/sessions").text.count("<tr") == 2
        assert ("Gita Lead (test:governance)", "end a session") in acts()

    def test_what_has_ended_is_not_shown(self, people: Callable[..., Browser], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LODA_NOW", NOON.isoformat())
        people("analyst", "camden")
        monkeypatch.setenv("LODA_NOW", (NOON + timedelta(minutes=61)).isoformat())
        assert people("governance").get("/sessions").text.count("<tr") == 2

    @pytest.mark.parametrize("key", ["", "0" * 64, "é", "9" * 64])
    def test_a_session_that_is_none_cannot_be_ended(self, people: Callable[..., Browser], key: str) -> None:
        lead = people("governance")
        assert lead.post_form("/sessions/end", session=key).status_code == 404
        assert lead.post_form("/sessions/end", session=key * 400).status_code in (404, 422)
        assert "end a session" not in [what for _, what in acts()]

    def test_it_takes_a_role_for_all_of_london(self, people: Callable[..., Browser]) -> None:
        assert people("governance", "camden").get("/sessions").status_code == 403


class TestHowOften:
    @pytest.fixture(autouse=True)
    def few(self, set_review: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
        set_review(sign_in_attempts=3)
        monkeypatch.setenv("LODA_NOW", NOON.isoformat())

    def test_after_so_many_attempts_one_has_to_wait(self, nobody: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(3):
            assert sign_in_as(nobody, "nobody").status_code == 422
        answer = sign_in_as(nobody, "analyst")
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "900"
        assert "Try again in 15 minutes." in answer.text
        monkeypatch.setenv("LODA_NOW", (NOON + attempts.WINDOW + timedelta(seconds=1)).isoformat())
        assert sign_in_as(nobody, "analyst").status_code == 303
        with transaction() as session:
            assert session.scalars(sa.select(SignInAttempt)).all() == [], "old ones are deleted"

    def test_what_goes_well_does_not_count(self, nobody: Browser) -> None:
        for _ in range(5):
            assert sign_in_as(nobody, "analyst").status_code == 303

    def test_answers_of_a_provider_count(self, nobody: Browser, set_review: Callable[..., None]) -> None:
        set_review(oidc_issuer="http://127.0.0.1:9", oidc_client_id="tests")
        seen = [nobody.get(f"/sign-in/callback?code={n}&state={n}").status_code for n in range(5)]
        assert seen == [400, 400, 400, 429, 429]

    def test_one_place_does_not_shut_another_out(self, app: FastAPI, review_home: Path, set_review: Any) -> None:
        set_review(oidc_issuer="http://127.0.0.1:9", oidc_client_id="tests")
        first, second = (Browser(app, client=client) for client in ("192.0.2.1", "192.0.2.2"))
        for _ in range(4):
            last = first.get("/sign-in/callback?code=1&state=1")
        assert last.status_code == 429
        assert second.get("/sign-in/callback?code=1&state=1").status_code == 400

    def test_addresses_of_one_network_are_one_place(self, app: FastAPI, review_home: Path, set_review: Any) -> None:
        set_review(oidc_issuer="http://127.0.0.1:9", oidc_client_id="tests")
        seen = [
            Browser(app, client=f"2001:db8::{n}").get("/sign-in/callback?code=1&state=1").status_code
            for n in range(1, 5)
        ]
        assert seen == [400, 400, 400, 429]

    def test_where_somebody_came_from_is_not_kept(self, nobody: Browser) -> None:
        sign_in_as(nobody, "nobody")
        with transaction() as session:
            (kept,) = session.scalars(sa.select(SignInAttempt))
        assert re.fullmatch(r"[0-9a-f]{64}", kept.origin)


INSIDE = [
    "/", "/lists/camden", "/lists/camden?ward=Bow&page=2", "/properties/camden/100?x=a%20b", "/boroughs?to=lists#top",
    "/lists/camden?q=10%2F2", "/signs",
]  # fmt: skip
OUTSIDE = [
    "", " ", "https://elsewhere.example", "http:elsewhere.example", "HTTPS://elsewhere.example", "javascript:alert(1)",
    "data:text/html,x", "//elsewhere.example", "///elsewhere.example", "////elsewhere.example", "\\\\elsewhere.example",
    "/\\elsewhere.example", "/\\/elsewhere.example", "\\/elsewhere.example", "/%2Felsewhere.example",
    "/%2f%2felsewhere.example", "/%5Celsewhere.example", "/%5c/elsewhere.example", "%2F%2Felsewhere.example",
    "/%252Felsewhere.example", "/%25252Felsewhere.example", "/%255Celsewhere.example", "/\t/elsewhere.example",
    "/\n/elsewhere.example", "/%09/elsewhere.example", "/%0d%0aSet-Cookie:x=y", "\x00/", "elsewhere.example",
    "lists/camden", "?x=1", "#x", "/" + "a" * 3_000, "/sign-in", "/sign-in?next=/", "/sign-in/oidc", "/sign-out",
    "/%73ign-out", "/lists\\camden", "/ /elsewhere.example",
]  # fmt: skip


@pytest.mark.parametrize("path", INSIDE)
def test_a_sign_in_leads_on_to_where_somebody_wanted_to_go(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize("path", OUTSIDE)
def test_a_sign_in_never_leads_out_of_these_pages(path: str) -> None:
    assert local_path(path) == "/"
    assert local_path(None) == "/"


@pytest.mark.parametrize("path", ["//elsewhere.example", "/\\elsewhere.example", "/%2F/elsewhere.example"])
def test_the_form_does_not_either(nobody: Browser, path: str) -> None:
    page = nobody.get("/sign-in", params={"next": path})
    assert "elsewhere" not in page.text
    sent = {"csrf": mark_of(page), "who": "analyst", "next": path}
    assert nobody.post("/sign-in/local", data=sent).headers["location"] == "/"


def test_who_asks_for_a_page_comes_back_to_it(nobody: Browser) -> None:
    answer = nobody.get("/boroughs?to=intake&x=a%26b")
    assert answer.status_code == 303
    page = nobody.get(answer.headers["location"])
    where = re.search(r'name="next" value="([^"]+)"', page.text)
    assert where is not None
    assert where[1].replace("&amp;", "&") == "/boroughs?to=intake&x=a%26b"


def test_the_ready_people_cover_every_role() -> None:
    assert [one.role for one in local.PEOPLE] == list(Role)
    assert all(local.ready(role.value) is not None for role in Role)


def test_an_app_of_its_own_needs_no_ledger_before(review_home: Path) -> None:
    for path in review_home.glob("ledger.db*"):
        path.unlink()
    assert Browser(create_app()).get("/sign-in").status_code == 200
