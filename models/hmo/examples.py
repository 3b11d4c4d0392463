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

    `hmo` is what counts as positive, `visit` whether a visit said so, `unlicensed` and `held` whether it
    found that the licence was missing or was there, `labelled` whether anything said so, `known` the day on
    which the label became known, `doubtful` marks unlabelled rows whose answer became known later (kept only
    for trials that must not know that), `stands_for` how many properties a row stands for.
    """

    values: Floats
    hmo: Mask
    visit: Mask
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
    parts = []
    for index, day in enumerate(dates):
        inside, values = _at(evidence, day)
        own, free = found.date_index == index, sampled[turn == index]
        rows = np.concatenate([found.row[own], free])
        answer = np.concatenate([found.hmo[own].astype(float), np.full(len(free), np.nan)])
        visit, unlicensed, held = (
            np.concatenate([mask[own], np.zeros(len(free), dtype=bool)])
            for mask in (found.visit, found.unlicensed, found.held)
        )
        known = np.concatenate([found.known[own], np.zeros(len(free), dtype=np.int64)])
        made = _examples(evidence, rows, values, answer, visit, unlicensed, held, known, index, stands_for)
        made.doubtful[:] = ~made.labelled & settled_now[rows]
        parts.append(made.take(inside[rows]))
    # The loop ends on the newest day of the history.
    newest = len(dates) - 1
    now_inside, now_values = _at(evidence, as_of)
    label = labels.labels_at(evidence, as_of)
    return Gathered(
        borough=evidence.borough,
        before=joined(parts),
        standing=_standing(evidence, as_of, now_inside, now_values, sampled[~settled_now[sampled]], len(dates)),
        standing_then=_standing(evidence, dates[-1], inside, values, sampled, newest),
        forward=_forward(evidence, found, inside & ~settled_then, values, newest),
        known=Trial(now_values[now_inside].astype(np.float32), label[now_inside], evidence.uprns[now_inside]),
        counts=prior.found(evidence, as_of, now_inside),
    )


def _at(evidence: Evidence, day: date) -> tuple[Mask, Floats]:
    view = evidence.at(day)
    return cohort.members(view), features.values(view)


def _sample(evidence: Evidence, settled: Mask, boroughs: int) -> tuple[Ints, float]:
    """Unlabelled homes in an order that the UPRN alone decides, and how many homes each stands for."""
    free = np.flatnonzero(~settled)
    keys = hash_rows(pd.DataFrame({"uprn": evidence.uprns[free]}), salt="unlabelled sample")
    size = min(len(free), max(UNLABELLED_TOTAL // max(boroughs, 1), 1))
    return free[np.argsort(keys, kind="stable")[:size]], len(free) / max(size, 1)


def _examples(
    evidence: Evidence,
    rows: Ints,
    values: Floats,
    answer: Floats,
    visit: Mask,
    unlicensed: Mask,
    held: Mask,
    known: Ints,
    index: int,
    stands_for: float,
) -> Examples:
    labelled = ~np.isnan(answer)
    street = pd.Series(evidence.street[rows]).astype(str) + f" {evidence.borough}"
    return Examples(
        values=values[rows],
        hmo=answer == 1,
        visit=visit,
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


def _forward(evidence: Evidence, found: labels.TrainingLabels, candidates: Mask, values: Floats, newest: int) -> Trial:
    # Who had applied by then was no discovery any more.
    candidates = candidates.copy()
    candidates[found.row[found.date_index < newest]] = False
    later = found.date_index == newest
    answer = np.full(len(candidates), np.nan)
    answer[found.row[later]] = found.hmo[later]
    return Trial(values[candidates].astype(np.float32), answer[candidates], evidence.uprns[candidates])


def _standing(evidence: Evidence, day: date, inside: Mask, values: Floats, free: Ints, index: int) -> Examples:
    """Labels known on a day and unlabelled homes, with the features of that day."""
    label = labels.labels_at(evidence, day)
    given = labels.answers(evidence)
    number = day_number(day)
    seen = given.visit & (given.known <= number) & (given.event <= number)
    visited, unlicensed, held = (np.zeros(len(evidence), dtype=bool) for _ in range(3))
    visited[given.row[seen]] = True
    unlicensed[given.row[seen & given.unlicensed]] = True
    held[given.row[seen & given.held]] = True
    rows = np.concatenate([np.flatnonzero(~np.isnan(label)), free])
    known = np.full(len(rows), number, dtype=np.int64)
    share = len(evidence) / max(len(free), 1)
    answer = label[rows]
    by_visit = visited[rows] & ~np.isnan(answer)
    evades, complies = unlicensed[rows] & (answer == 1), held[rows] & (answer == 1)
    made = _examples(evidence, rows, values, answer, by_visit, evades, complies, known, index, share)
    return made.take(inside[rows])
