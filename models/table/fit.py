"""Each group scored by a model that has not seen it, calibrated on groups left out within the training groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from models.learning import bag, judge
from models.learning.arrays import Floats, Ints, Mask, Texts
from models.learning.bag import Bag
from models.learning.boosting import logistic
from models.learning.folds import folds
from models.learning.preprocess import Column, Encoder
from models.table.answers import NO_GROUP
from models.table.design import Design, Task
from models.table.rankers import OneColumn, best_column
from pipelines.core.errors import LodaError

MOST_GROUPS = 20
"""Groups up to which each is left out by itself; of more, whole groups are left out together."""

FOLDS = 10
"""Folds of whole groups where there are more than `MOST_GROUPS`."""

MODELS = 4
"""Models in the bag that scores."""

CALIBRATION_FOLDS = 3
CALIBRATION_MODELS = 1
"""Folds within the training rows, and models for each, whose scores of rows left out set the calibration."""

FEWEST = 10
"""Positives below which nothing is learnt."""

REASONED = 0.05
"""Share of each group, from the top, that reasons are given for."""

MOST_REASONS = 5
CHUNK = 50_000
WORKERS = 2
SEED = 20261001


@dataclass(frozen=True)
class Scorer:
    """What was learnt from some rows: an encoder of categories and a calibrated bag."""

    design: Design
    encoder: Encoder
    bag: Bag

    def log_odds(self, rows: Mask) -> Floats:
        """Calibrated log-odds of rows that it has not learnt from: shape (rows,)."""
        parts = [self.bag.log_odds(self.design.transform(self.encoder, part)) for part in _chunks(rows)]
        return np.concatenate(parts) if parts else np.empty(0)

    def reasons(self, rows: Mask) -> tuple[float, Floats]:
        """A base and what each column adds, in log-odds: shape (rows, columns)."""
        base, shares = self.bag.reasons(self.design.transform(self.encoder, rows))
        return base, self.design.by_column(shares)


@dataclass
class Fitted:
    """Scores of every row by models that have not seen its group, and what explains the first of each group.

    `contributions` has shape (rows explained, columns); `explained` their row numbers.
    """

    log_odds: Floats
    base: Floats
    explained: Ints
    contributions: Floats
    rankers: dict[str, OneColumn] = field(default_factory=dict)
    one_scores: Floats = field(default_factory=lambda: np.empty(0))
    one_probability: Floats = field(default_factory=lambda: np.empty(0))


def fit_groups(task: Task) -> Fitted:
    """Leave each group (or fold of whole groups) out, learn from the others, and score it.

    Raises:
        LodaError: the groups that are left have too few positives.
    """
    _enough(task, task.usable, np.zeros(task.rows, dtype=bool))
    design = Design(task.learnt_from, task.groups)
    fold = _fold_of_rows(task)
    count = task.rows
    made = Fitted(np.full(count, np.nan), np.full(count, np.nan), np.empty(0, np.int64), np.empty((0, 0)))
    made.one_scores, made.one_probability = np.full(count, np.nan), np.full(count, np.nan)
    explained: list[Ints] = []
    contributions: list[Floats] = []
    for number in np.unique(fold):
        own = fold == number
        train = task.usable & ~own
        _enough(task, train, own)
        scorer = learn(task, design, train)
        made.log_odds[own] = scorer.log_odds(own)
        first = _first_of_groups(task.groups, made.log_odds, own)
        base, shares = scorer.reasons(first)
        made.base[own] = base
        explained.append(np.flatnonzero(first))
        contributions.append(shares)
        ranker = best_column(task.columns, train, task.label.positive)
        made.one_scores[own], made.one_probability[own] = ranker.scores(task.columns, own)
        made.rankers |= {str(group): ranker for group in np.unique(task.groups[own])}
    order = np.argsort(np.concatenate(explained), kind="stable")
    made.explained = np.concatenate(explained)[order]
    made.contributions = np.concatenate(contributions)[order]
    return made


def _fold_of_rows(task: Task) -> Ints:
    """The fold of each row; groups without labelled rows, and rows without a group, are a fold of their own."""
    usable = task.usable
    named = task.groups[usable]
    groups = np.unique(named)
    most = len(groups) if len(groups) <= MOST_GROUPS else FOLDS
    by_row = folds(named, task.label.positive[usable], most)
    of_group = dict(zip(named, by_row.tolist(), strict=True))
    return np.array([of_group.get(group, -1) for group in task.groups], dtype=np.int64)


def _enough(task: Task, train: Mask, own: Mask) -> None:
    positives = int(task.label.positive[train].sum())
    negatives = int(train.sum()) - positives
    if min(positives, negatives) >= FEWEST:
        return
    held_out = [group for group in np.unique(task.groups[own]) if group != NO_GROUP]
    which, many = ("positive", positives) if positives < FEWEST else ("negative", negatives)
    named = f"{'group' if len(held_out) == 1 else 'groups'} {', '.join(repr(g) for g in held_out[:5])}"
    raise LodaError(
        f"{f'Without {named} only' if held_out else 'Only'} {many} {which} rows of '{task.label_name}' are left to "
        f"learn from, and at least {FEWEST} are needed: give more labelled rows of the other groups, or groups that "
        "divide the rows more evenly."
    )


def learn(task: Task, design: Design, train: Mask) -> Scorer:
    """Learn from the rows of `train`, and calibrate on folds left out within them.

    Whole groups are left out where the training rows have several, else rows drawn by a fixed seed.
    """
    positive = task.label.positive
    encoder, values = design.fit_transform(train, positive)
    fitted = bag.fit(values, positive[train], design.categorical, MODELS, WORKERS, SEED)
    inner = _inner_folds(task.groups[train], positive[train])
    raw = np.empty(int(train.sum()))
    where = np.flatnonzero(train)
    for number in np.unique(inner):
        learnt, tried = _mask(where[inner != number], task.rows), _mask(where[inner == number], task.rows)
        own_encoder, own_values = design.fit_transform(learnt, positive)
        own = bag.fit(own_values, positive[learnt], design.categorical, CALIBRATION_MODELS, WORKERS, SEED)
        raw[inner == number] = own.raw(design.transform(own_encoder, tried))
    return Scorer(design, encoder, fitted.calibrated(raw, positive[train]))


def _inner_folds(groups: Texts, positive: Mask) -> Ints:
    if len(np.unique(groups)) > 1:
        by_group = folds(groups, positive, CALIBRATION_FOLDS)
        within = [np.bincount(by_group, weights=answer) for answer in (positive, ~positive)]
        if all((own.sum() - own >= FEWEST).all() for own in within):
            return by_group
    # Positives and negatives each go round the folds, in an order drawn by the seed.
    order = np.random.default_rng(SEED).permutation(len(positive))
    out = np.empty(len(positive), dtype=np.int64)
    for answer in (True, False):
        own = order[positive[order] == answer]
        out[own] = np.arange(len(own)) % CALIBRATION_FOLDS
    return out


def _mask(at: Ints, rows: int) -> Mask:
    mask = np.zeros(rows, dtype=bool)
    mask[at] = True
    return mask


def _chunks(rows: Mask) -> Iterator[Mask]:
    """The rows in parts, so that scoring a large table needs the memory of one part."""
    at = np.flatnonzero(rows)
    for start in range(0, len(at), CHUNK):
        yield _mask(at[start : start + CHUNK], len(rows))


def ranks(groups: Texts, log_odds: Floats) -> Ints:
    """The place of each row within its group, 1 the most likely; equal ones in the order of the file."""
    import pandas as pd

    frame = pd.DataFrame({"group": groups, "score": -log_odds})
    return np.asarray(frame.groupby("group")["score"].rank(method="first"), dtype=np.int64)


def _first_of_groups(groups: Texts, log_odds: Floats, own: Mask) -> Mask:
    """Of the rows of `own`, the first `REASONED` of each group, one at least."""
    import pandas as pd

    at = np.flatnonzero(own)
    place = ranks(groups[at], log_odds[at])
    size = np.asarray(pd.Series(groups[at]).groupby(groups[at]).transform("size"))
    return _mask(at[place <= np.maximum(1, np.ceil(REASONED * size))], len(own))


@dataclass(frozen=True)
class Forward:
    """What a model that learnt from rows known earlier makes of the rows known last."""

    before: str
    learnt_from: int
    positive: Mask
    scores: Floats


LATEST = 0.2
"""Share of the labelled rows that the latest part has at least."""


def forward(task: Task) -> Forward | str | None:
    """The check forwards in time: None without days that differ, a sentence where there is too little."""
    if task.known is None or not task.known.by_row:
        return None
    day = task.known.day
    usable = task.usable & ~np.isnan(day)
    distinct, counts = np.unique(day[usable], return_counts=True)
    if len(distinct) < 2:
        return None
    later = np.cumsum(counts[::-1])[::-1] / usable.sum()
    cut = distinct[max(1, int(np.flatnonzero(later >= min(LATEST, later[1])).max()))]
    train, tried = usable & (day < cut), usable & (day >= cut)
    positives = int(task.label.positive[train].sum())
    if min(positives, int(train.sum()) - positives) < FEWEST:
        return f"Only {positives} positives are known before the latest part; at least {FEWEST} of either are needed."
    part = np.where(day < cut, "earlier", "later").astype(object)
    design = Design(task.learnt_from, np.asarray(task.groups + " " + part, dtype=object))
    log_odds = learn(task, design, train).log_odds(tried)
    first = str(np.datetime64(int(cut), "D"))
    return Forward(first, int(train.sum()), task.label.positive[tried], log_odds)


def judged(scores: Floats, probability: Floats, positive: Mask) -> dict[str, Any]:
    """All figures of one ranking of labelled rows, with their intervals."""
    return {**judge.figures(scores, probability, positive), "intervals": judge.intervals(scores, positive)}


def probability(log_odds: Floats) -> Floats:
    """Log-odds to probability."""
    return logistic(log_odds)


__all__ = ["Column", "Fitted", "Forward", "Scorer", "fit_groups", "forward", "judged", "learn", "probability", "ranks"]
