"""What features and scores looked like when a model was trained: counts in bins by borough, in a file beside the model.

No value of any home is in it, only how many homes lie between two numbers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.hmo import model_file
from models.hmo.days import Floats, Ints, Numbers

BINS = 10
SCORE = "score"
"""The name under which the probability is profiled beside the features."""


@dataclass(frozen=True)
class Profiles:
    """Bins and counts of a model's training day.

    `edges` holds by feature the upper ends of all bins but the last, the same for every borough. `counts` holds by
    borough and feature the homes in each bin, and last those whose value is missing.
    """

    edges: Mapping[str, Floats]
    counts: Mapping[str, Mapping[str, Ints]]

    def of(self, borough: str) -> Mapping[str, Ints] | None:
        """A borough's counts; None where the model was trained without it."""
        return self.counts.get(borough)


def edges_of(values: Numbers) -> Floats:
    """Upper ends of bins that hold about a tenth of the known values each; fewer where values repeat."""
    return _edges_of(_in_order(values))


def binned(values: Numbers, edges: Floats) -> Ints:
    """How many values lie in each bin (up to and with its upper end), and last how many are missing."""
    return _binned(_in_order(values), len(values), edges)


def _in_order(values: Numbers) -> Numbers:
    """The known values in order, in single precision, as a trial keeps its features.

    Numbers of four bytes are sorted in a tenth of the time that it takes to find the bin of each.
    """
    ordered = np.sort(values.astype(np.float32))  # what is missing comes last
    return ordered[: np.searchsorted(ordered, np.float32(np.nan))]


def _edges_of(ordered: Numbers) -> Floats:
    if not len(ordered):
        return np.zeros(0)
    ranks = -(-np.arange(1, BINS) * len(ordered) // BINS)
    return np.unique(ordered[ranks - 1]).astype(float)


def _binned(ordered: Numbers, homes: int, edges: Floats) -> Ints:
    below = np.searchsorted(ordered, edges.astype(np.float32), side="right")
    return np.diff(below, prepend=0, append=[len(ordered), homes]).astype(np.int64)


def measure(names: tuple[str, ...], boroughs: Mapping[str, tuple[Numbers, Floats]]) -> Profiles:
    """Profiles of every borough.

    Args:
        names: of the features, in the order of their columns.
        boroughs: by borough its features, shape (homes, features), and probabilities of its homes or of some of them.
    """
    edges: dict[str, Floats] = {}
    counts: dict[str, dict[str, Ints]] = {borough: {} for borough in boroughs}
    # A feature at a time: all features of all of London at once would fill the memory.
    for at, name in enumerate([*names, SCORE]):
        own = {
            borough: _in_order(score if name == SCORE else values[:, at])
            for borough, (values, score) in boroughs.items()
        }
        edges[name] = edges_of(np.concatenate([np.zeros(0, np.float32), *own.values()]))
        for borough, column in own.items():
            homes = len(boroughs[borough][1] if name == SCORE else boroughs[borough][0])
            counts[borough][name] = _binned(column, homes, edges[name])
    return Profiles(edges, counts)


def name_of(model_id: str) -> str:
    """The name of the file of a model's profiles, which lies beside the model."""
    return f"{model_id}.profiles.json"


def write(profiles: Profiles, model_id: str) -> None:
    """Keep the profiles beside the model."""
    content: dict[str, Any] = {
        "edges": {name: edges.tolist() for name, edges in profiles.edges.items()},
        "counts": {b: {name: counts.tolist() for name, counts in own.items()} for b, own in profiles.counts.items()},
    }
    model_file.kept().write_bytes(name_of(model_id), f"{json.dumps(content, sort_keys=True)}\n".encode())


def read(model_id: str) -> Profiles | None:
    """The profiles of a model; None where there are none, as of a model that was trained before they were kept."""
    found = model_file.kept().read_bytes(name_of(model_id))
    if found is None:
        return None
    content = json.loads(found)
    return Profiles(
        {name: np.asarray(edges, dtype=float) for name, edges in content["edges"].items()},
        {
            borough: {name: np.asarray(counts, dtype=np.int64) for name, counts in own.items()}
            for borough, own in content["counts"].items()
        },
    )
