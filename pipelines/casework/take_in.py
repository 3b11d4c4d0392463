"""The night's stage: what officers recorded becomes rows of the dataset `inspection`, beside the borough's extracts.

The rows are a snapshot of the outcomes that stand, under a source of their own, which no mapping may name; each run
replaces it, so that corrections and erasures flow by themselves. Nothing else of an outcome reaches the lake: no note,
no officer, no method.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from pipelines.casework.words import SETTLES, Found, Method
from pipelines.core import clock
from pipelines.core.hashing import code_version, hash_of, hash_rows
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood, ListEntry
from pipelines.core.ledger.officers import Outcome
from pipelines.core.tables import PROPERTY
from pipelines.core.types import StageResult
from pipelines.governance import access, stages
from schemas import registry
from schemas.mapping import REVIEW

STAGE = "outcomes"
DATASET = "inspection"
SPINE = pa.schema([PROPERTY.field(name) for name in ("uprn", "address", "postcode")])
NO_ROW = (Found.WRONG_ADDRESS,)
"""A visit to a wrong address was none to this property, and nobody knows to which."""

LONGEST_ADDRESS = 300


def boroughs_with_outcomes() -> list[str]:
    """Boroughs whose officers recorded outcomes, or of whose outcomes rows are in the lake."""
    with transaction() as session:
        recorded = set(session.scalars(sa.select(Outcome.borough).distinct()))
        taken = sa.select(LastGood.borough).where(LastGood.dataset == DATASET, LastGood.source == REVIEW)
        return sorted(recorded | set(session.scalars(taken)))


def take_in(borough: str) -> StageResult:
    """Replace the borough's rows of `inspection` that come from officers' records by the outcomes that stand now.

    Nothing is done where no agreement in force covers the borough's inspections, or where the rows are those of last
    time. Counts: `rows`, and `left_out` of the outcomes that stand (wrong addresses and desk checks).
    """
    refusal = access.refusal(borough, DATASET, "hmo_detection")
    if refusal is not None:
        return StageResult(STAGE, borough, "skipped", f"{refusal} So what officers recorded is not used.")
    outcomes = _standing(borough)
    rows = _rows(borough, outcomes[_makes_a_row(outcomes)])
    scope = registry.cover(borough, DATASET, None, clock.today()).scope()
    made_from = hash_of([registry.contract(DATASET).hash, scope, _digest(rows)])
    key = (borough, DATASET, REVIEW)
    with transaction() as session:
        there = session.get(LastGood, key) is not None
    if not rows.num_rows and not there:
        return StageResult(STAGE, borough, "unchanged", f"Officers of {borough} recorded no visit yet.")
    if stages.is_done(STAGE, borough, made_from) and there == bool(rows.num_rows):
        return StageResult(STAGE, borough, "unchanged", f"What officers of {borough} recorded is in the lake.")
    hashes = {"outcomes": made_from, "code": code_version()}
    version = access.write_dataset(DATASET, rows, borough=borough, source=REVIEW, made_from=hashes)
    _stand_on(borough, rows, version)
    counts = {"rows": rows.num_rows, "left_out": len(outcomes) - rows.num_rows}
    stages.mark_done(STAGE, borough, made_from, counts)
    sentence = f"{rows.num_rows:,} visits that officers recorded are in the lake."
    return StageResult(STAGE, borough, "made", sentence, {name: float(count) for name, count in counts.items()})


def training_is_due() -> bool:
    """Whether outcomes came into the lake since the newest model was trained, so that it could not learn from them."""
    from pipelines.core.ledger.models import ModelVersion

    mine = sa.and_(LastGood.dataset == DATASET, LastGood.source == REVIEW)
    with transaction() as session:
        newest = session.scalar(sa.select(sa.func.max(ModelVersion.trained_at)))
        query = sa.select(LastGood.published_at).where(mine).order_by(LastGood.published_at.desc()).limit(1)
        came = session.scalar(query)
    return came is not None and (newest is None or came >= newest)


def _standing(borough: str) -> pd.DataFrame:
    """Outcomes of a borough that stand, by number, with `drawn` where a random draw put the property on the list."""
    columns = ("number", "uprn", "address", "list_id", "found", "visited_on", "method", "recorded_at")
    entry = sa.and_(ListEntry.list_id == Outcome.list_id, ListEntry.uprn == Outcome.uprn)
    query = (
        sa.select(*(getattr(Outcome, name) for name in columns), ListEntry.control_slot.is_not(None))
        .join(ListEntry, entry, isouter=True)
        .where(Outcome.borough == borough, Outcome.superseded_at.is_(None))
        .order_by(Outcome.number)
    )
    with transaction() as session:
        found = [tuple(row) for row in session.execute(query)]
    return pd.DataFrame(found, columns=[*columns, "drawn"])


def _makes_a_row(outcomes: pd.DataFrame) -> pd.Series[bool]:
    """Which are visits, one row each as the contract has it: nobody went there for a desk check."""
    return ~outcomes["found"].isin(NO_ROW) & (outcomes["method"] != Method.DESK)


def _rows(borough: str, outcomes: pd.DataFrame) -> pa.Table:
    """The outcomes as the contract `inspection` has visits.

    `known_since` is the day on which it was recorded here, since until then nobody else could know; so a correction
    counts from its own day. `visit_reason` is the list's where one led there, and stays empty where none did: nobody
    said why, and "programme" would claim that no complaint had led there. An entry that was deleted since with its
    list counts as the list's choice, which is true of those drawn at random as well.
    """
    spine = access.read_table("property", SPINE, boroughs=[borough])
    spine = spine.filter(pa.compute.is_in(spine["uprn"], pa.array(outcomes["uprn"], pa.string()))).to_pandas()
    placed = outcomes.merge(spine, on="uprn", how="left", suffixes=("_recorded", ""))
    answered = placed["found"].isin([str(code) for code in SETTLES])
    reason = np.where(placed["drawn"].eq(True), "control", "list")
    columns: dict[str, Any] = {
        "borough": borough,
        "source": REVIEW,
        "drop_id": f"{borough}-{DATASET}-{REVIEW}",
        "row_number": placed["number"],
        "inspection_ref": "REVIEW-" + placed["number"].astype(str),
        "address": placed["address"].fillna(placed["address_recorded"]).str.slice(0, LONGEST_ADDRESS),
        "postcode": placed["postcode"].where(placed["postcode"].fillna("") != ""),
        "uprn": placed["uprn"],
        "visit_date": placed["visited_on"],
        "visit_reason": pd.Series(reason, index=placed.index).where(placed["list_id"].notna()),
        "access": np.where(placed["found"] == Found.NO_ACCESS, "no_access", "gained"),
        "finding": placed["found"].where(answered),
        "known_since": _days(placed),
    }
    frame = pd.DataFrame(columns, index=placed.index)
    # The number that harmonising would give to a record with this key of this source.
    frame["record_id"] = hash_rows(frame[["inspection_ref"]], salt=f"{borough}|{DATASET}|{REVIEW}")
    schema = registry.contract(DATASET).arrow_schema()
    return pa.Table.from_pandas(frame.reindex(columns=schema.names), schema=schema, preserve_index=False)


def _days(placed: pd.DataFrame) -> pd.Series[Any]:
    """The day on which each was recorded; never before the visit, should clocks differ."""
    recorded = pd.to_datetime(placed["recorded_at"], utc=True).dt.tz_localize(None).dt.normalize()
    visited = pd.to_datetime(placed["visited_on"])
    return recorded.where(recorded >= visited, visited).dt.date


def _digest(rows: pa.Table) -> str:
    """A hash of the rows as they are. Not of the code: what another version makes the same is not made again."""
    return hashlib.sha256(hash_rows(rows.to_pandas(), salt=STAGE).tobytes()).hexdigest()


def _stand_on(borough: str, rows: pa.Table, version: int) -> None:
    """Tell the ledger what the dataset stands on, so that later stages notice; nothing where there are no rows."""
    key = (borough, DATASET, REVIEW)
    with transaction() as session:
        before = session.get(LastGood, key)
        if not rows.num_rows:
            if before is not None:
                session.delete(before)
            return
        session.merge(
            LastGood(
                borough=borough,
                dataset=DATASET,
                source=REVIEW,
                drop_id=f"{borough}-{DATASET}-{REVIEW}",
                extract_date=pa.compute.max(rows["known_since"]).as_py(),
                rows=rows.num_rows,
                lake_version=version,
                published_at=clock.now(),
            )
        )
