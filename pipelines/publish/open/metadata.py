"""What catalogues read: a Frictionless Data Package, DCAT of a publication, DCAT of all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from pipelines.core.settings import settings
from pipelines.publish.open.protect import BASE
from pipelines.publish.open.table import COLUMNS, KEY, LEVELS

TITLE = "Houses in multiple occupation: figures by area"
KEYWORDS = ["housing", "houses in multiple occupation", "HMO", "licensing", "London", "LSOA", "ward"]
LICENCE = {
    "name": "OGL-UK-3.0",
    "title": "Open Government Licence v3.0",
    "path": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
}
FORMATS = {
    "counts.csv": ("Figures as CSV", "csv", "text/csv"),
    "counts.parquet": ("Figures as Parquet", "parquet", "application/vnd.apache.parquet"),
    "areas.geojson": ("Figures of wards and LSOAs as points", "geojson", "application/geo+json"),
    "dictionary.csv": ("What columns, measures and kinds mean", "csv", "text/csv"),
}
"""Files that carry data: title, format, media type (IANA)."""

CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "spdx": "http://spdx.org/rdf/terms#",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
AUTHORITY = "http://publications.europa.eu/resource/authority"
MEDIA_TYPES = "https://www.iana.org/assignments/media-types"
LONDON = "http://statistics.data.gov.uk/id/statistical-geography/E12000007"


def as_json(content: Any) -> bytes:
    """JSON as UTF-8, keys in the order given, one line at the end; the same content gives the same bytes."""
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def description(words: str, day: date) -> str:
    """What a publication is, in sentences."""
    return (
        f"Counts of properties in London boroughs, wards and LSOAs as known on {day.day} {day:%B %Y}, published for "
        f"the {words}: licences in force, and applications, complaints and visits of the year before. Figures of LSOAs "
        f"are rounded up or down to a multiple of {BASE} by chance; figures of wards and boroughs are their sums. "
        "Nothing here says that a home is an unlicensed house in multiple occupation."
    )


def package(
    table: pd.DataFrame, described: Sequence[str], name: str, words: str, day: date, made: Mapping[str, bytes]
) -> dict[str, Any]:
    """A Data Package (Frictionless, version 1) of the files made so far; `files` has the SHA-256 of each.

    `described` are the columns of the dictionary.
    """
    schemas = {"counts.csv": _schema(table), "dictionary.csv": _plain_schema(described)}
    resources = []
    for file, (title, kind, media_type) in FORMATS.items():
        resource: dict[str, Any] = {
            "name": file.replace(".", "-").lower(),
            "path": file,
            "title": title,
            "format": kind,
            "mediatype": media_type,
            "bytes": len(made[file]),
            "hash": f"sha256:{_sha256(made[file])}",
        }
        if file in schemas:
            dialect = {"delimiter": ",", "lineTerminator": "\n", "header": True}
            resource |= {"profile": "tabular-data-resource", "encoding": "utf-8", "dialect": dialect}
            resource["schema"] = schemas[file]
        resources.append(resource)
    return {
        "profile": "data-package",
        "name": f"loda-hmo-counts-{name}",
        "title": f"{TITLE}, {words}",
        "description": description(words, day),
        "version": name,
        "created": f"{day}T00:00:00Z",
        "keywords": KEYWORDS,
        "licenses": [LICENCE],
        "contributors": [{"title": settings().open_publisher, "role": "publisher"}],
        "rows": len(table),
        "boroughs": sorted(table["borough_name"].unique()),
        "rounding": BASE,
        "resources": resources,
        "files": {file: _sha256(content) for file, content in made.items()},
    }


def _schema(table: pd.DataFrame) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    for name, meaning in COLUMNS.items():
        number = name in ("count", "margin")
        constraints: dict[str, Any] = {"required": name != "parent_code"}
        if number:
            constraints["minimum"] = 0
        if name == "area_level":
            constraints["enum"] = list(LEVELS)
        if name == "measure":
            constraints["enum"] = sorted(table["measure"].unique())
        kind = "integer" if number else "string"
        fields.append({"name": name, "type": kind, "description": meaning, "constraints": constraints})
    return {"fields": fields, "missingValues": [""], "primaryKey": KEY}


def _plain_schema(columns: Sequence[str]) -> dict[str, Any]:
    return {"fields": [{"name": name, "type": "string"} for name in columns], "missingValues": [""]}


def dcat(name: str, words: str, day: date, made: Mapping[str, bytes]) -> dict[str, Any]:
    """A DCAT 3 dataset as JSON-LD, with what DCAT-AP asks for; without `LODA_OPEN_URL` addresses are relative to it."""
    at = address(f"{name}/") if settings().open_url else "./"
    first = date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
    dataset = {
        "@context": CONTEXT,
        "@id": at,
        "@type": "dcat:Dataset",
        "dct:identifier": f"loda-hmo-counts-{name}",
        "dct:title": _english(f"{TITLE}, {words}"),
        "dct:description": _english(description(words, day)),
        "dct:issued": _day(day),
        "dct:modified": _day(day),
        "dct:publisher": _publisher(),
        "dct:language": {"@id": f"{AUTHORITY}/language/ENG"},
        "dct:license": {"@id": LICENCE["path"]},
        "dct:accessRights": {"@id": f"{AUTHORITY}/access-right/PUBLIC"},
        "dct:accrualPeriodicity": {"@id": f"{AUTHORITY}/frequency/QUARTERLY"},
        "dct:spatial": {"@id": LONDON, "@type": "dct:Location"},
        "dct:temporal": {"@type": "dct:PeriodOfTime", "dcat:startDate": _day(first), "dcat:endDate": _day(day)},
        "dcat:theme": {"@id": f"{AUTHORITY}/data-theme/SOCI"},
        "dcat:keyword": [_english(word) for word in KEYWORDS],
        "dcat:landingPage": {"@id": f"{at}index.html"},
        "dcat:version": name,
        "dcat:distribution": [_distribution(at, file, made[file], day) for file in FORMATS],
    }
    if settings().open_contact:
        mailbox = {"@id": f"mailto:{settings().open_contact}"}
        named = {"@type": "vcard:Organization", "vcard:fn": settings().open_publisher, "vcard:hasEmail": mailbox}
        dataset["dcat:contactPoint"] = named
    return dataset


def catalogue(publications: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A DCAT catalogue of all publications, given their Data Packages, newest first."""
    return {
        "@context": CONTEXT,
        "@id": address(""),
        "@type": "dcat:Catalog",
        "dct:title": _english(TITLE),
        "dct:description": _english("Every quarter's publication of this platform, newest first."),
        "dct:publisher": _publisher(),
        "dct:language": {"@id": f"{AUTHORITY}/language/ENG"},
        "dct:license": {"@id": LICENCE["path"]},
        "foaf:homepage": {"@id": address("index.html")},
        "dct:modified": _day(max(str(found["created"])[:10] for found in publications)),
        "dcat:dataset": [
            {
                "@id": address(f"{found['version']}/"),
                "@type": "dcat:Dataset",
                "dct:title": _english(str(found["title"])),
                "dct:description": _english(str(found["description"])),
                "dct:issued": _day(str(found["created"])[:10]),
                "dct:publisher": _publisher(),
                "dcat:landingPage": {"@id": address(f"{found['version']}/index.html")},
            }
            for found in publications
        ],
    }


def address(path: str) -> str:
    """Where something of the open data folder is read: below `LODA_OPEN_URL`, or relative to that folder."""
    base = settings().open_url
    return f"{base.rstrip('/')}/{path}" if base else path or "./"


def _distribution(at: str, file: str, content: bytes, day: date) -> dict[str, Any]:
    title, kind, media_type = FORMATS[file]
    checksum = {
        "@type": "spdx:Checksum",
        "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
        "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": _sha256(content)},
    }
    return {
        "@id": f"{at}{file}",
        "@type": "dcat:Distribution",
        "dct:title": _english(title),
        "dct:issued": _day(day),
        "dct:license": {"@id": LICENCE["path"]},
        "dct:format": {"@id": f"{AUTHORITY}/file-type/{kind.upper()}"},
        "dcat:mediaType": {"@id": f"{MEDIA_TYPES}/{media_type}"},
        "dcat:accessURL": {"@id": f"{at}index.html"},
        "dcat:downloadURL": {"@id": f"{at}{file}"},
        "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(len(content))},
        "spdx:checksum": checksum,
    }


def _publisher() -> dict[str, Any]:
    return {"@type": "foaf:Organization", "foaf:name": settings().open_publisher}


def _english(text: str) -> dict[str, str]:
    return {"@language": "en", "@value": text}


def _day(day: date | str) -> dict[str, str]:
    return {"@type": "xsd:date", "@value": str(day)}


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
