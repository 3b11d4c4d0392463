"""From any text to plain capitals, one spelling a word, commas that stand apart; and postcodes taken out of it.

Every function takes and gives a `pyarrow` text array of the same length and never raises on content.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.repairs import mend, odd_units, spelt_out, where
from pipelines.link.address.words import MONTHS, SPELLINGS, STREETS

MAX_LENGTH = 300
MAX_PLACES = 6
_NO_PLAIN_SIGN = r"[^A-Z0-9,/ -]"
_TWO_NUMBERS = r"[-/~]|[0-9][A-Z]? ?(?:TO|AND) ?[0-9]|[0-9] AND A HALF"
"""Signs and words without which a text has neither a range nor two numbers, a flat's and a house's, in one."""
POSTCODE = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}"
OUTCODE = r"(?:EC|WC|NW|SE|SW|E|N|W|BR|CR|DA|EN|HA|IG|KT|RM|SM|TN|TW|UB|WD)[0-9]{1,2}[A-Z]?"


def as_text(values: pd.Series[str] | pa.Array | pa.ChunkedArray | Sequence[str | None]) -> pa.Array:
    """A text array without nulls. Text that no encoding can hold (half a character) loses that character."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not isinstance(values, pa.Array):
        series: pd.Series[Any] = pd.Series(np.asarray(values, dtype=object))
        try:
            values = pa.array(series, pa.string(), from_pandas=True)
        except UnicodeEncodeError:
            values = pa.array(series.str.encode("utf-8", "ignore").str.decode("utf-8"), pa.string(), from_pandas=True)
    return pc.fill_null(values.cast(pa.string()), "")


def swap(text: pa.Array, pattern: str, by: str) -> pa.Array:
    """Every match of a pattern replaced."""
    # To ask is ten times cheaper than to replace, and most patterns are in few texts.
    hit = pc.match_substring_regex(text, pattern)
    many = pc.sum(hit).as_py() or 0
    if many == 0:
        return text
    if many > len(text) // 2:
        return pc.replace_substring_regex(text, pattern, by)
    return pc.replace_with_mask(text, hit, pc.replace_substring_regex(text.filter(hit), pattern, by))


def map_words(text: pa.Array, words: dict[str, str]) -> pa.Array:
    """Each word of a space-separated text replaced by what stands for it; one look-up a distinct word."""
    lists = pc.split_pattern(text, " ")
    encoded = lists.values.dictionary_encode()
    mapped = pa.array([words.get(word, word) for word in encoded.dictionary.to_pylist()], pa.string())
    return pc.binary_join(pa.ListArray.from_arrays(lists.offsets, mapped.take(encoded.indices)), " ")


def tidy(text: pa.Array) -> pa.Array:
    """Single spaces, no empty parts between commas, none at the ends."""
    # Most texts are tidy most of the time, and asking is ten times cheaper than replacing.
    untidy = pc.match_substring_regex(text, r"  |^[ ,]|[ ,]$|[^ ],|,[^ ]|, ,")
    if not pc.any(untidy).as_py():
        return text
    changed = swap(text.filter(untidy), r"[ ,]*,[ ,]*", " , ")
    changed = swap(swap(changed, r"^[ ,]+|[ ,]+$", ""), r"  +", " ")
    return pc.replace_with_mask(text, untidy, changed)


def pull(
    text: pa.Array, core: str, names: tuple[str, ...], *, last: bool = False
) -> tuple[pa.Array, dict[str, pa.Array], pa.Array]:
    """Take the first (or last) match of a pattern out of each text.

    Returns:
        Whether it was there, its named groups (empty text where it was not), and the text without it.
    """
    hit = pc.match_substring_regex(text, core)
    blank = pa.array([""] * len(text), pa.string())
    if not pc.any(hit).as_py():
        return hit, dict.fromkeys(names, blank), text
    lazy = "" if last else "?"
    found = pc.extract_regex(text.filter(hit), rf"^(?P<before_>.*{lazy}){core}(?P<after_>.*)$")
    got = {name: pc.fill_null(pc.struct_field(found, name), "") for name in (*names, "before_", "after_")}
    rest = tidy(pc.binary_join_element_wise(got["before_"], got["after_"], " , "))
    groups = {name: pc.replace_with_mask(blank, hit, got[name]) for name in names}
    return hit, groups, pc.replace_with_mask(text, hit, rest)


def clean(text: pa.Array) -> pa.Array:
    """Plain capitals: accents, dots and apostrophes gone, brackets and line ends as commas, words in one spelling."""
    text = mend(pc.utf8_slice_codeunits(text, 0, MAX_LENGTH))
    text = pc.replace_substring(text, "½", " AND A HALF ")
    text = pc.utf8_upper(pc.utf8_normalize(text, form="NFKD"))
    text = spelt_out(tidy(where(text, _NO_PLAIN_SIGN, _plain)))
    text = swap(text, r"\b(FLAT|FLT|APT|RM|ROOM|UNIT)([0-9])", r"\1 \2")
    text = swap(text, r"\bFLAT([A-HJ-RT-Z])\b", r"FLAT \1")
    # Flat Iron Square is a street.
    text = swap(text, r"\bFLAT IRON\b", "FLATIRON")
    text = swap(text, r"\bTHE (FLAT|ANNEXE?|STUDIO|PENTHOUSE|MAISONETTE) ([0-9])", r"\1 , \2")
    return tidy(map_words(text, SPELLINGS))


def _plain(text: pa.Array) -> pa.Array:
    text = swap(text, r"['’‘`´\x{0300}-\x{036F}]", "")
    text = swap(text, r"\b([A-Z])\.", r"\1")
    text = swap(text, r"[‐‑‒–—―−]", "-")
    text = swap(text, r"[\r\n\t;:()\[\]{}|\"]", " , ")
    text = swap(text, r"[&+]", " AND ")
    return swap(text, _NO_PLAIN_SIGN, " ")


def months_back(text: pa.Array) -> pa.Array:
    """Ranges that a spreadsheet took for dates (12-May, May-12), as ranges again, the smaller end first."""
    hit = pc.match_substring_regex(
        text, rf"\b(?:[0-9]{{1,2}}-(?:{'|'.join(MONTHS)})|(?:{'|'.join(MONTHS)})-[0-9]{{1,3}})\b"
    )
    if not pc.any(hit).as_py():
        return text
    for number, month in enumerate(MONTHS, start=1):
        low = "|".join(f"0?{n}" for n in range(1, number))
        if low:
            text = swap(text, rf"\b0?({low})-{month}\b|\b{month}-0?({low})\b", rf"\1\2-{number}")
        text = swap(text, rf"\b0?([0-9]{{1,2}})-{month}\b|\b{month}-0?([0-9]{{1,3}})\b", rf"{number}-\1\2")
    return text


def ranges_and_slashes(text: pa.Array) -> pa.Array:
    """Number ranges in one form (`12-14`), flat-and-number slashes apart, every other hyphen and slash a space."""
    return tidy(where(odd_units(months_back(text)), _TWO_NUMBERS, _apart))


def _apart(text: pa.Array) -> pa.Array:
    text = swap(text, r"\b(FLAT|ROOM|UNIT|STUDIO) ([0-9]+[A-Z]?|[A-Z]) ?- ([0-9])", r"\1 \2 , \3")
    text = swap(text, r"\bFLAT ([0-9]+[A-Z]?)-([0-9]+[A-Z]?) ([^0-9]+)$", r"FLAT \1 , \2 \3")
    text = swap(text, r"\b(FLAT|ROOM|UNIT|STUDIO) ([0-9]+[A-Z]?)/([0-9]+[A-Z]?)\b", r"\1 \2 , \3")
    text = swap(text, r"\b([0-9]+) AND A HALF\b", r"\1HALF")
    text = _slashes(text)
    text = swap(text, r"\b([0-9]{1,5}[A-Z]?) ?(?:-|TO|AND) ?([0-9]{1,5}[A-Z]?)\b", r"\1~\2")
    return pc.replace_substring(swap(text, r"[-/]", " "), "~", "-")


def _slashes(text: pa.Array) -> pa.Array:
    """`12/14` is a range; `1/12`, whose ends lie too far apart for one house, is flat 1 of number 12."""
    found = pc.extract_regex(text, r"\b(?P<low>[0-9]{1,4})[A-Z]?/(?P<high>[0-9]{1,4})[A-Z]?\b")
    hit = pc.is_valid(found)
    if not pc.any(hit).as_py():
        return text
    low = pc.cast(pc.struct_field(found, "low"), pa.int32())
    step = pc.subtract(pc.cast(pc.struct_field(found, "high"), pa.int32()), low)
    even = pc.equal(pc.bit_wise_and(step, 1), 0)
    is_range = pc.or_(pc.equal(step, 1), pc.and_(even, pc.and_(pc.greater(step, 0), pc.less_equal(step, 8))))
    pair = r"\b([0-9]{1,4}[A-Z]?)/([0-9]{1,4}[A-Z]?)\b"
    as_range, as_flat = swap(text, pair, r"\1~\2"), swap(text, pair, r"FLAT \1 , \2")
    return pc.if_else(hit, pc.if_else(pc.fill_null(is_range, False), as_range, as_flat), text)


def postcodes(text: pa.Array) -> pa.Array:
    """Postcodes in capitals with one space, empty where the text is none; 0 and O, 1 and I put where they belong."""
    bare = swap(pc.utf8_upper(text), r"[^A-Z0-9]", "")
    size = pc.binary_length(bare)
    cut = pc.and_(pc.greater_equal(size, 5), pc.less_equal(size, 7))
    bare = pc.if_else(cut, bare, "")
    outward = pc.utf8_slice_codeunits(bare, 0, -3)
    inward = pc.utf8_slice_codeunits(bare, -3, MAX_LENGTH)
    inward = swap(swap(inward, r"^O", "0"), r"^[IL]", "1")
    outward = swap(swap(outward, r"^([A-Z]{1,2})O$", r"\10"), r"^0", "O")
    joined = pc.binary_join_element_wise(outward, inward, " ")
    return pc.if_else(pc.match_substring_regex(joined, rf"^{POSTCODE}$"), joined, "")


def take_postcode(text: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The text without the last postcode in it, and that postcode (empty where there is none)."""
    _, got, rest = pull(text, rf"\b(?P<postcode>{POSTCODE})\b", ("postcode",), last=True)
    return rest, postcodes(got["postcode"])


@lru_cache(maxsize=64)
def places_pattern(places: tuple[str, ...]) -> str:
    """An alternation of place names as `clean` leaves them, the longest first."""
    plain = clean(as_text(places))
    names = sorted({name for name in plain.to_pylist() if name and "," not in name}, key=lambda n: (-len(n), n))
    return "|".join(names)


def last_places(text: pa.Array, places: Sequence[str]) -> pa.Array:
    """The places of the area that each text ends in, empty where it ends in none."""
    blank = pa.array([""] * len(text), pa.string())
    names = places_pattern(tuple(places)) if places else ""
    if not names:
        return blank
    encoded = text.dictionary_encode()
    found = pc.extract_regex(encoded.dictionary, rf"^(?:.*?[ ,])??(?P<place>(?:{names})(?:(?: ,)? (?:{names}))*)$")
    return pc.replace_substring(pc.fill_null(pc.struct_field(found, "place"), ""), ",", " ").take(encoded.indices)


def drop_places(text: pa.Array, places: tuple[str, ...], *, streets: Sequence[str] = ()) -> pa.Array:
    """Towns, boroughs and counties off the end, and parts between commas that are nothing else.

    A place right behind a number stays: there it is the street. With a comma between them it is
    the street only if there is a street of that name among `streets`.
    """
    every = pa.array([True] * len(text), pa.bool_())
    both = sorted(set(places_pattern(places).split("|")) & set(streets), key=lambda n: (-len(n), n))
    return _until_settled(text, every, places_pattern(places), "|".join(both))


def _until_settled(text: pa.Array, active: pa.Array, names: str, both: str) -> pa.Array:
    if both:
        # Without the comma between them it is no longer a part that is nothing but a place.
        text = swap(text, rf"([0-9][A-Z]?) , ({both})( ,|$)", r"\1 \2\3")
    for _ in range(MAX_PLACES):
        before = text.filter(active)
        if len(before) == 0:
            return text
        after = swap(before, rf"(^|, )(?:{names})( ,|$)", r"\1\2")
        after = swap(tidy(after), rf"([0-9A-Z]*[A-Z]{{2,}}|,) (?:{names})$", r"\1")
        after = tidy(swap(after, rf"(LONDON|,|(?:{STREETS})) {OUTCODE}$", r"\1"))
        text = pc.replace_with_mask(text, active, after)
        active = pc.replace_with_mask(active, active, pc.not_equal(before, after))
    return text
