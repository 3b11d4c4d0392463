"""These tests start servers and take minutes, so only `make cluster-test` collects them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.cluster import servers
from tests.cluster.hosts import Cluster

collect_ignore_glob = [] if os.environ.get("LODA_CLUSTER") else ["test_*.py"]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """PostgreSQL, S3 and Redis, and the platform's one settings file filled in for them."""
    missing = servers.missing()
    if missing:
        reason = f"not installed here: {', '.join(missing)}"
        if os.environ.get("LODA_REQUIRE_CLUSTER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as started:
        # Not below pytest's own folder: another session that begins shuts it to PostgreSQL's user.
        folder = Path(started.enter_context(TemporaryDirectory(prefix="loda-cluster-", ignore_cleanup_errors=True)))
        yield Cluster(
            folder,
            postgres=started.enter_context(servers.postgres(folder)),
            s3=started.enter_context(servers.s3(folder)),
            redis=started.enter_context(servers.redis(folder)),
        )
