"""Why one home has its score: what raises and what lowers it, the records behind, and the licensing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import matrix, model_file, registry, why_records
from models.hmo.cohort import ROOM
from models.hmo.days import Floats
from models.hmo.estimator import Detector, logistic
from models.hmo.features.declaration import in_words as day_in_words
from models.hmo.score import values_of
from models.hmo.sources import RESIDENTIAL
from models.hmo.ties import FEW
from models.hmo.why_themes import Theme, explained, parted
from pipelines.core.errors import NotFound
from pipelines.core.tables import LICENSING, PROPERTY, SCORE
from pipelines.governance import access, stages, standing
from pipelines.governance.reads import reading
from schemas import registry as boroughs

NOTE = "This is a lead to check, never a finding: no letter, notice or penalty may rest on it."
SAME = 1e-9
"""How far a probability worked out anew may lie from the one in the lake: both are of the same numbers."""


def why(borough: str, uprn: str, as_of: date | None = None) -> dict[str, Any]:
    """Why a home of the borough's current scores has its probability. That it was read is put on record.

    Args:
        borough: its slug.
        uprn: the home.
        as_of: the day of the scores; None for the day that they are of.

    Returns:
        borough, uprn, address, postcode, building_uprn (None where it is no part of one), as_of, model, probability;
        log_odds, of which probability is the logistic, and which is base plus all that themes add; `base` (log_odds,
        probability); `raises` and `lowers`, each `Theme` as plain data, strongest first; `records` as
        `why_records.behind` gives them and `withheld`, why datasets are not shown; `licensing`, the row of the rules
        and the register, None where none was made; `note`.

    Raises:
        NotFound: borough or home is unknown, the home is outside the cohort, nothing was scored for that day, or
            what the scores rest on may not be used any more; the sentence says which.
        UntrustedModel: the model's file is not the one that was trained.
    """
    slug = boroughs.borough(borough).slug
    with reading("model why", slug):
        spine = access.read_table("property", PROPERTY, boroughs=[slug])
        own = _home(slug, uprn, spine)
        scored = _scored(slug, uprn, as_of)
        if scored is None:
            raise NotFound(_outside(own, spine))
        day: date = scored["as_of"]
        detector, values = model_and_values(slug, [uprn], day, scored["model_id"], [scored["probability"]])
        base, (themes, *_) = explained(detector, values, known_to(slug))
        raises, lowers = parted(themes)
        told = [because for theme in (*raises, *lowers) for because in theme.features]
        known = [because.feature for because in told if because.value is not None]
        counted = [because.feature for because in told if because.value is not None and because.log_odds != 0]
        building = own["parent_uprn"] or None
        records, withheld = why_records.behind(slug, uprn, building, known, counted, day)
        licensing = licensing_of(slug, day, [uprn]).get(uprn)
    log_odds = base + sum(theme.log_odds for theme in (*raises, *lowers))
    return {
        "borough": slug,
        "uprn": uprn,
        **{name: own[name] for name in ("address", "postcode")},
        "building_uprn": building,
        "as_of": day,
        "model": scored["model_id"],
        "probability": scored["probability"],
        "log_odds": log_odds,
        "base": {"log_odds": base, "probability": float(logistic(np.array(base)))},
        "raises": [_plain(theme) for theme in raises],
        "lowers": [_plain(theme) for theme in lowers],
        "records": records,
        "withheld": withheld,
        "licensing": licensing,
        "note": NOTE,
    }


def _plain(theme: Theme) -> dict[str, Any]:
    return {**vars(theme), "features": tuple(because._asdict() for because in theme.features)}


def _home(slug: str, uprn: str, spine: pa.Table) -> dict[str, Any]:
    """The row of the home in the spine."""
    refused = standing.refusal("score", slug)
    if refused is not None:
        raise NotFound(f"The scores of {slug} may not be shown. {refused}")
    found = spine.filter(pc.equal(spine["uprn"], uprn)).to_pylist()
    if not found:
        raise NotFound(
            f"The gazetteer of {slug} has no property of this UPRN: look whether it belongs to another borough, "
            "or take the UPRN from 'loda list'."
        )
    own: dict[str, Any] = found[0]
    return own


def _scored(slug: str, uprn: str, as_of: date | None) -> dict[str, Any] | None:
    """The home's row of `score`, None where the borough was scored without it."""
    schema = pa.schema([SCORE.field(name) for name in ("borough", "uprn", "as_of", "model_id", "probability")])
    score = access.read_table("score", schema, boroughs=[slug])
    if not score.num_rows:
        raise NotFound(f"The homes of {slug} are not scored yet: run 'loda run --borough {slug}'.")
    of_day: date = score["as_of"][0].as_py()
    if as_of is not None and as_of != of_day:
        raise NotFound(
            f"The scores of {slug} are of {day_in_words(of_day)}, and none of {day_in_words(as_of)} are kept: "
            f"leave out --as-of, or make those with 'loda run --as-of {as_of} --borough {slug}'."
        )
    rows = score.filter(pc.equal(score["uprn"], uprn)).to_pylist()
    return dict(rows[0]) if rows else None


def _outside(own: dict[str, Any], spine: pa.Table) -> str:
    """Why a property of the gazetteer is none of the homes that are scored, as far as the gazetteer alone tells."""
    parts = spine.filter(pc.equal(spine["parent_uprn"], own["uprn"]))["uprn"].to_pylist()
    code = own["blpu_class"]
    if parts:
        some = ", ".join(sorted(parts)[:5]) + (" and more" if len(parts) > 5 else "")
        why_not = f"it is a building divided into {len(parts)} properties; ask about one of them: {some}"
    elif code and code not in RESIDENTIAL:
        why_not = f"its class in the gazetteer, {code}, is not that of an ordinary home"
    elif code == ROOM and own["parent_uprn"]:
        why_not = f"it is a room, scored with its house; ask about that, UPRN {own['parent_uprn']}"
    else:
        why_not = "it was let by a social landlord, or not approved and standing on the day"
    return f"This property is not scored: {why_not}. That says nothing about how it is let."


def model_and_values(
    slug: str, uprns: Sequence[str], day: date, model_id: str, probability: Sequence[float]
) -> tuple[Detector, Floats]:
    """The model that made the scores of homes, and the features that it made them from: shape (homes, features).

    Raises:
        NotFound: the model is gone, or a probability is not that of the features as they are now.
        UntrustedModel: the model's file is not the one that was trained.
    """
    version = registry.version(model_id)
    if version is None:
        raise NotFound(
            f"The model {model_id} that made the scores of {slug} is not in the ledger any more: "
            f"run 'loda run --borough {slug}' to score with the present one."
        )
    detector = model_file.load(version)
    rows = access.read_table(matrix.TABLE, matrix.MATRIX, boroughs=[slug])
    rows = rows.filter(pc.equal(rows["as_of"], pa.scalar(day, pa.date32())))
    at = pc.index_in(pa.array(uprns, pa.string()), rows["uprn"].combine_chunks())
    same = not at.null_count and set(detector.features) <= set(rows.column_names)
    values = values_of(detector.features, rows.take(at)) if same else np.empty((0, 0))
    if not same or np.abs(detector.probability(values) - np.asarray(probability)).max(initial=0.0) > SAME:
        raise NotFound(
            f"What was known of the homes of {slug} was worked out anew since they were scored on {day_in_words(day)}, "
            f"so the reasons of that score are not there any more: run 'loda run --borough {slug}'."
        )
    return detector, values


def known_to(slug: str) -> dict[str, str]:
    """The newest event by dataset that the borough's features count, ISO 8601."""
    return dict(stages.summary_of(matrix.STAGE, slug).get("known_to", {}))


def licensing_of(slug: str, day: date | None, uprns: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the rules and the register say of homes on the day, by UPRN, where anything was worked out.

    Without a day what was worked out last, with its day as `as_of`.
    """
    names = ("needed", "needed_why", "status", "status_why", "missing", "excluded_why")
    schema = pa.schema([LICENSING.field(name) for name in ("uprn", "as_of", *names)])
    among = {"uprn": list(uprns)} if len(uprns) <= FEW else None
    rows = access.read_table("licensing", schema, boroughs=[slug], among=among).sort_by("as_of")
    rows = rows.filter(pc.is_in(rows["uprn"], pa.array(uprns, pa.string())))
    if day is not None:
        rows = rows.filter(pc.equal(rows["as_of"], pa.scalar(day, pa.date32()))).drop_columns(["as_of"])
    return {row.pop("uprn"): row for row in rows.to_pylist()}
