"""The files of open data: each says the same, and each is valid in its own format."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pyarrow.parquet as pq
import pytest

from pipelines.core.settings import settings
from pipelines.publish.open import files, metadata
from pipelines.publish.open.counting import SOURCES
from pipelines.publish.open.table import COLUMNS, KEY
from schemas import registry
from tests.homes import own_home
from tests.unit.open_world import made_up

PERIOD = files.Period(date(2026, 8, 20))
JSON_LD_KEYWORDS = {"@context", "@id", "@type", "@value", "@language"}


@pytest.fixture(scope="module")
def world() -> tuple[pd.DataFrame, pd.DataFrame]:
    return made_up()


@pytest.fixture(scope="module")
def made(
    world: tuple[pd.DataFrame, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, bytes]]:
    with own_home(tmp_path_factory.mktemp("open") / "home"):
        yield files.every(*world, PERIOD)


def read(content: bytes) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False)


def package(made: dict[str, bytes]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made[files.PACKAGE])
    return found


def test_the_same_table_gives_the_same_bytes(world: tuple[pd.DataFrame, pd.DataFrame], made: dict[str, bytes]) -> None:
    assert files.every(*world, PERIOD) == made
    assert list(made)[-1] == files.PACKAGE, "written last, since it makes the folder a publication"


@pytest.mark.parametrize(
    ("day", "name", "words"),
    [
        (date(2026, 1, 1), "2026-q1", "first quarter of 2026"),
        (date(2026, 3, 31), "2026-q1", "first quarter of 2026"),
        (date(2026, 4, 1), "2026-q2", "second quarter of 2026"),
        (date(2026, 9, 30), "2026-q3", "third quarter of 2026"),
        (date(2027, 12, 31), "2027-q4", "fourth quarter of 2027"),
    ],
)
def test_a_day_is_in_its_quarter(day: date, name: str, words: str) -> None:
    assert (files.Period(day).name, files.Period(day).words) == (name, words)


def test_every_resource_is_there_with_its_size_and_hash(made: dict[str, bytes]) -> None:
    described = package(made)
    assert re.fullmatch(r"[-a-z0-9._/]+", described["name"])
    assert {resource["path"] for resource in described["resources"]} == set(metadata.FORMATS)
    for resource in described["resources"]:
        content = made[resource["path"]]
        assert re.fullmatch(r"[-a-z0-9._/]+", resource["name"])
        assert resource["bytes"] == len(content)
        assert resource["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert set(described["files"]) == set(made) - {files.PACKAGE}


def test_the_csv_is_what_its_table_schema_says(made: dict[str, bytes]) -> None:
    """Headings in order, types, required, least, closed lists, primary key: as a Frictionless reader checks them."""
    tabular = [found for found in package(made)["resources"] if found.get("profile") == "tabular-data-resource"]
    assert [found["path"] for found in tabular] == ["counts.csv", "dictionary.csv"]
    for resource in tabular:
        rows, schema = read(made[resource["path"]]), resource["schema"]
        assert list(rows) == [field["name"] for field in schema["fields"]]
        for field in schema["fields"]:
            values, rules = rows[field["name"]], field.get("constraints", {})
            if rules.get("required"):
                assert not values.isin(schema["missingValues"]).any(), field["name"]
            if field["type"] == "integer":
                assert values.str.fullmatch(r"\d+").all()
                assert (values.astype(int) >= rules["minimum"]).all()
            if "enum" in rules:
                assert set(values) <= set(rules["enum"])
        if "primaryKey" in schema:
            assert not rows.duplicated(schema["primaryKey"]).any()
        assert all(field.get("description") for field in schema["fields"]) or resource["path"] == "dictionary.csv"


def test_csv_and_parquet_say_the_same(made: dict[str, bytes], world: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    table = pq.read_table(io.BytesIO(made["counts.parquet"]))
    assert table.schema.names == list(COLUMNS)
    assert str(table.schema.field("count").type) == "int64"
    assert table.schema.metadata is None
    pd.testing.assert_frame_equal(table.to_pandas().astype(str), read(made["counts.csv"]))
    assert (table.to_pandas()["count"] == world[0]["count"]).all()


def test_geojson_is_rfc_7946_and_has_the_figures_of_the_table(made: dict[str, bytes]) -> None:
    content = json.loads(made["areas.geojson"])
    assert content["type"] == "FeatureCollection"
    assert "crs" not in content
    table = read(made["counts.csv"])
    small = table[table["area_level"] != "borough"]
    assert len(content["features"]) == len(small.drop_duplicates(["area_level", "area_code"]))
    assert len({feature["id"] for feature in content["features"]}) == len(content["features"])
    figures = 0
    for feature in content["features"]:
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Point"
        lon, lat = feature["geometry"]["coordinates"]
        assert -0.52 < lon < 0.34, "longitude first, in London"
        assert 51.28 < lat < 51.70
        told = feature["properties"]
        own = small[(small["area_code"] == told["area_code"]) & (small["area_level"] == told["area_level"])]
        expected = {f"{row.measure}.{row.kind}": int(row.count) for row in own.itertuples(index=False, name="Row")}
        assert {name: value for name, value in told.items() if "." in name} == expected
        figures += len(expected)
    assert figures == len(small)


def test_the_dictionary_explains_every_column_measure_and_kind(made: dict[str, bytes]) -> None:
    table, told = read(made["counts.csv"]), read(made["dictionary.csv"])
    assert told["description"].str.fullmatch(r"[A-Z].+\.").all()
    assert list(told.loc[told["what"] == "column", "name"]) == list(table)
    kinds = set(map(tuple, told.loc[told["what"] == "kind", ["of", "name"]].to_numpy()))
    assert kinds == set(map(tuple, table[["measure", "kind"]].drop_duplicates().to_numpy()))
    licence = SOURCES[0]
    meaning = registry.contract(licence.dataset).by_name[licence.by].codes or {}
    row = told[(told["of"] == "licence") & (told["name"] == "mandatory")]
    assert row["description"].iloc[0].rstrip(".").lower() == meaning["mandatory"].lower()


def nodes(content: Any) -> Iterator[dict[str, Any]]:
    """Every object of a JSON-LD document but its context."""
    if isinstance(content, dict):
        yield content
        for key, value in content.items():
            if key != "@context":
                yield from nodes(value)
    elif isinstance(content, list):
        for value in content:
            yield from nodes(value)


def check_json_ld(content: dict[str, Any]) -> None:
    """Every key and type has a prefix that the context explains; keywords are those of JSON-LD."""
    prefixes = set(content["@context"])
    for node in nodes(content):
        names = [key for key in node if not key.startswith("@")]
        assert {key for key in node if key.startswith("@")} <= JSON_LD_KEYWORDS
        kinds = [str(node["@type"])] if "@type" in node else []
        assert all(name.split(":")[0] in prefixes for name in names + kinds)


def test_dcat_has_what_dcat_ap_makes_mandatory(made: dict[str, bytes]) -> None:
    dataset = json.loads(made["dcat.jsonld"])
    check_json_ld(dataset)
    assert dataset["@type"] == "dcat:Dataset"
    for name in ("dct:title", "dct:description"):
        assert dataset[name]["@language"] == "en"
        assert dataset[name]["@value"]
    assert dataset["dct:publisher"]["foaf:name"] == settings().open_publisher
    assert dataset["dct:issued"]["@value"] == "2026-08-20"
    assert len(dataset["dcat:distribution"]) == len(metadata.FORMATS)
    for distribution in dataset["dcat:distribution"]:
        assert distribution["@type"] == "dcat:Distribution"
        assert distribution["dcat:accessURL"]["@id"] == "./index.html"
        file = distribution["dcat:downloadURL"]["@id"].removeprefix("./")
        assert distribution["dcat:byteSize"]["@value"] == str(len(made[file]))
        assert distribution["spdx:checksum"]["spdx:checksumValue"]["@value"] == hashlib.sha256(made[file]).hexdigest()


def test_the_catalogue_has_what_dcat_ap_makes_mandatory(made: dict[str, bytes]) -> None:
    content = metadata.catalogue([package(made)])
    check_json_ld(content)
    assert content["@type"] == "dcat:Catalog"
    assert content["dct:title"]["@value"]
    assert content["dct:description"]["@value"]
    assert content["dct:publisher"]["foaf:name"]
    (dataset,) = content["dcat:dataset"]
    assert (dataset["@id"], dataset["dcat:landingPage"]["@id"]) == ("2026-q3/", "2026-q3/index.html")


def test_addresses_are_whole_where_the_web_address_is_known(
    world: tuple[pd.DataFrame, pd.DataFrame], made: dict[str, bytes], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LODA_OPEN_URL", "https://data.example/hmo/")
    monkeypatch.setenv("LODA_OPEN_CONTACT", "open@data.example")
    settings.cache_clear()
    dataset = metadata.dcat(PERIOD.name, PERIOD.words, PERIOD.day, made)
    assert dataset["@id"] == "https://data.example/hmo/2026-q3/"
    assert dataset["dcat:distribution"][0]["dcat:downloadURL"]["@id"] == "https://data.example/hmo/2026-q3/counts.csv"
    assert dataset["dcat:contactPoint"]["vcard:hasEmail"]["@id"] == "mailto:open@data.example"
    monkeypatch.undo()
    settings.cache_clear()


def test_the_page_leads_to_every_file_and_its_pictures_are_whole(made: dict[str, bytes]) -> None:
    text = made["index.html"].decode()
    local = {link for link in re.findall(r'href="([^"]+)"', text) if "://" not in link}
    assert local == {*metadata.FORMATS, files.PACKAGE, "dcat.jsonld", "../index.html"}
    pictures = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", text)
    assert len(pictures) == 2 * (1 + len(SOURCES)), "a wide and a narrow one of each measure"
    for picture in pictures:
        ElementTree.fromstring(base64.b64decode(picture))  # noqa: S314 - our own drawing


def test_the_key_of_the_table_is_enough(world: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    assert not world[0].duplicated(KEY).any()
