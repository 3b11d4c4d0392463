"""How a borough's lists did: visits by week and by priority, against homes drawn at random.

No figure here may tell an officer which homes were drawn at random. What rests on them is shown from `FEWEST_CONTROLS`
answers on, moves by as many answers at a time, and is rounded on the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.hmo import outcomes
from models.hmo.outcomes import BaseRate, ExpectedFound
from pipelines.casework.words import Found, Method
from pipelines.core.ledger.models import PublishedList
from pipelines.core.ledger.officers import Outcome
from review import words
from schemas.mapping import REVIEW

FEWEST_CONTROLS = 5
FEWEST_SHOWN = 5
"""Answers below which no share is shown."""
FEW = 30
"""Answers below which a share is said to be of few."""
WEEKS_SHOWN = 26
ANSWERS = frozenset({Found.HMO_UNLICENSED, Found.HMO_LICENSED, Found.HMO_NOT_LICENSABLE, Found.NOT_HMO}) | {
    Found.SINGLE_HOUSEHOLD
}
"""What answers whether a home is an HMO; an empty home tells it of no day."""
VISIT = ("uprn", "day", "rank", "capacity", "answered", "hit")


@dataclass(frozen=True)
class Tally:
    """Visits that belong together. `low` and `high` are the ends of the 95% interval of `rate` (Wilson's score)."""

    visits: int = 0
    answered: int = 0
    hits: int = 0

    @property
    def unanswered(self) -> int:
        """Visits without access, or to an empty home."""
        return self.visits - self.answered

    @property
    def rate(self) -> float | None:
        """Unlicensed HMOs among answered visits, None where there are too few to say."""
        return self.hits / self.answered if self.answered >= FEWEST_SHOWN else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """In which the rate lies but for chance."""
        return None if self.rate is None else outcomes.wilson(self.rate, self.answered)

    @property
    def is_few(self) -> bool:
        """Whether the interval is too wide to build on."""
        return self.answered < FEW


@dataclass(frozen=True)
class Week:
    """Visits of one ISO week."""

    monday: date
    tally: Tally

    @property
    def name(self) -> str:
        """As ISO 8601 writes it: 2026-W48."""
        year, week, _ = self.monday.isocalendar()
        return f"{year}-W{week:02d}"


@dataclass(frozen=True)
class LeftOut:
    """Outcomes that are not counted as visits: to a wrong address, and desk checks."""

    wrong_address: int = 0
    desk: int = 0


@dataclass(frozen=True)
class Results:
    """All visits that a list led to, in all, by week (the newest first, `WEEKS_SHOWN` at most) and by priority."""

    total: Tally
    weeks: list[Week]
    bands: dict[str, Tally]
    left_out: LeftOut
    base: BaseRate | None
    promised: ExpectedFound | None

    @property
    def times_chance(self) -> float | None:
        """How many times as often as at random a visit finds an unlicensed HMO, None where it cannot be told."""
        if self.total.rate is None or self.base is None or not self.base.rate:
            return None
        return self.total.rate / self.base.rate


def _of_extracts(entries: pd.DataFrame, visits: pd.DataFrame) -> pd.DataFrame:
    """Visits that came with the borough's extracts, each beside the newest list of its day that held the home."""
    met = entries[["uprn", "as_of", "rank", "capacity"]].merge(visits, on="uprn")
    after = pd.to_datetime(met["day"]) - pd.to_datetime(met["as_of"])
    met = met[(after >= timedelta(0)) & (after <= timedelta(days=outcomes.WINDOW_DAYS))]
    met = met.sort_values("as_of").drop_duplicates(["uprn", "day"], keep="last")
    return met.rename(columns={"unlicensed": "hit"})[list(VISIT)]


def results(session: Session, borough: str, visits: pd.DataFrame) -> Results:
    """Visits that officers recorded, and those that came with the borough's extracts; one that came both ways once.

    `visits` is what `models.hmo.outcomes.list_visits` read from the lake before the transaction was opened.
    """
    entries = outcomes.listed_entries(borough, sorted(set(visits["uprn"])), session)
    base = outcomes.base_rate_of(borough, entries, visits, answer="unlicensed", steps=FEWEST_CONTROLS)
    led = outcomes.led_by_lists(entries, visits)
    answered = led[led["answered"]].sort_values(["day", "uprn"])
    promised = outcomes.expected_of(borough, answered.head(len(answered) // FEWEST_CONTROLS * FEWEST_CONTROLS))
    # What was recorded on these pages comes back by the lake; the ledger tells of the same visits.
    sent = _of_extracts(entries, visits[visits["source"] != REVIEW])
    recorded, left_out = _recorded(session, borough)
    every = pd.concat([part for part in (recorded, sent) if len(part)] or [recorded])
    every = every.drop_duplicates(["uprn", "day", "hit", "answered"]).reset_index(drop=True)
    monday = [(day - timedelta(days=day.weekday())).isoformat() for day in every["day"]]
    band = [
        words.band(int(rank), int(capacity)) for rank, capacity in zip(every["rank"], every["capacity"], strict=True)
    ]
    weeks = [Week(date.fromisoformat(day), tally) for day, tally in _tallies(every, monday).items()]
    bands = _tallies(every, band)
    return Results(
        _tally(every),
        sorted(weeks, key=lambda week: week.monday, reverse=True)[:WEEKS_SHOWN],
        {name: bands.get(name, Tally()) for name in words.BANDS},
        left_out,
        base,
        promised,
    )


def _recorded(session: Session, borough: str) -> tuple[pd.DataFrame, LeftOut]:
    """Standing outcomes of homes that a list led to, and how many of them were no visit there."""
    query = (
        sa.select(Outcome.uprn, Outcome.visited_on, Outcome.rank, PublishedList.capacity, Outcome.found, Outcome.method)
        .join(PublishedList, PublishedList.id == Outcome.list_id)
        .where(Outcome.borough == borough, Outcome.superseded_at.is_(None), Outcome.rank.is_not(None))
    )
    names = ["uprn", "day", "rank", "capacity", "found", "method"]
    rows = pd.DataFrame([tuple(row) for row in session.execute(query)], columns=names)
    wrong, desk = rows["found"] == Found.WRONG_ADDRESS, rows["method"] == Method.DESK
    left_out = LeftOut(int((wrong & ~desk).sum()), int(desk.sum()))
    rows = rows[~wrong & ~desk]
    made = rows.assign(answered=rows["found"].isin([*ANSWERS]), hit=rows["found"] == Found.HMO_UNLICENSED)
    return made[list(VISIT)], left_out


def _tallies(visits: pd.DataFrame, by: Sequence[str]) -> dict[str, Tally]:
    grouped = visits.groupby(pd.Series(by, index=visits.index, dtype=object), sort=True)
    return {str(key): _tally(own) for key, own in grouped}


def _tally(visits: pd.DataFrame) -> Tally:
    return Tally(len(visits), int(visits["answered"].sum()), int(visits["hit"].sum()))
