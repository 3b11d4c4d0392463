"""A proposed mapping: what each column becomes, how sure that is and why, what to ask, what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pipelines.core.errors import ConfigurationError
from pipelines.onboard.compose import Answers, Draft
from pipelines.onboard.written import as_yaml
from schemas import registry
from schemas.contract import Privacy
from schemas.mapping import Mapping

SURE_FROM = 0.9
"""Confidence of what may be relied upon is this or more, of what is in doubt below one half; nothing lies between."""
ASK_BELOW = 0.5
CODES_SHOWN = 40


@dataclass(frozen=True)
class ColumnProposal:
    """What becomes of one column of the file.

    `field` is None for a column that is ignored, and `reason` then says why. `confidence` is
    between 0 and 1; `sure` is false where a person should look. `evidence` says why in words
    and quotes no value.
    """

    column: str
    field: str | None
    confidence: float
    evidence: str
    sure: bool
    privacy: Privacy
    reason: str = ""
    alternatives: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The proposal of this column for a program."""
        return {
            "column": self.column,
            "field": self.field,
            "confidence": self.confidence,
            "sure": self.sure,
            "evidence": self.evidence,
            "privacy": self.privacy,
            **({"reason": self.reason} if self.reason else {}),
        }


@dataclass(frozen=True)
class Question:
    """One thing to ask a person: about the `dataset`, a `column`, a `code` of a field, a `constant` or the `dates`.

    `options` are what may be answered, each with what it means; `guess` is the answer that
    holds until a person gives another.
    """

    kind: str
    about: str
    text: str
    options: tuple[tuple[str, str], ...]
    guess: str | None = None
    field: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The question for a program."""
        return {
            "kind": self.kind,
            "about": self.about,
            "question": self.text,
            "options": [option for option, _ in self.options],
            "guess": self.guess,
            **({"field": self.field} if self.field else {}),
        }


@dataclass(frozen=True)
class Proposal:
    """A mapping for a file in a layout that nobody had described, as far as the file itself tells.

    `mapping` is the content of the YAML; `missing` says in sentences what keeps it from being
    used, `changes` what differs from the borough's known layout, `known_layout` names the
    layout that the file fits already.
    """

    borough: str
    dataset: str
    dataset_confidence: float
    dataset_evidence: str
    columns: tuple[ColumnProposal, ...]
    mapping: dict[str, Any]
    questions: tuple[Question, ...] = ()
    missing: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    system: str | None = None
    known_layout: str | None = None
    remarks: dict[str, str] = field(default_factory=dict, repr=False)
    unsure: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    open_codes: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)

    @property
    def usable(self) -> bool:
        """Whether the mapping could be used as it is."""
        return not self.faults

    @property
    def faults(self) -> tuple[str, ...]:
        """Why the mapping cannot be used as it is, in sentences."""
        if self.missing:
            return self.missing
        try:
            self.as_mapping()
        except ConfigurationError as error:
            return (str(error),)
        return ()

    def as_mapping(self, name: str | None = None) -> Mapping:
        """The mapping as the night would read it.

        Raises:
            ConfigurationError: it is not sound; the sentence says why.
        """
        if self.known_layout is not None:
            return next(m for m in registry.mappings(self.borough, self.dataset) if m.name == self.known_layout)
        return registry.mapping_of(self.mapping, self.borough, self.dataset, name or self.dataset)

    def yaml_text(self) -> str:
        """The mapping as an editable file; what is not certain is marked `UNSURE` in comments."""
        return as_yaml(self)

    def as_dict(self) -> dict[str, Any]:
        """The proposal for a program."""
        return {
            "borough": self.borough,
            "dataset": self.dataset,
            "dataset_confidence": self.dataset_confidence,
            "dataset_evidence": self.dataset_evidence,
            "system": self.system,
            "known_layout": self.known_layout,
            "columns": [column.as_dict() for column in self.columns],
            "missing": list(self.missing),
            "changes": list(self.changes),
            "questions": [question.as_dict() for question in self.questions],
            "notes": list(self.notes),
        }


def confidence(strength: float, *, sure: bool) -> float:
    """Strength of the evidence as a confidence: from 0.9 for what is reliable, below 0.5 for what is in doubt."""
    strength = min(max(strength, 0.0), 1.0)
    if sure:
        return round(SURE_FROM + 0.09 * strength, 2)
    return round(0.1 + (ASK_BELOW - 0.11) * strength, 2)


def questions_of(
    columns: Sequence[ColumnProposal],
    draft: Draft,
    dataset: str,
    candidates: Sequence[tuple[str, str]],
    answers: Answers,
) -> tuple[Question, ...]:
    """What to ask, the weightiest first: the dataset, missing codes, columns in doubt, codes, dates."""
    contract = registry.contract(dataset)
    asked: list[Question] = []
    if candidates:
        told = " or ".join(title for _, title in candidates[:2])
        asked.append(
            Question("dataset", "file", f"Which dataset does the file hold: {told}?", tuple(candidates), dataset)
        )
    for name in [n for n in draft.missing if contract.by_name[n].codes is not None]:
        target = contract.by_name[name]
        asked.append(
            Question("constant", name, f"No column says '{target.title}'. What is it for every row of this file?",
                     tuple((target.codes or {}).items()), None, name)
        )  # fmt: skip
    asked.extend(
        _about_column(column, dataset) for column in columns if not column.sure and column.column not in answers.columns
    )
    for name, codes in draft.open_codes.items():
        target = contract.by_name[name]
        for code in codes[:CODES_SHOWN]:
            text = f"What does the code '{code}' of '{target.title}' mean?"
            asked.append(Question("code", code, text, tuple((target.codes or {}).items()), None, name))
    if draft.day_month:
        titles = " and ".join(f"'{contract.by_name[name].title}'" for name in draft.day_month[:3])
        asked.append(
            Question("dates", ", ".join(draft.day_month),
                     f"In {titles} no value tells day from month. Which comes first?",
                     (("day", "03/04 is the third of April"), ("month", "03/04 is the fourth of March")), "day")
        )  # fmt: skip
    return tuple(asked)


def _about_column(column: ColumnProposal, dataset: str) -> Question:
    contract = registry.contract(dataset)
    names = [n for n in (column.field, *column.alternatives) if n is not None]
    options = [(name, contract.by_name[name].description) for name in dict.fromkeys(names)]
    options.append(("ignore", "no field wants it"))
    return Question(
        "column",
        column.column,
        f"What stands in the column '{column.column}'? {column.evidence}",
        tuple(options),
        column.field or "ignore",
    )


def layout_name(borough: str, dataset: str, file_name: str, text: str) -> str:
    """A name for a layout that no other layout of the borough's dataset has, unless that is the very same text."""
    folders = registry.mapping_folders()
    taken = {path.stem: path for folder in folders for path in (folder / borough).glob(f"{dataset}*.yaml")}
    slug = plain_slug(PurePosixPath(file_name).stem)
    names = [dataset, f"{dataset}.{slug}", *(f"{dataset}.{slug}-{number}" for number in range(2, 1000))]
    for name in names:
        if name not in taken or taken[name].read_text(encoding="utf-8") == text:
            return name
    raise ConfigurationError(
        f"'{borough}' has a thousand layouts of {dataset} from files of one name; tidy them up first."
    )


def plain_slug(text: str) -> str:
    """A file's name as the name of a layout: small letters, digits and hyphens; dates taken out."""
    text = re.sub(r"\d{4}-\d{2}-\d{2}|\d{2}-\d{2}-\d{4}|\d{6,8}", " ", text.lower())
    words = re.findall(r"[a-z]+|\d{1,3}", text)
    return "-".join(words)[:40].strip("-") or "layout"
