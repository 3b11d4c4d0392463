"""Linkage and features of many boroughs by the workers of a Dask cluster: a country rather than a city.

A task is a stage of the night for one borough (`pipelines.night`), the very function that a night on one machine calls:
the worker reads and writes the lake itself, through the same door and under the same settings. Between it and the
scheduler go names of boroughs and counts, never rows. What a worker did not end when it was lost is done by another
from the start, as after a night that was killed. docs/decisions/0011-dask.md says why Dask.

Whoever reaches a scheduler can run code on its workers, so that one on another host is spoken to by TLS alone.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

import sqlalchemy as sa

from pipelines import night
from pipelines.core.errors import ConfigurationError, LodaError
from pipelines.core.hashing import code_version
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import interruption
from pipelines.night import LONDON
from pipelines.whole_night import NightReport, Progress, Share, share
from schemas import registry

if TYPE_CHECKING:
    from distributed import Client, Future

log = logging.getLogger(__name__)

CONNECT_SECONDS = 30
RESTART_SECONDS = 120
ENCRYPTED = "tls"
SCHEMES = ("tcp", ENCRYPTED)


class NoCluster(LodaError):
    """The scheduler or its workers are away, or are not fit for this work."""

    exit_code = 69


def spread(
    scheduler: str,
    boroughs: Sequence[str] | None = None,
    as_of: str | None = None,
    *,
    progress: Progress = lambda _result, _seconds: None,
) -> NightReport:
    """Tie the records of boroughs to their properties, resolve landlords, and make the features, on a cluster.

    Takes in no drops and makes no lists; what is up to date is not made again. A borough that fails keeps its last good
    state and the others go on. No night runs meanwhile.

    Args:
        scheduler: address of the Dask scheduler, `tls://host:8786`, or `tcp://127.0.0.1:8786` on this machine.
        boroughs: only these; None: all that have a gazetteer in the lake. Landlords are always of all.
        as_of: day whose knowledge may be used, as `night.resolve_as_of` takes it.
        progress: told of each stage and borough as it comes.

    Raises:
        NoCluster: the scheduler or its workers are away, or work on another place or with other code.
        ConfigurationError: the address, or where ledger and lake lie, will not do for it; Dask is not installed.
        LodaError: a borough is not known, or the as-of date is not a date.
    """
    here = Place.here()
    _fit_for(scheduler)
    night.prepare()
    for slug in boroughs or ():
        registry.borough(slug)
    day = night.resolve_as_of(as_of)
    standing = [borough for borough in night.boroughs_with_data() if boroughs is None or borough in boroughs]
    report = NightReport(as_of=day)
    with exclusive(interruption.LOCK), _client(scheduler) as client:
        _fresh(client, here)
        crew = _Crew(client, here, report, progress)
        linked = crew.each(standing, "link")
        crew.each([LONDON], "landlords")
        crew.each(linked, "features", day)
    return report


@dataclass(frozen=True)
class Place:
    """What a worker has to have in common with whoever gives it work."""

    code: str
    lake: str
    ledger: str

    @classmethod
    def here(cls) -> Place:
        """That of this process. No name or password of the ledger's user is in it."""
        full = sa.make_url(settings().ledger_url)
        ledger = sa.URL.create(full.drivername, host=full.host, port=full.port, database=full.database)
        return cls(code_version(), settings().lake_url, str(ledger))

    def fault(self, other: Place) -> str | None:
        """What a worker has otherwise than this, in a sentence; None where all is alike."""
        if self.code != other.code:
            return "A worker has another version of the code: bring the same to every host, then start workers anew."
        if (self.lake, self.ledger) != (other.lake, other.ledger):
            return "A worker has another lake or ledger: start it under the settings file that this command has."
        return None


class _Crew:
    """The workers, the report, and who is told."""

    def __init__(self, client: Client, here: Place, report: NightReport, progress: Progress) -> None:
        self.client, self.here, self.report, self.progress = client, here, report, progress

    def each(self, boroughs: Sequence[str], stage: str, *arguments: object) -> list[str]:
        """A stage for every borough, as many at once as there are workers; returns those that went through."""
        from distributed import as_completed

        run = uuid4().hex
        waiting = {
            self.client.submit(work, self.here, stage, borough, arguments, key=f"{stage}-{borough}-{run}"): borough
            for borough in boroughs
        }
        try:
            ended = as_completed(waiting, loop=self.client.loop)
            return [waiting[done] for done in ended if self._take(done, stage, waiting[done])]
        finally:
            self.client.cancel(list(waiting))  # of a run that is broken off, what has not begun never begins

    def _take(self, done: Future, stage: str, borough: str) -> bool:
        ((result, seconds),) = self._outcome(done, stage, borough)
        if isinstance(result, StageResult):
            self.report.results.append(result)
            self.report.seconds[stage] = self.report.seconds.get(stage, 0.0) + seconds
            self.progress(result, seconds)
            return True
        self.report.failures.append(result)
        self.progress(StageResult(stage, borough, "skipped", f"FAILED: {result[2]}"), seconds)
        return False

    def _outcome(self, done: Future, stage: str, borough: str) -> Share:
        """What a worker did; a failure where it was lost again and again, or the scheduler was."""
        from distributed.client import FutureCancelledError
        from distributed.scheduler import KilledWorker

        try:
            found: Share = done.result()
            return found
        except KilledWorker as error:
            sentence = (
                f"{stage} of {borough} was given up after {error.allowed_failures + 1} workers were lost over it, most "
                "likely for want of memory; give workers more of it (--memory-limit) and run again."
            )
        except FutureCancelledError:
            sentence = f"The scheduler was lost before {stage} of {borough} was done; start it and run again."
        return [((stage, borough, sentence), 0.0)]


def work(expected: Place, stage: str, borough: str, arguments: tuple[object, ...]) -> Share:
    """On a worker: one stage for one borough, if the worker is fit for it; a failure is told, never raised."""
    fault = unfit(expected)
    if fault is not None:
        log.error("%s of %s was not begun: %s", stage, borough, fault)
        return [((stage, borough, fault), 0.0)]
    return share(borough, [stage], () if borough == LONDON else (borough, *arguments))


def unfit(expected: Place) -> str | None:
    """On a worker: why it cannot do this work, in a sentence; None where it can."""
    from distributed import get_worker

    own = get_worker()
    if own.state.nthreads != 1:
        return "A worker has several threads, and a stage has its process to itself: start it with --nthreads 1."
    if urlsplit(own.address).scheme != ENCRYPTED and not _on_this_machine(own.listener.bound_address[0]):
        return "A worker listens to the whole network without TLS: start it with --host 127.0.0.1."
    return expected.fault(Place.here())


def _fresh(client: Client, here: Place) -> None:
    """Start the workers' processes anew, and see to it that each is fit, before anything begins.

    A process that has run for weeks knows contracts, models and code as they were then; those of a night are fresh too.

    Raises:
        NoCluster: there is none, one is not fit, or has not even the code.
    """
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        client.restart(timeout=RESTART_SECONDS)
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        faults = _asked(client, here)
    except TimeoutError:
        raise NoCluster(
            "The scheduler has no workers, or they do not come back when they are started anew. Start some, each under "
            "the settings file that this command has: 'dask worker ADDRESS --nthreads 1'."
        ) from None
    except LodaError:
        raise  # a worker's settings are wrong, and the sentence says which
    except Exception as error:
        raise NoCluster(
            f"The workers cannot run this code ({type(error).__name__}): install the same version of it on every host."
        ) from error
    if faults:
        raise NoCluster(" ".join(faults))


def _asked(client: Client, here: Place) -> list[str]:
    """What is wrong with the workers that are there, each sentence once."""
    workers = client.scheduler_info(n_workers=-1)["workers"]
    asked = [client.submit(unfit, here, workers=[address], pure=False) for address in workers]
    faults = client.gather(asked, direct=False)
    return sorted({fault for fault in faults if fault})


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    """Spoken to for as long as the context lasts.

    Raises:
        NoCluster: nobody answers.
    """
    from distributed import Client

    started = time.perf_counter()
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except OSError as error:
        waited = time.perf_counter() - started
        raise NoCluster(
            f"No Dask scheduler answers at {scheduler} after {waited:.0f} s. Start one with 'dask scheduler', or see "
            "whether the address and, with tls://, the certificates are right."
        ) from error
    try:
        yield client
    finally:
        with contextlib.suppress(Exception):  # whatever is wrong with it by now, the report counts
            client.close(timeout=CONNECT_SECONDS)


def _fit_for(scheduler: str) -> None:
    """See to it that an address, and what it means for ledger and lake, will do.

    Raises:
        ConfigurationError: it will not, or Dask is not installed.
    """
    try:
        import distributed  # noqa: F401 - is it there?
    except ImportError:
        raise ConfigurationError(
            "Dask is not installed. It comes with the extra 'spread': pip install 'loda[spread]'."
        ) from None
    address = urlsplit(scheduler)
    if address.scheme not in SCHEMES or not address.hostname or not _port(address):
        raise ConfigurationError(
            f"'{scheduler}' is no address of a scheduler; write it as tls://host:8786 or tcp://127.0.0.1:8786."
        )
    if not _on_this_machine(address.hostname):
        _fit_for_hosts(address.scheme)
    if address.scheme == ENCRYPTED:
        _certificates()


def _port(address: Any) -> int | None:
    try:
        found: int | None = address.port
        return found
    except ValueError:
        return None


def _on_this_machine(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _fit_for_hosts(scheme: str) -> None:
    if scheme != ENCRYPTED:
        raise ConfigurationError(
            "Whoever reaches a scheduler can run code on its workers, so that one on another host is spoken to by TLS "
            "alone: tls://host:8786, with certificates as docs/deploy.md says."
        )
    if sa.make_url(settings().ledger_url).get_backend_name() == "sqlite" or "://" not in settings().lake_url:
        raise ConfigurationError(
            "Workers on other hosts reach ledger and lake through servers alone: LODA_LEDGER_URL has to be PostgreSQL "
            "and LODA_LAKE_URL a bucket's, as docs/deploy.md says."
        )


def _certificates() -> None:
    from distributed.security import Security

    own = Security()
    if not (own.tls_ca_file and own.tls_client_cert and own.tls_client_key):
        names = ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")
        told = ", ".join(f"DASK_DISTRIBUTED__COMM__TLS__{name}" for name in names)
        raise ConfigurationError(f"For tls:// this command needs certificates. Name their files in {told}.")
