"""Which records are tied to homes, or to the buildings that they are a part of, and why: one pass over a borough."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import sources
from pipelines.core.tables import LINK
from pipelines.governance import access
from schemas.agreement import Role

LINKED = pa.schema(
    [LINK.field(n) for n in ("borough", "dataset", "record_id", "uprn", "decision", "reason", "stage", "probability")]
)
WHY = ("decision", "reason", "stage", "probability")
HOME, BUILDING = "home", "building"


FEW = 200
"""Values that are looked for while files are read; more of them take longer to look for than the rows to read."""


def homes_of(uprns: Collection[str], buildings: Collection[str | None]) -> pd.DataFrame:
    """Homes as they are asked about: columns uprn and building (None where it is part of none)."""
    return pd.DataFrame({"uprn": list(uprns), "building": list(buildings)}, dtype=object)


def tied(borough: str, homes: pd.DataFrame, kinds: Collection[tuple[str, bool]]) -> pd.DataFrame:
    """Records of the kinds (dataset, and whether it is the building's that are wanted) that are tied to homes.

    Args:
        borough: its slug.
        homes: as `homes_of` makes them.
        kinds: what is wanted.

    Returns:
        Columns home (position in `homes`), dataset, record_id, of_building, and those of `WHY`. A record that is tied
        to a home and to its building is the home's.
    """
    at = np.arange(len(homes))
    places = pd.concat(
        [
            pd.DataFrame({"home": at, "uprn": homes["uprn"], "of_building": False}),
            pd.DataFrame({"home": at, "uprn": homes["building"], "of_building": True}),
        ],
        ignore_index=True,
    )
    places = places[places["uprn"].notna()]
    datasets = pa.array(sorted({dataset for dataset, _ in kinds}), pa.string())
    asked = places["uprn"].unique()
    links = access.read_table(
        "link", LINKED, boroughs=[borough], among={"uprn": asked.tolist()} if len(asked) <= FEW else None
    )
    links = sources.accepted(links.filter(pc.is_in(links["dataset"], datasets)))
    links = links.filter(pc.is_in(links["uprn"], pa.array(asked, pa.string())))
    pairs = places.merge(links.drop_columns(["borough"]).to_pandas(), on="uprn")
    wanted = pd.DataFrame(sorted(kinds), columns=["dataset", "of_building"]).astype({"of_building": bool})
    pairs = pairs.merge(wanted, on=["dataset", "of_building"]).sort_values("of_building", kind="stable")
    # A record of the home itself says more than that it is of its building as well.
    return pairs.drop(columns="uprn").drop_duplicates(["home", "dataset", "record_id"], ignore_index=True)


def link_of(pair: Mapping[Any, Any]) -> dict[str, Any]:
    """Why one of these records is tied, as plain values; None where the link stage did not say."""
    probability = pair["probability"]
    known = None if probability is None or probability != probability else float(probability)
    return {**{name: pair[name] for name in WHY}, "probability": known}


def rows_of(
    borough: str, dataset: str, columns: Sequence[str], records: npt.NDArray[np.int64], role: Role | None
) -> pa.Table:
    """The rows of a dataset of these records, in no order, with the columns as far as the role may see them."""
    few = records.tolist() if len(records) <= FEW else None
    rows = access.read_dataset(
        dataset, boroughs=[borough], purpose=sources.PURPOSE, columns=columns, role=role, records=few
    )
    return rows.filter(pc.is_in(rows["record_id"], pa.array(records, pa.int64())))
