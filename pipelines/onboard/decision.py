"""What becomes of the columns of one file: the decisions, and what they were drawn from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from pipelines.onboard.evidence import Fit
from pipelines.onboard.families import Family
from pipelines.onboard.headings import Said
from pipelines.onboard.profiles import Profile
from pipelines.onboard.words import Heading
from schemas import registry
from schemas.contract import Privacy


@dataclass
class Decision:
    """What becomes of one column: the field it feeds or why none, how strong that is, and whether to rely on it."""

    column: int
    field: str | None = None
    strength: float = 0.0
    sure: bool = False
    evidence: str = ""
    reason: str = ""
    privacy: Privacy = "none"
    doubts: list[str] = dataclasses.field(default_factory=list)

    def doubt(self, sentence: str) -> None:
        """Take back that it may be relied upon, and say why."""
        self.sure = False
        if sentence not in self.doubts:
            self.doubts.append(sentence)


@dataclass
class Assignment:
    """All decisions about a file for one dataset, in the order of its columns."""

    dataset: str
    headings: list[Heading]
    profiles: list[Profile]
    decisions: list[Decision]
    families: dict[str, Family]
    fits: dict[tuple[int, str], Fit]
    says: list[dict[str, Said]]
    scores: dict[tuple[int, str], float] = dataclasses.field(default_factory=dict)

    def is_coded(self, name: str) -> bool:
        """Whether a field of the dataset holds codes of a list."""
        return registry.contract(self.dataset).by_name[name].codes is not None

    def columns_of(self, name: str) -> list[int]:
        """Positions of the columns that feed a field."""
        return [d.column for d in self.decisions if d.field == name]

    def alternatives(self, column: int) -> list[str]:
        """Fields that a column could feed besides, the likeliest first."""
        mine = self.decisions[column].field
        scored = [(score, name) for (place, name), score in self.scores.items() if place == column and name != mine]
        return [name for score, name in sorted(scored, reverse=True) if score > 0.15][:4]
