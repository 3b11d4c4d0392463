"""How good a ranking is: figures that tell ties, the level of its probabilities, and how far chance moves them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.learning.arrays import Floats, Ints, Mask

SHARES: Mapping[str, float] = {"1%": 0.01, "5%": 0.05, "10%": 0.1}
"""Parts of the rows at which a list is cut, by the name that reports give them."""

NUMBER = 100
"""Rows at which a list is cut whatever its length: about what a team visits in a quarter."""

BINS = 10
"""Bins of the expected calibration error, each of as many rows."""

RESAMPLES = 300
"""Bootstrap resamples: enough for the second figure of a 95 % interval."""

SEED = 20261001
CELLS = 4_000_000
"""Rows times resamples held in memory at a time."""


@dataclass(frozen=True)
class AtCapacity:
    """Positives among the first `capacity` of a list: at worst, on average and at best over the orders of ties."""

    worst: float
    expected: float
    best: float
    answered: float


def at_capacity(scores: Floats, found: Floats, capacity: int) -> AtCapacity:
    """What a list cut at capacity would have found; `answered` is how many of it have an answer at all.

    Ties at the cut make the difference between worst and best; on average they find their
    share. Unlabelled rows (NaN) count as nothing found, so all figures are lower bounds.
    """
    capacity = min(capacity, len(scores))
    if not capacity:
        return AtCapacity(0.0, 0.0, 0.0, 0.0)
    cut = np.partition(scores, len(scores) - capacity)[len(scores) - capacity]
    above, tied = scores > cut, scores == cut
    hits = int((found[above] == 1).sum())
    tied_hits, tied_all = int((found[tied] == 1).sum()), int(tied.sum())
    places = capacity - int(above.sum())
    misses = tied_all - tied_hits
    answered = float((~np.isnan(found[above])).sum() + (~np.isnan(found[tied])).sum() * places / tied_all)
    return AtCapacity(
        worst=float(hits + max(places - misses, 0)),
        expected=hits + places * tied_hits / tied_all,
        best=float(hits + min(places, tied_hits)),
        answered=answered,
    )


def places(share: float, rows: int) -> int:
    """Rows of the first `share` of a list: the nearest whole number, one at least."""
    return min(rows, max(1, round(share * rows)))


def figures(scores: Floats, probability: Floats, positive: Mask, number: int = NUMBER) -> dict[str, Any]:
    """Everything that is said of one ranking of labelled rows, in plain numbers.

    Args:
        scores: what the rows are ranked by, the largest first, shape (rows,); no NaN.
        probability: the probability that is stated for each row.
        positive: the answers.
        number: a fixed number of rows at which the list is cut as well.

    Returns:
        `rows`, `positives`, `base_rate`, `auc`, `average_precision`, `precision_at` and `lift_at` by the names of
        `SHARES` (over ties on average), `ties_at` with the worst and the best precision, `at_number`, `brier`, `ece`
        and `ece_bins`. A figure that the rows do not define (no rows, one answer only) is None.
    """
    rows, positives = len(positive), int(positive.sum())
    base = positives / rows if rows else None
    both = 0 < positives < rows
    cuts = {name: _cut(scores, positive, places(share, rows)) for name, share in SHARES.items()} if rows else {}
    fixed = _cut(scores, positive, min(number, rows)) if rows else {}
    return {
        "rows": rows,
        "positives": positives,
        "base_rate": base,
        "auc": _auc(scores, positive) if both else None,
        "average_precision": _average_precision(scores, positive) if both else None,
        "precision_at": {name: cuts[name]["precision"] if rows else None for name in SHARES},
        "lift_at": {name: cuts[name]["lift"] if both else None for name in SHARES},
        "ties_at": {name: {end: cuts[name][end] for end in ("worst", "best")} if rows else None for name in SHARES},
        "at_number": {"number": min(number, rows), **fixed} if rows else None,
        "brier": float(np.mean((probability - positive) ** 2)) if rows else None,
        "ece": expected_calibration_error(probability, positive) if rows else None,
        "ece_bins": min(BINS, rows),
    }


def _cut(scores: Floats, positive: Mask, capacity: int) -> dict[str, Any]:
    cut = at_capacity(scores, positive.astype(float), capacity)
    base = float(positive.mean())
    return {
        "precision": cut.expected / capacity,
        "worst": cut.worst / capacity,
        "best": cut.best / capacity,
        "lift": cut.expected / capacity / base if base else None,
    }


def _auc(scores: Floats, positive: Mask) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, scores))


def _average_precision(scores: Floats, positive: Mask) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(positive, scores))


def calibration_bins(probability: Floats, positive: Mask, bins: int = BINS) -> list[dict[str, Any]]:
    """Stated against found share in bins of as many rows each, the least likely first."""
    order = np.array_split(np.argsort(probability, kind="stable"), min(bins, max(len(probability), 1)))
    return [
        {"rows": len(part), "stated": float(probability[part].mean()), "found": float(positive[part].mean())}
        for part in order
        if len(part)
    ]


def expected_calibration_error(probability: Floats, positive: Mask, bins: int = BINS) -> float:
    """The mean distance of stated from found share over bins of as many rows each (Naeini et al. 2015, equal mass)."""
    parts = calibration_bins(probability, positive, bins)
    return float(sum(p["rows"] * abs(p["stated"] - p["found"]) for p in parts) / max(len(probability), 1))


def intervals(scores: Floats, positive: Mask, resamples: int = RESAMPLES, seed: int = SEED) -> dict[str, Any] | None:
    """95 % intervals of `auc`, `average_precision` and `lift_at`, rows drawn anew with replacement.

    The rows are taken as they are: how another group would differ is not in the interval. None
    where the rows have one answer only.
    """
    rows = len(positive)
    if not 0 < int(positive.sum()) < rows:
        return None
    order = np.argsort(-scores, kind="stable")
    answers = positive[order].astype(float)
    # Rows of equal score are one step, so that ties count as they do in the figures themselves.
    steps = np.flatnonzero(np.r_[True, np.diff(scores[order]) != 0])
    rng = np.random.default_rng(seed)
    drawn: dict[str, list[Floats]] = {"auc": [], "average_precision": [], **{name: [] for name in SHARES}}
    left = resamples
    while left:
        some = min(left, max(1, CELLS // rows))
        left -= some
        for name, values in _resampled(_counts(rng, rows, some), answers, steps).items():
            drawn[name].append(values)
    ends = {name: _ends(np.concatenate(values)) for name, values in drawn.items()}
    return {
        "auc": ends["auc"],
        "average_precision": ends["average_precision"],
        "lift_at": {name: ends[name] for name in SHARES},
    }


def _counts(rng: np.random.Generator, rows: int, resamples: int) -> Ints:
    """How often each row is drawn in each resample: shape (resamples, rows)."""
    drawn = rng.integers(0, rows, size=(resamples, rows)) + np.arange(resamples)[:, None] * rows
    return np.bincount(drawn.ravel(), minlength=resamples * rows).reshape(resamples, rows)


def _resampled(counts: Ints, answers: Floats, steps: Ints) -> dict[str, Floats]:
    """Each figure of each resample; `answers` and `counts` are in the order of the list."""
    rows = counts.shape[1]
    hits = np.add.reduceat(counts * answers, steps, axis=1)
    misses = np.add.reduceat(counts, steps, axis=1) - hits
    all_hits, all_misses = hits.sum(axis=1), misses.sum(axis=1)
    found, seen = np.cumsum(hits, axis=1), np.cumsum(hits + misses, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = all_misses[:, None] - np.cumsum(misses, axis=1) + misses / 2
        made = {
            "auc": (hits * below).sum(axis=1) / (all_hits * all_misses),
            "average_precision": (hits * np.nan_to_num(found / seen)).sum(axis=1) / all_hits,
        }
        for name, share in SHARES.items():
            place = places(share, rows)
            at = [np.interp(place, np.r_[0.0, s], np.r_[0.0, f]) for s, f in zip(seen, found, strict=True)]
            made[name] = np.asarray(at) / place / (all_hits / rows)
    return made


def _ends(values: Floats) -> list[float]:
    return [float(end) for end in np.nanquantile(values, [0.025, 0.975])]
