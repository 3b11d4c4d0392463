"""May it happen in this state? Rules of officers' work at a property, which pages, files and programs keep alike.

Each rule asks: a sentence why not and what to do, or None; `require` stops. What a rule says is safe to show and to
log: it quotes no note, name or address.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import date, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.casework.words import Found, Kind, Method
from pipelines.core import clock
from pipelines.core.errors import LodaError
from pipelines.core.ledger.models import Erasure, PublishedList
from pipelines.core.ledger.officers import Outcome, Override
from pipelines.governance import access, keys
from pipelines.governance.subjects import UPRN
from schemas import registry

DATASET = "inspection"
FIRST_DAY = date(2000, 1, 1)
"""No visit of this work lies before it, as the contract `inspection` has it."""
LONGEST_NOTE, LONGEST_REASON, LONGEST_NAME = 2_000, 500, 120
LONGEST_OVERRIDE, FURTHEST_PLAN = 366, 366
"""Days ahead."""
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class NotAllowedNow(LodaError):
    """What was asked for cannot be in this state of things; the sentence says why and what to do."""


def require(refusal: str | None) -> None:
    """Stop where a rule gave a reason.

    Raises:
        NotAllowedNow: with that reason.
    """
    if refusal is not None:
        raise NotAllowedNow(refusal)


def tidy(text: str) -> str:
    """A text as it is kept: one kind of line end, no control characters, nothing round it."""
    return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def tidy_name(text: str) -> str:
    """A name on one line."""
    return " ".join(tidy(text).split())


def why_no_uprn(uprn: str) -> str | None:
    """A property is named by its UPRN."""
    if UPRN.fullmatch(uprn):
        return None
    return "That is no UPRN: it has up to 12 digits, and the first is not 0."


def why_not_kept(borough: str) -> str | None:
    """Whether an agreement lets what visits found be kept for this borough at all."""
    refusal = access.refusal(borough, DATASET, "hmo_detection")
    return None if refusal is None else f"{refusal} So nothing that visits found may be kept."


def why_erased(session: Session, uprn: str) -> str | None:
    """Nothing may be kept about a property whose records were erased."""
    tokens = set(session.scalars(sa.select(Erasure.token).where(Erasure.kind == "uprn")))
    if not tokens:
        return None
    secret = keys.present("erasure")
    if secret is None:
        return "The key by which erased properties are known is not there, so nothing can be saved; tell an engineer."
    if hmac.digest(secret, f"uprn|{uprn}".encode(), hashlib.sha256).hex() not in tokens:
        return None
    return "The records of this property were erased, so nothing may be kept about it."


def why_not_found(found: str) -> str | None:
    """What was found is one of the closed set."""
    if found in set(Found):
        return None
    return f"Say what was found: {', '.join(Found)}."


def why_not_method(method: str, found: str | None = None) -> str | None:
    """How it was found out is one of the closed set; who stayed at the desk was not turned away at a door."""
    if method not in set(Method):
        return f"Say how it was found out: {', '.join(Method)}."
    if method == Method.DESK and found in {Found.NO_ACCESS, Found.WRONG_ADDRESS}:
        return "A desk check goes to no door: choose a visit, or another finding."
    return None


def why_not_visited_on(day: date, since: date | None = None) -> str | None:
    """A visit is not in the future, and not before the day of the list that led to it (`since`)."""
    if day > clock.today():
        return "The day of the visit is in the future."
    if since is not None and day < since:
        return f"The day of the visit is before the list's day, {since.day} {since:%B %Y}. Was it another visit?"
    if day < FIRST_DAY:
        return f"The day of the visit is before {FIRST_DAY.year}."
    return None


def why_not_list(issued: PublishedList | None, borough: str) -> str | None:
    """The list that led to a visit is one of this borough's."""
    if issued is None or issued.borough != borough:
        return "There is no such list in this borough; leave the list out if none led there."
    return None


def why_not_note(note: str) -> str | None:
    """A note is short."""
    if len(note) <= LONGEST_NOTE:
        return None
    return f"The note has {len(note):,} letters; keep it to {LONGEST_NOTE:,}, and the rest in the case file."


def why_not_name(name: str, what: str = "the officer") -> str | None:
    """Somebody answers for it."""
    if not name:
        return f"Say who {what} is."
    return None if len(name) <= LONGEST_NAME else f"The name of {what} has more than {LONGEST_NAME} letters."


def why_not_corrected(outcome: Outcome) -> str | None:
    """Only what stands is corrected: what was corrected is history."""
    if outcome.superseded_at is None:
        return None
    return "This outcome was corrected before; correct the one that took its place."


def why_not_planned_for(day: date | None) -> str | None:
    """A visit is planned for today or later, within a year."""
    if day is None:
        return None
    if day < clock.today():
        return "The day that is planned has passed."
    if day > clock.today() + timedelta(days=FURTHEST_PLAN):
        return "Plan a day within a year."
    return None


def why_not_override(kind: str, reason: str, expires_on: date, standing: Override | None) -> str | None:
    """What outranks the list has a kind, a reason and an end within a year; a property has one at a time."""
    if kind not in set(Kind):
        return f"Say how the list is outranked: {', '.join(Kind)}."
    if not reason:
        return "Give the reason, for those who ask later."
    if len(reason) > LONGEST_REASON:
        return f"The reason has more than {LONGEST_REASON} letters; shorten it."
    if expires_on <= clock.today():
        return "The day on which it ends must lie in the future."
    if expires_on > clock.today() + timedelta(days=LONGEST_OVERRIDE):
        return "It must end within a year; it can be made anew then."
    if standing is not None:
        until = f"{standing.expires_on.day} {standing.expires_on:%B %Y}"
        return f"The list is outranked here until {until} already; end that first."
    return None


def why_not_ended(override: Override) -> str | None:
    """Only what holds can be ended."""
    if override.ended_at is not None:
        return "It was ended before."
    return "It has ended by itself on its day." if override.expires_on < clock.today() else None


def why_no_borough(borough: str) -> str | None:
    """There is such a borough."""
    return None if borough in registry.boroughs() else "There is no such borough."


NOT_IN_BOROUGH = "This property stood on no list of this borough and is not in its gazetteer: look the UPRN up again."
