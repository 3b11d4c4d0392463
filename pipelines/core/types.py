"""Small frozen types that pass between stages."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["made", "unchanged", "skipped"]


@dataclass(frozen=True)
class StageResult:
    """What a stage did for one borough ("london" for all): counts and a sentence, never rows.

    `unchanged` means that the inputs were those of last time; `skipped` that there was
    nothing to work on, and the sentence says why.
    """

    stage: str
    borough: str
    outcome: Outcome
    sentence: str
    counts: dict[str, float] = field(default_factory=dict)
