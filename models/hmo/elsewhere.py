"""What landlords have at other buildings than each home's own, on one day.

Most of it is the same for every borough: which spells were in force, and what each landlord has in all. That is worked
out once for a day (`Day`), however many boroughs ask; a borough then takes its homes' own buildings, and what lies in
itself, away from the totals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.hmo.days import Floats, Ints, Mask

BUILDINGS = "buildings"
LICENCES, EXPIRED, LICENCES_SHARED = "licences", "expired", "licences_shared"
COMPLAINTS, NOTICES, COMPLAINTS_SHARED = "complaints", "notices", "complaints_shared"


@dataclass(frozen=True)
class OwnLandlord:
    """What each property's landlord has at other buildings than its own; NaN where no landlord is known.

    `*_away` is the part of it in other boroughs. Licences, complaints and what follows from them are NaN as well where
    the landlord has other buildings, but none in a borough that had shared any of them by the day.
    """

    buildings: Floats
    boroughs: Floats
    licences: Floats
    expired: Floats
    complaints: Floats
    notices: Floats
    buildings_away: Floats
    licences_away: Floats
    complaints_away: Floats


@dataclass(frozen=True)
class Day:
    """Pairs of landlord and building that were in force on a day, and what stands there.

    `pairs` are sorted numbers (landlord times `places`, plus building), `who` their landlords, `there` their boroughs.
    `worth` has by name what each pair counts, `total` its sum by landlord, and `boroughs` in how many boroughs each
    landlord has buildings.
    """

    places: int
    pairs: Ints
    who: Ints
    there: Ints
    worth: dict[str, Floats]
    total: dict[str, Floats]
    boroughs: Floats

    @classmethod
    def of(cls, pairs: Ints, places: int, landlords: int, place_borough: Ints, worth: dict[str, Floats]) -> Day:
        """Totals of pairs; `place_borough` is the borough of each building, `worth` by name what each pair counts."""
        who, there = pairs // places, place_borough[pairs % places]
        many = int(there.max(initial=0)) + 1
        distinct = np.unique(who * many + there) // many
        total = {n: np.bincount(who, weights=each, minlength=landlords).astype(float) for n, each in worth.items()}
        boroughs = np.bincount(distinct, minlength=landlords).astype(float)
        return cls(places, pairs, who, there, worth, total, boroughs)

    def of_homes(self, landlord: Ints, place: Ints, borough: int) -> OwnLandlord:
        """What the landlord of each home has elsewhere.

        Args:
            landlord: the landlord of each home, -1: none.
            place: its building, -1 where no landlord ever had it.
            borough: the borough of all of them.
        """
        homes = _Homes.of(self, landlord, place, borough)
        return OwnLandlord(
            buildings=homes.others(BUILDINGS),
            boroughs=homes.boroughs(),
            licences=homes.others(LICENCES, LICENCES_SHARED),
            expired=homes.others(EXPIRED, LICENCES_SHARED),
            complaints=homes.others(COMPLAINTS, COMPLAINTS_SHARED),
            notices=homes.others(NOTICES, COMPLAINTS_SHARED),
            buildings_away=homes.away(BUILDINGS),
            licences_away=homes.away(LICENCES, LICENCES_SHARED),
            complaints_away=homes.away(COMPLAINTS, COMPLAINTS_SHARED),
        )


@dataclass(frozen=True)
class _Homes:
    """The homes of one borough with a landlord (`rows` of `size`), and the pair of each with its own building.

    `own` is the position of that pair where `holds` says that it was in force; `inside` are the pairs in the borough.
    """

    day: Day
    size: int
    rows: Ints
    landlord: Ints
    own: Ints
    holds: Mask
    inside: Ints

    @classmethod
    def of(cls, day: Day, landlord: Ints, place: Ints, borough: int) -> _Homes:
        rows = np.flatnonzero(landlord >= 0)
        who, where = landlord[rows], place[rows]
        pair = who * day.places + where
        own = np.minimum(np.searchsorted(day.pairs, pair), max(len(day.pairs) - 1, 0))
        holds = (where >= 0) & (day.pairs[own] == pair) if len(day.pairs) else np.zeros(len(rows), dtype=bool)
        return cls(day, len(landlord), rows, who, own, holds, np.flatnonzero(day.there == borough))

    def others(self, name: str, shared: str = "") -> Floats:
        """The landlord's total but for the own building; NaN where there are others, but none of them is `shared`."""
        found = self._others(name)
        if shared:
            found[(self._others(BUILDINGS) > 0) & (self._others(shared) == 0)] = np.nan
        return self._spread(found)

    def away(self, name: str, shared: str = "") -> Floats:
        """As `others`, of other boroughs alone."""
        found = self._away(name)
        if shared:
            found[(self._away(BUILDINGS) > 0) & (self._away(shared) == 0)] = np.nan
        return self._spread(found)

    def boroughs(self) -> Floats:
        """In how many other boroughs the landlord has buildings."""
        here = np.bincount(self.day.who[self.inside], minlength=len(self.day.boroughs)) > 0
        return self._spread(self.day.boroughs[self.landlord] - here[self.landlord])

    def _others(self, name: str) -> Floats:
        return self.day.total[name][self.landlord] - self._own(name, self.holds)

    def _away(self, name: str) -> Floats:
        worth = self.day.worth[name][self.inside]
        here = np.bincount(self.day.who[self.inside], weights=worth, minlength=len(self.day.boroughs))
        # The own building lies in the borough; should the gazetteers disagree on it, it does not count as another.
        abroad = self.holds & np.isin(self.own, self.inside, invert=True)
        return self.day.total[name][self.landlord] - here[self.landlord] - self._own(name, abroad)

    def _own(self, name: str, which: Mask) -> Floats:
        found = np.zeros(len(self.rows))
        found[which] = self.day.worth[name][self.own[which]]
        return found

    def _spread(self, found: Floats) -> Floats:
        values = np.full(self.size, np.nan)
        values[self.rows] = found
        return values
