"""Where a borough lies, as far as its accepted extracts tell, and whether a drop lies there or in another borough.

A UPRN stands in one borough's gazetteer only. Where there are none yet, the outward postcode districts of what was
accepted before speak, and they speak softly: neighbours share districts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from pipelines.core.hashing import hash_of
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropProfile, DropStatus
from pipelines.extracts import IntakeFiles
from pipelines.gate.limits import WHOLE_STOCK, limits
from pipelines.gate.profile import Profile, Uprns, sorted_uprns
from pipelines.governance import access
from schemas import registry

GAZETTEER = "gazetteer"
Mix = Mapping[str, float]


@dataclass(frozen=True)
class Elsewhere:
    """Why a drop seems not to be of its borough: the sentence, and the other borough where one was found."""

    issue_type: str
    sentence: str


@dataclass(frozen=True)
class Accepted:
    """The profile of an accepted extract, and whose it is."""

    borough: str
    dataset: str
    profile: Profile


class Area:
    """What is known of the area of one borough's dataset. Other boroughs are looked at only where there is doubt.

    Without the `lake` only the ledger speaks, which knows districts and no UPRNs: reading those is put on record, and a
    rehearsal leaves no record of anything.
    """

    def __init__(self, borough: str, dataset: str, source: str, *, lake: bool = True) -> None:
        self.borough, self.dataset, self.source, self.lake = borough, dataset, source, lake

    @cached_property
    def gazetteer(self) -> Uprns | None:
        """UPRNs of the borough's gazetteer: of the one that passed a moment ago, or of the lake; None without one."""
        if self.dataset == GAZETTEER or not self.lake:
            return None
        with transaction() as session:
            passed = session.execute(
                sa.select(Drop.id, Drop.hashes).where(
                    Drop.borough == self.borough, Drop.dataset == GAZETTEER, Drop.status == DropStatus.GATED.value
                )
            ).all()
        if passed:
            return _staged(tuple((drop, hash_of(hashes)) for drop, hashes in sorted(passed)))
        found = gazetteer_of(self.borough)
        return found if len(found) else None

    @cached_property
    def last(self) -> Uprns | None:
        """UPRNs of the last accepted extract of this dataset and source, where an extract holds the whole stock."""
        if not self.lake or self.dataset not in WHOLE_STOCK or "uprn" not in registry.contract(self.dataset).by_name:
            return None
        rows = access.read_dataset(
            self.dataset, boroughs=[self.borough], purpose="hmo_detection", columns=["source", "uprn"]
        )
        found = sorted_uprns(rows.filter(pc.equal(rows["source"], self.source))["uprn"])
        return found if len(found) else None

    @cached_property
    def _own(self) -> list[Accepted]:
        return _accepted(DropProfile.borough == self.borough)

    @cached_property
    def _theirs(self) -> list[Accepted]:
        return _accepted(DropProfile.borough != self.borough)

    @cached_property
    def others(self) -> list[str]:
        """Other boroughs of which something was accepted."""
        return sorted({one.borough for one in self._theirs})

    def districts(self, borough: str, dataset: str | None = None) -> dict[str, float]:
        """Share of a borough's accepted addresses by postcode district, of one dataset or of all of them."""
        rows: dict[str, float] = {}
        for one in self._own if borough == self.borough else self._theirs:
            if one.borough == borough and dataset in (None, one.dataset):
                for district, share in one.profile.districts.items():
                    rows[district] = rows.get(district, 0.0) + share * one.profile.postcode_rows
        total = sum(rows.values())
        return {district: number / total for district, number in rows.items()}


@lru_cache(maxsize=1)
def _staged(passed: tuple[tuple[str, str], ...]) -> Uprns:
    """UPRNs of drops (id, and a hash of what each was read with): all datasets of a borough are held against them."""
    found = [batch["uprn"] for drop, _ in passed for batch in IntakeFiles(drop).batches("rows", ["uprn"])]
    return sorted_uprns(pa.chunked_array([chunk for column in found for chunk in column.chunks], pa.string()))


def _accepted(whose: sa.ColumnElement[bool]) -> list[Accepted]:
    """What stands in the lake or has passed the gate tonight: the newest of each borough, dataset and source."""
    query = (
        sa.select(DropProfile.borough, DropProfile.dataset, DropProfile.source, DropProfile.profile)
        .join(Drop, Drop.id == DropProfile.drop_id)
        .where(Drop.status.in_([DropStatus.ACCEPTED.value, DropStatus.GATED.value]), whose)
        .order_by(DropProfile.extract_date)
    )
    with transaction() as session:
        newest = {(row.borough, row.dataset, row.source): row.profile for row in session.execute(query)}
    return [Accepted(borough, dataset, Profile.model_validate(p)) for (borough, dataset, _), p in newest.items()]


def gazetteer_of(borough: str) -> Uprns:
    """UPRNs of a borough's gazetteer in the lake, none where there is no gazetteer or no agreement to read it."""
    rows = access.read_dataset(GAZETTEER, boroughs=[borough], purpose="hmo_detection", columns=["uprn"])
    return sorted_uprns(rows["uprn"])


def lies_elsewhere(profile: Profile, area: Area, files: IntakeFiles) -> Elsewhere | None:
    """Whether a drop seems to be of another borough or of none known; None where it may well be of its own."""
    by_uprn = _by_uprn(profile, area, files)
    if by_uprn is not None or (profile.uprns_in_gazetteer or 0.0) >= limits().known_uprns_least:
        return by_uprn
    return _by_district(profile, area)


def _by_uprn(profile: Profile, area: Area, files: IntakeFiles) -> Elsewhere | None:
    limit = limits()
    if profile.uprn_rows < limit.uprns_to_judge or not area.lake:
        return None
    own = profile.uprns_in_last if area.dataset == GAZETTEER else profile.uprns_in_gazetteer
    if own is not None and own >= limit.known_uprns_least:
        return None
    if own is None and area.dataset != GAZETTEER:
        return None  # without a gazetteer the districts are asked first; nobody else's UPRNs are read for nothing
    name, share = _owner(_some_uprns(files), area)
    if name is None or share < limit.another_uprns_least or share < limit.another_times * (own or 0.0):
        return None
    return Elsewhere(
        "looks_like_another_borough",
        f"{share:.0%} of the UPRNs stand in the gazetteer of {registry.borough(name).name}, "
        f"{percent(own)} in that of {registry.borough(area.borough).name}.",
    )


def percent(share: float | None) -> str:
    """A share in words: `none` or `12%`; what is more than nothing is at least 1%."""
    return "none" if not share else f"{max(share, 0.01):.0%}"


def _some_uprns(files: IntakeFiles) -> Uprns:
    """The UPRNs of the first rows, which are enough to tell a borough by."""
    for batch in files.batches("rows", ["uprn"]):
        return sorted_uprns(batch["uprn"])
    return np.empty(0, np.int64)


def _owner(uprns: npt.NDArray[np.int64], area: Area) -> tuple[str | None, float]:
    """The other borough whose gazetteer holds most of these UPRNs, and how large a share."""
    best: tuple[str | None, float] = (None, 0.0)
    for other in area.others:
        share = float(np.isin(uprns, gazetteer_of(other), assume_unique=True).mean()) if len(uprns) else 0.0
        if share > best[1]:
            best = (other, share)
    return best


def _by_district(profile: Profile, area: Area) -> Elsewhere | None:
    limit = limits()
    if profile.postcode_rows < limit.rows_to_judge:
        return None
    home = registry.borough(area.borough).name
    own = area.districts(area.borough)
    within = _within(profile.districts, own)
    if own and within >= limit.own_districts_least:
        return _by_mix(profile, area)
    candidates = {name: _within(profile.districts, area.districts(name)) for name in area.others}
    name = max(candidates, key=lambda other: candidates[other], default=None)
    ahead = max(limit.another_districts_least, within + limit.another_districts_ahead)
    if own and name and candidates[name] >= ahead:
        return Elsewhere(
            "looks_like_another_borough",
            f"{candidates[name]:.0%} of the postcodes lie in the districts of {registry.borough(name).name}, "
            f"{percent(within)} in those of {home}.",
        )
    if own and within <= limit.own_districts_nowhere:
        return Elsewhere(
            "outside_the_borough",
            f"{percent(within).capitalize()} of the postcodes lie in the districts of what {home} sent before.",
        )
    return _by_mix(profile, area)


def _by_mix(profile: Profile, area: Area) -> Elsewhere | None:
    """Neighbours share districts, but not the share that lies in each: compare with the same dataset of others."""
    limit = limits()
    own = area.districts(area.borough, area.dataset)
    alike = _overlap(profile.districts, own)
    if own and alike > limit.own_mix_most:
        return None
    if not own and area.districts(area.borough):
        return None  # the borough's other datasets know the districts, and a register may lie in one corner of it
    for other in area.others:
        theirs = _overlap(profile.districts, area.districts(other, area.dataset))
        if theirs >= limit.another_mix_least:
            return Elsewhere(
                "looks_like_another_borough",
                f"The postcode districts are those of the last extract of {registry.borough(other).name} "
                f"(alike by {theirs:.0%}), not those of {registry.borough(area.borough).name}.",
            )
    return None


def _within(districts: Mix, area: Mix) -> float:
    """Share of addresses in districts that count as the area's."""
    return sum(share for name, share in districts.items() if area.get(name, 0.0) >= limits().district_counts_from)


def _overlap(one: Mix, other: Mix) -> float:
    """What two mixes have in common: 1 for the same, 0 for nothing."""
    return sum(min(share, other.get(name, 0.0)) for name, share in one.items())
