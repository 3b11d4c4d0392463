"""Layouts that nobody has described yet: the drops held for them, and what the night proposed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.extracts import IntakeFiles
from pipelines.onboard.held import FOR_ITS_LAYOUT, PROPOSAL
from pipelines.publish.background import in_words
from schemas import registry


@dataclass(frozen=True)
class Column:
    """One column of a file: its heading, what it is taken for, how sure that is and why. `field` is empty for none."""

    heading: str
    field: str
    becomes: str
    sure: bool
    sureness: str
    evidence: str


@dataclass(frozen=True)
class Proposed:
    """What the night proposed for one drop. `made_from` tells a proposal from the next one of the same drop."""

    drop: Drop
    made_from: str
    dataset: str
    columns: list[Column]
    changes: list[str]
    questions: list[dict[str, Any]] = field(default_factory=list)

    @property
    def doubtful(self) -> int:
        """Columns that a person should look at."""
        return sum(not column.sure for column in self.columns)


def waiting(session: Session, borough: str) -> list[Drop]:
    """Drops of a borough that are held for their layout, the longest first."""
    query = sa.select(Drop).where(
        Drop.borough == borough, Drop.status == DropStatus.HELD.value, Drop.reason.in_(FOR_ITS_LAYOUT)
    )
    return list(session.scalars(query.order_by(Drop.received_at, Drop.id)))


def proposed(drop: Drop) -> Proposed:
    """What the night proposed for a drop; without columns where it proposed nothing, or has not yet."""
    files = IntakeFiles(drop.id)
    found: dict[str, Any] = {}
    if files.folder.exists(PROPOSAL):
        with files.folder.read(PROPOSAL) as handle:
            found = json.loads(handle.read())
    dataset = found.get("dataset") or drop.dataset
    contract = registry.contracts().get(dataset)
    titles = {one.name: one.title for one in contract.fields} if contract else {}
    return Proposed(
        drop,
        str(found.get("made_from") or ""),
        dataset,
        [_column(one, titles) for one in found.get("columns") or []],
        list(found.get("changes") or []),
        [one for one in found.get("questions") or [] if one["kind"] in ("constant", "code", "dates")],
    )


def _column(one: dict[str, Any], titles: dict[str, str]) -> Column:
    name, confidence = one.get("field") or "", float(one.get("confidence") or 0.0)
    return Column(
        str(one["column"]),
        name,
        titles.get(name, name) if name else "not used",
        bool(one.get("sure")),
        in_words(confidence),
        str(one.get("evidence") or ""),
    )
