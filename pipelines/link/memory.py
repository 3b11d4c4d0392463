"""What was decided about addresses last night, so that the same question is not asked twice of the same gazetteer.

The table `address_link` holds the verdict on each distinct address by a hash of what the cascade reads of it, without
its text. It holds for one gazetteer, one version of the code and one model; when one of them changes, nothing is
recalled.

The answer of a night with a memory is that of a night without. An address that is found by equal keys is judged by
itself. One that the pair model judges is not: how much of what records name is in the gazetteer shifts them all. So
those are recalled together, and only while the same are left to the model and the area is as it was.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.hashing import hash_files, hash_rows
from pipelines.core.tables import ADDRESS_LINK
from pipelines.governance import access, stages
from pipelines.link import cascade, pair_model
from pipelines.link.pairs import Scorer
from pipelines.link.places import ASIDE_KINDS
from pipelines.link.records import BESIDE_CANONICAL
from pipelines.link.spine import Spine
from pipelines.link.verdicts import COLUMNS
from pipelines.link.vocabulary import LinkReason, LinkStage

TABLE = "address_link"
KEY = ["canonical", "postcode", *BESIDE_CANONICAL]
VERDICT = [*COLUMNS, "stage", "area"]
NOTHING = pd.DataFrame(columns=VERDICT, index=pd.Index([], dtype=np.int64))


def version(borough: str) -> str:
    """A hash of what verdicts on addresses rest on beside the addresses: gazetteer, code and model."""
    return stages.input_hash(stages.drops_behind([borough], ["gazetteer"]), model_version())


def model_version() -> str:
    """A hash of the pair model's files."""
    return hash_files([pair_model.MODEL, pair_model.CARD])


def recall(borough: str, made_from: str) -> pd.DataFrame:
    """Verdicts of the borough's addresses that rest on the same (`version`), by the address's key."""
    rows: pd.DataFrame = access.read_table(TABLE, ADDRESS_LINK, boroughs=[borough]).to_pandas()
    return rows.loc[rows["made_from"] == made_from].set_index("address")[VERDICT]


def keep(borough: str, made_from: str, verdicts: pd.DataFrame) -> None:
    """Write the verdicts on tonight's addresses in the place of last night's.

    Args:
        borough: Its slug.
        made_from: What they rest on (`version`).
        verdicts: what `decide` said of them.
    """
    made = verdicts.reindex(columns=[*VERDICT, "address"]).assign(borough=borough, made_from=made_from)
    made = made.sort_values("address")[ADDRESS_LINK.names]
    table = pa.Table.from_pandas(made, schema=ADDRESS_LINK, preserve_index=False)
    access.write_table(TABLE, table, borough=borough, made_from={"input": made_from})


def keys(addresses: pd.DataFrame) -> pd.Series[int]:
    """A hash of what tells one address from another, by the address's number."""
    return pd.Series(hash_rows(addresses[KEY], salt=TABLE), index=addresses.index)


def decide(
    addresses: pd.DataFrame, spine: Spine, scorer: Scorer, known: pd.DataFrame, area: Any = None
) -> tuple[pd.DataFrame, cascade.Notes, int]:
    """Verdicts on addresses, those that are known recalled: what `cascade.decide` says of them all.

    Args:
        addresses: as `cascade.decide` takes them.
        spine: the gazetteer.
        scorer: how likely a pair is.
        known: what `recall` found.
        area: what all addresses say of the area, as `cascade.decide` takes it after the scorer; its text tells one from
            another.

    Returns:
        Verdicts with the columns stage, area and address (its key) in the order of the addresses, the notes on those
        that were asked about, and how many addresses were recalled.
    """
    told = () if area is None else (area,)
    said = "" if area is None else str(area)
    key = keys(addresses)
    found = key.isin(known.index).to_numpy()
    old = known.loc[key[found]].set_axis(key.index[found])
    likened = known.loc[_by_likeness(known)]
    changed = not likened.index.isin(key).all() or (likened["area"] != said).any()
    if len(old) and (changed or _any_by_likeness(addresses.loc[~found], spine)):
        old = old.loc[~_by_likeness(old)]
    made, notes = cascade.decide(addresses.loc[~addresses.index.isin(old.index)], spine, scorer, *told)
    every = pd.concat([made, old]) if len(made) and len(old) else made if len(made) else old
    return every.reindex(addresses.index).assign(area=said, address=key), notes, len(old)


def _by_likeness(verdicts: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which verdicts the pair model may have had a part in."""
    lost = (verdicts["stage"] == str(LinkStage.ABSTAIN)) & (verdicts["reason"] != str(LinkReason.NO_ADDRESS))
    return np.asarray((verdicts["stage"] == str(LinkStage.PAIRS)) | lost)


def _any_by_likeness(addresses: pd.DataFrame, spine: Spine) -> bool:
    """Whether one of these addresses may have to be judged by the pair model."""
    aside = addresses["kind"].isin(ASIDE_KINDS)
    return len(addresses) > 0 and bool(aside.any() or len(cascade.left_open(addresses, spine)))
