"""The tables that evidence is made from, read for several boroughs in one pass.

Opening a table costs more than reading one borough of it, so training reads boroughs in
batches; a batch bounds what is in memory at once.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.tables import LINK, PROPERTY
from pipelines.governance import access
from pipelines.governance.access import Purpose
from schemas import registry

BATCH = 8
PURPOSE: Purpose = "hmo_detection"
"""What everything here is read for; a borough's dataset that no agreement covers for it comes back empty."""

COLUMNS: dict[str, tuple[str, ...]] = {
    "council_tax": ("liable_party", "band", "discount", "exemption_class", "liability_end"),
    "electoral": ("electors", "surnames", "joined_12_months"),
    "benefits": ("benefit_claims", "benefit_private_rent_claims"),
    "epc": (
        "property_type",
        "built_form",
        "transaction_type",
        "tenure",
        "energy_rating",
        "age_band",
        "floor_area",
        "habitable_rooms",
    ),
    "service_request": ("request_category", "request_outcome", "closed_date"),
    "waste": ("waste_kind", "containers"),
    "planning": ("planning_kind",),
    "social_housing": ("social_until",),
    "hmo_licence": ("licence_type", "expiry_date"),
    "licence_application": ("application_kind",),
    "inspection": ("access", "finding", "visit_reason"),
}
"""Columns read from each dataset besides its record id, event time and known-since.

The last three are read for labels alone; a `View` does not hold them.
"""

HMO_LICENCES = ("mandatory", "additional")
"""Licences that only a house in multiple occupation gets; a selective one is for other private lets."""

RESIDENTIAL = ("R", "RD", "RD02", "RD03", "RD04", "RD06", "RH", "RH01", "RH02", "RH03", "X")
"""BLPU classes of homes. Caravans, boats, sheltered homes, care homes, communal residences and halls are
outside (Housing Act 2004 Schedule 14 or no dwelling), `PP` is a shell; a property without a class is in."""

LABEL_DATASETS = frozenset({"hmo_licence", "licence_application", "inspection"})
ACCEPTED = ("linked", "parent")
SEVERAL_FLATS = "unit_range"
"""Reason of a link to one of several flats that a record is of."""
UNKNOWN_UNIT = "unit_not_in_gazetteer"
"""Reason of a link to a building, or an undivided house, of a record about a flat or room that the gazetteer lacks."""
SPINE = (
    "borough",
    "uprn",
    "parent_uprn",
    "building_key",
    "street_key",
    "lsoa_code",
    "blpu_class",
    "easting",
    "northing",
    "storeys",
)
GAZETTEER = ("borough", "uprn", "logical_status", "start_date", "end_date", "known_since")

Tables = dict[str, pa.Table]
"""One borough's `property`, `link` (accepted ones), `gazetteer` and datasets by name."""


def batches(boroughs: list[str]) -> Iterator[tuple[str, Tables]]:
    """Each borough with its tables, a batch of boroughs read at a time."""
    for start in range(0, len(boroughs), BATCH):
        batch = boroughs[start : start + BATCH]
        tables = _read(batch)
        for borough in batch:
            yield borough, {name: _of(table, borough, len(batch)) for name, table in tables.items()}


def _of(table: pa.Table, borough: str, boroughs: int) -> pa.Table:
    return table if boroughs == 1 else table.filter(pc.equal(table["borough"], borough))


def _read(boroughs: list[str]) -> Tables:
    spine = access.read_table("property", pa.schema([PROPERTY.field(name) for name in SPINE]), boroughs=boroughs)
    for name in ("parent_uprn", "blpu_class"):
        at = spine.schema.get_field_index(name)
        spine = spine.set_column(at, name, blank_to_null(spine[name]))
    tables = {"property": spine, "link": links(boroughs), "gazetteer": _dataset("gazetteer", boroughs, GAZETTEER)}
    for dataset, columns in COLUMNS.items():
        contract = registry.contract(dataset)
        names = ("borough", "record_id", contract.event_time, contract.known_since, *columns)
        tables[dataset] = _dataset(dataset, boroughs, names)
    return tables


def _dataset(dataset: str, boroughs: list[str], columns: tuple[str, ...]) -> pa.Table:
    return access.read_dataset(dataset, boroughs=boroughs, purpose=PURPOSE, columns=columns)


def links(boroughs: list[str], datasets: tuple[str, ...] = ()) -> pa.Table:
    """Links that were accepted, to the property itself or to its building: borough, dataset, record id, UPRN, `unit`.

    `unit` is true where the record is of a flat or room that the gazetteer lacks. Of all datasets unless some are
    named. A record of several flats has a row for each, and none for their building.
    """
    schema = pa.schema([LINK.field(name) for name in ("borough", "dataset", "record_id", "uprn", "decision", "reason")])
    among = {"decision": ACCEPTED, **({"dataset": datasets} if datasets else {})}
    rows = _without_buildings_of_flats(access.read_table("link", schema, boroughs=boroughs, among=among))
    unit = pc.fill_null(pc.equal(rows["reason"], UNKNOWN_UNIT), False)
    return rows.drop_columns(["decision", "reason"]).append_column("unit", unit)


def accepted(rows: pa.Table) -> pa.Table:
    """Rows of `link` that count: accepted, and none for the building of a record that is tied to several flats."""
    return _without_buildings_of_flats(rows.filter(pc.is_in(rows["decision"], pa.array(ACCEPTED))))


def _without_buildings_of_flats(rows: pa.Table) -> pa.Table:
    """Leave out the building of a record that is tied to several of its flats, since those say it better."""
    key = ["borough", "dataset", "record_id"]
    flat = pc.fill_null(pc.equal(rows["reason"], SEVERAL_FLATS), False)
    flats = rows.filter(flat)
    if not flats.num_rows:
        return rows
    # Few records are of several flats: only rows that have the number of one are compared in full.
    asked = pc.and_not(pc.is_in(rows["record_id"], value_set=pc.unique(flats["record_id"])), flat)
    beside = rows.filter(asked).join(flats.select(key).group_by(key).aggregate([]), key, join_type="left anti")
    others = rows.filter(pc.invert(pc.or_(asked, flat)))
    tied = pa.concat_tables([beside.select(rows.column_names), flats])
    return pa.concat_tables([others, tied.sort_by([(name, "ascending") for name in (*key, "uprn")])])


def blank_to_null(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Empty text as missing."""
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
