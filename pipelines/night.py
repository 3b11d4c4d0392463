"""The night's stages: what runs for a borough or for London, with locks, without Airflow.

Airflow's tasks and `loda run` (`pipelines/whole_night.py`) call the same functions. Each returns a `StageResult` with
counts and a sentence; a fault is a `LodaError` whose text may be shown to anybody.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import sqlalchemy as sa

from pipelines.core import clock, outside
from pipelines.core.errors import LodaError
from pipelines.core.faults import place_of
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.lists import newest_list
from pipelines.core.ledger.models import LastGood, ModelVersion
from pipelines.core.lock import exclusive
from pipelines.core.types import StageResult
from pipelines.governance import interruption
from pipelines.governance.reads import reading
from pipelines.observe.lineage import observed
from schemas import registry

log = logging.getLogger(__name__)

LONDON = "london"


class StageFailed(LodaError):
    """A stage met something that nobody foresaw. Its text names the place, never the data."""


@contextmanager
def told(stage: str, borough: str) -> Iterator[None]:
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
    """Alone under its lock, with what it reads of personal data on record under its name.

    Raises:
        Busy: another run is at work on it, or an upgrade or a backup that keeps all stages away.
        Outside: a disk, a bucket or the ledger's database is away, full or refuses.
    """
    with outside.told(), exclusive(lock, beside=interruption.STAGES), reading(name, borough):
        yield


def prepare() -> None:
    """Bring the ledger up to date, and read all that is data, so that a fault in it is told before anything runs."""
    interruption.upgrade_between_nights()
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


def expect_bucket() -> None:
    """Make sure that the bucket is there, before any stage begins.

    Raises:
        Outside: it is not.
    """
    from pipelines import ingest

    with outside.told():
        ingest.expect_bucket()


def discover() -> list[str]:
    """Boroughs with something to do, those with most bytes to read first."""
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
    """Boroughs that have a spine (a gazetteer in the lake), those with most rows first: see `discover`."""
    spine = sa.func.max(sa.case((LastGood.dataset == "gazetteer", 1), else_=0))
    rows = sa.select(LastGood.borough).group_by(LastGood.borough).having(spine == 1)
    with ledger.transaction() as session:
        return list(session.scalars(rows.order_by(sa.func.sum(LastGood.rows).desc(), LastGood.borough)))


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


def boroughs_to_publish() -> list[str]:
    """Boroughs whose newest list was issued and is not published."""
    with ledger.transaction() as session:
        newest = [(borough, newest_list(session, borough)) for borough in registry.boroughs()]
    return [borough for borough, issued in newest if issued is not None and issued.published_at is None]


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
    from pipelines import ingest, publish

    with _stage("notify", LONDON, "notices"):
        return publish.notify(waiting=ingest.discover())


@observed
def retention() -> StageResult:
    """Delete what is past its retention and tidy the lake."""
    from pipelines.governance.retention import apply_retention

    with _stage("retention", LONDON, "retention"):
        return apply_retention()
