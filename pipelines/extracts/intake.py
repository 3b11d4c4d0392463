"""Where the files of one drop lie on their way: raw bytes, harmonised rows, issues, quarantined rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.core.bucket import Folder
from pipelines.core.settings import settings
from pipelines.extracts.archive import member_kind, unpacked
from pipelines.extracts.chunk import Numbers
from pipelines.extracts.decode import Chunk, RaggedRows, chunks
from pipelines.extracts.few_rows import few_lines, rows_of_lines
from schemas.mapping import Shape

if TYPE_CHECKING:
    from pipelines.core.ledger.models import Drop


def raw_folder() -> Folder:
    """Where every dropped byte is kept, under the SHA-256 of the file."""
    return Folder(f"{settings().lake_url.rstrip('/')}/raw")


@dataclass(frozen=True)
class Extract:
    """The bytes of an extract: the folder and path where they lie, and the ending of the file's own name (`.csv`)."""

    folder: Folder
    path: str
    kind: str

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """Open it to read bytes from the start."""
        return self.folder.read(self.path)

    def content_kind(self) -> str:
        """The ending of the file's name, or for a ZIP archive that of the one file in it.

        Raises:
            RefusedDrop: the archive does not hold exactly one file that can be read.
        """
        if self.kind != ".zip":
            return self.kind
        with self.open() as handle:
            return member_kind(handle)

    def rows(self, shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
        """The rows below the headings, a chunk at a time, each with its number; ragged ones are put in `ragged`.

        Raises:
            RefusedDrop: the file cannot be divided into rows.
        """
        with self.open() as handle:
            yield from chunks(handle, shape, names, ragged)

    def rows_among(
        self, wanted: Numbers, counted: int, shape: Shape, names: list[str], ragged: RaggedRows
    ) -> Iterator[Chunk]:
        """The rows with these numbers, and others where it is as quick to read all of the `counted` rows that it has.

        Raises:
            RefusedDrop: the file cannot be divided into rows.
        """
        # The first line too: a file begins in its own way, as with a byte order mark.
        numbers = np.union1d(wanted[wanted > shape.header_row], 1)
        with self.open() as handle, unpacked(handle) as content:
            lines = few_lines(content, shape, numbers, counted)
        if lines is None:
            yield from self.rows(shape, names, ragged)
        else:
            yield from rows_of_lines(lines, shape, names, numbers, ragged)


def raw_extract(drop: Drop) -> Extract:
    """The bytes of an admitted drop, as they were dropped."""
    return Extract(raw_folder(), drop.sha256, PurePosixPath(drop.path).suffix.lower())


class IntakeFiles:
    """The files of one drop between admission and publication; each is written whole or not at all.

    They lie in the lake under the drop's name, or in a folder of their own for a rehearsal.
    """

    def __init__(self, drop_id: str, folder: Folder | None = None) -> None:
        self.folder = folder or Folder(f"{settings().lake_url.rstrip('/')}/intake/{drop_id}")

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

    def batches(self, name: str, columns: list[str] | None = None, rows: int = 250_000) -> Iterator[pa.Table]:
        """Read a Parquet file about so many rows at a time, so that memory does not grow with it; nothing for no rows.

        By whole row groups: a reader that runs over several of them keeps what it has read until it is done.
        """
        with self.folder.read(f"{name}.parquet") as handle:
            file = pq.ParquetFile(handle)
            groups: list[int] = []
            held = 0
            for group in range(file.num_row_groups):
                groups.append(group)
                held += file.metadata.row_group(group).num_rows
                if held >= rows or group == file.num_row_groups - 1:
                    if held:
                        yield file.read_row_groups(groups, columns=columns)
                    groups, held = [], 0

    def remove(self, name: str) -> None:
        """Delete one of the files."""
        self.folder.remove(f"{name}.parquet")
