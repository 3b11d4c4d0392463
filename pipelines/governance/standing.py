"""What derived tables and lists rest on, and whether they may still stand under the agreements of today."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.ledger.engine import snapshot
from pipelines.core.ledger.models import LastGood, StageState
from schemas import registry

PURPOSE = "hmo_detection"
STAGE = "agreements"
SPINE = "gazetteer"

TOLD_BY: dict[str, tuple[str, ...]] = {
    "property": ("borough",),
    "link": ("borough", "dataset"),
    "link_report": ("borough", "dataset"),
    "address_link": ("borough",),
    "landlord": ("borough", "dataset"),
    "landlord_edge": ("borough", "dataset", "other_borough", "other_dataset"),
    "matrix": ("borough",),
    "score": ("borough",),
    "licensing": ("borough",),
}
"""Tables that stages make of harmonised rows, and the columns that tell whose data a row of each rests on."""

DERIVED = tuple(TOLD_BY)
OF_NAMES = frozenset({"landlord", "landlord_edge"})
"""Tables that need no gazetteer."""
OF_MANY = frozenset({"address_link", "matrix", "score", "licensing"})
"""Tables whose every row rests on all of a borough's datasets."""

Scopes = dict[str, Any]
"""By dataset "none", "all" or the sorted fields that may be used."""


def scopes(borough: str, on: date | None = None, purpose: str | None = PURPOSE) -> Scopes:
    """What may be used of each dataset of a borough on a day (today by default)."""
    day = on or clock.today()
    return {dataset: registry.cover(borough, dataset, purpose, day).scope() for dataset in registry.contracts()}


def unbounded() -> Scopes:
    """As if everything were covered: what is assumed of a borough about which nothing was recorded."""
    return dict.fromkeys(registry.contracts(), "all")


def enforced(borough: str) -> Scopes:
    """What could be used when the agreements were last enforced on this borough's tables."""
    with snapshot() as session:
        state = session.get(StageState, (STAGE, borough))
        return unbounded() | dict(state.summary.get("scopes", {})) if state else unbounded()


def datasets_of(borough: str) -> list[str]:
    """Datasets of which a borough has rows in the lake."""
    with snapshot() as session:
        return sorted(set(session.scalars(sa.select(LastGood.dataset).where(LastGood.borough == borough))))


def lost(before: Scopes, now: Scopes, datasets: Sequence[str]) -> dict[str, list[str]]:
    """By dataset the fields that could be used and may not be any more; all of them where nothing may be used."""
    found = {}
    for dataset in datasets:
        every = registry.contract(dataset).by_name
        had, has = (_fields(part.get(dataset, "all"), every) for part in (before, now))
        if had - has:
            found[dataset] = sorted(had - has)
    return found


def _fields(scope: str | list[str], every: Mapping[str, Any]) -> set[str]:
    if scope == "none":
        return set()
    return set(every) if scope == "all" else set(scope)


def narrowed(borough: str) -> str | None:
    """Why what was made of a borough's data may not stand until it is made anew, or None."""
    before, now = enforced(borough), scopes(borough)
    if before == now:
        return None
    gone = lost(before, now, datasets_of(borough))
    if not gone:
        return None
    return f"It was made with {', '.join(sorted(gone))} of {borough}, of which an agreement no longer covers all."


def refusal(table: str, borough: str) -> str | None:
    """Why a borough's rows of a derived table may not be read, in a sentence; None where they may."""
    if table not in OF_NAMES:
        found = registry.cover(borough, SPINE, PURPOSE, clock.today()).refusal
        if found is not None:
            return found
    return narrowed(borough) if table in OF_MANY else None


def list_refusal(borough: str) -> str | None:
    """Why a borough's list may not be shown, in a sentence; None where it may."""
    return refusal("score", borough)


def what_may_stand(table: str, found: pa.Table) -> pa.Table:
    """Rows of a derived table without those that rest on data that no agreement covers."""
    if not found.num_rows:
        return found
    day = clock.today()
    for prefix in ("", "other_") if "other_borough" in TOLD_BY[table] else ("",):
        borough, dataset = f"{prefix}borough", f"{prefix}dataset"
        slugs = pc.unique(found[borough]).to_pylist()
        out = [slug for slug in slugs if refusal(table, slug) is not None]
        if out:
            found = found.filter(pc.invert(pc.is_in(found[borough], pa.array(out, pa.string()))))
        if dataset not in TOLD_BY[table]:
            continue
        for slug in slugs:
            gone = [d for d in registry.contracts() if registry.cover(slug, d, PURPOSE, day).refusal is not None]
            if gone and slug not in out:
                theirs = pc.equal(found[borough], slug)
                found = found.filter(pc.invert(pc.and_(theirs, pc.is_in(found[dataset], pa.array(gone, pa.string())))))
    return found
