"""Whether every borough's list is out by the hour that was promised, from the ledger alone.

Airflow's own DeadlineAlert is not used: it is experimental, its callbacks need a triggerer to be running, and it counts
from a DAG run, while a list that nobody began has none. This asks what stands, at a fixed hour, with or without
Airflow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import newest_list, taken_down
from pipelines.core.ledger.models import Drop, DropStatus, LastGood, ModelVersion, StageState
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.observe import alerts
from pipelines.observe.alerts import LONDON, Mail, Send

ZONE = ZoneInfo("Europe/London")
UNDER_WAY = (DropStatus.RECEIVED.value, DropStatus.HARMONISED.value, DropStatus.GATED.value)
BEHIND_A_LIST = ("features", "score", "licensing", "rank")


@dataclass(frozen=True)
class Late:
    """One borough whose list is not out, and what is missing."""

    borough: str
    sentence: str


def deadline(now: datetime) -> datetime:
    """The moment of that day, London time, by which lists are to be out."""
    hour, minute = (int(part) for part in settings().lists_due.split(":"))
    return now.astimezone(ZONE).replace(hour=hour, minute=minute, second=0, microsecond=0)


def minutes_late(now: datetime) -> float:
    """Minutes since the deadline of that day; 0 before it."""
    return max(0.0, (now - deadline(now)).total_seconds() / 60)


def not_out() -> list[Late]:
    """Boroughs with a gazetteer in the lake whose list does not stand on what came in last, in order.

    A list that was taken down because it may not be used is not waited for. Before a champion there are no lists.
    """
    with transaction() as session:
        if session.scalar(sa.select(ModelVersion.id).where(ModelVersion.status == "champion")) is None:
            return []
        newest_of = sa.select(LastGood.borough, sa.func.max(LastGood.published_at)).group_by(LastGood.borough)
        arrived: dict[str, datetime] = {row[0]: row[1] for row in session.execute(newest_of)}
        standing = sorted(
            session.scalars(sa.select(LastGood.borough).where(LastGood.dataset == "gazetteer").distinct())
        )
        waiting = set(session.scalars(sa.select(Drop.borough).where(Drop.status.in_(UNDER_WAY)).distinct()))
        states = session.scalars(sa.select(StageState).where(StageState.borough.in_(standing))).all()
        found = []
        for borough in standing:
            if taken_down(session, borough) is not None:
                continue
            made = {state.stage: state.made_at for state in states if state.borough == borough}
            newest = newest_list(session, borough)
            out = newest is not None and newest.published_at is not None
            sentence = _why(made, arrived[borough], issued=newest is not None, out=out, waits=borough in waiting)
            if sentence:
                found.append(Late(borough, f"{borough}: {sentence}"))
    return found


def _why(made: Mapping[str, datetime], arrived: datetime, *, issued: bool, out: bool, waits: bool) -> str:
    """What is missing, earliest first; empty where nothing is. A stage takes its mark away before it works again."""
    missing = [stage for stage in BEHIND_A_LIST if stage not in made]
    if waits:
        return "an extract that arrived has not been taken in whole; it stays at its last good state."
    if "link" not in made or made["link"] < arrived:
        return "its newest extract is not linked yet, so its list is that of before."
    if missing:
        return f"{missing[0]} is not done since its inputs changed, so its list is that of before."
    if not issued:
        return "no list has been issued yet."
    return "" if out else "its list is issued and not published yet."


def tell_late(send: Send) -> StageResult:
    """At the deadline: which lists are not out, in one mail to the engineers a day. Counts: `late`.

    Before the deadline nothing is late and nobody is mailed.

    Raises:
        ConfigurationError: the settings of mail are faulty.
        MailNotSent: the mail server did not take it.
    """
    now = clock.now()
    if now < deadline(now):
        return StageResult("tell_late", LONDON, "skipped", f"Lists are due by {settings().lists_due}, London time.")
    late = not_out()
    counts = {"late": float(len(late))}
    if not late:
        return StageResult("tell_late", LONDON, "unchanged", "Every borough's list is out.", counts)
    sentence = f"{len(late)} lists are not out by {settings().lists_due}: {', '.join(one.borough for one in late)}"
    text = "\n".join([f"By {settings().lists_due}, London time, these lists are not out:", "", *_lines(late)])
    if alerts.is_on() and alerts.engineers():
        mail = Mail(alerts.engineers(), f"LODA: {len(late)} lists are not out by {settings().lists_due}", text)
        alerts.once(f"late {deadline(now):%Y-%m-%d}", LONDON, mail, send)
    return StageResult("tell_late", LONDON, "made", sentence, counts)


def _lines(late: list[Late]) -> list[str]:
    return [f"- {one.sentence}" for one in late]
