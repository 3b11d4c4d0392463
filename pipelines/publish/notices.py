"""Notices: what a borough is told about extracts that are due, late or missing, and when.

Told once for each due day and kept in the ledger; beside the borough's drops stand a page and a file for programs that
say how every dataset stands. Both change when something does, not with every night.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.beside import NOTICES_JSON, NOTICES_PAGE
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Notice
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.governance import stages
from pipelines.publish.due import GRAVE, WORDS, Standing, standings
from pipelines.publish.html import look, render
from schemas import registry
from schemas.guidance import EVERY, day

STAGE = "notices"
TOLD = ("due_soon", *GRAVE)
"""States that a borough is told of; one that is due and waited for it was told of before."""


def notify(waiting: Collection[str] = ()) -> StageResult:
    """Tell every borough what is due soon, late or missing; once for each due day.

    Boroughs in `waiting` have files that were not taken in, as when a disk or a bucket failed: they are told nothing,
    since what seems late may be there.

    Counts: `new` notices, extracts `late`, `missing` and `due_soon` today, `boroughs` whose page changed.

    Raises:
        ConfigurationError: a calendar is faulty; the sentence names it.
    """
    today = clock.today()
    found = {slug: of_borough for slug, of_borough in standings(today).items() if slug not in waiting}
    counts = {"new": 0, "late": 0, "missing": 0, "due_soon": 0, "boroughs": 0}
    for slug, of_borough in found.items():
        for standing in of_borough:
            if standing.state in TOLD:
                counts[standing.state] += 1
                counts["new"] += _tell(standing, today)
        counts["boroughs"] += _deliver(slug, of_borough)
    sentence = (
        f"{counts['late']} late, {counts['missing']} missing, {counts['due_soon']} due soon; "
        f"{counts['new']} new notices"
    )
    longer = max((standing.longer for of_borough in found.values() for standing in of_borough), default=0)
    if longer:
        sentence += f"; the bucket was away, so what was due then is waited for up to {_days(longer)} longer"
    made = counts["new"] or counts["boroughs"]
    return StageResult(STAGE, "london", "made" if made else "unchanged", sentence, dict(counts))


@dataclass(frozen=True)
class Told:
    """One notice as it stands in the ledger."""

    dataset: str
    kind: str
    due: date
    sentence: str
    on: date


def _tell(standing: Standing, today: date) -> bool:
    """Record today's notice, unless it was given before; returns whether it is new."""
    key = (standing.borough, standing.dataset, standing.state, notice_day(standing, today))
    with transaction() as session:
        if session.get(Notice, key) is not None:
            return False
        session.add(
            Notice(
                borough=key[0],
                dataset=key[1],
                kind=key[2],
                due=key[3],
                sentence=sentence_of(standing, today),
                made_at=clock.now(),
            )
        )
    return True


def notice_day(standing: Standing, today: date) -> date:
    """The day that a notice is for: the due day, and for one that stays late a later day every week or month."""
    if today < standing.late_from:
        return standing.due
    steps = (today - standing.late_from).days // standing.step_days
    return standing.due + timedelta(days=steps * standing.step_days)


def sentence_of(standing: Standing, today: date) -> str:
    """What is late since when, what stands in use meanwhile and how old that is."""
    title, due, used = standing.title, day(standing.due), standing.in_use
    waited = day(standing.late_from - timedelta(days=1))
    told = {
        "in_time": f"{title}: the next extract is due on {due}.",
        "due_soon": f"{title}: the next extract is due on {due}.",
        "due": f"{title}: the extract due on {due} has not arrived; it is waited for until {waited}.",
        "late": f"{title}: the extract due on {due} has not arrived and is late since {day(standing.late_from)}.",
        "missing": f"{title}: a first extract was expected by {due}, and none has been accepted yet.",
    }
    parts = [told[standing.state]]
    if standing.longer and standing.state in ("due", *GRAVE):
        parts.append(f"That is {_days(standing.longer)} longer than agreed, for which our bucket was away.")
    if used is not None:
        which = f" (source '{used.source}', the oldest of {standing.sources})" if standing.sources > 1 else ""
        old = _days((today - used.extract_date).days)
        parts.append(f"The extract of {day(used.extract_date)}{which} stays in use; on {day(today)} it was {old} old.")
    elif standing.state == "missing":
        parts.append("Nothing stands in its place.")
    if standing.not_used is not None:
        trouble = standing.not_used
        parts.append(f"A file that arrived on {day(trouble.arrived)} was {trouble.status}: {trouble.sentence}")
    return " ".join(parts)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def notices_of(borough: str) -> list[Told]:
    """Every notice that a borough was given, the newest first."""
    with transaction() as session:
        found = session.scalars(
            sa.select(Notice)
            .where(Notice.borough == borough)
            .order_by(Notice.made_at.desc(), Notice.dataset, Notice.kind)
        ).all()
    return [Told(n.dataset, n.kind, n.due, n.sentence, n.made_at.date()) for n in found]


def _deliver(borough: str, of_borough: Sequence[Standing]) -> bool:
    """Write the page and the file beside the borough's drops, unless they stand so already; returns whether it did."""
    told = [notice for notice in notices_of(borough) if _is_open(notice, of_borough)]
    made_from = stages.input_hash(
        [standing_data(standing) for standing in of_borough], [notice.sentence for notice in told], look()
    )
    bucket = Folder(f"{settings().bucket_url.rstrip('/')}/drops/{borough}")
    if stages.is_done(STAGE, borough, made_from) and bucket.exists(NOTICES_PAGE) and bucket.exists(NOTICES_JSON):
        return False
    bucket.write_bytes(NOTICES_PAGE, notices_page(borough, of_borough, told))
    bucket.write_bytes(NOTICES_JSON, _json(borough, of_borough, told))
    stages.mark_done(STAGE, borough, made_from, {state: _count(of_borough, state) for state in TOLD})
    return True


def _is_open(notice: Told, of_borough: Sequence[Standing]) -> bool:
    """Whether a notice still holds: the dataset is in the state that it told of, and for the same due day."""
    return any(s.dataset == notice.dataset and s.state == notice.kind and notice.due >= s.due for s in of_borough)


def _count(of_borough: Sequence[Standing], state: str) -> int:
    return sum(standing.state == state for standing in of_borough)


def standing_data(standing: Standing) -> dict[str, Any]:
    """A standing as plain data, nothing in it that changes from night to night by itself."""
    used, trouble = standing.in_use, standing.not_used
    return {
        "dataset": standing.dataset,
        "title": standing.title,
        "state": standing.state,
        "every": standing.every,
        "due": standing.due.isoformat(),
        "late_from": standing.late_from.isoformat(),
        "in_use": None
        if used is None
        else {
            "source": used.source,
            "drop": used.drop,
            "extract_date": used.extract_date.isoformat(),
            "arrived": used.arrived.isoformat(),
        },
        "not_used": None
        if trouble is None
        else {
            "drop": trouble.drop,
            "arrived": trouble.arrived.isoformat(),
            "status": trouble.status,
            "sentence": trouble.sentence,
        },
    }


def notices_page(borough: str, of_borough: Sequence[Standing], told: Sequence[Told]) -> bytes:
    """The page beside a borough's drops: what is late or missing first, then the whole calendar."""
    latest: dict[str, Told] = {}
    for notice in told:
        latest.setdefault(notice.dataset, notice)
    rows: list[dict[str, Any]] = [
        {
            "standing": standing,
            "words": WORDS[standing.state],
            "every": EVERY[standing.every],
            "due": day(standing.due),
            "in_use": None if standing.in_use is None else day(standing.in_use.extract_date),
            "notice": latest.get(standing.dataset),
            "told_on": day(latest[standing.dataset].on) if standing.dataset in latest else None,
        }
        for standing in of_borough
    ]
    return render(
        "notices.html",
        borough=registry.borough(borough),
        rows=rows,
        grave=sorted(
            (row for row in rows if row["standing"].state in GRAVE), key=lambda row: row["standing"].state != "late"
        ),
        soon=[row for row in rows if row["standing"].state == "due_soon"],
    )


def _json(borough: str, of_borough: Sequence[Standing], told: Sequence[Told]) -> bytes:
    content = {
        "borough": borough,
        "notices": [
            {"dataset": n.dataset, "kind": n.kind, "due": str(n.due), "on": str(n.on), "sentence": n.sentence}
            for n in told
        ],
        "datasets": [standing_data(standing) for standing in of_borough],
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
