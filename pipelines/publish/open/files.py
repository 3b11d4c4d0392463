"""The files of a publication: CSV, Parquet, GeoJSON, dictionary, metadata and a page, all from one table."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pyproj import Transformer

from pipelines.publish.open import metadata, page
from pipelines.publish.open.counting import ALL, PROPERTIES, SOURCES
from pipelines.publish.open.table import COLUMNS

PACKAGE = "datapackage.json"
"""Written last: a folder without it is no publication."""

DICTIONARY = ("what", "name", "of", "source", "description")


@dataclass(frozen=True)
class Period:
    """A quarter of the calendar, and the day of it on which its publication was made."""

    day: date

    @property
    def quarter(self) -> int:
        """1 to 4."""
        return (self.day.month + 2) // 3

    @property
    def name(self) -> str:
        """As folders are called: 2026-q4."""
        return f"{self.day.year}-q{self.quarter}"

    @property
    def words(self) -> str:
        """As people say it."""
        return f"{('first', 'second', 'third', 'fourth')[self.quarter - 1]} quarter of {self.day.year}"


def every(table: pd.DataFrame, homes: pd.DataFrame, period: Period) -> dict[str, bytes]:
    """File names and bytes, `PACKAGE` last; the same table and period give the same bytes.

    `table` has the columns of `pipelines.publish.open.table.COLUMNS`; `homes` those of `counting.areas`.
    """
    described = dictionary()
    made = {
        "counts.csv": _csv(table),
        "counts.parquet": _parquet(table),
        "areas.geojson": metadata.as_json(geojson(table, homes)),
        "dictionary.csv": _csv(described),
    }
    made["index.html"] = page.page(table, described, period.words, period.day, made)
    made["dcat.jsonld"] = metadata.as_json(metadata.dcat(period.name, period.words, period.day, made))
    made[PACKAGE] = metadata.as_json(
        metadata.package(table, list(DICTIONARY), period.name, period.words, period.day, made)
    )
    return made


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False, lineterminator="\n").encode()


def _parquet(table: pd.DataFrame) -> bytes:
    kinds = [pa.field(name, pa.int64() if name in ("count", "margin") else pa.string()) for name in COLUMNS]
    out = io.BytesIO()
    rows = pa.Table.from_pandas(table, schema=pa.schema(kinds), preserve_index=False)
    pq.write_table(rows.replace_schema_metadata(None), out, compression="zstd")
    return out.getvalue()


def geojson(table: pd.DataFrame, homes: pd.DataFrame) -> dict[str, Any]:
    """A point for each ward and LSOA with its figures as `measure.kind`: the middle of all its properties, to 100 m.

    RFC 7946: WGS 84, longitude first. Where properties lie is no secret, and every LSOA has at least a hundred.
    """
    known = homes.dropna(subset=["easting", "northing"])
    levels = {"ward": "ward_code", "lsoa": "lsoa_code"}
    middles = pd.concat(
        [
            known.groupby(column)[["easting", "northing"]].mean().rename_axis("area_code").assign(area_level=level)
            for level, column in levels.items()
        ]
    )
    places = middles.round({"easting": -2, "northing": -2}).set_index("area_level", append=True)
    to_degrees = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(places["easting"].to_numpy(), places["northing"].to_numpy())
    places = places.assign(lon=lon.round(4), lat=lat.round(4))[["lon", "lat"]]
    small = table[table["area_level"] != "borough"]
    names = ["area_code", "area_level", "area_name", "parent_code", "borough_code", "borough_name"]
    wide = (
        small.assign(figure=small["measure"] + "." + small["kind"])
        .pivot_table(index=names, columns="figure", values="count", aggfunc="first")
        .reset_index()
        .merge(places, left_on=["area_code", "area_level"], right_index=True, how="left")
    )
    figures = [column for column in wide if column not in (*names, "lon", "lat")]
    return {"type": "FeatureCollection", "features": [_feature(row, names, figures) for row in wide.to_dict("records")]}


def _feature(row: dict[Any, Any], names: list[str], figures: list[Any]) -> dict[str, Any]:
    there = pd.notna(row["lon"])
    return {
        "type": "Feature",
        "id": f"{row['borough_code']}-{row['area_level']}-{row['area_code']}",
        "geometry": {"type": "Point", "coordinates": [row["lon"], row["lat"]]} if there else None,
        "properties": {name: row[name] for name in names}
        | {name: int(row[name]) for name in figures if pd.notna(row[name])},
    }


def dictionary() -> pd.DataFrame:
    """Columns, measures and kinds with their meanings, those of kinds from the contracts; columns as `DICTIONARY`."""
    rows = [("column", name, "", "", text) for name, text in COLUMNS.items()]
    rows.append(("measure", PROPERTIES, "", "gazetteer", "Properties: all that the borough's gazetteer has."))
    rows.append(("kind", ALL, PROPERTIES, "gazetteer", "Every property."))
    for source in SOURCES:
        when = "in the 365 days to the day of publication" if source.over_a_year else "on the day of publication"
        text = f"{source.counted.capitalize()} {when}. A property counts once in each kind."
        rows.append(("measure", source.measure, "", source.dataset, text))
        rows += [
            ("kind", kind, source.measure, f"{source.dataset}.{source.by}", f"{meaning[:1].upper()}{meaning[1:]}.")
            for kind, meaning in source.kinds.items()
        ]
    return pd.DataFrame(rows, columns=list(DICTIONARY))
