"""May this person? One table of roles and actions, asked in one place.

Whether something may happen in the state that things are in is another question: see `policies`.
"""

from __future__ import annotations

from enum import StrEnum

from pipelines.core.errors import LodaError, NotFound
from pipelines.governance import access
from review.identity.person import IN_AGREEMENTS, LONDON, ROLE_WORDS, Person, Role
from schemas import registry
from schemas.agreement import GRAINS, Grain
from schemas.agreement import Role as AgreementRole


class Action(StrEnum):
    """What a route lets somebody do. Every route names one; the table below says who may."""

    OPEN = "read what anybody may read"
    SIGNED_IN = "use a page of their own"
    SEE_LIST = "see the list"
    EXPORT_LIST = "export the list"
    SEE_PROPERTY = "see a property"
    PLAN_VISIT = "plan a visit"
    RECORD_OUTCOME = "record what a visit found"
    OVERRIDE = "outrank the list at a property"
    IMPORT_OUTCOMES = "take in a file of outcomes"
    SEE_LANDLORD = "see a landlord"
    SEE_PERFORMANCE = "see how the lists did"
    SEE_MODEL = "read about the model"
    PROMOTE_MODEL = "make a model the champion"
    SEE_INTAKE = "see drops and receipts"
    CHECK_EXTRACT = "check a file"
    UPLOAD_EXTRACT = "drop a file"
    DECIDE_DROP = "release or refuse a held drop"
    CONFIRM_MAPPING = "confirm a proposed mapping"
    SEE_LINKS = "see addresses that wait for a decision"
    DECIDE_LINK = "decide which property a record is about"
    SEE_AUDIT = "read the audit log"
    SEE_HEALTH = "see how the platform is"
    MANAGE_TOKENS = "give out keys to the API"
    END_SESSIONS = "end other people's sessions"


_ANALYST = frozenset(
    {
        Action.SEE_LIST,
        Action.EXPORT_LIST,
        Action.SEE_PROPERTY,
        Action.PLAN_VISIT,
        Action.RECORD_OUTCOME,
        Action.OVERRIDE,
        Action.SEE_LANDLORD,
        Action.SEE_PERFORMANCE,
        Action.SEE_MODEL,
        Action.SEE_LINKS,
        Action.DECIDE_LINK,
    }
)
MAY: dict[Role, frozenset[Action]] = {
    Role.ANALYST: _ANALYST,
    Role.MANAGER: _ANALYST | {Action.IMPORT_OUTCOMES, Action.MANAGE_TOKENS},
    Role.DATA_OFFICER: frozenset(
        {
            Action.SEE_INTAKE,
            Action.CHECK_EXTRACT,
            Action.UPLOAD_EXTRACT,
            Action.DECIDE_DROP,
            Action.CONFIRM_MAPPING,
            Action.SEE_LINKS,
            Action.DECIDE_LINK,
            Action.SEE_MODEL,
        }
    ),
    Role.ENGINEER: frozenset(
        {Action.SEE_HEALTH, Action.SEE_INTAKE, Action.SEE_MODEL, Action.PROMOTE_MODEL, Action.SEE_PERFORMANCE}
    ),
    Role.GOVERNANCE: frozenset(
        {Action.SEE_AUDIT, Action.SEE_MODEL, Action.SEE_PERFORMANCE, Action.SEE_INTAKE, Action.END_SESSIONS}
    ),
}
"""Who may what, within the boroughs that they were granted."""

OF_THE_PLATFORM = frozenset({Action.SEE_HEALTH, Action.PROMOTE_MODEL, Action.END_SESSIONS})
"""What is about all boroughs at once: a role in one borough does not do."""

COUNTS_ALONE = frozenset({Role.ENGINEER, Role.GOVERNANCE})
"""Whose work needs no cell of an extract, whatever agreements would let them see."""

WRITTEN_IN_URL = "borough"
"""The name of the path parameter that says which borough a route is about."""


class NotSignedIn(LodaError):
    """Nobody is signed in, or the session has ended."""


class NotAllowed(LodaError):
    """The person is known and the borough is theirs, but not this action."""


def why_not(person: Person | None, action: Action, borough: str | None = None) -> LodaError | None:
    """Why somebody may not, as the error to raise; None where they may.

    Of a borough that is not theirs nothing is said, not even whether there is such a place: `NotFound`.
    """
    if action is Action.OPEN:
        return None
    if person is None:
        return NotSignedIn("Sign in to go on.")
    if borough is not None and (borough not in registry.boroughs() or not person.roles_in(borough)):
        return NotFound("There is no such page.")
    if action is Action.SIGNED_IN:
        return None
    where = LONDON if action in OF_THE_PLATFORM else borough
    if any(action in MAY[role] for role in person.roles_in(where)):
        return None
    roles = " and ".join(sorted(ROLE_WORDS[role] for role in person.roles_in(borough))) or "somebody without a role"
    return NotAllowed(f"As {roles} you may not {action.value} here. If that is wrong, ask your borough's manager.")


def may(person: Person | None, action: Action, borough: str | None = None) -> bool:
    """Whether somebody may, for pages that show or hide what leads there."""
    return why_not(person, action, borough) is None


def require(person: Person | None, action: Action, borough: str | None = None) -> None:
    """Let through or stop.

    Raises:
        NotSignedIn: nobody is signed in.
        NotFound: the borough is not theirs, or is none.
        NotAllowed: their role does not let them.
    """
    refusal = why_not(person, action, borough)
    if refusal is not None:
        raise refusal


def boroughs_of(person: Person, action: Action) -> list[str]:
    """Boroughs in which somebody may do something, in order."""
    return sorted(slug for slug in registry.boroughs() if may(person, action, slug))


def role_for(person: Person, borough: str, dataset: str, finest: Grain) -> AgreementRole | None:
    """The role of somebody's under which agreements let them see a dataset at such a grain or finer; None without."""
    for role in sorted(person.roles_in(borough) - COUNTS_ALONE):
        seen = access.grain(IN_AGREEMENTS[role], borough, dataset, "hmo_detection")
        if seen is not None and GRAINS.index(seen) <= GRAINS.index(finest):
            return IN_AGREEMENTS[role]
    return None


def why_not_rows(person: Person, borough: str, dataset: str, finest: Grain) -> str | None:
    """Why somebody may not see a dataset at such a grain, in a sentence; None where they may."""
    if role_for(person, borough, dataset, finest) is not None:
        return None
    roles = " and ".join(sorted(ROLE_WORDS[role] for role in person.roles_in(borough))) or "somebody without a role"
    title = registry.contracts()[dataset].title if dataset in registry.contracts() else dataset
    if not person.roles_in(borough) - COUNTS_ALONE:
        return f"As {roles} you see counts, and no cells of anybody's extract."
    what = "single rows" if finest == "record" else "cells"
    return f"As {roles} you see no {what} of {registry.borough(borough).name}'s {title}: no agreement lets you."
