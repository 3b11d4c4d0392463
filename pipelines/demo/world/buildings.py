"""Buildings of one borough: houses, conversions, blocks and shops, numbered along their streets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.world.places import Places
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.spec import END, START, Floats, Ints, generator, pick
from pipelines.demo.world.text import Text, joined, numbers, only
from pipelines.demo.world.vocabulary import BLOCK_KINDS, COTTAGE_KINDS, place_words

DETACHED, SEMI, TERRACE, CONVERSION, BLOCK, ESTATE_BLOCK, SHOP = range(7)
FORMS = ("detached", "semi_detached", "terraced", "conversion", "purpose_built", "purpose_built_estate", "above_shop")
NUMBERED, FLAT_NUMBER, FLAT_LETTER, FLOOR, SUFFIX, APARTMENT = range(6)

_CONVERSION_UNITS = ((2, 3, 4, 5, 6), (0.42, 0.27, 0.17, 0.09, 0.05))
_STREET_WEIGHT = np.array(
    # terraces, suburb, estate, high street, mansions, lane
    [
        [0.2, 1.0, 0.0, 0.0, 0.3, 4.0],  # detached
        [0.3, 5.0, 0.2, 0.0, 0.1, 2.0],  # semi
        [5.0, 0.8, 0.7, 0.3, 0.5, 0.8],  # terrace
        [4.0, 0.5, 0.1, 1.0, 1.5, 0.2],  # conversion
        [0.5, 0.4, 0.5, 0.8, 4.0, 0.3],  # block
        [0.2, 0.1, 5.0, 0.2, 0.2, 0.0],  # estate block
        [0.3, 0.1, 0.1, 8.0, 0.4, 0.0],  # shop
    ]
)
_AGE = np.array(
    # before 1900, 1900-29, 1930-49, 1950-66, 1967-82, 1983-2002, 2003 on
    [
        [0.08, 0.15, 0.35, 0.17, 0.10, 0.09, 0.06],
        [0.03, 0.15, 0.55, 0.14, 0.06, 0.05, 0.02],
        [0.38, 0.30, 0.09, 0.06, 0.07, 0.06, 0.04],
        [0.66, 0.27, 0.05, 0.01, 0.01, 0.00, 0.00],
        [0.08, 0.06, 0.12, 0.10, 0.14, 0.20, 0.30],
        [0.00, 0.04, 0.17, 0.33, 0.36, 0.08, 0.02],
        [0.45, 0.28, 0.16, 0.05, 0.03, 0.02, 0.01],
    ]
)
AGE_BANDS = ("before_1900", "1900_1929", "1930_1949", "1950_1966", "1967_1982", "1983_2002", "2003_on")


@dataclass(frozen=True)
class Buildings:
    """One element a building, sorted by street and then along it. `numbered` is None where only a name is used."""

    form: Ints
    units: Ints
    street: Ints
    numbered: Text
    name: Text
    style: Ints
    storeys: Ints
    age: Ints
    easting: Floats
    northing: Floats
    postcode: Text
    built: Ints


def make_buildings(profile: Profile, places: Places, dwellings: int, seed: int) -> Buildings:
    """As many buildings as hold exactly `dwellings` dwellings, in the borough's mix of houses and flats."""
    rng = generator(seed, profile.slug, "buildings")
    form, units = _drawn(rng, profile, dwellings)
    street = np.empty(len(form), dtype=np.int64)
    for kind in range(len(FORMS)):
        chosen = np.flatnonzero(form == kind)
        weight = _STREET_WEIGHT[kind][places.street_kind] + 1e-3
        street[chosen] = rng.choice(len(places.street), len(chosen), p=weight / weight.sum())
    order = np.lexsort((form * 0.4 + rng.random(len(form)), street))
    form, units, street = form[order], units[order], street[order]
    side = street * 2 + rng.integers(0, 2, len(street))
    along = np.lexsort((np.arange(len(side)), side))
    form, units, street, side = form[along], units[along], street[along], side[along]
    number, position, suffix, ranged = _numbers(rng, form, side)
    name, shown = _names(rng, form, street)
    style = _styles(rng, form, units)
    style[(style == SUFFIX) & (ranged == 1)] = FLAT_NUMBER
    age = pick(rng, _AGE[form])
    across = np.where(side % 2 == 0, 12.0, -12.0)
    bearing = places.bearing[street]
    return Buildings(
        form=form,
        units=units,
        street=street,
        numbered=only(shown, _number_text(number, suffix, ranged)),
        name=name,
        style=style,
        storeys=_storeys(rng, form, units),
        age=age,
        easting=np.round(places.easting[street] + 9 * position * np.cos(bearing) - across * np.sin(bearing)),
        northing=np.round(places.northing[street] + 9 * position * np.sin(bearing) + across * np.cos(bearing)),
        postcode=_postcodes(rng, places.district[street], street, units),
        built=_built(rng, form, age),
    )


def _drawn(rng: np.random.Generator, profile: Profile, dwellings: int) -> tuple[Ints, Ints]:
    """Form of each building and its dwellings; the sizes of blocks are log-normal."""
    houses = profile.houses
    detached = float(np.clip((houses - 0.2) * 0.35, 0.02, 0.2))
    semi = float(np.clip((houses - 0.15) * 0.95, 0.05, 0.5))
    estate = float(np.clip(profile.social * 1.6, 0.1, 0.6))
    flats = 1 - houses
    share = np.array(
        [
            houses * detached, houses * semi, houses * (1 - detached - semi),
            flats * 0.30, flats * 0.64 * (1 - estate), flats * 0.64 * estate, flats * 0.06,
        ]
    )  # fmt: skip
    mean = np.array([1, 1, 1, 3.08, 15, 22, 1.6])
    forms, sizes = [], []
    for kind, (part, size) in enumerate(zip(share, mean, strict=True)):
        count = int(dwellings * part / size * 1.1) + 3
        forms.append(np.full(count, kind))
        sizes.append(_sizes(rng, kind, count, size))
    form, units = np.concatenate(forms), np.concatenate(sizes)
    order = rng.permutation(len(form))
    form, units = form[order], units[order]
    before = np.r_[0, np.cumsum(units)[:-1]]
    kept = before < dwellings
    form, units = form[kept], np.minimum(units[kept], dwellings - before[kept])
    return np.where((units == 1) & (form != SHOP) & (form > TERRACE), TERRACE, form), units


def _sizes(rng: np.random.Generator, kind: int, count: int, mean: float) -> Ints:
    if kind <= TERRACE:
        return np.ones(count, dtype=np.int64)
    if kind == CONVERSION:
        return rng.choice(_CONVERSION_UNITS[0], count, p=_CONVERSION_UNITS[1])
    if kind == SHOP:
        return rng.choice([1, 2, 3], count, p=[0.55, 0.3, 0.15])
    drawn = rng.lognormal(np.log(mean) - 0.245, 0.7, count)
    return np.clip(np.round(drawn), 4, 150).astype(np.int64)


def _numbers(rng: np.random.Generator, form: Ints, side: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Number, position along the street, whether an infill with a suffix ("12A"), whether a range ("12-14")."""
    size = len(form)
    new_side = np.r_[True, side[1:] != side[:-1]]
    house = form <= TERRACE
    before_is_house = np.r_[False, house[:-1]] & ~new_side
    infill = house & before_is_house & (rng.random(size) < 0.03)
    infill &= ~np.r_[False, infill[:-1]]
    next_infill = np.r_[infill[1:], False]
    ranged = ~house & (rng.random(size) < 0.09)
    taken = np.where(next_infill, 0, 1 + ranged + (rng.random(size) < 0.04))
    start = np.cumsum(taken) - taken
    start -= np.maximum.accumulate(np.where(new_side, start, 0))
    number = 2 * start + np.where(side % 2 == 0, 1, 2)
    return number, start, infill.astype(np.int64), ranged.astype(np.int64)


def _number_text(number: Ints, suffix: Ints, ranged: Ints) -> Text:
    tail = np.where(suffix == 1, "A", np.where(ranged == 1, joined(["-", numbers(number + 2)], ""), ""))
    return joined([numbers(number), tail.astype(object)], "")


def _names(
    rng: np.random.Generator, form: Ints, street: Ints
) -> tuple[Text, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Building name or None, and whether the number is shown: a block with a name may have none."""
    size, words = len(form), place_words()
    block = (form == BLOCK) | (form == ESTATE_BLOCK)
    named = block & (rng.random(size) < 0.88)
    cottage = (form == DETACHED) & (rng.random(size) < 0.06)
    word = words[rng.integers(0, len(words), size)]
    kind = rng.integers(0, 10, size)
    block_name = joined([word, np.array(BLOCK_KINDS, dtype=object)[kind]], " ")
    cottage_name = joined([word, np.array(COTTAGE_KINDS, dtype=object)[kind % len(COTTAGE_KINDS)]], " ")
    name = only(named | cottage, np.where(named, block_name, cottage_name))
    hidden = (named & (rng.random(size) < 0.45)) | (cottage & (rng.random(size) < 0.5))
    _, first = np.unique(joined([block_name, cottage_name, numbers(street)], "|"), return_index=True)
    unlike = np.zeros(size, dtype=np.bool_)
    unlike[first] = True
    return name, ~(hidden & unlike)


def _styles(rng: np.random.Generator, form: Ints, units: Ints) -> Ints:
    style = np.full(len(form), NUMBERED)
    for kinds, shares in (
        ((CONVERSION, SHOP), (0.0, 0.40, 0.18, 0.27, 0.15, 0.0)),
        ((BLOCK,), (0.0, 0.72, 0.06, 0.0, 0.0, 0.22)),
        ((ESTATE_BLOCK,), (0.0, 0.94, 0.06, 0.0, 0.0, 0.0)),
    ):
        chosen = np.isin(form, kinds)
        style[chosen] = rng.choice(6, int(chosen.sum()), p=shares)
    style[(style == FLAT_LETTER) & (units > 24)] = FLAT_NUMBER
    return style


def _storeys(rng: np.random.Generator, form: Ints, units: Ints) -> Ints:
    low = np.array([2, 2, 2, 3, 3, 3, 2])[form]
    storeys = low + (rng.random(len(form)) < 0.3)
    tall = np.maximum(3, np.round(units / rng.uniform(2.5, 7, len(form)))).astype(np.int64)
    return np.where((form == BLOCK) | (form == ESTATE_BLOCK), np.minimum(tall, 40), storeys).astype(np.int64)


def _postcodes(rng: np.random.Generator, district: Text, street: Ints, units: Ints) -> Text:
    """A postcode for about every 15 dwellings of a street, none of them shared by two streets."""
    total = np.cumsum(units) - units
    first = np.r_[True, street[1:] != street[:-1]]
    within = total - np.maximum.accumulate(np.where(first, total, 0))
    group = within // 15
    changes = first | np.r_[True, group[1:] != group[:-1]]
    serial = np.cumsum(changes) - 1
    letters = np.array(list("ABDEFGHJLNPQRSTUWXYZ"), dtype=object)
    drawn = rng.permutation(9 * 400)
    codes, inverse = np.unique(district, return_inverse=True)
    one = np.flatnonzero(changes)
    rank = np.empty(len(one), dtype=np.int64)
    for code in range(len(codes)):
        mine = inverse[one] == code
        rank[mine] = np.arange(int(mine.sum()))
    inward = drawn[rank % len(drawn)]
    text = joined(
        [numbers(inward // 400 + 1), letters[inward % 400 // 20], letters[inward % 20]],
        "",
    )
    found: Text = joined([district[one], text], " ")[serial]
    return found


def _built(rng: np.random.Generator, form: Ints, age: Ints) -> Ints:
    """Day from which the building stands: before the horizon, but for some of the newest blocks."""
    new = (form == BLOCK) & (age == len(AGE_BANDS) - 1) & (rng.random(len(form)) < 0.12)
    return np.where(new, rng.integers(START + 30, END, len(form)), 0)
