"""A few rows of separated text that was read before, without dividing all the others into cells once more."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyarrow as pa

from pipelines.core.settings import MIB
from pipelines.extracts.chunk import Chunk, Numbers, RaggedRows
from pipelines.extracts.csv_text import csv_chunks
from schemas.mapping import Shape

BLOCK_BYTES = 8 * MIB
ONE_IN = 10
"""Of so many rows at most one is wanted; more are read like all others, and not kept in memory."""
LINE_END, RETURN = ord("\n"), ord("\r")


def few_lines(content: IO[bytes], shape: Shape, numbers: Numbers, rows: int) -> bytes | None:
    """The lines of a file that are rows of these ascending numbers; None where they cannot be told by their ends alone.

    They can if the file has no more lines than its `rows` and what stands above them: each row is one line then, and no
    cell holds the end of one.
    """
    if len(numbers) * ONE_IN > rows or shape.format != "csv" or not shape.plain:
        return None
    if "\n".encode(shape.encoding) != b"\n":
        return None
    found: list[bytes] = []
    seen = 0
    for block in _blocks(content):
        lines = _lines(block)
        if lines is None:
            return None
        here = numbers[(numbers > seen) & (numbers <= seen + len(lines))]
        found += lines.take(pa.array(here - seen - 1)).to_pylist()
        seen += len(lines)
    return b"".join(found) if seen == shape.header_row + rows else None


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    """The file in pieces that end with a line; one that does not says that its lines are too long to be rows."""
    left = b""
    while block := content.read(BLOCK_BYTES):
        cut = block.rfind(b"\n") + 1
        yield left + block[:cut]
        left = block[cut:]
    if left:
        yield left + b"\n"


def _lines(block: bytes) -> pa.Array | None:
    """The lines of a block; None where a row may end without one."""
    signs = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(signs == LINE_END)
    returns = np.count_nonzero(signs == RETURN)
    if not block.endswith(b"\n") or returns != np.count_nonzero(signs[ends - 1] == RETURN):
        return None
    bounds = np.concatenate([[0], ends + 1]).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(ends), [None, pa.py_buffer(bounds), pa.py_buffer(block)])


def rows_of_lines(
    lines: bytes, shape: Shape, names: list[str], numbers: Numbers, ragged: RaggedRows
) -> Iterator[Chunk]:
    """The rows of the lines with these numbers, of which the first is that of the file."""
    torn = RaggedRows()
    alone = shape.model_copy(update={"header_row": min(shape.header_row, 1)})
    for chunk in csv_chunks(io.BytesIO(lines), alone, names, torn):
        yield Chunk(chunk.table, numbers[chunk.row_numbers - 1])
    ragged.numbers += numbers[np.array(torn.numbers, np.int64) - 1].tolist()
    ragged.texts += torn.texts
