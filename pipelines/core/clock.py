"""The clock. Stages ask here and nowhere else, so that a test or a backfill can say what day it is."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime


def now() -> datetime:
    """The present moment in UTC, or the one in `LODA_NOW` (ISO 8601), for rehearsals."""
    fixed = os.environ.get("LODA_NOW")
    return datetime.fromisoformat(fixed).astimezone(UTC) if fixed else datetime.now(UTC)


def today() -> date:
    """The present day in UTC."""
    return now().date()
