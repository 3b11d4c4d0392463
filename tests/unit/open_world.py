"""Boroughs in the lake with whole LSOAs of homes, for the tests of open data. Everything is made up."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.core.tables import LINK, PROPERTY
from pipelines.governance import access
from pipelines.publish.open import counting
from pipelines.publish.open.table import published
from schemas import registry
from tests.unit.governed_world import drop, rows

TODAY = date(2026, 8, 20)
NOW = f"{TODAY}T03:00:00+00:00"
HOMES = 110
"""Properties of each LSOA."""


def write_borough(
    borough: str, licences: list[int], *, requests: list[int] | None = None, number: int = 1, homes: int = HOMES
) -> None:
    """A borough with as many LSOAs as `licences`, two a ward, and so many selectively licensed homes in each.

    `requests`: homes complained about by LSOA, each of them twice, for noise; none came where it is not given.
    """
    size = len(licences) * homes
    area = np.repeat(np.arange(len(licences)), homes)
    uprn = [str(number * 1_000_000 + n) for n in range(1, size + 1)]
    spine = [
        {
            "borough": borough,
            "uprn": uprn[n],
            "ward_code": ward_of(number, int(area[n])),
            "ward_name": f"Ward {area[n] // 2 + 1}",
            "lsoa_code": lsoa_of(number, int(area[n])),
            "easting": 530_000.0 + 700 * area[n] + n % homes,
            "northing": 180_000.0 + 900 * number + n % 7,
        }
        for n in range(size)
    ]
    _write("property", PROPERTY, spine, borough)
    licensed = [n for which, many in enumerate(licences) for n in range(which * homes, which * homes + many)]
    held: list[dict[str, Any]] = [
        {
            "licence_ref": f"L{n}",
            "licence_type": "selective",
            "licence_status": "current",
            "commencement_date": TODAY - timedelta(days=700),
        }
        for n in licensed
    ]
    rows("hmo_licence", *held, borough=borough, behind=drop(borough, "hmo_licence", f"{borough} {licences}"))
    links = [("hmo_licence", record, uprn[n]) for record, n in enumerate(licensed, start=1)]
    if requests is not None:
        noisy = [n for which, many in enumerate(requests) for n in range(which * homes, which * homes + many)]
        calls: list[dict[str, Any]] = [
            {"request_category": "noise", "received_date": TODAY - timedelta(days=30)} for _ in range(2 * len(noisy))
        ]
        rows("service_request", *calls, borough=borough, behind=drop(borough, "service_request", f"{borough} calls"))
        links += [("service_request", 2 * at + which, uprn[n]) for at, n in enumerate(noisy) for which in (1, 2)]
    tied = [
        {"borough": borough, "dataset": dataset, "record_id": record, "uprn": place, "decision": "linked"}
        for dataset, record, place in links
    ]
    _write("link", LINK, tied, borough)


def ward_of(number: int, area: int) -> str:
    """The ward of an LSOA by its number."""
    return f"E05{number:03d}{area // 2:03d}"


def lsoa_of(number: int, area: int) -> str:
    """The code of an LSOA by its number."""
    return f"E01{number:03d}{area:03d}"


def _write(table: str, schema: pa.Schema, content: list[dict[str, Any]], borough: str) -> None:
    named = [{name: row.get(name) for name in schema.names} for row in content]
    access.write_table(table, pa.Table.from_pylist(named, schema=schema), borough=borough, made_from={})


def made_up(
    boroughs: tuple[str, ...] = ("camden", "city_of_london"), lsoas: int = 6
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table and homes of a publication without a lake: of the first borough all measures, of the others licences."""
    rng = np.random.default_rng(7)
    tables, places = [], []
    for number, slug in enumerate(boroughs, start=1):
        area = np.repeat(np.arange(lsoas), HOMES)
        homes = pd.DataFrame(
            {
                "uprn": [f"{number}{n:06d}" for n in range(len(area))],
                "ward_code": [ward_of(number, which) for which in area],
                "ward_name": [f"Ward {which // 2 + 1}, with a comma" for which in area],
                "lsoa_code": [lsoa_of(number, which) for which in area],
                "easting": 528_000.0 + 600 * area + rng.uniform(0, 500, len(area)),
                "northing": 180_000.0 + 1_500 * number + rng.uniform(0, 500, len(area)),
            }
        )
        sources = counting.SOURCES if number == 1 else counting.SOURCES[:1]
        kinds = [(counting.PROPERTIES, counting.ALL), *((one.measure, kind) for one in sources for kind in one.kinds)]
        counts = pd.DataFrame(
            [
                {"lsoa_code": lsoa_of(number, which), "measure": measure, "kind": kind, "n": int(rng.poisson(8))}
                for which in range(lsoas)
                for measure, kind in kinds
            ]
        )
        tables.append(published(registry.borough(slug), homes, counts, b"s" * 32))
        places.append(homes)
    return pd.concat(tables, ignore_index=True), pd.concat(places, ignore_index=True)
