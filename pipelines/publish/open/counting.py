"""True counts of properties by LSOA, from the lake through governance; nothing here is fit to be published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd
import pyarrow as pa

from pipelines.core.tables import LINK, PROPERTY
from pipelines.governance import access, standing
from pipelines.publish.open.protect import FEWEST_HOMES
from schemas import registry

PURPOSE: access.Purpose = "hmo_detection"
PLACED = ("linked", "parent")
NOT_RECORDED = "not_recorded"
ALL = "all"
WINDOW = timedelta(days=365)
"""Things that happen are counted over a year, since boroughs' extracts go back differently far."""


@dataclass(frozen=True)
class Source:
    """What is counted of one dataset: properties with a record of each kind. `counted` says it in words.

    `by` is the field whose codes are the kinds, `day` the field of the day from which a record counts, `only` a field
    and the code that it must have. `over_a_year`: of the 365 days up to the day of publication alone.
    """

    measure: str
    heading: str
    counted: str
    dataset: str
    by: str
    day: str
    only: tuple[str, str] | None = None
    over_a_year: bool = True

    @property
    def kinds(self) -> dict[str, str]:
        """Meanings by kind. All of the contract's codes, so that a kind that falls to none does not vanish."""
        codes = registry.contract(self.dataset).by_name[self.by].codes or {}
        return {**codes, NOT_RECORDED: "the borough's extract does not say"}


SOURCES = (
    Source(
        "licence",
        "Licences in force",
        "properties with a licence in force",
        "hmo_licence",
        "licence_type",
        "commencement_date",
        ("licence_status", "current"),
        over_a_year=False,
    ),
    Source(
        "application",
        "Applications for a licence",
        "properties for which a licence was applied for",
        "licence_application",
        "application_status",
        "received_date",
    ),
    Source(
        "request", "Complaints", "properties complained about", "service_request", "request_category", "received_date"
    ),
    Source("inspection", "Visits", "properties visited", "inspection", "finding", "visit_date"),
)
PROPERTIES = "property"
"""The measure of all properties of the gazetteer, of the one kind `all`."""

AREA_COLUMNS = ["uprn", "ward_code", "ward_name", "lsoa_code", "easting", "northing"]


def areas(borough: str) -> pd.DataFrame:
    """Properties with `uprn`, `ward_code`, `ward_name`, `lsoa_code`, `easting`, `northing` of a borough.

    An LSOA may lie in several wards; as in the ONS's best-fit tables it counts to the ward that most of its homes are
    in, so that wards are sums of LSOAs. LSOAs with fewer than `FEWEST_HOMES` properties are left out.
    """
    if access.grain("public", borough, standing.SPINE, PURPOSE) is None:
        return pd.DataFrame(columns=AREA_COLUMNS)
    wanted = pa.schema([PROPERTY.field(name) for name in ["borough", *AREA_COLUMNS]])
    homes = access.read_table("property", wanted, boroughs=[borough]).to_pandas()
    homes = homes.dropna(subset=["ward_code", "lsoa_code"]).drop_duplicates("uprn")
    homes = homes[homes.groupby("lsoa_code")["uprn"].transform("size") >= FEWEST_HOMES]
    if homes.empty:
        return pd.DataFrame(columns=AREA_COLUMNS)
    many = homes.groupby(["lsoa_code", "ward_code"]).size().reset_index(name="n")
    best = many.sort_values(["n", "ward_code"], ascending=[False, True]).drop_duplicates("lsoa_code")
    names = homes.dropna(subset=["ward_name"]).drop_duplicates("ward_code").set_index("ward_code")["ward_name"]
    placed: pd.DataFrame = homes.drop(columns=["ward_code", "ward_name"]).merge(best.drop(columns="n"), on="lsoa_code")
    placed["ward_name"] = placed["ward_code"].map(names).fillna(placed["ward_code"])
    return placed[AREA_COLUMNS].sort_values("uprn", ignore_index=True)


def by_lsoa(borough: str, homes: pd.DataFrame, day: date) -> pd.DataFrame:
    """Properties by `lsoa_code`, `measure`, `kind` in column `n`: every LSOA and kind, with 0 where there is none.

    A property counts once a kind, however many records it has, so that one household moves a count by one at most. A
    measure is left out where the borough's agreement does not let the public see its counts, or no extract ever came.
    """
    arrived = standing.datasets_of(borough)
    parts = [_tally(homes.assign(kind=ALL), PROPERTIES, [ALL], homes)]
    wanted = pa.schema([LINK.field(n) for n in ("borough", "dataset", "record_id", "uprn", "decision")])
    links = access.read_table("link", wanted, boroughs=[borough]).to_pandas()
    links = links[links["decision"].isin(PLACED)].merge(homes[["uprn", "lsoa_code"]], on="uprn")
    for source in SOURCES:
        if source.dataset in arrived and access.grain("public", borough, source.dataset, PURPOSE) is not None:
            rows = _records(borough, source, day)
            of_these = links.loc[links["dataset"] == source.dataset, ["record_id", "uprn", "lsoa_code"]]
            rows = rows.merge(of_these, on="record_id").drop_duplicates(["kind", "uprn"])
            parts.append(_tally(rows, source.measure, list(source.kinds), homes))
    return pd.concat(parts, ignore_index=True)


def _records(borough: str, source: Source, day: date) -> pd.DataFrame:
    """`record_id` and `kind` of the records that count on the day."""
    columns = ["record_id", source.by, source.day, *([source.only[0]] if source.only else [])]
    found = access.read_dataset(source.dataset, boroughs=[borough], purpose=PURPOSE, columns=columns)
    rows: pd.DataFrame = found.to_pandas()
    at = pd.to_datetime(rows[source.day])
    counts = at <= pd.Timestamp(day)
    if source.over_a_year:
        counts &= at > pd.Timestamp(day - WINDOW)
    if source.only:
        counts &= rows[source.only[0]] == source.only[1]
    counted: pd.DataFrame = rows.loc[counts, ["record_id"]].assign(kind=rows[source.by].fillna(NOT_RECORDED))
    return counted


def _tally(rows: pd.DataFrame, measure: str, kinds: list[str], homes: pd.DataFrame) -> pd.DataFrame:
    every = pd.MultiIndex.from_product([sorted(homes["lsoa_code"].unique()), kinds], names=["lsoa_code", "kind"])
    counted = rows.groupby(["lsoa_code", "kind"]).size().reindex(every, fill_value=0)
    return counted.reset_index(name="n").assign(measure=measure)
