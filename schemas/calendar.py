"""Calendars: when a borough's extract of each dataset is due, and how long it is waited for. Data, never code.

A contract says how often. A borough that has agreed something else says so in `calendars/<borough>.yaml`, here or in
`<home>/calendars`, where the latter wins key by key:

    since: 2026-04-01                 # nothing is expected before; else from the borough's first drop on
    datasets:
      council_tax: {every: monthly, day: 5, grace_days: 10}
      hmo_licence: {every: weekly, day: monday}
      licensing_scheme: {every: yearly, day: 30 April}
      waste: {expected: false}
"""

from __future__ import annotations

import calendar as months
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal, Self, cast, get_args

from pydantic import Field, ValidationError, model_validator

from pipelines.core.errors import ConfigurationError
from pipelines.core.settings import settings
from schemas import registry
from schemas.contract import Contract
from schemas.mapping import Strict, merged
from schemas.strict_yaml import read_yaml

Frequency = Literal["daily", "weekly", "monthly", "quarterly", "yearly"]

PERIOD_DAYS: dict[Frequency, int] = {"daily": 1, "weekly": 7, "monthly": 30, "quarterly": 91, "yearly": 365}
MONTHS: dict[Frequency, int] = {"monthly": 1, "quarterly": 3, "yearly": 12}
GRACE_DAYS: dict[Frequency, int] = {"daily": 4, "weekly": 4, "monthly": 10, "quarterly": 14, "yearly": 30}
"""Days that an extract is waited for after its day. A long weekend keeps a daily export away for four."""
REMIND_DAYS: dict[Frequency, int] = {"daily": 0, "weekly": 0, "monthly": 5, "quarterly": 10, "yearly": 30}
"""Days before its day on which an extract is called to mind; nobody needs to be reminded of a job that runs weekly."""
FIRST_DAYS = 30
"""Days that a borough has for the first extract of a dataset that it has agreed to: an export has to be set up."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Rhythm(Strict):
    """When one dataset is due. What is not given follows from the contract.

    `day`: a weekday for weekly extracts, the day of the month for monthly and quarterly ones (of January, April, July
    and October), a day such as `30 April` for yearly ones. Without it an extract is due one period after the last.
    """

    every: Frequency | None = None
    day: str | int | None = None
    grace_days: int | None = Field(None, ge=0)
    expected: bool = True
    since: date | None = None


class Beat(Strict):
    """A rhythm with nothing left open."""

    every: Frequency
    day: str | int | None
    grace_days: int
    since: date | None

    @model_validator(mode="after")
    def _day_fits(self) -> Self:
        fits = {
            "daily": self.day is None,
            "weekly": self.day is None or str(self.day).lower() in WEEKDAYS,
            "monthly": self.day is None or (isinstance(self.day, int) and 1 <= self.day <= 31),
            "quarterly": self.day is None or (isinstance(self.day, int) and 1 <= self.day <= 31),
            "yearly": self.day is None or _day_of_year(self.day) is not None,
        }
        if not fits[self.every]:
            raise ValueError(f"'{self.day}' is no day of a {self.every} calendar")
        return self

    def due_after(self, last: date) -> date:
        """The day on which the extract after that of `last` is due."""
        if self.day is None:
            return self._later(last)
        # An extract belongs to the nearest due day, so one made a day early is not asked for again at once.
        return self._next_fixed(last + timedelta(days=PERIOD_DAYS[self.every] // 2))

    def late_from(self, due: date) -> date:
        """The first day on which an extract due on `due` is late."""
        return due + timedelta(days=self.grace_days + 1)

    def _later(self, day: date) -> date:
        if self.every in MONTHS:
            return _in_months(day, MONTHS[self.every], day.day)
        return day + timedelta(days=PERIOD_DAYS[self.every])

    def _next_fixed(self, after: date) -> date:
        """The first due day later than `after`."""
        if self.every == "weekly":
            ahead = (WEEKDAYS.index(str(self.day).lower()) - after.weekday()) % 7
            return after + timedelta(days=ahead or 7)
        if self.every == "yearly":
            month, day = _day_of_year(self.day) or (1, 1)
            candidates = [_clamped(year, month, day) for year in (after.year, after.year + 1)]
        else:
            first = after.replace(day=1)
            candidates = [_in_months(first, ahead, int(str(self.day))) for ahead in range(5)]
            candidates = [c for c in candidates if self.every == "monthly" or c.month % 3 == 1]
        return next(candidate for candidate in candidates if candidate > after)


class Calendar(Strict):
    """One borough's calendar. `since`: the first day on which anything is expected."""

    since: date | None = None
    datasets: dict[str, Rhythm] = {}

    def beat(self, contract: Contract) -> Beat | None:
        """When a dataset is due; None where it is not expected."""
        rhythm = self.datasets.get(contract.dataset, Rhythm())
        if not rhythm.expected:
            return None
        every = rhythm.every or _frequency(contract)
        grace = GRACE_DAYS[every] if rhythm.grace_days is None else rhythm.grace_days
        return Beat(every=every, day=rhythm.day, grace_days=grace, since=rhythm.since or self.since)


def calendar_folders() -> list[Path]:
    """Where calendars lie: the committed ones, then this installation's own, which win."""
    return [registry.FOLDER / "calendars", settings().home / "calendars"]


def calendar(borough: str) -> Calendar:
    """A borough's calendar; one without overrides where none is written down.

    Raises:
        ConfigurationError: a calendar file is faulty; the sentence names it and what to mend.
    """
    content: dict[str, object] = {}
    for folder in calendar_folders():
        path = folder / f"{borough}.yaml"
        if path.exists():
            content = merged(content, read_yaml(path) or {})
    try:
        found = Calendar.model_validate(content)
        for dataset in found.datasets:
            if dataset not in registry.contracts():
                raise ConfigurationError(f"The calendar of {borough} names '{dataset}', which is no dataset.")
            found.beat(registry.contract(dataset))
    except ValidationError as error:
        fault = error.errors()[0]
        where = ".".join(str(part) for part in fault["loc"])
        place = f" at '{where}'" if where else ""
        raise ConfigurationError(f"The calendar of {borough} is faulty{place}: {fault['msg']}.") from error
    return found


def _frequency(contract: Contract) -> Frequency:
    for every in get_args(Frequency):
        if every == contract.frequency:
            return cast("Frequency", every)
    raise ConfigurationError(f"The frequency '{contract.frequency}' of {contract.dataset} is none that a calendar has.")


def _in_months(day: date, ahead: int, day_of_month: int) -> date:
    index = day.year * 12 + day.month - 1 + ahead
    return _clamped(index // 12, index % 12 + 1, day_of_month)


def _clamped(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, months.monthrange(year, month)[1]))


def _day_of_year(text: str | int | None) -> tuple[int, int] | None:
    try:
        read = datetime.strptime(f"{text} 2000", "%d %B %Y")
    except ValueError:
        return None
    return read.month, read.day
