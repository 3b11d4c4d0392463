"""A walk through every page of a filled office: what is asked for, by whom, which forms are sent, and the answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from fastapi import FastAPI

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, LinkReview
from pipelines.core.ledger.officers import ApiToken
from review.app import create_app
from review.identity import tokens
from review.identity.person import Person, Role
from review.queries import links
from tests.browser import office as of
from tests.browser.test_every_page import VIEWS
from tests.homes import own_home
from tests.review.conftest import Browser, forget_settings
from tests.review.desk import says
from tests.review.listed import AS_OF

ANALYST, MANAGER, DATA, ENGINEER, GOVERNANCE = Role
LIST, HOME, INTAKE, LINKS = (f"/{kind}/{of.BOROUGH}" for kind in ("lists", "properties", "intake", "links"))
HOMES, UNLISTED = f"/homes/{of.BOROUGH}", f"/homes/{of.BOROUGH}/{of.UNLISTED}"
MISTAKEN = f"{HOMES}/82/outcomes/{of.AT_UNLISTED}"
FIRST = f"{HOME}/{of.uprn_of(3)}"
RECORD = f"{FIRST}/records/service_request/3/refuse"
HELD, TURNED_DOWN = (f"{INTAKE}/drops/{drop}" for drop in (of.HELD, of.UNREADABLE))
STRANGE = f"{INTAKE}/mappings/{of.STRANGE}"
FILES = [
    ("/healthz", None),
    ("/sign-in/oidc", None),
    *((f"{LIST}/{name}", ANALYST) for name in ("map.json", "export.csv", "export.xlsx")),
    (f"/outcomes/{of.BOROUGH}/import/template.csv", MANAGER),
    *((f"{INTAKE}/drops/{of.TAKEN}/{name}", DATA) for name in ("rows.csv", "findings.csv")),
    (f"/model/files/{of.CHAMPION}/card.md", ANALYST),
]
"""What is no page: files, and words for machines."""

API = "/api/v1/boroughs/" + of.BOROUGH
OF_API = ("/list", f"/properties/{of.uprn_of(3)}", f"/homes/{of.UNLISTED}", "/outcomes")
CHANGES = (
    (r"loda_[0-9a-f]{10}_[\w-]{20,}", "KEY"),  # a key is drawn by chance, and so is its name
    (r"\b[0-9a-f]{10}\b", "NAME"),
    (r"\b\d+:[0-9a-f]{64}\b", "ANCHOR"),  # of a line that names a key
    (r'(name="csrf" value|nonce)="[^"]*"', ""),
    (r"PostgreSQL|postgresql|SQLite|sqlite", "DATABASE"),
    (r"[\d,.]+ GiB of [\d,.]+ GiB free \([^)]*\)", "ROOM"),  # whatever else writes to the disk meanwhile
)
"""What is another in each ledger, whatever lies in it."""


@dataclass(frozen=True)
class Step:
    """A form: who sends it from which page, to where, and with what in place of what the page proposes."""

    role: Role
    page: str
    to: str
    fields: dict[str, str]
    file: tuple[str, bytes] | None = None
    status: int = 303


def day(name: str, of_month: int, month: int, year: int = 2026) -> dict[str, str]:
    """A day as a form's three fields."""
    return {f"{name}-day": str(of_month), f"{name}-month": str(month), f"{name}-year": str(year)}


SEEN = {"found": "hmo_unlicensed", "method": "visit", "officer": "Ola Officer", "note": "six locks"}
VISITED = day("visited", AS_OF.day, AS_OF.month)
REASON = {"reason": "The register was cleaned."}
OUTCOMES = b"uprn,outcome,visited_on,officer\n100000010,not_hmo,2026-10-01,Ola\n1,not_hmo,2026-10-01,Ola\n"
STEPS = [
    Step(ANALYST, f"{FIRST}/outcome", f"{FIRST}/outcome", SEEN | VISITED),
    Step(ANALYST, f"{FIRST}/outcome", f"{FIRST}/outcome", SEEN | VISITED | {"version": "0"}, status=409),
    Step(ANALYST, f"{HOME}/{of.SEEN}/outcomes/1", f"{HOME}/{of.SEEN}/outcomes/1", SEEN | VISITED | {"found": "empty"}),
    Step(ANALYST, f"{UNLISTED}/outcome", f"{UNLISTED}/outcome", SEEN | VISITED),
    Step(ANALYST, MISTAKEN, MISTAKEN, SEEN | VISITED),
    Step(ANALYST, f"{FIRST}/plan", f"{FIRST}/plan", {"officer": "Ola Officer", **day("planned", 20, 10)}),
    Step(
        ANALYST, f"{FIRST}/override", f"{FIRST}/override",
        {"kind": "exclude", "reason": "A care home.", **day("until", 20, 12)},
    ),
    Step(ANALYST, FIRST, f"{FIRST}/override/end", {"number": "2"}),
    # Its record is in the dossier alone, not in the lake.
    Step(ANALYST, RECORD, RECORD, {}, status=404),
    Step(DATA, LINKS, LINKS, {"verdict": "is_not"}),
    Step(ANALYST, LINKS, LINKS, {"verdict": "is", "note": "asked the street"}),
    Step(ANALYST, f"{LINKS}/decisions", f"{LINKS}/decisions/%DECISION%/withdraw", {"reason": "the wrong row"}),
    Step(DATA, HELD, f"{HELD}/decision", REASON | {"decision": "release"}),
    Step(DATA, TURNED_DOWN, f"{TURNED_DOWN}/decision", REASON | {"decision": "refuse"}),
    Step(DATA, STRANGE, STRANGE, {"made_from": "another"}, status=409),
    Step(DATA, f"{INTAKE}/check", f"{INTAKE}/check", {"dataset": "hmo_licence"}, ("r.csv", b""), 200),
    Step(DATA, f"{INTAKE}/upload", f"{INTAKE}/upload", {"dataset": "hmo_licence"}, ("register.csv", b"a,b\n1,2\n")),
    Step(MANAGER, f"/outcomes/{of.BOROUGH}/import", f"/outcomes/{of.BOROUGH}/import", {}, ("o.csv", OUTCOMES), 200),
    Step(ENGINEER, "/model", "/model/promote", {"model": of.CHALLENGER, "reason": "It finds more."}),
    Step(ENGINEER, "/model", "/model/rollback", {"why": "It found fewer."}),
    Step(
        MANAGER, f"/tokens/{of.BOROUGH}", f"/tokens/{of.BOROUGH}",
        {"label": "Case system", "role": str(tokens.ROLES[0]), "days": "90"}, status=200,
    ),
    Step(MANAGER, f"/tokens/{of.BOROUGH}", f"/tokens/{of.BOROUGH}/%TOKEN%/end", {}),
    Step(ANALYST, "/", "/sign-out", {}),
    Step(GOVERNANCE, "/sessions", "/sessions/end", {"session": "%SESSION%"}),
]  # fmt: skip
"""One form of each kind at least, in an order in which each finds what it needs; `status` is how it is answered."""


@dataclass(frozen=True)
class Answer:
    """What came back, without what chance put in it."""

    status: int
    location: str
    text: str


class Walker:
    """Somebody of each role in one office, and all that they were answered, by name."""

    def __init__(self, app: FastAPI, *, failing: bool = True) -> None:
        self.app = app
        self.answers: dict[str, Answer] = {}
        self.asked: set[tuple[str, str]] = set()
        self.unlike: dict[str, int] = {}
        self.browsers: dict[Role | None, Browser] = {None: Browser(app, raise_server_exceptions=failing)}
        for role in Role:
            browser = Browser(app, raise_server_exceptions=failing)
            where = tuple(of.grants(role))
            self.browsers[role] = browser.sign_in(role, *where, name=f"A {role}")

    def look(self) -> None:
        """Ask for every page in every state that needs no form."""
        for view in VIEWS:
            if view.act is None:
                self._get(view.role, view.path)
        for path, role in FILES:
            self._get(role, path)

    def ask_api(self) -> None:
        """Ask for what programs may, with keys of an analyst and of a data officer."""
        manager = Person("m", "Mark Example", {of.BOROUGH: frozenset({Role.MANAGER})}, "key")
        keys = {role: tokens.give(of.BOROUGH, "test", str(role), 90, manager) for role in tokens.ROLES}
        nobody = Browser(self.app)
        for role, key in keys.items():
            head = {"Authorization": f"Bearer {key}"}
            for path in (*OF_API, "/receipts", f"/receipts/{of.TAKEN}"):
                self._keep(f"GET {path} as a program of {role}", nobody.get(API + path, headers=head))
            sent = {"found": "not_hmo", "visited_on": "2026-10-01", "officer": "Ola Officer", "version": 0}
            for uprn in (of.uprn_of(11), of.UNLISTED, of.UNLISTED):
                answer = nobody.post(f"{API}/outcomes", json=sent | {"uprn": uprn}, headers=head)
                self._keep(f"{len(self.answers)} POST /outcomes of {uprn} as a program of {role}", answer)

    def write(self) -> None:
        """Send every form, and look at the page that it stands on afterwards."""
        local = self.browsers[None]
        self._keep("POST /sign-in/local", self.send(local, "/sign-in", "/sign-in/local", {"who": "analyst"}))
        self.asked.add(("POST", "/sign-in/local"))
        for number, step in enumerate(STEPS):
            browser = self.browsers[step.role]
            answer = self.send(browser, step.page, self.to(step), step.fields, step.file)
            self.asked.add(("POST", step.to))
            self._keep(f"{number} POST {step.to} as {step.role}", answer)
            if answer.status_code != step.status:
                self.unlike[f"{number} {step.to}"] = answer.status_code
            if step.to != "/sign-out":
                self._keep(f"{number} afterwards {step.page}", browser.get(step.page))
        self._get(GOVERNANCE, "/audit?check=all")

    def to(self, step: Step) -> str:
        """Where a form goes: of keys the first by what it is for is meant, of decisions about links the newest."""
        newest = sa.select(sa.func.max(LinkReview.number)).where(LinkReview.superseded_at.is_(None))
        first = sa.select(ApiToken.id).where(ApiToken.revoked_at.is_(None)).order_by(ApiToken.label).limit(1)
        to = step.to
        with transaction() as session:
            for name, query in (("%TOKEN%", first), ("%DECISION%", newest)):
                to = to.replace(name, str(session.scalar(query))) if name in to else to
        return to

    def _get(self, role: Role | None, path: str) -> None:
        self.asked.add(("GET", path.split("?")[0]))
        self._keep(f"GET {path} as {role}", self.browsers[role].get(path))

    def send(
        self, browser: Browser, page: str, to: str, fields: dict[str, str], file: tuple[str, bytes] | None = None
    ) -> httpx.Response:
        """Send a form as its page proposes it, with some fields changed."""
        form = form_to(browser.get(page).text, to)
        if fields.get("session") == "%SESSION%":
            fields = {"session": form["session"]}
        sent = {**form, **fields}
        sent.setdefault("csrf", browser.csrf)
        files: Any = {"file": (file[0], file[1], "text/csv")} if file else None
        return browser.post(to, data=sent, files=files)

    def _keep(self, name: str, answer: httpx.Response) -> None:
        kind = answer.headers.get("content-type", "")
        text = answer.text if "spreadsheet" not in kind else str(len(answer.content))
        for pattern, instead in CHANGES:
            text = re.sub(pattern, instead, text)
        said = says(httpx.Response(200, text=text)) if "html" in kind else text
        self.answers[name] = Answer(answer.status_code, answer.headers.get("location", ""), said)


def form_to(page: str, to: str) -> dict[str, str]:
    """The hidden fields of the form of a page that is sent to an address, or to the page itself."""
    forms = re.findall(r"<form\b([^>]*)>(.*?)</form>", page, flags=re.DOTALL)
    own = [body for head, body in forms if f'action="{to}"' in head] or [
        body for head, body in forms if 'method="post"' in head and "action=" not in head
    ]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', own[0] if own else "")
    return dict(found)


@dataclass(frozen=True)
class Walk:
    """All that one office answered, which routes were asked for, the lines that its log got, and forms that failed."""

    answers: dict[str, Answer]
    asked: set[tuple[str, str]]
    acts: list[tuple[str, str]]
    unlike: dict[str, int]


@contextmanager
def walked(folder: Path, **environment: str) -> Iterator[Walk]:
    """Walk through an office of its own."""
    settings = {"LODA_REVIEW_LOCAL_SIGN_IN": "1", "LODA_REVIEW_PAGE_SIZE": "12", "LODA_NOW": of.NOW, **environment}
    with own_home(folder, **settings):
        forget_settings()
        links._desks.clear()
        of.fill()
        walker = Walker(create_app())
        walker.look()
        walker.ask_api()
        walker.write()
        with transaction() as session:
            lines = session.execute(sa.select(AuditEvent.what, AuditEvent.about).order_by(AuditEvent.number)).all()
        yield Walk(walker.answers, walker.asked, [(what, about) for what, about in lines], walker.unlike)
    forget_settings()
