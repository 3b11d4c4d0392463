"""May it happen in the state that things are in? Each rule asks (a sentence why not, or None); `require` stops.

Whether this person may at all is another question: see `permissions`. Rules of officers' work at a property, which
files and programs must keep as well, are in `pipelines.casework.rules`.
"""

from __future__ import annotations

from pipelines.core.errors import LodaError


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
