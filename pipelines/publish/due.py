"""How each of a borough's datasets stands today: what is in use, when the next extract is due, whether it is late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import sqlalchemy as sa

from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, LastGood
from pipelines.governance import access, outages
from pipelines.governance.outages import Outage
from schemas import registry
from schemas.calendar import FIRST_DAYS, PERIOD_DAYS, REMIND_DAYS, Beat, Calendar, Frequency, calendar
from schemas.contract import Contract

State = Literal["in_time", "due_soon", "due", "late", "missing"]

WORDS: dict[State, str] = {
    "in_time": "in time",
    "due_soon": "due soon",
    "due": "due, and waited for",
    "late": "late",
    "missing": "none accepted yet",
}
PURPOSE: access.Purpose = "hmo_detection"
GRAVE: tuple[State, ...] = ("missing", "late")
NOT_USED = (DropStatus.HELD.value, DropStatus.REFUSED.value)


@dataclass(frozen=True)
class InUse:
    """The extract that a source of a dataset stands on."""

    source: str
    drop: str
    extract_date: date
    arrived: date


@dataclass(frozen=True)
class NotUsed:
    """The newest drop that arrived after the one in use and was held or refused."""

    drop: str
    arrived: date
    status: str
    sentence: str


@dataclass(frozen=True)
class Standing:
    """One expected dataset of a borough on one day.

    Where a dataset comes as several extracts, it is as late as the oldest of them, which `in_use` is.
    """

    borough: str
    dataset: str
    title: str
    every: Frequency
    state: State
    due: date
    late_from: date
    in_use: InUse | None
    sources: int
    not_used: NotUsed | None
    longer: int = 0
    """Days by which it is waited for longer, since the platform's bucket was away."""

    def age(self, on: date) -> int | None:
        """Days from the extract in use to a day."""
        return (on - self.in_use.extract_date).days if self.in_use is not None else None

    @property
    def step_days(self) -> int:
        """Days after which a borough is told again that it is late: a period, but not more often than every week."""
        return min(max(PERIOD_DAYS[self.every], 7), 31)


def standings(today: date) -> dict[str, list[Standing]]:
    """Every borough that anything is expected of, with each expected dataset, by title.

    A dataset is expected of a borough when an agreement in force covers it, the borough has shared it before or has a
    mapping for it or a calendar that names it, and the calendar does not say otherwise. Nothing is expected of a
    borough that has not begun to share, unless its calendar says from when on.

    Raises:
        ConfigurationError: a calendar is faulty.
    """
    history = _History.read()
    found = {slug: _of_borough(slug, history, today) for slug in registry.boroughs()}
    return {slug: standing for slug, standing in found.items() if standing}


def standing_of(borough: str, today: date) -> list[Standing]:
    """How one borough's expected datasets stand, as `standings` says.

    Raises:
        ConfigurationError: its calendar is faulty.
    """
    return _of_borough(borough, _History.read(borough), today)


@dataclass(frozen=True)
class _History:
    joined: dict[str, date]
    in_use: dict[tuple[str, str], list[InUse]]
    not_used: dict[tuple[str, str], NotUsed]
    outages: tuple[Outage, ...]

    @classmethod
    def read(cls, borough: str | None = None) -> _History:
        """Of all boroughs, or of one."""
        mine = Drop.borough == borough if borough is not None else sa.true()
        with transaction() as session:
            first = session.execute(
                sa.select(Drop.borough, sa.func.min(Drop.received_at))
                .where(Drop.status != DropStatus.REFUSED.value, mine)  # a stray file begins nothing
                .group_by(Drop.borough)
            )
            joined = {row.borough: row[1].date() for row in first}
            good = session.execute(
                sa.select(LastGood, Drop.received_at).join(Drop, Drop.id == LastGood.drop_id).where(mine)
            ).all()
            troubled = session.scalars(
                sa.select(Drop).where(Drop.status.in_(NOT_USED), mine).order_by(Drop.received_at, Drop.id)
            ).all()
        in_use: dict[tuple[str, str], list[InUse]] = defaultdict(list)
        for last, received_at in good:
            in_use[last.borough, last.dataset].append(
                InUse(last.source, last.drop_id, last.extract_date, received_at.date())
            )
        newest = {
            (drop.borough, drop.dataset): NotUsed(drop.id, drop.received_at.date(), drop.status, drop.sentence or "")
            for drop in troubled
        }
        return cls(joined, dict(in_use), newest, outages.known())


def _of_borough(slug: str, history: _History, today: date) -> list[Standing]:
    own = calendar(slug)
    begun = own.since or history.joined.get(slug)
    if begun is None or begun > today:
        return []
    contracts = registry.contracts()
    beats = {dataset: _beat(slug, contracts[dataset], own, history) for dataset in contracts}
    found = [
        _standing(slug, contracts[dataset], beat, begun, history, today)
        for dataset, beat in beats.items()
        if beat is not None and access.allowed(slug, dataset, PURPOSE, today)
    ]
    return sorted(found, key=lambda standing: standing.title)


def _beat(slug: str, contract: Contract, own: Calendar, history: _History) -> Beat | None:
    """When a dataset is due of a borough, None where it is not expected."""
    named = contract.dataset in own.datasets
    shared = (slug, contract.dataset) in history.in_use
    return own.beat(contract) if named or shared or _has_mapping(slug, contract.dataset) else None


def _has_mapping(slug: str, dataset: str) -> bool:
    try:
        return bool(registry.own_mappings(slug, dataset))
    except ConfigurationError:
        return True  # a faulty one; the receipt of the next drop says what is wrong with it


def _standing(slug: str, contract: Contract, beat: Beat, begun: date, history: _History, today: date) -> Standing:
    key = (slug, contract.dataset)
    sources = sorted(history.in_use.get(key, []), key=lambda used: (used.extract_date, used.source))
    oldest = sources[0] if sources else None
    if oldest is not None:
        due = beat.due_after(oldest.extract_date)
    else:
        due = max(begun, beat.since or begun) + timedelta(days=FIRST_DAYS)
    agreed = beat.late_from(due)
    late_from = outages.waited_until(agreed, due, history.outages, today)
    trouble = history.not_used.get(key)
    if trouble is not None and oldest is not None and trouble.arrived < oldest.arrived:
        trouble = None
    return Standing(
        borough=slug,
        dataset=contract.dataset,
        title=contract.title,
        every=beat.every,
        state=_state(today, due, late_from, beat.every, never=oldest is None),
        due=due,
        late_from=late_from,
        in_use=oldest,
        sources=len(sources),
        not_used=trouble,
        longer=(late_from - agreed).days,
    )


def _state(today: date, due: date, late_from: date, every: Frequency, *, never: bool) -> State:
    if today >= late_from:
        return "missing" if never else "late"
    if today > due:
        return "due"
    return "due_soon" if REMIND_DAYS[every] and today >= due - timedelta(days=REMIND_DAYS[every]) else "in_time"


def days_late(beat: Beat, arrivals: Iterable[tuple[date, date]], away: Sequence[Outage] = ()) -> list[int | None]:
    """Days that each extract came late, 0 for in time, None for the first, which nothing was due for.

    `arrivals` are the extracts' days and the days they arrived, oldest first. Days on which the bucket was `away` do
    not count.
    """
    late: list[int | None] = []
    due: date | None = None
    for extract_date, arrived in arrivals:
        if due is None:
            late.append(None)
        else:
            due_by = outages.waited_until(beat.late_from(due), due, away, arrived)
            late.append(max((arrived - due_by).days + 1, 0))
        due = beat.due_after(extract_date)
    return late
