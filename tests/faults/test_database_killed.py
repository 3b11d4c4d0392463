"""PostgreSQL ends with SIGKILL in the middle of a night: once it is back at once, once only after the night."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cluster import servers
from tests.cluster.servers import Postgres
from tests.faults.conftest import BOROUGHS, SEED, Driver, World, differences
from tests.faults.ledgers import copy_rows

BEFORE = "before"


@dataclass(frozen=True)
class Database:
    """A server with a database in which the ledger is as before the second night."""

    server: Postgres

    def settings(self, name: str) -> dict[str, str]:
        """Settings of a home whose ledger is one of its databases; the superuser comes through its socket."""
        port = self.server.address.rsplit(":", 1)[1]
        place = f"host={self.server.socket}&port={port}"
        return {"LODA_LEDGER_URL": f"postgresql+psycopg://postgres@/{name}?{place}", "LODA_LOCK_TIMEOUT_SECONDS": "60"}

    def ready(self, name: str) -> dict[str, str]:
        """A database of its own for a test, and the settings for it."""
        self.server.psql("postgres", f"CREATE DATABASE {name} TEMPLATE {BEFORE};")
        return self.settings(name)


@pytest.fixture(scope="module")
def database(world: World, drivers: list[Driver]) -> Iterator[Database]:
    if servers.postgres_binaries() is None:
        reason = "PostgreSQL's server is not installed"
        if os.environ.get("LODA_REQUIRE_POSTGRES") or os.environ.get("LODA_REQUIRE_CLUSTER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with (
        TemporaryDirectory(prefix="loda-faults-", ignore_cleanup_errors=True) as folder,
        servers.postgres(Path(folder)) as server,
    ):
        made = Database(server)
        server.psql("postgres", f"CREATE DATABASE {BEFORE};")
        upgraded = drivers[0].loda(Path(folder) / "home", "ledger", "upgrade", settings=made.settings(BEFORE))
        assert upgraded.code == 0, upgraded.output
        engine = server.superuser(BEFORE).execution_options(isolation_level="READ COMMITTED")
        copy_rows(world.before / "ledger.db", engine)
        yield made


@pytest.mark.parametrize("when", ["restarted", "away"])
def test_a_killed_database_ends_a_night_in_a_sentence_at_most_and_the_next_is_whole(
    when: str, world: World, drivers: list[Driver], database: Database, tmp_path: Path
):
    driver, server = drivers[0], database.server
    home, settings = world.copy(tmp_path / "home"), database.ready(when)
    step = random.Random(f"{SEED} {when}").randint(world.steps // 5, world.steps * 4 // 5)

    def restart() -> None:
        server.kill()
        server.start()

    fault: Callable[[], None] = restart if when == "restarted" else server.kill
    broken = driver.broken_into(home, step, fault, settings=settings)
    if when == "away":
        server.start()
        assert broken.code == 75, broken.output
    if broken.code:
        assert "The ledger's database" in broken.in_words(), broken.output
        assert "away or was restarted" in broken.in_words()
    assert driver.must("faults", home, settings=settings)["faults"] == []
    assert all((home / "published" / borough / "current.json").is_file() for borough in BOROUGHS)
    after = driver.loda(home, settings=settings)
    assert after.code == 0, after.output
    assert driver.must("faults", home, settings=settings)["faults"] == []
    content = driver.must("content", home, settings=settings)
    assert differences(world, content, went_on=when == "restarted" and broken.code != 0) == []
    print(  # noqa: T201
        f"database {when} at step {step} of {world.steps}, exit code {broken.code}: {broken.seconds:.0f} s, "
        f"the next night {after.seconds:.0f} s"
    )
