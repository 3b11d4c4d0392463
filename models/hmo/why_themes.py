"""What raises and what lowers the scores of homes, theme by theme, in words: many homes of a borough in one pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.hmo.days import Floats, Texts
from models.hmo.estimator import Detector
from models.hmo.features import BY_NAME
from models.hmo.why_words import THEME_WORDS, Strength, in_words, strength

AMONG = "among others"
AMONG_OTHERS = 3
"""Features that are named where a theme counts by many together and by none alone."""


class Because(NamedTuple):
    """What one feature adds, in calibrated log-odds; `value` is None where it is unknown."""

    feature: str
    words: str
    source: str
    value: float | None
    log_odds: float
    strength: Strength


@dataclass(frozen=True)
class Theme:
    """What the features of one theme add together, in calibrated log-odds, those that count most first."""

    theme: str
    words: str
    log_odds: float
    strength: Strength
    features: tuple[Because, ...]


class Shown(NamedTuple):
    """What is told of a theme's feature, or of several that are unknown for one cause (`times`).

    `effect` is raises, lowers or `AMONG`; `source` is None where something is not known.
    """

    words: str
    source: str | None
    effect: str
    strength: Strength
    times: int


def explained(detector: Detector, values: Floats, known_to: Mapping[str, str]) -> tuple[float, Iterator[list[Theme]]]:
    """The base, and for each home the themes of its score, in calibrated log-odds, strongest first.

    Args:
        detector: the model.
        values: features of homes in the model's order, shape (homes, features).
        known_to: the newest event by dataset, ISO 8601.
    """
    base, shares = detector.reasons(values)
    words = np.column_stack([_words(name, values[:, at], known_to) for at, name in enumerate(detector.features)])
    themes: dict[str, list[int]] = {}
    for at, name in enumerate(detector.features):
        themes.setdefault(BY_NAME[name].theme, []).append(at)
    sources = [BY_NAME[name].source(known_to) for name in detector.features]

    def of_home(row: int) -> list[Theme]:
        told, adds = values[row].tolist(), shares[row].tolist()
        own = [
            Because(name, words[row, at], sources[at], None if told[at] != told[at] else told[at], adds[at], how)
            for at, (name, how) in enumerate(zip(detector.features, map(strength, adds), strict=True))
        ]
        found = [_theme(theme, [own[at] for at in columns]) for theme, columns in themes.items()]
        return sorted(found, key=lambda theme: -abs(theme.log_odds))

    return base, map(of_home, range(len(values)))


def parted(themes: Iterable[Theme]) -> tuple[list[Theme], list[Theme]]:
    """Those that raise a score, and those that lower it or leave it as it is."""
    every = list(themes)
    return [t for t in every if t.log_odds > 0], [t for t in every if t.log_odds <= 0]


def _words(name: str, values: Floats, known_to: Mapping[str, str]) -> Texts:
    """A feature's values in words, once for each distinct one."""
    distinct, where = np.unique(values, return_inverse=True)
    told = np.array([in_words(BY_NAME[name], value, known_to) for value in distinct.tolist()], dtype=object)
    return np.asarray(told[where], dtype=object)


def _theme(name: str, features: list[Because]) -> Theme:
    total = sum(because.log_odds for because in features)
    ordered = tuple(sorted(features, key=lambda because: -abs(because.log_odds)))
    return Theme(name, THEME_WORDS[name], total, strength(total), ordered)


def shown(features: Iterable[tuple[str, str | None, float]], total: float) -> list[Shown]:
    """Which features of a theme are told, those that count most first; what is unknown for one cause once.

    Args:
        features: words, source (None where the value is unknown) and log-odds of each, those that count most first.
        total: the theme's log-odds.
    """
    shares: dict[tuple[str, str | None], list[float]] = {}
    for words, source, log_odds in features:
        shares.setdefault((words, source), []).append(log_odds)
    totals = sorted(((key, sum(own)) for key, own in shares.items()), key=lambda item: -abs(item[1]))
    told = [
        Shown(*key, "raises" if adds > 0 else "lowers", strength(adds), len(shares[key]))
        for key, adds in totals
        if strength(adds) != "hardly"
    ]
    if told:
        return told
    # Many that add up.
    same_way = [key for key, adds in totals if adds * total > 0]
    return [Shown(*key, AMONG, "hardly", len(shares[key])) for key in same_way[:AMONG_OTHERS]]
