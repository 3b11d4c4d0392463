"""Text tidied: what no reader would call a change of the text is put right, and each such change is noted.

A pattern over a whole column says which few cells need it; only those are worked on.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.extracts.chunk import REPLACEMENT
from pipelines.harmonise.cell_bytes import has_byte, has_digits, untidy
from pipelines.harmonise.column import NO_TEXT, Column, Mask, spread, true

UNPRINTABLE = r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x{84}\x{86}-\x{9f}\p{Cf}]"
"""Control and format characters that are no white space: among them those that turn the direction of writing round."""
SPACES = r"[\s\p{Z}\x{85}]+"
"""White space as Unicode has it: the next-line character is a control character, which neither class holds."""
EDGES = rf"^{SPACES}|{SPACES}$"
LINE_BREAKS = r"[\s\p{Z},]*[\r\n\x{85}\x{2028}\x{2029}]+[\s\p{Z}\x{85}]*"

FORMULA = "="
FEWEST_DIGITS = 6
"""Of a national insurance number; a telephone number has ten or more."""
_LABEL = r"(?:\b(?:tel(?:ephone)?|phone|mob(?:ile)?|contact|e-?mail|nino|ni(?: n(?:o|umber))?)\b[.:]?[\s:]*)?"
_EMAIL = r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+"
_TELEPHONE = r"(?:\+44[\s().-]*(?:\(0\)[\s.-]*)?|\(?\b0)[1-9](?:[\s().-]{0,2}\d){8,9}\b"
_NATIONAL_INSURANCE = r"\b[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s?\d{2}\s?\d{2}\s?\d{2}\s?[A-D]\b"
CONTACT = rf"(?i)[\s,;(/-]*{_LABEL}(?:{_EMAIL}|{_TELEPHONE}|{_NATIONAL_INSURANCE})\)?"
"""A United Kingdom telephone number (Ofcom's plan: 0 or +44 and nine or ten digits), an e-mail address, or a national
insurance number (HMRC: two letters, six digits, a letter A to D), with the word before it that announces it."""
LEFT_OVER = r"^[\s,;/-]+|[\s,;(/-]+$"


def tidied(text: pa.Array) -> Column:
    """Cells with single spaces, on one line, without unprintable characters. What cannot be decoded is left blank."""
    column = Column(text)
    odd = untidy(text)
    if not odd.any():
        return column
    few = text.filter(pa.array(odd))
    broken = true(pc.match_substring(few, REPLACEMENT))
    composed = pc.utf8_normalize(few, "NFC")
    printable = pc.replace_substring_regex(composed, UNPRINTABLE, "")
    inner = pc.replace_substring_regex(printable, EDGES, "")
    tidy = pc.replace_substring_regex(pc.replace_substring_regex(inner, LINE_BREAKS, ", "), SPACES, " ")
    written = true(pc.not_equal(tidy, "")) & ~broken  # a cell of spaces alone is a blank one
    column.put(odd, tidy)
    column.fault("accents_composed", spread(odd, written & _differ(few, composed)))
    column.fault("control_characters_removed", spread(odd, written & _differ(composed, printable)))
    column.fault("spaces_tidied", spread(odd, written & _differ(printable, tidy)))
    column.blank("undecodable_text", spread(odd, broken))
    return column


def _differ(one: pa.Array, other: pa.Array) -> Mask:
    return true(pc.not_equal(one, other))


def without_contacts(text: pa.Array) -> Column:
    """Text in which nobody is named by telephone, e-mail or national insurance number; formulas stay text."""
    column = Column(text)
    risky = has_digits(text, FEWEST_DIGITS) | true(pc.starts_with(text, FORMULA))
    if has_byte(text, "@"):
        risky |= true(pc.match_substring(text, "@"))
    if not risky.any():
        return column
    few = text.filter(pa.array(risky))
    column.fault("formula_text", spread(risky, true(pc.starts_with(few, FORMULA))))
    found = true(pc.match_substring_regex(few, CONTACT))
    if found.any():
        bare = pc.replace_substring_regex(pc.replace_substring_regex(few, CONTACT, ""), LEFT_OVER, "")
        bare = pc.if_else(pc.equal(bare, ""), NO_TEXT, bare)
        column.put(risky, pc.if_else(pa.array(found), bare, few))
        column.fault("contact_removed", spread(risky, found))
    return column


def shortened(column: Column, most: int) -> None:
    """Cut what is longer than so many characters."""
    long = np.asarray(pc.fill_null(pc.greater(pc.binary_length(column.values), most), False))  # bytes: never fewer
    if long.any():
        long &= true(pc.greater(pc.utf8_length(column.values), most))
    if long.any():
        column.fault("text_too_long", long)
        column.values = pc.utf8_slice_codeunits(column.values, 0, most)
