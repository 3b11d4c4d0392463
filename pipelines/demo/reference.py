"""Reference tables for the synthetic boroughs: what is published of real ones, and is no truth about anybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from pipelines.demo.world.places import Places, make_places
from pipelines.demo.world.profile import profile
from pipelines.demo.world.spec import generator

LONDON_SHARES = {"asian": 0.207, "black": 0.135, "mixed": 0.057, "white": 0.538, "other": 0.063}
"""Residents of London by broad ethnic group (ONS, Census 2021, TS021)."""

SPREAD = 0.5
"""How far areas differ, in log-odds: our own assumption."""


def write(folder: Path, boroughs: Sequence[str], dwellings: int | None, seed: int) -> list[Path]:
    """Write for each borough what audits ask of its small areas.

    `deprivation-<borough>.csv`: the decile of each area, 1 the most deprived. As in the Indices of Deprivation, by rank
    over everywhere: `hardship` is standard normal over all areas. `ethnicity-<borough>.csv`: the shares of residents
    by broad ethnic group, around London's of the Census 2021.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for slug in boroughs:
        figures = profile(slug)
        places = make_places(figures, figures.dwellings if dwellings is None else dwellings, seed)
        decile = np.clip(np.ceil(10 * norm.sf(places.hardship)), 1, 10).astype(int)
        table = pd.DataFrame({"lsoa_code": places.area_code, "deprivation_decile": decile})
        paths.append(folder / f"deprivation-{slug}.csv")
        table.sort_values("lsoa_code").to_csv(paths[-1], index=False)
        paths.append(folder / f"ethnicity-{slug}.csv")
        _ethnicity(slug, places, seed).to_csv(paths[-1], index=False)
    return paths


def _ethnicity(slug: str, places: Places, seed: int) -> pd.DataFrame:
    """Made-up shares of residents by area; more deprived areas are somewhat less white, as in London's census."""
    rng = generator(seed, slug, "ethnicity")
    level = np.log(np.array(list(LONDON_SHARES.values())))
    odds = level + SPREAD * rng.standard_normal((len(places.area_code), len(level)))
    odds[:, list(LONDON_SHARES).index("white")] -= 0.3 * places.hardship
    shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    table = pd.DataFrame(shares.round(4), columns=[f"share_{group}" for group in LONDON_SHARES])
    table.insert(0, "lsoa_code", places.area_code)
    return table.sort_values("lsoa_code")
