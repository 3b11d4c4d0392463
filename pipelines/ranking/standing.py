"""Whether a borough's list stands: nothing it answers for has changed since, and it is not too old.

A list looks at a day. Were it made anew on every day, thirty boroughs that sent nothing would be worked through every
night for what three sent. What other boroughs know of its landlords and neighbours comes into a list when it is next
made, after `LODA_RELIST_DAYS` at the latest; what nobody may use any more leaves every list at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import newest_list
from pipelines.core.ledger.models import ModelVersion
from pipelines.core.ledger.settled import excluded, settled
from pipelines.core.settings import settings
from pipelines.governance import stages
from pipelines.governance.subjects import remembered
from schemas import registry

BEGUN, STANDS = "list_begun", "list_stands"
MADE_BY = ("link", "features", "score", "licensing", "rank", "dossiers")
"""The stages behind a list; a mark that is gone means that somebody wants its work done again."""


def due(boroughs: Sequence[str], day: date) -> list[str]:
    """The boroughs whose list has to be made for a day; the others' newest list stands as it is.

    A borough is due if it has no list that stands, if its list is of a later day or of `LODA_RELIST_DAYS` before `day`,
    or if something changed that its list answers for: its extracts, its links, the champion, what its officers found or
    excluded, its capacity, what any borough's agreements cover, a subject erased, the code.
    """
    cover = [[*row[:3], row[-1]] for row in stages.drops_behind()]
    return [borough for borough in boroughs if not _stands(borough, day, cover)]


def stands(borough: str, day: date) -> None:
    """Mark that the borough's newest list, of this day, was made from what `due` found; nothing without one."""
    with transaction() as session:
        issued = newest_list(session, borough)
        made = issued is not None and issued.as_of == day
    begun = stages.state_of(BEGUN, borough)
    if made and begun:
        stages.mark_done(STANDS, borough, begun, {"as_of": day.isoformat()})


def _stands(borough: str, day: date, cover: list[list[Any]]) -> bool:
    made_from = _made_from(borough, cover)
    with transaction() as session:
        issued = newest_list(session, borough)
        as_of = issued.as_of if issued is not None else None
    # Taken down on purpose even where it stands: what is begun now is what the next list is made from.
    unchanged = stages.is_done(STANDS, borough, made_from) and all(stages.state_of(s, borough) for s in MADE_BY)
    if unchanged and as_of is not None and 0 <= (day - as_of).days < settings().relist_days:
        return True
    stages.mark_done(BEGUN, borough, made_from, {})
    return False


def _made_from(borough: str, cover: list[list[Any]]) -> str:
    today, chosen = clock.today(), settings()
    with transaction() as session:
        champion = session.scalar(sa.select(ModelVersion.id).where(ModelVersion.status == "champion"))
        off = settled(session, borough, today, chosen.revisit_days) | excluded(session, borough, today)
    capacity = registry.borough(borough).capacity or chosen.capacity
    lengths = [capacity, chosen.list_length, chosen.control_share]
    erased = sum(len(tokens) for tokens in remembered().values())
    own = [stages.drops_behind([borough]), stages.state_of("link", borough)]
    return stages.input_hash(BEGUN, own, cover, champion, sorted(off), lengths, erased)
