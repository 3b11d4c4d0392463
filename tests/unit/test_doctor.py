"""`loda doctor` names what is to be mended, one sentence a check, whatever is away; and no secret with it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import botocore.exceptions
import pytest
import s3fs
from typer.testing import CliRunner

from pipelines.cli import app, doctor
from pipelines.core.bucket import Folder
from pipelines.core.settings import settings

SECRET = "Hush"


@pytest.fixture
def told(home: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    def tell(**env: str) -> str:
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        done = CliRunner().invoke(app, ["doctor"], env={"COLUMNS": "600"})
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        assert SECRET not in done.output
        return done.output

    return tell


def test_a_ledger_that_is_away_hides_nothing_that_the_other_checks_find(told: Callable[..., str]):
    url = f"postgresql+psycopg://loda_app:{SECRET}@127.0.0.1:1/loda?connect_timeout=2"
    lines = told(LODA_LEDGER_URL=url).splitlines()
    assert [line.split()[0] for line in lines] == ["ok", "ok", "ok", "ok", "ok", "ok", "MEND", "MEND"], lines


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://loda_app:a@{SECRET}/b@127.0.0.1:5432/loda",
        f"postgresql+psycopg://loda_app:{SECRET}@127.0.0.1:port/loda",
        f"mysql://loda_app:{SECRET}@127.0.0.1/loda",
        "127.0.0.1:5432/loda",
    ],
)
def test_an_address_of_the_ledger_that_is_none_is_told_with_how_one_looks(told: Callable[..., str], url: str):
    said = told(LODA_LEDGER_URL=url)
    assert "LODA_LEDGER_URL: must be 'postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE'" in said


def test_a_misspelt_setting_is_told_with_the_one_that_was_meant(told: Callable[..., str]):
    assert "LODA_PUBLISHD_URL (did you mean 'LODA_PUBLISHED_URL'?) is no setting" in told(LODA_PUBLISHD_URL="x")


def test_a_secret_that_was_never_filled_in_is_named(told: Callable[..., str]):
    assert "AWS_SECRET_ACCESS_KEY still holds" in told(AWS_SECRET_ACCESS_KEY="change-me-s3-secret")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("InvalidAccessKeyId", "does not know the key AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY is not the secret"),
        ("NoSuchBucket", "there is no such bucket"),
        ("AccessDenied", "has no right to it"),
    ],
)
def test_why_a_bucket_takes_nothing_is_told_by_what_the_server_answers(
    told: Callable[..., str], monkeypatch: pytest.MonkeyPatch, code: str, says: str
):
    def refuse(*_: object) -> None:
        answer = {"Error": {"Code": code, "Message": SECRET}, "ResponseMetadata": {"HTTPStatusCode": 403}}
        raise PermissionError(SECRET) from botocore.exceptions.ClientError(answer, "PutObject")  # type: ignore[arg-type]

    monkeypatch.setattr(Folder, "write_bytes", refuse)
    assert says in told()


def test_a_server_that_does_not_answer_is_told_with_where_its_address_stands(
    told: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    def away(*_: object) -> None:
        raise botocore.exceptions.EndpointConnectionError(endpoint_url=SECRET)

    monkeypatch.setattr(Folder, "write_bytes", away)
    assert "no server answers at AWS_ENDPOINT_URL" in told()


def test_a_bucket_that_nobody_has_mounted_is_told_and_not_made(told: Callable[..., str], home: Path):
    place = home.parent / "mounted"
    lines = told(LODA_BUCKET_URL=str(place)).splitlines()
    assert lines[2].split() == [
        *["MEND", "bucket", str(place), "is", "not", "there:", "make", "that", "folder", "or", "mount", "its", "disk,"],
        *["or", "correct", "LODA_BUCKET_URL."],
    ]
    assert not place.exists()


@pytest.fixture
def nobody_answers(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an S3 server that is not there, or that takes every call and never says a word."""
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        if request.param == "silent":
            place.listen(64)
        yield f"http://127.0.0.1:{place.getsockname()[1]}"


@pytest.mark.parametrize("nobody_answers", ["gone", "silent"], indirect=True)
def test_servers_that_are_away_are_told_in_seconds(
    told: Callable[..., str], nobody_answers: str, monkeypatch: pytest.MonkeyPatch
):
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setattr(doctor, "_data", lambda: "Contracts are read elsewhere, at their own pace.")
    places = {f"LODA_{place}_URL": f"s3://loda/{place.lower()}" for place in ("BUCKET", "LAKE", "PUBLISHED", "MODELS")}
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1"}
    began = time.monotonic()
    lines = told(**places, **keys, AWS_ENDPOINT_URL=nobody_answers).splitlines()
    took = time.monotonic() - began
    # The latter on a busy machine.
    said = ("no server answers at AWS_ENDPOINT_URL", "has not answered within 10 seconds")
    assert all(any(why in line for why in said) for line in lines[2:6]), lines
    assert took < doctor.LOOK_SECONDS + 10, "there are packages to load, and the ledger is asked too"


def test_a_store_that_says_nothing_for_ever_keeps_nobody(told: Callable[..., str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "_data", lambda: "Contracts are read elsewhere, at their own pace.")
    monkeypatch.setattr(doctor, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(Folder, "write_bytes", lambda *_: time.sleep(30))
    began = time.monotonic()
    lines = told().splitlines()
    assert time.monotonic() - began < 20
    assert [line.split()[0] for line in lines] == ["ok", "ok", "MEND", "MEND", "MEND", "MEND", "ok", "ok"], lines
    assert "has not answered within 0.5 seconds" in lines[2]


def test_stages_go_on_asking_as_often_as_before(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    quick, work = Folder("s3://loda/bucket", patient=False).fs, Folder("s3://loda/bucket").fs
    assert (quick.retries, work.retries) == (1, s3fs.S3FileSystem.retries)
    assert quick.retries < work.retries
    assert "config_kwargs" not in work.storage_options


def test_the_checks_are_those_of_every_place(home: Path):
    assert [one.check for one in doctor.findings()] == [
        "settings",
        "contracts and mappings",
        "bucket",
        "lake",
        "published lists",
        "models",
        "ledger",
        "pseudonym key",
    ]
