"""What can be told of a home beside the reasons that raise its score: true, and no argument.

A list tells three things of every home that it holds. Of one that was drawn at random often nothing raises the score:
without facts in their place its empty reasons would give it away.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from models.hmo.days import Floats, Ints, Mask, Texts
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
    vocabulary: list[Texts] = []
    said: list[Ints] = []
    weight, told_of = [], []
    for columns in themes.values():
        places, spoken = _words(names, columns, values, known_to, vocabulary)
        best = np.where(spoken, shares[:, columns], -np.inf).argmax(axis=1)[:, None]
        total = shares[:, columns].sum(axis=1)
        said.append(np.take_along_axis(places, best, axis=1)[:, 0])
        told_of.append(np.take_along_axis(spoken, best, axis=1)[:, 0] & (total <= 0))
        weight.append(total)
    text, told = np.column_stack(said), np.column_stack(told_of)
    order = np.argsort(np.where(told, -np.column_stack(weight), np.inf), axis=1, kind="stable")[:, :FACTS]
    kept = np.take_along_axis(told, order, axis=1)
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    chosen = pa.array(np.take_along_axis(text, order, axis=1)[kept])
    words = pa.array(np.concatenate(vocabulary), pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), words.take(chosen))


def _words(
    names: tuple[str, ...], columns: list[int], values: Floats, known_to: Mapping[str, str], vocabulary: list[Texts]
) -> tuple[Ints, Mask]:
    """Places in the vocabulary, to which the words of these columns are added, and whether there is anything there.

    Text is put together once for each distinct value: a borough has a hundred thousand homes and few numbers.
    """
    places, spoken = [], []
    for column in columns:
        words, at = BY_NAME[names[column]].vocabulary(values[:, column], known_to)
        places.append(at + sum(len(known) for known in vocabulary))
        spoken.append((words != "")[at])
        vocabulary.append(words)
    return np.column_stack(places), np.column_stack(spoken)
