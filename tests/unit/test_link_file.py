"""`loda link FILE`: what OUT holds, what is read of the files, and what must change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.link import sharded
from pipelines.link.file import OUT, link_file

FLATS = [("Flat 1", "11"), ("Flat 2", "12"), ("Flat 3", "13"), ("First Floor Flat", "14")]
GAZETTEER = [
    {"uprn": "1", "parent_uprn": "", "address": "14 Example Road, London", "postcode": "N1 1AA"},
    *({"uprn": u, "parent_uprn": "1", "address": f"{t}, 14 Example Road", "postcode": "N1 1AA"} for t, u in FLATS),
    {"uprn": "2", "parent_uprn": "", "address": "16 Example Road, London", "postcode": "N1 1AA"},
    {"uprn": "3", "parent_uprn": "", "address": "3 Other Street, London", "postcode": "N1 2BB"},
]
RECORDS = [
    {"address": "flat 2, 14 exmaple rd", "postcode": "n1 1aa"},
    {"address": "14 Example Road", "postcode": "N1 1AA"},
    {"address": "Flat 9, 14 Example Road", "postcode": "N1 1AA"},
    {"address": "", "postcode": ""},
    {"address": "16 EXAMPLE ROAD", "postcode": "N11AA"},
    {"address": "77 Missing Lane", "postcode": "E9 9ZZ"},
    {"address": "First floor flat, 14 Example Road", "postcode": "N1 1AA"},
    {"address": "Flat 1, 14 Example Road", "postcode": ""},
]
UPRNS = ["12", "1", "1", "", "2", "", "14", "11"]
Rows = list[dict[str, Any]]


def write(rows: Rows, path: Path) -> Path:
    frame = pd.DataFrame(rows)
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False)
    return path


def run(file: Path, gazetteer: Path, out: Path, *more: str) -> Result:
    done = CliRunner().invoke(app, ["link", str(file), "--gazetteer", str(gazetteer), "--out", str(out), *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture
def loda(home: Path, tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Links of records to a gazetteer through the command, as texts."""

    def linked(records: Rows, gazetteer: Rows, *more: str, kind: str = "csv") -> pd.DataFrame:
        file, known = write(records, tmp_path / f"f.{kind}"), write(gazetteer, tmp_path / f"g.{kind}")
        out = tmp_path / f"o.{kind}"
        done = run(file, known, out, *more)
        assert done.exit_code == 0, done.output
        if kind == "csv":
            return pd.read_csv(out, dtype=str, keep_default_na=False)
        return pq.read_table(out).to_pandas().fillna("").astype(str)

    return linked


Loda = Callable[..., pd.DataFrame]


def test_out_has_a_row_for_each_row_in_its_order(loda: Loda) -> None:
    found = loda(RECORDS, GAZETTEER)
    assert tuple(found.columns) == OUT
    assert OUT == ("row", "uprn", "decision", "reason", "stage", "probability", "gap", "runner_up")
    assert found["row"].tolist() == [str(n) for n in range(len(RECORDS))]
    assert found["uprn"].tolist() == UPRNS
    tied = found["decision"].isin(["linked", "parent"])
    assert ((found["uprn"] != "") == tied).all()
    assert found["probability"].astype(float).between(0, 1).all()
    assert found["gap"].astype(float).between(0, 1).all()


def test_parquet_in_and_out_is_the_same(loda: Loda, tmp_path: Path) -> None:
    plain = loda(RECORDS, GAZETTEER)
    other = loda(RECORDS, GAZETTEER, kind="parquet")
    names = ["row", "uprn", "decision", "reason", "stage", "runner_up"]
    pd.testing.assert_frame_equal(other[names], plain[names])
    assert pq.read_schema(tmp_path / "o.parquet").field("row").type == pa.int64()


def test_a_file_without_a_postcode_is_read_without(loda: Loda) -> None:
    found = loda([{"address": r["address"], "ref": "x"} for r in RECORDS], GAZETTEER)
    assert found["uprn"].tolist() == UPRNS


def test_columns_are_named_by_options(loda: Loda) -> None:
    rows = [{"Line": "Flat 2", "Street": "14 Example Road", "Code": "N1 1AA", "Ours": "", "address": "3 Other Street"}]
    assert loda(rows, GAZETTEER, "--address", "Line,Street", "--postcode", "Code")["uprn"].tolist() == ["12"]
    assert loda(rows, GAZETTEER)["uprn"].tolist() == ["3"]


def test_a_stated_uprn_decides_where_the_address_does_not_contradict_it(loda: Loda) -> None:
    rows = [
        {"address": "Example Road", "postcode": "N1 1AA", "id": " 2 "},
        {"address": "16 Example Road", "postcode": "N1 1AA", "id": "3"},
        {"address": "16 Example Road", "postcode": "N1 1AA", "id": "404"},
    ]
    found = loda(rows, GAZETTEER, "--uprn", "id")
    assert found["uprn"].tolist() == ["2", "2", "2"]
    assert found["stage"].tolist()[0] == "uprn"
    assert loda(rows, GAZETTEER)["uprn"].tolist()[0] == ""


def test_uprns_that_were_numbers_for_a_while_are_the_same(loda: Loda) -> None:
    known = [{**row, "uprn": f"{row['uprn']}.0", "parent_uprn": row["parent_uprn"] and "1.0"} for row in GAZETTEER]
    assert loda(RECORDS, known)["uprn"].tolist() == UPRNS
    rows = [{"address": "Example Road", "postcode": "N1 1AA", "id": said} for said in ("2.0", "2E+00", "2")]
    assert loda(rows, GAZETTEER, "--uprn", "id")["uprn"].tolist() == ["2", "", "2"]
    long = [{"uprn": "1.00023336956E+11", "address": "14 Example Road", "postcode": "N1 1AA"}]
    assert loda(RECORDS[1:2], long)["uprn"].tolist() == ["100023336956"]


def test_a_gazetteer_in_parts_is_as_good_as_one_in_lines(loda: Loda) -> None:
    parts = [
        {"UPRN": "1", "Unit": "", "Building Number": "14", "Street": "Example Road", "Town": "London"},
        *(
            {"UPRN": u, "Unit": t, "Building Number": "14", "Street": "Example Road", "Town": "London"}
            for t, u in FLATS
        ),
        {"UPRN": "2", "Unit": "", "Building Number": "16", "Street": "Example Road", "Town": "London"},
    ]
    rows = [row | {"Postcode": "N1 1AA"} for row in parts]
    rows.append(parts[0] | {"UPRN": "3", "Building Number": "3", "Street": "Other Street", "Postcode": "N1 2BB"})
    assert loda(RECORDS, rows)["uprn"].tolist() == UPRNS


def test_without_parents_flats_are_found_and_the_building_by_its_own_row(loda: Loda) -> None:
    rows = [{k: v for k, v in row.items() if k != "parent_uprn"} for row in GAZETTEER]
    assert loda(RECORDS, rows)["uprn"].tolist() == UPRNS


def test_the_parent_is_the_one_that_the_gazetteer_names(loda: Loda) -> None:
    rows = [row | {"parent_uprn": "50"} if row["parent_uprn"] else row for row in GAZETTEER[1:]]
    rows.append({"uprn": "50", "parent_uprn": "", "address": "Example Mansions, Example Road", "postcode": "N1 1AA"})
    found = loda(RECORDS, rows)
    assert found.loc[[1, 2], "uprn"].tolist() == ["50", "50"]
    assert found.loc[[1, 2], "decision"].tolist() == ["parent", "parent"]


def test_a_uprn_with_several_rows_has_several_ways_of_being_written(loda: Loda) -> None:
    alias = {"uprn": "2", "parent_uprn": "", "address": "Bakery House, Example Road", "postcode": "N1 1AA"}
    rows = [*RECORDS, {"address": "Bakery House, Example Rd", "postcode": "N1 1AA"}]
    found = loda(rows, [*GAZETTEER, alias])
    assert found["uprn"].tolist() == [*UPRNS, "2"]


def test_the_order_of_rows_changes_nothing(loda: Loda) -> None:
    plain = loda(RECORDS, GAZETTEER).drop(columns="row")
    backwards = loda(RECORDS[::-1], GAZETTEER[::-1]).drop(columns="row")
    pd.testing.assert_frame_equal(backwards.iloc[::-1].reset_index(drop=True), plain)


def test_an_unrelated_property_changes_no_link(loda: Loda) -> None:
    far = {"uprn": "99", "parent_uprn": "", "address": "901 Elsewhere Avenue", "postcode": "E17 9ZZ"}
    names = ["uprn", "decision", "reason", "stage"]
    pd.testing.assert_frame_equal(loda(RECORDS, [*GAZETTEER, far])[names], loda(RECORDS, GAZETTEER)[names])


def test_the_summary_adds_up(home: Path, tmp_path: Path) -> None:
    file, known = write(RECORDS, tmp_path / "f.csv"), write([*GAZETTEER, {"uprn": ""}], tmp_path / "g.csv")
    told = json.loads(run(file, known, tmp_path / "o.csv", "--json").stdout)
    assert told["rows"] == len(RECORDS)
    for name in ("decision", "reason", "stage"):
        assert sum(told[name].values()) == len(RECORDS), name
    assert told["read_as"] == {"address": ["address"], "postcode": "postcode", "uprn": None}
    assert (told["gazetteer"]["rows"], told["gazetteer"]["without_uprn"]) == (len(GAZETTEER) + 1, 1)
    assert told["decision"] == {"linked": 4, "parent": 2, "none": 2}
    said = run(file, known, tmp_path / "o.csv").stdout
    assert "8 rows" in said
    assert "4 are tied to their property, 2 to the building, 0 are for people to decide and 2 fit nothing." in said


@pytest.mark.parametrize(
    ("records", "gazetteer", "more", "words"),
    [
        (RECORDS, [{"id": "1", "address": "x"}], (), "no column 'uprn'"),
        (RECORDS, [{"uprn": "1", "x": "y", "z": "w"}], (), "address"),
        ([{"a": "b", "c": "d"}], GAZETTEER, (), "--address"),
        (RECORDS, GAZETTEER, ("--address", "where"), "no column 'where'"),
        (RECORDS, GAZETTEER, ("--postcode", "code"), "no column 'code'"),
        (RECORDS, GAZETTEER, ("--uprn", "id"), "no column 'id'"),
        (RECORDS, [*GAZETTEER, {"uprn": "1.00022E+11", "address": "x"}], (), "in row 8 (uprn 1.00022E+11)"),
        (RECORDS, [{**GAZETTEER[1], "parent_uprn": "1E+11"}], (), "(parent_uprn 1E+11)"),
        (None, GAZETTEER, (), "There is no file"),
        (RECORDS, None, (), "There is no file"),
    ],
)
def test_a_mistake_ends_in_one_sentence(
    home: Path, tmp_path: Path, records: Rows | None, gazetteer: Rows | None, more: tuple[str, ...], words: str
) -> None:
    file, known, out = tmp_path / "f.csv", tmp_path / "g.csv", tmp_path / "o.csv"
    for rows, path in ((records, file), (gazetteer, known)):
        if rows is not None:
            write(rows, path)
    done = run(file, known, out, *more)
    assert done.exit_code != 0
    assert words in done.stderr
    assert done.stderr.startswith("loda: ")
    assert len(done.stderr.strip().splitlines()) == 1
    assert not out.exists()


def test_a_place_that_cannot_be_written_to_is_told(home: Path, tmp_path: Path) -> None:
    file, known = write(RECORDS, tmp_path / "f.csv"), write(GAZETTEER, tmp_path / "g.csv")
    done = run(file, known, tmp_path / "nowhere" / "o.csv")
    assert done.exit_code != 0
    assert done.stderr.startswith("loda: ")
    assert "cannot be written" in done.stderr


def test_a_file_without_rows_gives_one_without(loda: Loda, tmp_path: Path) -> None:
    headings = pd.DataFrame(columns=["address", "postcode"])
    headings.to_csv(tmp_path / "e.csv", index=False)
    known = write(GAZETTEER, tmp_path / "g.csv")
    assert run(tmp_path / "e.csv", known, tmp_path / "o.csv").exit_code == 0
    assert pd.read_csv(tmp_path / "o.csv").empty


WORDS = st.sampled_from(["FLAT", "1", "2A", "14", "EXAMPLE", "ROAD", ",", "-", "&", "LAND AT", "N1 1AA", "é", '"'])
TEXT = st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.lists(WORDS, max_size=9).map(" ".join))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=12))
def test_whatever_is_written_there_rows_in_are_rows_out(
    home: Path, tmp_path: Path, rows: list[tuple[str, str, str]]
) -> None:
    file = write([{"address": a, "postcode": p, "id": u} for a, p, u in rows], tmp_path / "f.parquet")
    made = link_file(file, write(GAZETTEER, tmp_path / "g.csv"), uprn="id").table.to_pandas()
    assert made["row"].tolist() == list(range(len(rows)))
    known = {row["uprn"] for row in GAZETTEER}
    assert set(made["uprn"].dropna()) | set(made["runner_up"].dropna()) <= known
    assert (made["uprn"].notna() == made["decision"].isin(["linked", "parent"])).all()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=8))
def test_whatever_the_gazetteer_holds_nothing_fails(home: Path, tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    known = [{"uprn": str(n), "address": a, "postcode": p} for n, (a, p) in enumerate(rows)]
    gazetteer = write(known, tmp_path / "g.parquet")
    made = link_file(write(RECORDS, tmp_path / "f.csv"), gazetteer).table
    assert made.num_rows == len(RECORDS)


def districts() -> list[dict[str, str]]:
    """Three districts that share two streets' names: houses, and every fourth a house of three flats."""
    trees = (("Alder", "Birch"), ("Cedar", "Damson"), ("Rowan", "Hazel"))
    rows: list[dict[str, str]] = []
    for at, district in enumerate(("N1", "N2", "E5")):
        own = [f"{word} {('Lane', 'Avenue', 'Grove')[at]}" for word in ("Quarry", "Orchard", "Windmill", "Harbour")]
        streets = ["High Street", "Church Road", *(f"{tree} Road" for tree in trees[at])]
        for street, name in enumerate([*streets, *own]):
            for number in range(1, 41):
                uprn, code = f"{at + 1}{street:02}{number:03}", f"{district} {street % 9 + 1}A{'ABC'[number % 3]}"
                rows.append({"uprn": uprn, "parent_uprn": "", "address": f"{number} {name}", "postcode": code})
                rows += [
                    {"uprn": f"{uprn}{k}", "parent_uprn": uprn, "postcode": code}
                    | {"address": f"Flat {k}, {number} {name}"}
                    for k in ((1, 2, 3) if number % 4 == 0 else ())
                ]
    return rows


def written(rows: list[dict[str, str]], size: int) -> Rows:
    """Some of the properties as records: as they are, misspelt, without a postcode, with one of another district."""
    random = np.random.default_rng(7)
    out: Rows = []
    for n, at in enumerate(random.choice(len(rows), size, replace=False)):
        row = rows[at]
        text, code = row["address"], row["postcode"]
        word = text.split()[-2]
        slip = text.replace(word, word[:2] + word[3] + word[2] + word[4:]) if len(word) > 4 else text
        ways = [(text.upper(), code), (slip, code), (text, code), (slip, code)] * 4 + [
            *((text, ""), (slip, ""), (text, "E5 9ZZ"), (text, "N1 1AA"))
        ]
        address, postcode = ways[n % len(ways)]
        wrong = n % len(ways) >= len(ways) - 2
        out.append({"address": address, "postcode": postcode, "true": row["uprn"], "wrong": wrong})
    return out


def test_a_gazetteer_in_parts_answers_as_the_whole_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = districts()
    records = written(rows, 600)
    file, known = write(records, tmp_path / "f.csv"), write(rows, tmp_path / "g.csv")
    whole = link_file(file, known, address=["address"]).table.to_pandas()
    monkeypatch.setattr(sharded, "ROWS_A_PART", len(rows) // 3)
    monkeypatch.setattr(sharded, "RECORDS_A_CHUNK", 250)
    parts = link_file(file, known, address=["address"]).table.to_pandas()
    assert parts["row"].tolist() == list(range(len(records)))
    same = (whole["decision"] == parts["decision"]) & (whole["uprn"].fillna("") == parts["uprn"].fillna(""))
    two = whole["uprn"].notna() & parts["uprn"].notna() & (whole["uprn"] != parts["uprn"])
    told = whole.assign(other=parts["uprn"], said=parts["decision"], text=[r["address"] for r in records])
    assert not two.any(), told.loc[two].to_string()
    # A postcode of another district is that of another part: what the parts say of it may be less sure, or surer.
    elsewhere = pd.Series([r["wrong"] for r in records])
    assert same[~elsewhere].mean() >= 0.99, told.loc[~same & ~elsewhere].to_string()
    assert same[elsewhere].mean() >= 0.6
    true = pd.Series([r["true"] for r in records])
    for made in (whole, parts):
        wrong = (made["decision"] == "linked") & (made["uprn"] != true) & ~elsewhere
        assert wrong.mean() <= 0.002, told.loc[wrong].to_string()


def test_in_parts_a_street_of_another_district_is_not_taken_for_one_that_is_written_like_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"uprn": f"{at}{n:03}", "address": f"{n} {name}", "postcode": code}
        for at, (name, code) in enumerate((("Alder Road", "N1 1AA"), ("Elder Road", "E5 1AA")), start=1)
        for n in range(1, 201)
    ]
    file = write([{"address": "27 Elder Road", "postcode": "N1 1AA"}], tmp_path / "f.csv")
    known = write(rows, tmp_path / "g.csv")
    monkeypatch.setattr(sharded, "ROWS_A_PART", len(rows) // 2)
    assert link_file(file, known).table["uprn"].to_pylist() != ["1027"]
