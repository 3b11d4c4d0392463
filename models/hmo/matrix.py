"""The matrix stage: every feature of every property of a borough's cohort at an as-of date."""

from __future__ import annotations

import logging
from datetime import date

import numpy as np
import pyarrow as pa

from models.hmo import cohort, features, inputs
from models.hmo.days import Floats, Mask
from models.hmo.evidence import View
from pipelines.core.types import StageResult
from pipelines.governance import access, stages

log = logging.getLogger(__name__)

TABLE = "matrix"
STAGE = "features"

MATRIX = pa.schema(
    [
        ("borough", pa.string()),
        ("uprn", pa.string()),
        ("as_of", pa.date32()),
        *((name, pa.float64()) for name in features.NAMES),
    ]
)
"""`matrix`: one row a property of the cohort. A feature is null where it is unknown or not shared."""


def at(view: View) -> tuple[Mask, Floats]:
    """The cohort over the spine, and the features of its members: shape (members, features), NaN where unknown."""
    members = cohort.members(view)
    values = np.empty((int(members.sum()), len(features.NAMES)), order="F")
    features.fill(view, (members, values))
    return members, values


def build_features(borough: str, as_of: date) -> StageResult:
    """Make the borough's part of table `matrix` from what was known by the end of `as_of`.

    A dataset that the borough does not share, or that no agreement covers, is left unknown.
    """
    made_from = stages.input_hash(STAGE, as_of, inputs.borough_inputs([borough]), inputs.pooled_inputs())
    if stages.is_done(STAGE, borough, made_from):
        return StageResult(STAGE, borough, "unchanged", "The features were made from the same inputs before.")
    evidence = next(inputs.read_evidence([borough]), None)
    if evidence is None:
        return StageResult(STAGE, borough, "skipped", "No properties are linked yet: send the gazetteer, then link.")
    view = evidence.at(as_of)
    members, values = at(view)
    if not members.any():
        sentence = f"No home of the gazetteer was known to stand on {as_of}: check the day and the gazetteer's dates."
        return StageResult(STAGE, borough, "skipped", sentence)
    table = table_of(borough, as_of, evidence.uprns[members], values)
    access.write_table(TABLE, table, borough=borough, made_from={"inputs": made_from})
    unknown = int(np.isnan(values).all(axis=0).sum())
    counts = {"properties": int(members.sum()), "features": values.shape[1], "features_unknown": unknown}
    summary = {**counts, "known_to": view.known_to(), "as_of": as_of.isoformat()}
    stages.mark_done(STAGE, borough, made_from, summary)
    log.info("features of %s at %s: %s", borough, as_of, counts)
    sentence = f"{counts['properties']} homes with {counts['features']} features, {unknown} of them not shared."
    return StageResult(STAGE, borough, "made", sentence, dict(counts))


def table_of(
    borough: str, as_of: date, uprns: np.ndarray[tuple[int], np.dtype[np.object_]], values: Floats
) -> pa.Table:
    """Rows of `matrix`: `uprns` and their `values`, NaN as null."""
    size = len(uprns)
    columns = [
        pa.repeat(pa.scalar(borough, pa.string()), size),
        pa.array(uprns, pa.string()),
        pa.repeat(pa.scalar(as_of, pa.date32()), size),
        *(pa.array(values[:, at], pa.float64(), from_pandas=True) for at in range(values.shape[1])),
    ]
    return pa.table(columns, schema=MATRIX)
