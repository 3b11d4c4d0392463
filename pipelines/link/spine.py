"""The spine: the borough's gazetteer as the `property` table, and as units and buildings to link against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.tables import PROPERTY
from pipelines.link.address.parse import parse_table
from pipelines.link.address.text import clean, tidy
from pipelines.link.localities import localities_of
from pipelines.link.places import (
    ASIDE_KINDS,
    BUILDING,
    FOLDED,
    UNIT,
    fold,
    stem_and_type,
    unit_key,
    without_kind,
    written_out,
)
from pipelines.link.streets import Streets, joined

COLUMNS = (
    "uprn",
    "parent_uprn",
    "address",
    "unit",
    "building_name",
    "building_number",
    "street",
    "locality",
    "town",
    "postcode",
    "blpu_class",
    "logical_status",
    "end_date",
    "ward_code",
    "ward_name",
    "lsoa_code",
    "easting",
    "northing",
    "storeys",
)
UNIT_WORDS = r"(?i)\b(?:FLAT|FLT|APARTMENT|APT|ROOM|FLOOR|BASEMENT|MAISONETTE|STUDIO|UNIT|ANNEXE?)\b"
HOUSES = ("RD02", "RD03", "RD04")
SHELLS = ("PP", "RH01")
MAX_PLACES = 400
MOST_PLACES_OF_A_STREET = 5


@dataclass(frozen=True)
class Spine:
    """The gazetteer ready to link against. All frames have a default integer index.

    Attributes:
        rows: one row a UPRN: uprn, canonical, the columns `FOLDED`, building (position in `buildings`),
            live (not historical), rank (0 dwelling and approved), is_parent (holds other properties).
        buildings: one row a building: number, name, street, postcode, parent (UPRN or empty), units
            (how many with a unit of their own), flat_so_numbered (a flat may be meant by its number),
            stem and type of the street.
        streets: every street.
        unit_keys: building and unit in one text, by the kind of key (`unit_key`), for looking up.
        whole: what is known of the whole gazetteer.
    """

    rows: pd.DataFrame
    buildings: pd.DataFrame
    streets: Streets
    unit_keys: dict[str, pd.Index[str]]
    whole: Whole


@dataclass(frozen=True)
class Whole:
    """What must be known of a whole gazetteer, also where the spine is made of a part of it.

    Attributes:
        places: localities and towns, which say nothing in an address's canonical form.
        postcodes: all that there are.
        street_postcodes: street and postcode in one text (`street_postcode`), all that there are.
        given_streets: streets that stand in a column of their own (`streets_given`).
        streets: all streets, in the parser's spelling.
    """

    places: tuple[str, ...]
    postcodes: pd.Index[str]
    street_postcodes: pd.Index[str]
    given_streets: pd.Index[str]
    streets: pd.Index[str]

    @classmethod
    def of(cls, rows: pd.DataFrame, places: tuple[str, ...], given_streets: pd.Index[str]) -> Whole:
        """That of rows that were read, with the streets that the gazetteer itself calls so."""
        postcodes, both = rows["postcode"].unique(), street_postcode(rows).unique()
        streets = pd.Index(rows["street"].unique()).difference(pd.Index([""]))
        return cls(places, pd.Index(postcodes), pd.Index(both), given_streets, streets)


def street_postcode(rows: pd.DataFrame) -> pd.Series[str]:
    """Street and postcode in one text."""
    return rows["street"] + "|" + rows["postcode"]


def read_spine(borough: str) -> tuple[Spine, pa.Table]:
    """The borough's spine, and its `property` table."""
    from pipelines.governance import access  # a file is linked without the lake and the ledger

    table = access.read_dataset("gazetteer", boroughs=[borough], purpose="hmo_detection", columns=COLUMNS)
    return make_spine(table, borough)


def make_spine(table: pa.Table, borough: str) -> tuple[Spine, pa.Table]:
    """Spine and `property` table from rows with the gazetteer's `COLUMNS`."""
    table = table.take(pc.sort_indices(table, sort_keys=[("uprn", "ascending")]))
    rows, parsed, places = read_rows(table)
    spine = assemble(rows, Whole.of(rows, places, streets_given(table)))
    parents = spine.rows.loc[spine.rows["is_parent"], "uprn"]
    return spine, _property(table, parsed, rows.assign(is_parent=rows["uprn"].isin(parents)), borough)


def read_rows(table: pa.Table, places: tuple[str, ...] | None = None) -> tuple[pd.DataFrame, pa.Table, tuple[str, ...]]:
    """Rows of a gazetteer with the parser's reading of them, and the places of the area (found, if not given)."""
    places = find_places(table) if places is None else places
    told = parse_table(_text(table), table["postcode"], places=places)
    parsed = told.to_pandas()
    rows = fold(parsed, streets_given(table)).assign(
        uprn=table["uprn"].to_pandas(),
        parent_uprn=table["parent_uprn"].to_pandas().fillna(""),
        blpu_class=table["blpu_class"].to_pandas().fillna(""),
        canonical=parsed["canonical"],
        words=parsed["words"],
        place=parsed["place"],
    )
    where = _where(table, rows.index)
    rows["place"] = rows["place"].where(where == "", where)
    status = table["logical_status"].to_pandas().fillna("1")
    rows["live"] = ~((status == "8") | table["end_date"].is_valid().to_pandas())
    dwelling = rows["blpu_class"].str[:1].isin(["R", "X", ""])
    rows["rank"] = np.where((status == "1") & dwelling, 0, 1)
    return rows, told, places


def streets_given(table: pa.Table) -> pd.Index[str]:
    """Streets that stand in a column of their own, in the parser's spelling: no guess is needed what they are."""
    names = pc.unique(pc.fill_null(table["street"], ""))
    found: pd.Index[str] = pd.Index(tidy(clean(names)).to_pandas().unique()).difference(pd.Index([""]))
    return found


def _where(table: pa.Table, index: pd.Index[int]) -> pd.Series[str]:
    """Words of locality and town, where these have columns of their own."""
    both = [pc.fill_null(table[n], "").combine_chunks() for n in ("locality", "town")]
    encoded = pc.binary_join_element_wise(*both, " ").dictionary_encode()
    words = tidy(pc.replace_substring(clean(encoded.dictionary), ",", " ")).to_numpy(zero_copy_only=False)
    return pd.Series(words[encoded.indices.to_numpy()], index=index)


def assemble(rows: pd.DataFrame, whole: Whole) -> Spine:
    """The spine of rows that were read, all or a part of the gazetteer.

    A UPRN may have several rows: other ways in which its address is written.
    """
    rows = rows.drop_duplicates(["uprn", "canonical", "postcode"], ignore_index=True)
    streets = Streets.of(rows["street"])
    buildings = _buildings(rows)
    buildings["street_number"] = streets.number(buildings["street"])
    keyed = rows.loc[rows["live"] & rows["has_unit"]]
    at = keyed["building"].astype(str)
    keys = {key: unit_key(keyed, key) for key in ("number", "storey")}
    unit_keys = {key: pd.Index((at + "|" + text)[text != ""].unique()) for key, text in keys.items()}
    return Spine(rows, buildings, streets, unit_keys, whole)


def find_places(table: pa.Table) -> tuple[str, ...]:
    """Localities and towns: named in columns of their own, or else what many addresses end in."""
    found: set[str] = set()
    for column in ("locality", "town"):
        found |= {str(value) for value in pc.unique(table[column]).to_pylist() if value}
    if not found:
        found = localities_of(table["address"])
    return tuple(sorted(found)[:MAX_PLACES])


def _text(table: pa.Table) -> pa.Array:
    """The address from its parts where the borough gives them, since parts need no guess where a street begins."""
    blank = {
        n: pc.fill_null(table[n], "").combine_chunks() for n in ("unit", "building_name", "building_number", "street")
    }
    line = pc.utf8_trim_whitespace(pc.binary_join_element_wise(blank["building_number"], blank["street"], " "))
    composed = pc.binary_join_element_wise(blank["unit"], blank["building_name"], line, ", ")
    whole = pc.fill_null(table["address"], "").combine_chunks()
    forgotten = pc.and_(pc.equal(blank["unit"], ""), pc.match_substring_regex(whole, UNIT_WORDS))
    use_whole = pc.or_(pc.equal(blank["street"], ""), forgotten)
    return pc.if_else(use_whole, whole, composed)


def _buildings(rows: pd.DataFrame) -> pd.DataFrame:
    """Groups the rows into buildings and writes `building` and `is_parent` into them.

    A building is a number in a street and postcode, or a name where it has no number.
    """
    key = rows[BUILDING].copy()
    key.loc[key["low"] >= 0, "name"] = ""
    rows["building"] = key.groupby(BUILDING, sort=True, dropna=False).ngroup()
    own = rows["has_unit"] & ~rows["from_suffix"] & ~rows["blpu_class"].isin(HOUSES) & ~rows["kind"].isin(ASIDE_KINDS)
    # Houses in a court that is a street are dwellings side by side, not units of one building.
    counts = pd.DataFrame({"building": rows["building"], "own": own & rows["live"] & ~rows["uprn"].duplicated()})
    buildings = key.assign(building=rows["building"]).drop_duplicates("building").set_index("building").sort_index()
    named = rows.loc[rows["name"] != ""].groupby("building")["name"].first()
    buildings["name"] = named.reindex(buildings.index).fillna("")
    buildings["units"] = counts.groupby("building")["own"].sum()
    children = rows.loc[(rows["parent_uprn"] != "") & ~rows["uprn"].duplicated(), "parent_uprn"].value_counts()
    below = rows["uprn"].map(children).fillna(0)
    units = rows["building"].map(buildings["units"])
    rows["is_parent"] = (below >= 2) | (~rows["has_unit"] & (units >= 2) & (rows["name"].eq("") | (rows["low"] < 0)))
    buildings["parent"] = _parents(rows, own).reindex(buildings.index).fillna("")
    buildings["stem"], buildings["type"] = stem_and_type(buildings["street"])
    buildings["name_written"] = written_out(buildings["name"])
    buildings["name_stem"] = without_kind(buildings["name"])
    buildings["joined"] = joined(buildings["street"])
    buildings["flat_so_numbered"] = _flat_so_numbered(rows, buildings)
    first = rows.drop_duplicates("building").set_index("building")
    buildings["words"] = first["words"].reindex(buildings.index)
    buildings["place"] = first["place"].reindex(buildings.index)
    spread = buildings.groupby("street")["place"].transform("nunique").clip(upper=MOST_PLACES_OF_A_STREET)
    buildings["street_spread"] = spread.where(buildings["street"] != "", 0)
    return buildings.reset_index(drop=True)


def _flat_so_numbered(rows: pd.DataFrame, buildings: pd.DataFrame) -> pd.Series[bool]:
    """Buildings whose number is all that a flat of their street and postcode has ("Flat 74 High Street")."""
    alone = (rows["low"] < 0) & (rows["name"] == "") & (rows["street"] != "") & rows["live"]
    flats = rows.loc[alone & (rows["identifier"] != "") & (rows[["floor", "room"]] == "").all(axis=1)]
    near = buildings.loc[buildings["street"].isin(flats["street"].unique()) & (buildings["suffix"] == "")]
    called = street_postcode(flats) + "|" + flats["identifier"]
    found = (street_postcode(near) + "|" + near["low"].astype(str)).isin(called)
    return found.reindex(buildings.index, fill_value=False)


def _parents(rows: pd.DataFrame, own: pd.Series[bool]) -> pd.Series[str]:
    """The parent UPRN of each building: the one its units name, or else the one property there without a unit."""
    known = rows["parent_uprn"].isin(rows.loc[rows["live"], "uprn"])
    said = rows.loc[own & known & rows["live"]].groupby("building")["parent_uprn"].agg(["nunique", "first"])
    agreed = said.loc[said["nunique"] == 1]["first"]
    plain = rows.loc[~rows["has_unit"] & rows["live"]].copy()
    plain["shell"] = plain["is_parent"] | plain["blpu_class"].isin(SHELLS)
    # A shop at number 30 is no parent of the flats at number 30.
    plain = plain.loc[plain["shell"] | (plain["name"] == "") | (plain["low"] < 0)]
    plain["unnamed"] = plain["name"] == ""
    # The rows are sorted by UPRN, and this sort is stable.
    plain = plain.iloc[np.lexsort((plain["rank"], ~plain["unnamed"], ~plain["shell"], plain["building"]))]
    return agreed.combine_first(plain.groupby("building")["uprn"].first())


def _property(table: pa.Table, parsed: pa.Table, rows: pd.DataFrame, borough: str) -> pa.Table:
    part = {n: parsed[n].combine_chunks() for n in ("number", "name", "street", "postcode", "canonical")}
    number, line = (pc.if_else(pc.equal(part[n], ""), part["name"], part[n]) for n in ("number", "street"))
    outcode = pc.list_element(pc.split_pattern(part["postcode"], " "), 0)
    street_key = pc.binary_join_element_wise(line, outcode, "|")
    # One UPRN is one dwelling: a parent is counted through its parts, never beside them.
    building_key = pc.binary_join_element_wise(number, street_key, "|")
    dwelling = rows["live"] & ~rows["is_parent"] & ~rows["blpu_class"].isin(SHELLS)
    building = building_key.dictionary_encode().indices.to_numpy()
    within = np.bincount(building, weights=dwelling).astype(np.int64)
    made = {
        "borough": pa.repeat(pa.scalar(borough, pa.string()), len(rows)),
        "canonical": part["canonical"],
        "postcode": pc.if_else(pc.equal(part["postcode"], ""), None, part["postcode"]),
        "building_key": building_key,
        "street_key": street_key,
        "units_in_building": pa.array(np.maximum(within, 1)[building]),
    }
    return pa.table({n: made[n] if n in made else table[n] for n in PROPERTY.names}).cast(PROPERTY)


__all__ = ["FOLDED", "UNIT", "Spine", "Whole", "assemble", "make_spine", "read_rows", "read_spine"]
