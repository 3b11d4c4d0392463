"""The night: what runs for a borough or for London, with locks, without Airflow.

Airflow's tasks and `loda run` call the same functions. Each returns a `StageResult` with
counts and a sentence; a fault is a `LodaError` whose text may be shown to anybody.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.errors import LodaError
from pipelines.core.faults import place_of
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.models import LastGood, ModelVersion
from pipelines.core.lock import exclusive
from pipelines.core.orphans import end_with_parent
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import interruption
from pipelines.governance.reads import reading
from pipelines.observe import lineage, metrics
from pipelines.observe.lineage import observed
from schemas import registry

log = logging.getLogger(__name__)

LONDON = "london"
INTAKE = ("admit", "harmonise", "gate", "propose", "publish_drops")


class StageFailed(LodaError):
    """A stage met something that nobody foresaw. Its text names the place, never the data."""


@contextmanager
def _told(stage: str, borough: str) -> Iterator[None]:
    """Turn an unforeseen exception into a sentence without its text, which may quote personal data."""
    try:
        yield
    except LodaError:
        raise
    except Exception as error:  # noqa: BLE001 - told, by its place, and raised again
        where = place_of(error)
        message = (
            f"{stage} of {borough} failed with {where}; the other boroughs are not touched "
            "and it is tried again next time. The platform's engineers look into it."
        )
        log.error("%s of %s failed with %s", stage, borough, where)
        raise StageFailed(message) from None


@contextmanager
def _stage(name: str, borough: str, lock: str) -> Iterator[None]:
    """Alone under its lock, with what it reads of personal data on record under its name."""
    with exclusive(lock), reading(name, borough):
        yield


def prepare() -> None:
    """Bring the ledger up to date, and read all that is data, so that a fault in it is told before anything runs."""
    ledger.upgrade()
    registry.contracts()
    registry.boroughs()
    registry.issue_types()
    registry.agreements()


@observed
def agreements() -> StageResult:
    """Let go of what no agreement covers any more, before anything reads it."""
    from pipelines.governance.enforcement import apply_agreements

    with _stage("agreements", LONDON, "agreements"):
        return apply_agreements()


def discover() -> list[str]:
    """Boroughs with something to do, in order."""
    from pipelines import ingest

    return ingest.discover()


@observed
def admit(borough: str) -> StageResult:
    """Take in a borough's new files."""
    from pipelines import ingest

    with _stage("admit", borough, f"intake-{borough}"):
        return ingest.admit(borough)


@observed
def harmonise(borough: str) -> StageResult:
    """Bring a borough's received drops to their contracts."""
    from pipelines.harmonise import harmonise as stage

    with _stage("harmonise", borough, f"intake-{borough}"):
        return stage(borough)


@observed
def gate(borough: str) -> StageResult:
    """Pass, trim or hold a borough's harmonised drops."""
    from pipelines.gate import gate as stage

    with _stage("gate", borough, f"intake-{borough}"):
        return stage(borough)


@observed
def propose(borough: str) -> StageResult:
    """Answer drops held for their layout with a proposed mapping."""
    from pipelines import onboard

    with _stage("propose", borough, f"intake-{borough}"):
        return onboard.propose_held(borough)


@observed
def publish_drops(borough: str) -> StageResult:
    """Commit a borough's passed drops to the lake and deliver the receipts."""
    from pipelines import publish

    with _stage("publish_drops", borough, f"intake-{borough}"):
        return publish.publish_drops(borough)


def boroughs_with_outcomes() -> list[str]:
    """Boroughs whose officers recorded what visits found."""
    from pipelines.casework import take_in

    return take_in.boroughs_with_outcomes()


@observed
def outcomes(borough: str) -> StageResult:
    """Bring what a borough's officers recorded into the lake, as visits beside those of its own extracts."""
    from pipelines.casework import take_in

    with _stage("outcomes", borough, f"intake-{borough}"):
        return take_in.take_in(borough)


def boroughs_with_data() -> list[str]:
    """Boroughs that have a spine: a gazetteer in the lake."""
    with ledger.transaction() as session:
        return sorted(set(session.scalars(sa.select(LastGood.borough).where(LastGood.dataset == "gazetteer"))))


@observed
def link(borough: str) -> StageResult:
    """Tie a borough's records to its properties."""
    from pipelines import link as stage

    with _stage("link", borough, f"link-{borough}"):
        return stage.link_borough(borough)


@observed
def landlords() -> StageResult:
    """Resolve landlords across all boroughs."""
    from pipelines import link as stage

    with _stage("landlords", LONDON, "landlords"):
        return stage.link_landlords()


def resolve_as_of(as_of: str | None) -> date:
    """The as-of date asked for, or the day up to which the newest extract speaks.

    Raises:
        LodaError: it is not a date, or nothing has been accepted yet.
    """
    if as_of:
        try:
            asked = date.fromisoformat(as_of)
        except ValueError:
            raise LodaError(f"'{as_of}' is not a date; write it as 2026-09-30.") from None
        if asked > clock.today():
            raise LodaError(f"{asked} has not come yet; nobody can know what will be known then.")
        return asked
    with ledger.transaction() as session:
        newest = session.scalar(sa.select(sa.func.max(LastGood.extract_date)))
    if newest is None:
        raise LodaError("No extract has been accepted yet, so there is no as-of date; see 'loda status'.")
    until: date = min(newest, clock.today())
    return until


def has_champion() -> bool:
    """Whether a model has been promoted."""
    with ledger.transaction() as session:
        return session.scalar(sa.select(ModelVersion.id).where(ModelVersion.status == "champion")) is not None


def training_is_due() -> bool:
    """Whether there is no model yet, or outcomes came in since the newest one was trained.

    What it trains then is a challenger: a named person makes it the champion, or nobody does.
    """
    from pipelines.casework import take_in

    return not has_champion() or take_in.training_is_due()


@observed
def train(as_of: date) -> StageResult:
    """Train a model on all boroughs as known on a day."""
    from models import hmo

    with _stage("train", LONDON, "train"):
        return hmo.train(as_of)


def boroughs_to_list(as_of: date, *, every: bool = False) -> list[str]:
    """Boroughs whose list has to be made for a day: all with a spine, or those whose newest list does not stand."""
    from pipelines import ranking

    standing = boroughs_with_data()
    due = set(ranking.due(standing, as_of))
    return [borough for borough in standing if every or borough in due]


@observed
def features(borough: str, as_of: date) -> StageResult:
    """Build a borough's matrix."""
    from models import hmo

    with _stage("features", borough, f"score-{borough}"):
        return hmo.build_features(borough, as_of)


@observed
def score(borough: str, as_of: date) -> StageResult:
    """Score a borough's properties with the champion."""
    from models import hmo

    with _stage("score", borough, f"score-{borough}"):
        return hmo.score(borough, as_of)


@observed
def licensing(borough: str, as_of: date) -> StageResult:
    """Say which licence each candidate would need and whether it has it."""
    from pipelines import licensing as stage

    with _stage("licensing", borough, f"score-{borough}"):
        return stage.assess(borough, as_of)


@observed
def rank(borough: str, as_of: date) -> StageResult:
    """Issue a borough's list, if anything it is made from has changed."""
    from pipelines import ranking

    with _stage("rank", borough, f"score-{borough}"):
        return ranking.rank(borough, as_of)


@observed
def dossiers(borough: str, as_of: date) -> StageResult:
    """Put what stands behind each entry of a borough's list into the ledger; from then on the list stands."""
    from models import hmo
    from pipelines import ranking
    from pipelines.link.vocabulary import SENTENCES

    with _stage("dossiers", borough, f"score-{borough}"):
        result = hmo.dossiers(borough, as_of, {str(reason): text for reason, text in SENTENCES.items()})
        ranking.stands(borough, as_of)
        return result


@observed
def publish_lists(borough: str) -> StageResult:
    """Write a borough's newest list where its officers fetch it."""
    from pipelines import publish

    with _stage("publish_lists", borough, f"score-{borough}"):
        return publish.publish_lists(borough)


@observed
def publish_pages() -> StageResult:
    """Write scorecards, the catalogue of source systems and the page of each dataset, where they have changed."""
    from pipelines import publish

    with _stage("publish_pages", LONDON, "pages"):
        return publish.publish_pages()


@observed
def notify() -> StageResult:
    """Tell each borough which extracts are due, late or missing."""
    from pipelines import publish

    with _stage("notify", LONDON, "notices"):
        return publish.notify()


@observed
def retention() -> StageResult:
    """Delete what is past its retention and tidy the lake."""
    from pipelines.governance.retention import apply_retention

    with _stage("retention", LONDON, "retention"):
        return apply_retention()


@dataclass
class NightReport:
    """What one night did: results in the order they came, and the sentences of what failed."""

    as_of: date | None = None
    results: list[StageResult] = field(default_factory=list)
    failures: list[tuple[str, str, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything was made."""
        return any(result.outcome == "made" for result in self.results)


Progress = Callable[[StageResult, float], None]
Share = list[tuple[StageResult | tuple[str, str, str], float]]


def _share(label: str, steps: Sequence[str], arguments: tuple[object, ...]) -> Share:
    """Run named stages one after the other for one borough; the first failure ends the borough's share."""
    done: Share = []
    for name in steps:
        started = time.perf_counter()
        try:
            with _told(name, label):
                result = globals()[name](*arguments)
        except LodaError as error:
            done.append(((name, label, str(error)), time.perf_counter() - started))
            break
        done.append((result, time.perf_counter() - started))
    return done


class _Night:
    """One run: the pool of processes, the report, and who is told."""

    def __init__(self, progress: Progress) -> None:
        self.report = NightReport()
        self.progress = progress
        self.pool = self._new_pool()

    @staticmethod
    def _new_pool() -> ProcessPoolExecutor:
        # Delta's runtime does not survive a fork, so workers are started afresh.
        afresh = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(settings().workers, mp_context=afresh, initializer=end_with_parent)

    def each(self, boroughs: Sequence[str], steps: Sequence[str], *arguments: object) -> list[str]:
        """Run stages for every borough, as many at once as there are workers; returns those that failed."""
        failed = []
        waiting = {self.pool.submit(_share, borough, steps, (borough, *arguments)): borough for borough in boroughs}
        for future in as_completed(waiting):
            failed += [waiting[future]] if not self._take(self._result(future, waiting[future], steps)) else []
        return failed

    def _result(self, future: Future[Share], label: str, steps: Sequence[str]) -> Share:
        """What a worker did; a failure where the worker was killed, by want of memory for one."""
        try:
            return future.result()
        except BrokenProcessPool:
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.pool = self._new_pool()
            sentence = f"A process was killed while {steps[0]} of {label} ran or waited; it is tried again next time."
            return [((steps[0], label, sentence), 0.0)]

    def answer(self) -> None:
        """Tell everybody what stands after the intake: scorecards and notices."""
        self.once("publish_pages")
        self.once("notify")

    def leave(self, boroughs: Sequence[str]) -> None:
        """Tell of the boroughs whose list stands."""
        for borough in boroughs:
            sentence = f"Nothing that {borough} answers for has changed, so its list stands."
            self._take([(StageResult("rank", borough, "unchanged", sentence), 0.0)])

    def once(self, step: str, *arguments: object) -> bool:
        """Run a stage that is for all of London, in a worker so that its memory goes when it ends."""
        return self._take(self._result(self.pool.submit(_share, LONDON, [step], arguments), LONDON, [step]))

    def tell(self, result: StageResult) -> None:
        """Add what is known before any stage runs."""
        self._take([(result, 0.0)])

    def _take(self, done: Share) -> bool:
        sound = True
        for result, seconds in done:
            if isinstance(result, StageResult):
                self.report.results.append(result)
                self.report.seconds[result.stage] = self.report.seconds.get(result.stage, 0.0) + seconds
                self.progress(result, seconds)
            else:
                self.report.failures.append(result)
                stage, borough, sentence = result
                self.progress(StageResult(stage, borough, "skipped", f"FAILED: {sentence}"), seconds)
                sound = False
        return sound


def run(
    as_of: str | None = None,
    boroughs: Sequence[str] | None = None,
    *,
    retrain: bool = False,
    progress: Progress = lambda _result, _seconds: None,
) -> NightReport:
    """One whole night: intake, link, train if it is due, score, list.

    `boroughs` limits the night to some; a borough that fails keeps its last good state
    and the others go on.

    Raises:
        LodaError: a borough is not known, the as-of date is not a date, or another night runs and does not end.
    """
    prepare()
    for slug in boroughs or ():
        registry.borough(slug)
    if as_of:
        resolve_as_of(as_of)
    with lineage.whole_night(), interruption.night_under_way() as interrupted:
        night = _Night(progress)
        try:
            if interrupted is not None:
                night.tell(interrupted)
            _all_stages(night, as_of, boroughs, retrain=retrain)
        finally:
            night.pool.shutdown()
    _measured(night.report)
    return night.report


def _measured(report: NightReport) -> None:
    """Send the metrics of what stands now; a collector that is away is told in the log and fails no night."""
    if not metrics.is_on():
        return
    try:
        report.results.append(metrics.measure())
    except metrics.MetricsNotSent as error:
        log.warning("%s", error)


def _all_stages(night: _Night, as_of: str | None, boroughs: Sequence[str] | None, *, retrain: bool) -> None:
    night.once("agreements")
    fresh = [b for b in discover() if boroughs is None or b in boroughs]
    night.each(fresh, INTAKE)
    night.each([b for b in boroughs_with_outcomes() if boroughs is None or b in boroughs], ["outcomes"])
    night.answer()
    standing = [b for b in boroughs_with_data() if boroughs is None or b in boroughs]
    if not standing:
        return
    night.report.as_of = day = resolve_as_of(as_of)
    unlinked = night.each(standing, ["link"])
    night.once("landlords")
    if retrain or training_is_due():
        night.once("train", day)
    due = boroughs_to_list(day, every=bool(as_of))
    night.leave([b for b in standing if b not in due])
    ready = [b for b in standing if b in due and b not in unlinked]
    unranked = night.each(ready, ["features", "score", "licensing", "rank"], day)
    ranked = [b for b in ready if b not in unranked]
    night.each(ranked, ["dossiers"], day)
    night.each(ranked, ["publish_lists"])
