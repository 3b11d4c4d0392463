"""What was recorded of a borough, as plain data; that it was read is put on record."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from pipelines.casework import rules
from pipelines.casework.words import FOUND_WORDS, METHOD_WORDS, Found, Method
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.officers import Outcome
from pipelines.governance import reads
from schemas import registry

TABLE = "outcome"
FIELDS = (
    *("number", "uprn", "address", "list_id", "rank", "found", "attempt", "visited_on", "method", "note"),
    *("officer", "recorded_by", "recorded_at", "recorded_through", "corrects", "superseded_at"),
)


def recorded(borough: str, *, history: bool = False) -> list[dict[str, Any]]:
    """Outcomes of a borough, the newest visit first; with `history` those that were corrected as well.

    It puts the reading on record in a transaction of its own: call it outside of any other.

    Raises:
        NotFound: there is no such borough.
        NotAllowedNow: no agreement lets them be used.
    """
    registry.borough(borough)
    rules.require(rules.why_not_kept(borough))
    query = sa.select(Outcome).where(Outcome.borough == borough)
    if not history:
        query = query.where(Outcome.superseded_at.is_(None))
    with transaction() as session:
        found = session.scalars(query.order_by(Outcome.visited_on.desc(), Outcome.number.desc())).all()
    if found:
        reads.add(TABLE, boroughs=[borough], rows=len(found), fields=FIELDS, purpose="hmo_detection")
    return [_plain(outcome) for outcome in found]


def _plain(outcome: Outcome) -> dict[str, Any]:
    row = {name: getattr(outcome, name) for name in FIELDS}
    row |= {name: row[name].isoformat() for name in ("visited_on", "recorded_at")}
    row["superseded_at"] = outcome.superseded_at.isoformat() if outcome.superseded_at else None
    words = {"found_words": FOUND_WORDS[Found(outcome.found)], "method_words": METHOD_WORDS[Method(outcome.method)]}
    return row | words
