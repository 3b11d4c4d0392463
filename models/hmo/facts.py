"""What can be told of a home beside the reasons that raise its score: true, and no argument.

A list tells three things of every home that it holds. Of one that was drawn at random often nothing raises the score:
without facts in their place its empty reasons would give it away.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from models.hmo.days import Floats
from models.hmo.features import BY_NAME

FACTS = 3


def facts(names: tuple[str, ...], values: Floats, shares: Floats, known_to: Mapping[str, str]) -> pa.ListArray:
    """Up to three facts of each home in an officer's words, of themes that do not raise its score.

    Args:
        names: of the features, in the order of their columns.
        values: the features, shape (homes, features).
        shares: what each adds to the score, of the same shape.
        known_to: how far each dataset reaches, ISO 8601.

    Returns:
        Those that lower the score least first. What is unknown, or has no words, is left out.
    """
    themes: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        themes.setdefault(BY_NAME[name].theme, []).append(at)
    rows = np.arange(len(values))
    words, weight = [], []
    for columns in themes.values():
        told = np.column_stack([BY_NAME[names[at]].tell_all(values[:, at], known_to) for at in columns])
        best = np.where(told == "", -np.inf, shares[:, columns]).argmax(axis=1)
        words.append(told[rows, best])
        weight.append(shares[:, columns].sum(axis=1))
    text, total = np.column_stack(words), np.column_stack(weight)
    told_of = (text != "") & (total <= 0)
    order = np.argsort(np.where(told_of, -total, np.inf), axis=1, kind="stable")[:, :FACTS]
    kept = np.take_along_axis(told_of, order, axis=1)
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    chosen = np.take_along_axis(text, order, axis=1)[kept]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(chosen, pa.string()))
