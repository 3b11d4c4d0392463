"""A browser in which somebody of a role is signed in, on an empty ledger; and what a page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx import Response

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from review.app import create_app
from review.identity import cookies, secret, sessions
from review.identity.forms import mark
from review.settings import review_settings
from tests.homes import own_home

ADDRESS = "http://127.0.0.1:8000"
EVIL = "<script>alert(1)</script>"


@lru_cache(maxsize=1)
def _app() -> FastAPI:
    return create_app()


@contextmanager
def review_home(folder: Path, **environment: str) -> Iterator[Path]:
    """An empty home for the pages, with further settings."""
    with own_home(folder, **environment) as home:
        review_settings.cache_clear()
        secret.secret_key.cache_clear()
        yield home
    review_settings.cache_clear()
    secret.secret_key.cache_clear()


class Desk(TestClient):
    """A browser of somebody with one role in some boroughs. It follows no redirect."""

    def __init__(self, role: str, *boroughs: str, name: str = "A Example", failing: bool = True) -> None:
        super().__init__(_app(), base_url=ADDRESS, follow_redirects=False, raise_server_exceptions=failing)
        own = sessions.begin(f"test:{role}", name, {slug: [role] for slug in boroughs}, "oidc")
        self.cookies.set(cookies.SESSION, own)
        self.csrf = mark(sessions.person_of(own))

    def post_form(self, path: str, files: Any = None, **fields: Any) -> Response:
        """Send a form with this session's mark."""
        return self.post(path, data={"csrf": self.csrf, **fields}, files=files)


def says(answer: Response) -> str:
    """What a page says, without its tags, blanks put together."""
    text = re.sub(r"<(script|style)\b.*?</\1>", " ", answer.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def acts(what: str | None = None) -> list[AuditEvent]:
    """Lines of the audit log, the oldest first."""
    with transaction() as session:
        query = sa.select(AuditEvent).order_by(AuditEvent.number)
        return list(session.scalars(query if what is None else query.where(AuditEvent.what == what)))
