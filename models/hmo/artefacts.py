"""What lies beside a model file: its profiles, its card and its transparency record, all written by the run."""

from __future__ import annotations

import json

from models.hmo import atrs, card, profiles
from models.hmo.estimator import Detector
from models.hmo.examples import Gathered
from pipelines.core.bucket import Folder
from pipelines.core.ledger.models import ModelVersion

SCORED = 20_000
"""Homes of a borough whose scores are profiled: for tenths of them, chance moves a stability index by 0.0005."""


def profiled(gathered: list[Gathered], detector: Detector) -> profiles.Profiles:
    """What each borough's homes look like on the day of training, their scores by one home in so many."""
    homes = {part.borough: part.known.values for part in gathered if len(part.known.found)}
    some = {borough: own[:: -(-len(own) // SCORED)] for borough, own in homes.items()}
    scores = {borough: detector.probability(own) for borough, own in some.items()}
    return profiles.measure(detector.features, {borough: (own, scores[borough]) for borough, own in homes.items()})


def write_profiles(gathered: list[Gathered], detector: Detector, model_id: str) -> None:
    """Keep the profiles of a model for later nights to be held against."""
    profiles.write(profiled(gathered, detector), model_id)


def write_documents(made: ModelVersion, folder: Folder) -> list[str]:
    """Write `<model>.card.md`, `<model>.atrs.md` and `<model>.atrs.json` into a folder; returns their places."""
    record = atrs.record(made)
    texts = {
        "card.md": card.text(made),
        "atrs.md": atrs.as_markdown(record),
        "atrs.json": json.dumps(record, indent=2, ensure_ascii=False) + "\n",
    }
    paths = []
    for ending, text in texts.items():
        name = f"{made.id}.{ending}"
        folder.write_bytes(name, text.encode())
        paths.append(f"{folder.url}/{name}")
    return paths
