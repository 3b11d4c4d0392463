"""A home that stood on no list: what is on record of it today, read from the lake for this one home."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from models.hmo import on_record
from models.hmo.why import licensing_of
from pipelines.core.errors import NotFound
from pipelines.core.tables import PROPERTY
from pipelines.governance import access

PLACE = pa.schema([PROPERTY.field(name) for name in ("uprn", "parent_uprn", "address", "postcode", "ward_name")])


def unlisted(borough: str, uprn: str, on: date, sentences: Mapping[str, str]) -> dict[str, Any]:
    """What is known of one home of the borough's gazetteer, without a score: officers see places, never likelihoods.

    It reads the lake; that is put on record by whoever gathers the reads (`governance.reads`).

    Args:
        borough: its slug.
        uprn: the home.
        on: the day by whose end it was known.
        sentences: what each reason of a link means, by its code.

    Returns:
        As `models.hmo.dossier` describes them: uprn, address, postcode, building_uprn, as_of, `records`, `left_out`,
        `licences`, `applications`, `withheld`; `ward` (or null); `licensing`, with the day on which it was worked out
        as `as_of`, null where nothing was.

    Raises:
        NotFound: the borough's gazetteer has no such property.
    """
    rows = access.read_table("property", PLACE, boroughs=[borough], among={"uprn": [uprn]}).to_pylist()
    if not rows:
        raise NotFound("The borough's gazetteer has no property of this UPRN.")
    place = rows[0]
    building = place["parent_uprn"] or None
    found = on_record.of_homes(borough, [uprn], [building], on)
    licensing = licensing_of(borough, None, [uprn]).get(uprn)
    if licensing is not None:
        licensing["as_of"] = licensing["as_of"].isoformat()
    return {
        **{name: place[name] for name in ("uprn", "address", "postcode")},
        "ward": place["ward_name"],
        "building_uprn": building,
        "as_of": on.isoformat(),
        **on_record.told(found.homes[0], sentences),
        "licensing": licensing,
        "withheld": found.withheld,
    }
