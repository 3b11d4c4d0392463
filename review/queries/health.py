"""How the platform is: what the night last made, how old it is, and what needs an engineer."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.models import Drop, DropStatus, LastGood, ModelVersion, PublishedList, StageState
from pipelines.core.settings import settings
from schemas import registry

OF_A_BOROUGH = ("link", "features", "score", "licensing", "rank", "dossiers")
OF_LONDON = ("landlords", "train", "pages-scorecards")
STAGES = {
    "link": "Links",
    "features": "Features",
    "score": "Scores",
    "licensing": "Licensing",
    "rank": "List",
    "dossiers": "Dossiers",
    "landlords": "Landlords",
    "train": "Training",
    "pages-scorecards": "Scorecards",
}
TOLD: dict[str, tuple[tuple[str, str], ...]] = {
    "link": (
        ("records", "records"),
        ("linked", "tied to a home"),
        ("parent", "to a building"),
        ("review", "wait for people"),
    ),
    "features": (("properties", "homes"), ("features", "features")),
    "score": (("properties", "homes scored"),),
    "licensing": (("properties", "homes assessed"),),
    "rank": (("rows", "entries"), ("capacity", "visits")),
    "dossiers": (("entries", "dossiers"), ("rows", "dossiers")),
    "landlords": (("records", "records"), ("landlords", "landlords")),
    "train": (("hmos", "known HMOs"), ("boroughs", "boroughs")),
    "pages-scorecards": (("boroughs", "boroughs"),),
}
"""Counts that a stage's line tells, and what each is called."""

OURS = frozenset({"platform_fault", "contract_broken", "key_not_unique"})
"""Reasons for which a drop is held that only an engineer can mend."""

FULL = 0.1
"""A disk with a smaller share of free space needs an engineer."""


@dataclass(frozen=True)
class Made:
    """What a stage last made for a borough, "london" for all."""

    stage: str
    borough: str
    at: datetime
    sentence: str
    behind: bool


@dataclass(frozen=True)
class Disk:
    """Room on the disk where the state lies, in bytes."""

    free: int
    total: int

    @property
    def share(self) -> float:
        """Share of it that is free."""
        return self.free / self.total if self.total else 0.0


@dataclass(frozen=True)
class Health:
    """All of it. `trouble` are sentences on what needs an engineer, the gravest first."""

    made: list[Made]
    held: dict[str, int]
    lists: list[PublishedList]
    models: list[ModelVersion]
    disk: Disk
    trouble: list[str]


def health(session: Session) -> Health:
    """How the platform is now."""
    states = session.scalars(sa.select(StageState).where(StageState.stage.in_([*OF_A_BOROUGH, *OF_LONDON]))).all()
    last = session.execute(
        sa.select(LastGood.borough, sa.func.max(LastGood.published_at)).group_by(LastGood.borough)
    ).all()
    arrived: dict[str, datetime] = {row[0]: row[1] for row in last}
    held = session.execute(
        sa.select(Drop.borough, Drop.reason, sa.func.count())
        .where(Drop.status == DropStatus.HELD.value)
        .group_by(Drop.borough, Drop.reason)
    ).all()
    made = [_made(state, arrived.get(state.borough)) for state in states]
    order = [*OF_A_BOROUGH, *OF_LONDON]
    made.sort(key=lambda one: (one.borough == "london", one.borough, order.index(one.stage)))
    disk = _disk()
    by_borough: dict[str, int] = {}
    for borough, _, number in held:
        by_borough[borough] = by_borough.get(borough, 0) + number
    linked = {one.borough for one in made if one.stage == "link"}
    return Health(
        made,
        dict(sorted(by_borough.items())),
        _lists(session),
        _models(session),
        disk,
        [*_disk_trouble(disk), *_held_trouble(held), *_behind(made), *_never_linked(arrived, linked, session)],
    )


def _made(state: StageState, arrived: datetime | None) -> Made:
    # Of the stages only links are made anew for every extract that comes; the others may find nothing changed.
    behind = state.stage == "link" and arrived is not None and state.made_at < arrived
    return Made(state.stage, state.borough, state.made_at, _sentence(state), behind)


def _sentence(state: StageState) -> str:
    told = [
        f"{int(value):,} {called}"
        for name, called in TOLD.get(state.stage, ())
        if isinstance(value := state.summary.get(name), int | float)
    ]
    return ", ".join(told) or "made"


def _lists(session: Session) -> list[PublishedList]:
    """The newest list of each borough, standing or taken down."""
    newest = sa.select(PublishedList.borough, sa.func.max(PublishedList.version).label("version"))
    last = newest.group_by(PublishedList.borough).subquery()
    joined = sa.and_(last.c.borough == PublishedList.borough, last.c.version == PublishedList.version)
    return list(session.scalars(sa.select(PublishedList).join(last, joined).order_by(PublishedList.borough)))


def _models(session: Session) -> list[ModelVersion]:
    """The champion, and the newest challengers."""
    standing = sa.select(ModelVersion).where(ModelVersion.status.in_(["champion", "challenger"]))
    return list(session.scalars(standing.order_by(ModelVersion.status, ModelVersion.trained_at.desc()).limit(5)))


def _disk() -> Disk:
    found = shutil.disk_usage(settings().home)
    return Disk(found.free, found.total)


def _disk_trouble(disk: Disk) -> list[str]:
    if disk.share >= FULL:
        return []
    return [f"Only {disk.share:.0%} of the disk is free. A night that cannot write stops where it is."]


def _held_trouble(held: Any) -> list[str]:
    types = registry.issue_types()
    return [
        f"{_name(borough)}: {number} {'drop is' if number == 1 else 'drops are'} held for a fault of the platform. "
        f"{types[reason].sentence if reason in types else ''}".strip()
        for borough, reason, number in held
        if reason in OURS
    ]


def _behind(made: list[Made]) -> list[str]:
    return [
        f"{_name(one.borough)}: an extract came in after the links were last made. If no night is running, the last "
        "one failed there; its log names the place."
        for one in made
        if one.behind
    ]


def _never_linked(arrived: dict[str, datetime], linked: set[str], session: Session) -> list[str]:
    spines = set(session.scalars(sa.select(LastGood.borough).where(LastGood.dataset == "gazetteer")))
    return [
        f"{_name(borough)}: there is a gazetteer, and its records were never linked."
        for borough in sorted(spines & set(arrived) - linked)
    ]


def _name(borough: str) -> str:
    return registry.boroughs()[borough].name if borough in registry.boroughs() else borough
