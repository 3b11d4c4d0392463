"""One best assignment of a file's columns to a dataset's fields, and how far each may be relied upon."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.onboard.classify import classify
from pipelines.onboard.crosscheck import check_order
from pipelines.onboard.decision import Assignment, Decision
from pipelines.onboard.families import find_families
from pipelines.onboard.headings import Knowledge
from pipelines.onboard.ignore import ignore_the_rest
from pipelines.onboard.pieces import find_pieces
from pipelines.onboard.place_columns import place_columns
from pipelines.onboard.place_families import place_families
from pipelines.onboard.profiles import Profile
from pipelines.onboard.words import read
from schemas import registry


def assign(profiles: Sequence[Profile], dataset: str, known: Knowledge) -> Assignment:
    """Assign the columns of a file to the fields of a dataset."""
    contract = registry.contract(dataset)
    headings = [read(profile.name) for profile in profiles]
    pieces = find_pieces(headings, profiles, dataset, known)
    made = Assignment(
        dataset, headings, list(profiles), [Decision(n) for n in range(len(profiles))], {}, {},
        [known.says(heading, dataset) for heading in headings],
    )  # fmt: skip
    families = find_families(pieces, profiles, dataset)
    place_families(made, families, pieces, contract)
    settled = {d.column for d in made.decisions if d.field is not None} | set(pieces)
    place_columns(made, [n for n in range(len(profiles)) if n not in settled], contract, known)
    ignore_the_rest(made, pieces, families, known, contract)
    check_order(made)
    classify(made, pieces, contract)
    return made
