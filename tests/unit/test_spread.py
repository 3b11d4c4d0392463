"""`loda spread` refuses, in a sentence, what would be unsafe or come to nothing, before it begins."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster
from distributed.client import FutureCancelledError
from distributed.scheduler import KilledWorker
from typer.testing import CliRunner

from pipelines import spread
from pipelines.cli import app
from pipelines.core.errors import ConfigurationError
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.spread import NoCluster, Place
from pipelines.whole_night import NightReport
from tests.cluster.servers import free_ports

HERE: dict[str, Any] = {
    "processes": False, "protocol": "tcp", "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0",
}  # fmt: skip


@pytest.fixture
def on_servers(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Ledger and lake where hosts share them; nothing is asked of them."""
    monkeypatch.setenv("LODA_LEDGER_URL", f"postgresql+psycopg://loda_app:{'x' * 9}@postgres.example:5432/loda")
    monkeypatch.setenv("LODA_LAKE_URL", "s3://loda/lake")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize(
    "address", ["", "127.0.0.1:8786", "ucx://127.0.0.1:8786", "tcp://127.0.0.1", "tcp://:8786", "tcp://x:y"]
)
def test_what_is_no_address_is_told(home: Path, address: str) -> None:
    with pytest.raises(ConfigurationError, match="is no address of a scheduler; write it as tls://host:8786"):
        spread.spread(address)


@pytest.mark.parametrize("host", ["10.0.0.5", "dask.example", "192.168.1.2", "[2001:db8::1]"])
def test_to_another_host_nothing_goes_without_tls(on_servers: None, host: str) -> None:
    with pytest.raises(ConfigurationError, match="by TLS alone"):
        spread.spread(f"tcp://{host}:8786")


@pytest.mark.parametrize("name", ["LODA_LEDGER_URL", "LODA_LAKE_URL"])
def test_other_hosts_share_no_file_of_this_one(on_servers: None, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.delenv(name)
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match="LODA_LEDGER_URL has to be PostgreSQL and LODA_LAKE_URL a bucket's"):
        spread.spread("tls://dask.example:8786")


def test_tls_without_certificates_names_their_settings(on_servers: None) -> None:
    with pytest.raises(
        ConfigurationError, match=r"DASK_DISTRIBUTED__COMM__TLS__CA_FILE, .*CLIENT__CERT, .*CLIENT__KEY"
    ):
        spread.spread("tls://dask.example:8786")


def test_without_dask_the_extra_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = CliRunner().invoke(app, ["spread", "--scheduler", "tcp://127.0.0.1:8786"])
    assert done.exit_code == ConfigurationError.exit_code
    assert (
        done.output.strip()
        == "loda: Dask is not installed. It comes with the extra 'spread': pip install 'loda[spread]'."
    )


def test_a_scheduler_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "CONNECT_SECONDS", 1)
    (port,) = free_ports(1)
    with pytest.raises(NoCluster, match=f"No Dask scheduler answers at tcp://127.0.0.1:{port}"):  # noqa: SIM117
        with spread._client(f"tcp://127.0.0.1:{port}"):
            pass


@pytest.fixture
def two_threads() -> Iterator[LocalCluster]:
    """One worker in this process, with two threads."""
    with LocalCluster(n_workers=1, threads_per_worker=2, **HERE) as made:
        yield made


def test_a_worker_with_threads_is_refused_and_touches_nothing(home: Path, two_threads: LocalCluster) -> None:
    with Client(two_threads, set_as_default=False) as client:
        here = Place.here()
        (sentence,) = spread._asked(client, here)
        assert "--nthreads 1" in sentence
        assert client.submit(spread.work, here, "link", "camden", ()).result() == [(("link", "camden", sentence), 0.0)]


def test_no_workers_are_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spread, "CONNECT_SECONDS", 1)
    with (
        LocalCluster(n_workers=0, **HERE) as none,
        Client(none, set_as_default=False) as client,
        pytest.raises(NoCluster, match="has no workers"),
    ):
        spread._fresh(client, Place.here())


def test_workers_that_do_not_come_back_are_told(
    home: Path, two_threads: LocalCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This one has nobody who starts it anew."""
    monkeypatch.setattr(spread, "RESTART_SECONDS", 1)
    with (
        Client(two_threads, set_as_default=False) as client,
        pytest.raises(NoCluster, match="do not come back when they are started anew"),
    ):
        spread._fresh(client, Place.here())


def test_a_worker_elsewhere_or_of_other_code_is_told(home: Path) -> None:
    here = Place.here()
    assert here.fault(here) is None
    assert "another version of the code" in str(dataclasses.replace(here, code="0" * 12).fault(here))
    for other in (dataclasses.replace(here, lake="s3://x/lake"), dataclasses.replace(here, ledger="sqlite:///x.db")):
        assert "another lake or ledger" in str(here.fault(other))


def test_no_password_goes_to_the_workers(on_servers: None) -> None:
    assert Place.here().ledger == "postgresql+psycopg://postgres.example:5432/loda"


class Given:
    """What a client says of a task that never came back."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def result(self) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (KilledWorker("link-camden", None, 3), "was given up after 4 workers were lost over it"),
        (
            FutureCancelledError("link-camden", "scheduler-connection-lost"),
            "The scheduler was lost before link of camden",
        ),
    ],
)
def test_what_never_came_back_is_a_failure_of_its_borough_alone(home: Path, error: Exception, words: str) -> None:
    told: list[StageResult] = []
    report = NightReport()
    crew = spread._Crew(None, Place.here(), report, lambda result, _seconds: told.append(result))
    assert crew._take(Given(error), "link", "camden") is False
    ((stage, borough, sentence),) = report.failures
    assert (stage, borough) == ("link", "camden")
    assert words in sentence
    assert told[0].sentence == f"FAILED: {sentence}"


def test_between_workers_and_scheduler_go_names_and_counts(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent for a task, and what comes back: nothing that a row could be in."""
    from pipelines import night

    made = StageResult("link", "camden", "made", "Done.", {"records": 3.0})
    monkeypatch.setattr(night, "link", lambda borough: made)
    monkeypatch.setattr(spread, "unfit", lambda _expected: None)
    sent: list[Any] = []

    class Client:
        loop = None

        def submit(self, *arguments: Any, key: str) -> None:
            sent.append((arguments, key))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spread._Crew(Client(), Place.here(), NightReport(), lambda *_: None).each(["camden"], "link")
    ((arguments, key),) = sent
    assert arguments == (spread.work, Place.here(), "link", "camden", ())
    assert key.startswith("link-camden-")
    ((result, seconds),) = spread.work(*arguments[1:])
    assert result == made
    assert isinstance(seconds, float)
