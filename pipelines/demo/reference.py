"""Reference tables for the synthetic boroughs: what is published of real ones, and is no truth about anybody."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from pipelines.demo.world.places import make_places
from pipelines.demo.world.profile import profile


def write(folder: Path, boroughs: Sequence[str], dwellings: int | None, seed: int) -> list[Path]:
    """Write `deprivation-<borough>.csv` for each borough: the decile of each small area, 1 the most deprived.

    As in the Indices of Deprivation, by rank over everywhere: `hardship` is standard normal over all areas.
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
    return paths
