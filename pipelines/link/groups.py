"""Groups of records by which a report asks whether linking loses some people more than others.

A record's group is told by the record itself, or by the postcode that it states, never by the property that it was
tied to: of a record that was tied to nothing that would be unknown, and every group would look well linked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from pipelines.core.areas import DEPRIVATION_FIFTHS as FIFTHS
from pipelines.core.areas import deprivation_fifths, reference_version
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood
from pipelines.governance import access
from pipelines.link.records import Records

NOT_KNOWN = "not_known"
RECENT_DAYS = 365
"""Liable for at most so long on the extract's day: moved within twelve months."""

TENURE, RECENT_MOVER, DEPRIVATION = "tenure", "recent_mover", "deprivation"
__all__ = ["FIFTHS", "areas_of", "deprivation_fifths", "group_values", "reference_version"]

Values = dict[str, "pd.Series[Any]"]


def areas_of(table: pa.Table) -> pd.Series[str]:
    """The fifth of deprivation of each postcode of the gazetteer (rows of `property`); empty without a reference.

    Of a postcode in two areas, the one in which most of its properties lie.
    """
    fifths = deprivation_fifths()
    if fifths.empty:
        return fifths
    rows = table.select(["postcode", "lsoa_code"]).to_pandas().dropna()
    most = rows.groupby(["postcode", "lsoa_code"]).size().reset_index(name="size")
    most = most.sort_values(["postcode", "size", "lsoa_code"], ascending=[True, False, True])
    area = most.drop_duplicates("postcode").set_index("postcode")["lsoa_code"]
    found: pd.Series[str] = area.map(fifths).fillna(NOT_KNOWN)
    return found


def group_values(borough: str, records: Records, areas: pd.Series[str]) -> Values:
    """By group the value of each record (row of `records.rows`); null where its dataset does not tell this group.

    What a dataset tells in general but not of this record is `not_known`.
    """
    found = {
        TENURE: _told(borough, records, _TENURE),
        RECENT_MOVER: _told(borough, records, {"council_tax": (("liability_start", "source"), _moved)}),
    }
    if len(areas):
        area: pd.Series[Any] = records.addresses["postcode"].map(areas).fillna(NOT_KNOWN).astype("category")
        found[DEPRIVATION] = area.take(records.rows["address"].to_numpy()).set_axis(records.rows.index)
    return found


Told = Callable[[pd.DataFrame, str], "pd.Series[str]"]


def _told(borough: str, records: Records, by_dataset: dict[str, tuple[tuple[str, ...], Told]]) -> pd.Series[str]:
    out = pd.Series(np.full(len(records.rows), None, dtype=object), index=records.rows.index)
    for dataset, (columns, tell) in by_dataset.items():
        mine = np.flatnonzero((records.rows["dataset"] == dataset).to_numpy())
        if not len(mine):
            continue
        rows = access.read_dataset(
            dataset, boroughs=[borough], purpose="hmo_detection", columns=["record_id", *columns]
        ).to_pandas()
        values = tell(rows, borough).fillna(NOT_KNOWN).set_axis(rows["record_id"])
        values = values.loc[~values.index.duplicated()]
        own = values.reindex(records.rows["record_id"].to_numpy()[mine]).fillna(NOT_KNOWN)
        out.iloc[mine] = own.to_numpy()
    return out


def _own(name: str) -> Told:
    return lambda rows, _borough: rows[name].astype(object)


_TENURE: dict[str, tuple[tuple[str, ...], Told]] = {
    "epc": (("tenure",), _own("tenure")),
    "council_tax": (("liable_party",), _own("liable_party")),
    "social_housing": (("social_landlord",), _own("social_landlord")),
}
"""Where tenure is told: on the certificate, by who is liable for council tax, by whose social home it is."""


def _moved(rows: pd.DataFrame, borough: str) -> pd.Series[str]:
    """Whether the liability began within twelve months of the extract's day."""
    query = sa.select(LastGood.source, LastGood.extract_date)
    with transaction() as session:
        mine = query.where(LastGood.borough == borough, LastGood.dataset == "council_tax")
        days = {source: day for source, day in session.execute(mine)}  # noqa: C416 - rows are no pairs to mypy
    extract = pd.to_datetime(rows["source"].map(days))
    since = (extract - pd.to_datetime(rows["liability_start"])).dt.days
    value = np.where(since <= RECENT_DAYS, "within_12_months", "longer_ago").astype(object)
    return pd.Series(value, index=rows.index).where(since.notna())
