"""The pages' own process: where it listens, what it refuses, how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from pipelines.cli import app as commands
from pipelines.core.errors import ConfigurationError
from review import serve
from review.app import THREADS, create_app
from tests.review.conftest import Browser, forget_settings

ROOT = Path(__file__).resolve().parents[2]
ELSEWHERE = ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1", "review.example", "", "127.0.0.1.example"]  # noqa: S104
HERE = ["127.0.0.1", "127.0.0.2", "localhost", "::1", "[::1]"]


@pytest.mark.parametrize("host", ELSEWHERE)
def test_the_local_sign_in_is_refused_where_others_reach_it(review_home: Path, host: str) -> None:
    with pytest.raises(ConfigurationError, match="LODA_REVIEW_LOCAL_SIGN_IN"):
        serve.serve(host, 0)


@pytest.mark.parametrize("host", HERE)
def test_on_this_machine_it_is_not(review_home: Path, host: str) -> None:
    serve.check_host(host)


def test_others_reach_the_pages_only_under_an_address_of_the_settings(set_review: Callable[..., None]) -> None:
    set_review(local_sign_in=0)
    with pytest.raises(ConfigurationError, match="LODA_REVIEW_BASE_URL"):
        serve.check_host("0.0.0.0")  # noqa: S104
    set_review(base_url="https://review.example")
    serve.check_host("0.0.0.0")  # noqa: S104


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"base_url": "https://review.example"}, "LODA_REVIEW_LOCAL_SIGN_IN"),
        ({"base_url": "http://review.example", "local_sign_in": 0}, "https://"),
        ({"base_url": "review.example"}, "LODA_REVIEW_BASE_URL"),
        ({"base_url": "ftp://review.example"}, "LODA_REVIEW_BASE_URL"),
        ({"base_url": "http://127.0.0.1:8000/review"}, "no path"),
        ({"oidc_issuer": "https://login.example"}, "LODA_REVIEW_OIDC_CLIENT_ID"),
        ({"oidc_issuer": "http://login.example", "oidc_client_id": "x"}, "LODA_REVIEW_OIDC_ISSUER"),
        ({"session_minutes": 0}, "LODA_REVIEW_SESSION_MINUTES"),
    ],
)
def test_settings_that_contradict_each_other_are_told(
    set_review: Callable[..., None], values: dict[str, object], named: str
) -> None:
    set_review(**values)
    with pytest.raises(ConfigurationError, match=named):
        create_app()


def test_the_command_ends_in_a_sentence(review_home: Path) -> None:
    from typer.testing import CliRunner

    done = CliRunner().invoke(commands, ["serve", "--host", "192.0.2.1"])
    assert done.exit_code == ConfigurationError.exit_code
    assert "LODA_REVIEW_LOCAL_SIGN_IN" in done.output
    assert "Traceback" not in done.output


def test_doctor_knows_the_settings_of_the_pages(set_review: Callable[..., None]) -> None:
    from pipelines.cli import doctor

    set_review(session_minutes=30)
    assert doctor.findings()[0].ok
    set_review(session_minutes="long")
    assert "LODA_REVIEW_SESSION_MINUTES" in doctor.findings()[0].sentence
    set_review(session_minutes=30, sesion_hours=1)
    assert "LODA_REVIEW_SESION_HOURS (did you mean 'LODA_REVIEW_SESSION_HOURS'?) is no setting" in (
        doctor.findings()[0].sentence
    )


def test_a_port_that_is_taken_is_told(review_home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigurationError, match="--port"):
        serve.serve("127.0.0.1", taken.getsockname()[1])


def test_an_error_is_told_by_its_place_and_never_with_its_values() -> None:
    import logging

    try:
        raise ValueError("canary")
    except ValueError:
        record = logging.LogRecord("uvicorn.error", logging.ERROR, "x", 1, "failed", (), sys.exc_info())
    assert serve._without_values(record)
    assert "canary" not in logging.Formatter().format(record)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`loda serve` in a process of its own on a free port, and its address."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LODA_")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from pipelines.cli import app; app()", "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "LODA_REVIEW_LOCAL_SIGN_IN": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, line.split(" at ")[-1].split(". ")[0]
    finally:
        process.kill()
        process.wait()
        forget_settings()


def test_it_says_its_address_answers_there_and_ends_at_ctrl_c(served: tuple[subprocess.Popen[str], str]) -> None:
    process, url = served
    assert url.startswith("http://127.0.0.1:")
    with httpx.Client(base_url=url, timeout=60) as client:
        answer = client.get("/sign-in")
        assert answer.status_code == 200
        assert "Ama Example" in answer.text
        assert "server" not in answer.headers
        forwarded = client.get("/sign-in", headers={"x-forwarded-proto": "https"})
        assert "strict-transport-security" not in forwarded.headers, "no proxy is trusted unless it is named"
        assert client.get("/sign-in", headers={"host": "elsewhere.example"}).status_code == 400
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.wait(timeout=serve.GRACE_SECONDS + 5) == 0
        assert time.monotonic() - began < serve.GRACE_SECONDS
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()


def test_a_process_answers_a_few_requests_at_once(app: FastAPI, review_home: Path) -> None:
    with Browser(app) as anybody:
        assert anybody.portal is not None
        limiter = anybody.portal.call(current_default_thread_limiter)
        assert limiter.total_tokens == THREADS
        assert anybody.get("/healthz").status_code == 200
