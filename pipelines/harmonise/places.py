"""UPRNs and postcodes: spreadsheet damage and slips of the hand mended where there is only one reading."""

from __future__ import annotations

import re
from itertools import product

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extracts.long_numbers import written_out
from pipelines.harmonise.column import NO_TEXT, Column, spread, true

UPRN = r"^[1-9]\d{0,11}$"
MOST_DIGITS = 12
ROUNDED = r"^\d(?:\.\d+)?[eE]\+?\d{1,2}$"
UPRN_WRAPPING = r"""^[\s='"’`]+|[\s'"’]+$"""
UPRN_GROUPS = r"^\d{1,3}(?:,\d{3})+$|^\d{3,}(?: \d{3,})+$"

POSTCODE = r"^[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}$"
AREAS = frozenset((
    "AB", "AL", "B", "BA", "BB", "BD", "BF", "BH", "BL", "BN", "BR", "BS", "BT", "BX", "CA", "CB", "CF", "CH", "CM",
    "CO", "CR", "CT", "CV", "CW", "DA", "DD", "DE", "DG", "DH", "DL", "DN", "DT", "DY", "E", "EC", "EH", "EN", "EX",
    "FK", "FY", "G", "GL", "GU", "GY", "HA", "HD", "HG", "HP", "HR", "HS", "HU", "HX", "IG", "IM", "IP", "IV", "JE",
    "KA", "KT", "KW", "KY", "L", "LA", "LD", "LE", "LL", "LN", "LS", "LU", "M", "ME", "MK", "ML", "N", "NE", "NG", "NN",
    "NP", "NR", "NW", "OL", "OX", "PA", "PE", "PH", "PL", "PO", "PR", "RG", "RH", "RM", "S", "SA", "SE", "SG", "SK",
    "SL", "SM", "SN", "SO", "SP", "SR", "SS", "ST", "SW", "SY", "TA", "TD", "TF", "TN", "TQ", "TR", "TS", "TW", "UB",
    "W", "WA", "WC", "WD", "WF", "WN", "WR", "WS", "WV", "YO", "ZE",
))  # fmt: skip
"""Postcode areas of the United Kingdom and the Crown dependencies (Royal Mail's Postcode Address File)."""
STRICT = re.compile(r"([A-Z]{1,2})(?:[1-9]\d?|0|[1-9][A-Z]) \d[ABD-HJLNP-UW-Z]{2}", re.ASCII)
"""A postcode as it is given out: no district begins with 0 unless it is 0, and the last two letters are never C, I, K,
M, O or V (BS 7666-2)."""
EASILY_MISTAKEN = r"^\d|[A-Z]0|[OI]"
"""Where a letter may stand for a digit or the other way round, so that the whole is worth a look."""
THIRD = frozenset("ABCDEFGHJKPSTUW")
FOURTH = frozenset("ABEHMNPRVWXY")
SWAPS = {"O": "O0", "0": "0O", "I": "I1", "1": "1I"}


def read_uprns(text: pa.Array) -> Column:
    """UPRNs as text without leading zeros; what cannot be one is left blank."""
    column = Column(text)
    sound = pc.and_(pc.ascii_is_decimal(text), pc.less_equal(pc.binary_length(text), MOST_DIGITS))
    odd = true(pc.is_valid(text)) & ~(true(sound) & ~true(pc.starts_with(text, "0")))
    if not odd.any():
        return column
    few = text.filter(pa.array(odd))
    bare = pc.replace_substring_regex(few, UPRN_WRAPPING, "")
    grouped = pc.match_substring_regex(bare, UPRN_GROUPS)
    bare = pc.if_else(grouped, pc.replace_substring_regex(bare, r"[, ]", ""), bare)
    bare = pc.replace_substring_regex(written_out(bare), r"^0+|\.0*$", "")
    rounded = true(pc.match_substring_regex(bare, ROUNDED))
    good = true(pc.match_substring_regex(bare, UPRN))
    column.put(odd, pc.if_else(pa.array(good), bare, NO_TEXT))
    column.fault("uprn_repaired", spread(odd, good))
    column.fault("damaged_uprn", spread(odd, rounded & ~good))
    column.fault("invalid_uprn", spread(odd, ~good & ~rounded))
    return column


def read_postcodes(text: pa.Array) -> Column:
    """Postcodes in capitals with one space.

    A letter O or I for a digit, or a digit for it, is mended where only one reading is a postcode; what
    is none is left for the contract's pattern to find.
    """
    column = Column(text)
    odd = true(pc.is_valid(text)) & ~true(pc.match_substring_regex(text, POSTCODE))
    if odd.any():
        few = text.filter(pa.array(odd))
        joined = pc.replace_substring_regex(pc.utf8_upper(few), r"[^A-Z0-9]", "")
        spaced = pc.replace_substring_regex(joined, r"^(.+)(.{3})$", r"\1 \2")
        column.put(odd, spaced)
        column.fault("postcode_tidied", odd & true(pc.match_substring_regex(column.values, POSTCODE)))
    # Only those with a letter or digit that is easily taken for another are looked at one by one, each text once.
    doubtful = true(pc.match_substring_regex(column.values, EASILY_MISTAKEN))
    if doubtful.any():
        encoded = column.values.filter(pa.array(doubtful)).dictionary_encode()
        before = encoded.dictionary.to_pylist()
        after = [_only_reading(word) for word in before]
        mended = pa.array([one != other for one, other in zip(before, after, strict=True)])
        column.put(doubtful, pa.array(after, pa.string()).take(encoded.indices))
        column.fault("postcode_repaired", spread(doubtful, true(mended.take(encoded.indices))))
    return column


def _only_reading(word: str) -> str:
    """The one postcode that a text can be with O and 0, I and 1 put for each other; the text itself otherwise."""
    if _is_postcode(word) or not 6 <= len(word) <= 8:
        return word
    readings = {made for made in map("".join, product(*(SWAPS.get(sign, sign) for sign in word))) if _is_postcode(made)}
    return readings.pop() if len(readings) == 1 else word


def _is_postcode(word: str) -> bool:
    found = STRICT.fullmatch(word)
    if found is None or found.group(1) not in AREAS:
        return False
    district = word.split(" ")[0][len(found.group(1)) :]
    if len(found.group(1)) == 1:
        return district != "0" and (len(district) == 1 or district[1].isdigit() or district[1] in THIRD)
    return len(district) == 1 or district[1].isdigit() or district[1] in FOURTH
