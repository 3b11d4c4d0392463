"""A person who is signed in, or a program with a token, and what they were granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.agreement import Role as AgreementRole

LONDON = "london"
"""In place of a borough: every borough, and what belongs to the platform as a whole."""


class Role(StrEnum):
    """What somebody does at work, as the identity provider names it."""

    ANALYST = "analyst"
    MANAGER = "manager"
    DATA_OFFICER = "data_officer"
    ENGINEER = "engineer"
    GOVERNANCE = "governance"


ROLE_WORDS = {
    Role.ANALYST: "housing analyst",
    Role.MANAGER: "enforcement manager",
    Role.DATA_OFFICER: "data officer",
    Role.ENGINEER: "data engineer",
    Role.GOVERNANCE: "information-governance lead",
}

IN_AGREEMENTS: dict[Role, AgreementRole] = {
    Role.ANALYST: "analyst",
    Role.MANAGER: "analyst",
    Role.DATA_OFFICER: "data_officer",
    Role.ENGINEER: "engineer",
    Role.GOVERNANCE: "ig_lead",
}
"""The role under which agreements say what somebody may see."""


@dataclass(frozen=True)
class Person:
    """Somebody signed in. `grants` are roles by borough slug, `LONDON` for all; `key` is of one session."""

    subject: str
    name: str
    grants: Mapping[str, frozenset[Role]]
    key: str
    through: str = "oidc"

    def roles_in(self, borough: str | None) -> frozenset[Role]:
        """Roles for a borough, those for all of London among them; without a borough every role held anywhere."""
        if borough is None:
            return frozenset(role for roles in self.grants.values() for role in roles)
        return self.grants.get(borough, frozenset()) | self.grants.get(LONDON, frozenset())

    def in_agreements(self, borough: str) -> tuple[AgreementRole, ...]:
        """The roles under which agreements let this person see a borough's data."""
        return tuple(sorted({IN_AGREEMENTS[role] for role in self.roles_in(borough)}))

    @property
    def who(self) -> str:
        """How the audit log names them."""
        return f"{self.name} ({self.subject})"[:120]
