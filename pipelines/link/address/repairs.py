"""What machines and hurried hands do to addresses, put right before anything is read.

Each repair is rare, so one look says which texts it may concern, and only those are rewritten.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.words import NAMED, TENS, TO_TEN, TO_TWENTY

_BROKEN = r"&[#A-Za-z0-9]+;|<[A-Za-z/!]|[ÃÂâ]|[\x{0370}-\x{03FF}\x{0400}-\x{04FF}]|[0-9]\.0|[0-9] ?\([A-Za-z]\)"
_MENDED = (
    (r"(?i)<br ?/?>|</?(?:p|div|li|tr|td)>", ","),
    (r"<[A-Za-z/!][^<>]{0,100}>", " "),
    (r"&(?:amp|#38);", "&"),
    (r"&(?:#0?39|#[xX]27|apos|[lr]squo|#821[67]);", "'"),
    (r"&(?:[nm]dash|#821[12]|#[xX]201[34]);", "-"),
    (r"&(?:#[xX]?[0-9A-Fa-f]+|[A-Za-z]{2,8});", " "),
    (r"â€[™˜]", "'"),
    (r"â€[“”\"]", "-"),
    (r"â€[^ A-Za-z0-9]?", " "),
    (r"Ã[©¨ª«]", "e"),
    (r"Ã[¡¢¤£]", "a"),
    (r"Ã[³²´¶µ]", "o"),
    (r"Ã[®¯¬]", "i"),
    (r"Ã[º¹»¼]", "u"),
    (r"Ã§", "c"),
    (r"Ã±", "n"),
    (r"Â([^A-Za-z]|$)", r"\1"),
    (r"\b([0-9]{1,5})\.0{1,2}\b", r"\1"),
    (r"([0-9]) ?\(([A-Za-z])\)", r"\1\2"),
)
"""Marks of a web page, and UTF-8 read as the Windows alphabet; 14.0 is 14, 12 (B) is 12B."""

_ALIKE = dict(zip("АВЕКМНОРСТХУІЅЈΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEKMHOPCTXYISJABEZHIKMNOPTYX", strict=True))
"""Cyrillic and Greek capitals that look like Latin ones."""

_KINDS = "FLAT|FFLAT|FLT|APARTMENT|APT|ROOM|UNIT|STUDIO|MAISONETTE|PENTHOUSE"
_SPELT = "|".join(TO_TWENTY)
_LARGE = "|".join((*TO_TWENTY[10:], *TENS))
_HURRIED = (
    rf"\b(?:NUMBER|{_KINDS}) (?:{_SPELT})\b|(?:^|, )(?:{_LARGE})\b"
    r"|[0-9] O [A-Z]{3}|\b(?:GRANNY|GARDEN) (?:ANNEX|FLAT)|[0-9] [A-Z] THE "
    r"|\b(?:RD|ROAD|AVE|AVENUE|ST|STREET|GDNS|GARDENS) [NSEW]$"
)
_ODD = (
    r"\b[0-9]{1,2}/[0-9]\b|\b[0-9]{1,2}F[0-9]\b|[0-9][A-Z]-[A-Z]\b|^[A-Z][0-9]{1,3} "
    r"|\b(?:FLAT|ROOM|UNIT|STUDIO) (?:[0-9]{1,4} [A-Z]|[A-Z] [0-9]{1,3})(?: |$)"
    r"|\b(?:FLATS|UNITS|APTS|ROOMS) (?:[0-9]|[A-Z]\b)"
    r"|\b(?:FLAT|UNIT|ROOM|STUDIO) [0-9A-Z]{1,5} (?:AND|OR) (?:FLAT |UNIT |ROOM |STUDIO )?[0-9A-Z]{1,4}\b"
)
_ONE = r"[0-9]{1,4}[A-Z]?|[A-Z][0-9]{0,4}"


def _with_a_slip(word: str) -> str:
    """All ways of writing a word with a letter left out, turned round, put in or mistaken, but for the plural."""
    ways = {word[:at] + word[at + 1 :] for at in range(len(word))}
    ways |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    ways |= {word[:at] + "[A-Z]" + word[at:] for at in range(len(word))}
    ways |= {word[:at] + "[A-Z]" + word[at + 1 :] for at in range(len(word) - 1)}
    return "|".join(sorted(ways - {word}))


_SLIPPED = tuple(
    (word, rf"^(?:{_with_a_slip(word)}) ((?:[0-9]{{1,3}}[A-Z]?|[A-Z][0-9]{{0,2}})(?: ,| [0-9]))")
    for word in ("FLAT", "ROOM")
)
"""At the start, before a number or letter and a comma, where nothing else is meant."""


def where(text: pa.Array, pattern: str, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """The texts that match a pattern changed, all others as they are."""
    hit = pc.match_substring_regex(text, pattern)
    if not pc.any(hit).as_py():
        return text
    return pc.replace_with_mask(text, hit, change(text.filter(hit)))


def mend(text: pa.Array) -> pa.Array:
    """Raw text without marks of web pages, wrong alphabets and numbers with nothing behind the point."""
    return where(text, _BROKEN, _mended)


def _mended(text: pa.Array) -> pa.Array:
    for pattern, by in _MENDED:
        text = pc.replace_substring_regex(text, pattern, by)
    text = pc.utf8_upper(text)
    for letter, latin in _ALIKE.items():
        text = pc.replace_substring(text, letter, latin)
    return text


def spelt_out(text: pa.Array) -> pa.Array:
    """Capitals with figures for words where a number of a flat or house stands; `12 O BRIEN ST` mended."""
    for word, slipped in _SLIPPED:
        text = where(text, slipped, partial(_without_slip, word, slipped))
    return where(text, _HURRIED, _in_figures)


def _without_slip(word: str, slipped: str, text: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(text, slipped, rf"{word} \1")


def _in_figures(text: pa.Array) -> pa.Array:
    def swap(pattern: str, by: str) -> None:
        nonlocal text
        text = pc.replace_substring_regex(text, pattern, by)

    for number, word in enumerate(TO_TWENTY, start=1):
        swap(rf"\b({_KINDS}) {word}( ,| [0-9]| (?:{_LARGE})|$)", rf"\1 {number}\2")
        if word in TO_TEN:
            swap(rf"\bNUMBER {word}\b", str(number))
    for tens, word in enumerate(TENS, start=2):
        swap(rf"(^|, ){word}[ -]({'|'.join(TO_TEN[:9])})\b", rf"\1{tens}~\2")
        swap(rf"(^|, ){word}( ,)? ([A-Z])", rf"\1{tens}0 \3")
    for number, word in enumerate(TO_TWENTY, start=1):
        if word in TO_TEN:
            swap(rf"([2-9])~{word}\b", rf"\1{number}")
        else:
            swap(rf"(^|, ){word}( ,)? ([A-Z])", rf"\1{number} \3")
    swap(r"\b([0-9]+[A-Z]?) O ([A-Z]{3,})", r"\1 O\2")
    swap(r"\b(?:GRANNY (?:ANNEXE?|FLAT)|GARDEN ANNEXE?)\b", "ANNEXE")
    swap(r"\b([0-9]+) ([A-Z]) THE ", r"\1\2 THE ")
    for letter, word in (("N", "NORTH"), ("S", "SOUTH"), ("E", "EAST"), ("W", "WEST")):
        swap(rf" (RD|ROAD|AVE|AVENUE|ST|STREET|GDNS|GARDENS) {letter}$", rf" \1 {word}")
    return text


def odd_units(text: pa.Array) -> pa.Array:
    """Units in the forms that are read: `FLAT 3/2` on the Clyde is 3F2, `FLAT 1 A` is 1A, several flats are one run.

    A run is left as `FLATS 1~6` (from, to) or `FLATS A+B` (each of them).
    """
    return where(text, _ODD, _evened)


def _evened(text: pa.Array) -> pa.Array:
    def swap(pattern: str, by: str) -> None:
        nonlocal text
        text = pc.replace_substring_regex(text, pattern, by)

    swap(r"\b(?:FLAT )?([0-9]{1,2}F[0-9])\b", r" , FLAT \1 , ")
    swap(r"\bFLAT ([0-9]{1,2})/([0-9])( ,)? ([0-9])", r"FLAT \1F\2 , \4")
    swap(r"^([0-9]+[A-Z]? .*[A-Z])( ,)? FLAT ([0-9]{1,2})/([0-9])$", r"\1 , FLAT \3F\4")
    swap(r"^([0-9]{1,2})/([0-9])( ,)? ([0-9]{1,4}[A-Z]? [A-Z])", r"FLAT \1F\2 , \4")
    several, one = "FLATS|UNITS|APTS|ROOMS", "FLAT|UNIT|ROOM|STUDIO"
    swap(rf"\b({one}) ({_ONE}) (?:AND|OR) (?:{one}) ({_ONE})\b", r"\1S \2+\3")
    swap(rf"\b({one}) ([A-Z]) (?:AND|OR) ([A-Z])( ,| [0-9]|$)", r"\1S \2+\3\4")
    for _ in range(4):
        swap(rf"\b({several}) ((?:{_ONE})(?:\+(?:{_ONE}))*) , ({_ONE}) (,|AND) ({_ONE})\b", r"\1 \2+\3 \4 \5")
    swap(rf"\b({several}) ((?:{_ONE})(?:\+(?:{_ONE}))*)(?: ,)? (?:AND|OR) ({_ONE})( ,| [0-9]|$)", r"\1 \2+\3\4")
    swap(rf"\b({several}) ({_ONE})(?: ?- ?| TO )({_ONE})\b", r"\1 \2~\3")
    swap(r"\b([0-9]{1,4})([A-Z])-([A-Z])\b", r"\1\2-\1\3")
    swap(r"\b(FLAT|ROOM|UNIT|STUDIO) ([0-9]{1,4}) ([A-Z])( ,| [0-9]|$)", r"\1 \2\3\4")
    swap(rf"\bFLAT ([A-Z]) ([0-9]{{1,3}}) , ([^,0-9]* (?:{NAMED}))( ,|$)", r"FLAT \1\2 , \3\4")
    swap(rf"^([A-Z][0-9]{{1,3}})(?: ,)? ([^,0-9]* (?:{NAMED})(?: ,.*)?|[0-9]{{1,4}}[A-Z]? [A-Z].*)$", r"FLAT \1 , \2")
    return text
