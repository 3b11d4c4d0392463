"""Text to the contract's types, and the contract's rules for one cell: the unreadable becomes a blank and an issue."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.harmonise.column import Column, true
from pipelines.harmonise.dates import read_dates
from pipelines.harmonise.numbers import read_numbers, read_yes_no
from pipelines.harmonise.places import read_postcodes, read_uprns
from pipelines.harmonise.text import shortened, without_contacts
from schemas.contract import Field
from schemas.mapping import POSIX_FIRST_YEAR

UPRNS = frozenset({"uprn", "parent_uprn"})


def cast(text: pa.Array, target: Field, date_formats: Sequence[str], first_year: int = POSIX_FIRST_YEAR) -> Column:
    """Read tidy text (null is blank) as its field's type and apply the contract's rules for one cell."""
    if target.type == "date":
        column = read_dates(text, date_formats, first_year)
    elif target.type in {"integer", "number"}:
        column = read_numbers(text, whole=target.type == "integer")
    elif target.type == "boolean":
        column = read_yes_no(text)
    elif target.name in UPRNS:
        column = read_uprns(text)
    elif target.name == "postcode":
        column = read_postcodes(text)
    elif is_free(target):
        column = without_contacts(text)
    else:
        column = Column(text)
    _apply_rules(column, target)
    return column


def is_free(target: Field) -> bool:
    """Whether people write what they like in a field: an address or a name, no code and no reference."""
    return target.type == "string" and not (target.codes or target.pattern or target.name.endswith("_ref"))


def _apply_rules(column: Column, target: Field) -> None:
    if target.codes is not None:
        known = pc.is_in(column.values, pa.array(list(target.codes), pa.string()))
        column.fault("unknown_code", true(pc.and_(pc.is_valid(column.values), pc.invert(known))))
    if target.max_length is not None:
        shortened(column, target.max_length)
    if target.pattern is not None and target.name not in UPRNS:
        broken = true(pc.invert(pc.match_substring_regex(column.values, target.pattern)))
        column.blank("invalid_postcode" if target.name == "postcode" else "invalid_format", broken)
    if target.minimum is not None or target.maximum is not None:
        _check_range(column, target)


def _check_range(column: Column, target: Field) -> None:
    outside = np.zeros(len(column.values), bool)
    for limit, compare in ((target.minimum, pc.less), (target.maximum, pc.greater)):
        if limit is not None:
            bound = pa.scalar(pd.Timestamp(str(limit)).date()) if target.type == "date" else pa.scalar(float(limit))
            values = column.values if target.type == "date" else column.values.cast(pa.float64())
            outside |= true(compare(values, bound))
    if target.type == "date":
        column.blank("date_out_of_range", outside)
    else:
        column.fault("out_of_range", outside)
