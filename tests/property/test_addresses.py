"""Whatever text comes in, the address parser gives parts, and its canonical form is settled."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.link.address import canonical, parse
from pipelines.link.address.reading import FIELDS, read_each
from pipelines.link.address.text import as_text
from schemas.strict_yaml import read_yaml
from tests.examples import examples

REAL = Path(os.environ.get("LODA_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data")) / "linkage"
SAMPLES = ("companies_house_addresess_postcode_overlap.parquet", "fhrs_addresses_sample.parquet")

SPOKEN = """
Flat FLAT Apt ROOM Studio Unit Annexe FFF G/F Basement First Second Floor Floors and Top Rear of A B 1 2 12 12A 1-3
12/14 12-May 007 99999 High Church Green The St Saint Road Rd Street Lane Court House Mansions Example London Hackney
SE15 4QL N1 | || , . ' & ½ ( ) - / to London,
"""
WORDS = st.sampled_from(SPOKEN.split())
LIKE_AN_ADDRESS = st.lists(WORDS, max_size=12).map(" ".join)
ANY_TEXT = st.text(max_size=80) | LIKE_AN_ADDRESS | st.lists(st.text(max_size=5) | WORDS, max_size=8).map(" ".join)
ROWS = st.lists(ANY_TEXT | st.none(), min_size=1, max_size=25)
FEW = settings(max_examples=examples(20, 200), deadline=None)
NUMBERS = st.integers(1, 30) | st.sampled_from([501, 702]) | st.integers(0, 12_000)
# A number goes where # stands.
HOLES = st.sampled_from(
    ["#", "#A", "#,", "#A,", "Flat #,", "Room #", "(#)", "#.", "'#", "E#", "#TH", "& #", "and", "of"]
)
WITH_HOLES = st.lists(WORDS | HOLES | HOLES, min_size=1, max_size=9).map(" ".join)
SPEC = Path(__file__).resolve().parents[1] / "spec"
TABLES = [read_yaml(SPEC / name) for name in ("addresses.yaml", "addresses_more.yaml")]


def filled(text: str, numbers: list[int]) -> str:
    """The text with numbers in its holes, the last one in all that are left."""
    for number in numbers:
        text = text.replace("#", str(number), 1)
    return text.replace("#", str(numbers[-1]))


def read_by_itself(texts: list[str], places: tuple[str, ...], streets: pa.Array | None) -> dict[str, list[str]]:
    each = [read_each(as_text([text]), places, streets) for text in texts]
    return {name: [one[name][0].as_py() for one in each] for name in (*FIELDS, "place", "postcode")}


def read_together(texts: list[str], places: tuple[str, ...], streets: pa.Array | None) -> dict[str, list[str]]:
    read = parse(texts, places=places, streets=streets)
    return {name: read[name].tolist() for name in (*FIELDS, "place", "postcode")}


@given(WITH_HOLES, st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=2, max_size=4))
@FEW
def test_texts_that_differ_in_numbers_are_read_as_each_by_itself(text: str, numbers: list[list[int]]) -> None:
    texts = [filled(text, own) for own in numbers]
    places, streets = ("Example", "High Green"), pa.array(["HI ST", "CH LN", "5 WAYS", "EXAMPLE RD"])
    assert read_together(texts, places, streets) == read_by_itself(texts, places, streets)


@pytest.mark.parametrize(
    "text", [case["text"] for table in TABLES for group in table["groups"] for case in group["cases"]]
)
def test_cases_of_the_tables_with_other_numbers_are_read_as_each_by_itself(text: str) -> None:
    texts = [text, *(re.sub(r"[0-9]+", lambda n, by=by: str(int(n[0]) + by), text) for by in (1, 10, 95))]
    assert read_together(texts, (), None) == read_by_itself(texts, (), None)


@pytest.mark.parametrize(
    ("texts", "places", "streets"),
    [
        # Named twice it is one property, and two with another number.
        (["12 High Road and 12 High Road", "12 High Road and 14 High Road"], (), None),
        # A number may belong to the name of a place or a street.
        (["5 Oaks", "7 Oaks", "12 High Road, 5 Oaks", "12 High Road, 7 Oaks"], ("5 Oaks",), None),
        (["The Shop, High 5 Ways", "The Shop, High 6 Ways"], (), pa.array(["HI 5 WAYS", "HI"])),
        (["12 and 14 High Road", "14 and 12 High Road", "14 to 14 High Road"], (), None),
        # Texts that have the very numbers that stand for others, with and without signs that keep them apart.
        (["501 High Road", "501 Café Road", "Flat 501, 702 Café Road", "501-503 High Road", "Flat 702/501"], (), None),
        # A number of five figures is no flat's.
        (["120, 14 High Road", "12000, 14 High Road", "Flat 3, 12 High Road", "Flat 03, 12 High Road"], (), None),
    ],
)
def test_numbers_that_are_compared_or_part_of_a_name(
    texts: list[str], places: tuple[str, ...], streets: pa.Array | None
) -> None:
    assert read_together(texts, places, streets) == read_by_itself(texts, places, streets)


@given(ROWS)
@FEW
def test_never_raises_and_keeps_every_row(texts: list[str | None]) -> None:
    read = parse(texts, texts)
    assert len(read) == len(texts)
    assert not read.isna().any(axis=None)
    assert (read["high"] >= read["low"]).all()


@given(ROWS)
@FEW
def test_canonical_read_again_is_the_same(texts: list[str | None]) -> None:
    once = canonical(texts)
    assert canonical(once).tolist() == once.tolist()


@given(ROWS)
@FEW
def test_parts_come_back_from_the_canonical(texts: list[str | None]) -> None:
    once = parse(texts)
    again = parse(once["canonical"])
    columns = ["unit", "kind", "identifier", "floor", "room", "number", "name", "street", "low", "high", "suffix"]
    assert again[columns].to_dict("list") == once[columns].to_dict("list")


@given(ROWS, st.randoms(use_true_random=False))
@FEW
def test_the_order_of_rows_is_irrelevant(texts: list[str | None], random: object) -> None:
    order = list(range(len(texts)))
    random.shuffle(order)  # type: ignore[attr-defined]
    here = canonical(texts).tolist()
    assert canonical([texts[n] for n in order]).tolist() == [here[n] for n in order]


def test_half_characters_are_survived() -> None:
    assert canonical(["14 High\ud800 Street"]).tolist() == ["|14||HI ST"]


@pytest.mark.parametrize("name", SAMPLES)
def test_real_addresses_are_survived(name: str) -> None:
    if not (REAL / name).exists():
        pytest.skip("The real addresses are not on this machine (LODA_REAL_DATA).")
    sample = pd.read_parquet(REAL / name)
    read = parse(sample["address_concat"], sample["postcode"])
    assert len(read) == len(sample)
    assert canonical(read["canonical"]).tolist() == read["canonical"].tolist()
    assert (read["street"] != "").mean() > 0.9
    # Businesses often give a name and a street without a comma between them, and no number.
    assert ((read["low"] >= 0) | (read["name"] != "") | (read["identifier"] != "")).mean() > 0.55
