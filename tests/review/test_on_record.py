"""Every view of personal data and every write stands and falls with its line of the log, over the table of all routes.

The log is broken where it is kept, by a trigger that refuses the line, so whatever a page does beside it is seen too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from httpx import Response

from models import hmo
from pipelines.core.ledger.engine import engine, transaction
from pipelines.core.ledger.models import AuditEvent, Drop, LinkReview
from pipelines.core.settings import settings
from pipelines.extracts import IntakeFiles, given_back
from pipelines.governance import audit
from pipelines.onboard.held import PROPOSAL
from review import api
from review.app import create_app
from review.identity import tokens
from review.identity.person import Person, Role
from review.queries import links
from tests.browser import office as of
from tests.browser.test_every_page import NO_PAGES, VIEWS
from tests.homes import own_home
from tests.integration.pages_tour import API, FIRST, HOME, HOMES, INTAKE, LINKS, LIST, STEPS, UNLISTED, Walker
from tests.review.conftest import Browser, forget_settings
from tests.review.desk import says
from tests.review.test_permissions import TABLE

ANALYST, MANAGER, DATA, ENGINEER, GOVERNANCE = Role

NOTHING_PERSONAL = {
    "/": "where somebody may go",
    "/accessibility": "the same for everybody",
    "/boroughs": "names of boroughs",
    "/health": "counts",
    "/healthz": "one word",
    "/intake/{borough}": "counts by drop",
    "/intake/{borough}/check": "an empty form",
    "/intake/{borough}/drops/{drop}/findings.csv": "row numbers, no cell",
    "/intake/{borough}/mappings": "counts by drop",
    "/intake/{borough}/scorecard": "counts",
    "/intake/{borough}/upload": "an empty form",
    "/model/compare/{model_id}": "figures",
    "/model/documents/{model_id}/{kind}": "a document for everybody",
    "/model/files/{model_id}/{name}": "a document for everybody",
    "/outcomes/{borough}/import": "an empty form",
    "/outcomes/{borough}/import/template.csv": "an example",
    "/sign-in": "an empty form",
    "/sign-in/callback": "no page",
    "/sign-in/oidc": "no page",
}
"""Routes that are looked at and show nobody, and what they show; every other one is in `SHOWN`."""

UPRN = HOME.replace(of.BOROUGH, "{borough}") + "/{uprn}"
SHOWN: dict[str, tuple[str, Role]] = {
    **{f"/lists/{{borough}}{page}": (LIST + page, ANALYST) for page in ("", "/map", "/map.json", "/round")},
    **{f"/lists/{{borough}}/export.{kind}": (f"{LIST}/export.{kind}", ANALYST) for kind in ("csv", "xlsx")},
    **{f"{UPRN}{page}": (FIRST + page, ANALYST) for page in ("", "/outcome", "/plan", "/override")},
    f"{UPRN}/outcomes/{{number}}": (f"{HOME}/{of.SEEN}/outcomes/1", ANALYST),
    f"{UPRN}/records/{{dataset}}/{{record_id}}/refuse": (f"{FIRST}/records/service_request/3/refuse", ANALYST),
    "/homes/{borough}": (f"{HOMES}?search=example+road", ANALYST),
    **{f"/homes/{{borough}}/{{uprn}}{page}": (UNLISTED + page, ANALYST) for page in ("", "/outcome")},
    "/homes/{borough}/{uprn}/outcomes/{number}": (f"{HOMES}/82/outcomes/{of.AT_UNLISTED}", ANALYST),
    "/landlords/{borough}/{landlord_id}": (f"/landlords/{of.BOROUGH}/{of.LANDLORD}", ANALYST),
    "/performance/{borough}": (f"/performance/{of.BOROUGH}", GOVERNANCE),
    "/links/{borough}": (LINKS, DATA),
    "/links/{borough}/decisions": (f"{LINKS}/decisions", ANALYST),
    "/intake/{borough}/drops/{drop}": (f"{INTAKE}/drops/{of.HELD}", DATA),
    "/intake/{borough}/drops/{drop}/rows.csv": (f"{INTAKE}/drops/{of.TAKEN}/rows.csv", DATA),
    "/intake/{borough}/mappings/{drop}": (f"{INTAKE}/mappings/{of.STRANGE}", DATA),
    "/model": ("/model", ANALYST),
    "/tokens/{borough}": (f"/tokens/{of.BOROUGH}", MANAGER),
    "/audit": ("/audit", GOVERNANCE),
    "/sessions": ("/sessions", GOVERNANCE),
}
OF_API = {"/list": ANALYST, f"/properties/{of.uprn_of(3)}": ANALYST, f"/homes/{of.UNLISTED}": ANALYST}
OF_API |= {"/outcomes": ANALYST, "/receipts": DATA, f"/receipts/{of.TAKEN}": DATA}
PERSONAL = (
    "Example Road",
    "EXAMPLE ROAD",
    "Featherstonehaugh",
    of.LONG_ADDRESS,
    "Ola Officer",
    "99/99/9999",
    of.OFFICER,
)
PROMOTER = "Rosa Example (test:promoter)"
OFFICERS = (PROMOTER, "Mark Example (m)")
"""Who promoted the office's model, and who gave out its key."""

LOOKING = ("view ", "see ")


@contextmanager
def refused_lines(*, but_of_views: bool = False) -> Iterator[None]:
    """No line can be added to the log; with `but_of_views` those of looking can."""
    unless = "WHEN NEW.what NOT LIKE 'view %' AND NEW.what NOT LIKE 'see %'" if but_of_views else ""
    stop = "SELECT RAISE(ABORT, 'the log takes nothing')"
    order = f"CREATE TRIGGER no_line BEFORE INSERT ON loda_audit_event {unless} BEGIN {stop}; END"
    with transaction() as session:
        session.execute(sa.text(order))
    try:
        yield
    finally:
        with transaction() as session:
            session.execute(sa.text("DROP TRIGGER no_line"))


def lines_since(number: int) -> list[tuple[str, str]]:
    with transaction() as session:
        query = sa.select(AuditEvent.who, AuditEvent.what).where(AuditEvent.number > number)
        return [(who, what) for who, what in session.execute(query.order_by(AuditEvent.number))]


def newest() -> int:
    with transaction() as session:
        return session.scalar(sa.select(sa.func.max(AuditEvent.number))) or 0


def kept() -> dict[str, object]:
    """All that the office keeps but the log and when somebody was seen: rows by table, files by their hash."""
    found: dict[str, object] = {}
    with engine().connect() as connection:
        for table in sorted(set(sa.inspect(engine()).get_table_names()) - {"loda_audit_event"}):
            rows = connection.execute(sa.text(f"SELECT * FROM {table}")).mappings().all()  # noqa: S608 - our own names
            without = [{name: cell for name, cell in row.items() if name not in ("seen_at", "used_at")} for row in rows]
            found[table] = sorted(map(repr, without))
    for folder in (Path(settings().bucket_url), settings().mappings_dir):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.name.startswith("."):
                found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def says_nothing(answer: Response) -> bool:
    """Whether an answer is an error without anybody in it."""
    return answer.status_code >= 500 and not any(text in answer.text for text in PERSONAL)


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Walker]:
    """An office with everything in it, and somebody of each role."""
    more = {"LODA_REVIEW_LOCAL_SIGN_IN": "1", "LODA_NOW": of.NOW}
    with own_home(tmp_path_factory.mktemp("on-record") / "home", **more):
        forget_settings()
        links._desks.clear()
        of.fill()
        _give_back_rows()
        _ask_a_code()
        _decide_once()
        _promote_once()
        yield Walker(create_app(), failing=False)
    forget_settings()


def test_every_route_that_is_looked_at_is_known_to_show_somebody_or_nobody() -> None:
    looked_at = {path for method, path in TABLE if method == "GET"}
    assert looked_at == set(NOTHING_PERSONAL) | set(SHOWN)
    assert set(NOTHING_PERSONAL) & set(SHOWN) == set()


def test_a_route_without_a_line_names_nobody(walker: Walker) -> None:
    routes = [one for one in walker.app.routes if isinstance(one, APIRoute) and "GET" in (one.methods or ())]
    named: dict[str, list[str]] = {}
    seen: set[str] = set()
    for view in VIEWS:
        route = next((one.path for one in routes if one.path_regex.match(view.path.split("?")[0])), "")
        if view.act is None and route in NOTHING_PERSONAL:
            seen.add(route)
            text = walker.browsers[view.role].get(view.path).text
            named[view.called] = [name for name in (*PERSONAL, *OFFICERS) if name in text]
    assert {page: names for page, names in named.items() if names} == {}
    assert set(NOTHING_PERSONAL) - seen <= NO_PAGES
    for route in ("/model", "/tokens/{borough}"):
        path, role = SHOWN[route]
        assert any(name in walker.browsers[role].get(path).text for name in OFFICERS), "the names are on these pages"


@pytest.mark.parametrize("route", SHOWN)
def test_a_view_takes_one_line_or_nothing_is_shown(walker: Walker, route: str) -> None:
    path, role = SHOWN[route]
    browser = walker.browsers[role]
    with refused_lines():
        answer = browser.get(path)
        assert says_nothing(answer), (answer.status_code, says(answer))
    before = newest()
    answer = browser.get(path)
    assert answer.status_code == 200, says(answer)
    assert [who for who, _ in lines_since(before)] == [f"A {role} (test:{role})"], lines_since(before)


def program_of(walker: Walker, role: Role) -> Browser:
    """A program that holds a key of a role."""
    manager = Person("m", "Mark Example", {of.BOROUGH: frozenset({Role.MANAGER})}, "key")
    key = tokens.give(of.BOROUGH, "test", str(role), 90, manager)
    return Browser(walker.app, raise_server_exceptions=False, headers={"Authorization": f"Bearer {key}"})


@pytest.mark.parametrize("path", OF_API)
def test_what_a_program_reads_takes_one_line_or_nothing_is_sent(walker: Walker, path: str) -> None:
    program = program_of(walker, OF_API[path])
    with refused_lines():
        assert says_nothing(program.get(API + path))
    before = newest()
    assert program.get(API + path).status_code == 200
    assert len(lines_since(before)) == 1


@pytest.mark.parametrize("uprn", [of.uprn_of(12), of.UNLISTED])
def test_what_a_program_records_takes_one_line_or_is_not_kept(walker: Walker, uprn: str) -> None:
    program = program_of(walker, ANALYST)
    sent = {"uprn": uprn, "found": "no_access", "visited_on": "2026-10-01", "officer": "Ola Officer"}
    before = kept()
    with refused_lines():
        assert says_nothing(program.post(f"{API}/outcomes", json=sent))
    assert kept() == before
    at = newest()
    assert program.post(f"{API}/outcomes", json=sent).status_code == 201
    assert [what for _, what in lines_since(at)] == ["record outcome"]


def test_every_part_of_the_api_that_is_read_is_looked_at(walker: Walker) -> None:
    paths = {route.path for route in walker.app.routes if route.path.startswith(f"{api.PREFIX}v1/boroughs")}
    assert len(paths) == len(OF_API), "give every route of the API that is read a line in OF_API"


def test_a_form_writes_with_its_line_or_not_at_all(walker: Walker) -> None:
    wrong: dict[str, object] = {}
    for number, step in enumerate(STEPS):
        name, browser = f"{number} {step.to}", walker.browsers[step.role]
        if step.status == 404 or step.to.endswith("/check"):
            continue  # a check looks at a file and keeps nothing
        to = walker.to(step)
        before, at = kept(), newest()
        with refused_lines(but_of_views=True):
            failed = walker.send(browser, step.page, to, step.fields, step.file)
        if step.status < 400 and not says_nothing(failed):
            wrong[f"{name} without its line"] = failed.status_code
        if kept() != before or [what for _, what in lines_since(at) if not what.startswith(LOOKING)]:
            wrong[f"{name} left something"] = {name for name, rows in kept().items() if before.get(name) != rows}
        at = newest()
        done = walker.send(browser, step.page, to, step.fields, step.file)
        acts = [what for _, what in lines_since(at) if not what.startswith(LOOKING)]
        if (done.status_code, len(acts)) != (step.status, int(step.status < 400)):
            wrong[name] = (done.status_code, acts)
    assert wrong == {}
    with transaction() as session:
        assert audit.verify(session) is None


def _give_back_rows() -> None:
    """The rows of a drop that were set aside, as the night gives them back."""
    content = b"address,_how_to_fix\n4 Example Road,Write the day.\n"
    with transaction() as session:
        drop = session.get_one(Drop, of.TAKEN)
        assert drop.receipt is not None
        path = Path(settings().bucket_url) / drop.receipt["quarantine_file"]
        drop.hashes = {given_back.HASH: hashlib.sha256(content).hexdigest()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _ask_a_code() -> None:
    """A layout with a question about a code of the file."""
    folder = IntakeFiles(of.STRANGE).folder
    with folder.read(PROPOSAL) as handle:
        proposal = json.loads(handle.read())
    question = {"kind": "code", "field": "licence_type", "about": "Ola Officer", "options": ["mandatory"], "guess": ""}
    proposal["questions"] = [{**question, "question": "What does 'Ola Officer' in 'Type' mean?"}]
    folder.write_bytes(PROPOSAL, json.dumps(proposal).encode())


def _decide_once() -> None:
    """A decision about an address of another street, which was taken back."""
    at = datetime(2026, 9, 1, tzinfo=UTC)
    with transaction() as session:
        session.add(
            LinkReview(
                borough=of.BOROUGH, canonical="9 EXAMPLE ROAD", postcode="N1 1AA", address_written="9 Example Road",
                postcode_written="N1 1AA", verdict="is", uprn="60", datasets=["epc"], note="", who="A Example",
                decided_at=at, superseded_at=at,
            )
        )  # fmt: skip


def _promote_once() -> None:
    """A model that was the champion for a moment, and who answers for it."""
    hmo.promote(of.UNCOMPARED, PROMOTER, "It finds more.")
    hmo.rollback(PROMOTER, "It found fewer.")
