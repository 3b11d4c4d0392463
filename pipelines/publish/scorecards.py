"""Scorecards: how good each borough's datasets were on arrival, drop by drop, beside the rest of London.

From the gate's figures of every drop that was used: of so many so many were right, in six dimensions. Timeliness is
measured here, by the borough's own calendar.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Any

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, QualityMeasure
from pipelines.governance import outages
from pipelines.governance.outages import Outage
from pipelines.publish.due import Standing, days_late, standings
from schemas import registry
from schemas.calendar import PERIOD_DAYS, calendar

DROPS_SHOWN = 12
FEWEST_BOROUGHS = 3
"""Boroughs without which a median of London says nothing."""
OVERALL = "overall"
DIMENSIONS = ("completeness", "conformity", "validity", "uniqueness", "consistency", "timeliness")
UPRN_MEASURES = {"uprn_filled": "UPRN given", "uprn_in_gazetteer": "UPRN in the gazetteer"}
LINES = {**{dimension: dimension.capitalize() for dimension in DIMENSIONS}, **UPRN_MEASURES}
"""What a scorecard shows a line of, in order, and what the line is called."""
SAME = 0.0005
"""Shares that differ by less are shown as the same: a tenth of a point."""
FAULTS_SHOWN = 3


@dataclass(frozen=True)
class Figure:
    """Of so many (`of`) so many were right (`good`)."""

    good: int
    of: int

    @property
    def share(self) -> float | None:
        """None where there was nothing to be right."""
        return self.good / self.of if self.of else None


@dataclass(frozen=True)
class Arrival:
    """One drop that was used, and its figures by line; `late` is in days, None where nothing was due before it."""

    drop: str
    extract_date: date
    arrived: date
    rows: int
    late: int | None
    figures: Mapping[str, Figure]


@dataclass(frozen=True)
class Line:
    """One line of a scorecard over its arrivals, oldest first; None where an arrival has no such figure."""

    name: str
    shares: tuple[float | None, ...]
    london: float | None

    @property
    def title(self) -> str:
        """What the line is called."""
        return LINES[self.name]

    @property
    def latest(self) -> float | None:
        """The share of the newest arrival."""
        return self.shares[-1] if self.shares else None

    @property
    def change(self) -> float | None:
        """What it is more or less than at the arrival before, None where that has no figure."""
        if len(self.shares) < 2 or self.latest is None or self.shares[-2] is None:
            return None
        return self.latest - self.shares[-2]

    @property
    def against_london(self) -> str:
        """`above`, `below` or `same` as the London median, or empty text where there is none."""
        if self.latest is None or self.london is None:
            return ""
        gap = self.latest - self.london
        return "same" if abs(gap) < SAME else "above" if gap > 0 else "below"


@dataclass(frozen=True)
class Trouble:
    """A fault that cost the newest drop: rows that had it, and what an officer can do."""

    issue: str
    rows: int
    of: int
    sentence: str
    what_to_do: str


@dataclass(frozen=True)
class Card:
    """The scorecard of one dataset and source of a borough, its newest arrivals oldest first."""

    borough: str
    dataset: str
    title: str
    source: str
    arrivals: tuple[Arrival, ...]
    lines: tuple[Line, ...]
    faults: tuple[Trouble, ...]

    @property
    def in_time(self) -> Figure:
        """Of the arrivals that something was due for, those that came in time."""
        judged = [arrival.late for arrival in self.arrivals if arrival.late is not None]
        return Figure(sum(days == 0 for days in judged), len(judged))

    def line(self, name: str) -> Line | None:
        """A line by name, None where the dataset has none."""
        return next((line for line in self.lines if line.name == name), None)


@dataclass(frozen=True)
class Scorecards:
    """Every scorecard by borough, and how each borough's datasets stand today."""

    cards: Mapping[str, tuple[Card, ...]]
    standing: Mapping[str, Sequence[Standing]]

    @property
    def boroughs(self) -> list[str]:
        """Slugs of the boroughs that have a card or of which something is expected, in the register's order."""
        return [slug for slug in registry.boroughs() if self.cards.get(slug) or self.standing.get(slug)]


def scorecards() -> Scorecards:
    """The scorecards of every borough as they are today."""
    arrivals = _arrivals()
    medians = _medians(arrivals)
    faults = _faults([found[-1].drop for found in arrivals.values()])
    cards: dict[str, list[Card]] = defaultdict(list)
    for (borough, dataset, source), found in sorted(arrivals.items()):
        if borough not in registry.boroughs() or dataset not in registry.contracts():
            continue
        names = [name for name in LINES if any(name in arrival.figures for arrival in found)]
        cards[borough].append(
            Card(
                borough=borough,
                dataset=dataset,
                title=registry.contract(dataset).title,
                source=source,
                arrivals=tuple(found),
                lines=tuple(Line(name, _shares(found, name), medians.get((dataset, name))) for name in names),
                faults=tuple(faults.get(found[-1].drop, ())),
            )
        )
    by_title = {slug: tuple(sorted(own, key=lambda card: (card.title, card.source))) for slug, own in cards.items()}
    return Scorecards(by_title, standings(clock.today()))


def figures_behind() -> list[Any]:
    """What tells whether a scorecard would be another: how many figures there are and when the newest was taken."""
    with transaction() as session:
        row = session.execute(sa.select(sa.func.count(), sa.func.max(QualityMeasure.measured_at))).one()
        used = session.execute(
            sa.select(sa.func.count()).where(Drop.status.in_(USED), Drop.lake_version.is_not(None))
        ).scalar_one()
    return [row[0], str(row[1]), used]


USED = (DropStatus.ACCEPTED.value, DropStatus.SUPERSEDED.value)
Key = tuple[str, str, str]


def _arrivals() -> dict[Key, list[Arrival]]:
    """The newest arrivals of each borough, dataset and source, oldest first, with their figures by line."""
    newest = (
        sa.func.row_number()
        .over(
            partition_by=(Drop.borough, Drop.dataset, Drop.source),
            order_by=(Drop.extract_date.desc(), Drop.received_at.desc(), Drop.id.desc()),
        )
        .label("newest")
    )
    scored = sa.exists().where(QualityMeasure.drop_id == Drop.id)
    ranked = (
        sa.select(
            Drop.id, Drop.borough, Drop.dataset, Drop.source, Drop.extract_date, Drop.received_at, Drop.rows_in, newest
        )
        .where(Drop.status.in_(USED), Drop.lake_version.is_not(None), scored)
        .subquery()
    )
    lines = sa.or_(QualityMeasure.measure == OVERALL, QualityMeasure.measure.in_(UPRN_MEASURES))
    with transaction() as session:
        # One more than is shown, so that the oldest one shown is known to have been in time or not.
        drops = session.execute(sa.select(ranked).where(ranked.c.newest <= DROPS_SHOWN + 1)).all()
        figures = session.execute(
            sa.select(
                QualityMeasure.drop_id,
                QualityMeasure.dimension,
                QualityMeasure.measure,
                QualityMeasure.good,
                QualityMeasure.of,
            )
            .join(ranked, ranked.c.id == QualityMeasure.drop_id)
            .where(ranked.c.newest <= DROPS_SHOWN, lines)
        ).all()
    by_drop: dict[str, dict[str, Figure]] = defaultdict(dict)
    for row in figures:
        name = row.dimension if row.measure == OVERALL else row.measure
        if name != "timeliness":
            by_drop[row.drop_id][name] = Figure(row.good, row.of)
    grouped: dict[Key, list[Any]] = defaultdict(list)
    for row in sorted(drops, key=lambda r: (r.extract_date, r.received_at, r.id)):
        grouped[row.borough, row.dataset, str(row.source)].append(row)
    away = outages.known()
    return {key: _timed(key, rows, by_drop, away) for key, rows in grouped.items()}


def _timed(
    key: Key, rows: Sequence[Any], by_drop: Mapping[str, Mapping[str, Figure]], away: Sequence[Outage]
) -> list[Arrival]:
    """The arrivals with how late each was by the borough's calendar."""
    borough, dataset, _ = key
    beat = None
    if borough in registry.boroughs() and dataset in registry.contracts():
        beat = calendar(borough).beat(registry.contract(dataset))
    days = [(row.extract_date, row.received_at.date()) for row in rows]
    late = days_late(beat, days, away) if beat is not None else [None] * len(rows)
    found = []
    for row, waited in zip(rows, late, strict=True):
        figures = dict(by_drop.get(row.id, {}))
        if waited is not None and beat is not None:
            period = PERIOD_DAYS[beat.every]
            figures["timeliness"] = Figure(period, period + waited)
        found.append(Arrival(row.id, row.extract_date, row.received_at.date(), row.rows_in, waited, figures))
    return found[-DROPS_SHOWN:]


def _shares(arrivals: Iterable[Arrival], name: str) -> tuple[float | None, ...]:
    return tuple(arrival.figures[name].share if name in arrival.figures else None for arrival in arrivals)


def _medians(arrivals: Mapping[Key, Sequence[Arrival]]) -> dict[tuple[str, str], float]:
    """London's median of each dataset and line: of its boroughs' newest figures, sources of a borough added up."""
    pooled: dict[tuple[str, str], dict[str, list[Figure]]] = defaultdict(lambda: defaultdict(list))
    for (borough, dataset, _), found in arrivals.items():
        if borough in registry.boroughs() and registry.boroughs()[borough].london:
            for name, figure in found[-1].figures.items():
                pooled[dataset, name][borough].append(figure)
    medians = {}
    for key, by_borough in pooled.items():
        summed = [Figure(sum(f.good for f in own), sum(f.of for f in own)).share for own in by_borough.values()]
        shares = [share for share in summed if share is not None]
        if len(shares) >= FEWEST_BOROUGHS:
            medians[key] = median(shares)
    return medians


def _faults(drops: Sequence[str]) -> dict[str, list[Trouble]]:
    """The faults that most rows of each of these drops had."""
    types = registry.issue_types()
    with transaction() as session:
        rows = session.execute(
            sa.select(QualityMeasure.drop_id, QualityMeasure.measure, QualityMeasure.good, QualityMeasure.of)
            .where(QualityMeasure.drop_id.in_(drops), QualityMeasure.good < QualityMeasure.of)
            .where(QualityMeasure.measure.in_(list(types)))
            .order_by((QualityMeasure.of - QualityMeasure.good).desc(), QualityMeasure.measure)
        ).all()
    found: dict[str, list[Trouble]] = defaultdict(list)
    for row in rows:
        kind = types[row.measure]
        if len(found[row.drop_id]) < FAULTS_SHOWN:
            found[row.drop_id].append(Trouble(kind.id, row.of - row.good, row.of, kind.sentence, kind.what_to_do))
    return found
