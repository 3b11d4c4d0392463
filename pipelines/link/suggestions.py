"""Properties that an address may be, put to people side by side: suggestions, which tie nothing to anything."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.link.places import numbers_agree
from pipelines.link.spine import Spine

MOST = 4
"""Properties suggested for one address. So few that a person who says "none of these" is done with them."""

MOST_COMPARED = 2_000
"""Properties of one postcode, or of one number in one street, beyond which no suggestion is made from it."""


def suggestions(addresses: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    """The properties that look most like each address, at most `MOST`, the likest first.

    They are those of its postcode, and those of its street and number, whose number is not another one.

    Args:
        addresses: rows of `Records.addresses`, indexed by the address's number.
        spine: the gazetteer.

    Returns:
        Columns address (its number) and uprn; an address for which there is nothing has no row.
    """
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cpdist

    rows = spine.rows.loc[spine.rows["live"]]
    pairs = pd.concat([_shared(addresses, rows, key) for key in (["postcode"], ["street", "low"])])
    pairs = pairs.drop_duplicates(ignore_index=True)
    left = addresses.loc[pairs["address"]].reset_index(drop=True)
    right = rows.loc[pairs["row"]].reset_index(drop=True)
    pairs = pairs.assign(
        uprn=right["uprn"],
        rank=right["rank"],
        likeness=cpdist(
            left["canonical"].to_numpy(),
            right["canonical"].to_numpy(),
            scorer=Indel.normalized_similarity,
            dtype=np.float32,
        ),
    ).loc[numbers_agree(left, right) != 0]
    ordered = pairs.sort_values(["address", "likeness", "rank", "uprn"], ascending=[True, False, True, True])
    found: pd.DataFrame = ordered.groupby("address").head(MOST)[["address", "uprn"]]
    return found.reset_index(drop=True)


def _shared(addresses: pd.DataFrame, rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    """Address and row of the gazetteer with an equal key, where it is not blank on either side."""
    a = addresses[key].reset_index(names="address")
    b = rows[key].reset_index(names="row")
    for name in key:
        blank = -1 if name == "low" else ""
        a, b = a.loc[a[name] != blank], b.loc[b[name] != blank]
    b = b.loc[b.groupby(key)["row"].transform("size") <= MOST_COMPARED]
    return a.merge(b, on=key)[["address", "row"]]
