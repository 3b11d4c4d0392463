"""The stage that puts into the ledger what stands behind each entry of a list, so that pages read nothing else.

`Dossier.content` of an entry is plain JSON; every key is always there, of an entry drawn at random as of any other:

- `borough`, `uprn`, `address`, `postcode` (or null), `building_uprn` (of the building that it is a part of, or null),
  `as_of` (ISO 8601), `model` (its identifier), `list_id`.
- `reasons`: the three of the list, as issued.
- `raises`, `lowers`: themes that count, strongest first: `theme` (code), `words`, `strength` (strongly, empty text for
  plainly, a little), `features`: `words`, `source` (null where what it says is that something is not known), `effect`
  (raises, lowers, or `among others` where a theme counts by many together and by none alone), `strength`, `times`
  (how many things are left open by one cause, else 1).
- `hardly`: words of the themes that make hardly any difference.
- `records`: of every dataset but the register, newest first. Those of ten years, those that are so on the day, and the
  newest of each dataset, at most `on_record.MOST` of one. Each has `dataset`, `source` (the dataset in words),
  `record_id`, `date` (ISO 8601), `reference` (the borough's own number, or null), `what` (in words), `of` (home or
  building), and `link`: `decision` (linked or parent), `reason` (code), `sentence`, `stage`, `sure` (about 97 in 100,
  or null).
- `left_out`: how many older records there are beside these.
- `licences`: newest first, the same keys, and `type`, `status`, `state` (in force, not begun, expired, revoked,
  surrendered, superseded), all in words, `from`, `until` (ISO 8601, or null), `max_persons`, `max_households` (or
  null), `holder` (the name in the public register, null unless the agreement lets an analyst see it).
- `applications`: newest first, the same keys as `records`, and `kind`, `type`, `status` in words (or null),
  `received`, `decided`, `effective_from`, `effective_until` (ISO 8601, or null).
  A timeline is `records`, `licences` and `applications` together by `date`.
- `licensing`: `needed` (mandatory, additional, selective, none, cannot_tell), `needed_why`, `status` (held,
  over_occupied, pending, temporary_exemption, wrong_type, expired, none), `status_why`, `missing`, `excluded_why`, as
  the licensing stage wrote them with their provisions; null where nothing was worked out.
- `landlord`: null where none is known, else `id`, `name` (null unless the borough's public register names the holder
  and the agreement lets an analyst see it), `role` (licence holder, liable owner), `boroughs`: `borough`,
  `properties` (buildings, this one too; flats of one building once), `licences` (all that were known), `in_force`
  (numbers), by borough as far as agreements let an analyst see it.
- `withheld`: why datasets are not shown, a sentence each.
- `note`: what a score is and is not.

It never holds a probability or log-odds of the home: an entry drawn at random would be told by them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from models.hmo import inputs, landlord_summary, matrix, on_record, score
from models.hmo.why import NOTE, known_to, licensing_of, model_and_values
from models.hmo.why_records import KINDS, ROLE
from models.hmo.why_register import APPLICATION, LICENCE
from models.hmo.why_themes import Theme, explained, parted, shown
from pipelines.core import lake_use
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.lists import as_kept, newest_list
from pipelines.core.ledger.models import Dossier, ListEntry, PublishedList
from pipelines.core.tables import LANDLORD, PROPERTY, SCORE
from pipelines.core.types import StageResult
from pipelines.governance import access, stages

STAGE = "dossiers"


def dossiers(borough: str, as_of: date, sentences: Mapping[str, str]) -> StageResult:
    """Write a `Dossier` for every entry of the list that the borough works from, if it is of that day.

    Of a property that earlier lists had too the newest dossier is kept; of one that left the list, its last.

    Args:
        borough: its slug.
        as_of: the day of the list.
        sentences: what each reason of a link means, by its code.

    Raises:
        UntrustedModel: the file of the model that made the scores is not the one that was trained.
    """
    with transaction() as session:
        issued = newest_list(session, borough)
        query = sa.select(ListEntry).where(ListEntry.list_id == (issued.id if issued else "")).order_by(ListEntry.rank)
        entries = list(session.scalars(query))
        kept = sa.select(sa.func.count()).where(Dossier.list_id == (issued.id if issued else ""))
        there = session.scalar(kept)
    if issued is not None:
        lake_use.kept_was_read(as_kept(issued))
    if issued is None or issued.as_of != as_of:
        return StageResult(STAGE, borough, "skipped", f"The list that {borough} works from is not of {as_of}.")
    made_from = _made_from(borough, issued)
    if stages.is_done(STAGE, borough, made_from) and there == len(entries):
        return StageResult(STAGE, borough, "unchanged", f"What stands behind {issued.id} is in the ledger.")
    try:
        made = list(_contents(borough, issued, entries, sentences))
    except NotFound as error:
        return StageResult(STAGE, borough, "skipped", str(error))
    _write(issued, made)
    counts = {"dossiers": len(made), "records": sum(len(content["records"]) for content in made)}
    stages.mark_done(STAGE, borough, made_from, {**counts, "list": issued.id})
    sentence = f"What stands behind the {len(made)} entries of {issued.id} is in the ledger."
    return StageResult(STAGE, borough, "made", sentence, {name: float(value) for name, value in counts.items()})


def _made_from(borough: str, issued: PublishedList) -> str:
    grains = [
        [slug, dataset, access.grain(ROLE, slug, dataset, "hmo_detection")]
        for slug in sorted({borough, *inputs.boroughs_with_data()})
        for dataset in ((*KINDS, LICENCE, APPLICATION) if slug == borough else landlord_summary.OF)
    ]
    states = [stages.state_of(stage, borough) for stage in (matrix.STAGE, score.STAGE, "licensing")]
    made = (inputs.borough_inputs([borough]), inputs.pooled_inputs())
    return stages.input_hash(STAGE, issued.id, issued.input_hash, states, grains, *made)


def _write(issued: PublishedList, made: Sequence[dict[str, Any]]) -> None:
    """Put the dossiers of a list in the place of those that its properties had, in one transaction."""
    lists = sa.select(PublishedList.id).where(PublishedList.borough == issued.borough)
    listed = sa.select(ListEntry.uprn).where(ListEntry.list_id == issued.id)
    old = sa.or_(Dossier.list_id == issued.id, sa.and_(Dossier.list_id.in_(lists), Dossier.uprn.in_(listed)))
    with transaction() as session:
        session.execute(sa.delete(Dossier).where(old))
        if made:
            rows = [{"list_id": issued.id, "uprn": content["uprn"], "content": content} for content in made]
            session.execute(sa.insert(Dossier), rows)


@dataclass(frozen=True)
class _Behind:
    """What stands behind the homes of a list, each in the order of its entries; `withheld` is the same for all."""

    themes: Iterator[list[Theme]]
    evidence: list[dict[str, Any]]
    licensing: list[dict[str, Any] | None]
    landlords: list[dict[str, Any] | None]
    withheld: list[str]


def _contents(
    borough: str, issued: PublishedList, entries: Sequence[ListEntry], sentences: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    """The content of each entry's dossier, in their order.

    Raises:
        NotFound: there are no scores of the day any more, or not those that the list was made from.
    """
    if not entries:
        return
    places, model_id, behind = _behind(borough, issued, entries, sentences)
    each = (behind.themes, behind.evidence, behind.licensing, behind.landlords)
    for entry, place, themes, evidence, licensing, landlord in zip(entries, places, *each, strict=True):
        yield {
            **{"borough": borough, "uprn": entry.uprn, "address": place["address"], "postcode": place["postcode"]},
            **{"building_uprn": place["parent_uprn"] or None, "as_of": issued.as_of.isoformat(), "model": model_id},
            **{"list_id": issued.id, "reasons": list(entry.reasons)},
            **_reasons(themes),
            **evidence,
            "licensing": licensing,
            "landlord": landlord,
            "withheld": behind.withheld,
            "note": NOTE,
        }


def _behind(
    borough: str, issued: PublishedList, entries: Sequence[ListEntry], sentences: Mapping[str, str]
) -> tuple[list[dict[str, Any]], str, _Behind]:
    """The places of a list's entries in the spine, the model, and what stands behind them: each table read once."""
    uprns, day = [entry.uprn for entry in entries], issued.as_of
    spine = pa.schema([PROPERTY.field(name) for name in ("uprn", "parent_uprn", "address", "postcode")])
    places = _rows_of(access.read_table("property", spine, boroughs=[borough]), uprns)
    scored = pa.schema([SCORE.field(name) for name in ("uprn", "as_of", "model_id", "probability")])
    scores = access.read_table("score", scored, boroughs=[borough])
    found = _rows_of(scores.filter(pc.equal(scores["as_of"], pa.scalar(day, pa.date32()))), uprns)
    if not all(places) or not all(found):
        raise NotFound(f"What {issued.id} was made from is not there any more: the next night makes a new list.")
    model_id = str(found[0]["model_id"])
    detector, values = model_and_values(borough, uprns, day, model_id, [row["probability"] for row in found])
    _, themes = explained(detector, values, known_to(borough))
    recorded = on_record.of_homes(borough, uprns, [place["parent_uprn"] or None for place in places], day)
    licensing = licensing_of(borough, day, uprns)
    behind = _Behind(
        themes,
        [on_record.told(own, sentences) for own in recorded.homes],
        [licensing.get(uprn) for uprn in uprns],
        _landlords(borough, entries, [own.licences for own in recorded.homes], day),
        recorded.withheld,
    )
    return places, model_id, behind


def _rows_of(rows: pa.Table, uprns: Sequence[str]) -> list[dict[str, Any]]:
    """The row of each UPRN, an empty dict where there is none."""
    mine = {row["uprn"]: row for row in rows.filter(pc.is_in(rows["uprn"], pa.array(uprns, pa.string()))).to_pylist()}
    return [mine.get(uprn, {}) for uprn in uprns]


def _landlords(
    borough: str, entries: Sequence[ListEntry], licences: list[list[dict[str, Any]]], day: date
) -> list[dict[str, Any] | None]:
    """The landlord of each entry, as the list has it."""
    ids = sorted({entry.landlord_id for entry in entries if entry.landlord_id})
    if not ids:
        return [None] * len(entries)
    has = landlord_summary.by_borough(inputs.read_holdings(), ids, day)
    rows = access.read_table("landlord", LANDLORD, boroughs=[borough], among={"landlord_id": ids})
    holders = rows.filter(pc.and_(pc.equal(rows["dataset"], LICENCE), pc.equal(rows["role"], "holder")))
    held = set(zip(holders["landlord_id"].to_pylist(), holders["record_id"].to_pylist(), strict=True))
    return [
        {
            "id": entry.landlord_id,
            "name": entry.landlord_name,
            "role": "licence holder"
            if any((entry.landlord_id, licence["record_id"]) in held for licence in own)
            else "liable owner",
            "boroughs": has.get(entry.landlord_id, []),
        }
        if entry.landlord_id
        else None
        for entry, own in zip(entries, licences, strict=True)
    ]


def _reasons(themes: list[Theme]) -> dict[str, Any]:
    """What raises and what lowers, in words: the log-odds would tell how likely the home is."""
    sides = zip(("raises", "lowers"), parted(themes), strict=True)
    told = {
        side: [
            {"theme": theme.theme, "words": theme.words, "strength": theme.strength, "features": _features(theme)}
            for theme in own
            if theme.strength != "hardly"
        ]
        for side, own in sides
    }
    return {**told, "hardly": [theme.words for theme in themes if theme.strength == "hardly"]}


def _features(theme: Theme) -> list[dict[str, Any]]:
    each = ((own.words, None if own.value is None else own.source, own.log_odds) for own in theme.features)
    return [told._asdict() for told in shown(each, theme.log_odds)]
