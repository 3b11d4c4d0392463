"""Designations of additional and selective licensing, from `designations.csv`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from pipelines.core.errors import ConfigurationError
from pipelines.demo.world.lives import PRIVATE, Lives
from pipelines.demo.world.places import WARDS, ward_codes, ward_names
from pipelines.demo.world.profile import FOLDER, Profile
from pipelines.demo.world.rows import frame, whole
from pipelines.demo.world.spec import Bools, Ints, WorldSpec, dates, day_of
from pipelines.demo.world.text import Text

NONE, MANDATORY, ADDITIONAL, SELECTIVE = range(4)
LICENCE_TYPES = ("none", "mandatory", "additional", "selective")
MADE_BEFORE = 120
"""Days from making a designation to its coming into force: at least three months (Housing Act 2004, s.58 and s.82)."""


@dataclass(frozen=True)
class Scheme:
    """One designation: days inclusive, `covers` true for each ward that it covers."""

    ref: str
    kind: int
    everywhere: bool
    covers: Bools
    min_persons: int
    min_households: int
    section_257: bool
    start: int
    until: int


@lru_cache(maxsize=1)
def _table() -> pd.DataFrame:
    return pd.read_csv(FOLDER / "designations.csv", comment="#", parse_dates=["in_force_from", "in_force_until"])


def schemes(profile: Profile, seed: int) -> list[Scheme]:
    """Every designation of one borough, past and future."""
    names = ward_names(profile, seed)
    mine = _table()[lambda table: table["borough"] == profile.slug]
    return [
        Scheme(
            ref=row.scheme_ref,
            kind=LICENCE_TYPES.index(row.scheme_type),
            everywhere=row.wards == "all",
            covers=_covered(row.wards, names),
            min_persons=0 if pd.isna(row.min_persons) else int(row.min_persons),
            min_households=0 if pd.isna(row.min_households) else int(row.min_households),
            section_257=bool(row.section_257),
            start=day_of(row.in_force_from.date()),
            until=day_of(row.in_force_until.date()),
        )
        for row in mine.itertuples(index=False)
    ]


def _covered(words: str, names: Text) -> Bools:
    """Which wards the words of `designations.csv` mean.

    Raises:
        ConfigurationError: they mean none.
    """
    position = np.arange(1, WARDS + 1)
    covered = np.ones(WARDS, dtype=np.bool_)
    rest = words.removeprefix("all but ")
    if rest != words and not rest.startswith("first "):
        covered = ~np.isin(names, [name.strip() for name in rest.split(";")])
    elif rest.startswith("first "):
        covered = position <= int(rest.removeprefix("first "))
        covered = ~covered if rest != words else covered
    elif " to " in words:
        low, high = words.split(" to ")
        covered = (position >= int(low)) & (position <= int(high))
    elif words != "all":
        raise ConfigurationError(f"The wards '{words}' of designations.csv mean nothing; see the head of that file.")
    found: Bools = covered
    return found


def required(lives: Lives, schemes: list[Scheme], ward: Ints, day: Ints | int, who: Ints) -> Ints:
    """Which licence the law asks of the dwellings `who` on a day: NONE, MANDATORY, ADDITIONAL or SELECTIVE.

    Mandatory since 1 October 2018: five or more persons, two or more households, not a purpose-built flat in a block
    of three or more (SI 2018/221). The storey test before that date is left out: the figures start later.
    """
    hmo = lives.hmo_at(day, who)
    let = lives.tenure_at(day, who) == PRIVATE
    needed = np.full(len(who), NONE)
    for scheme in schemes:
        in_force = scheme.covers[ward[who]] & (day >= scheme.start) & (day <= scheme.until)
        if scheme.kind == SELECTIVE:
            needed[in_force & let & ~hmo & (needed == NONE)] = SELECTIVE
        else:
            large = (lives.sharers[who] >= scheme.min_persons) & (lives.groups[who] >= scheme.min_households)
            needed[in_force & hmo & large] = ADDITIONAL
    needed[hmo & lives.mandatory[who]] = MANDATORY
    return needed


def licensing_scheme(profile: Profile, found: list[Scheme], spec: WorldSpec) -> pd.DataFrame:
    """The dataset: one row a designation and ward, `all` for a borough-wide one, known from the day it was made."""
    codes = ward_codes(profile)
    rows = [
        (scheme, ward)
        for scheme in found
        for ward in (["all"] if scheme.everywhere else codes[scheme.covers].tolist())
        if scheme.start - MADE_BEFORE <= spec.until_day
    ]
    start = np.array([scheme.start for scheme, _ in rows], dtype=np.int64)
    persons = np.array([scheme.min_persons for scheme, _ in rows], dtype=np.int64)
    households = np.array([scheme.min_households for scheme, _ in rows], dtype=np.int64)
    return frame(
        "licensing_scheme",
        {
            "scheme_ref": np.array([scheme.ref for scheme, _ in rows], dtype=object),
            "scheme_type": np.array([LICENCE_TYPES[scheme.kind] for scheme, _ in rows], dtype=object),
            "covers_ward": np.array([ward for _, ward in rows], dtype=object),
            "min_persons": whole(persons, persons > 0),
            "min_households": whole(households, households > 0),
            "covers_section_257": np.array([scheme.section_257 for scheme, _ in rows], dtype=np.bool_),
            "made_date": dates(start - MADE_BEFORE),
            "in_force_from": dates(start),
            "in_force_until": dates(np.array([scheme.until for scheme, _ in rows], dtype=np.int64)),
            "known_since": dates(start - MADE_BEFORE),
        },
    )
