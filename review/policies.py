"""May it happen in the state that things are in? Each rule asks (a sentence why not, or None); `require` stops.

Whether this person may at all is another question: see `permissions`. Rules of officers' work at a property, which
files and programs must keep as well, are in `pipelines.casework.rules`.
"""

from __future__ import annotations

from models.hmo import judge
from models.hmo import registry as models
from pipelines.core.errors import LodaError
from pipelines.core.ledger.models import ModelVersion


class NotNow(LodaError):
    """Something that the person may do, but not in this state; the sentence says why and what to do."""


def require(refusal: str | None) -> None:
    """Stop where a rule gave a reason.

    Raises:
        NotNow: with that reason.
    """
    if refusal is not None:
        raise NotNow(refusal)


PATIENCE = 5.0
"""Seconds that a page waits for a night that works on the same data."""

NIGHT_AT_WORK = (
    "The night is working on this borough's data at the moment, so nothing was changed. Try again in a few minutes."
)
LONGEST_REASON = 500


def why_not_reason(reason: str) -> str | None:
    """Why a reason cannot be kept as it is."""
    if not reason:
        return "Give the reason, for those who ask later."
    if len(reason) > LONGEST_REASON:
        return f"The reason has {len(reason):,} letters; give it in at most {LONGEST_REASON}."
    return None


KNOWN_LAYOUT = "This layout has been confirmed already; the next night reads the file by it."

NO_LONGER_WAITS = (
    "This address does not wait for a decision any more: the night has linked anew since. Go on with the next."
)


def why_not_note(note: str, longest: int) -> str | None:
    """Why a note cannot be kept as it is."""
    return f"The note has {len(note):,} letters; shorten it to {longest}." if len(note) > longest else None


DECIDED_MEANWHILE = (
    "Somebody else decided otherwise about this address while it was on your screen, so yours was not saved. "
    "See what was decided, and decide anew if you still think otherwise."
)
NO_UPRN = "Enter a UPRN: up to 12 digits, the first not 0."


# --- which model is used ---


def why_not_shown(shown: str, champion: ModelVersion | None) -> str | None:
    """Why a decision that was made before another champion cannot be taken; `shown` is empty where there was none."""
    if shown == (champion.id if champion else ""):
        return None
    told = (
        f"{champion.id} was made the champion by {champion.promoted_by}" if champion else "the champion was taken away"
    )
    return f"Meanwhile {told}. Nothing was changed: look at the models anew and decide again."


def why_not_promote(model: ModelVersion, shown: str, champion: ModelVersion | None) -> str | None:
    """Why a model cannot be made the champion now."""
    refusal = why_not_shown(shown, champion)
    if refusal is not None:
        return refusal
    if model.status == models.CHAMPION:
        return f"{model.id} is the champion already."
    if model.status != models.CHALLENGER:
        return (
            f"{model.id} is retired. Only a challenger is promoted here; roll back to go back to an earlier champion."
        )
    return why_not_usable(model)


def why_not_roll_back(to: str, shown: str, goes_back_to: str | None, champion: ModelVersion | None) -> str | None:
    """Why the champion before this one cannot be brought back now."""
    refusal = why_not_shown(shown, champion)
    if refusal is not None:
        return refusal
    if goes_back_to is None:
        return "There is no champion before this one to go back to."
    if to != goes_back_to:
        return f"A rollback leads to {goes_back_to} by now. Nothing was changed: look at the models anew."
    return None


def why_not_usable(model: ModelVersion) -> str | None:
    """Why a model cannot score: its file is gone or another, or it asks for figures that are not made any more."""
    try:
        judge.detector_of(model)
    except LodaError as error:
        return str(error)
    return None


def why_not_compare(model: ModelVersion, champion: ModelVersion | None) -> str | None:
    """Why a model cannot be held against the champion."""
    if champion is None:
        return "There is no champion to hold it against."
    return f"{model.id} is the champion itself; choose another model." if model.id == champion.id else None
