"""Bytes to chunks of text columns, with the row numbers that the officer's own program shows."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import IO

from pipelines.extracts.addressbase import addressbase_chunks, addressbase_headings
from pipelines.extracts.archive import unpacked
from pipelines.extracts.chunk import REPLACEMENT, Chunk, RaggedRows, name_headings
from pipelines.extracts.csv_text import csv_chunks, text_rows
from pipelines.extracts.heading import find_heading, names_of
from pipelines.extracts.parquet import parquet_chunks, parquet_headings
from pipelines.extracts.pdf import pdf_chunks, pdf_table_rows
from pipelines.extracts.recognise_heading import has_headings
from pipelines.extracts.workbook import workbook_chunks, workbook_rows
from schemas.mapping import Shape

__all__ = ["REPLACEMENT", "Chunk", "RaggedRows", "chunks", "headings", "name_headings"]

LOOKED_AT = 200


def headings(handle: IO[bytes], shape: Shape) -> list[str]:
    """The headings of a file if it has this shape; empty when the shape's heading row is not there.

    For a shape without headings the columns' positions are returned, unless the file does have headings.

    Raises:
        RefusedDrop: the file cannot be divided into cells.
    """
    with unpacked(handle) as content:
        if shape.format == "parquet":
            return parquet_headings(content)
        if shape.format == "addressbase":
            return addressbase_headings(content, shape)
        rows = _rows(content, shape)
        if shape.header_row == 0:
            top = list(islice(rows, LOOKED_AT))
            if has_headings(top):
                return []
            rows = iter(top)
        heading, _ = find_heading(rows, shape)
        return [] if heading is None else names_of(heading, shape)


def _rows(content: IO[bytes], shape: Shape) -> Iterator[list[str]]:
    if shape.format == "xlsx":
        return workbook_rows(content, shape)
    return pdf_table_rows(content) if shape.format == "pdf" else text_rows(content, shape)


def chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    """The rows below the heading, a chunk at a time; ragged rows and rows that are no data are put in `ragged` instead.

    Raises:
        RefusedDrop: the file cannot be divided into rows.
    """
    if not names:
        return
    with unpacked(handle) as content:
        if shape.format == "parquet":
            yield from parquet_chunks(content, names)
        elif shape.format == "addressbase":
            yield from addressbase_chunks(content, shape, names, ragged)
        elif shape.format == "xlsx":
            yield from workbook_chunks(content, shape, names, ragged)
        elif shape.format == "pdf":
            yield from pdf_chunks(content, shape, names, ragged)
        else:
            yield from csv_chunks(content, shape, names, ragged)
