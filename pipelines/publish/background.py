"""What a receipt tells besides the drop: what changed since the last one, what a person decided, what is proposed."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropProfile, GateDecision
from pipelines.extracts import IntakeFiles
from schemas import registry
from schemas.mapping import Mapping

PROPOSAL = "proposal.json"
HELD_FOR_ITS_LAYOUT = frozenset({"no_mapping", "layout_changed"})
SHIFT_TOLD = 0.05
"""A code's share of the rows has to change by this much to be told; smaller changes are those of any month."""
CODES_TOLD = 5
IN_WORDS = ((0.9, "sure"), (0.7, "likely"), (0.4, "unsure"), (0.0, "a guess"))


def since_last(
    drop: Drop, mapping: Mapping, findings: list[dict[str, Any]], rows_with_faults: int
) -> dict[str, Any] | None:
    """What changed since the last drop of the same source that was read; None where there was none."""
    with transaction() as session:
        last = _last_read(session, drop)
        if last is None or last.receipt is None:
            return None
        profiles = {
            one.drop_id: one.profile
            for one in session.scalars(sa.select(DropProfile).where(DropProfile.drop_id.in_([drop.id, last.id])))
        }
    appeared, gone = _appeared_and_gone(findings, last.receipt.get("findings", []))
    codes = _codes(profiles.get(last.id), profiles.get(drop.id), drop.dataset, mapping)
    made = {
        "drop": last.id,
        "file": last.path,
        "extract_date": last.extract_date.isoformat(),
        "rows_in": {"before": last.rows_in, "now": drop.rows_in},
        "quarantined": {"before": _set_aside(last), "now": rows_with_faults},
        "appeared": appeared,
        "gone": gone,
        "codes": codes,
    }
    return made | {"sentences": _sentences(made)}


def _last_read(session: Session, drop: Drop) -> Drop | None:
    earlier = (
        sa.select(Drop)
        .where(
            Drop.borough == drop.borough,
            Drop.dataset == drop.dataset,
            Drop.source == drop.source,
            Drop.id != drop.id,
            Drop.received_at < drop.received_at,
            Drop.mapping_name.is_not(None),
        )
        .order_by(Drop.received_at.desc(), Drop.id.desc())
    )
    return next((found for found in session.scalars(earlier) if found.receipt is not None), None)


def _set_aside(drop: Drop) -> int:
    """Rows with a fault of their own; all rows of a held drop count as quarantined, which says nothing about them."""
    told = (drop.receipt or {}).get("rows_with_faults")
    return int(told) if told is not None else drop.quarantined


def _appeared_and_gone(
    now: list[dict[str, Any]], before: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Faults that the last drop did not have, and those that it had and this one has not; changes by us apart."""

    def by_kind(findings: list[dict[str, Any]]) -> dict[tuple[str, str | None], dict[str, Any]]:
        told = [finding for finding in findings if finding["level"] != "changed for you"]
        return {
            (one["issue"], one["column"]): {key: one[key] for key in ("issue", "column", "rows", "sentence")}
            for one in told
        }

    new, old = by_kind(now), by_kind(before)
    return [new[kind] for kind in new if kind not in old], [old[kind] for kind in old if kind not in new]


def _codes(
    before: dict[str, Any] | None, now: dict[str, Any] | None, dataset: str, mapping: Mapping
) -> list[dict[str, Any]]:
    """Codes whose share of the rows changed most, by the officer's heading."""
    if before is None or now is None:
        return []
    contract = registry.contract(dataset)
    found = []
    for name, mix in (now.get("codes") or {}).items():
        old = (before.get("codes") or {}).get(name)
        if not old or name not in contract.by_name:
            continue
        how = mapping.fields.get(name)
        heading = " + ".join(how.sources) if how and how.sources else contract.by_name[name].title
        for code in sorted({*mix, *old}):
            was, share = float(old.get(code, 0.0)), float(mix.get(code, 0.0))
            if abs(share - was) >= SHIFT_TOLD:
                found.append({"column": heading, "code": code, "before": round(was, 4), "now": round(share, 4)})
    return sorted(found, key=lambda one: -abs(one["now"] - one["before"]))[:CODES_TOLD]


def _sentences(made: dict[str, Any]) -> list[str]:
    rows, aside = made["rows_in"], made["quarantined"]
    told = [
        f"Rows in the file: {rows['before']:,} then, {rows['now']:,} now{_difference(rows)}.",
        f"Rows set aside: {aside['before']:,} then, {aside['now']:,} now{_difference(aside)}.",
    ]
    for key, word in (("appeared", "New"), ("gone", "No longer there")):
        for one in made[key]:
            where = f"'{one['column']}': " if one["column"] else ""
            told.append(f"{word}: {where}{one['sentence']} ({_rows(one['rows'])})")
    told += [
        f"'{one['column']}' is {one['code']} in {one['now']:.0%} of the rows, {one['before']:.0%} then."
        for one in made["codes"]
    ]
    return told


def _rows(number: int) -> str:
    return f"{number:,} {'row' if number == 1 else 'rows'}"


def _difference(pair: dict[str, int]) -> str:
    change = pair["now"] - pair["before"]
    if not change or not pair["before"]:
        return ""
    return f", {abs(change):,} {'more' if change > 0 else 'fewer'} ({abs(change) / pair['before']:.0%})"


def decision_on(drop: Drop) -> dict[str, Any] | None:
    """What a named person decided about a drop that was held."""
    with transaction() as session:
        found = session.get(GateDecision, drop.id)
    if found is None:
        return None
    verb = "released" if found.decision == "release" else "refused"
    return {
        "decision": found.decision,
        "who": found.who,
        "reason": found.reason,
        "at": found.decided_at.isoformat(),
        "held_for": found.held_for,
        "sentence": f"{found.who} {verb} it on {found.decided_at:%d %B %Y}: {found.reason.rstrip('.')}.",
    }


def proposal_for(drop: Drop, files: IntakeFiles) -> tuple[dict[str, Any] | None, str | None]:
    """The mapping proposed for a layout that none knows, as a receipt tells it, and its YAML; (None, None) without."""
    if drop.reason not in HELD_FOR_ITS_LAYOUT or not files.folder.exists(PROPOSAL):
        return None, None
    with files.folder.read(PROPOSAL) as handle:
        found = json.loads(handle.read())
    if not (found.get("columns") or found.get("changes")):
        return None, None  # nothing could be proposed, and nobody knows why
    contract = registry.contracts().get(found.get("dataset") or drop.dataset)
    titles = {field.name: field.title for field in contract.fields} if contract else {}
    columns = [
        {
            "column": one["column"],
            "field": one.get("field"),
            "becomes": titles.get(one.get("field") or "", one.get("field")),
            "confidence": one.get("confidence"),
            "confidence_in_words": in_words(float(one.get("confidence") or 0.0)),
            "evidence": str(one.get("evidence") or "").rstrip("."),
            "sure": bool(one.get("sure", float(one.get("confidence") or 0.0) >= IN_WORDS[0][0])),
        }
        for one in found.get("columns", [])
    ]
    told = {
        "dataset": found.get("dataset") or drop.dataset,
        "file": None,
        "columns": columns,
        "changes": list(found.get("changes") or []),
        **{key: found[key] for key in ("rows", "accepted", "quarantined") if found.get(key) is not None},
    }
    return told, found.get("yaml")


def in_words(confidence: float) -> str:
    """How sure a proposal is of a column."""
    return next(words for least, words in IN_WORDS if confidence >= least)
