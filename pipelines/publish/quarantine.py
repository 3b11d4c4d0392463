"""The quarantined rows of a drop as the officer wrote them, with why and what to do, to be corrected and dropped."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.core.bucket import Folder
from pipelines.core.errors import NotFound
from pipelines.core.ledger.models import Drop
from pipelines.extracts import RaggedRows
from pipelines.extracts.correction import OURS
from pipelines.extracts.decode import Chunk
from pipelines.extracts.guarded import guarded, guarded_text
from pipelines.publish.faults import Reasons
from schemas import registry
from schemas.mapping import Mapping


def mapping_of(drop: Drop) -> Mapping | None:
    """The layout a drop was read with; None for one that was not read.

    Raises:
        NotFound: it was renamed or taken away while the drop was on its way.
    """
    if drop.mapping_name is None:
        return None
    for mapping in registry.mappings(drop.borough, drop.dataset):
        if mapping.name == drop.mapping_name:
            return mapping
    raise NotFound(f"The mapping '{drop.mapping_name}' that drop {drop.id} was read with is no longer there.")


class QuarantineWriter:
    """Writes the quarantined rows that it is shown, in the officer's own columns plus `_row`, `_reason`, `_how_to_fix`.

    Every cell is written so that a spreadsheet takes it for text, and so that it is the same again when the corrected
    file is dropped.
    """

    def __init__(self, target: IO[bytes], names: list[str], reasons: Reasons) -> None:
        self._names, self._reasons = names, reasons
        self._schema = pa.schema([(name, pa.string()) for name in (*map(guarded_text, names), *OURS)])
        target.write(codecs.BOM_UTF8)  # lets a spreadsheet program read the file as UTF-8
        self._pen = pacsv.CSVWriter(target, self._schema)
        self.rows = 0

    def take(self, chunk: Chunk) -> None:
        """Write those of these rows that are quarantined."""
        hit = np.isin(chunk.row_numbers, self._reasons.numbers)
        if hit.any():
            self._write(chunk.table.filter(pa.array(hit)).columns, chunk.row_numbers[hit])

    def take_torn(self, ragged: RaggedRows) -> None:
        """Write the rows that could not be divided into cells: their text, as it came, in the first one."""
        if ragged.numbers:
            texts = pa.array(ragged.texts, pa.string())
            blank = pa.repeat(pa.scalar(""), len(texts))
            self._write([texts, *[blank] * (len(self._names) - 1)], np.array(ragged.numbers, np.int64))

    def _write(self, columns: Iterable[pa.ChunkedArray | pa.Array], numbers: npt.NDArray[np.int64]) -> None:
        told = [pa.array(numbers).cast(pa.string()), *map(guarded, self._reasons.told(numbers))]
        self._pen.write_table(pa.table([*map(guarded, columns), *told], schema=self._schema))
        self.rows += len(numbers)

    def close(self) -> None:
        """Write what is left."""
        self._pen.close()


class _Hashing:
    """A file that is hashed while it is written."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target
        self.digest = hashlib.sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._target.write(content)

    def flush(self) -> None:
        self._target.flush()

    @property
    def closed(self) -> bool:
        return self._target.closed


@contextmanager
def quarantine_file(
    bucket: Folder,
    path: str,
    names: list[str],
    reasons: Reasons,
    before_it_appears: Callable[[str, npt.NDArray[np.int64]], None],
) -> Iterator[QuarantineWriter]:
    """A file of quarantined rows that appears at `path` when the block ends well.

    Just before, `before_it_appears` is told its SHA-256 and the numbers of its rows, so that the file is known for ours
    however early it is seen.
    """
    with bucket.write(path) as target:
        hashing = _Hashing(target)
        writer = QuarantineWriter(hashing, names, reasons)  # type: ignore[arg-type] # all of a file that is needed
        yield writer
        writer.close()
        before_it_appears(hashing.digest.hexdigest(), reasons.numbers)


def read_once(chunks: Iterable[Chunk], readers: Iterable[Callable[[Chunk], None]], until: int | None = None) -> None:
    """Show every chunk of an extract to readers, up to the row `until` where nobody needs more."""
    for chunk in chunks:
        for reader in readers:
            reader(chunk)
        if until is not None and len(chunk.row_numbers) and int(chunk.row_numbers[-1]) >= until:
            break
