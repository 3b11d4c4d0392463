"""The stage: for every candidate of a borough, which licence it would need on a day and whether it holds one."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.tables import LICENSING, LINK, PROPERTY
from pipelines.core.types import StageResult
from pipelines.governance import access, stages
from pipelines.licensing.evidence import landlords, people
from pipelines.licensing.needs import needed
from pipelines.licensing.places import places
from pipelines.licensing.register import licence_state
from pipelines.licensing.schemes import designations_for
from pipelines.licensing.status import status
from schemas.scheme import Designation

STAGE = "licensing"
TABLE = "licensing"
PURPOSE: access.Purpose = "hmo_detection"
READ = {
    "hmo_licence": (
        "licence_ref",
        "licence_type",
        "licence_status",
        "max_persons",
        "max_households",
        "commencement_date",
        "expiry_date",
    ),
    "licence_application": (
        "application_ref",
        "application_kind",
        "licence_type",
        "application_status",
        "occupants",
        "households",
        "received_date",
        "decision_date",
        "effective_from",
        "effective_until",
    ),
    "social_housing": ("social_landlord", "social_from", "social_until"),
    "electoral": ("source", "electors", "surnames", "snapshot_date"),
    "inspection": ("inspection_ref", "visit_date", "access", "finding", "occupants", "households"),
}
"""The columns read of each dataset: no names, no holders, nothing that the rules do not ask for."""
SEVERAL_FLATS = "unit_range"
"""Reason of a link to one of several flats that a row names."""
TOGETHER = ("occupants", "households", "electors", "surnames", "finding")
"""What a row of several flats says of them all together, and of none of them alone."""
SCHEME_COLUMNS = (
    "scheme_ref",
    "scheme_type",
    "covers_ward",
    "min_persons",
    "min_households",
    "covers_section_257",
    "made_date",
    "in_force_from",
    "in_force_until",
)
PROPERTY_COLUMNS = (
    "uprn",
    "parent_uprn",
    "address",
    "units_in_building",
    "blpu_class",
    "ward_code",
    "ward_name",
    "storeys",
)


def assess(borough: str, as_of: date) -> StageResult:
    """Write the table `licensing` of a borough: one row a candidate property, with nothing known after `as_of`."""
    wanted = pa.schema([PROPERTY.field(name) for name in PROPERTY_COLUMNS])
    properties = _frame(access.read_table("property", wanted, boroughs=[borough]))
    if properties.empty:
        return StageResult(STAGE, borough, "skipped", f"{borough} has no properties yet: link its gazetteer first.")
    links = _links(borough)
    rows = {dataset: _rows(dataset, borough, as_of) for dataset in READ}
    dropped = _known("licensing_scheme", SCHEME_COLUMNS, borough, as_of)
    designations = designations_for(borough, dropped)
    made_from = stages.input_hash(
        as_of,
        [designation.model_dump() for designation in designations],
        *(_content(frame) for frame in (properties, links, *rows.values())),
    )
    if stages.is_done(STAGE, borough, made_from):
        return StageResult(STAGE, borough, "unchanged", f"The licensing of {borough} was worked out from these inputs.")
    spine = places(properties)
    linked = {dataset: _joined(frame, links[links["dataset"] == dataset], spine) for dataset, frame in rows.items()}
    made = judge(spine, linked, designations, as_of)
    made.insert(0, "borough", borough)
    table = pa.Table.from_pandas(made, preserve_index=False).select(LICENSING.names).cast(LICENSING)
    access.write_table(TABLE, table, borough=borough, made_from={"input_hash": made_from})
    counts = {f"needed_{code}": float(n) for code, n in made["needed"].value_counts().items()}
    counts |= {f"status_{code}": float(n) for code, n in made["status"].value_counts().items()}
    counts |= {"properties": float(len(made)), "excluded": float(made["excluded_why"].notna().sum())}
    stages.mark_done(STAGE, borough, made_from, counts)
    sentence = (
        f"The licensing of {len(made):,} properties of {borough} was worked out under {len(designations)} designations."
    )
    return StageResult(STAGE, borough, "made", sentence, counts)


def judge(
    spine: pd.DataFrame, linked: dict[str, pd.DataFrame], designations: tuple[Designation, ...], as_of: date
) -> pd.DataFrame:
    """The rows of `licensing`, without the borough.

    `spine` is what `places` returned; `linked` has each dataset's rows with the `uprn` of the building they are about.
    A licence on a building covers its rooms, which are judged with it. It does not cover its self-contained flats.
    """
    on = pd.Timestamp(as_of)
    buildings = spine[spine["building_uprn"].to_numpy() == spine.index.to_numpy()]
    known = people(buildings.index, linked["inspection"], linked["licence_application"], linked["electoral"], on)
    cases = buildings.drop(columns=["building_uprn", "parent_uprn"]).join(known.drop(columns="found_not_hmo"))
    social = landlords(linked["social_housing"], on).reindex(cases.index)
    cases["controller"] = social.fillna(cases["controller"])
    cases["on"] = on
    needs = needed(cases, designations)
    held = status(cases, needs, linked["hmo_licence"], linked["licence_application"])
    found = pd.DataFrame(
        {
            "needed": needs["needed"],
            "needed_why": needs["needed_why"],
            "status": held["status"],
            "status_why": held["status_why"],
            "missing": _listed(
                needs["missing"],
                held["status_missing"],
                np.where(known["by_surnames"], "how many households they form, now counted from surnames", ""),
                _building_licence(buildings, held, linked["hmo_licence"], on),
            ),
            "excluded_why": _excluded(needs["excluded_why"], known["found_not_hmo"]),
        }
    )
    made = spine[["building_uprn"]].join(found, on="building_uprn").reset_index(names="uprn")
    made["as_of"] = as_of
    rooms = made["uprn"].to_numpy() != made["building_uprn"].to_numpy()
    made.loc[rooms, "needed_why"] = "A room, judged with its building: " + made.loc[rooms, "needed_why"]
    return made


def _building_licence(buildings: pd.DataFrame, held: pd.DataFrame, licences: pd.DataFrame, on: pd.Timestamp) -> Any:
    """For a self-contained flat without a licence in a licensed building: ask whether that licence names the flat."""
    flats = buildings["form"].str.startswith("flat") & ~held["status"].isin(["held", "over_occupied"])
    parents = buildings["parent_uprn"].where(flats)
    state = licence_state(licences, pd.Series(on, index=pd.Index(parents.dropna().unique())))
    ref = parents.map(state["part2_licence_ref"])
    text = "whether licence " + ref.astype(object) + " on the building names this flat"
    return text.where(ref.notna(), "").to_numpy(dtype=object)


def _listed(*columns: Any) -> Any:
    """Texts of several columns joined by semicolons; missing where all are empty."""
    made = np.asarray(columns[0], dtype=object).copy()
    for column in columns[1:]:
        more = np.asarray(column, dtype=object)
        glue = np.where((made != "") & (more != ""), "; ", "").astype(object)
        made = made + glue + more
    return _or_missing(made)


def _excluded(by_law: pd.Series[Any], found_not_hmo: pd.Series[Any]) -> Any:
    """Why a property is outside: Schedule 14, else what the last visit found."""
    visited = found_not_hmo.notna().to_numpy()
    days = found_not_hmo.to_numpy().astype("datetime64[D]").astype(str).astype(object)
    said = "The visit of " + days + " found that it is not an HMO (Housing Act 2004 s.254)."
    law = by_law.to_numpy(dtype=object)
    return _or_missing(np.where(law != "", law, np.where(visited, said, "")).astype(object))


def _or_missing(texts: Any) -> Any:
    """Texts with a missing value in the place of an empty one."""
    made = np.asarray(texts, dtype=object).copy()
    made[made == ""] = None
    return made


def _links(borough: str) -> pd.DataFrame:
    """Records of the datasets that are tied to a property or to its building."""
    schema = pa.schema([LINK.field(name) for name in ("dataset", "record_id", "uprn", "decision", "reason")])
    among = {"decision": ("linked", "parent"), "dataset": tuple(READ)}
    return _frame(access.read_table("link", schema, boroughs=[borough], among=among))


def _known(dataset: str, columns: tuple[str, ...], borough: str, as_of: date) -> pd.DataFrame:
    """Rows of a dataset that staff could know on the as-of date."""
    table = access.read_dataset(
        dataset, boroughs=[borough], purpose=PURPOSE, columns=["record_id", *columns, "known_since"]
    )
    known = pc.less_equal(table["known_since"], pa.scalar(as_of, pa.date32()))
    return _frame(table.filter(known).drop_columns(["known_since"]))


def _rows(dataset: str, borough: str, as_of: date) -> pd.DataFrame:
    return _known(dataset, READ[dataset], borough, as_of)


def _joined(rows: pd.DataFrame, links: pd.DataFrame, spine: pd.DataFrame) -> pd.DataFrame:
    """Rows with the `uprn` they are about; what is recorded against a room is about its building.

    A licence of several flats is held for each of them, and permits no more persons in one than in all. How many live
    there, and what a visit found, is not known of one of them.
    """
    building = spine["building_uprn"].reindex(links["uprn"]).to_numpy()
    at = links[["record_id"]].assign(uprn=building, several=(links["reason"] == SEVERAL_FLATS).to_numpy(bool))
    at = at[pd.notna(building)].sort_values("several").drop_duplicates(["record_id", "uprn"])
    tied = rows.merge(at, on="record_id", how="inner")
    for name in (name for name in TOGETHER if name in tied):
        tied[name] = tied[name].mask(tied["several"])
    return tied.drop(columns="several")


def _frame(table: pa.Table) -> pd.DataFrame:
    """Arrow to pandas, dates as timestamps and integers with missing values kept as integers."""
    kinds = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    frame: pd.DataFrame = table.to_pandas(date_as_object=False, types_mapper=kinds.get)
    return frame


def _content(frame: pd.DataFrame) -> list[int]:
    """Number of rows and a hash of them, whatever their order."""
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy()
    return [len(frame), int(hashes.sum(dtype=np.uint64))]
