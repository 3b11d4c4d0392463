"""A whole night without Airflow: every stage for every borough, on worker processes, and what came of it."""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import date

from pipelines import night
from pipelines.core.errors import LodaError
from pipelines.core.orphans import end_with_parent
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import interruption
from pipelines.night import LONDON
from pipelines.observe import lineage, metrics
from schemas import registry

log = logging.getLogger(__name__)

INTAKE = ("admit", "harmonise", "gate", "propose", "publish_drops")


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


def share(label: str, steps: Sequence[str], arguments: tuple[object, ...]) -> Share:
    """Run named stages one after the other for one borough; the first failure ends the borough's share."""
    done: Share = []
    for name in steps:
        started = time.perf_counter()
        try:
            with night.told(name, label):
                result = getattr(night, name)(*arguments)
        except LodaError as error:
            done.append(((name, label, str(error)), time.perf_counter() - started))
            break
        done.append((result, time.perf_counter() - started))
    return done


@dataclass(frozen=True)
class _Begun:
    """A share of work that was handed to a worker."""

    future: Future[Share]
    label: str
    steps: Sequence[str]


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
        return self._failed([self._submit(borough, steps, (borough, *arguments)) for borough in boroughs])

    def beside(
        self, step: str, given: Sequence[object], boroughs: Sequence[str], steps: Sequence[str], *arguments: object
    ) -> list[str]:
        """As `each`, while a stage for all of London, on which these do not wait, has a worker of its own."""
        london = self._submit(LONDON, [step], given)
        failed = self._failed([london, *(self._submit(borough, steps, (borough, *arguments)) for borough in boroughs)])
        return [label for label in failed if label != LONDON]

    def _submit(self, label: str, steps: Sequence[str], arguments: Sequence[object]) -> _Begun:
        return _Begun(self.pool.submit(share, label, steps, tuple(arguments)), label, steps)

    def _failed(self, begun: Sequence[_Begun]) -> list[str]:
        """Wait for shares and take them; the labels of those that failed."""
        of = {one.future: one for one in begun}
        return [of[future].label for future in as_completed(of) if not self._take(self._result(of[future]))]

    def _result(self, begun: _Begun) -> Share:
        """What a worker did; a failure where the worker was killed, by want of memory for one."""
        try:
            return begun.future.result()
        except BrokenProcessPool:
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.pool = self._new_pool()
            step, label = begun.steps[0], begun.label
            sentence = f"A process was killed while {step} of {label} ran or waited; it is tried again next time."
            return [((step, label, sentence), 0.0)]

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
        return self._take(self._result(self._submit(LONDON, [step], arguments)))

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
        LodaError: a borough is not known, the as-of date is not a date, the bucket is not there, or another night runs
            and does not end.
    """
    night.prepare()
    for slug in boroughs or ():
        registry.borough(slug)
    if as_of:
        night.resolve_as_of(as_of)
    night.expect_bucket()
    with lineage.whole_night(), interruption.night_under_way() as interrupted:
        whole = _Night(progress)
        try:
            if interrupted is not None:
                whole.tell(interrupted)
            _all_stages(whole, as_of, boroughs, retrain=retrain)
        finally:
            whole.pool.shutdown()
    _measured(whole.report)
    return whole.report


def _measured(report: NightReport) -> None:
    """Send the metrics of what stands now; a collector that is away is told in the log and fails no night."""
    if not metrics.is_on():
        return
    try:
        report.results.append(metrics.measure())
    except metrics.MetricsNotSent as error:
        log.warning("%s", error)


def _all_stages(whole: _Night, as_of: str | None, boroughs: Sequence[str] | None, *, retrain: bool) -> None:
    whole.once("agreements")
    fresh = [b for b in night.discover() if boroughs is None or b in boroughs]
    whole.each(fresh, INTAKE)
    whole.each([b for b in night.boroughs_with_outcomes() if boroughs is None or b in boroughs], ["outcomes"])
    whole.answer()
    standing = [b for b in night.boroughs_with_data() if boroughs is None or b in boroughs]
    if not standing:
        return
    whole.report.as_of = day = night.resolve_as_of(as_of)
    # Landlords are resolved from names, not from links, and have one worker for long.
    unlinked = whole.beside("landlords", [], standing, ["link"])
    every = bool(as_of)
    early = [b for b in night.boroughs_to_list(day, every=every) if b in standing and b not in unlinked]
    # Licences and features need no model.
    behind, steps = set[str](), ["licensing", "features", "score", "rank"]
    if retrain or night.training_is_due():
        behind = set(whole.beside("train", [day], early, ["licensing", "features"], day))
        steps = ["score", "rank"]
    due = night.boroughs_to_list(day, every=every)
    whole.leave([b for b in standing if b not in due])
    ready = [b for b in standing if b in due and b not in unlinked]
    unranked = behind | set(whole.each([b for b in ready if b in early and b not in behind], steps, day))
    # The model that was just trained may be the first, on which lists wait that stood before.
    later = [b for b in ready if b not in early]
    unranked |= set(whole.each(later, ["features", "score", "licensing", "rank"], day))
    ranked = [b for b in ready if b not in unranked]
    whole.each(ranked, ["dossiers"], day)
    # One that was issued by a night that was killed before it published it stands, and nobody has it yet.
    issued = [b for b in night.boroughs_to_publish() if b in standing and b not in ready]
    whole.each([*ranked, *issued], ["publish_lists"])
