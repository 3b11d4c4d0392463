"""The `rows` of a drop on disk: what may be accepted, with the platform's own columns before the contract's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.ledger.models import Drop
from pipelines.extracts import IntakeFiles
from pipelines.harmonise.column import Mask
from schemas.contract import PLATFORM_FIELDS, Contract
from schemas.mapping import Mapping

SAME_IN_EVERY_ROW = ("borough", "source", "drop_id")
WORD = pa.dictionary(pa.int8(), pa.string())


@contextmanager
def row_writer(files: IntakeFiles, contract: Contract) -> Iterator[pq.ParquetWriter]:
    """Write `rows` in pieces.

    The file lives until the drop is published, a few minutes later on the same machines, so it is written to be quick
    rather than small: no compression, and words kept once only where they are few.
    """
    schema = _written(contract)
    few = [field.name for field in contract.fields if field.codes or field.type == "date"]
    with (
        files.folder.write("rows.parquet") as handle,
        pq.ParquetWriter(
            handle,
            schema,
            compression="none",
            use_dictionary=[*SAME_IN_EVERY_ROW, *few],
            write_statistics=False,
            store_schema=False,
        ) as writer,
    ):
        yield writer


def _written(contract: Contract) -> pa.Schema:
    plain = contract.arrow_schema()
    return pa.schema([field.with_type(WORD) if field.name in SAME_IN_EVERY_ROW else field for field in plain])


def accepted_rows(
    table: pa.Table,
    drop: Drop,
    mapping: Mapping,
    numbers: npt.NDArray[np.int64],
    ids: npt.NDArray[np.int64],
    kept: Mask,
) -> pa.Table:
    """The kept rows of a chunk as `row_writer` takes them."""
    size = table.num_rows
    fixed = [
        pa.DictionaryArray.from_arrays(np.zeros(size, np.int8), pa.array([value], pa.string()))
        for value in (drop.borough, mapping.source, drop.id)
    ]
    fields = [field.with_type(WORD) if field.name in SAME_IN_EVERY_ROW else field for field in PLATFORM_FIELDS]
    whole = pa.table([*fixed, pa.array(numbers), pa.array(ids)], schema=pa.schema(fields))
    for name in table.column_names:
        whole = whole.append_column(name, table.column(name))
    return whole if kept.all() else whole.filter(pa.array(kept))
