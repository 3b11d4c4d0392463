"""Where the files of one drop lie on their way: raw bytes, harmonised rows, issues, quarantined rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.bucket import Folder
from pipelines.core.settings import settings


def raw_folder() -> Folder:
    """Where every dropped byte is kept, under the SHA-256 of the file."""
    return Folder(f"{settings().lake_url.rstrip('/')}/raw")


class IntakeFiles:
    """The files of one drop between admission and publication; each is written whole or not at all."""

    def __init__(self, drop_id: str) -> None:
        self.folder = Folder(f"{settings().lake_url.rstrip('/')}/intake/{drop_id}")

    @contextmanager
    def writer(self, name: str, schema: pa.Schema) -> Iterator[pq.ParquetWriter]:
        """Write a Parquet file in pieces."""
        with self.folder.write(f"{name}.parquet") as handle, pq.ParquetWriter(handle, schema) as writer:
            yield writer

    def write(self, name: str, table: pa.Table) -> None:
        """Write a Parquet file at once."""
        with self.writer(name, table.schema) as writer:
            writer.write_table(table)

    def read(self, name: str, columns: list[str] | None = None) -> pa.Table:
        """Read a Parquet file."""
        with self.folder.read(f"{name}.parquet") as handle:
            return pq.read_table(handle, columns=columns)

    def remove(self, name: str) -> None:
        """Delete one of the files."""
        self.folder.remove(f"{name}.parquet")
