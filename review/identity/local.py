"""The local sign-in: five ready people for a trial on one machine. No password, so never on a network."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from fastapi import Request

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood, PublishedList
from review.identity import sessions
from review.identity.addresses import from_this_machine
from review.identity.person import LONDON, ROLE_WORDS, Role
from review.settings import review_settings
from schemas import registry

THROUGH = "local"


@dataclass(frozen=True)
class Ready:
    """One of the ready people: a made-up name, a role and what it is for."""

    role: Role
    name: str
    does: str

    @property
    def title(self) -> str:
        """Name and role as the form shows them."""
        return f"{self.name}, {ROLE_WORDS[self.role]}"


PEOPLE = (
    Ready(Role.ANALYST, "Ama Example", "works the list: plans visits, records what they found"),
    Ready(Role.MANAGER, "Mark Example", "as the analyst, and takes in files of outcomes and gives out keys to the API"),
    Ready(Role.DATA_OFFICER, "Dina Example", "sends extracts, reads receipts, decides about held drops"),
    Ready(Role.ENGINEER, "Emil Example", "sees how the platform is, and makes a model the champion"),
    Ready(Role.GOVERNANCE, "Gwen Example", "reads the audit log and how the lists did, and ends sessions"),
)


def is_open(request: Request) -> bool:
    """Whether the local sign-in may be used: switched on, and asked for on this machine itself."""
    return review_settings().local_sign_in and from_this_machine(request)


def boroughs_with_data() -> list[str]:
    """Boroughs of which anything was taken in or listed, in order."""
    with transaction() as session:
        found = set(session.scalars(sa.select(LastGood.borough).distinct()))
        found |= set(session.scalars(sa.select(PublishedList.borough).distinct()))
    return sorted(found & set(registry.boroughs()))


def ready(role: str) -> Ready | None:
    """The ready person of a role's code; None where there is none."""
    return next((one for one in PEOPLE if one.role.value == role), None)


def sign_in(one: Ready) -> str:
    """Begin a session of a ready person; returns its secret.

    Engineers and governance leads are of the platform; the others are of the boroughs with data, or of all where
    there is none yet.
    """
    everywhere = one.role in (Role.ENGINEER, Role.GOVERNANCE)
    where = [LONDON] if everywhere else boroughs_with_data() or [LONDON]
    grants = {borough: [one.role.value] for borough in where}
    return sessions.begin(f"local:{one.role.value}", one.name, grants, THROUGH)
