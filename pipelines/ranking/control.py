"""The control slice: some of a list's places go to properties drawn at random, so that the base rate stays measurable.

A list that holds only what the model chose can never tell how common unlicensed HMOs are, nor what the model misses.
Every block of visits as long as the capacity has the same number of control places, spread over it by chance; who gets
them is a simple random sample of all candidates. Places and sample are drawn apart from one another, so that a list cut
anywhere holds a simple random sample of its own. Nothing that an officer reads tells these entries from others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.hashing import hash_rows

FEWEST_VISITS = 5
"""With fewer visits one control would be more than a fifth of them: then there is none."""

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Slice:
    """Control places of a list (ranks from 1, ascending) and the candidate that was drawn for each (its position)."""

    slots: Ints
    drawn: Ints
    inclusion: npt.NDArray[np.float64]


def places_a_block(capacity: int, share: float) -> int:
    """How many of a borough's visits are controls: the share, rounded, and at least one where capacity allows."""
    if share <= 0 or capacity < FEWEST_VISITS:
        return 0
    return max(1, int(share * capacity + 0.5))


def draw(uprns: pd.Series[str], capacity: int, length: int, share: float, seed: int) -> Slice:
    """Draw the control slice of a list.

    Args:
        uprns: all candidates, likeliest first.
        capacity: visits that the borough makes from one list.
        length: entries that the list keeps.
        share: of the visits that are controls.
        seed: of the list's day and borough; the same seed gives the same draw.
    """
    each = places_a_block(capacity, share)
    blocks = -(-length // capacity)
    rng = np.random.default_rng(seed)
    edges = np.linspace(0, capacity, each + 1).astype(np.int64)
    within = rng.integers(edges[:-1], edges[1:], size=(blocks, each)) + 1
    slots = (within + capacity * np.arange(blocks)[:, None]).ravel()
    slots = slots[slots <= min(length, len(uprns))]
    order = np.argsort(hash_rows(pd.DataFrame({"uprn": uprns}), salt=f"control-{seed}"), kind="stable")
    # The chance of every candidate to be drawn by the end of the block in which a place lies.
    by_then = np.searchsorted(slots, (-(-slots // capacity)) * capacity, side="right")
    inclusion = by_then / max(len(uprns), 1)
    return Slice(slots, np.asarray(order[: len(slots)], dtype=np.int64), inclusion)


def arranged(candidates: int, control: Slice, length: int) -> Ints:
    """The list as positions among the candidates: controls in their places, all others likeliest first.

    A control that stands on the list before its place by its own likelihood keeps the earlier rank: nothing that
    would have been visited is put off. In every cut of the list each control whose place lies within is there.
    """
    left = np.arange(candidates, dtype=np.int64)
    parts: list[Ints] = []
    size = 0
    for slot, position in zip(control.slots.tolist(), control.drawn.tolist(), strict=True):
        fill = left[: slot - 1 - size]
        left = left[len(fill) :]
        parts.append(fill)
        size += len(fill)
        if (left == position).any():
            parts.append(np.array([position], dtype=np.int64))
            left = left[left != position]
            size += 1
    return np.concatenate([*parts, left[: length - size]])
