"""The borough's address-bearing records, and the distinct addresses among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.parse import parse_table
from pipelines.link.places import fold
from pipelines.link.spine import Spine, Whole
from pipelines.link.streets import Streets

NEEDED = ("record_id", "address", "postcode", "uprn")
SEPARATOR = "\x1f"
BESIDE_CANONICAL = ("words", "place", "units")
"""What two addresses of one canonical form may differ in."""


@dataclass(frozen=True)
class Records:
    """Every record with an address, and each distinct address once.

    Attributes:
        rows: one row a record: dataset (category), record_id, uprn (category, empty where there is none),
            address (row of `addresses`).
        addresses: distinct canonical address, postcode and words: columns `FOLDED`, canonical, words, place and
            units (a run of several flats, as `parse` gives it).
    """

    rows: pd.DataFrame
    addresses: pd.DataFrame


def datasets_with_address() -> tuple[str, ...]:
    """Datasets whose records are tied to a property; the gazetteer is what they are tied to."""
    from schemas import registry

    return tuple(
        name
        for name, contract in registry.contracts().items()
        if name != "gazetteer" and {"address", "postcode", "uprn"} <= contract.by_name.keys()
    )


def read_records(borough: str, spine: Spine) -> Records:
    """All records with an address of a borough, parsed once for each distinct text."""
    from pipelines.governance import access  # a file is linked without the lake and the ledger

    tables = {
        dataset: access.read_dataset(dataset, boroughs=[borough], purpose="hmo_detection", columns=NEEDED)
        for dataset in datasets_with_address()
    }
    return make_records(tables, spine.whole, spine.streets)


def make_records(tables: dict[str, pa.Table], whole: Whole, streets: Streets) -> Records:
    """Records from tables with the columns `NEEDED`, one a dataset, read with the gazetteer's places and streets."""
    texts = pa.chunked_array(
        [
            pc.binary_join_element_wise(
                pc.fill_null(table["address"], ""), pc.fill_null(table["postcode"], ""), SEPARATOR
            ).combine_chunks()
            for table in tables.values()
        ],
        pa.string(),
    ).combine_chunks()
    encoded = texts.dictionary_encode()
    del texts
    both = pc.split_pattern(encoded.dictionary, SEPARATOR, max_splits=1, reverse=True)
    address, postcode = (pc.list_element(both, at) for at in (0, 1))
    parsed = parse_table(address, postcode, places=whole.places, streets=pa.array(streets.table["text"], pa.string()))
    key = [parsed[part].combine_chunks() for part in ("canonical", "postcode", *BESIDE_CANONICAL)]
    number, first = _distinct(pc.binary_join_element_wise(*key, SEPARATOR))
    distinct = parsed.take(pa.array(first)).to_pandas()
    addresses = fold(distinct, whole.given_streets).assign(
        **{name: distinct[name] for name in ("canonical", *BESIDE_CANONICAL)}
    )
    uprn = pa.chunked_array([chunk for table in tables.values() for chunk in table["uprn"].chunks], pa.string())
    rows = pd.DataFrame(
        {
            "dataset": _datasets(tables).to_pandas(),
            "record_id": np.concatenate([table["record_id"].to_numpy() for table in tables.values()]),
            "uprn": pc.fill_null(uprn.combine_chunks(), "").dictionary_encode().to_pandas(),
            "address": number[encoded.indices.to_numpy(zero_copy_only=False)],
        }
    )
    return Records(rows, addresses)


def _datasets(tables: dict[str, pa.Table]) -> pa.DictionaryArray:
    """The dataset of each record."""
    filled = sorted(name for name, table in tables.items() if table.num_rows)
    number = [filled.index(name) for name in tables if name in filled]
    sizes = [table.num_rows for table in tables.values() if table.num_rows]
    return pa.DictionaryArray.from_arrays(pa.array(np.repeat(number, sizes), pa.int8()), pa.array(filled, pa.string()))


def _distinct(key: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each text the number of its distinct value, and the first position of each value.

    Values are numbered in their own order, so that the order of records changes nothing.
    """
    encoded = key.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary).to_numpy()
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    codes = number[encoded.indices.to_numpy()]
    first = np.zeros(len(order), np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes, first
