"""Whom the list falls on: rates by deprivation and ethnic composition of the area, by tenure and by borough.

The attributes are joined here and nowhere else: no feature, label or sample reads them, and the model's inputs hold no
column of them. The audit is of the past lists that training tries itself on (the newest day of the history, judged by
what became known since), so that it needs no visit beyond those there are. Small groups are not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.hmo import sources
from models.hmo.days import Floats, Mask, Texts
from pipelines.core import areas
from pipelines.core.tables import PROPERTY
from pipelines.governance import access

SMALLEST = 10
"""A rate of fewer homes is not shown, nor is their number; other numbers are rounded to tens."""

NOT_KNOWN = "not known"
ETHNIC_FIFTHS = ("1_highest_share", "2", "3", "4", "5_lowest_share")
DEPRIVATION, ETHNICITY, TENURE, BOROUGH = (
    "deprivation of the area",
    "ethnic composition of the area",
    "tenure",
    "borough",
)
ATTRIBUTES = (DEPRIVATION, ETHNICITY, TENURE, BOROUGH)
RATES = {
    "selection_rate": "on the list, of all homes that could be",
    "false_positive_rate": "on the list, of the homes where a visit found no HMO",
    "false_discovery_rate": "no HMO, of the homes on the list whose answer is known",
}
"""Each rate in words."""

ABSENT = {
    DEPRIVATION: "No deprivation*.csv lies in LODA_REFERENCE_DIR, so nothing is said by deprivation of the area.",
    ETHNICITY: "No ethnicity*.csv lies in LODA_REFERENCE_DIR, so nothing is said by ethnic composition of the area.",
}


def listed(scores: Floats, uprns: Texts, capacity: int) -> Mask:
    """Which homes a list cut at capacity holds; equal scores in the order of their UPRNs."""
    order = np.lexsort((uprns.astype(str), -scores))
    chosen = np.zeros(len(scores), dtype=bool)
    chosen[order[:capacity]] = True
    return chosen


def homes(borough: str, uprns: Texts, scores: Floats, found: Floats, capacity: int) -> pd.DataFrame:
    """One borough's part of what `audit` takes: `found` is 1 for an HMO, 0 for none, NaN where nobody looked."""
    chosen = listed(scores, uprns, capacity)
    return pd.DataFrame({"borough": borough, "uprn": uprns, "listed": chosen, "found": found})


def audit(parts: Sequence[pd.DataFrame]) -> dict[str, Any]:
    """Rates by group of all boroughs' homes, what could not be told, and where groups differ beyond chance.

    Raises:
        ConfigurationError: a reference table cannot be read.
    """
    if not parts:
        return {}
    rows = pd.concat(parts, ignore_index=True)
    joined, absent = _with_attributes(rows)
    by = {name: _groups(joined, name) for name in ATTRIBUTES if name in joined}
    differences = [told for name, groups in by.items() for told in _differences(name, groups)]
    return {"homes": _rounded(len(rows)), "by": by, "absent": absent, "differences": differences}


def _with_attributes(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The homes with a column for each attribute that can be told, and sentences on the others."""
    boroughs = sorted(set(rows["borough"]))
    key = ["borough", "uprn"]
    spine = access.read_table(
        "property", pa.schema([PROPERTY.field(n) for n in (*key, "lsoa_code")]), boroughs=boroughs
    )
    lsoa = rows.merge(spine.to_pandas().drop_duplicates(key), on=key, how="left")["lsoa_code"]
    joined = rows.assign(**{BOROUGH: rows["borough"], TENURE: _tenure(rows, boroughs)})
    absent = []
    of_area: dict[str, Callable[[], pd.Series[str]]] = {
        DEPRIVATION: areas.deprivation_fifths,
        ETHNICITY: _ethnic_fifths,
    }
    for name, read in of_area.items():
        table = read()
        if table.empty:
            absent.append(ABSENT[name])
        else:
            joined[name] = lsoa.map(table).fillna(NOT_KNOWN)
    return joined, absent


def _ethnic_fifths() -> pd.Series[str]:
    """The fifth of each small area by its share of residents of Asian, black, mixed and other ethnic groups."""
    shares = areas.ethnic_shares()
    if shares.empty:
        return pd.Series([], index=pd.Index([], dtype=object), dtype=object)
    minority = shares.drop(columns="share_white").sum(axis=1)
    place = (-minority).rank(method="first", pct=True).to_numpy()
    fifth = np.clip(np.ceil(place * len(ETHNIC_FIFTHS)).astype(int), 1, len(ETHNIC_FIFTHS))
    return pd.Series(np.array(ETHNIC_FIFTHS, dtype=object)[fifth - 1], index=shares.index)


def _tenure(rows: pd.DataFrame, boroughs: list[str]) -> pd.Series[str]:
    """The tenure on each home's newest energy certificate."""
    columns = ["borough", "record_id", "tenure", "lodgement_date"]
    epc = access.read_dataset("epc", boroughs=boroughs, purpose="hmo_detection", columns=columns).to_pandas()
    links = sources.links(boroughs, ("epc",)).to_pandas()
    told = epc.dropna(subset=["tenure"]).merge(links, on=["borough", "record_id"])
    told = told.sort_values(["lodgement_date", "record_id"], na_position="first")
    newest = told.drop_duplicates(["borough", "uprn"], keep="last")[["borough", "uprn", "tenure"]]
    return rows.merge(newest, on=["borough", "uprn"], how="left")["tenure"].fillna(NOT_KNOWN)


def _groups(rows: pd.DataFrame, name: str) -> dict[str, dict[str, Any]]:
    none, hmo = rows["found"] == 0, rows["found"] == 1
    tallied = pd.DataFrame(
        {
            "group": rows[name],
            "homes": 1,
            "listed": rows["listed"],
            "none": none,
            "listed_none": none & rows["listed"],
            "listed_answered": (none | hmo) & rows["listed"],
        }
    )
    sums = tallied.groupby("group", sort=True).sum().astype(int)
    return {
        str(group): {
            "homes": _rounded(own["homes"]),
            "selection_rate": rate(own["listed"], own["homes"]),
            "false_positive_rate": rate(own["listed_none"], own["none"]),
            "false_discovery_rate": rate(own["listed_none"], own["listed_answered"]),
        }
        for group, own in sums.to_dict("index").items()
    }


def rate(part: int, whole: int) -> list[float] | None:
    """A share with the ends of its 95% interval (Wilson's score); None where it is of fewer than `SMALLEST`."""
    from scipy.stats import binomtest

    if whole < SMALLEST:
        return None
    interval = binomtest(int(part), int(whole)).proportion_ci(0.95, method="wilson")
    return [round(float(value), 4) for value in (part / whole, interval.low, interval.high)]


def _rounded(number: int) -> int | None:
    return None if number < SMALLEST else round(number, -1)


def _differences(name: str, groups: dict[str, dict[str, Any]]) -> list[str]:
    """For each rate the highest and the lowest group, where their intervals leave no overlap."""
    told = []
    for key, words in RATES.items():
        shown = [(own[key], group) for group, own in groups.items() if own[key] is not None and group != NOT_KNOWN]
        if len(shown) < 2:
            continue
        (low, lowest), (high, highest) = min(shown), max(shown)
        if high[1] > low[2]:
            told.append(
                f"By {name}: {high[0]:.1%} in group '{highest}' against {low[0]:.1%} in group '{lowest}' "
                f"({words}); more than chance would make."
            )
    return told
