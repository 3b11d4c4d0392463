"""From the columns of an extract to the text of a field: decode is done, this is map and patch.

A column with few different cells is worked on once for each of them, not once a row.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.harmonise.cell_bytes import has_size
from pipelines.harmonise.codes import words_known
from pipelines.harmonise.column import NO_TEXT, Column, Mask, Places, true
from pipelines.harmonise.text import tidied
from schemas.contract import Field
from schemas.mapping import FieldMap, Mapping

LOOKED_AT, MANY = 4096, 1024
"""Of so many cells at the top of a chunk at most so many different ones: then each is worked on once."""


@dataclass
class Cells:
    """Text of a field: `column` holds each distinct text once, and `places` which of them stands in each row.

    `places` is None where `column` has a text for each row.
    """

    column: Column
    places: Places | None


class SourceColumns:
    """The columns of one chunk, each tidied once however many fields it feeds."""

    def __init__(self, table: pa.Table, mapping: Mapping) -> None:
        self.table, self.mapping = table, mapping
        self._tidy: dict[str, Cells] = {}
        self._told: set[str] = set()

    def there(self, how: FieldMap) -> list[str]:
        """Which of a field's columns this file has; optional ones may be missing."""
        return [name for name in how.sources if name in self.table.column_names]

    def text(self, how: FieldMap, target: Field) -> tuple[Cells, dict[str, Mask]]:
        """The text of a field after tidying, blanks, joining, patches, extraction and default, with what was changed.

        The changes are by row; `Cells` has none of its own yet.
        """
        parts = [self._part(name, how, target) for name in self.there(how)]
        by_row: dict[str, Mask] = {}
        if len(parts) == 1:
            cells = parts[0]
        else:
            wide = [part.column.at(part.places) for part in parts]
            cells = Cells(Column(joined([column.values for column in wide], how.join)), None)
            for column in wide:
                cells.column.add(column.faults)
            broken = cells.column.faults.pop("undecodable_text", None)
            if broken is not None:  # an address without one of its parts is another address
                cells.column.blank("undecodable_text", broken)
        if target.type in {"date", "integer", "boolean"} or target.codes is not None or how.values:
            by_row, cells = _apart(cells)
        self._patch(cells.column, target)
        _extract(cells.column, how)
        return cells, by_row

    def _part(self, name: str, how: FieldMap, target: Field) -> Cells:
        tidy = self._column(name)
        faults = {} if name in self._told else tidy.column.faults  # a change of a cell is told once
        self._told.add(name)
        part = Column(tidy.column.values, dict(faults))
        if "undecodable_text" in tidy.column.faults:
            part.fault("undecodable_text", tidy.column.faults["undecodable_text"])
        spared = words_known(how.values, target) if target.codes is not None or how.values else set()
        _blank(part, [word for word in self.mapping.blanks if word.casefold() not in spared])
        return Cells(part, tidy.places)

    def _column(self, name: str) -> Cells:
        if name not in self._tidy:
            text = self.table.column(name).combine_chunks()
            places = None
            if pc.count_distinct(text.slice(0, LOOKED_AT)).as_py() <= min(MANY, len(text) // 4):
                encoded = text.dictionary_encode()
                text, places = encoded.dictionary, _places(encoded)
            self._tidy[name] = Cells(tidied(text), places)
        return self._tidy[name]

    def _patch(self, column: Column, target: Field) -> None:
        for pattern, by in self.mapping.patches.get(target.name, {}).items():
            after = pc.replace_substring_regex(column.values, pattern, by)
            column.fault("patched", true(pc.not_equal(after, column.values)))
            column.values = pc.if_else(pc.equal(after, ""), NO_TEXT, after)


def joined(parts: list[pa.Array], separator: str) -> pa.Array:
    """Parts in one text, blank ones left out; null where all are.

    By pairs, because Arrow 26's own join with `null_handling="skip"` loses the rows in
    which every part is null.
    """
    text = parts[0]
    for part in parts[1:]:
        both = pc.binary_join_element_wise(text, part, separator)
        text = pc.coalesce(both, text, part)
    return text


def _places(encoded: pa.DictionaryArray) -> Places:
    # A null has a place of its own: one past the last.
    places: Places = pc.fill_null(encoded.indices, len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return places


def _apart(cells: Cells) -> tuple[dict[str, Mask], Cells]:
    """Each distinct text once, and what was noted by row so far."""
    if cells.places is not None:
        return {}, cells
    encoded = cells.column.values.dictionary_encode()
    values = pa.concat_arrays([encoded.dictionary, pa.nulls(1, pa.string())])
    return cells.column.faults, Cells(Column(values), _places(encoded))


def _blank(column: Column, words: list[str]) -> None:
    """Cells that say 'nothing here' become null; those that say it in words are noted."""
    short = has_size(column.values, {len(word.encode()) for word in words})
    if not short.any():
        return
    few = column.values.filter(pa.array(short))
    nothing = np.zeros(len(short), bool)
    nothing[short] = true(pc.is_in(pc.utf8_lower(few), pa.array([word.lower() for word in words], pa.string())))
    if nothing.any():
        column.fault("read_as_blank", nothing & true(pc.not_equal(column.values, "")))
        column.values = pc.if_else(pa.array(nothing), NO_TEXT, column.values)


def _extract(column: Column, how: FieldMap) -> None:
    if how.extract is None:
        return
    named = re.sub(r"(?<!\\)\((?!\?)", "(?P<part>", how.extract, count=1)
    found = pc.struct_field(pc.extract_regex(column.values, named), "part")
    found = pc.if_else(pc.equal(found, ""), NO_TEXT, found)
    if how.default is None:
        column.fault("nothing_extracted", true(pc.and_(pc.is_valid(column.values), pc.is_null(found))))
    column.values = found
