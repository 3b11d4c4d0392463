"""Localities and towns of a gazetteer that gives each address as one text: what many addresses end in."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa

from pipelines.link.address.text import as_text, clean, take_postcode
from pipelines.link.address.words import STRONG_STREETS

FEWEST = 5
"""Addresses that end in a place."""
FEWEST_STREETS = 3
BEHIND_A_STREET = 0.8
"""Share of a place's addresses in which something else than a number or a unit stands before it."""
BEHIND_TWO_PARTS = 0.5
"""Share in which two parts stand before it: a lane of named houses is no place."""
STEPS = 3


def localities_of(address: pa.ChunkedArray) -> set[str]:
    """Places in the parser's spelling. A street is no place: before most of its mentions stands a house number."""
    text, _ = take_postcode(clean(as_text(address)))
    parts = pd.Series(text.to_pandas()).str.split(" , ", regex=False)
    found: set[str] = set()
    for _ in range(STEPS):
        long = parts.loc[parts.str.len() >= 2]
        last, before = long.str[-1], long.str[-2]
        new = _places(last, before, long.str.len() >= 3) - found
        if not new:
            break
        found |= new
        parts = long.loc[last.isin(found)].str[:-1]
    return found


def _places(last: pd.Series[str], before: pd.Series[str], deep: pd.Series[bool]) -> set[str]:
    spoken = ~before.str.contains(r"^(?:[0-9]|(?:FLAT|ROOM|UNIT|STUDIO)\b)", regex=True)
    seen = pd.DataFrame({"place": last, "spoken": spoken, "deep": deep, "before": before.where(spoken)})
    by_place = seen.groupby("place").agg(
        times=("spoken", "size"), spoken=("spoken", "mean"), deep=("deep", "mean"), streets=("before", "nunique")
    )
    enough = (
        (by_place["times"] >= FEWEST)
        & (by_place["spoken"] >= BEHIND_A_STREET)
        & (by_place["deep"] >= BEHIND_TWO_PARTS)
        & (by_place["streets"] >= FEWEST_STREETS)
        & ~by_place.index.str.contains(rf" (?:{STRONG_STREETS})$|[0-9]", regex=True)
    )
    return {str(place) for place in by_place.index[enough] if place}
