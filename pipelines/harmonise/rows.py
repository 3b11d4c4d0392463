"""One chunk of an extract through its mapping: map, cast, encode, check. Returns what is accepted and what is not."""

from __future__ import annotations

import re
from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.hashing import hash_rows
from pipelines.extracts.decode import REPLACEMENT, Chunk
from pipelines.governance import pseudonym
from pipelines.harmonise.cast import Column, Mask, cast
from schemas.contract import Contract, Field
from schemas.mapping import FieldMap, Mapping

ISSUES = pa.schema(
    [
        ("row_number", pa.int64()),
        ("field", pa.string()),
        ("column", pa.string()),
        ("issue_type", pa.string()),
        ("quarantines", pa.bool_()),
    ]
)
"""One recorded fault: where and what, never the value."""

QUARANTINING = frozenset({"unknown_code", "missing_required"})


@dataclass(frozen=True)
class HarmonisedChunk:
    """Contract columns of every row, which of them are kept, and the issues."""

    table: pa.Table
    row_numbers: npt.NDArray[np.int64]
    kept: Mask
    issues: pa.Table


def harmonise_chunk(chunk: Chunk, mapping: Mapping, contract: Contract, extract_date: date) -> HarmonisedChunk:
    """Bring a chunk to its contract. Row for row in the chunk's order; nothing is dropped here, only marked."""
    columns: dict[str, pa.Array] = {}
    faults: list[tuple[str, str, Mask]] = []
    for target in contract.fields:
        made = _field(chunk.table, target, mapping)
        columns[target.name] = made.values
        faults += [(target.name, issue_type, rows) for issue_type, rows in made.faults.items()]
    columns[contract.known_since] = _known_since(columns, mapping, contract, extract_date)
    quarantined = np.zeros(chunk.table.num_rows, bool)
    for name in contract.required:
        missing = np.asarray(pc.is_null(columns[name]).to_numpy(zero_copy_only=False), dtype=bool)
        if missing.any():
            faults.append((name, "missing_required", missing))
    for _, issue_type, rows in faults:
        if issue_type in QUARANTINING:
            quarantined |= rows
    for target in contract.fields:
        if target.privacy == "direct":
            columns[target.name] = pseudonym.tokens(columns[target.name])
    table = pa.table({field.name: columns[field.name].cast(field.arrow_type) for field in contract.fields})
    issues = [_issues(chunk.row_numbers, mapping, name, issue_type, rows) for name, issue_type, rows in faults]
    return HarmonisedChunk(
        table, chunk.row_numbers, ~quarantined, pa.concat_tables(issues) if issues else ISSUES.empty_table()
    )


def record_ids(table: pa.Table, contract: Contract, mapping: Mapping) -> npt.NDArray[np.int64]:
    """A number for each record that stays the same from night to night: of its key, or of the whole row without one."""
    salt = f"{mapping.borough}|{mapping.dataset}|{mapping.source}"
    names = list(contract.key)
    frame = table.select(names).to_pandas()
    ids = hash_rows(frame, salt=salt)
    if len(names) == 1:
        keyless = frame[names[0]].isna().to_numpy()
        if keyless.any():
            whole = table.drop_columns([contract.known_since]).filter(pa.array(keyless)).to_pandas()
            ids[keyless] = hash_rows(whole, salt=salt + "|whole row")
    return ids


def _field(source: pa.Table, target: Field, mapping: Mapping) -> Column:
    how = mapping.fields.get(target.name)
    if how is None or not set(how.sources) & set(source.column_names):
        if how is None or how.constant is None:
            return Column(pa.nulls(source.num_rows, _plain_type(target)))
        return cast(pa.array([how.constant] * source.num_rows, pa.string()), target, ("%Y-%m-%d",))
    text, undecodable = _source_text(source, how, mapping)
    text = _extract(text, how)
    defaulted = np.zeros(len(text), bool)
    if how.default is not None:
        defaulted = np.asarray(pc.is_null(text).to_numpy(zero_copy_only=False), dtype=bool)
        text = pc.fill_null(text, how.default)
    if target.codes is not None or how.values:
        text = _encode(text, how.values, target)
    column = cast(text, target, how.date or mapping.dates)
    column.fault("default_used", defaulted)
    column.blank("undecodable_text", undecodable)
    return column


def _plain_type(target: Field) -> pa.DataType:
    return target.arrow_type


def _source_text(source: pa.Table, how: FieldMap, mapping: Mapping) -> tuple[pa.Array, Mask]:
    parts = [
        _blank_to_null(source.column(name).combine_chunks(), mapping.blanks)
        for name in how.sources
        if name in source.column_names
    ]
    text = _joined(parts, how.join)
    broken = pc.fill_null(pc.match_substring(text, REPLACEMENT), False)
    return text, np.asarray(broken.to_numpy(zero_copy_only=False), dtype=bool)


def _joined(parts: list[pa.Array], separator: str) -> pa.Array:
    """Parts in one text, blank ones left out; null where all are.

    By pairs, because Arrow 26's own join with `null_handling="skip"` loses the rows in
    which every part is null.
    """
    text = parts[0]
    for part in parts[1:]:
        both = pc.binary_join_element_wise(text, part, separator)
        text = pc.coalesce(both, text, part)
    return text


def _blank_to_null(text: pa.Array, blanks: tuple[str, ...]) -> pa.Array:
    trimmed = pc.utf8_trim_whitespace(text)
    blank = pc.is_in(pc.utf8_lower(trimmed), pa.array([word.lower() for word in blanks], pa.string()))
    return pc.if_else(blank, pa.scalar(None, pa.string()), trimmed)


def _extract(text: pa.Array, how: FieldMap) -> pa.Array:
    if how.extract is None:
        return text
    named = re.sub(r"(?<!\\)\((?!\?)", "(?P<part>", how.extract, count=1)
    found = pc.struct_field(pc.extract_regex(text, named), "part")
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)


def _encode(text: pa.Array, values: MappingType[str, str], target: Field) -> pa.Array:
    """The borough's codes to the contract's; a code that is in neither stays as it is and is found out later."""
    known = {code.casefold(): code for code in target.codes or {}}
    known |= {key.strip().casefold(): value for key, value in values.items()}
    encoded = text.dictionary_encode()
    words = [" ".join(word.split()) for word in encoded.dictionary.to_pylist()]
    mapped = pa.array([known.get(word.casefold(), word) or None for word in words], pa.string())
    return mapped.take(encoded.indices)


def _known_since(
    columns: MappingType[str, pa.Array], mapping: Mapping, contract: Contract, extract_date: date
) -> pa.Array:
    """When the row could be known: its own column, else so long after an event, else the day of the extract.

    Never later than the extract that the row stands in.
    """
    known = columns[contract.known_since].cast(pa.date32())
    if mapping.known_since is not None:
        after = columns[mapping.known_since.after].to_pandas()
        shifted = pd.to_datetime(after, errors="coerce") + timedelta(days=mapping.known_since.days)
        known = pc.coalesce(known, pa.array(shifted.dt.date.where(shifted.notna(), None), pa.date32()))
    return pc.min_element_wise(pc.fill_null(known, extract_date), pa.scalar(extract_date, pa.date32()))


def _issues(row_numbers: npt.NDArray[np.int64], mapping: Mapping, name: str, issue_type: str, rows: Mask) -> pa.Table:
    numbers = row_numbers[rows]
    how = mapping.fields.get(name)
    heading = " + ".join(how.sources) if how is not None else ""
    return issue_rows(numbers, name, heading, issue_type, quarantines=issue_type in QUARANTINING)


def issue_rows(
    numbers: npt.NDArray[np.int64], field: str, column: str, issue_type: str, *, quarantines: bool
) -> pa.Table:
    """Issues of one kind at one place, a row each."""
    size = len(numbers)
    return pa.table(
        [
            pa.array(numbers, pa.int64()),
            pa.repeat(pa.scalar(field, pa.string()), size),
            pa.repeat(pa.scalar(column, pa.string()), size),
            pa.repeat(pa.scalar(issue_type, pa.string()), size),
            pa.repeat(pa.scalar(quarantines, pa.bool_()), size),
        ],
        schema=ISSUES,
    )
