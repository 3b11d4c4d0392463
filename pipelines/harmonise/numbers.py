"""Numbers, counts and yes or no: what is unambiguous is read and its tidying noted, all else is left blank."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.harmonise.column import NO_TEXT, Column, Mask, true

PLAIN = r"^[+-]?\d{1,15}(?:\.\d*)?$"
GROUPED = r"^([+-]?)\s*£?\s*(\d{1,3}(?:,\d{3})+|\d{1,3}(?: \d{3})+|\d{1,15})(\.\d+)?$"
"""Thousands apart by commas or spaces, in threes: 1,234.50 is read and 1,5 is not, since it may be one and a half."""
COUNTED = (
    r"(?i)^(\d{1,6})\s*(?:(?:no\.?|nr)\s+)?(?:persons?|people|occup(?:ant|ier)s?|tenants?|residents?|households?"
    r"|(?:bed ?|letting |living )?rooms?|bed ?spaces?|beds?|storeys?|floors?|flats?|units?|lettings?|electors?|claims?"
    r"|bins?|sacks?|containers?|items?)$"
)
MEASURED = r"(?i)^(\d{1,6}(?:\.\d+)?)\s*(?:m2|m²|sq\.?\s?m(?:etres?)?\.?)$"
"""A floor area with its unit; the contracts' areas are in square metres."""
WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty",
)  # fmt: skip
INEXACT = (
    r"(?i)^(?:[<>≤≥~±]|c\.?\s*\d|ca\.|circa|approx|about|around|over|under|up to|at least|max|min|more|less).*\d"
    r"|^\d+\s*(?:\+|-|–|to|/|or)\s*(?:\d+|more)?\s*\w*$"
)
YES = ("true", "yes", "y", "1", "t")
NO = ("false", "no", "n", "0", "f")


def read_numbers(text: pa.Array, *, whole: bool) -> Column:
    """Numbers (`float64`), or counts (`int64`) where they are `whole`."""
    odd = true(pc.is_valid(text)) & ~true(pc.match_substring_regex(text, PLAIN))
    inexact = np.zeros(len(text), bool)
    plain = text
    if odd.any():
        few = text.filter(pa.array(odd))
        plain = pc.replace_with_mask(text, pa.array(odd), _as_plain(few, whole=whole))
        inexact[odd] = true(pc.match_substring_regex(few, INEXACT))
    number = plain.cast(pa.float64())
    if whole:
        exact = pc.equal(number, pc.round(number))
        number = pc.if_else(exact, number, pa.scalar(None, pa.float64())).cast(pa.int64())
    unread = true(pc.and_(pc.is_valid(text), pc.is_null(number)))
    column = Column(number)
    column.fault("number_tidied", odd & ~unread)
    column.fault("inexact_number", unread & inexact)
    column.fault("invalid_number", unread & ~inexact)
    return column


def _as_plain(text: pa.Array, *, whole: bool) -> pa.Array:
    """Texts with separators, signs, units or words as plain digits; null where that is not unambiguous."""
    grouped = _kept(
        pc.replace_substring_regex(pc.replace_substring_regex(text, GROUPED, r"\1\2\3"), r"[, ]", ""), text, GROUPED
    )
    if not whole:
        return pc.coalesce(grouped, _kept(pc.replace_substring_regex(text, MEASURED, r"\1"), text, MEASURED))
    counted = _kept(pc.replace_substring_regex(text, COUNTED, r"\1"), text, COUNTED)
    place = pc.index_in(pc.utf8_lower(text), pa.array(WORDS, pa.string())).cast(pa.string())
    return pc.coalesce(grouped, counted, place)


def _kept(made: pa.Array, text: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(text, pattern), made, NO_TEXT)


def read_yes_no(text: pa.Array) -> Column:
    """Yes and no in the usual spellings."""
    low = pc.utf8_lower(text)
    yes, no = (pc.is_in(low, pa.array(words)) for words in (YES, NO))
    values = pc.if_else(yes, True, pc.if_else(no, False, pa.scalar(None, pa.bool_())))
    column = Column(values)
    unread: Mask = true(pc.and_(pc.is_valid(text), pc.is_null(values)))
    column.fault("invalid_yes_no", unread)
    return column
