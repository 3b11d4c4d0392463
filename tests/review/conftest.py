"""The app over a ledger of its own, and browsers in which somebody of a role is signed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from review.app import create_app
from review.identity import cookies, oidc, secret, sessions
from review.identity.forms import mark
from review.identity.person import LONDON, Role
from review.identity.secret import keyed
from review.settings import review_settings
from tests.homes import own_home

ADDRESS = "http://127.0.0.1:8000"
PLATFORM = (Role.ENGINEER, Role.GOVERNANCE)


def forget_settings() -> None:
    """Read the settings of the pages anew, and what was made from them."""
    review_settings.cache_clear()
    secret.secret_key.cache_clear()
    oidc.forget_provider()


class Browser(TestClient):
    """A browser on this machine. It keeps cookies, follows no redirect, and is told when the app itself fails."""

    def __init__(self, app: FastAPI, address: str = ADDRESS, client: str = "127.0.0.1", **more: Any) -> None:
        super().__init__(app, base_url=address, client=(client, 50_000), follow_redirects=False, **more)
        self.csrf = ""

    def sign_in(self, role: Role | str | None, *boroughs: str, name: str = "") -> Browser:
        """Hold a session of somebody with a role in boroughs; for all of London where none is named."""
        grants = {slug: [str(role)] for slug in boroughs or (LONDON,)} if role else {}
        own = sessions.begin(f"test:{role}", name or f"{role} of the tests", grants, "oidc")
        return self.hold(own)

    def hold(self, own: str) -> Browser:
        """Hold a session by its secret."""
        secure = self.base_url.scheme == "https"
        self.cookies.set(f"__Host-{cookies.SESSION}" if secure else cookies.SESSION, own)
        found = sessions.person_of(own)
        assert found is not None
        assert found.key == keyed("session", own)
        self.csrf = mark(found)
        return self

    def post_form(self, path: str, **fields: Any) -> Any:
        """Send a form with the mark of this browser's session."""
        return self.post(path, data={"csrf": self.csrf, **fields})


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """The app, made once: it keeps nothing between requests but what lies in the ledger of the home of a test."""
    with own_home(tmp_path_factory.mktemp("app") / "home", LODA_REVIEW_LOCAL_SIGN_IN="1"):
        forget_settings()
        made = create_app()
    forget_settings()
    return made


@pytest.fixture
def review_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home of the pages, with the local sign-in; thrown away after the test."""
    monkeypatch.chdir(tmp_path)
    with own_home(tmp_path / "home", LODA_REVIEW_LOCAL_SIGN_IN="1") as folder:
        forget_settings()
        yield folder
        monkeypatch.undo()
    forget_settings()


@pytest.fixture
def set_review(review_home: Path) -> Iterator[Callable[..., None]]:
    """Change settings of the pages for one test: `set_review(oidc_issuer=...)`."""
    # A patch of its own, taken back before that of the home: the other way round it would put the home's values back.
    with pytest.MonkeyPatch.context() as patch:

        def change(**values: object) -> None:
            for name, value in values.items():
                patch.setenv(f"LODA_REVIEW_{name.upper()}", str(value))
            forget_settings()

        yield change


@pytest.fixture
def nobody(app: FastAPI, review_home: Path) -> Browser:
    """A browser in which nobody is signed in."""
    return Browser(app)


@pytest.fixture
def people(app: FastAPI, review_home: Path) -> Callable[..., Browser]:
    """Makes browsers: `people("analyst", "camden")`."""

    def sign_in(role: str | None, *boroughs: str, **more: Any) -> Browser:
        return Browser(app).sign_in(role, *boroughs, **more)

    return sign_in
