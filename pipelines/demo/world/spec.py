"""What is asked for, and the fixed stretch of time in which the synthetic London happens."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from pipelines.core.errors import ConfigurationError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def day_of(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - date(1970, 1, 1)).days


HORIZON_START = date(2018, 1, 1)
HORIZON_END = date(2027, 12, 31)
START = day_of(HORIZON_START)
END = day_of(HORIZON_END)
YEARS = (END - START) / 365.25
NEVER = 10**6
"""A day after every other: something that has not ended."""


@dataclass(frozen=True)
class WorldSpec:
    """Which London to make.

    Args:
        boroughs: Slugs of the boroughs (schemas/boroughs.yaml).
        dwellings: Dwellings a borough; None for each borough's published number (VOA, 2024).
        seed: The same seed gives the same world.
        until: Last day of which anything is known. A later `until` has the same history.
        years: How many years of events are kept before `until`.

    Raises:
        ConfigurationError: the years asked for do not lie between HORIZON_START and HORIZON_END.
    """

    boroughs: tuple[str, ...]
    dwellings: int | None
    seed: int
    until: date
    years: int = 5

    def __post_init__(self) -> None:
        if self.since_day < START or self.until_day > END:
            raise ConfigurationError(
                f"The synthetic London lives from {HORIZON_START} to {HORIZON_END}; "
                f"{self.years} years until {self.until} do not lie within. Choose another last day or fewer years."
            )
        if self.dwellings is not None and self.dwellings < 1:
            raise ConfigurationError("A borough needs at least one dwelling.")

    @property
    def until_day(self) -> int:
        """Last known day, counted from 1970-01-01."""
        return day_of(self.until)

    @property
    def since_day(self) -> int:
        """The day after which events are kept, counted from 1970-01-01."""
        return day_of(self.until) - round(self.years * 365.25)


def generator(seed: int, *what: str) -> np.random.Generator:
    """Random numbers of one purpose: what is drawn for one purpose never moves what is drawn for another."""
    return np.random.default_rng([seed, zlib.crc32("/".join(what).encode())])


def dates(days: Ints) -> npt.NDArray[np.datetime64]:
    """Days as dates to the second, NaT for NEVER."""
    made = days.astype("datetime64[D]").astype("datetime64[s]")
    made[days >= NEVER] = np.datetime64("NaT")
    return made


def pick(rng: np.random.Generator, shares: Floats) -> Ints:
    """One of K choices for each row of an N x K table of shares that add up to 1."""
    found = (rng.random(len(shares))[:, None] > shares.cumsum(axis=1)).sum(axis=1)
    made: Ints = np.minimum(found, shares.shape[1] - 1).astype(np.int64)
    return made


def lag(rng: np.random.Generator, size: int, days: float, late_share: float, late_days: float) -> Ints:
    """Days from an event until staff know of it: mostly about `days`, for `late_share` of them about `late_days`."""
    usual = rng.gamma(2.0, days / 2.0, size)
    late = rng.gamma(2.0, late_days / 2.0, size)
    return np.where(rng.random(size) < late_share, late, usual).astype(np.int64)
