"""Which dataset a file holds, told by its headings, its codes and its name, with how sure that is."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from pipelines.onboard.assign import assign
from pipelines.onboard.dates import days
from pipelines.onboard.decision import Assignment
from pipelines.onboard.headings import Knowledge
from pipelines.onboard.pieces import PART_FIELDS
from pipelines.onboard.profiles import Profile
from pipelines.onboard.words import content, read
from schemas import registry

BY_NAME = 1.1
"""What a dataset's own words in the file's name or sheet are worth, in fields."""
MISSING = 0.9
TOLD_BY_EVERY_ROW = frozenset(
    {"application_kind", "application_status", "social_landlord", "scheme_type", "covers_ward", "access"}
)
"""Required fields that are often the same for a whole file, so that their want says little."""
A_KEY = 0.6
"""What a UPRN in every row, never the same twice, says for a gazetteer, in fields."""
APPLIED = 0.4
"""What words of an application say against a register, in fields."""
OF_A_FORM = frozenset({"application", "applicant", "your"})
"""Words that a register of licences seldom has, and a form or a list of applications nearly always."""
EXEMPTIONS = 1.6
"""What licences of three months say, in fields."""
WIDE = 120
WARMTH = 0.55
RELIED_UPON = 0.9


@dataclass(frozen=True)
class Dataset:
    """The dataset a file seems to hold: its name, how sure that is (0 to 1), the evidence in words, the runner-up."""

    name: str
    confidence: float
    evidence: str
    second: str | None
    assignment: Assignment

    @property
    def sure(self) -> bool:
        """Whether it may be relied upon without asking."""
        return self.confidence >= RELIED_UPON


def recognise_dataset(profiles: Sequence[Profile], known: Knowledge, file_name: str = "", sheet: str = "") -> Dataset:
    """The dataset whose fields the columns fit best, each dataset tried in full."""
    looked = _worth_a_look(profiles, known)
    tried = {name: assign(looked, name, known) for name in registry.contracts()}
    hints = _hints(file_name, sheet)
    scores = {name: _score(made) + hints.get(name, 0.0) for name, made in tried.items()}
    if _is_of_exemptions(tried["hmo_licence"]):
        scores["licence_application"] += EXEMPTIONS
        scores["hmo_licence"] -= EXEMPTIONS
    if any(read(profile.name).set & OF_A_FORM for profile in looked):
        scores["hmo_licence"] -= APPLIED
    order = sorted(scores, key=lambda name: -scores[name])
    best, second = order[0], order[1]
    weights = {name: math.exp((scores[name] - scores[best]) / WARMTH) for name in order}
    confidence = weights[best] / sum(weights.values())
    if scores[best] < 1.2:
        confidence *= max(scores[best], 0.0) / 1.2  # hardly any field was found: then the best is not good either
    made = tried[best] if len(looked) == len(profiles) else assign(profiles, best, known)
    return Dataset(best, round(confidence, 3), _evidence(tried[best], best, hints), second, made)


def _worth_a_look(profiles: Sequence[Profile], known: Knowledge) -> Sequence[Profile]:
    """All columns; of a very wide file those whose headings say something."""
    if len(profiles) <= WIDE:
        return profiles
    said = [p for p in profiles if any(known.says(read(p.name), name) for name in registry.contracts())]
    return (said or list(profiles))[:WIDE]


def _is_of_exemptions(register: Assignment) -> bool:
    """Whether the licences of what looks like a register last three months, as temporary exemptions do (s.62)."""
    start, end = register.columns_of("commencement_date"), register.columns_of("expiry_date")
    if len(start) != 1 or len(end) != 1:
        return False
    first, last = (_moments(register, column[0]) for column in (start, end))
    length = (last - first).dt.days.dropna()
    return len(length) >= 3 and bool(length.between(70, 110).mean() > 0.8)


def _moments(made: Assignment, column: int) -> pd.Series:
    profile = made.profiles[column]
    return days(profile.texts.to_pandas(), profile.dates)


def _hints(file_name: str, sheet: str) -> dict[str, float]:
    """Datasets whose words stand in the file's name or the sheet's; the longest words count alone."""
    stem = PurePosixPath(file_name).stem
    found: dict[str, int] = {}
    raw: Any = content()["datasets"]
    for text in (stem, sheet):
        words = re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text).lower())
        line = f" {' '.join(words)} "
        for name, ways in raw.items():
            for way in ways:
                if f" {way} " in line:
                    found[name] = max(found.get(name, 0), len(way))
    longest = max(found.values(), default=0)
    return {name: BY_NAME * (1.0 if length == longest else 0.4) for name, length in found.items()}


@lru_cache(maxsize=1)
def _shared() -> Counter[str]:
    return Counter(field.name for contract in registry.contracts().values() for field in contract.fields)


def _score(made: Assignment) -> float:
    contract = registry.contract(made.dataset)
    total = 0.0
    fed: dict[str, float] = {}
    for decision in made.decisions:
        if decision.field is not None:
            worth = decision.strength * (1.0 if decision.sure else 0.55)
            fed[decision.field] = max(fed.get(decision.field, 0.0), worth)
        elif decision.reason in {"not known", "not understood"}:
            total -= 0.12
    for name, worth in fed.items():
        total += min(worth, 1.0) * _weight(made, name)
    if len(contract.key) == 1 and "uprn" in contract.key and fed.get("uprn"):
        profile = made.profiles[made.columns_of("uprn")[0]]
        total += A_KEY if profile.unique_share > 0.98 and profile.filled_share > 0.95 else 0.0
    for name in contract.required:
        if name not in fed:
            total -= MISSING * (0.45 if name in TOLD_BY_EVERY_ROW else 1.0)
    return total


def _weight(made: Assignment, name: str) -> float:
    """How much a field tells one dataset from the others."""
    target = registry.contract(made.dataset).by_name[name]
    weight = 1.0 / _shared()[name]
    if name in PART_FIELDS:
        weight *= 0.4  # every dataset may come with its addresses in parts
    columns = made.columns_of(name)
    found = made.fits.get((columns[0], name)) if len(columns) == 1 else None
    if target.codes is not None:
        weight *= 1.5 if found is not None and found.codes.share > 0.8 and found.codes.distinct > 1 else 0.7
    elif target.type == "date" or name.endswith("_ref"):
        said = made.says[columns[0]].get(name) if columns else None
        weight *= 0.8 if said is not None and said.outright else 0.35
    return weight


def _evidence(made: Assignment, name: str, hints: dict[str, float]) -> str:
    contract = registry.contract(name)
    telling = sorted(
        {d.field for d in made.decisions if d.field and d.sure},
        key=lambda field: (_shared()[field], -_weight(made, field)),
    )
    titles = [contract.by_name[field].title.lower() for field in telling[:4]]
    said = f"It has columns for {', '.join(titles)}" if titles else "Hardly any column is known"
    return said + (", and its name says so." if name in hints else ".")
