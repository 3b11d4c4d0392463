"""Texts to the parts of their addresses, each read by itself."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address import parts as cleaned
from pipelines.link.address.parts import IDENTIFIER, NUMBER, UNNUMBERED, Parts
from pipelines.link.address.text import (
    as_text,
    clean,
    drop_places,
    last_places,
    ranges_and_slashes,
    swap,
    take_postcode,
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


def read_each(raw: pa.Array, places: Sequence[str], streets: pa.Array | None) -> dict[str, pa.Array]:
    """Columns `FIELDS`, place and postcode of texts without nulls; `places` and `streets` as `parse` has them."""
    threads = min(pa.cpu_count(), len(raw) // TEXTS_A_THREAD)
    if threads <= 1:
        return _read(raw, places, streets)
    size = -(-len(raw) // threads)
    with ThreadPoolExecutor(threads) as run:
        some = [run.submit(_read, raw[at : at + size], places, streets) for at in range(0, len(raw), size)]
        done = [part.result() for part in some]
    return {name: pa.concat_arrays([part[name] for part in done]) for name in done[0]}


def _read(raw: pa.Array, places: Sequence[str], streets: pa.Array | None) -> dict[str, pa.Array]:
    back = pc.extract_regex(raw, CANONICAL)
    is_back = pc.and_(pc.is_valid(back), pc.greater(pc.binary_length(raw), 3))
    text, inside = take_postcode(clean(raw))
    text = drop_places(ranges_and_slashes(text), said_by_all())
    place = last_places(text, places)
    if places:
        known = clean(as_text(places)).to_pylist() if streets is None else streets.to_pylist()
        text = drop_places(text, tuple(places), streets=known)
    # Half of all spellings fall together once cleaned, so the costly part is done once for each cleaned text.
    encoded = text.dictionary_encode()
    parts = cleaned.read(encoded.dictionary)
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
    return {**columns, "place": place, "postcode": inside}


def said_by_all() -> tuple[str, ...]:
    """Places that say nothing in any borough: towns and counties, and the boroughs' own names."""
    return (*PLACES, *(borough.name for borough in registry.boroughs().values()))


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
