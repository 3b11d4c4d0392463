"""Text to the contract's types, a column at a time: what cannot be read becomes a blank and an issue.

Every function takes a text column without nulls for blanks resolved (null means blank)
and returns the typed column with boolean masks of the rows that have each fault.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.contract import Field

Mask = npt.NDArray[np.bool_]
DAMAGED_UPRN = r"^\d(\.\d+)?[eE]\+?\d+$"
YES = ("true", "yes", "y", "1", "t")
NO = ("false", "no", "n", "0", "f")


@dataclass
class Column:
    """A typed column and the faults met on the way: issue type → rows."""

    values: pa.Array
    faults: dict[str, Mask] = field(default_factory=dict)

    def fault(self, issue_type: str, rows: Mask) -> None:
        """Note a fault for these rows, if there are any."""
        if rows.any():
            self.faults[issue_type] = self.faults.get(issue_type, np.zeros(len(self.values), bool)) | rows

    def blank(self, issue_type: str, rows: Mask) -> None:
        """Note a fault and leave these cells blank."""
        self.fault(issue_type, rows)
        if rows.any():
            self.values = pc.if_else(pa.array(rows), pa.scalar(None, self.values.type), self.values)


def cast(text: pa.Array, target: Field, date_formats: Sequence[str]) -> Column:
    """Cast one column to its field's type and apply the contract's rules for one cell."""
    if target.type == "date":
        column = _dates(text, date_formats)
    elif target.type in {"integer", "number"}:
        column = _numbers(text, whole=target.type == "integer")
    elif target.type == "boolean":
        column = _yes_no(text)
    elif target.name in {"uprn", "parent_uprn"}:
        column = _uprns(text)
    elif target.name == "postcode":
        column = Column(_postcodes(text))
    else:
        column = _plain_text(text)
    _apply_rules(column, target)
    return column


def _true(mask: pa.Array) -> Mask:
    return np.asarray(pc.fill_null(mask, False).to_numpy(zero_copy_only=False), dtype=bool)


def _unread(text: pa.Array, values: pa.Array) -> Mask:
    return _true(pc.and_(pc.is_valid(text), pc.is_null(values)))


def _dates(text: pa.Array, formats: Sequence[str]) -> Column:
    # Distinct values are few, and pandas (unlike Arrow) knows that April has 30 days.
    encoded = text.dictionary_encode()
    distinct = encoded.dictionary.to_pandas().astype("object")
    read = pd.Series(pd.NaT, index=distinct.index, dtype="datetime64[ns]")
    impossible = pd.Series(False, index=distinct.index)
    for pattern in formats:
        left = read.isna()
        if not left.any():
            break
        read[left] = pd.to_datetime(distinct[left], format=pattern, errors="coerce")
        impossible |= left & distinct.str.fullmatch(_digits_of(pattern)).fillna(False).astype(bool)
    values = pa.array(read.dt.date.where(read.notna(), None), pa.date32()).take(encoded.indices)
    column = Column(values)
    column.fault("invalid_date", _unread(text, values))
    return column


def _digits_of(pattern: str) -> str:
    return pattern.replace("%d", r"\d{1,2}").replace("%m", r"\d{1,2}").replace("%Y", r"\d{4}").replace("%y", r"\d{2}")


def _numbers(text: pa.Array, *, whole: bool) -> Column:
    plain = pc.replace_substring_regex(text, r"[,£\s]", "")
    is_number = pc.match_substring_regex(plain, r"^[+-]?\d{1,15}(\.\d*)?$")
    number = pc.if_else(is_number, plain, pa.scalar(None, pa.string())).cast(pa.float64())
    if whole:
        exact = pc.equal(number, pc.round(number))
        number = pc.if_else(exact, number, pa.scalar(None, pa.float64())).cast(pa.int64())
    column = Column(number)
    column.fault("invalid_number", _unread(text, number))
    return column


def _yes_no(text: pa.Array) -> Column:
    low = pc.utf8_lower(text)
    yes, no = (pc.is_in(low, pa.array(words)) for words in (YES, NO))
    values = pc.if_else(yes, True, pc.if_else(no, False, pa.scalar(None, pa.bool_())))
    column = Column(values)
    column.fault("invalid_yes_no", _unread(text, values))
    return column


def _uprns(text: pa.Array) -> Column:
    repaired = pc.replace_substring_regex(text, r"^[\s'0]+|\.0*$|\s+$", "")
    column = Column(repaired)
    column.fault("uprn_repaired", _true(pc.not_equal(text, repaired)))
    column.blank("damaged_uprn", _true(pc.match_substring_regex(repaired, DAMAGED_UPRN)))
    column.blank("invalid_uprn", _true(pc.invert(pc.match_substring_regex(column.values, r"^[1-9]\d{0,11}$"))))
    return column


def _postcodes(text: pa.Array) -> pa.Array:
    joined = pc.replace_substring_regex(pc.utf8_upper(text), r"[^A-Z0-9]", "")
    return pc.replace_substring_regex(joined, r"^(.+)(\d[A-Z]{2})$", r"\1 \2")


def _plain_text(text: pa.Array) -> Column:
    one_line = pc.replace_substring_regex(pc.utf8_trim_whitespace(text), r"[\s,]*[\r\n]+\s*", ", ")
    clean = pc.replace_substring_regex(pc.replace_substring(one_line, "\t", " "), r"[\p{Cc}\p{Cf}]", "")
    column = Column(pc.utf8_trim_whitespace(pc.replace_substring_regex(clean, r"\s+", " ")))
    column.fault("control_characters_removed", _true(pc.not_equal(pc.utf8_length(one_line), pc.utf8_length(clean))))
    return column


def _apply_rules(column: Column, target: Field) -> None:
    if target.codes is not None:
        known = pc.is_in(column.values, pa.array(list(target.codes), pa.string()))
        column.fault("unknown_code", _true(pc.and_(pc.is_valid(column.values), pc.invert(known))))
    if target.max_length is not None:
        long = _true(pc.greater(pc.utf8_length(column.values), target.max_length))
        column.fault("text_too_long", long)
        if long.any():
            column.values = pc.utf8_slice_codeunits(column.values, 0, target.max_length)
    if target.pattern is not None and not target.name.endswith("uprn"):
        broken = _true(pc.invert(pc.match_substring_regex(column.values, target.pattern)))
        column.blank("invalid_postcode" if target.name == "postcode" else "invalid_format", broken)
    if target.minimum is not None or target.maximum is not None:
        _check_range(column, target)


def _check_range(column: Column, target: Field) -> None:
    outside = np.zeros(len(column.values), bool)
    for limit, compare in ((target.minimum, pc.less), (target.maximum, pc.greater)):
        if limit is not None:
            bound = pa.scalar(pd.Timestamp(str(limit)).date()) if target.type == "date" else pa.scalar(float(limit))
            values = column.values if target.type == "date" else column.values.cast(pa.float64())
            outside |= _true(compare(values, bound))
    if target.type == "date":
        column.blank("date_out_of_range", outside)
    else:
        column.fault("out_of_range", outside)
