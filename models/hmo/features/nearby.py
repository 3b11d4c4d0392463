"""Complaints and licences within about 150 m, on both sides of a borough's boundary, and in the same street.

Places are counted in squares of 50 m: those whose middle lies within 150 m of the middle of
the property's own. Its own building, licence included, is always left out. Each borough's
counts are taken by the year, over as far back as that borough's history reaches, and its
homes count only once it shares the dataset.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.hmo import cohort
from models.hmo.border import REACH, SUSPECTED, Across, Events
from models.hmo.days import NEVER, Floats, Ints, Mask
from models.hmo.evidence import View
from models.hmo.features.declaration import YEAR
from models.hmo.sources import HMO_LICENCES

SQUARE = 50.0
STEPS = int(REACH / SQUARE)
FARTHEST = 20_000.0
"""Metres from the middle of the borough beyond which a coordinate is a mistake."""

DISC = [(x, y) for x in range(-STEPS, STEPS + 1) for y in range(-STEPS, STEPS + 1) if x * x + y * y <= STEPS * STEPS]
WINDOW = 3 * YEAR


@dataclass(frozen=True)
class Nearby:
    """What is near each property: rates a year for each home, licensed buildings for 100 homes; NaN without homes."""

    complaints: Floats
    complaints_12: Floats
    reports: Floats
    licences: Floats
    across: Floats


@dataclass(frozen=True)
class Squares:
    """A grid over the borough with a margin of `STEPS` squares all round."""

    west: float
    south: float
    columns: int
    rows: int

    def of(self, east: Floats, north: Floats) -> Ints:
        """The square of each place, -1 outside or unknown."""
        known = np.isfinite(east) & np.isfinite(north)
        column = np.floor((np.where(known, east, self.west) - self.west) / SQUARE).astype(np.int64)
        row = np.floor((np.where(known, north, self.south) - self.south) / SQUARE).astype(np.int64)
        inside = known & (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        return np.where(inside, row * self.columns + column, -1)

    def around(self, square: Ints, weights: Floats | None = None) -> Floats:
        """For each square the sum of what lies in the squares around it; `square` may be -1."""
        inside = square >= 0
        chosen = None if weights is None else weights[inside]
        layer = np.bincount(square[inside], weights=chosen, minlength=self.columns * self.rows).astype(float)
        held = np.pad(layer.reshape(self.rows, self.columns), STEPS)
        total = np.zeros((self.rows, self.columns))
        for x, y in DISC:
            total += held[STEPS + y : STEPS + y + self.rows, STEPS + x : STEPS + x + self.columns]
        return total.ravel()


def nearby(view: View) -> Nearby:
    """What is near each property on the view's day."""
    return view.once("nearby", _nearby)


def _nearby(view: View) -> Nearby:
    own = view.evidence
    squares = _squares(own.east, own.north)
    if squares is None:
        none = view.unknown()
        return Nearby(none, none, none, none, none)
    near = _Near.of(view, squares)
    complaints, homes = near.complaints(WINDOW), near.homes("service_request")
    beyond, homes_beyond = near.beyond_complaints(WINDOW), near.beyond_homes("service_request")
    return Nearby(
        complaints=_rate(complaints, homes),
        complaints_12=_rate(near.complaints(YEAR), homes),
        reports=_rate(near.complaints(WINDOW, SUSPECTED), homes),
        licences=100 * _rate(near.licensed(), near.homes("hmo_licence")),
        across=_rate(beyond, homes_beyond),
    )


def _rate(found: Floats, homes: Floats) -> Floats:
    return np.where(homes > 0, found / np.where(homes > 0, homes, 1.0), np.nan)


def _squares(east: Floats, north: Floats) -> Squares | None:
    known = np.isfinite(east) & np.isfinite(north)
    if not known.any():
        return None
    middle_east, middle_north = np.median(east[known]), np.median(north[known])
    known &= (np.abs(east - middle_east) < FARTHEST) & (np.abs(north - middle_north) < FARTHEST)
    margin = STEPS * SQUARE
    # Squares of the national grid, so that they are the same from either side of a boundary.
    west = np.floor((east[known].min() - margin) / SQUARE) * SQUARE
    south = np.floor((north[known].min() - margin) / SQUARE) * SQUARE
    columns = int((east[known].max() + margin - west) // SQUARE) + 1
    rows = int((north[known].max() + margin - south) // SQUARE) + 1
    return Squares(float(west), float(south), columns, rows)


@dataclass(frozen=True)
class _Near:
    """A view on its grid: `building` numbers the building of each property, `square` has a building's square."""

    view: View
    squares: Squares
    building: Ints
    square: Ints
    beyond: Beyond | None
    beyond_square: Ints

    @classmethod
    def of(cls, view: View, squares: Squares) -> _Near:
        own = view.evidence
        building = np.where(own.parent >= 0, own.building[own.parent], own.building)
        at = squares.of(own.east, own.north)
        square = np.full(int(building.max(initial=0)) + 1, -1, dtype=np.int64)
        # From the last to the first, so that a building lies where its first property does.
        placed = np.flatnonzero(at >= 0)[::-1]
        square[building[placed]] = at[placed]
        beyond = beyond_boundary(view)
        where = squares.of(beyond.across.homes.east, beyond.across.homes.north) if beyond else np.empty(0, np.int64)
        return cls(view, squares, building, square, beyond, where)

    def _others(self, counts: Floats) -> Floats:
        """Per property the counts of other buildings around, from counts by building."""
        around = self.squares.around(self.square, counts)
        square = self.square[self.building]
        return np.where(square >= 0, around[square] - counts[self.building], np.nan)

    def _by_building(self, rows: Ints) -> Floats:
        return np.bincount(self.building[rows[rows >= 0]], minlength=len(self.square)).astype(float)

    def _across(self, weights: Floats) -> Floats:
        square = self.square[self.building]
        return np.where(square >= 0, self.squares.around(self.beyond_square, weights)[square], np.nan)

    def complaints(self, days: int, category: str = "") -> Floats:
        """Complaints a year at other buildings around, on both sides of the boundary."""
        view, found = self.view, np.zeros(len(self.square))
        years = view.years("service_request", days)
        if view.shares("service_request"):
            records = view.records("service_request")
            wanted = records.event > view.day - days
            if category:
                wanted &= records.has("request_category", category)
            found = self._by_building(records.row[wanted])
        mine = self._others(found) / (years if years > 0 else np.inf)
        return mine + self.beyond_complaints(days, category)

    def beyond_complaints(self, days: int, category: str = "") -> Floats:
        """Complaints a year around on the other side of the boundary."""
        return self._across(self.beyond.complaints(days, bool(category))) if self.beyond else np.zeros(len(self.view))

    def homes(self, dataset: str) -> Floats:
        """Homes of other buildings around whose borough shares a dataset."""
        shared = bool(first_known(self.view, dataset) <= self.view.day)
        counts = self._by_building(np.flatnonzero(cohort.members(self.view) & shared))
        return self._others(counts) + self.beyond_homes(dataset)

    def beyond_homes(self, dataset: str) -> Floats:
        """Homes around on the other side of the boundary whose borough shares a dataset."""
        return self._across(self.beyond.homes(dataset).astype(float)) if self.beyond else np.zeros(len(self.view))

    def licensed(self) -> Floats:
        """Other buildings around with a licence in force."""
        found = self._others((self._by_building(_licensed(self.view)) > 0).astype(float))
        return found + (self._across(self.beyond.licensed()) if self.beyond else 0.0)


def first_known(view: View, dataset: str) -> int:
    """The first day on which the borough's dataset was known; labels' datasets may be asked for this as well."""
    records = view.evidence.records[dataset]
    return int(np.maximum(records.known, records.event).min(initial=2 * view.day))


def _licensed(view: View) -> Ints:
    """Properties with an HMO licence in force. No property is told of its own building's: see `_Near.licensed`."""
    licences = view.evidence.records["hmo_licence"]
    known = (licences.row >= 0) & (licences.known <= view.day) & (licences.event <= view.day)
    force = known & (licences.days["expiry_date"] >= view.day) & licences.has("licence_type", *HMO_LICENCES)
    return licences.row[force]


@dataclass(frozen=True)
class Beyond:
    """What lies across the boundary on a day."""

    across: Across
    standing: Mask
    since: dict[str, Ints]
    day: int

    def homes(self, dataset: str) -> Mask:
        """Which homes count: those that stood, of boroughs that share the dataset."""
        return np.asarray(self.standing & (self.since[dataset][self.across.homes.borough] < NEVER), dtype=bool)

    def complaints(self, days: int, suspected: bool = False) -> Floats:
        """Complaints a year at each home, over as far back as its borough's history reaches."""
        told: Events = self.across.complaints
        seen = (told.known <= self.day) & (told.day <= self.day) & self.standing[told.home]
        borough = self.across.homes.borough[told.home]
        reach = np.clip(self.day - self.since["service_request"], 1, days) / YEAR
        wanted = seen & (told.day > self.day - days)
        if suspected:
            wanted &= told.suspected
        return np.bincount(told.home[wanted], weights=1 / reach[borough[wanted]], minlength=len(self.standing)).astype(
            float
        )

    def licensed(self) -> Floats:
        """1 at one home of each building with a licence in force."""
        held = self.across.licences
        force = (held.known <= self.day) & (held.day <= self.day) & (held.until >= self.day)
        force &= self.standing[held.home]
        homes = np.unique(held.home[force])
        _, first = np.unique(self.across.homes.building[homes], return_index=True)
        found = np.zeros(len(self.standing))
        found[homes[first]] = 1.0
        return found


def beyond_boundary(view: View) -> Beyond | None:
    """What lies across the borough's boundary, None where nothing is known of it."""
    across = view.evidence.across
    if across is None or not len(across.homes):
        return None
    return view.once("beyond", lambda _: _beyond(across, view.day))


def _beyond(across: Across, day: int) -> Beyond:
    since = {}
    for dataset, events in (("service_request", across.complaints), ("hmo_licence", across.licences)):
        since[dataset] = np.full(len(events.history), NEVER, dtype=np.int64)
        for borough in np.unique(across.homes.borough):
            since[dataset][borough] = events.since(int(borough), day)
    return Beyond(across, across.homes.standing(day), since, day)
