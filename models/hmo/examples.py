"""What a model learns from: labelled homes and a sample of unlabelled ones.

Two kinds of labelled rows:

- *before*: the features of the last day of the history on which nobody could have acted on the
  answer. Only these judge a model forwards in time and set its probabilities.
- *standing*: what is known on a day, with the features of that day. They are most of what a
  register holds; their features may hold consequences of the licence or the visit, so they
  teach but do not judge. On the synthetic London, whose truth is known, a model with them
  found 2.2 times as many unknown HMOs among its first 50 homes as one without.

A simple way with positive and unlabelled data: a sampled unlabelled home counts as a negative
of low weight. Its weight makes the unlabelled of one borough and date weigh
`UNLABELLED_RATIO` times its HMOs, so that how eagerly a borough licensed, and which of its
datasets reach back how far, says nothing about the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.hmo import cohort, features, labels, prior
from models.hmo.days import Floats, Ints, Mask, Texts, day_number
from models.hmo.evidence import Evidence
from pipelines.core.hashing import hash_rows

UNLABELLED_TOTAL = 30_000
UNLABELLED_RATIO = 5.0


@dataclass(frozen=True)
class Examples:
    """Rows to learn from. `date_index` counts the history's dates; the day of training itself comes after them.

    `hmo` is what counts as positive, `visit` whether a visit said so, `planned` whether one of its visits was no answer
    to a complaint, `unlicensed` and `held` whether it found that the licence was missing or was
    there, `labelled` whether anything said so, `known` the day on which the label became known, `doubtful` marks
    unlabelled rows whose answer became known later (kept only for trials that must not know that), `stands_for` how
    many properties a row stands for.
    """

    values: Floats
    hmo: Mask
    visit: Mask
    planned: Mask
    unlicensed: Mask
    held: Mask
    labelled: Mask
    doubtful: Mask
    known: Ints
    date_index: Ints
    borough: Texts
    group: Texts
    stands_for: Floats

    def __len__(self) -> int:
        return len(self.hmo)

    def take(self, which: Mask) -> Examples:
        """The rows of a mask."""
        return Examples(**{field.name: getattr(self, field.name)[which] for field in fields(self)})

    def weights(self) -> Floats:
        """1 for a label; the unlabelled of a borough and date share `UNLABELLED_RATIO` times the weight of its HMOs."""
        block = pd.Series(self.borough).astype(str) + " " + pd.Series(self.date_index).astype(str)
        codes = pd.factorize(block)[0]
        unlabelled = ~self.labelled
        hmos = np.bincount(codes[self.hmo], minlength=codes.max(initial=0) + 1)
        rest = np.bincount(codes[unlabelled], minlength=codes.max(initial=0) + 1)
        share = UNLABELLED_RATIO * hmos / np.maximum(rest, 1)
        return np.where(self.labelled, 1.0, share[codes])


def joined(parts: list[Examples]) -> Examples:
    """Several boroughs' examples as one."""
    return Examples(
        **{field.name: np.concatenate([getattr(p, field.name) for p in parts]) for field in fields(Examples)}
    )


@dataclass(frozen=True)
class Trial:
    """A borough's candidates on one day: features, shape (homes, features), and what is known of each.

    `found` is 1 for an HMO, 0 for none, NaN where nobody looked.
    """

    values: npt.NDArray[np.float32]
    found: Floats
    uprns: Texts


@dataclass(frozen=True)
class Gathered:
    """One borough's rows to learn from and to be tried on.

    `before` and `standing` are learnt from on the day of training; `standing_then` is what was
    known on the newest day of the history. `forward` holds that day's candidates with what became
    known after it, `known` today's homes with what is known of them, `counts` what tells how many
    HMOs there are.
    """

    borough: str
    before: Examples
    standing: Examples
    standing_then: Examples
    forward: Trial
    known: Trial
    counts: prior.Found


def gather(evidence: Evidence, as_of: date, dates: list[date], boroughs: int) -> Gathered:
    """Rows of one borough at every date of the history and at the day itself.

    Args:
        evidence: what the borough knows.
        as_of: the day of training; nothing known later is used.
        dates: the history, oldest first.
        boroughs: how many share the unlabelled sample.
    """
    found = labels.training_labels(evidence, as_of, dates)
    settled_now, settled_then = labels.settled(evidence, as_of), labels.settled(evidence, dates[-1])
    sampled, stands_for = _sample(evidence, settled_then, boroughs)
    turn = np.arange(len(sampled)) % len(dates)
    newest = len(dates) - 1
    parts = []
    for index, day in enumerate(dates):
        view = evidence.at(day)
        inside = cohort.members(view)
        rows, part = _before(evidence, found, inside, sampled[turn == index], index, stands_for)
        part.doubtful[:] = ~part.labelled & settled_now[rows]
        parts.append(part)
        if index < newest:
            features.fill(view, (rows, part.values))
    # The loop ends on the newest day of the history, of which more is wanted.
    then, standing_then = _standing(evidence, dates[-1], inside, sampled, newest)
    candidates, forward = _forward(evidence, found, inside & ~settled_then, newest)
    features.fill(view, (rows, part.values), (then, standing_then.values), (candidates, forward.values))
    today = evidence.at(as_of)
    inside = cohort.members(today)
    now, standing = _standing(evidence, as_of, inside, sampled[~settled_now[sampled]], len(dates))
    known = _trial(evidence, inside, labels.labels_at(evidence, as_of))
    features.fill(today, (now, standing.values), (inside, known.values))
    return Gathered(
        borough=evidence.borough,
        before=joined(parts),
        standing=standing,
        standing_then=standing_then,
        forward=forward,
        known=known,
        counts=prior.found(evidence, as_of, inside),
    )


def _sample(evidence: Evidence, settled: Mask, boroughs: int) -> tuple[Ints, float]:
    """Unlabelled homes in an order that the UPRN alone decides, and how many homes each stands for."""
    free = np.flatnonzero(~settled)
    keys = hash_rows(pd.DataFrame({"uprn": evidence.uprns[free]}), salt="unlabelled sample")
    size = min(len(free), max(UNLABELLED_TOTAL // max(boroughs, 1), 1))
    return free[np.argsort(keys, kind="stable")[:size]], len(free) / max(size, 1)


def _examples(
    evidence: Evidence,
    rows: Ints,
    answer: Floats,
    known: Ints,
    index: int,
    stands_for: float,
    visit: Mask,
    planned: Mask,
    unlicensed: Mask,
    held: Mask,
) -> Examples:
    """Rows with all but their features, which are worked out for several such parts at once."""
    labelled = ~np.isnan(answer)
    street = pd.Series(evidence.street[rows]).astype(str) + f" {evidence.borough}"
    return Examples(
        values=np.full((len(rows), len(features.NAMES)), np.nan),
        hmo=answer == 1,
        visit=visit,
        planned=planned,
        unlicensed=unlicensed,
        held=held,
        labelled=labelled,
        doubtful=np.zeros(len(rows), dtype=bool),
        known=known,
        date_index=np.full(len(rows), index, dtype=np.int64),
        borough=np.full(len(rows), evidence.borough, dtype=object),
        group=street.to_numpy(dtype=object),
        stands_for=np.where(labelled, 1.0, stands_for),
    )


def _before(
    evidence: Evidence, found: labels.TrainingLabels, inside: Mask, free: Ints, index: int, stands_for: float
) -> tuple[Ints, Examples]:
    """Answers whose features are those of one day of the history, and unlabelled homes: places in the spine, rows."""
    own = (found.date_index == index) & inside[found.row]
    free = free[inside[free]]
    none = np.zeros(len(free), dtype=bool)
    rows = np.concatenate([found.row[own], free])
    answer = np.concatenate([found.hmo[own].astype(float), np.full(len(free), np.nan)])
    known = np.concatenate([found.known[own], np.zeros(len(free), dtype=np.int64)])
    told = (found.visit, found.planned, found.unlicensed, found.held)
    masks = [np.concatenate([mask[own], none]) for mask in told]
    return rows, _examples(evidence, rows, answer, known, index, stands_for, *masks)


def _forward(evidence: Evidence, found: labels.TrainingLabels, candidates: Mask, newest: int) -> tuple[Mask, Trial]:
    # Who had applied by then was no discovery any more.
    candidates = candidates.copy()
    candidates[found.row[found.date_index < newest]] = False
    later = found.date_index == newest
    answer = np.full(len(candidates), np.nan)
    answer[found.row[later]] = found.hmo[later]
    return candidates, _trial(evidence, candidates, answer)


def _trial(evidence: Evidence, which: Mask, answer: Floats) -> Trial:
    """Homes of a mask over the spine with all but their features."""
    values = np.empty((int(which.sum()), len(features.NAMES)), dtype=np.float32, order="F")
    return Trial(values, answer[which], evidence.uprns[which])


def _standing(evidence: Evidence, day: date, inside: Mask, free: Ints, index: int) -> tuple[Ints, Examples]:
    """Labels known on a day and unlabelled homes, with the features of that day: places in the spine, rows."""
    label = labels.labels_at(evidence, day)
    given = labels.answers(evidence)
    number = day_number(day)
    seen = given.visit & (given.known <= number) & (given.event <= number)
    visited, planned, unlicensed, held = (np.zeros(len(evidence), dtype=bool) for _ in range(4))
    visited[given.row[seen]] = True
    for mask, of in ((planned, given.planned), (unlicensed, given.unlicensed), (held, given.held)):
        mask[given.row[seen & of]] = True
    share = len(evidence) / max(len(free), 1)
    rows = np.concatenate([np.flatnonzero(~np.isnan(label)), free])
    rows = rows[inside[rows]]
    known = np.full(len(rows), number, dtype=np.int64)
    answer = label[rows]
    by_visit = visited[rows] & ~np.isnan(answer)
    masks = (by_visit, planned[rows] & by_visit, unlicensed[rows] & (answer == 1), held[rows] & (answer == 1))
    return rows, _examples(evidence, rows, answer, known, index, share, *masks)
