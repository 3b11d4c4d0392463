"""Published figures of small areas (LSOAs), for reports and audits of who is treated how. Never an input of the model.

Files below `LODA_REFERENCE_DIR`: `deprivation*.csv` with a decile by area, and `ethnicity*.csv` with the shares of
residents by broad ethnic group of the census.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.core.errors import ConfigurationError
from pipelines.core.hashing import hash_files
from pipelines.core.settings import settings

DEPRIVATION_FIFTHS = ("1_most_deprived_fifth", "2", "3", "4", "5_least_deprived_fifth")
CODE_HEADINGS = ("lsoa_code", "LSOA code")
DECILE_HEADINGS = ("deprivation_decile", "Index of Multiple Deprivation (IMD) Decile")
"""What the columns are called here, and what they begin with in the published Indices of Deprivation."""

ETHNIC_GROUPS = ("asian", "black", "mixed", "white", "other")
"""The five broad groups of the Census 2021 (England and Wales); columns `share_asian` and so on, from 0 to 1."""


def reference_files() -> list[Path]:
    """The files of deprivation deciles that are there."""
    return sorted(settings().reference_dir.glob("deprivation*.csv"))


def ethnicity_files() -> list[Path]:
    """The files of residents by ethnic group that are there."""
    return sorted(settings().reference_dir.glob("ethnicity*.csv"))


def reference_version() -> str:
    """A hash of the deprivation tables, empty where there are none."""
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


def ethnic_shares() -> pd.DataFrame:
    """Shares of residents by broad ethnic group of each small area, indexed by its LSOA code; empty without a file.

    Raises:
        ConfigurationError: a file lacks a column, or a share is none from 0 to 1.
    """
    names = [f"share_{group}" for group in ETHNIC_GROUPS]
    parts = [_shares_in(path, names) for path in ethnicity_files()]
    found = pd.concat(parts) if parts else pd.DataFrame(columns=names, dtype=float)
    return found.loc[~found.index.duplicated()]


def _shares_in(path: Path, names: Sequence[str]) -> pd.DataFrame:
    found = _headings(path)
    code = _heading(found, CODE_HEADINGS)
    if code is None or not set(names) <= set(found):
        raise ConfigurationError(
            f"The reference table {path.name} lacks a column; it needs 'lsoa_code' and {', '.join(names)}."
        )
    frame = _as_text(path, [code, *names])
    shares = pd.DataFrame({name: pd.to_numeric(frame[name], errors="coerce") for name in names})
    if not ((shares >= 0) & (shares <= 1)).all(axis=None):
        raise ConfigurationError(f"The reference table {path.name} has a share that is not a number from 0 to 1.")
    return shares.set_axis(frame[code].to_numpy())


def _fifths_in(path: Path) -> pd.Series[str]:
    names = _headings(path)
    code, decile = (_heading(names, wanted) for wanted in (CODE_HEADINGS, DECILE_HEADINGS))
    if code is None or decile is None:
        raise ConfigurationError(
            f"The reference table {path.name} lacks a column of LSOA codes or of deciles; it needs 'lsoa_code' and "
            "'deprivation_decile', or the headings of the published Indices of Deprivation."
        )
    frame = _as_text(path, [code, decile])
    number = pd.to_numeric(frame[decile], errors="coerce")
    if not number.isin(range(1, 11)).all():
        raise ConfigurationError(f"The reference table {path.name} has a decile that is not a number from 1 to 10.")
    names_of = np.array(DEPRIVATION_FIFTHS, dtype=object)[((number.to_numpy(int) - 1) // 2)]
    return pd.Series(names_of, index=frame[code].to_numpy())


def _headings(path: Path) -> list[str]:
    try:
        return list(pacsv.open_csv(path).schema.names)
    except pa.ArrowInvalid:
        return []


def _as_text(path: Path, columns: list[str]) -> pd.DataFrame:
    kinds = {name: pa.string() for name in columns}
    options = pacsv.ConvertOptions(column_types=kinds, include_columns=columns)
    found: pd.DataFrame = pacsv.read_csv(path, convert_options=options).to_pandas()
    return found


def _heading(names: list[str], wanted: tuple[str, ...]) -> str | None:
    return next((name for name in names if name.strip().startswith(wanted)), None)
