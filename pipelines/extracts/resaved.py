"""Cells that a spreadsheet program rewrote on its own when a file was opened and saved again.

An officer corrects one cell; the program shows every date its own way, shortens long numbers, takes leading zeros off
and reads `1-2` as a day. A cell that still says what it said is left as it was. Nothing is guessed: the old cell is at
hand, and a date is the same only if it is that very day, read day before month, as programs set to British habits
write it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
SHOWN_DATES = (
    "%d/%m/%Y",
    "%d/%m/%y",
    "%d-%m-%Y",
    "%d.%m.%Y",
    "%Y-%m-%d",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%Y-%m-%d %H:%M:%S",
)
"""How spreadsheet programs set to British habits show a date."""


def untouched(old: pa.Array, new: pa.Array, date_formats: Sequence[str]) -> tuple[Mask, Mask]:
    """Which new cells say what the old ones did, and which of those a spreadsheet program has rewritten.

    `date_formats` are those in which the old cells may hold dates. Shapes: one flag a row, twice.
    """
    before = old.to_pandas().astype("object").fillna("").astype(str).str.replace("\r\n", "\n").str.strip()
    after = new.to_pandas().astype("object").fillna("").astype(str).str.replace("\r\n", "\n").str.strip()
    known = pd.Series(np.asarray(old.is_valid().to_numpy(zero_copy_only=False), dtype=bool))
    same = known & (before == after)
    left = known & ~same & (before != "") & (after != "")
    rewritten = np.zeros(len(before), bool)
    if left.any():
        one, two = before[left], after[left]
        alike = _same_day(one, two, date_formats) | _same_number(one, two) | _read_as_day(one, two)
        rewritten[left.to_numpy()] = alike.to_numpy(dtype=bool)
    return np.asarray(same, dtype=bool) | rewritten, rewritten


def _same_day(old: pd.Series[str], new: pd.Series[str], formats: Sequence[str]) -> pd.Series[bool]:
    was = _first_read(old, formats)
    found = pd.Series(False, index=old.index)
    for pattern in SHOWN_DATES:
        found |= was.notna() & (pd.to_datetime(new, format=pattern, errors="coerce") == was)
    return found


def _first_read(text: pd.Series[str], formats: Sequence[str]) -> pd.Series[pd.Timestamp]:
    read = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns]")
    for pattern in formats:
        read = read.fillna(pd.to_datetime(text, format=pattern, errors="coerce"))
    return read


def _same_number(old: pd.Series[str], new: pd.Series[str]) -> pd.Series[bool]:
    """`000123` as `123`, `123` as `123.0` or `1,234`, `100023336956` as `1.00023E+11`."""
    digits = old.str.fullmatch(r"\d{1,18}(\.\d+)?").astype(bool)
    plain = new.str.replace(",", "", regex=False)
    shown = plain.str.extract(r"^(\d)(?:\.(\d+))?[eE]\+(\d{1,2})$")
    short = shown[0].notna()
    number, other = pd.to_numeric(old.where(digits), errors="coerce"), pd.to_numeric(plain, errors="coerce")
    # In scientific notation the digits that are not shown may have been anything.
    unit = 10.0 ** (pd.to_numeric(shown[2]).fillna(0) - shown[1].fillna("").str.len())
    near = (number - other).abs() <= 0.5 * unit * (1 + 1e-9)
    decimal = plain.str.fullmatch(r"\d{1,18}(\.\d+)?").astype(bool)
    return digits & ((short & near) | (decimal & (number == other)))


def _read_as_day(old: pd.Series[str], new: pd.Series[str]) -> pd.Series[bool]:
    """`1-2` shown as `01-Feb`: a range of house numbers that was taken for a day."""
    pair = old.str.extract(r"^(\d{1,2})[-/](\d{1,2})$")
    day = pd.to_datetime(new + " 2000", format="%d-%b %Y", errors="coerce")
    return (day.dt.day == pd.to_numeric(pair[0])) & (day.dt.month == pd.to_numeric(pair[1]))
