"""Which days and which boroughs a model learns from, and which it is tried on."""

from __future__ import annotations

from datetime import date, timedelta

from models.learning.folds import FOLDS, folds

__all__ = ["FOLDS", "STEPS", "STEP_DAYS", "folds", "history"]

STEP_DAYS = 182
STEPS = 4


def history(as_of: date) -> list[date]:
    """As-of dates that training looks back to, oldest first.

    For 1 October 2026: 3 October 2024, 3 April 2025, 2 October 2025, 2 April 2026. A label that
    became known on 1 December 2025 trains on what was known on 2 October 2025.
    """
    return [as_of - timedelta(days=STEP_DAYS * step) for step in range(STEPS, 0, -1)]
