"""A drop held against the borough's own last accepted ones: what has changed more than it ever did before.

Each rule compares with all earlier extracts kept (`history_drops`), not with the last alone, so that what came and
went before raises no alarm again. A first extract has no history and is judged by its contract.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median

import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropProfile, DropStatus
from pipelines.gate.area import Area, percent
from pipelines.gate.limits import INTERVAL_DAYS, limits
from pipelines.gate.profile import NEWEST, Profile
from schemas.contract import Contract

EVENLY = (0.05, 0.25, 0.5, 0.75, 0.95)
EXCEL_1904_DAYS = 1462
"""Days between the two calendars of spreadsheet programs, of 1900 and of 1904."""


@dataclass(frozen=True)
class Remark:
    """Something about a drop as a whole. One that `holds` keeps the drop from being used; others should be checked."""

    issue_type: str
    sentence: str
    holds: bool
    field: str = ""


@dataclass(frozen=True)
class History:
    """What a drop is held against: profiles of the borough's earlier extracts, newest first, and where it lies.

    `same_bytes` is the profile of this very drop from an earlier reading: whatever differs from that was changed by a
    mapping, on purpose, so blanks and codes are remarked on and do not hold.
    """

    profiles: tuple[Profile, ...] = ()
    area: Area | None = None
    same_bytes: bool = False

    @property
    def last(self) -> Profile | None:
        """The newest accepted extract before this one."""
        return self.profiles[0] if self.profiles else None


def history_of(drop: Drop, *, lake: bool = True) -> History:
    """The history that the ledger holds for a drop with a source, itself left out.

    Reads the ledger and, when asked for, the lake. Without the `lake` nothing is put on record, so a rehearsal may use
    it for a drop that no ledger holds.
    """
    source = str(drop.source)
    accepted = sa.or_(
        Drop.status == DropStatus.GATED.value,
        sa.and_(
            Drop.status.in_([DropStatus.ACCEPTED.value, DropStatus.SUPERSEDED.value]), Drop.lake_version.is_not(None)
        ),
    )
    of_this = sa.and_(
        DropProfile.borough == drop.borough, DropProfile.dataset == drop.dataset, DropProfile.source == source
    )
    earlier = sa.and_(DropProfile.drop_id != drop.id, DropProfile.extract_date <= drop.extract_date)
    with transaction() as session:
        found = session.scalars(
            sa.select(DropProfile.profile)
            .join(Drop, Drop.id == DropProfile.drop_id)
            .where(of_this, accepted, earlier)
            .order_by(DropProfile.extract_date.desc(), DropProfile.measured_at.desc())
            .limit(limits().history_drops)
        ).all()
        again = session.get(DropProfile, drop.id) is not None
    return History(
        tuple(Profile.model_validate(one) for one in found), Area(drop.borough, drop.dataset, source, lake=lake), again
    )


@dataclass(frozen=True)
class Comparison:
    """One drop's profile beside its history. `headings` are the officer's own by field, where they are known."""

    profile: Profile
    history: History
    contract: Contract
    headings: Mapping[str, str] = field(default_factory=dict)

    @property
    def enough(self) -> bool:
        """Whether shares of this drop and of its last one say anything."""
        last = self.history.last
        return last is not None and min(last.rows, self.profile.rows) >= limits().rows_to_judge

    def name(self, field_name: str) -> str:
        """A field in the officer's words."""
        return self.headings.get(field_name) or self.contract.by_name[field_name].title


def remarks(compared: Comparison) -> list[Remark]:
    """Everything that has changed too much, holds first."""
    found = list(_uprns(compared))
    if compared.history.last is not None:
        found += _rows(compared)
    if compared.enough:
        found += [*_blanks(compared), *_codes(compared), *_dates(compared)]
    return sorted(found, key=lambda remark: not remark.holds)


def _rows(compared: Comparison) -> Iterator[Remark]:
    """A rise that no growth explains; a fall is judged by `fall`, which a first reading of old ledgers needs too."""
    most = max(profile.rows for profile in compared.history.profiles)
    rows = compared.profile.rows
    if most >= limits().row_fall_from_rows and rows > limits().row_rise_times * most:
        yield Remark(
            "row_count_rose",
            f"{rows:,} usable rows, and never more than {most:,} in an earlier extract; "
            f"more than {limits().row_rise_times:g} times as many holds the drop.",
            holds=True,
        )


def fall(kept: int, before: int, most_lost: float) -> Remark | None:
    """Whether an extract lost too many rows against the `before` of the last accepted one."""
    if before >= limits().row_fall_from_rows:
        allowed = most_lost
    elif before >= limits().row_fall_of_few_from_rows:
        allowed = max(most_lost, limits().row_fall_of_few)
    else:
        return None
    share = 1 - kept / before
    if share <= allowed:
        return None
    return Remark(
        "row_count_fell",
        f"{kept:,} usable rows after {before:,} in the last accepted extract, a fall of {share:.0%}; "
        f"more than {allowed:.0%} holds the drop.",
        holds=True,
    )


def _blanks(compared: Comparison) -> Iterator[Remark]:
    limit = limits()
    for name, share in compared.profile.blanks.items():
        known = [profile.blanks[name] for profile in compared.history.profiles if name in profile.blanks]
        if not known or share < max(known) + limit.blank_rise_note:
            continue
        told = f"'{compared.name(name)}' is blank in {share:.0%} of the rows, before in {max(known):.0%} at most"
        if share >= max(known) + limit.blank_rise_hold and not compared.history.same_bytes:
            yield Remark("blanks_jumped", f"{told}.", holds=True, field=name)
        else:
            yield Remark("blanks_rose", f"{told}.", holds=False, field=name)


def _codes(compared: Comparison) -> Iterator[Remark]:
    for name, mix in compared.profile.codes.items():
        known = [profile.codes[name] for profile in compared.history.profiles if profile.codes.get(name)]
        last = compared.history.last
        if not known or last is None or last.blanks.get(name, 1.0) > 0.5:
            continue  # a field that was hardly filled before has no mix to compare with
        filled = compared.profile.rows * (1 - compared.profile.blanks.get(name, 0.0))
        if filled >= limits().rows_to_judge:
            yield from _mix(compared, name, mix, known, filled)


def _mix(
    compared: Comparison, name: str, mix: dict[str, float], known: list[dict[str, float]], filled: float
) -> Iterator[Remark]:
    limit = limits()
    heading, meanings = compared.name(name), compared.contract.by_name[name].codes or {}
    new = {code: share for code, share in mix.items() if not any(code in before for before in known)}
    common = max(new, key=lambda code: new[code], default=None)
    if common is not None and new[common] >= limit.new_code_note:
        told = f"'{meanings.get(common, common)}' stands in {new[common]:.0%} of the rows of '{heading}', never before"
        if new[common] >= limit.new_code_hold and not compared.history.same_bytes:
            yield Remark("new_code_common", f"{told}.", holds=True, field=name)
            return
        yield Remark("new_code_seen", f"{told}.", holds=False, field=name)
    chance = (len(mix) / filled) ** 0.5 / 2
    moved = min(sum(abs(mix.get(c, 0.0) - before.get(c, 0.0)) for c in {*mix, *before}) / 2 for before in known)
    if moved < limit.code_mix_note + chance:
        return
    code = max(mix, key=lambda c: abs(mix[c] - known[0].get(c, 0.0)))
    told = (
        f"The mix of '{heading}' has moved by {moved:.0%} against every earlier extract; "
        f"'{meanings.get(code, code)}' is {mix[code]:.0%} after {known[0].get(code, 0.0):.0%}"
    )
    holds = moved >= limit.code_mix_hold + chance and not compared.history.same_bytes
    yield Remark("code_mix_shifted" if holds else "code_mix_moved", f"{told}.", holds=holds, field=name)


def _dates(compared: Comparison) -> Iterator[Remark]:
    stale = _stale(compared)
    if stale is not None:
        yield stale
    for name, span in compared.profile.dates.items():
        known = [profile.dates[name] for profile in compared.history.profiles if name in profile.dates]
        if name == compared.contract.known_since or not known:
            continue
        moved = sorted((span.at(q) - known[0].at(q)).days for q in EVENLY)
        middle = moved[len(moved) // 2]
        if moved[-1] - moved[0] > max(30, abs(middle) / 4):
            continue  # some dates moved, not the calendar
        elapsed = (compared.profile.extract_date - compared.history.profiles[0].extract_date).days
        if -limits().shift_back_days < middle < elapsed + limits().shift_forward_days:
            continue
        calendar = abs(abs(middle) - EXCEL_1904_DAYS) <= max(30, elapsed)
        yield Remark(
            "dates_shifted",
            f"Every date of '{compared.name(name)}' lies about {abs(middle):,} days "
            f"{'earlier' if middle < 0 else 'later'} than in the last accepted extract"
            + (", as when a workbook of the 1904 calendar is read by the 1900 one." if calendar else "."),
            holds=True,
            field=name,
        )


def _stale(compared: Comparison) -> Remark | None:
    """An old copy: its newest events are older than what is there already, or far older than is usual."""
    name, limit = compared.contract.event_time, limits()
    past = [profile for profile in compared.history.profiles if name in profile.dates]
    span = compared.profile.dates.get(name)
    if span is None or not past:
        return None
    interval = INTERVAL_DAYS[compared.contract.frequency]
    today = compared.profile.extract_date
    newest, before = (min(one.dates[name].at(NEWEST), one.extract_date) for one in (compared.profile, past[0]))
    back = min(max(limit.newest_back_days, 3 * interval), limit.newest_back_days_most)
    if newest < before - timedelta(days=back):
        return Remark(
            "stale_extract",
            f"The newest entries of '{compared.name(name)}' are of {newest:%d %B %Y}; "
            f"those of the last accepted extract are of {before:%d %B %Y}.",
            holds=True,
            field=name,
        )
    lags = [(one.extract_date - min(one.dates[name].at(NEWEST), one.extract_date)).days for one in past]
    lag = (today - newest).days
    if len(past) >= limit.stale_from_drops and lag > max(
        limit.stale_days, limit.stale_times * max(lags) + 10 * interval
    ):
        return Remark(
            "stale_extract",
            f"The newest entries of '{compared.name(name)}' are of {newest:%d %B %Y}, {lag} days before the extract; "
            f"{median(lags):.0f} days are usual.",
            holds=True,
            field=name,
        )
    return None


def _uprns(compared: Comparison) -> Iterator[Remark]:
    """Share of UPRNs that the gazetteer knows, and that stood in the last accepted extract, against what it was."""
    profile, limit = compared.profile, limits()
    if profile.uprn_rows < limit.uprns_to_judge:
        return
    known = [
        one.uprns_in_gazetteer
        for one in compared.history.profiles
        if one.uprns_in_gazetteer is not None and one.uprn_rows >= limit.uprns_to_judge
    ]
    now = profile.uprns_in_gazetteer
    if now is not None:
        # Without an earlier extract a borough's own UPRNs are at least mostly known.
        least = min(known) - limit.known_uprns_fall if known else limit.known_uprns_least
        if now < least:
            before = f", before {min(known):.0%} at least" if known else ""
            told = f"{percent(now)} of the UPRNs stand in the borough's gazetteer{before}."
            yield Remark("known_uprns_fell", told, holds=True, field="uprn")
        return  # the gazetteer vouches for new homes as well as for known ones
    again = profile.uprns_in_last
    if again is not None and again < limit.again_uprns_least:
        usual = [one.uprns_in_last for one in compared.history.profiles if one.uprns_in_last is not None]
        if not usual or again < min(usual) - limit.known_uprns_fall:
            yield Remark(
                "known_uprns_fell",
                f"{percent(again)} of the UPRNs stood in the last accepted extract; the same homes should come again.",
                holds=True,
                field="uprn",
            )
