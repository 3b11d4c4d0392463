"""Taking a borough's lists down when what they rest on may not be used any more: never a stale list in silence."""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.settings import settings
from pipelines.governance import dossiers


def take_down(borough: str, why: str) -> list[str]:
    """Take down every list of a borough that stands, with its published files and the reason; returns their names.

    The entries stay in the ledger, unseen, until retention takes them; what stood behind them goes at once.
    """
    with transaction() as session:
        mine = sa.select(PublishedList).where(PublishedList.borough == borough, PublishedList.withdrawn_at.is_(None))
        down = session.scalars(mine).all()
    # The files first: killed in between, the list still stands in the ledger and is taken down again.
    for issued in down:
        remove_files(issued)
    if down:
        _say(borough, why)
    with transaction() as session:
        for issued in down:
            row = session.get_one(PublishedList, issued.id)
            row.withdrawn_at, row.withdrawn_why = clock.now(), why
            row.published_at, row.files = None, {}
        dossiers.forget_borough(session, borough)
    return [issued.id for issued in down]


def forget_entries(borough: str, since: datetime | None = None) -> int:
    """Delete entries, dossiers and files of a borough's lists issued since a moment; returns how many entries."""
    with transaction() as session:
        lists = session.scalars(sa.select(PublishedList).where(PublishedList.borough == borough)).all()
        rested = [issued for issued in lists if since is None or issued.issued_at >= since]
        names = [issued.id for issued in rested]
        number = session.scalar(sa.select(sa.func.count()).where(ListEntry.list_id.in_(names))) or 0
        session.execute(sa.delete(ListEntry).where(ListEntry.list_id.in_(names)))
        dossiers.forget(session, names)
    for issued in rested:
        remove_files(issued)
    return number


def remove_files(issued: PublishedList) -> None:
    """Delete the files of a list where its officers fetch it."""
    published(issued.borough).remove(f"{issued.as_of}-v{issued.version}")


def published(borough: str) -> Folder:
    """Where a borough's officers fetch its lists."""
    return Folder(f"{settings().published_url.rstrip('/')}/{borough}")


def _say(borough: str, why: str) -> None:
    """In the place of the file that names the newest list: that there is none, and why."""
    content = {"borough": borough, "list": None, "version": None, "withdrawn_on": clock.today().isoformat(), "why": why}
    text = json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    published(borough).write_bytes("current.json", text.encode())
