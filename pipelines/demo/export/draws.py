"""Random draws that hang on a record's own key and nothing else.

A fault is decided by a hash of seed, borough, dataset and record key, never by the order of
rows or by how many there are. So the same record carries the same mistyped address and the
same impossible date on every night, as it does in a real system until somebody mends it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

Keys = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Texts = npt.NDArray[np.object_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)


def keys(columns: Sequence[pd.Series], salt: str) -> Keys:
    """One 64-bit key for each row of the columns, the same whenever salt and cells are."""
    mixed = np.full(len(columns[0]), _word(salt), dtype=np.uint64)
    for column in columns:
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            hashed = column.to_numpy().astype("datetime64[D]").astype(np.int64).astype(np.uint64)
        else:
            hashed = pd.util.hash_array(column.astype(object).fillna("").astype(str).to_numpy(object), categorize=False)
        mixed = _scatter(mixed ^ hashed)
    return mixed


def uniform(of: Keys, purpose: str) -> npt.NDArray[np.float64]:
    """A number from 0 up to 1 for each key; every purpose draws anew."""
    shifted: npt.NDArray[np.uint64] = _scatter(of ^ _word(purpose)) >> np.uint64(11)
    return shifted.astype(np.float64) * 2.0**-53


def chosen(of: Keys, purpose: str, rate: float) -> Mask:
    """Which keys a fault of this rate falls on."""
    return uniform(of, purpose) < rate


def pick(of: Keys, purpose: str, choices: Sequence[str]) -> Texts:
    """One of the choices for each key, all equally likely."""
    among = np.array(list(choices), dtype=object)
    return among[whole(of, purpose, len(among))]


def whole(of: Keys, purpose: str, below: int) -> Rows:
    """A whole number from 0 up to `below` for each key."""
    return (uniform(of, purpose) * below).astype(np.int64)


def _word(text: str) -> np.uint64:
    return np.uint64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little"))


def _scatter(values: Keys) -> Keys:
    # SplitMix64 (Steele, Lea, Flood 2014): neighbouring keys come out unrelated.
    mixed = values + _GOLDEN
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    return mixed ^ (mixed >> np.uint64(31))
