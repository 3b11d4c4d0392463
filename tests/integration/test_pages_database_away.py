"""The officers' pages while PostgreSQL is away: told in a sentence, nothing half saved, well again once it is back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import Outcome
from pipelines.governance import audit
from review.app import create_app
from review.identity.person import Role
from tests.cluster import servers
from tests.homes import own_home
from tests.integration.pages_tour import SEEN, VISITED, form_to
from tests.review.conftest import Browser, forget_settings
from tests.review.listed import address_of, issue, uprn_of

HOME = f"/properties/camden/{uprn_of(3)}"
RECORD = f"{HOME}/outcome"
AWAY = "The database does not answer at the moment. Nothing that you sent was saved"


@pytest.fixture
def server() -> Iterator[servers.Postgres]:
    """A server of its own, since it is killed."""
    if servers.postgres_binaries() is None:
        if os.environ.get("LODA_REQUIRE_POSTGRES"):
            pytest.fail("PostgreSQL is required here, and its server is not installed")
        pytest.skip("PostgreSQL's server is not installed")
    with (
        TemporaryDirectory(prefix="loda-pages-", ignore_cleanup_errors=True) as folder,
        servers.postgres(Path(folder)) as made,
    ):
        yield made


def outcomes() -> int:
    with transaction() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(Outcome)) or 0


def test_what_is_away_is_told_and_nothing_is_lost_or_saved_twice(server: servers.Postgres, tmp_path: Path) -> None:
    place = f"host={server.socket}&port={server.address.rsplit(':', 1)[1]}"
    with own_home(tmp_path / "home", LODA_LEDGER_URL=f"postgresql+psycopg://postgres@/postgres?{place}"):
        forget_settings()
        issue()
        analyst = Browser(create_app()).sign_in(Role.ANALYST, "camden")
        form = {**form_to(analyst.get(RECORD).text, RECORD), **SEEN, **VISITED, "csrf": analyst.csrf}
        server.kill()
        answers = [analyst.get(path) for path in ("/lists/camden", HOME, RECORD, "/links/camden", "/audit")]
        answers.append(analyst.post(RECORD, data=form))
        for answer in answers:
            assert answer.status_code == 503
            assert AWAY in answer.text
            assert address_of(3) not in answer.text
        assert analyst.get("/healthz").status_code == 503
        server.start()
        assert address_of(3) in analyst.get("/lists/camden").text
        assert analyst.get("/healthz").status_code == 200
        assert outcomes() == 0
        assert analyst.post(RECORD, data=form).status_code == 303
        assert outcomes() == 1
        with transaction() as session:
            assert audit.verify(session) is None
    forget_settings()
