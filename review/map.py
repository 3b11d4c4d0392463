"""Homes of a list on a map: National Grid to longitude and latitude, as GeoJSON."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pyproj import Transformer

from review.queries.lists import Row

NATIONAL_GRID, WGS84 = "EPSG:27700", "EPSG:4326"


@lru_cache(maxsize=1)
def _to_wgs84() -> Transformer:
    return Transformer.from_crs(NATIONAL_GRID, WGS84, always_xy=True)


def points(rows: list[Row], borough: str) -> dict[str, Any]:
    """A feature for each row whose place is known, to within some metres: what its table row says, and no more."""
    placed = [row for row in rows if row.easting is not None and row.northing is not None]
    if not placed:
        return {"type": "FeatureCollection", "features": []}
    lon, lat = _to_wgs84().transform([row.easting for row in placed], [row.northing for row in placed])
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [round(x, 6), round(y, 6)]},
                "properties": {
                    "rank": row.rank,
                    "uprn": row.uprn,
                    "address": row.address,
                    "ward": row.ward or "",
                    "band": row.band,
                    "status": row.status,
                    "href": f"/properties/{borough}/{row.uprn}",
                },
            }
            for row, x, y in zip(placed, lon, lat, strict=True)
        ],
    }
