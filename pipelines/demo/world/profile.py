"""Figures of each borough that the world is calibrated to, from `boroughs.csv` (sources: docs/synthetic-london.md)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pandas as pd

from pipelines.core.errors import NotFound
from pipelines.demo.world.spec import WorldSpec
from schemas.registry import boroughs

FOLDER = Path(__file__).resolve().parent

POST_TOWNS = {
    "BR": "Bromley", "CR": "Croydon", "DA": "Bexleyheath", "EN": "Enfield", "HA": "Harrow", "IG": "Ilford",
    "KT": "Kingston upon Thames", "RM": "Romford", "SM": "Sutton", "TW": "Twickenham", "UB": "Southall",
}  # fmt: skip


@dataclass(frozen=True)
class Profile:
    """One borough's figures: lengths in metres on the British National Grid, shares from 0 to 1.

    `hmo_share` is HMOs by dwellings, `mandatory_share` those of five and more persons by HMOs,
    `licensed_share` licensed by licensable HMOs, `claimants_pc` per cent of working age on out-of-work benefits.
    """

    slug: str
    name: str
    number: int
    dwellings: int
    easting: float
    northing: float
    half_width: float
    half_height: float
    owned: float
    social: float
    private: float
    houses: float
    hmo_share: float
    mandatory_share: float
    licensed_share: float
    claimants_pc: float
    districts: tuple[str, ...]

    def size(self, spec: WorldSpec) -> int:
        """Dwellings to make."""
        return self.dwellings if spec.dwellings is None else spec.dwellings


@lru_cache(maxsize=1)
def profiles() -> dict[str, Profile]:
    """Every London borough by slug, in the order of their GSS codes."""
    names = {slug: item.name for slug, item in boroughs().items()}
    table = pd.read_csv(FOLDER / "boroughs.csv", comment="#").drop(columns=["houses_basis", "hmo_basis"])
    found: dict[str, Profile] = {}
    for number, row in enumerate(table.to_dict("records"), start=1):
        values = {str(key): value for key, value in row.items()}
        districts = tuple(str(values.pop("districts")).split())
        slug = str(values["slug"])
        found[slug] = Profile(name=names[slug], number=number, districts=districts, **values)
    return found


def profile(slug: str) -> Profile:
    """One borough's figures.

    Raises:
        NotFound: no London borough has this slug.
    """
    try:
        return profiles()[slug]
    except KeyError:
        raise NotFound(
            f"There are no figures for '{slug}': the synthetic London has London's 33 boroughs only."
        ) from None


def town_of(district: str) -> str:
    """Post town of a postcode district: London for the London districts."""
    return POST_TOWNS.get(district.rstrip("0123456789")[:2], "London")
