"""Cells that a spreadsheet takes for text, whatever they hold.

A cell that begins with one of these characters may be run as a formula when the file is opened (OWASP, CSV
injection). An apostrophe before it makes it text; the value stays readable.
"""

from __future__ import annotations

import pandas as pd

RISKY = r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]"
CONTROLS = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
"""Control characters that no spreadsheet file may hold."""


def safe(text: pd.Series[str]) -> pd.Series[str]:
    """Text cells with an apostrophe before what a spreadsheet might run, and without control characters."""
    plain = text.fillna("").astype(str).str.replace(CONTROLS, "", regex=True)
    risky = plain.str.match(RISKY)
    return plain.where(~risky, "'" + plain)


def safe_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with every text column made safe; numbers and dates stay what they are."""
    texts = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{str(name): safe(frame[name]) for name in texts})
