"""Homes let by the council or a registered provider."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from pipelines.demo.world.lives import SOCIAL, Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import frame, located
from pipelines.demo.world.spec import NEVER, WorldSpec, dates, day_of, generator, lag
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import joined
from pipelines.demo.world.vocabulary import PROVIDER_KINDS, place_words

COUNCIL_SHARE = 0.52
"""Share of the social stock that councils let themselves: our own assumption, about half in London."""


_RECORDED = day_of(date(1990, 1, 1))
"""Nothing is known from before the list was kept on a computer."""


def social_housing(profile: Profile, stock: Stock, lives: Lives, spec: WorldSpec) -> pd.DataFrame:
    """The dataset: social homes, and those that left the stock within the years kept; one landlord a building."""
    rng = generator(spec.seed, profile.slug, "social housing")
    count = len(stock.buildings.form)
    providers = joined([rng.permutation(place_words())[:12], np.array(PROVIDER_KINDS * 3, dtype=object)], " ")
    kind = rng.choice(3, count, p=[COUNCIL_SHARE, 0.99 - COUNCIL_SHARE, 0.01])
    name = providers[rng.integers(0, len(providers), count)]
    name[kind == 0] = f"{profile.name} Council"
    name[kind == 2] = f"{profile.name} Public Trust"
    begun = rng.integers(day_of(date(1950, 1, 1)), day_of(date(2012, 1, 1)), stock.dwellings)
    begun = np.where(lives.built > 0, lives.built, begun)
    known = np.maximum(begun + lag(rng, stock.dwellings, 60, 0.05, 200), _RECORDED)
    left = np.where(lives.later_tenure != SOCIAL, lives.tenure_day, NEVER)
    who = np.flatnonzero((lives.tenure == SOCIAL) & (known <= spec.until_day) & (left > spec.since_day))
    home = stock.home[who]
    columns = located(stock, who) | {
        "social_landlord": np.array(["council", "housing_association", "other_public"], dtype=object)[kind[home]],
        "landlord_name": name[home],
        "social_from": dates(begun[who]),
        "social_until": dates(np.where(left[who] + 30 <= spec.until_day, left[who], NEVER)),
        "known_since": dates(known[who]),
    }
    return frame("social_housing", columns)
