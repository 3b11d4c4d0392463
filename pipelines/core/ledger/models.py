"""The ledger's tables: what arrived, what became of it, what was made from it and by whom.

It names nobody but officers for what they did, and landlords as a public register names them. Addresses stand in the
entries of lists with their dossiers, in officers' outcomes and overrides, and in people's decisions about links.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """Moments in UTC on every database; SQLite keeps no zone of its own."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """To UTC on the way in."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Marked as UTC on the way out."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Declarative base of the ledger."""

    type_annotation_map = {datetime: UtcDateTime(), dict[str, Any]: sa.JSON(), list[Any]: sa.JSON()}


class DropStatus(StrEnum):
    """How far a drop is. The last five are final."""

    RECEIVED = "received"
    HARMONISED = "harmonised"
    GATED = "gated"
    ACCEPTED = "accepted"
    SUPERSEDED = "superseded"
    HELD = "held"
    REFUSED = "refused"
    DUPLICATE = "duplicate"


FINAL = frozenset(
    {DropStatus.ACCEPTED, DropStatus.SUPERSEDED, DropStatus.HELD, DropStatus.REFUSED, DropStatus.DUPLICATE}
)


class Drop(Base):
    """One arrival of an extract, its hashes, its counts and its receipt."""

    __tablename__ = "loda_drop"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60), index=True)
    dataset: Mapped[str] = mapped_column(sa.String(60))
    source: Mapped[str | None] = mapped_column(sa.String(60))
    path: Mapped[str] = mapped_column(sa.Text)
    sha256: Mapped[str] = mapped_column(sa.String(64), index=True)
    size_bytes: Mapped[int] = mapped_column(sa.BigInteger)
    received_at: Mapped[datetime]
    extract_date: Mapped[date]
    status: Mapped[str] = mapped_column(sa.String(20), index=True)
    reason: Mapped[str | None] = mapped_column(sa.String(60))
    sentence: Mapped[str | None] = mapped_column(sa.Text)
    duplicate_of: Mapped[str | None] = mapped_column(sa.String(120))
    rows_in: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    accepted: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    quarantined: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    mapping_name: Mapped[str | None] = mapped_column(sa.String(120))
    hashes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    lake_version: Mapped[int | None]
    finished_at: Mapped[datetime | None]
    receipt: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    receipt_delivered: Mapped[bool] = mapped_column(default=False)


class Arrival(Base):
    """A path in the bucket as it was last seen, so that an unchanged file is not read again."""

    __tablename__ = "loda_arrival"

    path: Mapped[str] = mapped_column(sa.String(500), primary_key=True)
    marker: Mapped[str] = mapped_column(sa.String(300))
    drop_id: Mapped[str] = mapped_column(sa.String(120))
    seen_at: Mapped[datetime]


class LastGood(Base):
    """The drop that a borough's dataset stands on."""

    __tablename__ = "loda_last_good"

    borough: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    dataset: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    source: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    drop_id: Mapped[str] = mapped_column(sa.String(120))
    extract_date: Mapped[date]
    rows: Mapped[int] = mapped_column(sa.BigInteger)
    lake_version: Mapped[int]
    published_at: Mapped[datetime]


class StageState(Base):
    """What a stage last made for a borough ("london" for all), and the hash of what it was made from."""

    __tablename__ = "loda_stage_state"

    stage: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    input_hash: Mapped[str] = mapped_column(sa.String(64))
    made_at: Mapped[datetime]
    summary: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ModelVersion(Base):
    """One trained model. `status` is challenger, champion or retired; a named person makes a champion."""

    __tablename__ = "loda_model_version"

    id: Mapped[str] = mapped_column(sa.String(80), primary_key=True)
    as_of: Mapped[date]
    trained_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(sa.String(20))
    path: Mapped[str] = mapped_column(sa.Text)
    sha256: Mapped[str] = mapped_column(sa.String(64))
    hashes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    metrics: Mapped[dict[str, Any]] = mapped_column(default=dict)
    promoted_by: Mapped[str | None] = mapped_column(sa.String(120))
    promoted_at: Mapped[datetime | None]
    promotion_reason: Mapped[str | None] = mapped_column(sa.Text)


class ModelChange(Base):
    """One change of champion, in the order in which they came: the `first` model, a `promote` or a `rollback`.

    `model_id` is the champion from then on, `before` the one until then. Append-only: a rollback is a line of its own.
    """

    __tablename__ = "loda_model_change"

    number: Mapped[int] = mapped_column(primary_key=True)
    act: Mapped[str] = mapped_column(sa.String(20))
    model_id: Mapped[str] = mapped_column(sa.String(80))
    before: Mapped[str | None] = mapped_column(sa.String(80))
    who: Mapped[str] = mapped_column(sa.String(120))
    reason: Mapped[str] = mapped_column(sa.Text)
    at: Mapped[datetime]

    __table_args__ = ({"sqlite_autoincrement": True},)


class PublishedList(Base):
    """One issued list of a borough; never changed after it is issued. The newest that stands is the current one.

    A list is taken down (`withdrawn_at`, `withdrawn_why`) when what it rests on may not be used any more.
    """

    __tablename__ = "loda_list"

    id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60), index=True)
    as_of: Mapped[date]
    version: Mapped[int]
    issued_at: Mapped[datetime]
    model_id: Mapped[str] = mapped_column(sa.String(80))
    input_hash: Mapped[str] = mapped_column(sa.String(64))
    capacity: Mapped[int]
    rows: Mapped[int]
    tie_seed: Mapped[int]
    expected_hits: Mapped[float]
    published_at: Mapped[datetime | None]
    files: Mapped[dict[str, Any]] = mapped_column(default=dict)
    control_frame: Mapped[int | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_why: Mapped[str | None] = mapped_column(sa.Text)

    __table_args__ = (sa.UniqueConstraint("borough", "version"),)


class ListEntry(Base):
    """One property of a list: rank, probability, three reasons, licence status.

    `control_slot` is the rank that a random draw gave it, null where the model alone did; `control_inclusion` is the
    chance with which every candidate was drawn by the end of that block of visits. Both stay in the ledger.
    """

    __tablename__ = "loda_list_entry"
    __table_args__ = (sa.Index("ix_loda_list_entry_property", "uprn", "list_id", unique=True),)

    list_id: Mapped[str] = mapped_column(sa.ForeignKey("loda_list.id", ondelete="CASCADE"), primary_key=True)
    rank: Mapped[int] = mapped_column(primary_key=True)
    uprn: Mapped[str] = mapped_column(sa.String(12))
    address: Mapped[str] = mapped_column(sa.Text)
    ward: Mapped[str | None] = mapped_column(sa.String(80))
    probability: Mapped[float]
    reasons: Mapped[list[Any]] = mapped_column(default=list)
    licence_needed: Mapped[str] = mapped_column(sa.String(20))
    licence_status: Mapped[str] = mapped_column(sa.String(40))
    licence_why: Mapped[str] = mapped_column(sa.Text)
    control_slot: Mapped[int | None]
    control_inclusion: Mapped[float | None]
    easting: Mapped[float | None]
    northing: Mapped[float | None]
    landlord_id: Mapped[str | None] = mapped_column(sa.String(80), index=True)
    landlord_name: Mapped[str | None] = mapped_column(sa.Text)


class Dossier(Base):
    """What stands behind one entry of a list on the list's day: reasons, records, licences, landlord, as plain data.

    `content` is what `models.hmo.dossier` makes; a list's dossiers come and go with its entries.
    """

    __tablename__ = "loda_dossier"

    list_id: Mapped[str] = mapped_column(sa.ForeignKey("loda_list.id", ondelete="CASCADE"), primary_key=True)
    uprn: Mapped[str] = mapped_column(sa.String(12), primary_key=True)
    content: Mapped[dict[str, Any]] = mapped_column(default=dict)


class AuditEvent(Base):
    """One act that somebody answers for. Append-only; each line holds the hash of the one before it."""

    __tablename__ = "loda_audit_event"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(sa.String(120))
    what: Mapped[str] = mapped_column(sa.String(60))
    about: Mapped[str] = mapped_column(sa.Text)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    previous_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))


class DropProfile(Base):
    """What an accepted drop looked like in figures, for the next one to be held against. Counts and shares, no values.

    `profile` is the gate's: rows, share of blanks by field, share of each code, span of dates, share of known UPRNs.
    """

    __tablename__ = "loda_drop_profile"

    drop_id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60), index=True)
    dataset: Mapped[str] = mapped_column(sa.String(60))
    source: Mapped[str] = mapped_column(sa.String(60))
    extract_date: Mapped[date]
    measured_at: Mapped[datetime]
    profile: Mapped[dict[str, Any]] = mapped_column(default=dict)


class QualityMeasure(Base):
    """One figure of a drop's scorecard: of so many (`of`) so many were right (`good`), in one quality dimension."""

    __tablename__ = "loda_quality_measure"

    drop_id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    dimension: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    measure: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60), index=True)
    dataset: Mapped[str] = mapped_column(sa.String(60))
    source: Mapped[str] = mapped_column(sa.String(60))
    extract_date: Mapped[date]
    measured_at: Mapped[datetime]
    good: Mapped[int] = mapped_column(sa.BigInteger)
    of: Mapped[int] = mapped_column(sa.BigInteger)


class GateDecision(Base):
    """What a named person decided about a held drop: `release` or `refuse`. One a drop; the audit log has the act."""

    __tablename__ = "loda_gate_decision"

    drop_id: Mapped[str] = mapped_column(sa.String(120), primary_key=True)
    decision: Mapped[str] = mapped_column(sa.String(20))
    held_for: Mapped[str] = mapped_column(sa.String(60))
    who: Mapped[str] = mapped_column(sa.String(120))
    reason: Mapped[str] = mapped_column(sa.Text)
    decided_at: Mapped[datetime]


class LinkReview(Base):
    """What a named person decided about an address: it `is` the property with this UPRN, or it `is_not`.

    A decision is about the address as the link stage reads it (canonical form and postcode), never about a record, so
    that it holds for later drops; the address as it was written stands beside, to be read again by a newer parser.
    One that no longer holds stays, with the moment and the number of the decision that took its place.
    `datasets` are those in which the address stood when it was decided.
    """

    __tablename__ = "loda_link_review"

    number: Mapped[int] = mapped_column(primary_key=True)
    borough: Mapped[str] = mapped_column(sa.String(60), index=True)
    canonical: Mapped[str] = mapped_column(sa.Text)
    postcode: Mapped[str] = mapped_column(sa.String(10))
    address_written: Mapped[str] = mapped_column(sa.Text)
    postcode_written: Mapped[str] = mapped_column(sa.Text)
    verdict: Mapped[str] = mapped_column(sa.String(10))
    uprn: Mapped[str] = mapped_column(sa.String(12), index=True)
    datasets: Mapped[list[Any]] = mapped_column(default=list)
    note: Mapped[str] = mapped_column(sa.Text)
    who: Mapped[str] = mapped_column(sa.String(120))
    decided_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None]

    # A number is never given twice: what was decided since an export is told by it.
    __table_args__ = ({"sqlite_autoincrement": True},)


class Notice(Base):
    """One notice to a borough that an extract is due, late or missing; given once for each due day."""

    __tablename__ = "loda_notice"

    borough: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    dataset: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    due: Mapped[date] = mapped_column(primary_key=True)
    sentence: Mapped[str] = mapped_column(sa.Text)
    made_at: Mapped[datetime]


class Erasure(Base):
    """A person's or a property's records that must not be held: known by a keyed token, never by name or number."""

    __tablename__ = "loda_erasure"

    token: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(20))
    who: Mapped[str] = mapped_column(sa.String(120))
    reason: Mapped[str] = mapped_column(sa.Text)
    erased_at: Mapped[datetime]


class KeyMark(Base):
    """Which key tokens are made with, by a fingerprint that does not tell the key. `name` is pseudonym or erasure."""

    __tablename__ = "loda_key"

    name: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(sa.String(64))
    since: Mapped[datetime]
