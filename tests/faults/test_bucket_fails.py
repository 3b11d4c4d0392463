"""A bucket that fails in the middle of a night: errors, slow answers, cut lines, an outage, and one that is not there.

The bucket is a real S3 server; what fails is the way to it (`proxy.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from tests.cluster import servers
from tests.faults.conftest import BOROUGHS, SECOND, SEED, Driver, Told, World, at, content_of, differing
from tests.faults.proxy import Weather, proxy

STORES = {"bucket": "BUCKET", "lake": "LAKE", "published": "PUBLISHED", "models": "MODELS"}
FLAKY = {"500": 0.02, "503": 0.02, "slow": 0.02, "cut": 0.02, "half": 0.02}
OUTAGE_SECONDS = 8
SAID = "The bucket, s3://loda,"
LISTS = "ledger loda_list"


@dataclass(frozen=True)
class Store:
    """An S3 server; each home has a place of its own in its bucket."""

    url: str

    def settings(self, name: str, url: str | None = None) -> dict[str, str]:
        """Settings of a home whose stores lie in the bucket, reached at a URL."""
        places = {f"LODA_{setting}_URL": f"s3://{servers.BUCKET}/{name}/{part}" for part, setting in STORES.items()}
        keys = {"AWS_ACCESS_KEY_ID": servers.ADMIN_KEY, "AWS_SECRET_ACCESS_KEY": servers.ADMIN_SECRET}
        region = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}
        return {**places, **keys, **region, "AWS_ENDPOINT_URL": url or self.url}

    def put(self, home: Path, name: str) -> None:
        """Bring the stores of a home into the bucket, and take them away from the disk."""
        client = servers.client(self.url)
        for part in STORES:
            for path in sorted((home / part).rglob("*")):
                if path.is_file():
                    key = f"{name}/{path.relative_to(home)}"
                    client.upload_file(str(path), servers.BUCKET, key)
            shutil.rmtree(home / part)

    def fetch(self, name: str, to: Path) -> Path:
        """Bring them back beside the rest of a home, to be looked at."""
        client = servers.client(self.url)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=servers.BUCKET, Prefix=f"{name}/")
        for item in (item for page in pages for item in page.get("Contents", [])):
            place = to / item["Key"].removeprefix(f"{name}/")
            place.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(servers.BUCKET, item["Key"], str(place))
        return to


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    if servers.weed() is None:
        reason = "SeaweedFS is not installed"
        if os.environ.get("LODA_REQUIRE_CLUSTER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with TemporaryDirectory(prefix="loda-faults-", ignore_cleanup_errors=True) as folder:
        identities = Path(folder) / "s3.json"
        identities.write_text(json.dumps({"identities": [servers.admin_identity()]}))
        with servers.s3(Path(folder), identities) as server:
            yield Store(server.url)


@dataclass(frozen=True)
class Begun:
    """A home with its stores in the bucket, before its second night; `lists` are those that were issued before it."""

    driver: Driver
    store: Store
    home: Path
    name: str
    lists: str

    def night(self, url: str | None = None, day: str = SECOND) -> Told:
        """A night that reaches the bucket at a URL, the server's own unless another is given."""
        return self.driver.loda(self.home, settings=self.store.settings(self.name, url), now=at(day))

    def seen(self) -> tuple[list[str], dict[str, Any]]:
        """Promises that are broken, and all that lasts, as they lie in the bucket at this moment."""
        with TemporaryDirectory(prefix="loda-seen-") as folder:
            self.store.fetch(self.name, Path(folder))
            settings, place = self.store.settings(self.name), {"place": folder}
            faults = self.driver.must("faults", self.home, settings=settings, **place)["faults"]
            return faults, content_of(self.driver.must("content", self.home, settings=settings, **place))


@pytest.fixture(scope="module")
def undisturbed(
    world: World, drivers: list[Driver], store: Store, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What a night holds on S3 that nobody disturbed."""
    home = world.copy(tmp_path_factory.mktemp("s3") / "home")
    store.put(home, "undisturbed")
    begun = Begun(drivers[0], store, home, "undisturbed", "")
    night = begun.night()
    assert night.code == 0, night.output
    faults, content = begun.seen()
    assert faults == []
    return content


@pytest.fixture
def begun(world: World, drivers: list[Driver], store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Begun:
    home, name = world.copy(tmp_path / "home"), request.node.name.split("[")[0]
    lists = content_of(drivers[0].must("content", home))[LISTS]
    store.put(home, name)
    return Begun(drivers[0], store, home, name, lists)


def ends_well(begun: Begun, broken: Told, undisturbed: dict[str, Any]) -> Told:
    """What holds after a night on a bucket that failed: a sentence at most, and the next night puts all right.

    Which requests fail decides whether the night went on without a stage of a borough, and issued lists all the same.
    """
    if broken.code:
        assert SAID in broken.in_words(), broken.output
    faults, content = begun.seen()
    assert faults == []
    went_on = broken.code != 0 and content[LISTS] != begun.lists
    assert all(f"published/{borough}/current.json" in content for borough in BOROUGHS)
    after = begun.night()
    assert after.code == 0, after.output
    faults, content = begun.seen()
    assert faults == []
    assert differing(content, undisturbed, went_on=went_on) == []
    return after


def test_errors_slow_answers_and_cut_lines(begun: Begun, undisturbed: dict[str, Any]):
    weather = Weather(SEED, FLAKY)
    with proxy(begun.store.url, weather) as url:
        broken = begun.night(url)
    assert all(weather.met[fault] for fault in FLAKY), weather.met
    after = ends_well(begun, broken, undisturbed)
    print(  # noqa: T201
        f"bucket with faults {dict(weather.met)}, exit code {broken.code}: {broken.seconds:.0f} s, "
        f"the next night {after.seconds:.0f} s"
    )


def test_an_outage_in_mid_night(world: World, begun: Begun, undisturbed: dict[str, Any]):
    weather = Weather(SEED)
    with proxy(begun.store.url, weather) as url:

        def outage() -> None:
            weather.shares = {"cut": 0.5, "503": 0.5}
            threading.Timer(OUTAGE_SECONDS, weather.shares.clear).start()

        # Few of the lasting steps of a night on a bucket are on this disk.
        settings = begun.store.settings(begun.name, url)
        broken = begun.driver.broken_into(begun.home, 60, outage, settings=settings)
    assert weather.met["503"], weather.met
    after = ends_well(begun, broken, undisturbed)
    print(  # noqa: T201
        f"bucket away for {OUTAGE_SECONDS} s, exit code {broken.code}: {broken.seconds:.0f} s, "
        f"the next night {after.seconds:.0f} s"
    )


def test_a_bucket_that_is_not_there(begun: Begun, undisturbed: dict[str, Any]):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # taken, and nobody listens
        broken = begun.night(f"http://127.0.0.1:{nobody.getsockname()[1]}")
    assert broken.code in (1, 75), broken.output
    after = ends_well(begun, broken, undisturbed)
    print(f"no bucket: {broken.seconds:.0f} s, the next night {after.seconds:.0f} s")  # noqa: T201


def test_a_bucket_that_is_away_for_several_nights(begun: Begun, undisturbed: dict[str, Any]):
    before = begun.seen()[1]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        for day in ("2026-09-27", "2026-09-28", "2026-09-29"):
            broken = begun.night(away, day)
            assert broken.code == 75, broken.output
            assert SAID in broken.in_words(), broken.output
            late = begun.driver.must("late", begun.home, now=at(day, 8))["late"]
            assert late == [], "no list is late whose extracts the platform could not fetch"
    faults, content = begun.seen()
    assert faults == []
    told = ("bucket/", "published/", "ledger loda_list", "ledger loda_notice", "ledger loda_drop")
    changed = [n for n in {*content, *before} if n.startswith(told) and content.get(n) != before.get(n)]
    assert changed == [], "lists, receipts and what boroughs were told are those of the night before"
    back = begun.night()
    assert back.code == 0, back.output
    faults, content = begun.seen()
    assert faults == []
    assert differing(content, undisturbed) == []
