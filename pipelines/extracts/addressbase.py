"""AddressBase Premium's file of many record types as one flat table, a row a property.

The layout is Ordnance Survey's, in both its forms: before and since epoch 39 of 2016, which moved some fields. A BLPU
(record 21) is a property; its LPIs (24) are its addresses in the words of the council, with the street in record 15;
the delivery point (28) is Royal Mail's; 32 is the classification and 23 holds the codes of ward and LSOA.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import islice
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB
from pipelines.extracts.addressbase_layout import AROUND, CHANGES, COLUMNS, FIELDS, KEPT, RECORDS, WIDTH_BEFORE_2016
from pipelines.extracts.chunk import Chunk, Numbers, RaggedRows
from pipelines.extracts.csv_text import AsUtf8
from schemas.mapping import Shape

BLOCK_BYTES = 16 * MIB
ROWS_AT_ONCE = 100_000
LINES_LOOKED_AT = 40
NO_CELL = "\x01"
"""No line holds it, so that a line is read as one cell."""

STATUS_ORDER = ("1", "6", "3", "8")
"""Logical status of an LPI: approved, provisional, alternative, historical. The first there is gives the address."""

SCHEME = "AddressBase Premium Classification Scheme"
WARD, LSOA = "7666OW", "7666OL"
"""Sources of cross references that hold ONS codes."""


def is_addressbase(head: str) -> bool:
    """Whether a text begins as such a file does: every line a record of a known type."""
    lines = [line for line in head.splitlines()[:LINES_LOOKED_AT] if line.strip()][: LINES_LOOKED_AT - 1]
    if len(head) > MIB // 8:
        lines = lines[:-1] or lines
    starts = [line.split(",", 2) for line in lines]
    records = [start[0] in RECORDS and len(start) == 3 and start[1].strip('"') in CHANGES for start in starts]
    around = [start[0] in AROUND and len(start) == 3 for start in starts]
    return any(records) and all(record or other for record, other in zip(records, around, strict=True))


def addressbase_headings(handle: IO[bytes], shape: Shape) -> list[str]:
    """The columns of the flat table; empty where the file is of another kind."""
    head = AsUtf8(handle, shape.encoding).read(MIB // 8)
    return list(COLUMNS) if is_addressbase((head or b"").decode("utf-8", "replace")) else []


def addressbase_chunks(handle: IO[bytes], shape: Shape, names: list[str], ragged: RaggedRows) -> Iterator[Chunk]:
    """One row a BLPU, numbered by the line of its record 21; other records without their property are told.

    Memory grows with the file, since the parts of a property may lie anywhere in it: 0.6 GiB for a file of 1.3 million
    lines (200,000 properties, measured).

    Raises:
        RefusedDrop: the file holds changes only, or cannot be divided into lines.
    """
    records, lines = _read(handle, shape, ragged)
    if records["21"].num_rows == 0:
        return
    table = _flat(records)
    _tell_orphans(records, lines, ragged)
    for start in range(0, table.num_rows, ROWS_AT_ONCE):
        part = table.slice(start, ROWS_AT_ONCE).rename_columns(names)
        yield Chunk(part, lines["21"][start : start + ROWS_AT_ONCE])


def _read(handle: IO[bytes], shape: Shape, ragged: RaggedRows) -> tuple[dict[str, pa.Table], dict[str, Numbers]]:
    """The fields that are kept, and the line of each record, by record type."""
    found: dict[str, list[pa.Table]] = {kind: [] for kind in KEPT}
    places: dict[str, list[Numbers]] = {kind: [] for kind in KEPT}
    layout: dict[str, tuple[str, ...]] | None = None
    for lines, numbers in _lines(handle, shape):
        _refuse_changes(lines)
        for kind in KEPT:
            mine = pc.starts_with(lines, f"{kind},")
            text = lines.filter(mine)
            if not len(text):
                continue
            if layout is None:
                layout = _layout(lines)
            table, rows = _parsed(text, numbers[np.asarray(mine)], layout[kind], KEPT[kind], ragged)
            wanted = _wanted(kind, table)
            found[kind].append(table.filter(wanted))
            places[kind].append(rows[np.asarray(wanted)])
    tables = {
        kind: pa.concat_tables(parts).combine_chunks()
        if parts
        else pa.table({name: pa.array([], pa.string()) for name in KEPT[kind]})
        for kind, parts in found.items()
    }
    return tables, {kind: np.concatenate(parts) if parts else np.empty(0, np.int64) for kind, parts in places.items()}


def _lines(handle: IO[bytes], shape: Shape) -> Iterator[tuple[pa.Array, Numbers]]:
    try:
        reader = pacsv.open_csv(
            pa.PythonFile(AsUtf8(handle, shape.encoding), mode="r"),
            read_options=pacsv.ReadOptions(use_threads=False, column_names=["line"], block_size=BLOCK_BYTES),
            parse_options=pacsv.ParseOptions(delimiter=NO_CELL, quote_char=False, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(column_types={"line": pa.string()}, strings_can_be_null=False),
        )
        first = 1
        for batch in reader:
            yield batch.column(0), np.arange(first, first + batch.num_rows, dtype=np.int64)
            first += batch.num_rows
    except pa.ArrowInvalid as error:
        raise RefusedDrop("unreadable_text", "The text cannot be divided into lines.") from error


def _refuse_changes(lines: pa.Array) -> None:
    header = lines.filter(pc.starts_with(lines, "10,"))
    for line in islice(header.to_pylist(), 5):
        cells = next(csv.reader([line]))
        if len(cells) >= 9 and cells[8].strip().upper() == "C":
            raise RefusedDrop("changes_only", "The file's header says that it holds changes only.")


def _layout(lines: pa.Array) -> dict[str, tuple[str, ...]]:
    """Names of all cells by record type, in the form that the width of the first BLPU shows."""
    blpu = lines.filter(pc.starts_with(lines, "21,"))
    if len(blpu):
        old = len(next(csv.reader([blpu[0].as_py()]))) == WIDTH_BEFORE_2016
    else:
        header = lines.filter(pc.starts_with(lines, "10,"))
        old = bool(len(header)) and '"1.' in header[0].as_py()
    return {kind: forms[0] if old else forms[-1] for kind, forms in FIELDS.items()}


def _parsed(
    text: pa.Array, numbers: Numbers, cells: tuple[str, ...], kept: tuple[str, ...], ragged: RaggedRows
) -> tuple[pa.Table, Numbers]:
    torn: list[int] = []

    def set_aside(row: pacsv.InvalidRow) -> str:
        torn.append(row.number - 1)
        ragged.numbers.append(int(numbers[row.number - 1]))
        ragged.texts.append(row.text)
        return "skip"

    joined = pc.binary_join_element_wise(text, "", "\n")
    start, stop = joined.offset, joined.offset + len(joined)
    offsets = np.frombuffer(joined.buffers()[1], np.int32)
    content = joined.buffers()[2].slice(int(offsets[start]), int(offsets[stop] - offsets[start]))
    names = [*cells[: max(map(cells.index, kept)) + 1]]
    names += [f"further {place}" for place in range(len(cells) - len(names))]
    try:
        table = pacsv.read_csv(
            pa.BufferReader(content),
            read_options=pacsv.ReadOptions(use_threads=False, column_names=names, block_size=len(content) + 1),
            parse_options=pacsv.ParseOptions(invalid_row_handler=set_aside, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(
                include_columns=list(kept), column_types={n: pa.string() for n in kept}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        raise RefusedDrop("unreadable_text", "Records of the file cannot be divided into cells.") from error
    columns = [pc.utf8_trim_whitespace(column) for column in table.columns]
    return pa.table(columns, names=list(kept)), np.delete(numbers, torn)


def _wanted(kind: str, table: pa.Table) -> pa.Array:
    if kind == "23":
        wanted = pc.is_in(table["SOURCE"], value_set=pa.array([WARD, LSOA]))
        return pc.and_(wanted, pc.equal(table["END_DATE"], ""))
    if kind == "32":
        return pc.equal(table["CLASS_SCHEME"], SCHEME)
    return pc.is_valid(table.column(0))


def _flat(records: dict[str, pa.Table]) -> pa.Table:
    """One row a BLPU in the order of the file, its parts joined on."""
    blpu, lpi, point = records["21"], _best_lpi(records["24"]), _current(records["28"])
    own = blpu["UPRN"]
    address = _joined_to(own, lpi, "UPRN")
    street = _street(address, records["15"])
    post = _joined_to(own, point, "UPRN")
    found = {name: blpu[name] for name in blpu.column_names}
    found |= {name: address[name] for name in address.column_names if name not in {"UPRN", "STATUS", "END_DATE"}}
    found |= {name: street[name] for name in ("STREET_DESCRIPTION", "LOCALITY_NAME", "TOWN_NAME")}
    found |= {name: post[name] for name in ("UDPRN", "POST_TOWN", "POSTCODE")}
    found["CLASSIFICATION_CODE"] = _joined_to(own, _current(records["32"]), "UPRN")["CLASSIFICATION_CODE"]
    for name, source in (("WARD_CODE", WARD), ("LSOA_CODE", LSOA)):
        codes = records["23"].filter(pc.equal(records["23"]["SOURCE"], source))
        found[name] = _joined_to(own, _current(codes), "UPRN")["CROSS_REFERENCE"]
    found["SAO"] = _together([address["SAO_TEXT"], _number(address, "SAO")], ", ")
    found["PAO_NUMBER"] = _number(address, "PAO")
    found["LPI_LOGICAL_STATUS"] = address["STATUS"]
    found["GEOGRAPHIC_ADDRESS"] = _geographic(address, street)
    found["DELIVERY_POINT_ADDRESS"] = _delivery(post)
    # A supply cut out of a larger one may lack streets; Royal Mail's address is then the fuller one.
    streetless = pc.equal(pc.fill_null(street["STREET_DESCRIPTION"], ""), "")
    house = _together([post[name] for name in ("SUB_BUILDING_NAME", "BUILDING_NAME", "BUILDING_NUMBER")], "")
    postal = pc.and_(streetless, pc.not_equal(house, ""))
    found["ADDRESS"] = pc.if_else(postal, found["DELIVERY_POINT_ADDRESS"], found["GEOGRAPHIC_ADDRESS"])
    return pa.table({name: pc.fill_null(found[name], "") for name in COLUMNS}).combine_chunks()


def _first_of_each(table: pa.Table, key: str, order: list[pa.Array]) -> pa.Table:
    """For each key the record that comes first in an order of ranks (the last of them decides last)."""
    ranks = [np.asarray(rank.to_numpy()) for rank in reversed(order)]
    places = np.lexsort(ranks) if ranks else np.arange(table.num_rows)
    keys = table[key].combine_chunks().take(pa.array(places)).dictionary_encode()
    _, first = np.unique(np.asarray(keys.indices), return_index=True)
    return table.take(pa.array(places[np.sort(first)]))


def _latest_first(table: pa.Table) -> pa.Array:
    days = pc.replace_substring(table["LAST_UPDATE_DATE"], "-", "")
    whole = pc.if_else(pc.match_substring_regex(days, r"^\d{8}$"), days, "0")
    return pc.negate(whole.cast(pa.int64()))


def _current(table: pa.Table) -> pa.Table:
    """One record a property: one that has not ended, else the latest."""
    ended = pc.not_equal(table["END_DATE"], "").cast(pa.int8())
    return _first_of_each(table, "UPRN", [ended, _latest_first(table)])


def _best_lpi(table: pa.Table) -> pa.Table:
    """One LPI a property: approved before all others, English before Welsh, and of those the latest."""
    status = pc.fill_null(pc.index_in(table["STATUS"], value_set=pa.array(STATUS_ORDER)), len(STATUS_ORDER))
    welsh = pc.not_equal(table["LANGUAGE"], "ENG").cast(pa.int8())
    ended = pc.not_equal(table["END_DATE"], "").cast(pa.int8())
    return _first_of_each(table, "UPRN", [status, welsh, ended, _latest_first(table)])


def _joined_to(keys: pa.ChunkedArray, table: pa.Table, key: str) -> pa.Table:
    """The record of each key, a row of nulls where there is none."""
    return table.take(pc.index_in(keys, value_set=table[key].combine_chunks()).combine_chunks())


def _street(address: pa.Table, streets: pa.Table) -> pa.Table:
    """The street of each address in the address's language, else in the other one."""
    both = pc.binary_join_element_wise(streets["USRN"], streets["LANGUAGE"], "|")
    exact = _first_of_each(streets.append_column("KEY", both), "KEY", [])
    any_language = _first_of_each(streets, "USRN", [pc.not_equal(streets["LANGUAGE"], "ENG").cast(pa.int8())])
    wanted = pc.binary_join_element_wise(address["USRN"], address["LANGUAGE"], "|")
    first = _joined_to(wanted, exact, "KEY")
    second = _joined_to(address["USRN"], any_language, "USRN")
    return pa.table({name: pc.coalesce(first[name], second[name]) for name in streets.column_names})


def _together(parts: list[pa.ChunkedArray], separator: str) -> pa.ChunkedArray:
    """Parts in one text, blank ones left out."""
    text = pc.fill_null(parts[0], "")
    for part in parts[1:]:
        filled = pc.fill_null(part, "")
        both = pc.binary_join_element_wise(text, filled, separator)
        text = pc.if_else(pc.equal(filled, ""), text, pc.if_else(pc.equal(text, ""), filled, both))
    return text


def _number(address: pa.Table, which: str) -> pa.ChunkedArray:
    """A number with its suffix, or a range: 12A, 58-64."""
    start = _together([address[f"{which}_START_NUMBER"], address[f"{which}_START_SUFFIX"]], "")
    end = _together([address[f"{which}_END_NUMBER"], address[f"{which}_END_SUFFIX"]], "")
    return _together([start, end], "-")


def _geographic(address: pa.Table, street: pa.Table) -> pa.ChunkedArray:
    """The council's address on one line: FLAT 2, EXAMPLE COURT, 12A EXAMPLE ROAD, LOCALITY, TOWN."""
    # A numbered part of a named building is written before the name: 5 EXAMPLE COURT.
    building = _together([_number(address, "SAO"), address["PAO_TEXT"]], " ")
    lone = _together([_number(address, "SAO"), address["PAO_TEXT"]], ", ")
    named = pc.not_equal(pc.fill_null(address["PAO_TEXT"], ""), "")
    numbered = _together([_number(address, "PAO"), street["STREET_DESCRIPTION"]], " ")
    town = street["TOWN_NAME"]
    place = pc.if_else(pc.fill_null(pc.equal(street["LOCALITY_NAME"], town), False), "", street["LOCALITY_NAME"])
    return _together([address["SAO_TEXT"], pc.if_else(named, building, lone), numbered, place, town], ", ")


def _delivery(post: pa.Table) -> pa.ChunkedArray:
    """Royal Mail's address on one line, without organisation and postcode."""
    road = pc.if_else(
        pc.equal(pc.fill_null(post["DEPENDENT_THOROUGHFARE"], ""), ""),
        _together([post["BUILDING_NUMBER"], post["THOROUGHFARE"]], " "),
        _together(
            [_together([post["BUILDING_NUMBER"], post["DEPENDENT_THOROUGHFARE"]], " "), post["THOROUGHFARE"]], ", "
        ),
    )
    box = pc.if_else(
        pc.equal(pc.fill_null(post["PO_BOX_NUMBER"], ""), ""),
        "",
        pc.binary_join_element_wise("PO BOX", pc.fill_null(post["PO_BOX_NUMBER"], ""), " "),
    )
    parts = [box, post["SUB_BUILDING_NAME"], post["BUILDING_NAME"], road]
    parts += [post[name] for name in ("DOUBLE_DEPENDENT_LOCALITY", "DEPENDENT_LOCALITY", "POST_TOWN")]
    return _together(parts, ", ")


def _tell_orphans(records: dict[str, pa.Table], lines: dict[str, Numbers], ragged: RaggedRows) -> None:
    properties = records["21"]["UPRN"].combine_chunks()
    for kind in ("24", "28", "32"):
        known = np.asarray(pc.is_in(records[kind]["UPRN"], value_set=properties).to_numpy())
        ragged.skip("record_without_property", lines[kind][~known])
