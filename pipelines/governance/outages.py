"""When the bucket could not be reached: nobody is late for days on which nobody could send.

A night that cannot list the bucket says so in a sentence and notes the day; the first one that can notes that it is
back. What was due in between is waited for so much longer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from pipelines.core import clock, outside
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import StageState

STAGE = "bucket away"
LONDON = "london"
KEPT = 20


@dataclass(frozen=True)
class Outage:
    """The day of the first night that could not reach the bucket, and of the next that could; None: none has yet."""

    first: date
    back: date | None

    def days(self, since: date, today: date) -> int:
        """How many of its days lie after a day."""
        return max(0, ((self.back or today) - max(self.first, since)).days)


@contextmanager
def noted() -> Iterator[None]:
    """Around what asks the bucket: note in the ledger that it is away, or back; what was raised is raised again."""
    try:
        yield
    except Exception as error:
        if isinstance(error, outside.Outside) or outside.sentence_of(error) is not None:
            with suppress(sa.exc.SQLAlchemyError):  # the bucket's fault is told, not that of a ledger beside it
                _note(away=True)
        raise
    _note(away=False)


def known() -> tuple[Outage, ...]:
    """The outages on record, the oldest first."""
    with transaction() as session:
        return _read(session.get(StageState, (STAGE, LONDON)))


def waited_until(late_from: date, due: date, outages: Sequence[Outage], today: date) -> date:
    """The first day on which an extract is late, put off by the days since it was due on which the bucket was away."""
    for outage in outages:
        if outage.first < late_from:
            late_from += timedelta(days=outage.days(due, today))
    return late_from


def _read(state: StageState | None) -> tuple[Outage, ...]:
    found = state.summary["outages"] if state is not None else []
    return tuple(Outage(date.fromisoformat(a), date.fromisoformat(b) if b else None) for a, b in found)


def _note(*, away: bool) -> None:
    today = clock.today()
    with transaction() as session:
        before = _read(session.get(StageState, (STAGE, LONDON)))
        is_away = bool(before) and before[-1].back is None
        if is_away == away:
            return
        now = (*before, Outage(today, None)) if away else (*before[:-1], Outage(before[-1].first, today))
        rows = [[one.first.isoformat(), one.back.isoformat() if one.back else None] for one in now[-KEPT:]]
        session.merge(
            StageState(stage=STAGE, borough=LONDON, input_hash="", made_at=clock.now(), summary={"outages": rows})
        )
