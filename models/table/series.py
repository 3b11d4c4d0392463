"""One count in several years is one thing: the years together, and weighted towards the newest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from models.learning.preprocess import Column
from models.table.leaks import holds_years
from models.table.years import years_in

HALF_LIFE = 1.0
"""Years after which an older value counts half; fixed before any table was seen."""


def together(columns: Sequence[Column]) -> list[Column]:
    """For columns of numbers whose headings differ by the year alone: their sum, and their sum by recency.

    A missing year counts nothing; a row without any of them stays missing.
    """
    stems: dict[str, dict[int, Column]] = defaultdict(dict)
    for column in columns:
        years = years_in(column.name)
        if column.kind == "number" and len(years) == 1 and not holds_years(column):
            stems[column.name.replace(str(years[0]), "*")][years[0]] = column
    made: list[Column] = []
    for stem, by_year in sorted(stems.items()):
        if len(by_year) < 2:
            continue
        first, last = min(by_year), max(by_year)
        values = np.column_stack([by_year[year].values for year in sorted(by_year)])
        fading = np.array([0.5 ** ((last - year) / HALF_LIFE) for year in sorted(by_year)])
        nothing = np.isnan(values).all(axis=1)
        for words, weights in (("together", np.ones(len(fading))), ("by recency", fading)):
            total = np.where(nothing, np.nan, np.nan_to_num(values) @ weights)
            made.append(Column(f"{stem.replace('*', f'{first}-{last}')}, {words}", "number", total))
    return made
