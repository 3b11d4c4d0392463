"""The one door to the lake's data: no agreement in force, no read.

Every stage after the gate, every page and every export reads and writes here, so that who may use what, for which
purpose, until when and at which grain is decided in one place, and every read of personal data is on record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core import clock, lake
from pipelines.core.errors import ConfigurationError
from pipelines.governance import reads, standing
from schemas import registry
from schemas.agreement import GRAINS, ROLES, Grain, Role
from schemas.contract import PLATFORM_FIELDS
from schemas.privacy import NAMES_A_PERSON, PERSONAL

Purpose = Literal["hmo_detection"]
HARMONISED = "harmonised"
SUPPRESSION_THRESHOLD = 7
"""Counts from one to this are not shown, as OpenSAFELY has it."""

ROUNDING_MULTIPLE = 5
"""Counts that are shown are rounded to the nearest multiple, so that two of them do not give away a third."""


def allowed(borough: str, dataset: str, purpose: Purpose, on: date | None = None) -> bool:
    """Whether an agreement in force on that day (today by default) lets this dataset be used for this purpose."""
    return registry.cover(borough, dataset, purpose, on or clock.today()).refusal is None


def refusal(
    borough: str,
    dataset: str,
    purpose: Purpose,
    *,
    field: str | None = None,
    role: Role | None = None,
    on: date | None = None,
) -> str | None:
    """Why a borough's dataset, or one field of it, may not be used, in a sentence; None where it may.

    With a role: why somebody in that role may not see its rows.
    """
    found = registry.cover(borough, dataset, purpose, on or clock.today())
    if found.refusal is not None:
        return found.refusal
    names = " and ".join(f"'{agreement.id}'" for agreement in found.agreements)
    if field is not None and found.fields is not None and field not in found.fields:
        return f"Agreement {names} leaves out the field {field} of {borough}'s {dataset}."
    if role is None:
        return None
    seen = grain(role, borough, dataset, purpose, on)
    if seen is None:
        return f"Agreement {names} does not let {ROLES[role]} see {borough}'s {dataset}."
    if seen == "count":
        return f"Agreement {names} lets {ROLES[role]} see {borough}'s {dataset} in counts only."
    hidden = field is not None and registry.contract(dataset).by_name[field].privacy in NAMES_A_PERSON
    if seen == "property" and hidden:
        return f"Agreement {names} lets {ROLES[role]} see {borough}'s {dataset} without {field}."
    return None


def grain(role: Role, borough: str, dataset: str, purpose: Purpose, on: date | None = None) -> Grain | None:
    """The finest grain at which a role may see a borough's dataset today; None where it may not see any of it."""
    found = registry.cover(borough, dataset, purpose, on or clock.today())
    seen = [own for own in (agreement.grain(role, dataset) for agreement in found.agreements) if own is not None]
    return min(seen, key=GRAINS.index, default=None)


def read_dataset(
    dataset: str,
    *,
    boroughs: Sequence[str],
    purpose: Purpose,
    columns: Sequence[str] | None = None,
    role: Role | None = None,
    records: Sequence[int] | None = None,
) -> pa.Table:
    """Harmonised rows of a dataset for the boroughs whose agreements allow it; empty where nothing came.

    Shape: the contract's `arrow_schema()`, or the columns asked for, in that order. A field that a borough's agreement
    leaves out is null in its rows. For a `role` (a page, an export) only what it may see; None is the platform's own
    processing. Of some `records` only where their ids are given. `refusal` says why something is not there.
    """
    contract = registry.contract(dataset)
    may = [b for b in boroughs if allowed(b, dataset, purpose) and refusal(b, dataset, purpose, role=role) is None]
    schema = contract.arrow_schema()
    wanted = schema if columns is None else pa.schema([schema.field(c) for c in columns])
    fields = [name for name in wanted.names if name in contract.by_name]
    withheld = _withheld(dataset, fields, may, purpose, role)
    never = {name for name, whose in withheld.items() if len(whose) == len(may)}
    asked = [name for name in wanted.names if name not in never]
    partly = {name: whose for name, whose in withheld.items() if name not in never}
    found = None
    if may:
        more = ["borough"] if partly and "borough" not in asked else []
        among = {"record_id": records} if records is not None else None
        found = lake.read(f"{HARMONISED}/{dataset}", columns=[*asked, *more], boroughs=may, among=among)
    if found is None:
        return wanted.empty_table()
    if any(field.privacy in PERSONAL for field in contract.fields):  # also a row without its address is about somebody
        reads.add(
            dataset,
            boroughs=may,
            rows=found.num_rows,
            fields="all" if columns is None else fields,
            purpose=purpose,
            withheld=sorted(withheld),
            role=role,
        )
    return _as(_blanked(found, partly), wanted)


def _withheld(
    dataset: str, fields: Sequence[str], boroughs: Sequence[str], purpose: Purpose, role: Role | None
) -> dict[str, list[str]]:
    """By field the boroughs whose agreements leave it out, or do not let the role see it."""
    contract = registry.contract(dataset)
    found: dict[str, list[str]] = {}
    for borough in boroughs:
        covered = registry.cover(borough, dataset, purpose, clock.today()).fields
        by_property = role is not None and grain(role, borough, dataset, purpose) == "property"
        for name in fields:
            hidden = by_property and contract.by_name[name].privacy in NAMES_A_PERSON
            if hidden or (covered is not None and name not in covered):
                found.setdefault(name, []).append(borough)
    return found


def _blanked(found: pa.Table, withheld: Mapping[str, list[str]]) -> pa.Table:
    """Null where a borough's agreement leaves the field out."""
    for name, whose in withheld.items():
        if name in found.column_names:
            theirs = pc.is_in(found["borough"], pa.array(whose, pa.string()))
            kind = found.schema.field(name).type
            at = found.column_names.index(name)
            found = found.set_column(at, name, pc.if_else(theirs, pa.scalar(None, kind), found[name]))
    return found


def counts(
    dataset: str, *, boroughs: Sequence[str], purpose: Purpose, by: Sequence[str], role: Role | None = None
) -> pa.Table:
    """How many rows there are by borough and fields of a dataset, small counts suppressed.

    Columns: `borough`, the fields in `by` (of codes or of no privacy class), `rows` (null where it is suppressed).
    """
    contract = registry.contract(dataset)
    named = [name for name in by if contract.by_name[name].privacy in NAMES_A_PERSON]
    if named:
        raise ValueError(f"{', '.join(named)} of {dataset} may not be counted by: it names a person.")
    may = [b for b in boroughs if role is None or grain(role, b, dataset, purpose) is not None]
    rows = read_dataset(dataset, boroughs=may, purpose=purpose, columns=["borough", *by])
    counted = rows.group_by(["borough", *by]).aggregate([([], "count_all")])
    number = counted["count_all"]
    rounded = pc.multiply(pc.cast(pc.round(pc.divide(pc.cast(number, pa.float64()), ROUNDING_MULTIPLE)), pa.int64()), 5)
    shown = pc.if_else(pc.greater(number, SUPPRESSION_THRESHOLD), rounded, pa.scalar(None, pa.int64()))
    return counted.drop_columns(["count_all"]).append_column("rows", shown)


def read_table(
    table: str,
    schema: pa.Schema,
    *,
    boroughs: Sequence[str] | None = None,
    among: Mapping[str, Sequence[Any]] | None = None,
) -> pa.Table:
    """Rows of a table that a stage made (`link`, `property`, `score`), empty where nothing was made.

    Of some rows only, those whose columns have one of the values in `among`, where it is given. Rows that rest on data
    that no agreement covers any more are left out, although the night has not yet taken them away.
    """
    if table not in standing.DERIVED:
        found = lake.read(table, columns=schema.names, boroughs=boroughs, among=among)
        return schema.empty_table() if found is None else _as(found, schema)
    may = None if boroughs is None else [b for b in boroughs if standing.refusal(table, b) is None]
    found = None
    if may is None or may:
        more = [name for name in standing.TOLD_BY[table] if name not in schema.names]
        found = lake.read(table, columns=[*schema.names, *more], boroughs=may, among=among)
    if found is None:
        return schema.empty_table()
    found = standing.what_may_stand(table, found)
    seen = may if may is not None else sorted(pc.unique(found["borough"]).to_pylist())
    reads.add(table, boroughs=seen, rows=found.num_rows, fields=schema.names, purpose="hmo_detection")
    return _as(found, schema)


def _as(found: pa.Table, schema: pa.Schema) -> pa.Table:
    """In the schema's order and types; a field that was added after these rows were written is null in them."""
    columns = [
        found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(found.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def write_table(table: str, data: pa.Table, *, borough: str, made_from: Mapping[str, str]) -> int:
    """Replace one borough's rows of a stage's table in one atomic commit; returns the table's version."""
    reads.flush()
    return lake.replace(table, data, {"borough": borough}, made_from)


def write_dataset(
    dataset: str,
    data: lake.Rows,
    *,
    borough: str,
    source: str,
    made_from: Mapping[str, str],
) -> int:
    """Replace one borough's rows of a harmonised dataset in one atomic commit; returns the table's version.

    Fields that no agreement of the borough covers for any purpose are not kept: they are null from here on.
    """
    reads.flush()
    rows = _kept(dataset, data, borough) if isinstance(data, pa.Table) else lambda: _kept(dataset, data(), borough)
    return lake.replace(f"{HARMONISED}/{dataset}", rows, {"borough": borough, "source": source}, made_from)


def _kept(dataset: str, data: pa.Table | pa.RecordBatchReader, borough: str) -> pa.Table | pa.RecordBatchReader:
    """The rows without the fields that no agreement covers for any purpose.

    Raises:
        ConfigurationError: no agreement covers any of it, so that nothing new may be kept.
    """
    found = registry.cover(borough, dataset, None, clock.today())
    if found.refusal is not None and not (isinstance(data, pa.Table) and not data.num_rows):
        raise ConfigurationError(f"{found.refusal} Nothing of it may be added to the lake.")
    if found.refusal is not None or found.fields is None:
        return data
    out = [name for name in data.schema.names if name not in found.fields and name not in PLATFORM_FIELDS.names]
    if isinstance(data, pa.Table):
        return without(data, out)
    batches = (batch for part in data for batch in without(pa.Table.from_batches([part]), out).to_batches())
    return pa.RecordBatchReader.from_batches(data.schema, batches)


def without(rows: pa.Table, fields: Sequence[str]) -> pa.Table:
    """The rows with these fields null."""
    for name in fields:
        at = rows.schema.get_field_index(name)
        rows = rows.set_column(at, rows.schema.field(name), pa.nulls(rows.num_rows, rows.schema.field(name).type))
    return rows
