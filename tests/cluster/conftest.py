"""These tests start servers and take minutes, so only `make cluster-test` collects them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cluster import hosts, servers
from tests.cluster.hosts import Cluster, Lists

BOROUGHS = ("barnet", "bexley", "camden")
EXTRACTS = ("--boroughs", ",".join(BOROUGHS), "--dwellings", "400", "--seed", "1")

collect_ignore_glob = [] if os.environ.get("LODA_CLUSTER") else ["test_*.py"]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """PostgreSQL, S3 and Redis of its own for each test, with the extracts of a night in the bucket."""
    missing = servers.missing()
    if missing:
        reason = f"not installed here: {', '.join(missing)}"
        if os.environ.get("LODA_REQUIRE_CLUSTER"):
            pytest.fail(reason)
        pytest.skip(reason)
    # Not below pytest's own folder: another session that begins shuts it to PostgreSQL's user.
    with (
        TemporaryDirectory(prefix="loda-cluster-", ignore_cleanup_errors=True) as folder,
        hosts.cluster(Path(folder), BOROUGHS) as made,
    ):
        hosts.loda(made.environment("head"), "demo", *EXTRACTS)
        yield made


@pytest.fixture(scope="session")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Lists:
    """The lists of the same extracts after a night on a laptop's settings: SQLite and folders."""
    home = tmp_path_factory.mktemp("laptop")
    own = {**hosts.inherited(), **hosts.KEYS, "LODA_HOME": str(home), "LODA_STABLE_SECONDS": "0"}
    own["PYTHONPATH"] = hosts.python_path()
    hosts.loda(own, "demo", *EXTRACTS)
    hosts.loda(own, "run", "--json")
    found = hosts.lists_of_folder(home / "published")
    assert set(found) == set(BOROUGHS)
    assert all(len(entries) > 20 for entries in found.values())
    return found
