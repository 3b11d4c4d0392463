"""The models as a page shows them: which there are, which is used, what changed, and what has moved since training."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.hmo import features
from models.hmo import registry as models
from models.hmo.profiles import SCORE
from pipelines.core.ledger.models import ModelChange, ModelVersion
from schemas import registry

MOST_SHOWN = 50
STATUS_WORDS = {
    models.CHAMPION: "Champion: it scores every night",
    models.CHALLENGER: "Challenger: it waits for a decision",
    models.RETIRED: "Retired",
}
ACT_WORDS = {"first": "First model", "promote": "Promoted", "rollback": "Rolled back to"}


@dataclass(frozen=True)
class Listed:
    """One model in the list of all."""

    id: str
    as_of: date
    trained_at: datetime
    status: str
    promoted_by: str | None
    promoted_at: datetime | None
    promotion_reason: str | None


@dataclass(frozen=True)
class Overview:
    """The models, newest first, of them the champion and the newest challenger whole, and the changes, newest first."""

    listed: list[Listed]
    champion: ModelVersion | None
    challenger: ModelVersion | None
    changes: list[ModelChange]

    @property
    def challengers(self) -> list[Listed]:
        """Those that can be promoted."""
        return [own for own in self.listed if own.status == models.CHALLENGER]


def overview(session: Session) -> Overview:
    """What the models' page shows."""
    names = [getattr(ModelVersion, name) for name in Listed.__dataclass_fields__]
    newest = sa.select(*names).order_by(ModelVersion.trained_at.desc(), ModelVersion.id).limit(MOST_SHOWN)

    def one(status: str) -> ModelVersion | None:
        of_status = sa.select(ModelVersion).where(ModelVersion.status == status)
        return session.scalars(of_status.order_by(ModelVersion.trained_at.desc(), ModelVersion.id)).first()

    changes = session.scalars(sa.select(ModelChange).order_by(ModelChange.number.desc()).limit(MOST_SHOWN))
    listed = [Listed(*row) for row in session.execute(newest)]
    return Overview(listed, one(models.CHAMPION), one(models.CHALLENGER), list(changes))


def in_words(sentence: str) -> str:
    """A sentence about what moved, with the borough's name and figures called as people call them."""
    slug, _, told = sentence.partition(": ")
    name = registry.borough(slug).name if slug in registry.boroughs() else slug
    told = re.sub(rf"^({'|'.join(map(re.escape, (*features.NAMES, SCORE)))})\b", _figure, told)
    return f"{name}: {told}"


def _figure(found: re.Match[str]) -> str:
    return "the probability" if found[0] == SCORE else f"“{found[0].replace('_', ' ')}”"


def figures(model: ModelVersion) -> list[tuple[str, str]]:
    """What a model's own run recorded, a line each, the same lines for every model."""
    metrics: Mapping[str, Any] = model.metrics
    labels, left_out = metrics.get("labels") or {}, (metrics.get("left_out") or {}).get("visited_before") or {}
    return [
        ("Trained on what was known by", f"{model.as_of.day} {model.as_of:%B %Y}"),
        ("Known HMOs, by a visit or the register", _number(labels.get("hmos"))),
        ("Visits that found none", _number(labels.get("visits_that_found_none"))),
        ("Its lists, forwards in time", _list(metrics.get("lists_forward"))),
        ("Its lists of boroughs it never saw", _list(metrics.get("lists_left_out"))),
        ("Order of visited homes (1 is perfect, 0.5 chance)", str(left_out.get("auc", "–"))),
        (
            "Error of its probabilities (Brier score, 0 is best)",
            str((metrics.get("calibration") or {}).get("brier", "–")),
        ),
    ]


def _number(value: Any) -> str:
    return "–" if value is None else f"{value:,}"


def _list(report: Mapping[str, Any] | None) -> str:
    if not report:
        return "too little became known"
    own = report["rankers"]["model"]
    return (
        f"{own['found']:.0f} of {report['hmos_to_find']} HMOs in {report['places']} visits, {own['lift']} times chance"
    )
