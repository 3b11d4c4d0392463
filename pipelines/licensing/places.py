"""What the spine says of a property's form: which building a licence would be on, and which test of s.254 it meets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

NO_DWELLINGS = frozenset({"C", "CR", "Z", "RD01", "RD07", "RD10"})
"""Classes that are no candidates: commercial, objects of interest, caravans, boats, holiday caravans."""
WHOLE_HOUSES = frozenset({"RD", "RD02", "RD03", "RD04", "X"})
HMO_BUILDINGS = frozenset({"RH", "RH01", "RH03"})
ROOM = "RH02"
SELF_CONTAINED_FLAT = "RD06"
SHELL = "PP"
CARE_HOME = "RI01"
BLOCK_OF_FLATS = 3
"""Self-contained flats from which on a purpose-built block is outside mandatory licensing (SI 2018/221 art. 4)."""
ROOM_WORDS = r"^\s*(?:ROOM|RM|BEDSIT)\b"


def places(properties: pd.DataFrame) -> pd.DataFrame:
    """Candidates of the spine with the form of each.

    `properties` has the columns of `PROPERTY`. Returns one row a candidate, indexed by `uprn`, with `building_uprn`
    (the building of a room, else the property itself), `parent_uprn`, `form` (see `rules.FORMS`), `storeys` (of the
    HMO itself, which for a flat is known only where the whole building has fewer than three), `controller`
    (`regulated` for care homes, else `unknown`), `ward_code` and `ward_name`.
    """
    kind = properties["blpu_class"].fillna("")
    rows = properties[~kind.isin(NO_DWELLINGS)].drop_duplicates("uprn").set_index("uprn")
    kind = rows["blpu_class"].fillna("")
    parent = rows["parent_uprn"].where(rows["parent_uprn"].isin(rows.index))
    named_room = rows["address"].fillna("").str.upper().str.match(ROOM_WORDS)
    room = ((kind == ROOM) | ((kind != SELF_CONTAINED_FLAT) & named_room)).to_numpy()
    in_building = room & parent.notna().to_numpy()
    has_rooms = rows.index.isin(parent[in_building])
    form = _form(kind, rows["units_in_building"], room, has_rooms)
    storeys = rows["storeys"].astype("Int64")
    flat = np.char.startswith(form.astype(str), "flat")
    return pd.DataFrame(
        {
            "building_uprn": np.where(in_building, parent, rows.index),
            "parent_uprn": parent,
            "form": form,
            "storeys": storeys.where(~flat | (storeys < 3).fillna(value=False)),
            "controller": np.where(kind == CARE_HOME, "regulated", "unknown"),
            "ward_code": rows["ward_code"],
            "ward_name": rows["ward_name"],
        },
        index=rows.index,
    )


def _form(
    kind: pd.Series[str], units: pd.Series[int], room: npt.NDArray[np.bool_], has_rooms: npt.NDArray[np.bool_]
) -> npt.NDArray[np.object_]:
    """The form by class and number of units; a class that contradicts the units is `unknown`."""
    count = units.to_numpy(dtype=float, na_value=np.nan)
    alone = ~(count > 1)
    flat = (kind == SELF_CONTAINED_FLAT).to_numpy()
    return np.select(
        [
            room,
            kind.isin(HMO_BUILDINGS).to_numpy() | has_rooms,
            flat & (count < BLOCK_OF_FLATS),
            flat,
            (kind == SHELL).to_numpy(),
            kind.isin(WHOLE_HOUSES).to_numpy() & alone,
        ],
        ["room", "bedsits", "flat", "flat_unknown", "section_257", "house"],
        "unknown",
    ).astype(object)
