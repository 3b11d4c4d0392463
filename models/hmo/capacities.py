"""How many visits a borough can make from one list."""

from __future__ import annotations

from pipelines.core.settings import settings
from schemas import registry


def capacity_of(borough: str) -> int:
    """The borough's own number, or the setting."""
    known = registry.boroughs().get(borough)
    return (known.capacity if known else None) or settings().capacity
