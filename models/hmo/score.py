"""The score stage: the champion's probability for every home of a borough, with reasons that add up to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.hmo import drift, features, matrix, model_file, profiles, registry
from models.hmo.days import Floats, Texts
from models.hmo.estimator import Detector
from models.hmo.facts import facts
from models.hmo.features import BY_NAME
from pipelines.core.errors import ConfigurationError
from pipelines.core.tables import SCORE
from pipelines.core.types import StageResult
from pipelines.governance import access, stages

log = logging.getLogger(__name__)

STAGE = "score"
TABLE = "score"
REASONS = 3
REASONED = 10_000
"""The likeliest homes of a borough that are given reasons: many times what a list holds, and what makes way for others
on it because it is licensed or was visited. The rest keep their probability; nobody reads why a home is unlikely."""


def score(borough: str, as_of: date) -> StageResult:
    """Score the borough's `matrix` of that day with the champion into table `score`.

    Raises:
        UntrustedModel: the champion's file is not the one that was trained.
        NotFound: the champion's file is gone.
        ConfigurationError: the champion asks for features that are not made any more.
    """
    chosen = registry.champion()
    if chosen is None:
        sentence = "There is no champion model yet: train one, and promote it if it is not the first."
        return StageResult(STAGE, borough, "skipped", sentence)
    made_from = stages.input_hash(STAGE, as_of, stages.state_of(matrix.STAGE, borough), chosen.id, chosen.sha256)
    if stages.is_done(STAGE, borough, made_from):
        return StageResult(STAGE, borough, "unchanged", f"Scored by {chosen.id} from the same features before.")
    rows = access.read_table(matrix.TABLE, matrix.MATRIX, boroughs=[borough])
    rows = rows.filter(pc.equal(rows["as_of"], pa.scalar(as_of, pa.date32())))
    if not rows.num_rows:
        return StageResult(STAGE, borough, "skipped", f"There are no features of {as_of} yet: build them first.")
    detector = model_file.load(chosen)
    missing = sorted(set(detector.features) - set(features.NAMES))
    if missing:
        raise ConfigurationError(
            f"The champion {chosen.id} asks for {', '.join(missing)}, which is not made any more: "
            "train with this code and promote the new model."
        )
    values = values_of(detector.features, rows)
    table = scored(detector, rows, values, stages.summary_of(matrix.STAGE, borough).get("known_to", {}), chosen.id)
    probability = table["probability"].to_numpy()
    access.write_table(TABLE, table, borough=borough, made_from={"inputs": made_from, "model": chosen.id})
    shifts = _shifts(chosen.id, borough, detector.features, values, probability)
    moved = {"moved": len(shifts["alerts"])} if shifts["compared"] else {}
    counts = {"properties": rows.num_rows, "expected_hmos": round(float(probability.sum()), 1), **moved}
    summary = {**counts, "model_id": chosen.id, "as_of": as_of.isoformat(), "drift": shifts}
    stages.mark_done(STAGE, borough, made_from, summary)
    log.info("scores of %s at %s by %s: %s", borough, as_of, chosen.id, counts)
    sentence = f"{rows.num_rows} homes scored by {chosen.id}.{drift.in_short(shifts)}"
    return StageResult(STAGE, borough, "made", sentence, dict(counts))


def _shifts(model_id: str, borough: str, names: tuple[str, ...], values: Floats, probability: Floats) -> dict[str, Any]:
    """How far the borough has moved since the champion's training; nothing is compared where that is not known."""
    then = profiles.read(model_id)
    return drift.figures(drift.compare(then, borough, names, values, probability) if then else [])


def values_of(names: tuple[str, ...], rows: pa.Table) -> Floats:
    """The named columns of rows of `matrix`: shape (rows, names), NaN where unknown."""
    values = np.empty((rows.num_rows, len(names)), order="F")
    for at, name in enumerate(names):
        values[:, at] = rows[name].to_numpy()
    return values


def scored(detector: Detector, rows: pa.Table, values: Floats, known_to: Mapping[str, str], model_id: str) -> pa.Table:
    """Probabilities of rows of `matrix`, and reasons for the `REASONED` likeliest and all that are as likely.

    Args:
        detector: the model.
        rows: of `matrix`.
        values: the features that the model asks for, shape (rows, features).
        known_to: the newest event by dataset, ISO 8601.
        model_id: whose scores they are.

    Returns:
        Shape `SCORE`, in the order of the rows. Every home has its facts: any may be drawn at random.
    """
    probability = detector.probability(values)
    least = np.partition(probability, -REASONED)[-REASONED] if len(probability) > REASONED else 0.0
    likely = np.flatnonzero(probability >= least)
    chosen = values[likely]
    _, shares = detector.reasons(chosen)
    told = reasons(detector.features, chosen, shares, known_to)
    every = np.zeros_like(values)
    every[likely] = shares
    place = np.full(rows.num_rows, -1, dtype=np.int64)
    place[likely] = np.arange(len(likely))
    none = pa.array([[]], told.type)
    columns = [
        rows["borough"],
        rows["uprn"],
        rows["as_of"],
        pa.repeat(pa.scalar(model_id, pa.string()), rows.num_rows),
        pa.array(probability, pa.float64()),
        pa.concat_arrays([told, none]).take(pa.array(np.where(place >= 0, place, len(likely)))),
        facts(detector.features, values, every, known_to),
    ]
    return pa.table(columns, schema=SCORE)


def reasons(names: tuple[str, ...], values: Floats, shares: Floats, known_to: Mapping[str, str]) -> pa.ListArray:
    """The three strongest reasons that raise each score, in words, strongest first.

    What the features of one theme add is added up, so that one fact is not told three times;
    the feature that raises most speaks for its theme. What is unknown, or nought without
    words of its own, is no reason that an officer can check, and is left out.
    """
    themes: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        themes.setdefault(BY_NAME[name].theme, []).append(at)
    weight = np.column_stack([shares[:, columns].sum(axis=1) for columns in themes.values()])
    words = np.column_stack([_spoken(names, columns, values, shares, known_to) for columns in themes.values()])
    weight = np.where(words == "", 0.0, weight)
    order = np.argsort(-weight, axis=1, kind="stable")[:, :REASONS]
    kept = np.take_along_axis(weight, order, axis=1) > 0
    offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
    told = np.take_along_axis(words, order, axis=1)[kept]
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.array(told, pa.string()))


def _spoken(
    names: tuple[str, ...], columns: list[int], values: Floats, shares: Floats, known_to: Mapping[str, str]
) -> Texts:
    """For each row the words of the theme's feature that raises most; empty where none that has words does."""
    told = np.column_stack([BY_NAME[names[at]].tell_all(values[:, at], known_to) for at in columns])
    raising = np.where(told == "", 0.0, shares[:, columns])
    best = raising.argmax(axis=1)
    rows = np.arange(len(values))
    return np.asarray(np.where(raising[rows, best] > 0, told[rows, best], ""), dtype=object)
