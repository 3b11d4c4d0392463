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
