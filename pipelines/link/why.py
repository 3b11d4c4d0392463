"""Why each record is on a property's page: everything tied to a UPRN, by which stage, for which reason, how surely."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from pipelines.core.errors import NotFound
from pipelines.core.tables import LINK, PROPERTY
from pipelines.governance import access, link_decisions
from pipelines.governance.reads import reading
from pipelines.link.vocabulary import SENTENCES, LinkReason
from schemas import registry


def why(borough: str, uprn: str) -> dict[str, Any]:
    """What is tied to a property and why, what may belong to it and waits for people, and what people decided.

    Keys: borough, uprn, address, postcode, parent_uprn; `records`, each with dataset, record_id, decision, level,
    stage, reason, sentence, probability, gap, runner_up; `waiting`, the same of records for which it is the property
    that people look at; `decisions`, those superseded too. That it was read is put on record.

    Raises:
        NotFound: the borough is not known, or its gazetteer has no such property that may be seen.
    """
    slug = registry.borough(borough).slug
    with reading("link why", slug):
        spine = access.read_table("property", PROPERTY, boroughs=[slug])
        mine = spine.filter(pc.equal(spine["uprn"], uprn)).to_pylist()
        links = access.read_table("link", LINK, boroughs=[slug])
        decided = [d for d in link_decisions.read(slug, history=True) if d.uprn == uprn]
    if not mine and not decided:
        raise NotFound(f"The gazetteer of {slug} has no property of this UPRN, or no agreement lets it be seen.")
    own = mine[0] if mine else dict.fromkeys(PROPERTY.names)
    tied = links.filter(pc.equal(links["uprn"], uprn))
    waiting = links.filter(pc.and_(pc.equal(links["runner_up"], uprn), pc.equal(links["decision"], "review")))
    return {
        "borough": slug,
        "uprn": uprn,
        **{name: own[name] for name in ("address", "postcode", "parent_uprn")},
        "records": [
            _row(row) for row in tied.sort_by([("dataset", "ascending"), ("record_id", "ascending")]).to_pylist()
        ],
        "waiting": [_row(row) for row in waiting.to_pylist()],
        "decisions": [
            {"number": d.number, "verdict": d.verdict, "address": d.address_written, "postcode": d.postcode_written}
            | {"who": d.who, "note": d.note, "decided_at": d.decided_at.isoformat()}
            | {"superseded_at": d.superseded_at.isoformat() if d.superseded_at else None}
            | {"superseded_by": d.superseded_by}
            for d in decided
        ],
    }


def _row(link: dict[str, Any]) -> dict[str, Any]:
    names = ("dataset", "record_id", "decision", "level", "stage", "reason", "probability", "gap", "runner_up")
    return {name: link[name] for name in names} | {"sentence": SENTENCES[LinkReason(link["reason"])]}
