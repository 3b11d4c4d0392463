"""Gazetteers to train on: one table of parts each, enriched with what is rare in it and hard everywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

PARTS = ("unit", "building_name", "building_number", "street", "locality", "town", "postcode")
COMMON_STREETS = (
    *("High Street", "Church Street", "Station Road", "Church Road", "Park Road", "Victoria Road", "Green Lane"),
    *(
        "Mill Lane",
        "The Green",
        "London Road",
        "Manor Road",
        "School Lane",
        "Chapel Street",
        "Queen Street",
        "The Grove",
    ),
    *(
        "Park Terrace",
        "Cardiff Road",
        "Brynteg",
        "Heol Fawr",
        "Penybryn",
        "The Crescent",
        "Albert Street",
        "Mount Pleasant",
    ),
)
"""Streets that stand in place after place, so that only the locality or the postcode tells them apart."""
NAMES_A = (
    "Rose",
    "Oak",
    "Ivy",
    "Hill",
    "Mill",
    "Bryn",
    "Glan",
    "Holly",
    "Fern",
    "Elm",
    "Park",
    "Beech",
    "Garth",
    "Mount",
)
NAMES_B = (
    "Cottage",
    "House",
    "Lodge",
    "Villa",
    "Dene",
    "View",
    "lea",
    "wood",
    "hurst",
    "Farm",
    "Bank",
    "Croft",
    "side",
    "",
)
TRADES = (
    "Bakers",
    "Pharmacy",
    "Dry Cleaners",
    "Stores",
    "Newsagent",
    "Cafe",
    "Barbers",
    "Opticians",
    "Kebabs",
    "Tyres",
)
ABOVE = ("Flat Above", "Flat Over", "Flat", "First Floor Flat", "The Flat", "Maisonette Above")
BESIDE = ("The Annexe", "Annexe", "Garden Flat", "Rear Of", "Coach House")
Change = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]


def as_parts(table: pa.Table) -> pd.DataFrame:
    """A gazetteer's rows that have a street, with uprn, parent_uprn and `PARTS` as text, empty where missing."""
    columns = ("uprn", "parent_uprn", *PARTS)
    frame = table.select(columns).to_pandas().astype(object).fillna("")
    return frame.loc[frame["street"] != ""].drop_duplicates("uprn").reset_index(drop=True)


def enriched(frame: pd.DataFrame, draw: np.random.Generator, *, villages: bool) -> pd.DataFrame:
    """The gazetteer with shops under flats, annexes, houses with letters; and, as villages, named houses and common streets."""
    changes: list[Change] = [_shops, _beside, _letters]
    if villages:
        changes = [_common_streets, _named_houses, *changes]
    for change in changes:
        frame = change(frame, draw)
    return frame.reset_index(drop=True)


def _houses(frame: pd.DataFrame) -> pd.Series[bool]:
    plain = (frame["unit"] == "") & (frame["building_name"] == "") & frame["building_number"].str.fullmatch(r"\d+")
    return plain & ~frame["uprn"].isin(frame["parent_uprn"])


def _some(frame: pd.DataFrame, draw: np.random.Generator, share: float) -> pd.DataFrame:
    houses = frame.index[_houses(frame)]
    return frame.loc[draw.choice(houses, int(len(houses) * share), replace=False)].copy()


def _more(frame: pd.DataFrame, extra: pd.DataFrame, mark: str) -> pd.DataFrame:
    extra["uprn"] = [f"9{mark}{number:08d}" for number in range(len(extra))]
    return pd.concat([frame, extra], ignore_index=True)


def _shops(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Shops with a name, the number a property of its own or not, and a flat above."""
    some = _some(frame, draw, 0.05)
    names = [f"{draw.choice(NAMES_A)} {draw.choice(TRADES)}" for _ in range(len(some))]
    frame.loc[some.index, "building_name"] = names
    flats = some.loc[draw.random(len(some)) < 0.8].copy()
    flats["unit"] = draw.choice(ABOVE, len(flats))
    return _more(frame, flats, "1")


def _beside(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Annexes and what lies behind a house."""
    some = _some(frame, draw, 0.03)
    some["unit"] = draw.choice(BESIDE, len(some))
    return _more(frame, some, "2")


def _letters(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Houses squeezed in beside another: 12A next to 12."""
    some = _some(frame, draw, 0.03)
    some["building_number"] += draw.choice(list("AAAB"), len(some))
    return _more(frame, some, "3")


def _common_streets(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Each locality has a High Street of its own."""
    places = [
        f"{a}{b}" for a in ("Pen", "Aber", "Tre", "Wood", "Hart", "Kings") for b in ("ford", "dare", "ton", "coed")
    ]
    outward = frame["postcode"].str.slice(0, -2)
    area = {key: places[n % len(places)] for n, key in enumerate(sorted(outward.unique()))}
    frame["locality"] = outward.map(area)
    frame["town"] = "Marketham"
    by_area = frame.groupby("locality")["street"].transform(lambda s: pd.factorize(s)[0])
    common = by_area < len(COMMON_STREETS) // 2
    order = {area: draw.permutation(len(COMMON_STREETS)) for area in frame["locality"].unique()}
    renamed = [COMMON_STREETS[order[a][n]] for a, n in zip(frame["locality"][common], by_area[common], strict=True)]
    frame.loc[common, "street"] = renamed
    return frame


def _named_houses(frame: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Houses without a number."""
    some = _some(frame, draw, 0.12)
    joined = [f"{draw.choice(NAMES_A)} {draw.choice(NAMES_B)}".strip() for _ in range(len(some))]
    frame.loc[some.index, "building_name"] = joined
    frame.loc[some.index[draw.random(len(some)) < 0.8], "building_number"] = ""
    return frame
