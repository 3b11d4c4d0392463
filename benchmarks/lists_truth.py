"""One synthetic London's lists against its truth, which no part of the pipeline reads: prints JSON.

Run by `lists.py` with LODA_HOME set to a home in which the demo and a night were made. A hit is an HMO that needs a
licence on the day and does not hold the one it needs. Every ranker has the same homes (those that could be on a list:
no licence found, not outside licensing), the borough's capacity, and ties on average.
"""

from __future__ import annotations

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.hmo import baselines, estimator, examples, features, inputs, labels, learners, matrix, prior, splits
from models.hmo.capacities import capacity_of
from models.hmo.examples import Gathered
from models.hmo.train import fit, learnt_from
from models.learning.judge import at_capacity, expected_calibration_error
from pipelines.core.settings import settings
from pipelines.core.tables import LICENSING
from pipelines.governance import access

WITHOUT = ("wrong_type", "expired", "none")
ORACLE = {"max_iter": 300}


def main() -> None:
    """Gather, learn, and judge."""
    as_of = date.fromisoformat(sys.argv[1])
    boroughs = inputs.boroughs_with_data()
    dates = splits.history(as_of)
    gathered: list[Gathered] = []
    homes: dict[str, dict[str, Any]] = {}
    for own in inputs.read_evidence(boroughs):
        gathered.append(examples.gather(own, as_of, dates, len(boroughs)))
        homes[own.borough] = _homes(own, as_of)
    trained = fit(gathered, as_of)
    rows = learnt_from(gathered)
    fold = splits.folds(rows.borough, rows.hmo)
    of = dict(zip(rows.borough.tolist(), fold.tolist(), strict=True))
    everywhere = {name: learners.LEARNERS[name](rows) for name in ("ours", "naive", "unlabelled weigh little")}
    unseen = {n: {k: learners.LEARNERS[k](rows.take(fold != n)) for k in ("ours", "naive")} for n in set(of.values())}
    oracle = _oracle(homes, of)
    told = []
    for borough, home in homes.items():
        values = home["values"].astype(float)
        scores = {name: scorer(values) for name, scorer in everywhere.items()}
        scores |= {f"{name}, borough left out": scorer(values) for name, scorer in unseen[of[borough]].items()}
        scores["oracle, borough left out"] = estimator.raw_scores(oracle[of[borough]], values)
        scores |= {name: ranker(values) for name, ranker in baselines.BASELINES.items()}
        capacity = min(capacity_of(borough), len(values))
        found = {
            name: at_capacity(score, home["hit"].astype(float), capacity).expected for name, score in scores.items()
        }
        told.append({"borough": borough, "visits": capacity, "chance": float(home["hit"].mean()) * capacity, **found})
    print(json.dumps({"boroughs": told, **_levels(trained, homes, gathered)}))


def _homes(own: Any, as_of: date) -> dict[str, Any]:
    """Features and truth of the homes of one borough that could be on a list."""
    members, values = matrix.at(own.at(as_of))
    uprns = own.uprns[members]
    licensing = access.read_table("licensing", LICENSING, boroughs=[own.borough]).to_pandas().set_index("uprn")
    truth = pd.read_parquet(Path(settings().home) / "truth" / own.borough / "property.parquet")
    truth = truth.assign(uprn=truth["uprn"].astype(str)).set_index("uprn").reindex(uprns)
    assessed = licensing.reindex(uprns)
    listed = assessed["status"].isin(WITHOUT) & (assessed["needed"] != "none") & assessed["excluded_why"].isna()
    listed = listed.to_numpy(dtype=bool)
    hmo = truth["is_hmo"].fillna(False).to_numpy(dtype=bool)
    needs = truth["licensable"].fillna("none").ne("none").to_numpy(dtype=bool)
    holds = truth["licensed"].fillna(False).to_numpy(dtype=bool)
    return {
        "values": values[listed].astype(np.float32),
        "hit": (hmo & needs & ~holds)[listed],
        "hmo": hmo[listed],
        "hmos": int(hmo.sum()),
        "label": labels.labels_at(own, as_of)[members][listed],
    }


def _oracle(homes: dict[str, dict[str, Any]], of: dict[str, int]) -> dict[int, Any]:
    """Trees that are taught by the truth about every home of other boroughs: the most that these features can tell."""
    values = np.vstack([home["values"] for home in homes.values()])
    hit = np.concatenate([home["hit"] for home in homes.values()])
    fold = np.concatenate([np.full(len(home["hit"]), of[borough]) for borough, home in homes.items()])
    made = {}
    for number in sorted(set(of.values())):
        # Homes that are none outnumber hits a hundredfold: one in four, for four.
        kept = (fold != number) & (hit | (np.random.default_rng(number).random(len(hit)) < 0.25))
        weights = np.where(hit[kept], 1.0, 4.0)
        made[number] = estimator.fit(values[kept].astype(float), hit[kept], weights, features.NAMES)
    return made


def _levels(trained: Any, homes: dict[str, dict[str, Any]], gathered: list[Gathered]) -> dict[str, Any]:
    """Whether probabilities and the numbers of HMOs hold against the truth."""
    probability = np.concatenate(
        [trained.detector.probability(home["values"].astype(float)) for home in homes.values()]
    )
    hmo = np.concatenate([home["hmo"] for home in homes.values()])
    estimated = prior.estimate([part.counts for part in gathered])
    inside = [made.low * made.homes <= homes[made.borough]["hmos"] <= made.high * made.homes for made in estimated]
    ratio = sum(made.hmos for made in estimated) / sum(home["hmos"] for home in homes.values())
    return {
        "ece": expected_calibration_error(probability, hmo),
        "expected_hmos": float(probability.sum()),
        "true_hmos": int(hmo.sum()),
        "prior_inside": float(np.mean(inside)),
        "prior_ratio": ratio,
    }


if __name__ == "__main__":
    main()
