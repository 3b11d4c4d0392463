"""The address parser: text and postcode in, parts and one canonical form out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address import parts as reading
from pipelines.link.address.parts import IDENTIFIER, NUMBER, UNNUMBERED, Parts
from pipelines.link.address.text import (
    as_text,
    clean,
    drop_places,
    last_places,
    postcodes,
    ranges_and_slashes,
    swap,
    take_postcode,
    tidy,
)
from pipelines.link.address.words import ASIDE, KINDS, PLACES
from schemas import registry

_WORDS = r"(?:[A-Z0-9]+(?: [A-Z0-9]+)*)?"
_UNIT = (
    rf"(?:(?P<kind>{KINDS}|{ASIDE})(?: (?P<identifier>{IDENTIFIER}))?)?"
    rf"(?: ?FLOOR (?P<floor>[A-Z0-9]+))?(?: ?ROOM (?P<room>{IDENTIFIER}|{UNNUMBERED}))?"
)
CANONICAL = rf"^{_UNIT}\|(?P<number>(?:{NUMBER})?)\|(?P<name>{_WORDS})\|(?P<street>{_WORDS})$"
"""`unit|number|building name|street`: a text of this form is read back as it is."""

FIELDS = ("kind", "identifier", "floor", "room", "number", "name", "street", "words", "units")
TEXTS_A_THREAD = 5_000
"""Arrow leaves the interpreter free while it works, so threads read side by side; with fewer texts they cost more."""
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
    raw = as_text(address)
    given = postcodes(as_text(postcode)) if postcode is not None else pa.array([""] * len(raw), pa.string())
    threads = min(pa.cpu_count(), len(raw) // TEXTS_A_THREAD)
    if threads <= 1:
        return _read(raw, given, places, streets)
    size = -(-len(raw) // threads)
    with ThreadPoolExecutor(threads) as run:
        some = [run.submit(_read, raw[at : at + size], given[at : at + size], places, streets)
                for at in range(0, len(raw), size)]  # fmt: skip
        return pd.concat([part.result() for part in some], ignore_index=True)


def _read(raw: pa.Array, given: pa.Array, places: Sequence[str], streets: pa.Array | None) -> pd.DataFrame:
    back = pc.extract_regex(raw, CANONICAL)
    is_back = pc.and_(pc.is_valid(back), pc.greater(pc.binary_length(raw), 3))
    text, inside = take_postcode(clean(raw))
    text = drop_places(ranges_and_slashes(text), _said_by_all())
    place = last_places(text, places)
    if places:
        known = clean(as_text(places)).to_pylist() if streets is None else streets.to_pylist()
        text = drop_places(text, tuple(places), streets=known)
    # Half of all spellings fall together once cleaned, so the costly part is done once for each cleaned text.
    encoded = text.dictionary_encode()
    parts = reading.read(encoded.dictionary)
    if streets is not None:
        _settle_street(parts, streets)
    columns = {name: getattr(parts, name) for name in FIELDS}
    for name in ("name", "street", "words"):
        columns[name] = pc.utf8_trim_whitespace(swap(columns[name], r"[^A-Z0-9]+", " "))
    columns = {name: column.take(encoded.indices) for name, column in columns.items()}
    if pc.any(is_back).as_py():
        columns = {
            name: pc.if_else(is_back, pc.fill_null(pc.struct_field(back, name), ""), column)
            for name, column in columns.items()
            if name not in ("words", "units")
        } | {name: pc.if_else(is_back, "", columns[name]) for name in ("words", "units")}
    columns["place"] = place
    columns["postcode"] = pc.if_else(pc.equal(given, ""), inside, given)
    return _finish(columns)


def _said_by_all() -> tuple[str, ...]:
    """Places that say nothing in any borough: towns and counties, and the boroughs' own names."""
    return (*PLACES, *(borough.name for borough in registry.boroughs().values()))


def canonical(address: Column, postcode: Column | None = None, *, places: Sequence[str] = ()) -> pd.Series[str]:
    """The form in which two spellings of one address are the same text; empty where there is no address."""
    return parse(address, postcode, places=places)["canonical"]


def _finish(columns: dict[str, pa.Array]) -> pd.DataFrame:
    unit = _unit_text(columns)
    joined = pc.binary_join_element_wise(unit, columns["number"], columns["name"], columns["street"], "|")
    empty = pc.equal(joined, "|||")
    numbers = pc.extract_regex(columns["number"], r"^(?P<low>[0-9]+)(?P<a>[A-Z]*)(?:-(?P<high>[0-9]+)[A-Z]?)?$")
    low, suffix, high = (pc.fill_null(pc.struct_field(numbers, n), "") for n in ("low", "a", "high"))
    is_range = pc.not_equal(high, "")
    frame = pa.table(
        {
            **columns,
            "unit": unit,
            "canonical": pc.if_else(empty, "", joined),
            "low": pc.cast(pc.if_else(pc.equal(low, ""), "-1", low), pa.int32()),
            "high": pc.cast(pc.if_else(is_range, high, pc.if_else(pc.equal(low, ""), "-1", low)), pa.int32()),
            "suffix": pc.if_else(is_range, "", suffix),
        }
    )
    return cast("pd.DataFrame", frame.to_pandas())


def _unit_text(columns: dict[str, pa.Array]) -> pa.Array:
    def labelled(label: str, column: pa.Array) -> pa.Array:
        return pc.if_else(pc.equal(column, ""), "", pc.binary_join_element_wise(label, column, " "))

    return tidy(
        pc.binary_join_element_wise(
            columns["kind"],
            columns["identifier"],
            labelled("FLOOR", columns["floor"]),
            labelled("ROOM", columns["room"]),
            " ",
        )
    )


def _settle_street(parts: Parts, streets: pa.Array) -> None:
    """Cut a street that runs on to the longest street of the gazetteer at its start, or (without a number) its end."""
    unknown = pc.and_(pc.invert(pc.is_in(parts.street, streets)), pc.match_substring(parts.street, " "))
    street, name = parts.street.filter(unknown), parts.name.filter(unknown)
    numberless = pc.equal(parts.number.filter(unknown), "")
    known = streets.filter(pc.greater(pc.binary_length(streets), 3))
    open_ = pa.array([True] * len(street), pa.bool_())
    for words in (5, 4, 3, 2, 1):
        run = rf"[^ ]+(?: [^ ]+){{{words - 1}}}"
        head = pc.struct_field(pc.extract_regex(street, rf"^(?P<head>{run}) "), "head")
        tail = pc.extract_regex(street, rf"^(?P<name>.+) (?P<tail>{run})$")
        before, last = pc.struct_field(tail, "name"), pc.struct_field(tail, "tail")
        is_head = pc.and_(open_, pc.fill_null(pc.is_in(head, known), False))
        is_tail = pc.and_(pc.and_(open_, numberless), pc.fill_null(pc.is_in(last, known), False))
        is_tail = pc.and_(is_tail, pc.invert(is_head))
        name = pc.if_else(pc.and_(is_tail, pc.equal(name, "")), before, name)
        street = pc.if_else(is_head, head, pc.if_else(is_tail, last, street))
        open_ = pc.and_(open_, pc.invert(pc.or_(is_head, is_tail)))
    parts.street = pc.replace_with_mask(parts.street, unknown, street)
    parts.name = pc.replace_with_mask(parts.name, unknown, name)


__all__ = ["canonical", "parse"]
