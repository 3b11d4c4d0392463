"""Data files of a lake table, written before the commit that names them, with memory for one batch of rows.

Delta's own writer keeps encoded files in memory until it finds time to store them, which is long after on a busy
machine: 80 bytes for each row, measured. A file that no commit names is seen by no reader, and the retention run takes
it away.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from pipelines.core.bucket import Folder

ROWS_A_FILE = 2_000_000
OPTIONS: dict[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    # Given up soon on a column of tokens that are all different.
    "dictionary_pagesize_limit": 64 * 1024,
}


def write_files(url: str, rows: pa.RecordBatchReader, partition: Mapping[str, str]) -> list[AddAction]:
    """Write rows as the Parquet files of one partition of the table at `url`; what a commit has to add, none for none.

    The partition's columns are not in the files: the commit says what they are.
    """
    folder = Folder(url)
    where = "/".join(f"{name}={quote(value, safe='')}" for name, value in partition.items())
    schema = pa.schema([field for field in rows.schema if field.name not in partition])
    batches = iter(rows)
    made = []
    batch = next(batches, None)
    while batch is not None:
        path = f"{where}/part-{uuid.uuid4()}.zstd.parquet"
        size = 0
        with folder.write(path) as handle:
            with pq.ParquetWriter(handle, schema, **OPTIONS) as writer:
                while batch is not None and size < ROWS_A_FILE:
                    writer.write_batch(batch.select(schema.names))
                    size += batch.num_rows
                    batch = next(batches, None)
            length = handle.tell()
        made.append(
            AddAction(
                path=quote(path, safe="/="),
                size=length,
                partition_values=dict(partition),
                modification_time=int(time.time() * 1000),
                data_change=True,
                stats=json.dumps({"numRecords": size}),
            )
        )
    return made
