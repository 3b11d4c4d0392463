"""Whatever text comes in, the address parser gives parts, and its canonical form is settled."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.link.address import canonical, parse
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
