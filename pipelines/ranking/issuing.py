"""The stage: from scores and licensing to an issued list, in one transaction."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from pipelines.core import clock, lake_use
from pipelines.core.hashing import hash_of, hash_rows
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import as_kept
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.ledger.settled import excluded, settled
from pipelines.core.settings import settings
from pipelines.core.tables import LICENSING, PROPERTY, SCORE
from pipelines.core.types import StageResult
from pipelines.governance import access, reads, stages
from pipelines.ranking import control, landlords, stability
from schemas import registry

STAGE = "rank"
STATUS_WORDS = {
    "wrong_type": "licence of the wrong type",
    "expired": "licence expired",
    "none": "no licence found",
}
"""The states in which a property is without the licence it may need; every other one keeps it off the list."""
REASONS = 3
PLACE = ("uprn", "parent_uprn", "address", "postcode", "ward_code", "ward_name", "easting", "northing")
LONGEST = {"ward": 80, "licence_needed": 20, "licence_status": 40}


def rank(borough: str, as_of: date) -> StageResult:
    """Issue the list of a borough for a day, with a new version number, if what it is made from changed.

    A property is listed if the rules do not find it outside licensing and the register shows no licence, effective
    application or exemption; the order is by the model's probability that it is an HMO. What is known and what is
    guessed stay apart: probability, licence needed, licence status. Equal probabilities are put in order by a seeded
    hash of the UPRN. A building stands once: its rooms are left out where it is listed itself. What officers' visits
    have settled, or an override in force excludes, is left off with its building. Some places go to candidates drawn
    at random, see `control`.
    """
    capacity = registry.borough(borough).capacity or settings().capacity
    found = _candidates(borough, as_of)
    if found is None:
        return StageResult(
            STAGE, borough, "skipped", f"{borough} has no scores or no licensing for {as_of}: make them first."
        )
    candidates, words = found
    seed = int(hash_of([borough, as_of])[:8], 16) >> 1
    listed, frame = _with_control(_ordered(candidates, seed), capacity, seed)
    entries = _entries(landlords.beside(borough, listed, as_of), _told(listed, words))
    models = sorted(set(listed["model_id"]))
    made_from = stages.input_hash(as_of, capacity, settings().list_length, seed, models, entries)
    earlier = stability.before(borough, as_of)
    counts = {
        "capacity": capacity,
        "controls": sum((entry["control_slot"] or capacity + 1) <= capacity for entry in entries),
        **stability.figures(earlier, _of_model(entries), capacity),
    }
    reads.flush()
    issued = _issue(borough, as_of, capacity, seed, made_from, entries, models, frame, counts)
    if issued is None:
        return StageResult(
            STAGE, borough, "unchanged", f"The list of {borough} for {as_of} was issued from these inputs."
        )
    lake_use.kept_was_written(as_kept(issued))
    sentence = (
        f"List {issued.id} holds {issued.rows} properties; its first {min(capacity, issued.rows)} are expected to be "
        f"{issued.expected_hits:.1f} HMOs."
    )
    if "stayed" in counts:
        sentence += f" {counts['stayed']:.0%} of the visits are those of the list before."
    return StageResult(STAGE, borough, "made", sentence, {name: float(value) for name, value in counts.items()})


def _candidates(borough: str, as_of: date) -> tuple[pd.DataFrame, pa.Table] | None:
    """Scored properties without the licence they may need, and the words that their column `row` points into.

    None where nothing was scored or assessed for the day.
    """
    score = _of_day(access.read_table("score", SCORE, boroughs=[borough]), as_of)
    licensing = _of_day(access.read_table("licensing", LICENSING, boroughs=[borough]), as_of)
    if not len(score) or not len(licensing):
        return None
    licensing = _open(borough, licensing)
    without = pc.and_(
        pc.and_(pc.is_in(licensing["status"], pa.array(list(STATUS_WORDS))), pc.not_equal(licensing["needed"], "none")),
        pc.is_null(licensing["excluded_why"]),
    )
    licensing = licensing.filter(without).drop_columns(["borough", "as_of"])
    places = access.read_table("property", PROPERTY, boroughs=[borough])
    places = places.select([*PLACE])
    score = score.filter(pc.is_valid(score["probability"])).drop_columns(["borough", "as_of"])
    score = score.append_column("row", pa.array(range(len(score)), pa.int64()))
    rows = score.drop_columns(["reasons", "facts"]).to_pandas().merge(licensing.to_pandas(), on="uprn")
    return rows.merge(places.to_pandas(), on="uprn"), score.select(["reasons", "facts"])


def _open(borough: str, licensing: pa.Table) -> pa.Table:
    """Rows of `licensing` without the buildings that officers have settled or excluded, by themselves or by a room."""
    today = clock.today()
    with transaction() as session:
        off = settled(session, borough, today, settings().revisit_days) | excluded(session, borough, today)
    if not off:
        return licensing
    uprns = pa.array(sorted(off), pa.string())
    building = pc.coalesce(licensing["building_uprn"], licensing["uprn"])
    closed = pa.chunked_array([pc.unique(building.filter(pc.is_in(licensing["uprn"], uprns))), uprns])
    return licensing.filter(pc.invert(pc.is_in(building, closed.combine_chunks())))


def _told(listed: pd.DataFrame, words: pa.Table) -> list[list[str]]:
    """What is told of each entry: its reasons, and of one that was drawn at random facts where those are too few."""
    own = words.take(pa.array(listed["row"].to_numpy())).to_pydict()
    drawn = listed["control_slot"].notna()
    return [
        [str(word) for word in [*(reasons or []), *((facts or []) if control else [])][:REASONS]]
        for reasons, facts, control in zip(own["reasons"], own["facts"], drawn, strict=True)
    ]


def _of_day(table: pa.Table, as_of: date) -> pa.Table:
    return table.filter(pc.equal(table["as_of"], pa.scalar(as_of, pa.date32())))


def _ordered(candidates: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Each building once, the likeliest first, ties in the order of a seeded hash."""
    tie = hash_rows(candidates[["uprn"]], salt=f"tie-{seed}")
    rows = candidates.assign(tie=tie, is_room=candidates["uprn"] != candidates["building_uprn"])
    # The building itself first, else its likeliest room.
    order = ["is_room", "probability", "tie", "uprn"]
    once = rows.sort_values(order, ascending=[True, False, True, True]).drop_duplicates("building_uprn")
    ranked = once.sort_values(["probability", "tie", "uprn"], ascending=[False, True, True])
    return ranked.drop(columns=["tie", "is_room"]).reset_index(drop=True)


def _with_control(ranked: pd.DataFrame, capacity: int, seed: int) -> tuple[pd.DataFrame, int | None]:
    """The list with its control slice, cut at its length, and how many were drawn from; None where none were drawn."""
    length = capacity * settings().list_length
    drawn = control.draw(ranked["uprn"], capacity, length, settings().control_share, seed)
    slots = pd.Series(drawn.slots, index=drawn.drawn).reindex(ranked.index).astype("Int64")
    inclusion = pd.Series(drawn.inclusion, index=drawn.drawn).reindex(ranked.index)
    marked = ranked.assign(control_slot=slots, control_inclusion=inclusion)
    listed = marked.iloc[control.arranged(len(ranked), drawn, length)].reset_index(drop=True)
    return listed, len(ranked) if len(drawn.slots) else None


def _of_model(entries: list[dict[str, Any]]) -> pd.DataFrame:
    chosen = [(entry["uprn"], entry["rank"]) for entry in entries if entry["control_slot"] is None]
    return pd.DataFrame(chosen, columns=["uprn", "rank"])


def _issue(
    borough: str,
    as_of: date,
    capacity: int,
    seed: int,
    made_from: str,
    entries: list[dict[str, Any]],
    models: list[str],
    control_frame: int | None,
    counts: dict[str, Any],
) -> PublishedList | None:
    """Write the list, its entries and the stage's mark in one transaction, and add what they hold to `counts`.

    None where the day's last list was made from the same.
    """
    with transaction() as session:
        last = session.scalars(
            sa.select(PublishedList)
            .where(PublishedList.borough == borough, PublishedList.as_of == as_of)
            .order_by(PublishedList.version.desc())
            .limit(1)
        ).one_or_none()
        if last is not None and last.input_hash == made_from and last.withdrawn_at is None:
            return None
        highest = session.scalar(sa.select(sa.func.max(PublishedList.version)).where(PublishedList.borough == borough))
        version = (highest or 0) + 1
        issued = PublishedList(
            id=f"{borough}-{as_of}-v{version}",
            borough=borough,
            as_of=as_of,
            version=version,
            issued_at=clock.now(),
            model_id=models[0] if len(models) == 1 else ("several" if models else "none"),
            input_hash=made_from,
            capacity=capacity,
            rows=len(entries),
            tie_seed=seed,
            expected_hits=float(sum(entry["probability"] for entry in entries[:capacity])),
            files={},
            control_frame=control_frame,
        )
        session.add(issued)
        session.flush()
        if entries:
            session.execute(sa.insert(ListEntry), [{"list_id": issued.id, **entry} for entry in entries])
        counts |= {"rows": issued.rows, "expected_hits": issued.expected_hits, "version": issued.version}
        stages.mark(session, STAGE, borough, made_from, counts)
        return issued


def _entries(listed: pd.DataFrame, reasons: list[list[str]]) -> list[dict[str, Any]]:
    """The entries as the ledger keeps them, in the order of the list; at most capacity times the list's length."""
    address, postcode = listed["address"].fillna(""), listed["postcode"].fillna("")
    why = listed["needed_why"].fillna("") + " " + listed["status_why"].fillna("")
    missing = listed["missing"].fillna("")
    why = why.where(missing == "", why + " Not yet known: " + missing + ".")
    ward = listed["ward_name"].fillna(listed["ward_code"])
    columns = {
        "uprn": listed["uprn"],
        "address": [_with_postcode(text, code) for text, code in zip(address, postcode, strict=True)],
        "ward": [None if pd.isna(name) else str(name)[: LONGEST["ward"]] for name in ward],
        "probability": listed["probability"].astype(float),
        "reasons": reasons,
        "licence_needed": listed["needed"].str.slice(0, LONGEST["licence_needed"]),
        "licence_status": listed["status"].map(STATUS_WORDS).str.slice(0, LONGEST["licence_status"]),
        "licence_why": why.str.strip(),
        "control_slot": [None if pd.isna(slot) else int(slot) for slot in listed["control_slot"]],
        **{
            name: [None if pd.isna(number) else float(number) for number in listed[name]]
            for name in ("control_inclusion", "easting", "northing")
        },
        **{
            name: [None if pd.isna(text) else str(text) for text in listed[name]]
            for name in ("landlord_id", "landlord_name")
        },
    }
    rows = zip(*columns.values(), strict=True)
    return [{"rank": rank, **dict(zip(columns, row, strict=True))} for rank, row in enumerate(rows, start=1)]


def _with_postcode(address: str, postcode: str) -> str:
    """The address with its postcode, once."""
    return address if not postcode or address.upper().endswith(postcode.upper()) else f"{address}, {postcode}"
