"""The one table of a publication: figures of LSOAs, and of wards and boroughs as their sums."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.publish.open.protect import BASE, margin, offsets, rounded
from schemas.registry import Borough

COLUMNS = {
    "borough_code": "Code of the borough (GSS).",
    "borough_name": "Name of the borough.",
    "area_level": "What the row is about: a borough, a ward, or an LSOA (lower layer super output area).",
    "area_code": "Code of the area (GSS), as the borough's gazetteer has it.",
    "area_name": "Name of the area; of an LSOA its code.",
    "parent_code": "The area it is added to: an LSOA to the ward that most of its properties are in, a ward to its "
    "borough. Empty for a borough.",
    "measure": "What is counted; see dictionary.csv.",
    "kind": "Which kind of it; see dictionary.csv. A property may be counted in several kinds.",
    "count": f"Properties, rounded. Of an LSOA a multiple of {BASE} less than {BASE} from the truth, so that 0 says 0 "
    f"to {BASE - 1} and {BASE} says 1 to {2 * BASE - 1}. Of a ward or borough the sum of its LSOAs' figures.",
    "margin": "The truth is at most so far from the count: of an LSOA always, of wards and boroughs in about 19 of 20 "
    "cases.",
}
"""Columns in their order, and what they mean."""

KEY = ["borough_code", "area_level", "area_code", "measure", "kind"]
LEVELS = ("borough", "ward", "lsoa")


def published(borough: Borough, homes: pd.DataFrame, counts: pd.DataFrame, with_secret: bytes) -> pd.DataFrame:
    """What may be published of one borough, with `COLUMNS`.

    `homes` and `counts` as `counting.areas` and `counting.by_lsoa` give them. True counts enter by `rounded` alone;
    every other figure is made from what that gave.
    """
    cells = borough.slug + "|" + counts["measure"] + "|" + counts["kind"] + "|" + counts["lsoa_code"]
    leaves = counts[["lsoa_code", "measure", "kind"]].assign(
        count=rounded(counts["n"].to_numpy(np.int64), offsets(with_secret, cells)), cells=1
    )
    places = homes.drop_duplicates("lsoa_code")[["lsoa_code", "ward_code", "ward_name"]]
    leaves = leaves.merge(places, on="lsoa_code")
    wards = leaves.groupby(["ward_code", "ward_name", "measure", "kind"], as_index=False)[["count", "cells"]].sum()
    whole = leaves.groupby(["measure", "kind"], as_index=False)[["count", "cells"]].sum()
    parts = [
        whole.assign(area_level="borough", area_code=borough.gss_code, area_name=borough.name, parent_code=""),
        wards.rename(columns={"ward_code": "area_code", "ward_name": "area_name"}).assign(
            area_level="ward", parent_code=borough.gss_code
        ),
        leaves.assign(
            area_level="lsoa",
            area_code=leaves["lsoa_code"],
            area_name=leaves["lsoa_code"],
            parent_code=leaves["ward_code"],
        ),
    ]
    table = pd.concat(parts, ignore_index=True)
    table = table.assign(
        borough_code=borough.gss_code, borough_name=borough.name, margin=margin(table["cells"].to_numpy(np.int64))
    )
    order = table["area_level"].map({level: place for place, level in enumerate(LEVELS)})
    table = table.assign(order=order).sort_values(["order", "area_code", "measure", "kind"], ignore_index=True)
    return table[list(COLUMNS)]
