"""One borough of the synthetic London, put together."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from pipelines.core.errors import NotFound
from pipelines.demo.world.applications import licence_application
from pipelines.demo.world.certificates import epc, planning
from pipelines.demo.world.counts import benefits, electoral
from pipelines.demo.world.designations import licensing_scheme, schemes
from pipelines.demo.world.gazetteer import extra_records, gazetteer
from pipelines.demo.world.landlords import Landlords
from pipelines.demo.world.liability import council_tax, make_periods
from pipelines.demo.world.licences import hmo_licence, make_licences
from pipelines.demo.world.lives import make_lives
from pipelines.demo.world.profile import profile
from pipelines.demo.world.requests import Complaints, service_request, waste
from pipelines.demo.world.social import social_housing
from pipelines.demo.world.spec import WorldSpec
from pipelines.demo.world.spells import make_spells
from pipelines.demo.world.stock import make_stock
from pipelines.demo.world.truth import landlord_truth, property_truth
from pipelines.demo.world.visits import inspection, make_visits, with_licence_checks


@dataclass(frozen=True)
class BoroughWorld:
    """One borough's true records by dataset, and the truth behind them.

    Each frame of `records` has its contract's fields with clean values (`direct` fields as plain text), then
    `true_uprn` where it has an address, and `true_landlord` in hmo_licence and council_tax. `truth` has `property`
    (one row a property) and `landlord` (one row a landlord with a property here), as of the last day.
    """

    slug: str
    records: dict[str, pd.DataFrame]
    truth: dict[str, pd.DataFrame]


def make_borough(spec: WorldSpec, slug: str, landlords: Landlords) -> BoroughWorld:
    """Make one borough as it is known on `spec.until`.

    Everything is drawn over the whole horizon and then cut, so that a later last day has the same history.

    Args:
        spec: Which world.
        slug: The borough, one of `spec.boroughs`.
        landlords: What `make_landlords` made for the same spec.

    Raises:
        NotFound: the borough is not one of the spec's, or not one of London's.
    """
    if slug not in spec.boroughs:
        raise NotFound(f"'{slug}' is not one of the boroughs asked for; there are {', '.join(spec.boroughs)}.")
    figures, seed = profile(slug), spec.seed
    stock = make_stock(figures, figures.size(spec), seed)
    lives = make_lives(figures, stock, landlords, seed)
    spells = make_spells(lives)
    designated = schemes(figures, seed)
    complaints = Complaints(figures, stock, lives, spells, seed)
    visits = make_visits(figures, stock, lives, complaints, seed)
    licences = make_licences(figures, stock, lives, spells, designated, visits.found_hmo(lives), seed)
    visits = with_licence_checks(visits, figures, lives, licences, seed)
    periods = make_periods(figures, lives, spells, seed)
    extra = extra_records(figures, stock, lives, seed)
    records = {
        "gazetteer": gazetteer(figures, stock, lives, extra, spec),
        "council_tax": council_tax(figures, stock, lives, periods, spec),
        "electoral": electoral(figures, stock, lives, periods, spec),
        "benefits": benefits(figures, stock, lives, spec),
        "hmo_licence": hmo_licence(figures, stock, lives, licences, spec),
        "licence_application": licence_application(figures, stock, lives, licences, spec),
        "licensing_scheme": licensing_scheme(figures, designated, spec),
        "service_request": service_request(figures, stock, complaints, spec),
        "waste": waste(figures, stock, lives, spells, spec),
        "planning": planning(figures, stock, lives, spells, spec),
        "epc": epc(figures, stock, lives, spec),
        "inspection": inspection(figures, stock, lives, visits, licences, designated, spec),
        "social_housing": social_housing(figures, stock, lives, spec),
    }
    truth = {
        "property": property_truth(stock, lives, licences, designated, extra, spec),
        "landlord": landlord_truth(lives, spec),
    }
    return BoroughWorld(slug=slug, records=records, truth=truth)
