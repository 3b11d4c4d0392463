"""One chunk of an extract through its mapping: map, patch, cast, encode, check. What is accepted and what is not."""

from __future__ import annotations

from collections.abc import Mapping as MappingType
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extracts.chunk import Chunk
from pipelines.extracts.issues import issue_rows, no_issues
from pipelines.governance import pseudonym
from pipelines.governance.suppression import ERASED_SUBJECT, suppress
from pipelines.harmonise.cast import cast
from pipelines.harmonise.codes import read_codes
from pipelines.harmonise.column import Calendar, Column, Mask, true
from pipelines.harmonise.lengths import last_days
from pipelines.harmonise.sources import SourceColumns
from schemas.contract import Contract, Field
from schemas.mapping import FieldMap, Mapping
from schemas.mapping_faults import ISO

QUARANTINING = frozenset({"unknown_code", "missing_required", ERASED_SUBJECT})


@dataclass(frozen=True)
class HarmonisedChunk:
    """Contract columns of every row, which of them are kept, the issues, and which days each date format has read."""

    table: pa.Table
    row_numbers: npt.NDArray[np.int64]
    kept: Mask
    issues: pa.Table
    calendars: dict[str, dict[str, Calendar]]


def harmonise_chunk(chunk: Chunk, mapping: Mapping, contract: Contract, extract_date: date) -> HarmonisedChunk:
    """Bring a chunk to its contract. Row for row in the chunk's order; nothing is dropped here, only marked."""
    source = SourceColumns(chunk.table, mapping)
    made = {target.name: _field(source, target, mapping) for target in contract.fields}
    for name, how in mapping.fields.items():
        if how.after is not None and source.there(how):
            made[name] = last_days(source, contract.by_name[name], how, made[how.after].values)
    faults = [
        (name, heading(mapping, name), kind, rows)
        for name, field in made.items()
        for kind, rows in field.faults.items()
    ]
    faults += _contradictions(source, made, mapping, contract)
    columns = {name: field.values for name, field in made.items()}
    late, columns[contract.known_since] = _known_since(columns, mapping, contract, extract_date)
    faults.append((contract.known_since, heading(mapping, contract.known_since), "known_after_extract", late))
    faults += [
        (name, heading(mapping, name), "missing_required", true(pc.is_null(columns[name])))
        for name in contract.required
        if columns[name].null_count
    ]
    for name, issue_type, rows in suppress(columns, contract):
        if issue_type == ERASED_SUBJECT:  # nothing else is told of such a row
            faults = [(field, column, kind, others & ~rows) for field, column, kind, others in faults]
        faults.append((name, heading(mapping, name), issue_type, rows))
    quarantined = np.zeros(chunk.table.num_rows, bool)
    for _, _, issue_type, rows in faults:
        if issue_type in QUARANTINING:
            quarantined |= rows
    for target in contract.fields:
        if target.privacy == "direct":
            columns[target.name] = pseudonym.tokens(columns[target.name])
    issues = [
        issue_rows(chunk.row_numbers[rows], name, column, issue_type, quarantines=issue_type in QUARANTINING)
        for name, column, issue_type, rows in faults
        if rows.any()
    ]
    return HarmonisedChunk(
        pa.table({field.name: columns[field.name].cast(field.arrow_type) for field in contract.fields}),
        chunk.row_numbers,
        ~quarantined,
        pa.concat_tables(issues) if issues else no_issues(),
        {name: field.calendars for name, field in made.items() if field.calendars},
    )


def heading(mapping: Mapping, name: str) -> str:
    """The officer's columns that a field is made of."""
    how = mapping.fields.get(name)
    return " + ".join(how.sources) if how is not None else ""


def _field(source: SourceColumns, target: Field, mapping: Mapping) -> Column:
    how = mapping.fields.get(target.name)
    size = source.table.num_rows
    if how is not None and how.after is None and source.there(how):
        return _read(source, target, how, mapping)
    if how is None or how.constant is None:
        return Column(pa.nulls(size, target.arrow_type))
    constant = cast(pa.array([how.constant], pa.string()), target, (ISO,))
    return Column(constant.values).at(np.zeros(size, np.int32))


def _read(source: SourceColumns, target: Field, how: FieldMap, mapping: Mapping) -> Column:
    cells, by_row = source.text(how, target)
    text = cells.column.values
    if how.default is not None:
        cells.column.fault("default_used", true(pc.is_null(text)))
        text = pc.fill_null(text, how.default)
    coded: dict[str, Mask] = {}
    if target.codes is not None or how.values:
        encoded = read_codes(text, how.values, target)
        text, coded = encoded.values, encoded.faults
    column = cast(text, target, how.date or mapping.dates, mapping.two_digit_years_from)
    column.add(coded)
    column.add(cells.column.faults)
    made = column.at(cells.places)
    made.add(by_row)
    return made


def _contradictions(
    source: SourceColumns, made: MappingType[str, Column], mapping: Mapping, contract: Contract
) -> list[tuple[str, str, str, Mask]]:
    """Rows in which another column says otherwise about a field: a reference's ending about the licence's type."""
    found = []
    for name, how in mapping.implied.items():
        if source.there(how):
            told = _read(source, contract.by_name[name], how, mapping).values
            differ = true(pc.not_equal(told, made[name].values))
            columns = " + ".join(dict.fromkeys((*how.sources, *mapping.fields[name].sources)))
            found.append((name, columns, "reference_against_type", differ))
    return found


def _known_since(
    columns: MappingType[str, pa.Array], mapping: Mapping, contract: Contract, extract_date: date
) -> tuple[Mask, pa.Array]:
    """When the row could be known: its own column, else so long after an event, else the day of the extract.

    Never later than the extract that the row stands in; the mask says where the row's own day was.
    """
    known = columns[contract.known_since].cast(pa.date32())
    late = true(pc.greater(known, extract_date))
    if mapping.known_since is not None:
        after = columns[mapping.known_since.after].cast(pa.int32())
        known = pc.coalesce(known, pc.add(after, pa.scalar(mapping.known_since.days, pa.int32())).cast(pa.date32()))
    return late, pc.min_element_wise(pc.fill_null(known, extract_date), pa.scalar(extract_date, pa.date32()))
