"""The files of open data: CSV, Parquet, GeoJSON, DCAT, Frictionless, dictionary and a page, all from one table."""

from __future__ import annotations

import base64
import io
import json
from datetime import date
from typing import Any

import matplotlib
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from matplotlib.figure import Figure
from pyproj import Transformer

from pipelines.governance.access import ROUNDING_MULTIPLE, SUPPRESSION_THRESHOLD
from pipelines.publish.html import render
from pipelines.publish.open.counting import SOURCES
from schemas import registry

LICENCE = {
    "name": "OGL-UK-3.0",
    "title": "Open Government Licence v3.0",
    "path": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
}
MEANING = {
    "borough": "Borough, by the name LODA gives it.",
    "area_level": "borough, ward or lsoa (2021 areas as the borough's gazetteer has them).",
    "area_code": "Code of the area; for a borough its name.",
    "area_name": "Name of the area.",
    "parent_code": "The area it is counted to: an LSOA to the ward that most of its homes are in.",
    "measure": "What is counted.",
    "value": "Which kind of it; kinds do not overlap.",
    "count": f"Rounded to {ROUNDING_MULTIPLE}; empty where hidden. 0 is none.",
    "status": "shown or hidden. Hidden is small or protects a small one.",
}
FEWEST_HOMES = 100
"""A point stands for an area only if so many properties lie in it; it is their mean, rounded to 100 m."""


def every(table: pd.DataFrame, homes: pd.DataFrame, day: date) -> dict[str, bytes]:
    """File names and bytes; the same table gives the same bytes."""
    dictionary = _dictionary()
    return {
        "counts.csv": table.to_csv(index=False, lineterminator="\n").encode(),
        "counts.parquet": _parquet(table),
        "areas.geojson": _json(_geojson(table, homes)),
        "dictionary.csv": dictionary.to_csv(index=False, lineterminator="\n").encode(),
        "datapackage.json": _json(_package(table, day)),
        "dcat.jsonld": _json(_dcat(day)),
        "index.html": _page(table, day),
    }


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode()


def _parquet(table: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None), out)
    return out.getvalue()


def _geojson(table: pd.DataFrame, homes: pd.DataFrame) -> dict[str, Any]:
    wide = table.assign(key=table["measure"] + "_" + table["value"])
    areas = wide.drop_duplicates("area_code").set_index("area_code")
    values = wide.pivot_table(index="area_code", columns="key", values="count", aggfunc="first")
    to_degrees = Transformer.from_crs("EPSG:27700", "EPSG:4326", always_xy=True)
    features = []
    for level, column in (("ward", "ward_code"), ("lsoa", "lsoa_code")):
        known = homes.dropna(subset=["easting", "northing"])
        found = known.groupby(column).agg(x=("easting", "mean"), y=("northing", "mean"), n=("uprn", "size"))
        for code, at in found.sort_index().iterrows():
            own = areas[areas["area_level"] == level]
            if code not in own.index:
                continue
            lon, lat = to_degrees.transform(round(at["x"], -2), round(at["y"], -2))
            point = {"type": "Point", "coordinates": [round(lon, 4), round(lat, 4)]}
            counted = values.loc[code] if code in values.index else pd.Series(dtype=float)
            properties = {"area_code": code, "area_level": level, "area_name": own.loc[code, "area_name"]}
            properties |= {k: None if pd.isna(v) else int(v) for k, v in counted.items()}
            features.append(
                {
                    "type": "Feature",
                    "id": f"{level}-{code}",
                    "geometry": point if at["n"] >= FEWEST_HOMES else None,
                    "properties": properties,
                }
            )
    return {"type": "FeatureCollection", "features": features}


def _dictionary() -> pd.DataFrame:
    """Columns of the table, and every measure with its dataset's and field's description from the contract."""
    rows = [{"kind": "column", "name": name, "source": "", "description": text} for name, text in MEANING.items()]
    rows += [
        {"kind": "measure", "name": "property", "source": "gazetteer", "description": "Properties of the gazetteer."},
        {"kind": "measure", "name": "listed", "source": "ledger", "description": "Leads on the list; no findings."},
    ]
    for source in SOURCES:
        field = registry.contract(source.dataset).by_name[source.by]
        rows.append(
            {
                "kind": "measure",
                "name": source.measure,
                "source": f"{source.dataset}.{source.by}",
                "description": field.description,
            }
        )
    return pd.DataFrame(rows)


def _package(table: pd.DataFrame, day: date) -> dict[str, Any]:
    fields = [
        {"name": name, "type": "integer" if name == "count" else "string", "description": MEANING[name]}
        for name in table
    ]
    schema = {"fields": fields, "missingValues": [""], "primaryKey": ["area_level", "area_code", "measure", "value"]}
    return {
        "name": "loda-hmo-counts",
        "title": "Houses in multiple occupation: counts by area",
        "created": f"{day}T00:00:00Z",
        "licenses": [LICENCE],
        "rows": len(table),
        "hidden": int((table["status"] == "hidden").sum()),
        "resources": [
            {
                "name": "counts",
                "path": "counts.csv",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "profile": "tabular-data-resource",
                "schema": schema,
            },
            {"name": "areas", "path": "areas.geojson", "format": "geojson", "mediatype": "application/geo+json"},
            {"name": "dictionary", "path": "dictionary.csv", "format": "csv", "mediatype": "text/csv"},
        ],
    }


def _dcat(day: date) -> dict[str, Any]:
    kinds = {
        "counts.csv": "text/csv",
        "counts.parquet": "application/vnd.apache.parquet",
        "areas.geojson": "application/geo+json",
    }
    return {
        "@context": {"dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/"},
        "@type": "dcat:Dataset",
        "dct:title": "Houses in multiple occupation: counts by area",
        "dct:description": "Protected counts by borough, ward and LSOA.",
        "dct:issued": day.isoformat(),
        "dct:license": {"@id": LICENCE["path"]},
        "dcat:distribution": [
            {"@type": "dcat:Distribution", "dcat:downloadURL": {"@id": name}, "dcat:mediaType": kind}
            for name, kind in kinds.items()
        ],
    }


def _page(table: pd.DataFrame, day: date) -> bytes:
    top = table[table["area_level"] == "borough"]
    plots = []
    for measure, part in top.groupby("measure"):
        wide = part.pivot_table(index="area_name", columns="value", values="count", aggfunc="first", dropna=False)
        rows = [
            (n, ["hidden" if pd.isna(v) else f"{int(v):,}" for v in line])
            for n, line in zip(wide.index, wide.to_numpy(), strict=True)
        ]
        plots.append(
            {"measure": measure, "kinds": list(wide.columns), "rows": rows, "image": _plot(wide, str(measure))}
        )
    return render("open.html", day=day.isoformat(), plots=plots, least=SUPPRESSION_THRESHOLD, base=ROUNDING_MULTIPLE)


def _plot(wide: pd.DataFrame, measure: str) -> str:
    with matplotlib.rc_context({"svg.hashsalt": "loda", "font.size": 9}):
        figure = Figure(figsize=(8, 1.2 + 0.35 * len(wide)), layout="constrained")
        axes = figure.add_subplot()
        wide.astype("Float64").fillna(0).astype(float).plot.barh(stacked=True, ax=axes, colormap="viridis")
        axes.set_xlabel(f"{measure}: rounded count; hidden counts are not drawn")
        axes.set_ylabel("")
        axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return base64.b64encode(out.getvalue()).decode()
