"""What people are shown of the report of links: match rates by stage, reason, dataset and group, and what differs.

Groups of records are counted with small counts suppressed and the others rounded, as every count by group is that
leaves the platform. Rates are worked out from what is shown, a suppressed count taken for `FEW`, so that none gives a
small count away.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd

from pipelines.core.tables import LINK_REPORT
from pipelines.governance import access
from pipelines.link.groups import NOT_KNOWN
from pipelines.link.report import ALL, REASON, STAGE, TABLE
from pipelines.link.vocabulary import SENTENCES, LinkReason

ASSIGN: dict[str, Any] = {
    "source": "ASSIGN address matching, London gold standard and registered population (PMC8678979)",
    "match_rate": 0.996,
    "sensitivity": 0.998,
    "positive_predictive_value": 0.998,
    "population_match_rate": 0.986,
    "recent_movers_match_rate": 0.954,
}
"""Published figures, for comparison. Sensitivity and predictive value need the true property, which no night knows."""

CHANCE = 0.05
"""How often the lowest and the highest of a group would differ by so much by chance, for it to be called chance."""

FEW = 4
"""What a suppressed count is taken for in a rate: the middle of one to seven."""

BY_PEOPLE = ("records", "tied", "untied")


def figures(boroughs: Sequence[str] | None = None) -> dict[str, Any]:
    """The report of the newest links of boroughs, all of them unless named, as plain data.

    Keys: `boroughs` (each with all, stage, reason, dataset), `groups` (suppressed counts by borough, dataset, group and
    value), `differences` (between the values of a group), `assign` (published figures).
    """
    rows = access.read_table(TABLE, LINK_REPORT, boroughs=boroughs).to_pandas()
    known = (ALL, STAGE, REASON)
    by_group = _shown(rows.loc[~rows["group"].isin(known)])
    return {
        "boroughs": [_borough(slug, mine) for slug, mine in rows.groupby("borough", sort=True)],
        "groups": [_plain(row) for row in by_group.to_dict("records")],
        "differences": _differences(by_group),
        "assign": ASSIGN,
    }


def _borough(slug: Any, rows: pd.DataFrame) -> dict[str, Any]:
    every = rows.loc[rows["group"] == ALL]
    counts = ["records", "linked", "parent", "review", "none"]
    out: dict[str, Any] = {"borough": str(slug), **_rated(every[counts].sum())}
    out["datasets"] = [{"dataset": row["dataset"], **_rated(row[counts])} for _, row in every.iterrows()]
    for group in (STAGE, REASON):
        mine = rows.loc[rows["group"] == group].groupby("value")["records"].sum().sort_values(ascending=False)
        total = max(int(mine.sum()), 1)
        out[group] = [
            {group: name, "records": int(number), "share": round(number / total, 4)} for name, number in mine.items()
        ]
    for row in out[REASON]:
        row["sentence"] = SENTENCES[LinkReason(row[REASON])]
    return out


def _rated(counts: pd.Series[int]) -> dict[str, Any]:
    records = int(counts["records"])
    found = {name: int(counts[name]) for name in ("records", "linked", "parent", "review", "none")}
    tied = found["linked"] + found["parent"]
    rates = {"match_rate": tied / records, "unit_rate": found["linked"] / records} if records else {}
    return found | {name: round(rate, 4) for name, rate in rates.items()}


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    """Records, and how many are tied and not, suppressed and rounded, with the rate that follows from those."""
    counts = pd.DataFrame(
        {"records": rows["records"], "tied": rows["linked"] + rows["parent"], "untied": rows["review"] + rows["none"]}
    )
    multiple = access.ROUNDING_MULTIPLE
    rounded = (counts / multiple).round() * multiple
    small = (counts > 0) & (counts <= access.SUPPRESSION_THRESHOLD)
    # Of so few that it is not said how many, nothing else is said either.
    small.loc[small["records"]] = True
    shown = rounded.mask(small)
    tied, untied = (shown[name].fillna(FEW) for name in ("tied", "untied"))
    rate = (tied / (tied + untied)).where(shown["records"].notna()).round(3)
    where = rows[["borough", "dataset", "group", "value"]]
    made = pd.concat([where, shown.assign(match_rate=rate)], axis=1)
    return made.sort_values(["group", "borough", "dataset", "value"]).reset_index(drop=True)


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """Null for what is not shown, whole numbers for counts."""
    found = {str(name): None if isinstance(value, float) and np.isnan(value) else value for name, value in row.items()}
    return found | {name: int(value) for name, value in found.items() if name in BY_PEOPLE and value is not None}


def _differences(shown: pd.DataFrame) -> list[dict[str, Any]]:
    """By borough, dataset and group the values with the lowest and the highest match rate, of those that are shown.

    `points` is the difference in percentage points; `more_than_chance` whether the extremes of so many values with so
    many records would differ by that much by chance in less than one case of twenty (two shares compared by their
    pooled standard error, corrected for the number of pairs after Bonferroni).
    """
    known = shown.loc[(shown["value"] != NOT_KNOWN) & shown["match_rate"].notna()]
    found = []
    for (borough, dataset, group), mine in known.groupby(["borough", "dataset", "group"], sort=True):
        low, high = mine.loc[mine["match_rate"].idxmin()], mine.loc[mine["match_rate"].idxmax()]
        points, more_than_chance = difference(mine)
        if points == 0:
            continue
        found.append(
            {"borough": borough, "dataset": dataset, "group": group}
            | {"lowest": low["value"], "lowest_rate": low["match_rate"], "lowest_records": int(low["records"])}
            | {"highest": high["value"], "highest_rate": high["match_rate"], "highest_records": int(high["records"])}
            | {"points": round(points, 1), "more_than_chance": more_than_chance}
        )
    return found


def difference(values: pd.DataFrame) -> tuple[float, bool]:
    """By how many percentage points the lowest and the highest match rate differ, and whether by more than chance.

    Args:
        values: records and match_rate of each value of a group.
    """
    low, high = values.loc[values["match_rate"].idxmin()], values.loc[values["match_rate"].idxmax()]
    gap = float(high["match_rate"] - low["match_rate"])
    if gap == 0:
        return 0.0, False
    records = low["records"] + high["records"]
    pooled = (low["match_rate"] * low["records"] + high["match_rate"] * high["records"]) / records
    error = float(np.sqrt(pooled * (1 - pooled) * (1 / low["records"] + 1 / high["records"])))
    pairs = len(values) * (len(values) - 1) / 2
    errors = NormalDist().inv_cdf(1 - CHANCE / pairs / 2)
    return 100 * gap, gap > errors * error
