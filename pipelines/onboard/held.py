"""A drop that is held for its layout is answered with a proposed mapping, in the same night."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import Any

import sqlalchemy as sa

from pipelines.core.errors import ConfigurationError, LodaError, RefusedDrop
from pipelines.core.faults import place_of
from pipelines.core.hashing import code_version, hash_of
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus
from pipelines.core.types import StageResult
from pipelines.extracts import Extract, IntakeFiles, raw_extract
from pipelines.extracts.recognise import recognise
from pipelines.onboard.compose import Answers
from pipelines.onboard.proposal import Proposal
from pipelines.onboard.propose import NO_ANSWERS, propose
from schemas import registry
from schemas.mapping import Mapping

log = logging.getLogger(__name__)

FOR_ITS_LAYOUT = ("no_mapping", "layout_changed")
PROPOSAL = "proposal.json"

Rehearse = Callable[[Extract, Drop, Mapping], dict[str, int]]
"""Counts of what a night would make of a drop with a mapping: `rows`, `accepted`, `quarantined`."""


def propose_held(borough: str, rehearse: Rehearse | None = None) -> StageResult:
    """Write `proposal.json` beside the intake files of every drop of a borough that is held for its layout.

    A drop is looked at once; again when the borough's mappings, the contract or the code have
    changed since. A proposal that fails never stops the night: the receipt goes out without
    one. With `rehearse` the proposal says what the night would accept. Counts: `proposed`, `failed`.
    """
    counts = {"proposed": 0, "failed": 0}
    for drop in held_for_layout(borough):
        files = IntakeFiles(drop.id)
        made_from = hash_of([registry.rules_hash(drop.borough, drop.dataset), code_version()])
        if _made_from(files) == made_from:
            continue
        try:
            content = _proposed(drop, rehearse)
            counts["proposed"] += 1
        except Exception as error:  # noqa: BLE001 - whatever a strange file does to a proposal, the night goes on
            told = type(error).__name__ if isinstance(error, LodaError) else place_of(error)
            log.warning("no mapping could be proposed for drop %s: %s", drop.id, told)
            counts["failed"] += 1
            why = [str(error)] if isinstance(error, RefusedDrop) else []  # a sentence for the officer, without values
            content = {"dataset": drop.dataset, "columns": [], "changes": why, "yaml": None}
        _write(files, {"made_from": made_from, **content})
    done = counts["proposed"]
    sentence = f"{done} mappings proposed" if done else "nothing new"
    return StageResult("propose", borough, "made" if done else "unchanged", sentence, dict(counts))


def held_for_layout(borough: str) -> list[Drop]:
    """Drops of a borough that are held because no layout fits them."""
    with transaction() as session:
        return list(
            session.scalars(
                sa.select(Drop)
                .where(
                    Drop.borough == borough,
                    Drop.status == DropStatus.HELD.value,
                    Drop.reason.in_(FOR_ITS_LAYOUT),
                )
                .order_by(Drop.received_at, Drop.id)
            )
        )


def known_layouts(borough: str, dataset: str | None) -> list[Mapping]:
    """The borough's own layouts of a dataset, or of all; none where a mapping file is faulty."""
    wanted = [dataset] if dataset is not None else list(registry.contracts())
    found: list[Mapping] = []
    for name in wanted:
        try:
            found += registry.mappings(borough, name)
        except ConfigurationError:
            continue
    return found


def proposal_of(drop: Drop, answers: Answers = NO_ANSWERS) -> Proposal:
    """The proposal for one drop, from its raw bytes and what a person has said about them.

    A layout that drifted is changed as little as possible, which leaves no room for some answers; then it is proposed
    as a layout of its own.

    Raises:
        NotFound: an answer names a field that the dataset does not have.
        RefusedDrop: the file cannot be read at all.
    """
    recognised = recognise(raw_extract(drop))

    def proposed(known: Sequence[Mapping]) -> Proposal:
        return propose(
            recognised,
            borough=drop.borough,
            dataset=drop.dataset,
            known=known,
            file_name=PurePosixPath(drop.path).name,
            answers=answers,
        )

    made = proposed(known_layouts(drop.borough, drop.dataset))
    if made.known_layout is None and unheard(made, answers):
        return proposed(())
    return made


def unheard(made: Proposal, answers: Answers) -> list[str]:
    """Columns of which a proposal does not say what a person has said."""
    said = {column.column: column.field for column in made.columns}
    return [name for name, wanted in answers.columns.items() if name in said and said[name] != wanted]


def _proposed(drop: Drop, rehearse: Rehearse | None) -> dict[str, Any]:
    made = proposal_of(drop)
    content: dict[str, Any] = {
        "dataset": made.dataset,
        "columns": [column.as_dict() for column in made.columns],
        "changes": [*made.changes, *made.missing],
        "yaml": made.yaml_text() if made.known_layout is None else None,
        "usable": made.usable,
        "questions": [question.as_dict() for question in made.questions],
    }
    if rehearse is not None and made.usable:
        content |= rehearse(raw_extract(drop), drop, made.as_mapping())
    return content


def _made_from(files: IntakeFiles) -> str | None:
    if not files.folder.exists(PROPOSAL):
        return None
    with files.folder.read(PROPOSAL) as handle:
        found: dict[str, Any] = json.loads(handle.read())
    return found.get("made_from")


def _write(files: IntakeFiles, content: dict[str, Any]) -> None:
    files.folder.write_bytes(PROPOSAL, json.dumps(content, ensure_ascii=False, indent=1).encode())
