"""The rows of a kept extract as text, to be searched for somebody whose records are erased."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import HeldDrop
from pipelines.core.ledger.models import Drop
from pipelines.extracts.chunk import RaggedRows
from pipelines.extracts.intake import Extract, raw_extract
from pipelines.extracts.layout import choose_layout
from schemas.mapping import Shape


def rows_as_text(drop: Drop) -> Iterator[pa.Array]:
    """Each row of a drop's bytes as one text, cells with a blank between, some rows at a time.

    Read by the borough's layout, or as it looks where none fits.

    Raises:
        LodaError: the bytes cannot be divided into rows.
    """
    extract = raw_extract(drop)
    shape, names = _shape(drop, extract)
    ragged = RaggedRows()
    for chunk in extract.rows(shape, names, ragged):
        columns = [pc.fill_null(column.cast(pa.string()), "") for column in chunk.table.columns]
        if columns:
            yield pc.binary_join_element_wise(*columns, " ")
    yield pa.array(ragged.texts, pa.string())


def _shape(drop: Drop, extract: Extract) -> tuple[Shape, list[str]]:
    try:
        mapping, names = choose_layout(drop.borough, drop.dataset, extract)
    except HeldDrop:
        from pipelines.extracts.recognise import recognise

        found = recognise(extract)
        return found.shape, found.headings
    return mapping.shape, names
