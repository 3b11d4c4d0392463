"""An identity provider on this machine, as a council's would be, which can be made to misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import oidc_provider_mock
from oidc_provider_mock._server import _threaded_server

CLIENT = "loda-tests"
NAMES = {"name": "Ola Officer", "loda_roles": ["analyst"], "loda_boroughs": ["camden"]}

USERS: dict[str, dict[str, Any]] = {
    "officer": NAMES,
    "two roles": {**NAMES, "loda_roles": "analyst, data-officer", "loda_boroughs": "Camden,Tower Hamlets"},
    "unknown roles": {**NAMES, "loda_roles": ["emperor", "analyst"], "loda_boroughs": ["camden", "atlantis"]},
    "no role": {"name": "Nia Newcomer"},
    "only odd claims": {"name": 7, "loda_roles": {"analyst": True}, "loda_boroughs": 3},
    "other nonce": {**NAMES, "nonce": "of-another-sign-in"},
    "other issuer": {**NAMES, "iss": "http://localhost:1"},
    "other audience": {**NAMES, "aud": "somebody-else"},
    "other party": {**NAMES, "azp": "somebody-else"},
    "too old": {**NAMES, "exp": 1_000_000_000},
    "not yet": {**NAMES, "nbf": 32_000_000_000},
    "without expiry": {**NAMES, "exp": None},
    "other token": {**NAMES, "at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
}
"""People by subject, with the claims that the provider makes of them; a claim that the protocol owns replaces it."""


@dataclass
class Provider:
    """A running provider: its address, and what was asked of it."""

    url: str
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answered: list[tuple[str, int]] = field(default_factory=list)
    says: dict[str, Any] = field(default_factory=dict)
    """What it says of itself otherwise than it is."""

    def answer(self, address: str, subject: str = "officer", **form: str) -> str:
        """Let somebody sign in at the address that a browser was sent to; returns the path that it is sent back to."""
        done = httpx.post(address, data={"sub": subject, **form}, follow_redirects=False)
        assert done.status_code == 302, done.text
        back = urlsplit(done.headers["location"])
        return f"{back.path}?{back.query}"

    def sent(self, path: str) -> dict[str, str]:
        """What was sent to a path of the provider the last time."""
        return next(form for at, form in reversed(self.asked) if at == path)


@contextmanager
def running() -> Iterator[Provider]:
    """A provider that lives as long as the block."""
    import flask

    users = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in USERS.items()]
    app = oidc_provider_mock.app(user_claims=users, require_nonce=True)
    with _threaded_server(app) as server:
        found = Provider(f"http://localhost:{server.server_port}")

        @app.before_request
        def note() -> None:
            found.asked.append((flask.request.path, {**flask.request.args, **flask.request.form}))

        @app.after_request
        def note_answer(answer: flask.Response) -> flask.Response:
            found.answered.append((flask.request.path, answer.status_code))
            if flask.request.path == "/.well-known/openid-configuration":
                answer.set_data(json.dumps(answer.get_json() | found.says))
            return answer

        yield found
