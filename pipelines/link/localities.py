"""Localities and towns of a gazetteer that gives each address as one text: what many addresses end in."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

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
    found: set[str] = set()
    for _ in range(STEPS):
        cut = pc.drop_null(pc.extract_regex(text, r"^(?P<rest>.*) , (?P<last>[^,]*)$"))
        rest, last = pc.struct_field(cut, "rest"), pc.struct_field(cut, "last")
        before = pc.replace_substring_regex(rest, r"^.* , ", "")
        new = _places(last.to_pandas(), before.to_pandas(), pc.match_substring(rest, " , ").to_pandas()) - found
        if not new:
            break
        found |= new
        text = rest.filter(pc.is_in(last, pa.array(sorted(found), pa.string())))
    return found


def _places(last: pd.Series[str], before: pd.Series[str], deep: pd.Series[bool]) -> set[str]:
    numbered = pc.match_substring_regex(pa.array(before, pa.string()), r"^(?:[0-9]|(?:FLAT|ROOM|UNIT|STUDIO)\b)")
    spoken = pd.Series(~numbered.to_numpy(zero_copy_only=False), dtype=bool)
    seen = pd.DataFrame({"place": last, "spoken": spoken, "deep": deep, "before": before.where(spoken)})
    by_place = seen.groupby("place", sort=False).agg(
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
