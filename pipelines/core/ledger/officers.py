"""The ledger's tables of officers' work: who may sign in, what they plan, what visits found, where they overrule."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pipelines.core.ledger.models import Base


class PropertyCase(Base):
    """What officers have under way at one property: who goes there and when, and how urgent they hold it.

    `version` rises with every write to the property (outcome, plan, override): who writes names the version that was
    on the page, so that of two officers the second is told. A property that nobody has touched has no row and is 0.
    """

    __tablename__ = "loda_property_case"

    borough: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    uprn: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    version: Mapped[int] = mapped_column(default=0)
    assigned_to: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    planned_for: Mapped[date | None]
    changed_by: Mapped[str] = mapped_column(sa.String(120))
    changed_at: Mapped[datetime]


class Outcome(Base):
    """What a visit found, as an officer recorded it. Never changed: a correction is a row of its own.

    `found` is a code of `pipelines.casework.outcomes.Found`; `attempt` counts visits without access in a row, from 1.
    `list_id` and `rank` are of the list that led there, null where none did. `recorded_through` is page, import or api.
    """

    __tablename__ = "loda_outcome"

    number: Mapped[int] = mapped_column(primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60))
    uprn: Mapped[str] = mapped_column(sa.String(12))
    address: Mapped[str] = mapped_column(sa.Text)
    list_id: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    rank: Mapped[int | None]
    found: Mapped[str] = mapped_column(sa.String(30))
    attempt: Mapped[int | None]
    visited_on: Mapped[date]
    method: Mapped[str] = mapped_column(sa.String(30))
    note: Mapped[str] = mapped_column(sa.Text)
    officer: Mapped[str] = mapped_column(sa.String(120))
    recorded_by: Mapped[str] = mapped_column(sa.String(120))
    recorded_at: Mapped[datetime]
    recorded_through: Mapped[str] = mapped_column(sa.String(10))
    corrects: Mapped[int | None]
    superseded_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None]

    __table_args__ = (sa.Index("ix_loda_outcome_property", "borough", "uprn"), {"sqlite_autoincrement": True})


class Override(Base):
    """An officer outranks the list at one property until a day: `exclude` it, or visit it `first` or `last`.

    `exclude` takes it off the lists issued from then on; the other two change no list, they stand beside its rank.
    """

    __tablename__ = "loda_override"

    number: Mapped[int] = mapped_column(primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60))
    uprn: Mapped[str] = mapped_column(sa.String(12))
    address: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.String(10))
    reason: Mapped[str] = mapped_column(sa.Text)
    who: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[datetime]
    expires_on: Mapped[date]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(sa.String(120))

    __table_args__ = (sa.Index("ix_loda_override_property", "borough", "uprn"), {"sqlite_autoincrement": True})


class OutcomeFile(Base):
    """A file of outcomes that was taken in, so that the same bytes are not taken in twice. Counts, no values."""

    __tablename__ = "loda_outcome_file"

    borough: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    who: Mapped[str] = mapped_column(sa.String(120))
    at: Mapped[datetime]
    rows_in: Mapped[int]
    accepted: Mapped[int]
    refused: Mapped[int]


class SignIn(Base):
    """One person's session in the review pages, known by the hash of its secret; ended when it expires or is revoked.

    `grants` are the roles by borough ("london" for all) that the identity provider gave at sign-in.
    """

    __tablename__ = "loda_sign_in"

    secret_hash: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    subject: Mapped[str] = mapped_column(sa.String(255), index=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    grants: Mapped[dict[str, Any]] = mapped_column(default=dict)
    through: Mapped[str] = mapped_column(sa.String(10))
    began_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(sa.String(120))


class SignInAttempt(Base):
    """One attempt to sign in, by a keyed hash of where it came from; old ones are deleted."""

    __tablename__ = "loda_sign_in_attempt"

    number: Mapped[int] = mapped_column(primary_key=True)
    origin: Mapped[str] = mapped_column(sa.String(64), index=True)
    at: Mapped[datetime] = mapped_column(index=True)


class ApiToken(Base):
    """A key to the JSON API for one borough, known by its hash; given out once, ended by its day or by a person."""

    __tablename__ = "loda_api_token"

    id: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    label: Mapped[str] = mapped_column(sa.String(120))
    borough: Mapped[str] = mapped_column(sa.String(60), index=True)
    role: Mapped[str] = mapped_column(sa.String(20))
    made_by: Mapped[str] = mapped_column(sa.String(120))
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[str | None] = mapped_column(sa.String(120))
    used_at: Mapped[datetime | None]
