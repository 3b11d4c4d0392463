"""Designations in force: the borough's own dataset where it dropped one, else what was published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from pipelines.licensing.logic import Answer, answer, certain
from schemas import registry
from schemas.scheme import Designation, latest_end

DEFAULT_PERSONS = 3
DEFAULT_HOUSEHOLDS = 2


def designations_for(borough: str, dropped: pd.DataFrame) -> tuple[Designation, ...]:
    """Designations of a borough: those it dropped itself win over `schemas/schemes/<borough>.yaml`.

    `dropped` has the columns of the dataset `licensing_scheme`, one row a designation and ward.
    """
    if dropped.empty:
        return registry.schemes().get(borough, ())
    groups = dropped.sort_values("covers_ward").groupby(["scheme_ref", "scheme_type"], sort=True)
    found = [_from_rows(str(ref), str(kind), rows) for (ref, kind), rows in groups]
    return tuple(designation for designation in found if designation is not None)


def _from_rows(ref: str, kind: str, rows: pd.DataFrame) -> Designation | None:
    """One designation from its rows; None if its days are the wrong way round, so that it is never in force."""
    start, end = _day(rows["in_force_from"].min()), _day(rows["in_force_until"].max())
    if start is None or end is None or end < start:
        return None
    wards = tuple(str(ward) for ward in rows["covers_ward"])
    made, covers_257 = _day(rows["made_date"].min()), rows["covers_section_257"].dropna()
    return Designation.model_validate(
        {
            "ref": ref,
            "kind": kind,
            "wards": "all" if "all" in wards else wards,
            "min_persons": _count(rows["min_persons"], DEFAULT_PERSONS, 50),
            "min_households": _count(rows["min_households"], DEFAULT_HOUSEHOLDS, 20),
            "section_257": bool(covers_257.iloc[0]) if len(covers_257) else None,
            "made": made if made is not None and made <= start else None,
            "in_force_from": start,
            "in_force_until": min(end, latest_end(start)),
            "source": "dataset licensing_scheme",
        }
    )


def _count(values: pd.Series[Any], default: int, largest: int) -> int:
    smallest = values.min()
    return default if pd.isna(smallest) else int(min(max(int(smallest), 1), largest))


def _day(value: Any) -> date | None:
    return None if pd.isna(value) else pd.Timestamp(value).date()


def coverage(designations: Sequence[Designation], ward_code: pd.Series[Any], ward_name: pd.Series[Any]) -> list[Answer]:
    """For each designation, whether each address lies in it; not known where its ward cannot tell."""
    pairs = pd.DataFrame({"code": ward_code.to_numpy(object), "name": ward_name.to_numpy(object)})
    number = pairs.groupby(["code", "name"], dropna=False, sort=False).ngroup().to_numpy()
    places = pairs.iloc[np.unique(number, return_index=True)[1]]
    codes = [None if pd.isna(code) else str(code) for code in places["code"]]
    names = [None if pd.isna(name) else str(name) for name in places["name"]]
    wards = list(zip(codes, names, strict=True))
    found = [answer([designation.covers(code, name) for code, name in wards]) for designation in designations]
    return [Answer(inside.yes[number], inside.no[number]) for inside in found]


def in_force(designation: Designation, on: pd.Series[Any]) -> Answer:
    """Whether a designation is in force on each day (s.58, s.60; s.82, s.84)."""
    start, end = pd.Timestamp(designation.in_force_from), pd.Timestamp(designation.in_force_until)
    return certain((on >= start) & (on <= end))
