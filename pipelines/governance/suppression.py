"""Erased subjects do not come back: what a later extract says of them is left out at the harmonise step."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.governance.pseudonym import canonical
from pipelines.governance.subjects import Mask, known, name_fields, place_keys, remembered
from schemas.contract import Contract

ERASED_SUBJECT, ERASED_NAME = "erased_subject", "erased_name"
NOT_WRITTEN_OUT = frozenset({ERASED_SUBJECT, ERASED_NAME})
"""Issues of rows that stand in no quarantine file: it would hold what was erased."""


def suppress(columns: dict[str, pa.Array], contract: Contract) -> list[tuple[str, str, Mask]]:
    """Faults of rows about erased subjects: field, issue type, rows. Called before names become tokens.

    A row about an erased property or person is quarantined (`erased_subject`), and counted, but written nowhere. In a
    public register the row stays, because the licence is a fact about the property and without it the property would
    be taken for an unlicensed one; names and addresses of persons are blanked in `columns` (`erased_name`).
    """
    tokens = remembered()
    if not tokens:
        return []
    size = len(next(iter(columns.values())))
    gone = np.zeros(size, bool)
    nobody = pa.nulls(size, pa.string())
    uprn = columns.get("uprn", nobody)
    gone |= known("uprn", uprn, tokens)
    place = place_keys(columns) if {"address", "postcode"} <= set(columns) else nobody
    gone |= known("place", place, tokens)
    named = np.zeros(size, bool)
    for field in name_fields(contract):
        name = canonical(columns[field])
        hit = known("name", name, tokens)
        hit |= known("name_uprn", pc.binary_join_element_wise(name, uprn, "|"), tokens)
        hit |= known("name_place", pc.binary_join_element_wise(name, place, "|"), tokens)
        if contract.by_name[field].privacy == "public_register":
            named |= hit
        else:
            gone |= hit
    faults = [("", ERASED_SUBJECT, gone)] if gone.any() else []
    return faults + _blank_names(columns, contract, named & ~gone)


def _blank_names(columns: dict[str, pa.Array], contract: Contract, rows: Mask) -> list[tuple[str, str, Mask]]:
    if not rows.any():
        return []
    faults = []
    for field in contract.fields:
        if field.privacy != "public_register":
            continue
        values = columns[field.name]
        held = rows & np.asarray(pc.is_valid(values).to_numpy(zero_copy_only=False), bool)
        if held.any():
            columns[field.name] = pc.if_else(pa.array(rows), pa.scalar(None, values.type), values)
            faults.append((field.name, ERASED_NAME, held))
    return faults
