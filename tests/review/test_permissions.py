"""Who may: every route and method against every role, a role elsewhere, and nobody; forms of our own only.

The pages themselves do not run here: behind the guard stands a stand-in that says that it was reached. So the table is
about who is let through, whatever lies in the ledger.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from fastapi.routing import APIRoute

from review import api
from review.app import create_app
from review.identity.person import LONDON, Person, Role
from review.permissions import MAY, OF_THE_PLATFORM, Action, NotAllowed, NotSignedIn, boroughs_of, may, require, why_not
from tests.homes import own_home
from tests.review.conftest import Browser, forget_settings

LETTERS = {
    "A": Role.ANALYST,
    "M": Role.MANAGER,
    "D": Role.DATA_OFFICER,
    "E": Role.ENGINEER,
    "G": Role.GOVERNANCE,
}
EVERYBODY, ALSO_NOBODY = "AMDEG", "AMDEG-"
PLATFORM = " of the platform"
"""After the letters of a route that is about all boroughs at once: a role in one borough does not do."""

HOME, RECORD = "/properties/{borough}/{uprn}", "/records/{dataset}/{record_id}/refuse"
FORMS = ("/outcome", "/outcomes/{number}", "/plan", "/override")
UNLISTED = "/{uprn}/outcomes/{number}"
EXPORTS = ("/export.csv", "/export.xlsx")

TABLE: dict[tuple[str, str], str] = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/accessibility"): ALSO_NOBODY,
    ("GET", "/boroughs"): EVERYBODY,
    ("GET", "/audit"): "G",
    ("GET", "/health"): "E" + PLATFORM,
    ("GET", "/healthz"): ALSO_NOBODY,
    ("GET", "/intake/{borough}"): "DEG",
    ("GET", "/intake/{borough}/check"): "D",
    ("POST", "/intake/{borough}/check"): "D",
    ("GET", "/intake/{borough}/drops/{drop}"): "DEG",
    ("POST", "/intake/{borough}/drops/{drop}/decision"): "D",
    ("GET", "/intake/{borough}/drops/{drop}/findings.csv"): "DEG",
    ("GET", "/intake/{borough}/drops/{drop}/rows.csv"): "DEG",
    ("GET", "/intake/{borough}/mappings"): "DEG",
    ("GET", "/intake/{borough}/mappings/{drop}"): "DEG",
    ("POST", "/intake/{borough}/mappings/{drop}"): "D",
    ("GET", "/intake/{borough}/scorecard"): "DEG",
    ("GET", "/intake/{borough}/upload"): "D",
    ("POST", "/intake/{borough}/upload"): "D",
    ("GET", "/links/{borough}"): "AMD",
    ("POST", "/links/{borough}"): "AMD",
    ("GET", "/links/{borough}/decisions"): "AMD",
    ("POST", "/links/{borough}/decisions/{number}/withdraw"): "AMD",
    **{("GET", f"/lists/{{borough}}{page}"): "AM" for page in ("", "/map", "/map.json", "/round", *EXPORTS)},
    **{("GET", f"{HOME}{page}"): "AM" for page in ("", *FORMS)},
    **{("POST", f"{HOME}{page}"): "AM" for page in (*FORMS, "/override/end")},
    **{("GET", f"/homes/{{borough}}{page}"): "AM" for page in ("", "/{uprn}", "/{uprn}/outcome", UNLISTED)},
    **{("POST", f"/homes/{{borough}}{page}"): "AM" for page in ("/{uprn}/outcome", UNLISTED)},
    ("GET", HOME + RECORD): "AMD",
    ("POST", HOME + RECORD): "AMD",
    ("GET", "/landlords/{borough}/{landlord_id}"): "AM",
    ("GET", "/model"): EVERYBODY,
    ("GET", "/model/compare/{model_id}"): EVERYBODY,
    ("GET", "/model/documents/{model_id}/{kind}"): EVERYBODY,
    ("GET", "/model/files/{model_id}/{name}"): EVERYBODY,
    ("POST", "/model/promote"): "E" + PLATFORM,
    ("POST", "/model/rollback"): "E" + PLATFORM,
    ("GET", "/performance/{borough}"): "AMEG",
    **{("GET", f"/outcomes/{{borough}}/import{page}"): "M" for page in ("", "/template.csv")},
    ("POST", "/outcomes/{borough}/import"): "M",
    ("GET", "/tokens/{borough}"): "M",
    ("POST", "/tokens/{borough}"): "M",
    ("POST", "/tokens/{borough}/{token}/end"): "M",
    ("GET", "/sessions"): "G" + PLATFORM,
    ("POST", "/sessions/end"): "G" + PLATFORM,
    ("GET", "/sign-in"): ALSO_NOBODY,
    ("GET", "/sign-in/callback"): ALSO_NOBODY,
    ("GET", "/sign-in/oidc"): ALSO_NOBODY,
    ("POST", "/sign-in/local"): ALSO_NOBODY,
    ("POST", "/sign-out"): EVERYBODY,
}
"""Who may reach a route, by letter; "-" is nobody signed in. A route with a borough in its address is for those who
hold the role there. Routes of the JSON API have a table of their own."""

HOME_BOROUGH, OTHER_BOROUGH = "camden", "bexley"
REACHED = "the page was reached"


def routes_of(app: FastAPI) -> dict[tuple[str, str], APIRoute]:
    """Every route of the pages by method and path."""
    own = [one for one in app.routes if isinstance(one, APIRoute) and not one.path.startswith(api.PREFIX)]
    return {(method, one.path): one for one in own for method in one.methods or ()}


def at_once(**_: Any) -> PlainTextResponse:
    """Stands for a page."""
    return PlainTextResponse(REACHED)


async def later(**_: Any) -> PlainTextResponse:
    """Stands for a page that reads what is sent while it comes."""
    return PlainTextResponse(REACHED)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """An app in which a stand-in takes the place of every page, and a home in which everybody of the tests signs in."""
    with ExitStack() as stack:
        stack.enter_context(own_home(tmp_path_factory.mktemp("guarded") / "home"))
        forget_settings()
        made = create_app()
        for route in routes_of(made).values():
            route.dependant.call = later if inspect.iscoroutinefunction(route.endpoint) else at_once
        yield made
    forget_settings()


@pytest.fixture(scope="module")
def browsers(guarded: FastAPI) -> dict[tuple[str, str], Browser]:
    """A browser for each role in one borough, in another and in all of London, and one for nobody."""
    found = {
        (letter, where): Browser(guarded).sign_in(role, where)
        for letter, role in LETTERS.items()
        for where in (HOME_BOROUGH, OTHER_BOROUGH, LONDON)
    }
    return {**found, ("-", ""): Browser(guarded)}


def filled(path: str) -> str:
    """An address of a route: the borough of the tests, and something for everything else."""
    path = path.replace("{borough}", HOME_BOROUGH)
    return re.sub(r"{\w+(:\w+)?}", "1", path)


def ask(browser: Browser, method: str, path: str) -> Any:
    """Ask for a route as its page would; a form carries its mark."""
    body = {"data": {"csrf": browser.csrf}} if method not in ("GET", "HEAD") else {}
    return browser.request(method, filled(path), **body)


def was_reached(answer: Any) -> bool:
    """Whether the guard let somebody through: to the stand-in, or to what is wrong with the fields."""
    return answer.status_code == 422 or (answer.status_code == 200 and answer.text == REACHED)


def test_the_table_has_every_route_and_no_other(app: FastAPI) -> None:
    found = set(routes_of(app))
    assert found - set(TABLE) == set(), "say in TABLE who may reach them"
    assert set(TABLE) - found == set(), "these stand in TABLE, but are no routes any more"
    mounted = {one.path for one in app.routes if not isinstance(one, APIRoute)}
    assert mounted == {"/static"}


def test_the_table_is_about_roles_and_nothing_else() -> None:
    for who in TABLE.values():
        assert set(who.removesuffix(PLATFORM)) <= set(ALSO_NOBODY)
    assert set(LETTERS.values()) == set(Role) == set(MAY)


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_who_may(browsers: dict[tuple[str, str], Browser], method: str, path: str) -> None:
    allowed = TABLE[method, path]
    of_borough, of_platform = "{borough}" in path, allowed.endswith(PLATFORM)
    for (letter, where), browser in browsers.items():
        answer = ask(browser, method, path)
        told = f"{letter} of {where or 'nowhere'}: {answer.status_code}"
        if letter == "-":
            if "-" in allowed and method != "GET":
                assert answer.status_code == 403, f"{told}, a form without the mark of a page"
            elif "-" in allowed:
                assert was_reached(answer), told
            else:
                assert answer.status_code == 303, told
                assert answer.headers["location"].startswith("/sign-in"), told
        elif of_borough and where == OTHER_BOROUGH:
            assert answer.status_code == 404, told
            assert HOME_BOROUGH not in answer.text.casefold().replace(filled(path), ""), told
        elif letter in allowed and (where == LONDON or not of_platform):
            assert was_reached(answer), told
        else:
            assert answer.status_code == 403, told


FORMS = [key for key in TABLE if key[0] != "GET"]


@pytest.mark.parametrize(("method", "path"), FORMS)
def test_a_form_without_the_mark_of_its_session_is_refused(
    browsers: dict[tuple[str, str], Browser], method: str, path: str
) -> None:
    letters = [letter for letter in TABLE[method, path] if letter in LETTERS]
    browser, other = browsers[letters[0], LONDON], browsers["D" if letters[0] != "D" else "A", LONDON]
    for sent in ({}, {"csrf": ""}, {"csrf": other.csrf}, {"csrf": browser.csrf[:-1]}, {"csrf": "é"}):
        assert browser.request(method, filled(path), data=sent).status_code == 403, sent
    good = {"data": {"csrf": browser.csrf}}
    for name, value in (
        ("origin", "https://elsewhere.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:8001"),
        ("origin", "https://127.0.0.1:8000"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ):
        assert browser.request(method, filled(path), headers={name: value}, **good).status_code == 403, value
    assert was_reached(browser.request(method, filled(path), headers={"origin": "http://127.0.0.1:8000"}, **good))


@pytest.mark.parametrize("path", sorted({path for _, path in TABLE}))
def test_other_methods_are_not_answered(browsers: dict[tuple[str, str], Browser], path: str) -> None:
    known = {method for method, own in TABLE if own == path}
    for method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - known:
        assert browsers["M", LONDON].request(method, filled(path)).status_code in (404, 405), method


def somebody(**grants: set[Role]) -> Person:
    return Person("s", "S Example", {slug: frozenset(roles) for slug, roles in grants.items()}, "key")


def test_asking_and_stopping_say_the_same() -> None:
    person = somebody(camden={Role.ANALYST})
    for action in Action:
        refusal = why_not(person, action, HOME_BOROUGH)
        assert may(person, action, HOME_BOROUGH) is (refusal is None)
        if refusal is None:
            require(person, action, HOME_BOROUGH)
        else:
            with pytest.raises(type(refusal), match=re.escape(str(refusal))):
                require(person, action, HOME_BOROUGH)


def test_of_a_borough_that_is_not_theirs_nothing_is_said() -> None:
    person = somebody(camden={Role.ANALYST})
    told = {
        str(why_not(person, Action.SEE_LIST, place)) for place in (OTHER_BOROUGH, "atlantis", LONDON, "", "9" * 400)
    }
    assert told == {"There is no such page."}


@pytest.mark.parametrize("action", sorted(OF_THE_PLATFORM))
def test_what_is_of_the_platform_needs_a_role_for_all_of_london(action: Action) -> None:
    role = next(role for role, actions in MAY.items() if action in actions)
    assert isinstance(why_not(somebody(camden={role}), action), NotAllowed)
    assert why_not(somebody(london={role}), action) is None


def test_nobody_is_asked_to_sign_in_before_anything_is_said() -> None:
    for place in (None, HOME_BOROUGH, "atlantis"):
        assert isinstance(why_not(None, Action.SEE_LIST, place), NotSignedIn)


def test_roles_of_two_boroughs_do_not_mix() -> None:
    person = somebody(camden={Role.ANALYST}, bexley={Role.DATA_OFFICER})
    assert boroughs_of(person, Action.SEE_LIST) == ["camden"]
    assert boroughs_of(person, Action.UPLOAD_EXTRACT) == ["bexley"]
    assert not may(person, Action.UPLOAD_EXTRACT, "camden")


def test_a_role_for_all_of_london_holds_in_every_borough(people: Callable[..., Browser]) -> None:
    page = people("analyst").get("/boroughs?to=lists")
    assert page.text.count('href="/lists/') >= 33
