"""The address parser: text and postcode in, parts and one canonical form out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.alike import alike
from pipelines.link.address.reading import read_each, said_by_all
from pipelines.link.address.text import as_text, postcodes

Column: TypeAlias = "pd.Series[str] | pa.Array | pa.ChunkedArray | Sequence[str | None]"


def parse(
    address: Column, postcode: Column | None = None, *, places: Sequence[str] = (), streets: pa.Array | None = None
) -> pd.DataFrame:
    """Read British addresses into parts. Never raises on any text; each row stands for itself.

    Args:
        address: texts on one line, null where there is none.
        postcode: postcodes that stand apart; where one is missing, that in the address is used.
        places: localities and towns of the area, no part of the canonical form, as "London" is not; kept in `words`.
        streets: streets of the gazetteer in this parser's own spelling. Where a text runs on
            without commas, they say where its street begins and ends.

    Returns:
        One row a text, all columns text, empty where a part is missing: kind, identifier, floor,
        room (of the unit), unit (all four in one form), number (with suffix or range), name (of the
        building), street, postcode, words (all that is neither unit nor number nor place), place, units
        (several flats that are no one unit: `1-6` from and to, `A+B` each), canonical. kind is BESIDE for a
        place beside the property that is read, SEVERAL for two properties, of which the first is read. `low`,
        `high` (integers, -1 where missing) and `suffix` are the number taken apart.
        `canonical` read again gives the same canonical.
    """
    return cast("pd.DataFrame", parse_table(address, postcode, places=places, streets=streets).to_pandas())


def parse_table(
    address: Column, postcode: Column | None = None, *, places: Sequence[str] = (), streets: pa.Array | None = None
) -> pa.Table:
    """What `parse` gives, before it is made Python's texts: for who needs them of some rows alone."""
    raw = as_text(address)
    given = _postcodes(as_text(postcode)) if postcode is not None else pa.array([""] * len(raw), pa.string())
    columns = _read(raw, places, streets)
    columns["postcode"] = pc.if_else(pc.equal(given, ""), columns["postcode"], given)
    return _finish(columns)


def _postcodes(given: pa.Array) -> pa.Array:
    encoded = given.dictionary_encode()
    return postcodes(encoded.dictionary).take(encoded.indices)


def _read(raw: pa.Array, places: Sequence[str], streets: pa.Array | None) -> dict[str, pa.Array]:
    """`FIELDS`, place and postcode of each text; what is alike in many is read once."""
    known = alike(raw, [*said_by_all(), *places])
    columns, unsure = known.numbered(read_each(known.texts, places, streets))
    if pc.any(unsure).as_py():
        own = read_each(raw.filter(unsure), places, streets)
        columns = {name: pc.replace_with_mask(column, unsure, own[name]) for name, column in columns.items()}
    return columns


def canonical(address: Column, postcode: Column | None = None, *, places: Sequence[str] = ()) -> pd.Series[str]:
    """The form in which two spellings of one address are the same text; empty where there is no address."""
    return parse(address, postcode, places=places)["canonical"]


def _finish(columns: dict[str, pa.Array]) -> pa.Table:
    unit = _unit_text(columns)
    joined = pc.binary_join_element_wise(unit, columns["number"], columns["name"], columns["street"], "|")
    empty = pc.equal(joined, "|||")
    # A few hundred numbers are those of all houses.
    encoded = columns["number"].dictionary_encode()
    numbers = pc.extract_regex(encoded.dictionary, r"^(?P<low>[0-9]+)(?P<a>[A-Z]*)(?:-(?P<high>[0-9]+)[A-Z]?)?$")
    low, suffix, high = (
        pc.fill_null(pc.struct_field(numbers, n), "").take(encoded.indices) for n in ("low", "a", "high")
    )
    is_range = pc.not_equal(high, "")
    return pa.table(
        {
            **columns,
            "unit": unit,
            "canonical": pc.if_else(empty, "", joined),
            "low": pc.cast(pc.if_else(pc.equal(low, ""), "-1", low), pa.int32()),
            "high": pc.cast(pc.if_else(is_range, high, pc.if_else(pc.equal(low, ""), "-1", low)), pa.int32()),
            "suffix": pc.if_else(is_range, "", suffix),
        }
    )


def _unit_text(columns: dict[str, pa.Array]) -> pa.Array:
    labels = {"kind": " ", "identifier": " ", "floor": " FLOOR ", "room": " ROOM "}
    parts = [
        pc.if_else(pc.equal(columns[name], ""), "", pc.binary_join_element_wise(label, columns[name], ""))
        for name, label in labels.items()
    ]
    return pc.utf8_ltrim(pc.binary_join_element_wise(*parts, ""), " ")
