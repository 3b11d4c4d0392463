"""Candidate pairs of records whose truth is known, the model fitted to them, its calibration and its thresholds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.errors import LodaError
from pipelines.core.orphans import end_with_parent
from pipelines.governance import access, stages
from pipelines.link import cascade, pairs
from pipelines.link.candidates import candidates
from pipelines.link.features import FEATURES, RISING, compared, queries_of, with_rivals
from pipelines.link.pair_model import CARD, MODEL, PairModel
from pipelines.link.places import BUILDING
from pipelines.link.records import make_records
from pipelines.link.spine import COLUMNS, Spine, make_spine
from pipelines.link.training.errors import SEVERITIES, mistyped, rewritten
from pipelines.link.training.gazetteers import as_parts, enriched
from pipelines.link.trees import Trees

RECORDS = 6_000
"""Of each kind of error, a gazetteer."""
REMOVED = 0.12
"""Share of properties taken out of the gazetteer, so that their records have no right answer."""
REMOVED_STREETS = 0.06
"""Share of streets taken out whole."""
WITHOUT_POSTCODE = 0.35
OTHER_POSTCODE = 0.03
"""Share of records with a postcode that is another street's."""
HELD_OUT = FEWEST = 4
"""Every fourth gazetteer is kept for calibration."""
PRECISE = 0.9929
"""Estimated precision of what this stage takes; what the stages before it take is at 0.999."""
MARGIN = 0.85
"""Share of right ones at the edge of what is taken."""
WORTH_A_LOOK = 0.2
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Trained:
    """A model and what is known of it."""

    model: PairModel
    card: dict[str, Any]


@dataclass(frozen=True)
class Examples:
    """Pairs that the cascade would ask about: features, whether true, and which address each is of."""

    features: pd.DataFrame
    true: npt.NDArray[np.bool_]
    query: npt.NDArray[np.int64]
    missing: pairs.Missing


def train(gazetteers: Mapping[str, pa.Table], seed: int = 1, workers: int = 2) -> Trained:
    """Fit and calibrate a pair model.

    Args:
        gazetteers: at least three, by name, each with the columns of the spine. Every fourth is held out.
        seed: the same seed and gazetteers make the same model.
        workers: processes that make the pairs.
    """
    names, tables = zip(*sorted(gazetteers.items()), strict=True)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        parts = pool.map(_examples_of, tables, range(len(names)), repeat(seed))
        made: dict[str, Examples] = dict(zip(names, parts, strict=True))
    held = names[HELD_OUT - 1 :: HELD_OUT]
    fitted = [made[name] for name in names if name not in held]
    estimator = _fitted(fitted, seed)
    known, lost = (sum(getattr(part.missing, n) for part in fitted) for n in ("known", "missing"))
    usual = round(lost / max(known, 1), 5)
    judged = [_best(estimator, made[name], usual) for name in held]
    share, right, gap = (np.concatenate([part[n] for part in judged]) for n in range(3))
    knots, shares = _calibration(share, right)
    link_from, gap_from, curve = _thresholds(np.interp(share, knots, shares), gap, right)
    model = PairModel(Trees.of(estimator), knots, shares, link_from, gap_from, WORTH_A_LOOK, usual)
    card = {
        "gazetteers": {"fitted": [n for n in names if n not in held], "held_out": held},
        "pairs": {name: {"pairs": len(e.true), "true": int(e.true.sum())} for name, e in made.items()},
        "seed": seed,
        "missing": usual,
        "features": list(FEATURES),
        "thresholds": {"link_from": link_from, "gap_from": gap_from, "review_from": WORTH_A_LOOK},
        "calibration": {"share": knots.round(6).tolist(), "right": shares.round(6).tolist()},
        "curve": curve,
    }
    return Trained(model, card)


def save(trained: Trained, folder: Path) -> None:
    """Write the model's trees as plain arrays and its card as JSON, under the names by which the night finds them.

    Raises:
        LodaError: the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MODEL.name).write_bytes(trained.model.trees.written())
        (folder / CARD.name).write_text(json.dumps(trained.card, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise LodaError(f"'{folder}' cannot be written to ({error.strerror or 'unknown fault'}).") from error


def gazetteers_of(boroughs: Sequence[str] | None) -> dict[str, pa.Table]:
    """Gazetteers of the lake, those of some boroughs or all.

    Raises:
        LodaError: there are fewer than `FEWEST`.
    """
    drops = stages.drops_behind(list(boroughs) if boroughs else None, ["gazetteer"])
    found = {str(drop[0]) for drop in drops}
    made = {
        borough: access.read_dataset("gazetteer", boroughs=[borough], purpose="hmo_detection", columns=COLUMNS)
        for borough in sorted(found)
    }
    if len(made) < FEWEST:
        raise LodaError(
            f"The pair model is trained on {FEWEST} gazetteers or more, and {len(made)} may be used here: "
            "drop some, or make synthetic ones with 'loda demo', and run 'loda run'."
        )
    return made


def _examples_of(table: pa.Table, number: int, seed: int) -> Examples:
    return examples(as_parts(table), seed * 1000 + number, villages=number % 3 != 0)


def examples(frame: pd.DataFrame, seed: int, *, villages: bool) -> Examples:
    """Pairs of one gazetteer."""
    draw = np.random.default_rng(seed)
    frame = enriched(frame, draw, villages=villages)
    shells = frame["uprn"].isin(frame["parent_uprn"])
    some = frame.loc[~shells, "uprn"].to_numpy()
    picked = [list(draw.choice(some, min(RECORDS, len(some)), replace=False)) for _ in range(len(SEVERITIES) + 1)]
    records = [mistyped(frame, uprns, n, seed + n) for n, uprns in enumerate(picked[:-1])]
    records.append(rewritten(frame, picked[-1], seed))
    every = pd.concat(records, ignore_index=True)
    every.loc[draw.random(len(every)) < WITHOUT_POSTCODE, "postcode"] = ""
    wrong = (every["postcode"] != "") & (draw.random(len(every)) < OTHER_POSTCODE)
    every.loc[wrong, "postcode"] = draw.choice(frame["postcode"].to_numpy(), int(wrong.sum()))
    gone = ~shells & (draw.random(len(frame)) < REMOVED)
    # New streets are missing as a whole.
    streets = frame["street"].unique()
    gone |= frame["street"].isin(streets[draw.random(len(streets)) < REMOVED_STREETS])
    spine = _spine(frame.loc[~gone])
    # The building of a property that was taken out may still be there: it is right for that property's records.
    whole = _spine(frame)
    line = (
        whole.buildings[BUILDING]
        .reset_index(names="at")
        .merge(spine.buildings[BUILDING].reset_index(names="building"), on=BUILDING)
    )
    at = whole.rows.drop_duplicates("uprn").set_index("uprn")["building"]
    return _asked(every, spine, at.map(line.drop_duplicates("at").set_index("at")["building"]))


def _spine(frame: pd.DataFrame) -> Spine:
    columns = {name: frame[name] if name in frame else pd.Series([None] * len(frame), dtype=object) for name in COLUMNS}
    arrays = {name: pa.array(column.to_numpy(object), pa.string()) for name, column in columns.items()}
    arrays = {n: pa.array([v or None for v in a.to_pylist()], pa.string()) for n, a in arrays.items()}
    return make_spine(pa.table(arrays), "training")[0]


def _asked(records: pd.DataFrame, spine: Spine, building: pd.Series[float]) -> Examples:
    """Pairs of the addresses that the stages before the pair model leave open; `building` is by UPRN."""
    table = pa.table(
        {
            "record_id": pa.array(range(len(records)), pa.int64()),
            "address": pa.array(records["address"], pa.string()),
            "postcode": pa.array(records["postcode"], pa.string()),
            "uprn": pa.nulls(len(records), pa.string()),
        }
    )
    made = make_records({"training": table}, spine.whole, spine.streets)
    addresses = cascade.left_open(made.addresses, spine)
    queries = queries_of(addresses, spine)
    found = candidates(queries, spine.buildings, spine.streets.meant(queries["street"])).pairs
    features = compared(found, queries, spine)
    open_ = ~pairs.vetoed(found, features, queries, spine)
    found, features = found.loc[open_].reset_index(drop=True), features.loc[open_].reset_index(drop=True)
    right = records["uprn"].map(building)
    true = _true(right, made.rows["address"].to_numpy(), addresses.index.to_numpy(), found)
    return Examples(
        with_rivals(found, features), true, found["query"].to_numpy(), pairs.Missing.of(made.addresses, spine)
    )


def _true(
    right: pd.Series[float], address: npt.NDArray[np.int64], asked: npt.NDArray[np.int64], found: pd.DataFrame
) -> npt.NDArray[np.bool_]:
    """Whether a candidate is the building of a property that the address was written of."""
    own = pd.DataFrame({"address": address, "building": right.to_numpy()}).dropna().drop_duplicates().astype(np.int64)
    truth = pd.MultiIndex.from_frame(own)
    said = pd.MultiIndex.from_arrays([asked[found["query"].to_numpy()], found["building"].to_numpy()])
    return np.asarray(said.isin(truth))


def _fitted(parts: list[Examples], seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    features = pd.concat([part.features for part in parts])[list(FEATURES)].to_numpy(np.float32)
    true = np.concatenate([part.true for part in parts])
    rising = [1 if name in RISING else 0 for name in FEATURES]
    model = HistGradientBoostingClassifier(
        max_iter=150, max_leaf_nodes=24, learning_rate=0.1, min_samples_leaf=40, monotonic_cst=rising,
        l2_regularization=1.0, random_state=seed, early_stopping=False,
    )  # fmt: skip
    return model.fit(features, true)


def _best(estimator: Any, part: Examples, usual: float) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Of each address: share of the odds of its best candidate, whether it is right, and the distance to the second."""
    alive = pd.DataFrame({"query": part.query, "building": np.arange(len(part.query))})
    alive["probability"] = estimator.predict_proba(part.features[list(FEATURES)].to_numpy(np.float32))[:, 1]
    best = pairs.held_to_rivals(alive, part.missing.shift(usual))
    return best["share"].to_numpy(), part.true[best["building"].to_numpy()], best["gap"].to_numpy()


def _calibration(share: Floats, right: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Isotonic regression of right on share, as a line through the middles of its steps.

    So a higher share is a higher probability within a step too (Oron and Flournoy, 2017, "Centered isotonic
    regression").
    """
    from sklearn.isotonic import IsotonicRegression

    fitted = IsotonicRegression(y_min=0.0, y_max=0.999, out_of_bounds="clip").fit_transform(share, right)
    steps = pd.DataFrame({"share": share, "right": fitted}).groupby("right")["share"].mean()
    ends = pd.Series([0.0, 1.0], index=[steps.index[0], steps.index[-1]])
    every = pd.concat([ends.iloc[:1], steps, ends.iloc[1:]])
    return every.to_numpy(float), every.index.to_numpy(float)


def _thresholds(
    probability: Floats, gap: Floats, right: npt.NDArray[np.bool_]
) -> tuple[float, float, list[dict[Any, Any]]]:
    """The lowest cut at which the estimated precision is `PRECISE` and one at the edge is right with `MARGIN`."""
    rows = []
    for gap_from in (0.0, 0.2, 0.4, 0.6, 0.8):
        for cut in np.round(np.arange(0.5, 1.0, 0.01), 2):
            taken = (probability >= cut) & (gap >= gap_from)
            edge = taken & (probability < cut + 0.02)
            if taken.any():
                rows.append(
                    {
                        "link_from": float(cut),
                        "gap_from": gap_from,
                        "precision": float(right[taken].mean()),
                        "edge": float(right[edge].mean()) if edge.sum() >= 20 else 1.0,
                        "recall": float(right[taken].sum() / max(right.sum(), 1)),
                    }
                )
    curve = pd.DataFrame(rows)
    good = curve.loc[(curve["precision"] >= PRECISE) & (curve["edge"] >= MARGIN)]
    chosen = good.sort_values(["recall", "link_from"], ascending=[False, True]).iloc[0] if len(good) else curve.iloc[-1]
    return float(chosen["link_from"]), float(chosen["gap_from"]), curve.round(5).to_dict("records")


__all__ = ["Trained", "examples", "gazetteers_of", "save", "train"]
