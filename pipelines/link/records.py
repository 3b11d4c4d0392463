"""The borough's address-bearing records, and the distinct addresses among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address import parse
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
        rows: one row a record: dataset (category), record_id, uprn (empty where there is none), address
            (row of `addresses`).
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
    found = pc.extract_regex(encoded.dictionary, rf"(?s)^(?P<address>.*){SEPARATOR}(?P<postcode>.*)$")
    address, postcode = (pc.struct_field(found, name) for name in ("address", "postcode"))
    parsed = parse(address, postcode, places=whole.places, streets=pa.array(streets.table["text"], pa.string()))
    key = parsed["canonical"]
    for part in ("postcode", *BESIDE_CANONICAL):
        key = key + SEPARATOR + parsed[part]
    number, first = _distinct(key)
    distinct = parsed.iloc[first].reset_index(drop=True)
    addresses = fold(distinct, whole.given_streets).assign(
        **{name: distinct[name] for name in ("canonical", *BESIDE_CANONICAL)}
    )
    sizes = [table.num_rows for table in tables.values()]
    rows = pd.DataFrame(
        {
            "dataset": pd.Categorical(np.repeat(np.array(list(tables), dtype=object), sizes)),
            "record_id": np.concatenate([table["record_id"].to_numpy() for table in tables.values()]),
            "uprn": pd.concat([table["uprn"].to_pandas() for table in tables.values()], ignore_index=True).fillna(""),
            "address": number[encoded.indices.to_numpy(zero_copy_only=False)],
        }
    )
    return Records(rows, addresses)


def _distinct(key: pd.Series[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """For each text the number of its distinct value, and the first position of each value.

    Values are numbered in their own order, so that the order of records changes nothing.
    """
    codes, values = pd.factorize(key, sort=True)
    first = np.zeros(len(values), np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    return codes.astype(np.int64), first
