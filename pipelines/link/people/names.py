"""Names of people and firms in one spelling: from whatever a register holds to parts that can be compared.

Everything takes and gives columns of one length and never raises on content. Empty text means unknown.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.text import as_text, map_words, swap
from pipelines.link.people import words

MAX_LENGTH = 200
TRADING = r"\b(?:T ?/ ?A|TRADING AS|TRADES AS|T A)\b"
NUMBER = (
    r"(?:COMPANY|CO|COMP|REG|REGISTERED|REGISTRATION|CRN)[ .]*"
    r"(?:REG(?:ISTRATION|ISTERED)?[ .]*)?(?:NUMBER|NUM|NO|#)?[ .:]*"
)
NUMBERED = rf"\(? ?\b{NUMBER}(?P<number>(?:[A-Z]{{2}}[0-9]{{6}}|[0-9]{{6,8}}))\b ?\)?"
CARE_OF = r"\b(?:C ?/ ?O|CARE OF)\b.*$"
_LEGAL = "|".join(words.LIMITED)
_TITLES = "|".join((*words.TITLES, *words.LETTERS))
FIRM = rf"\b(?:{_LEGAL}|{'|'.join(words.TRADES)})\b"


def folded(text: pa.Array) -> pa.Array:
    """Capitals A to Z and digits, marks taken off, other alphabets written in ours, punctuation kept, single spaces."""
    text = pc.utf8_slice_codeunits(text, 0, MAX_LENGTH)
    text = pc.utf8_upper(pc.utf8_normalize(text, form="NFKD"))
    text = swap(text, r"[\x{0300}-\x{036F}]", "")
    plain = pc.match_substring_regex(text, r"^[\x00-\x7F]*$")
    if not pc.all(plain).as_py():
        odd = text.filter(pc.invert(plain)).dictionary_encode()
        written = pa.array([value.translate(words.LETTER) for value in odd.dictionary.to_pylist()], pa.string())
        text = pc.replace_with_mask(text, pc.invert(plain), written.take(odd.indices))
        text = swap(text, r"[‐‑‒–—―−]", "-")
        text = swap(text, r"[’‘`´ʹʼ]", "'")
        text = swap(text, r"[^\x00-\x7F]+", " ")
    return pc.utf8_trim_whitespace(swap(text, r"[\s\x00-\x1F]+", " "))


def _words(text: pa.Array, *, hyphens: bool) -> pa.Array:
    keep = "-" if hyphens else ""
    text = swap(swap(text, r"'", ""), rf"[^A-Z0-9{keep}]+", " ")
    if hyphens:
        text = swap(swap(text, r" *-+ *", "-"), r"^-+|-+$", "")
    return pc.utf8_trim_whitespace(text)


def distinct(text: pa.Array, made: Callable[[pa.Array], pd.DataFrame]) -> pd.DataFrame:
    """What is made of each text, worked out once a distinct text."""
    encoded = text.dictionary_encode()
    frame = made(encoded.dictionary)
    return frame.take(encoded.indices.to_numpy(zero_copy_only=False)).reset_index(drop=True)


def parsed(values: pa.Array) -> pd.DataFrame:
    """Names as a register writes them, of people and of firms, taken apart.

    Returns:
        Columns forename, surname, other (a person's further names), company (a firm's name in one spelling), alias
        (what it trades as, or the same of a person), company_number, firm (bool).
    """
    return distinct(as_text(values), _parsed)


def _parsed(text: pa.Array) -> pd.DataFrame:
    text = swap(folded(text), CARE_OF, "")
    found = pc.extract_regex(text, NUMBERED)
    number = pc.fill_null(pc.struct_field(found, "number"), "") if len(text) else text
    text = swap(text, NUMBERED, " ")
    parts = pc.extract_regex(text, rf"^(?P<before>.*?),? ?{TRADING},?(?P<after>.*)$")
    split = pc.is_valid(parts)
    before = pc.if_else(split, pc.fill_null(pc.struct_field(parts, "before"), ""), text)
    alias = pc.if_else(split, pc.fill_null(pc.struct_field(parts, "after"), ""), "")
    firm = pc.match_substring_regex(_words(before, hyphens=False), FIRM)
    blank = pa.array([""] * len(text), pa.string())
    frame = people(pc.if_else(firm, blank, before))
    frame["company"] = company(pc.if_else(firm, before, blank)).to_pandas()
    frame["alias"] = company(alias).to_pandas()
    frame["company_number"] = company_number(number).to_pandas()
    frame["firm"] = firm.to_pandas()
    return frame


def people(text: pa.Array) -> pd.DataFrame:
    """Folded names of people as forename, surname and other names; `SURNAME, First` is turned about, titles go."""
    behind = rf"^\s*([^,]+?),\s*(?:(?:{_TITLES})\b\.?\s*)*$"
    text = swap(text, behind, r"\1")
    text = swap(text, r"^\s*([^,]+),\s*([^,0-9]+?)\s*$", r"\2 \1")
    text = _words(swap(text, r"\(.*?\)", " "), hyphens=True)
    # A surname may be MASTER or MAJOR: a title goes only while a name of two words is left.
    for _ in range(3):
        text = swap(text, rf"^(?:{'|'.join(words.TITLES)}) (.+)$", r"\1")
        text = swap(text, rf"^(.+ .+) (?:{_TITLES})$", r"\1")
    text = swap(text, rf"^(?:{'|'.join(words.TITLES)})$|\bAND\b", " ")
    parts = pc.extract_regex(text, r"^\s*(?P<forename>\S+)\s+(?:(?P<other>.*)\s+)?(?P<surname>\S+)\s*$")
    whole = pc.is_valid(parts)
    take = {n: pc.fill_null(pc.struct_field(parts, n), "") for n in ("forename", "surname", "other")}
    lone = pc.utf8_trim_whitespace(pc.if_else(whole, "", text))
    return pd.DataFrame(
        {
            "forename": take["forename"].to_pandas(),
            "surname": pc.if_else(whole, take["surname"], lone).to_pandas(),
            "other": pc.utf8_trim_whitespace(swap(take["other"], r" +", " ")).to_pandas(),
        },
        dtype=object,
    )


def part(values: pa.Array) -> pd.Series[str]:
    """A forename or a surname that has a column of its own: capitals, no title, hyphens kept."""

    def made(text: pa.Array) -> pd.DataFrame:
        text = _words(folded(text), hyphens=True)
        text = swap(text, rf"^(?:{'|'.join(words.TITLES)}) (\S.*)$", r"\1")
        return pd.DataFrame({"part": text.to_pandas()}, dtype=object)

    return distinct(as_text(values), made)["part"]


def company(text: pa.Array) -> pa.Array:
    """Folded names of firms in one spelling: no THE and AND, one spelling of each legal form and abbreviation."""
    text = swap(text, r"\.", "")
    name = _words(swap(text, r"[&+]", " AND "), hyphens=False)
    name = swap(swap(name, r"\b(P) (L) (C)\b", "PLC"), r"\bL L P\b", "LLP")
    name = swap(name, r"\bAND\b", " ")
    name = swap(pc.utf8_trim_whitespace(name), r"^THE ", "")
    return pc.utf8_trim_whitespace(swap(map_words(swap(name, r" +", " "), words.SPELLINGS | words.LIMITED), r" +", " "))


def company_core(names: pd.Series[str]) -> pd.Series[str]:
    """A firm's name without its legal form, so that one that was left off is no difference."""
    legal = "|".join(sorted(set(words.LIMITED.values())))
    return names.str.replace(rf" (?:{legal})$", "", regex=True)


def says_little(names: pd.Series[str]) -> pd.Series[bool]:
    """Whether a firm's name consists of words of the trade alone, so that it tells no firm apart."""
    distinct_names = pd.Series(names.unique(), dtype=object)
    plain = distinct_names.map(lambda name: bool(name) and not set(name.split()) - words.PLAIN)
    return names.map(dict(zip(distinct_names, plain, strict=True))).astype(bool)


def company_number(values: pa.Array) -> pa.Array:
    """Registered numbers as Companies House writes them: eight characters, zeros in front; empty where it is none."""
    bare = swap(folded(as_text(values)), r"[^A-Z0-9]", "")
    digits = pc.match_substring_regex(bare, r"^[0-9]{6,8}$")
    lettered = pc.match_substring_regex(bare, r"^[A-Z]{2}[0-9]{6}$")
    padded = pc.if_else(digits, pc.utf8_lpad(bare, 8, padding="0"), bare)
    zero = pc.match_substring_regex(padded, r"^0+$")
    return pc.if_else(pc.and_(pc.or_(digits, lettered), pc.invert(zero)), padded, "")


def sound(names: pd.Series[str]) -> pd.Series[str]:
    """A rough key of how a name sounds: spellings such as Hussein and Hussain, Stephen and Steven share it."""
    unique = pd.Series(names.unique(), dtype=object)
    text = as_text(unique)
    for pattern, by in words.SOUNDS:
        text = swap(text, pattern, by)
    first = pc.utf8_slice_codeunits(text, 0, 1)
    rest = swap(pc.utf8_slice_codeunits(text, 1, MAX_LENGTH), r"[AEIOUYH]+", "")
    key = pc.binary_join_element_wise(first, rest, "").to_pandas()
    key = key.str.replace(r"(.)\1+", r"\1", regex=True)
    return names.map(dict(zip(unique, np.where(key.str.len() > 0, key, ""), strict=True)))
