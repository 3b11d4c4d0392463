"""Whether a borough's features and scores are still what they were when the champion was trained.

The measure is the population stability index (PSI), the sum over bins of (now - then) x ln(now / then), with missing
values as a bin of their own. From 0.25 on a shift is called large, from 0.1 on small (Siddiqi, "Credit Risk
Scorecards", 2006); 0.2 is the limit in common use for looking into it. Those limits take no account of size: of two
samples of one population the index is about a chi-square variable of (bins - 1) degrees of freedom times
(1/now + 1/then) (Yurdakul and Naranjo, "Statistical properties of the population stability index", Journal of Risk
Model Validation, 2020). So a shift is told where it is at least `WATCH` *and* more than chance gives once in a hundred
looks at all features of a borough.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import sqlalchemy as sa

from models.hmo.days import Floats, Ints
from models.hmo.profiles import SCORE, Profiles, binned
from models.learning import plots
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import StageState

WATCH, LARGE = 0.2, 0.25
MISSING_POINTS = 0.1
"""A share of missing values that moves by less is no alert of its own."""

FALSE_ALARMS = 0.01
"""How often chance alone may raise any alert for a borough in one night."""

FEWEST_HOMES = 30
"""Below so many homes, then or now, shares say nothing and nothing is compared."""


@dataclass(frozen=True)
class Shift:
    """One feature of one borough, or its score, against the day of training. Shares are of all homes."""

    borough: str
    feature: str
    psi: float
    limit: float
    missing_then: float
    missing_now: float
    moved: bool
    sentence: str

    def as_row(self) -> dict[str, Any]:
        """The shift as plain data."""
        return asdict(self)


def stability_index(then: Ints, now: Ints) -> float:
    """The population stability index of two rows of counts in the same bins; half a home is added to each bin.

    Bins that are empty in both are left out: they tell nothing and are no degree of freedom.
    """
    used = (then + now) > 0
    if used.sum() < 2:
        return 0.0
    before, after = then[used] + 0.5, now[used] + 0.5
    p, q = before / before.sum(), after / after.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def chance_limit(then: Ints, now: Ints, looks: int) -> float:
    """The index that chance exceeds in `FALSE_ALARMS` of nights for any of so many looks (Bonferroni)."""
    from scipy.stats import chi2

    freedom = int(((then + now) > 0).sum()) - 1
    if freedom < 1:
        return float("inf")
    return float(chi2.isf(FALSE_ALARMS / looks, freedom)) * (1 / int(now.sum()) + 1 / int(then.sum()))


def compare(profiles: Profiles, borough: str, names: tuple[str, ...], values: Floats, score: Floats) -> list[Shift]:
    """Every feature of a borough and its score against the day of training, those that moved most first.

    Args:
        profiles: of the champion.
        borough: the borough that was scored.
        names: of the features, in the order of their columns.
        values: its features today, shape (homes, features).
        score: its probabilities today, shape (homes,).

    Returns:
        Nothing where the champion was trained without the borough, or there are too few homes.
    """
    then = profiles.of(borough)
    if then is None or len(values) < FEWEST_HOMES or int(then[SCORE].sum()) < FEWEST_HOMES:
        return []
    columns = {name: values[:, at] for at, name in enumerate(names)} | {SCORE: score}
    known = [name for name in columns if name in then]
    now = {name: binned(columns[name], profiles.edges[name]) for name in known}
    shifts = [_shift(borough, name, profiles.edges[name], then[name], now[name], len(known)) for name in known]
    return sorted(shifts, key=lambda shift: (not shift.moved, -shift.psi, shift.feature))


def _shift(borough: str, name: str, edges: Floats, then: Ints, now: Ints, looks: int) -> Shift:
    psi, by_chance = stability_index(then, now), chance_limit(then, now, looks)
    limit = max(WATCH, by_chance)
    missing_then, missing_now = float(then[-1] / then.sum()), float(now[-1] / now.sum())
    gone = abs(missing_now - missing_then) >= MISSING_POINTS and _missing_moved(then, now, looks)
    moved = bool(psi >= limit or gone)
    if not moved:
        sentence = ""
    elif gone:
        shares = f"for {missing_now:.0%} of homes, {missing_then:.0%} when the model was trained"
        sentence = f"{borough}: {name} is missing {shares}."
    else:
        sentence = f"{borough}: {_what_moved(name, edges, then, now)} when the model was trained."
    return Shift(
        borough, name, round(psi, 4), round(limit, 4), round(missing_then, 4), round(missing_now, 4), moved, sentence
    )


def _missing_moved(then: Ints, now: Ints, looks: int) -> bool:
    two = (np.array([then[:-1].sum(), then[-1]]), np.array([now[:-1].sum(), now[-1]]))
    return stability_index(*two) >= chance_limit(*two, looks)


def _what_moved(name: str, edges: Floats, then: Ints, now: Ints) -> str:
    """The cut between low and high values on which most homes changed sides, in words with both shares."""
    before, after = then[:-1] / then.sum(), now[:-1] / now.sum()
    above_then, above_now = (share[::-1].cumsum()[::-1][1:] for share in (before, after))
    if not len(above_then):
        return f"{name} is known for {after.sum():.0%} of homes, {before.sum():.0%}"
    at = int(np.argmax(np.abs(above_now - above_then)))
    cut = f"{edges[at]:.2f}" if name == SCORE else f"{edges[at]:.3g}"
    return f"{name} is above {cut} for {above_now[at]:.0%} of homes, {above_then[at]:.0%}"


def figures(shifts: list[Shift]) -> dict[str, Any]:
    """What a borough's score stage keeps: the alerts in words, and each feature's index and shares."""
    return {
        "compared": len(shifts),
        "alerts": [shift.sentence for shift in shifts if shift.moved],
        "large": sum(shift.moved and shift.psi >= LARGE for shift in shifts),
        "features": {shift.feature: _kept(shift) for shift in shifts},
    }


def _kept(shift: Shift) -> dict[str, float | bool | None]:
    row = shift.as_row()
    kept = {name: row[name] for name in ("psi", "limit", "missing_then", "missing_now", "moved")}
    # No index is too large where homes are of one kind only; JSON, and with it PostgreSQL, knows no infinity.
    return kept | {"limit": shift.limit if math.isfinite(shift.limit) else None}


def as_kept() -> dict[str, dict[str, Any]]:
    """What the last scores of every borough kept of `figures`, with the model and the day; empty before any scores."""
    query = sa.select(StageState).where(StageState.stage == "score").order_by(StageState.borough)
    with transaction() as session:
        found = session.scalars(query).all()
    return {
        state.borough: {"model": state.summary["model_id"], "as_of": state.summary["as_of"], **state.summary["drift"]}
        for state in found
        if "drift" in state.summary
    }


def draw(path: Path, kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the picture of what `as_kept` holds: each feature's index in every borough.

    Raises:
        NotFound: nothing was compared yet.
    """
    indices: dict[str, list[tuple[str, float, bool]]] = {}
    for borough, found in kept.items():
        for name, row in found.get("features", {}).items():
            indices.setdefault(name, []).append((borough, float(row["psi"]), bool(row["moved"])))
    if not indices:
        raise NotFound("Nothing was held against a model's training yet: score a borough with a model trained here.")
    plots.moved(path, indices)


def in_short(kept: Mapping[str, Any]) -> str:
    """The end of the score stage's sentence: what moved most, and how much more there is; empty where nothing did."""
    alerts = kept.get("alerts", [])
    if not alerts:
        return ""
    more = f" And {len(alerts) - 1} more: 'loda model drift'." if len(alerts) > 1 else ""
    return f" Moved since training: {alerts[0]}{more}"
