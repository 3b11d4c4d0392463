"""What a feature is: a number an officer can read back, with its source, window and unit, declared once."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from models.hmo.days import Floats, Ints, Texts
from models.hmo.evidence import View
from models.hmo.sources import PURPOSE
from pipelines.governance.access import Purpose

Theme = Literal[
    "structure",
    "tenure",
    "residents",
    "turnover",
    "benefits",
    "complaints",
    "waste",
    "planning",
    "surroundings",
    "landlord",
]

SOURCE_WORDS = {
    "gazetteer": "gazetteer",
    "epc": "energy certificates, to {day}",
    "council_tax": "council tax, to {day}",
    "electoral": "electoral register, counted {day}",
    "benefits": "benefit claims, counted {day}",
    "service_request": "complaints, to {day}",
    "waste": "waste records, to {day}",
    "planning": "planning register, to {day}",
    "landlord": "landlords of all boroughs",
    "nearby": "all boroughs' records nearby",
}
"""Where a number comes from, in words; `{day}` is the newest event that the borough had sent."""

POOLED = frozenset({"landlord", "nearby"})
"""Sources that are no dataset of the borough, but what all boroughs' datasets together tell."""

YEAR = 365
MONTH = 30.4375


@dataclass(frozen=True)
class Feature:
    """One feature of a property at an as-of date.

    Attributes:
        name: column of the `matrix` table.
        theme: reasons are given by theme, so that one fact is not told three times.
        words: what an officer reads; `{value}` is the number, `{one|many}` follows it.
        dataset: the contract it comes from, or one of `POOLED`.
        window_days: how far back it counts; None for what is so on the day.
        unit: of the number.
        imputation: what a missing value means. Nothing is filled in: the model learns from absence itself.
        compute: the numbers over the spine from what was known on the day.
        also: further datasets that it rests on.
        purpose: what agreements must allow its datasets to be used for; else the feature is unknown.
        direction: 1 where more can only raise the score, 0 where the data decide.
        words_if_zero: what an officer reads when the number is nought; without it nought is no reason.
        value_words: words for coded numbers.
        decimals: digits shown.
        told_up_to: beyond it the number is no reason that an officer would give.
    """

    name: str
    theme: Theme
    words: str
    dataset: str
    window_days: int | None
    unit: str
    imputation: str
    compute: Callable[[View], Floats] = field(repr=False)
    also: tuple[str, ...] = ()
    purpose: Purpose = PURPOSE
    direction: Literal[0, 1] = 0
    words_if_zero: str | None = None
    value_words: Mapping[float, str] | None = None
    decimals: int = 0
    told_up_to: float = np.inf

    @property
    def rests_on(self) -> tuple[str, ...]:
        """Every dataset that has to be agreed on for its purpose."""
        return self.also if self.dataset in POOLED else (self.dataset, *self.also)

    @property
    def is_share(self) -> bool:
        """Whether the number is a share of something, which people read as a percentage."""
        return self.unit.startswith("share of ")

    def values(self, view: View) -> Floats:
        """The numbers over the spine; unknown everywhere where the borough's agreements do not cover what it is of."""
        return self.compute(view) if view.agreed(self.rests_on, self.purpose) else view.unknown()

    def tell(self, value: float) -> str:
        """The feature in an officer's words, empty if such a value is no reason."""
        if np.isnan(value) or value > self.told_up_to:
            return ""
        if value == 0:
            return self.words_if_zero or ""
        rounded = f"{value:.0%}" if self.is_share else f"{value:.{self.decimals}f}"
        return self.fill(self.value_words.get(value, rounded) if self.value_words else rounded, plural=rounded != "1")

    def fill(self, shown: str, *, plural: bool) -> str:
        """The words with a value as it is shown, in the plural or not."""
        sentence = self.words.replace("{value}", shown)
        return re.sub(r"\{([^{}|]*)\|([^{}|]*)\}", lambda m: m[2] if plural else m[1], sentence)

    def tell_all(self, values: Floats, known_to: Mapping[str, str]) -> Texts:
        """`tell` for many values with the source behind."""
        words, at = self.vocabulary(values, known_to)
        return np.asarray(words[at], dtype=object)

    def vocabulary(self, values: Floats, known_to: Mapping[str, str]) -> tuple[Texts, Ints]:
        """What `tell` says of each distinct value, with the source behind, and which of it is said of each value."""
        at, distinct = pd.factorize(np.round(values, self.decimals))
        source = self.source(known_to)
        told = [self.tell(float(value)) for value in distinct]
        # The last place is for -1, what is missing.
        words = np.array([*(f"{text} ({source})" if text else "" for text in told), ""], dtype=object)
        return words, np.where(at >= 0, at, len(told))

    def source(self, known_to: Mapping[str, str]) -> str:
        """Where the number comes from, and how far that reaches (`known_to`: newest event by dataset, ISO 8601)."""
        words = SOURCE_WORDS[self.dataset]
        newest = known_to.get(self.dataset)
        return words.format(day=in_words(date.fromisoformat(newest))) if newest else words.split(",")[0]


def in_words(day: date) -> str:
    """A day as an officer writes it: 1 Sep 2026."""
    return f"{day.day} {day:%b %Y}"
