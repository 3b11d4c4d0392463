"""Groups of records by which a report asks whether linking loses some people more than others.

A record's group is told by the record itself, or by the postcode that it states, never by the property that it was
tied to: of a record that was tied to nothing that would be unknown, and every group would look well linked.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import sqlalchemy as sa

from pipelines.core.errors import ConfigurationError
from pipelines.core.hashing import hash_files
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood
from pipelines.core.settings import settings
from pipelines.governance import access
from pipelines.link.records import Records

NOT_KNOWN = "not_known"
RECENT_DAYS = 365
"""Liable for at most so long on the extract's day: moved within twelve months."""

TENURE, RECENT_MOVER, DEPRIVATION = "tenure", "recent_mover", "deprivation"
FIFTHS = ("1_most_deprived_fifth", "2", "3", "4", "5_least_deprived_fifth")
CODE_HEADINGS = ("lsoa_code", "LSOA code")
DECILE_HEADINGS = ("deprivation_decile", "Index of Multiple Deprivation (IMD) Decile")
"""What the columns are called here, and what they begin with in the published Indices of Deprivation."""

Values = dict[str, "pd.Series[str]"]


def reference_files() -> list[Path]:
    """The files of deprivation deciles that are there."""
    return sorted(settings().reference_dir.glob("deprivation*.csv"))


def reference_version() -> str:
    """A hash of the reference tables, empty where there are none."""
    files = reference_files()
    return hash_files(files) if files else ""


def deprivation_fifths() -> pd.Series[str]:
    """The fifth of deprivation of each small area, indexed by its LSOA code; empty where no file is there.

    Raises:
        ConfigurationError: a file has not the two columns, or a decile is none.
    """
    parts = [_fifths_in(path) for path in reference_files()]
    found = pd.concat(parts) if parts else pd.Series([], index=pd.Index([], dtype=object), dtype=object)
    return found.loc[~found.index.duplicated()]


def _fifths_in(path: Path) -> pd.Series[str]:
    try:
        names = pacsv.open_csv(path).schema.names
    except pa.ArrowInvalid:
        names = []
    code, decile = (_heading(names, wanted) for wanted in (CODE_HEADINGS, DECILE_HEADINGS))
    if code is None or decile is None:
        raise ConfigurationError(
            f"The reference table {path.name} lacks a column of LSOA codes or of deciles; it needs 'lsoa_code' and "
            "'deprivation_decile', or the headings of the published Indices of Deprivation."
        )
    as_text = pacsv.ConvertOptions(
        column_types={code: pa.string(), decile: pa.string()}, include_columns=[code, decile]
    )
    frame = pacsv.read_csv(path, convert_options=as_text).to_pandas()
    number = pd.to_numeric(frame[decile], errors="coerce")
    if not number.isin(range(1, 11)).all():
        raise ConfigurationError(f"The reference table {path.name} has a decile that is not a number from 1 to 10.")
    names_of = np.array(FIFTHS, dtype=object)[((number.to_numpy(int) - 1) // 2)]
    return pd.Series(names_of, index=frame[code].to_numpy())


def _heading(names: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for name in names if name.strip().startswith(wanted)), None)


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
        postcode = records.rows["address"].map(records.addresses["postcode"])
        found[DEPRIVATION] = postcode.map(areas).fillna(NOT_KNOWN)
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
