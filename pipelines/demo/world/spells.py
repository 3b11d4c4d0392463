"""Stretches of time in which nothing about a dwelling changes, and events that happen at a rate within them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.world.lives import Lives
from pipelines.demo.world.spec import END, START, Bools, Floats, Ints


@dataclass(frozen=True)
class Spells:
    """One element a spell, sorted by dwelling and time: `start` to the day before `end`, within the horizon."""

    dwelling: Ints
    start: Ints
    end: Ints
    tenure: Ints
    hmo: Bools
    first: Bools

    @property
    def years(self) -> Floats:
        """Length of each spell."""
        return (self.end - self.start) / 365.25


def make_spells(lives: Lives) -> Spells:
    """Cut the horizon where a dwelling is built, changes tenure, becomes an HMO or stops being one."""
    begin = np.maximum(START, lives.built)
    cuts = np.stack([begin, lives.tenure_day, lives.hmo_from, lives.hmo_to], axis=1)
    cuts = np.clip(cuts, begin[:, None], END + 1)
    cuts.sort(axis=1)
    ends = np.concatenate([cuts[:, 1:], np.full((len(begin), 1), END + 1)], axis=1)
    row, column = np.nonzero(ends > cuts)
    start, end = cuts[row, column], ends[row, column]
    return Spells(
        dwelling=row.astype(np.int64),
        start=start,
        end=end,
        tenure=lives.tenure_at(start, row),
        hmo=lives.hmo_at(start, row),
        first=np.r_[True, row[1:] != row[:-1]] if len(row) else np.zeros(0, dtype=np.bool_),
    )


def happenings(rng: np.random.Generator, spells: Spells, rate: Floats) -> tuple[Ints, Ints]:
    """Events of a Poisson process.

    Args:
        rng: Random numbers.
        spells: The spells.
        rate: Events a year in each spell.

    Returns:
        Position of the spell, and day, of each event; sorted by day.
    """
    count = rng.poisson(rate * spells.years)
    spell = np.repeat(np.arange(len(count)), count)
    day = spells.start[spell] + np.floor(rng.random(len(spell)) * (spells.end[spell] - spells.start[spell])).astype(
        np.int64
    )
    order = np.argsort(day, kind="stable")
    return spell[order], day[order]
