"""Which record a row is: a number that stays the same from night to night, and whether it stood in the file before."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.hashing import hash_rows
from pipelines.harmonise.column import Mask
from schemas.contract import Contract
from schemas.mapping import Mapping

Ids = npt.NDArray[np.int64]


def record_ids(table: pa.Table, contract: Contract, mapping: Mapping) -> Ids:
    """A number for each record that stays the same from night to night: of its key, or of the whole row without one."""
    salt = f"{mapping.borough}|{mapping.dataset}|{mapping.source}"
    names = list(contract.key)
    ids = hash_columns(table.select(names), salt)
    if len(names) == 1 and table.column(names[0]).null_count:
        keyless = pc.is_null(table.column(names[0])).combine_chunks()
        whole = table.drop_columns([contract.known_since]).filter(keyless).to_pandas()
        ids[np.asarray(keyless)] = hash_rows(whole, salt=salt + "|whole row")
    return ids


def hash_columns(table: pa.Table, salt: str) -> Ids:
    """What `pipelines.core.hashing.hash_rows` gives for the same rows of text and dates, at a third of its cost."""
    key = hashlib.sha256(salt.encode()).hexdigest()[:16]
    left = table.num_columns
    mixed = np.full(table.num_rows, 0x345678, np.uint64)
    factor = np.uint64(1000003)
    for column in table.columns:  # as pandas combines the hashes of a row's cells
        mixed = (mixed ^ _hashes(column, key)) * factor
        factor += np.uint64(82520 + 2 * left)
        left -= 1
    return (mixed + np.uint64(97531)).view(np.int64)


def _hashes(column: pa.ChunkedArray, key: str) -> npt.NDArray[np.uint64]:
    text = pc.fill_null(column.cast(pa.string()), "").combine_chunks()
    if isinstance(text, pa.ChunkedArray):
        text = pa.concat_arrays(text.chunks)
    if pa.types.is_string(column.type):
        return pd.util.hash_array(text.to_numpy(zero_copy_only=False), hash_key=key, categorize=False)
    encoded = text.dictionary_encode()
    hashed = pd.util.hash_array(encoded.dictionary.to_numpy(zero_copy_only=False), hash_key=key, categorize=False)
    found: npt.NDArray[np.uint64] = hashed[encoded.indices.to_numpy()]
    return found


class SeenRecords:
    """The records of the rows kept so far, exact, in 8 bytes each.

    They lie in sorted runs, each at least twice as long as the next, so that adding and looking up cost little more
    for the last chunk of a long file than for the first.
    """

    def __init__(self) -> None:
        self._runs: list[Ids] = []

    def copies(self, ids: Ids, kept: Mask) -> Mask:
        """Which of the rows to be kept are a record that stood in an earlier row; the others are remembered."""
        among = np.flatnonzero(kept)
        order = among[np.argsort(ids[among], kind="stable")]
        found = np.zeros(len(ids), bool)
        ascending = ids[order]
        found[order[1:]] = ascending[1:] == ascending[:-1]
        for run in self._runs:
            place = np.minimum(np.searchsorted(run, ascending), len(run) - 1)
            found[order] |= run[place] == ascending
        self._remember(ascending[~found[order]])
        return found

    def _remember(self, run: Ids) -> None:
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = np.concatenate([self._runs.pop(), run])
            run.sort(kind="stable")
        if len(run):
            self._runs.append(run)
