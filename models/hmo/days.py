"""Dates as day numbers, so that evidence can be cut and counted with plain integer arrays."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.learning.arrays import Floats, Ints, Mask, Numbers, Texts

__all__ = [
    "EPOCH",
    "NEVER",
    "Floats",
    "Ints",
    "Mask",
    "Numbers",
    "Texts",
    "day_number",
    "day_of",
    "days_column",
    "event_days",
]

NEVER = 2**31
"""The day number of a missing date: an event that has not happened, a liability that has not ended."""

EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1 January 1970."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """The date of a day number."""
    return EPOCH + timedelta(days=int(number))


def days_column(column: pa.ChunkedArray) -> Ints:
    """Dates as day numbers, a missing one as `NEVER`."""
    numbers = pc.fill_null(column.cast(pa.int32()).cast(pa.int64()), NEVER)
    return np.asarray(numbers.to_numpy(), dtype=np.int64)


def event_days(events: pa.ChunkedArray, known: pa.ChunkedArray) -> Ints:
    """Days of events; one without a date counts from the day on which it was known."""
    days, known_days = days_column(events), days_column(known)
    return np.where(days == NEVER, known_days, days)
