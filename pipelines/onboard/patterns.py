"""What values look like: one pattern for each kind of value, tried on a column's distinct values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Shares = dict[str, float]
Mask = npt.NDArray[np.bool_]

LETTER = "A-Za-zÀ-ÖØ-öø-ɏ"
FEW_TEXTS = 100
POSTCODE = r"[A-Za-z]{1,2}\d[A-Za-z\d]?\s*\d[A-Za-z]{2}"
STREET_WORDS = (
    r"(?:road|street|avenue|lane|close|drive|way|gardens?|terrace|place|court|crescent|grove|square|hill|park|mews"
    r"|row|walk|rise|green|parade|broadway|vale|view|gate|yard|wharf|quay|circus|end|common|villas|mount|bank|embankment"
    r"|buildings|rd|st|ave|av|ln|cl|dr|gdns|terr|pl|ct|cres|sq|estate|promenade|path|passage|approach|chase|croft|fields?)"
)
COMPANY = (
    r"\b(?:ltd|limited|llp|plc|council|association|trust|properties|property|lettings?|estates?|homes|group|housing"
    r"|management|investments?|developments?|holdings?|company|services|society|partnership|charity|agents?|sons"
    r"|university|college|nhs|l\.?b\.?|borough)\b"
)
PATTERNS: Mapping[str, str] = {
    "postcode": rf"(?i)^\s*{POSTCODE}\s*$",
    "outcode": r"(?i)^\s*[A-Z]{1,2}\d[A-Z\d]?\s*$",
    "ends_in_postcode": rf"(?is)^.+[\s,]{POSTCODE}[\s.,]*$",
    "holds_postcode": rf"(?is)(?:^|[\s,]){POSTCODE}(?:$|[\s,.])",
    "digits": r"^\s*\d+\s*$",
    "whole": r"^\s*-?[\d,]{1,15}(?:\.0+)?\s*$",
    "number": r"^\s*[+-]?£?\s*[\d,]{1,15}(?:\.\d+)?\s*$",
    "decimal": r"^\s*-?\d+\.\d+\s*$",
    "money": r"^\s*[-+]?(?:£\s*[\d,]+(?:\.\d\d)?|[\d,]+\.\d\d)\s*$",
    "percent": r"^\s*\d{1,3}(?:\.\d+)?\s*%\s*$",
    "long_digits": r"^\s*'?0*[1-9]\d{5,11}(?:\.0)?\s*$",
    "london_uprn": r"^\s*'?0*(?:100\d{9}|20000\d{7}|2000\d{8}|10\d{9}|9\d{10}|[1-9]\d{5,9})(?:\.0)?\s*$",
    "uprn_12": r"^\s*'?0*(?:100\d{9}|200\d{9}|10\d{9}|9\d{10})(?:\.0)?\s*$",
    "damaged_number": r"^\s*\d(?:\.\d+)?[eE]\+?\d{1,2}\s*$",
    "usrn": r"^\s*\d{8}(?:\.0)?\s*$",
    "yes_no": r"(?i)^\s*(?:yes|no|y|n|true|false|t|f)\s*$",
    "band": r"(?i)^\s*(?:band\s*)?[A-H]\s*$",
    "blpu": r"^\s*[A-Z]{1,2}(?:\d{2}[A-Z]{0,2})?\s*$",
    "ward_code": r"^\s*E0[56]\d{6}\s*$",
    "lsoa": r"^\s*E01\d{6}\s*$",
    "phone": r"^\s*(?:\+?44|0)[\d\s().-]{8,15}\s*$",
    "email": r"(?i)^\s*[^@\s]+@[^@\s]+\.[a-z]{2,}\s*$",
    "url": r"(?i)^\s*(?:https?://|www\.)\S+\s*$",
    "coded_ref": (
        r"(?i)^(?:[A-Z]{0,8}[\s/_.-]?)?\d[\w]*(?:[/_.-][\w]+)+$"
        r"|^[A-Z]{1,10}[\s/_.-]?\d{3,}[\w/_.-]*$|^\d{2,4}/\d{2,6}.*$"
    ),
    "title": r"(?i)^\s*(?:mr|mrs|ms|miss|dr|prof|rev|sir|mx|messrs|lady|lord)\.?\s*$",
    "initials": r"^\s*[A-Z](?:[\s.]{0,2}[A-Z]){0,3}\.?\s*$",
    "titled_name": r"(?i)^\s*(?:mr|mrs|ms|miss|dr|prof|rev|sir|mx|messrs)\.?\s.+",
    "words_of_name": (
        rf"^\s*[A-ZÀ-Þ][{LETTER}'’.-]*"
        rf"(?:[\s,&]+(?:and\s+|de\s+|van\s+|bin\s+)?[A-ZÀ-Þ][{LETTER}'’.-]*){{1,4}}\s*$"
    ),
    "one_word": rf"^\s*[{LETTER}][{LETTER}'’-]+\s*$",
    "letters_only": rf"^[{LETTER}\s'’.&,()/-]+$",
    "company": rf"(?i){COMPANY}",
    "street": rf"(?i)\b{STREET_WORDS}\b\.?",
    "ends_in_street": rf"(?i)\b{STREET_WORDS}\.?\s*$",
    "starts_with_number": (
        rf"(?i)^\s*(?:(?:flat|unit|room|apartment|apt)\s*\w+[\s,]+)?"
        rf"\d+[A-Za-z]?(?:\s*[-/]\s*\d+[A-Za-z]?)?[\s,]+[{LETTER}]"
    ),
    "house_number": r"(?i)^\s*\d{1,4}\s?[A-Z]?(?:\s*[-/&]\s*\d{1,4}\s?[A-Z]?)?\s*$",
    "unit": (
        r"(?i)^\s*(?:(?:flat|unit|room|apartment|apt|studio|maisonette|annexe|suite|bedsit)\b.*"
        r"|(?:basement|ground|first|second|third|top|upper|lower|rear|garden|fff|gff|sff|tff)\b.*(?:floor|flat)?.*"
        r"|\d{1,3}[A-Z]?)\s*$"
    ),
    "flat_word": r"(?i)\b(?:flat|unit|room|apartment|apt|studio|maisonette|basement|floor)\b",
    "has_digit": r"\d",
    "has_letter": rf"[{LETTER}]",
    "has_comma": r"(?s)[,\n\r]",
    "sentence": rf"(?s)[{LETTER}]+(?:\s+[{LETTER}]+){{5,}}",
    "duration": (
        r"(?i)^\s*(?:\d{1,2}(?:\.\d)?|one|two|three|four|five)\s*"
        r"(?:years?|yrs?|y|months?|mths?|m|days?)\s*\.?\s*$"
    ),
    "years_word": r"(?i)years?|yrs?",
    "months_word": r"(?i)months?|mths?",
}

_LETTERS_ONLY_KINDS = frozenset(
    ["title", "one_word", "initials", "words_of_name", "titled_name", "letters_only", "company"]
)
_OF_DIGITS = frozenset(
    ["digits", "whole", "number", "long_digits", "london_uprn", "uprn_12", "usrn", "house_number", "unit", "phone",
     "coded_ref", "has_digit", "money"]
)  # fmt: skip
_NEEDS_DIGIT = frozenset(
    ["postcode", "outcode", "ends_in_postcode", "holds_postcode", "decimal", "percent", "damaged_number", "ward_code",
     "lsoa", "starts_with_number", "duration", *_OF_DIGITS]
) - {"unit", "duration"}  # fmt: skip


def shares_of(values: pa.Array, weight: npt.NDArray[np.float64]) -> Shares:
    """The share of cells that look like each kind; `weight` is the number of cells of each distinct value."""
    total = weight.sum()
    some, plain = hits(values, r"\d").any(), hits(values, r"^\s*\d+\s*$").all()
    found: Shares = {}
    for name, pattern in PATTERNS.items():
        if (not some and name in _NEEDS_DIGIT) or (plain and name not in _OF_DIGITS):
            found[name] = 0.0
        else:
            found[name] = float(weight[hits(values, pattern)].sum() / total)
    return found


def hits(values: pa.Array, pattern: str) -> Mask:
    """Which values a pattern finds. A few values are quicker one by one than by a call over the column."""
    if len(values) > FEW_TEXTS:
        found: Mask = pc.match_substring_regex(values, pattern).to_numpy(zero_copy_only=False)
        return found
    search = _compiled(pattern).search
    return np.array([search(text) is not None for text in values.to_pylist()], dtype=bool)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
