"""True counts of records by LSOA, from the lake through governance; nothing here is fit to be published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from pipelines.core.ledger.engine import snapshot
from pipelines.core.ledger.lists import newest_list
from pipelines.core.ledger.models import ListEntry
from pipelines.core.tables import LINK, PROPERTY
from pipelines.governance import access, standing

PURPOSE: access.Purpose = "hmo_detection"
PLACED = ("linked", "parent")


@dataclass(frozen=True)
class Source:
    """One dataset, the field whose values part its records, and the field of the day from which a record counts."""

    dataset: str
    by: str
    day: str
    only: tuple[str, str] | None = None
    measure: str = ""


SOURCES = (
    Source("hmo_licence", "licence_type", "commencement_date", ("licence_status", "current"), "licence"),
    Source("licence_application", "application_status", "received_date", None, "application"),
    Source("service_request", "request_category", "received_date", None, "request"),
    Source("inspection", "finding", "visit_date", None, "inspection"),
)
"""The measures of a source are parts that do not overlap, and no measure is the sum of others."""


def areas(borough: str) -> pd.DataFrame:
    """Properties with `uprn`, `ward_code`, `ward_name`, `lsoa_code`, `easting`, `northing` of a borough.

    An LSOA lies in several wards; as in the ONS's best-fit tables it counts to the ward that most of its homes are in,
    so that LSOAs add up to wards and no difference of overlapping areas is published.
    """
    if access.grain("public", borough, "gazetteer", PURPOSE) is None:
        return pd.DataFrame(columns=["uprn", "ward_code", "ward_name", "lsoa_code", "easting", "northing"])
    names = ["borough", "uprn", "ward_code", "ward_name", "lsoa_code", "easting", "northing"]
    wanted = pa.schema([PROPERTY.field(name) for name in names])
    homes = access.read_table("property", wanted, boroughs=[borough]).to_pandas()
    homes = homes.dropna(subset=["ward_code", "lsoa_code"])
    many = homes.groupby(["lsoa_code", "ward_code", "ward_name"], dropna=False).size().reset_index(name="n")
    best = many.sort_values(["n", "ward_code"], ascending=[False, True]).drop_duplicates("lsoa_code")
    placed = homes.drop(columns=["ward_code", "ward_name"]).merge(best.drop(columns="n"), on="lsoa_code")
    return placed.drop_duplicates("uprn")


def by_lsoa(borough: str, homes: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Counts by `measure`, `value`, `lsoa_code` in column `count`; of records on or before the day only."""
    wanted = pa.schema([LINK.field(n) for n in ("borough", "dataset", "record_id", "uprn", "decision")])
    links = access.read_table("link", wanted, boroughs=[borough]).to_pandas()
    links = links[links["decision"].isin(PLACED)].merge(homes[["uprn", "lsoa_code"]], on="uprn")
    links = links.sort_values("uprn").drop_duplicates(["dataset", "record_id"])
    parts = [_tally(homes.assign(value="all"), "property")]
    for source in SOURCES:
        if access.grain("public", borough, source.dataset, PURPOSE) is None:
            continue
        columns = ["record_id", source.by, source.day, *([source.only[0]] if source.only else [])]
        rows = access.read_dataset(source.dataset, boroughs=[borough], purpose=PURPOSE, columns=columns).to_pandas()
        rows = rows[pd.to_datetime(rows[source.day]) <= pd.Timestamp(as_of)]
        if source.only:
            rows = rows[rows[source.only[0]] == source.only[1]]
        rows = rows.merge(links[links["dataset"] == source.dataset][["record_id", "lsoa_code"]], on="record_id")
        parts.append(_tally(rows.assign(value=rows[source.by].fillna("not_recorded")), source.measure))
    parts.append(_tally(_listed(borough, as_of).merge(homes, on="uprn").assign(value="all"), "listed"))
    return pd.concat(parts, ignore_index=True)


def _listed(borough: str, as_of: date) -> pd.DataFrame:
    """Properties within capacity of the borough's current list, where it may stand and is not of a later day."""
    if standing.list_refusal(borough) is not None:
        return pd.DataFrame({"uprn": np.array([], dtype=object)})
    with snapshot() as session:
        issued = newest_list(session, borough)
        if issued is None or issued.as_of > as_of:
            return pd.DataFrame({"uprn": np.array([], dtype=object)})
        wanted = sa.select(ListEntry.uprn).where(ListEntry.list_id == issued.id, ListEntry.rank <= issued.capacity)
        return pd.DataFrame({"uprn": np.array(session.scalars(wanted).all(), dtype=object)})


def _tally(rows: pd.DataFrame, measure: str) -> pd.DataFrame:
    counted = rows.groupby(["value", "lsoa_code"]).size().reset_index(name="count")
    return counted.assign(measure=measure)
