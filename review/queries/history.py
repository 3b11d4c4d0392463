"""What is told of a home in the order of time, be it on a list or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.core.ledger.officers import Outcome


def standing(outcomes: Sequence[Outcome]) -> Outcome | None:
    """Of outcomes, the newest first, the newest that holds."""
    return next((outcome for outcome in outcomes if outcome.superseded_at is None), None)


def timeline(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Records, licences and applications of a dossier, or of what stands for one, together, the newest first."""
    kinds = ("records", "licences", "applications")
    found = [item | {"kind_of": kind} for kind in kinds for item in told.get(kind, [])]
    return sorted(found, key=lambda item: item["date"] or "", reverse=True)
