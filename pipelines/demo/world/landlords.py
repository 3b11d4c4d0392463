"""Landlords: people and companies, the large ones shared by all boroughs, and how their names are written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipelines.demo.world.profile import profiles
from pipelines.demo.world.spec import Bools, Floats, Ints, WorldSpec, generator
from pipelines.demo.world.text import Text, initials, joined, numbers, only, upper
from pipelines.demo.world.vocabulary import COMPANY_KINDS, STREET_KINDS, people_words, place_words

PORTFOLIO_SHARE = 0.48
"""Tenancies of landlords with five and more properties (English Private Landlord Survey 2021)."""
MEAN_PORTFOLIO = 11
LOCAL_MEAN = 1.6
"""Properties of the others: 20% of tenancies are one landlord's only one, 31% are one of two to four (same survey)."""
VARIANTS = 5


@dataclass(frozen=True)
class Landlords:
    """One element a landlord.

    `compliance` is standard normal, higher obeys the law more; `taste` is how much more than others a landlord lets
    HMOs; `home` the number of the borough where most of the portfolio lies; `weight` its expected size.
    """

    landlord_id: Text
    company: Bools
    forename: Text
    surname: Text
    title: Text
    company_name: Text
    address: Text
    agent: Text
    compliance: Floats
    taste: Floats
    home: Ints
    weight: Floats

    def __len__(self) -> int:
        return len(self.landlord_id)

    def take(self, chosen: Ints) -> Landlords:
        """The landlords at these positions."""
        return Landlords(**{name: values[chosen] for name, values in vars(self).items()})

    def with_others(self, others: Landlords) -> Landlords:
        """These landlords, then the others."""
        theirs = vars(others)
        return Landlords(**{name: np.concatenate([values, theirs[name]]) for name, values in vars(self).items()})


def make_landlords(spec: WorldSpec) -> Landlords:
    """Landlords with five and more properties, for the whole of London: the same whichever boroughs are asked for."""
    dwellings = spec.dwellings or sum(p.dwellings for p in profiles().values()) // len(profiles())
    rented = len(profiles()) * dwellings * 0.30
    count = max(40, round(rented * PORTFOLIO_SHARE / MEAN_PORTFOLIO))
    rng = generator(spec.seed, "london", "landlords")
    return draw_landlords(rng, count, "L", company_share=0.28)


def draw_landlords(rng: np.random.Generator, count: int, prefix: str, company_share: float) -> Landlords:
    """Invent landlords with ids `prefix` and a running number."""
    places, forenames, surnames = place_words(), people_words("forenames"), people_words("surnames")
    kinds = np.array(COMPANY_KINDS, dtype=object)[rng.integers(0, len(COMPANY_KINDS), count)]
    one, two = (places[rng.integers(0, len(places), count)] for _ in range(2))
    surname = surnames[rng.integers(0, len(surnames), count)]
    lead = np.where(rng.random(count) < 0.25, surname, np.where(rng.random(count) < 0.3, joined([one, two], " "), one))
    company = rng.random(count) < company_share
    roads = np.array([kind for kind, _ in STREET_KINDS], dtype=object)
    town = np.array(["London", "London", "London", "Harrow", "Croydon", "Ilford", "Watford", "Luton"], dtype=object)
    street = joined([places[rng.integers(0, len(places), count)], roads[rng.integers(0, len(roads), count)]], " ")
    numbered = joined([numbers(rng.integers(1, 180, count)), street], " ")
    agents = joined([places[: max(8, min(count // 25, 400))], "Property Management Ltd"], " ")
    titles = np.array(["Mr", "Mrs", "Ms", "Dr"], dtype=object)
    return Landlords(
        landlord_id=joined([prefix, numbers(np.arange(1, count + 1), 6)], ""),
        company=company,
        forename=forenames[rng.integers(0, len(forenames), count)],
        surname=surname,
        title=titles[rng.choice(4, count, p=[0.6, 0.2, 0.15, 0.05])],
        company_name=joined([lead, kinds], " "),
        address=joined([numbered, town[rng.integers(0, len(town), count)]], ", "),
        agent=only(rng.random(count) < 0.45, agents[rng.integers(0, len(agents), count)]),
        compliance=rng.standard_normal(count) + np.where(company, 0.25, -0.1),
        taste=rng.lognormal(0, 0.95, count),
        home=rng.integers(1, len(profiles()) + 1, count),
        weight=rng.pareto(1.6, count) + 0.6,
    )


def _nearness(number: int) -> Floats:
    """How much each borough's landlords own in borough `number`: 60% at home, the rest mostly next door (8 km)."""
    centres = np.array([[p.easting, p.northing] for p in profiles().values()])
    apart = np.hypot(*(centres - centres[number - 1]).T)
    near = np.where(np.arange(len(centres)) == number - 1, 0.0, np.exp(-apart / 8000))
    shares: Floats = 0.4 * near / near.sum()
    shares[number - 1] = 0.6
    return shares


def names(landlords: Landlords, who: Ints, variant: Ints) -> Text:
    """The name of each landlord as one of five ways of writing it.

    People: 'Ada Example', 'A Example', 'Ms Ada Example', 'Example Ada', 'Example, A'. Companies: '... Ltd',
    '... Limited', all in capitals, without the legal form, '... LTD.'.

    Args:
        landlords: The landlords.
        who: Position of the landlord of each row.
        variant: Way of writing of each row, 0 to 4.
    """
    first, last, firm = landlords.forename[who], landlords.surname[who], landlords.company_name[who]
    person = [
        lambda m: joined([first[m], last[m]], " "),
        lambda m: joined([initials(first[m]), last[m]], " "),
        lambda m: joined([landlords.title[who[m]], first[m], last[m]], " "),
        lambda m: joined([last[m], first[m]], " "),
        lambda m: joined([last[m], initials(first[m])], ", "),
    ]
    firmly = [
        lambda m: joined([firm[m], "Ltd"], " "),
        lambda m: joined([firm[m], "Limited"], " "),
        lambda m: upper(joined([firm[m], "Ltd"], " ")),
        lambda m: firm[m],
        lambda m: joined([firm[m], "LTD."], " "),
    ]
    written = np.full(len(who), None, dtype=object)
    for code in range(VARIANTS):
        for company, ways in ((False, person), (True, firmly)):
            chosen = np.flatnonzero((variant == code) & (landlords.company[who] == company))
            if len(chosen):
                written[chosen] = ways[code](chosen)
    return written


def borough_landlords(
    pool: Landlords, seed: int, slug: str, number: int, rented: Bools, hmo: Bools
) -> tuple[Landlords, Ints]:
    """Who owns each of a borough's rented dwellings.

    Args:
        pool: The landlords that all boroughs share.
        seed: Seed of the world.
        slug: The borough.
        number: The borough's number, 1 to 33.
        rented: Per dwelling, whether it is ever let privately.
        hmo: Per dwelling, whether it is ever an HMO.

    Returns:
        The landlords of the borough, and for each dwelling a position among them (-1 where it is never let).
    """
    rng = generator(seed, slug, "landlords")
    count = len(pool)
    base = pool.weight * _nearness(number)[pool.home - 1]
    owner = np.full(len(rented), -1, dtype=np.int64)
    local_count = max(3, round(float(rented.sum()) * (1 - PORTFOLIO_SHARE) / LOCAL_MEAN))
    local = draw_landlords(rng, local_count, f"L{number:02d}-", company_share=0.1)
    for chosen, in_pool, taste in ((rented & ~hmo, PORTFOLIO_SHARE, 0.0), (hmo, PORTFOLIO_SHARE + 0.14, 1.0)):
        rows = np.flatnonzero(chosen)
        pooled = rng.random(len(rows)) < in_pool
        weight = base * pool.taste**taste
        by_pool = rng.choice(count, len(rows), p=weight / weight.sum())
        likely = local.taste**taste
        by_local = count + rng.choice(local_count, len(rows), p=likely / likely.sum())
        owner[rows] = np.where(pooled, by_pool, by_local)
    present, position = np.unique(owner[owner >= 0], return_inverse=True)
    owner[owner >= 0] = position
    return pool.with_others(local).take(present), owner
