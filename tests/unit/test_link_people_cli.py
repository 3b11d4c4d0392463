"""`loda link-people`: files in, entities and edges out, and one sentence where it cannot be done."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from pipelines.cli import app

RUN = CliRunner()
ROWS = """Licence holder,Address of holder,Ref
Jane Wetherby,"1 Elsewhere Street, N1 1AA",a
"Wetherby, J.","1 Elsewhere St, N1 1AA",b
Example Homes Ltd,9 Other Road E1 9ZZ,c
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one.csv").write_text(ROWS.replace("Address of holder", "Address"), encoding="utf-8")
    (tmp_path / "two.csv").write_text(
        "company name;company number;address\nEXAMPLE HOMES LIMITED;;\nWetherby Ltd;01234567;x\n", encoding="utf-8"
    )
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    done = RUN.invoke(app, ["link-people", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.output


def test_one_file_gives_a_row_for_each_row_and_edges_that_say_why(folder: Path) -> None:
    out, edges = folder / "out.csv", folder / "edges.parquet"
    code, told = run(folder / "one.csv", "--out", out, "--edges", edges, "--id", "Ref", "--json")
    assert code == 0, told
    rows = pd.read_csv(out)
    assert rows.columns.tolist() == ["file", "row", "id", "entity", "size", "decision"]
    assert rows["row"].tolist() == [1, 2, 3]
    assert rows["id"].tolist() == ["a", "b", "c"]
    assert rows["size"].tolist() == [2, 2, 1]
    assert rows["decision"].tolist() == ["linked", "linked", "alone"]
    why = pd.read_parquet(edges)
    assert why.columns.tolist() == [
        *("left_file", "left_row", "right_file", "right_row", "probability", "decision", "reason", "explanation")
    ]
    assert why[["left_row", "right_row", "decision", "reason"]].values.tolist() == [
        [1, 2, "linked", "name_and_address"]
    ]
    said = json.loads(told)
    assert said["counts"]["entities"] == 2
    assert said["files"]["one.csv"]["name"] == ["Licence holder"]


def test_two_files_of_other_layouts_are_linked(folder: Path) -> None:
    out = folder / "deep" / "out.csv"
    code, told = run(folder / "one.csv", folder / "two.csv", "--out", out)
    assert code == 0, told
    rows = pd.read_csv(out)
    assert rows.groupby("file")["row"].apply(list).to_dict() == {"one.csv": [1, 2, 3], "two.csv": [1, 2]}
    assert rows.loc[rows["size"] == 2, ["file", "row"]].values.tolist() == [["one.csv", 3], ["two.csv", 1]]


def test_columns_can_be_named_by_hand(folder: Path) -> None:
    (folder / "odd.csv").write_text("q,r\nJane Wetherby,N1 1AA\nWetherby Jane,N1 1AA\n", encoding="utf-8")
    code, told = run(folder / "odd.csv", "--out", folder / "out.csv", "--columns", "name=q", "--columns", "postcode=r")
    assert code == 0, told
    assert pd.read_csv(folder / "out.csv")["entity"].unique().size == 1


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (b"a,b\n1,2\n", [], "No column is known to hold names"),
        (b"name,address\nJane,x\nJane: canary: x\n", [], "a row has 1 cells where there are 2 columns"),
        (b"", [], "is empty"),
        (b"name,\nJane,x\n", [], "column without a heading"),
        (b"name,name\nJane,x\n", [], "two columns named 'name'"),
        (b"name\nJane\n", ["--columns", "surname=q"], "There is no column 'q'"),
        (b"name\nJane\n", ["--columns", "nonsense"], "does not say what a column holds"),
        (b"name\nJane\n", ["--columns", "nonsense=name"], "is no role of a column"),
        (b"name\nJane\n", ["--id", "q"], "There is no column 'q' for --id"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_sentence(folder: Path, content: bytes, more: list[str], words: str) -> None:
    (folder / "bad.csv").write_bytes(content)
    code, told = run(folder / "bad.csv", "--out", folder / "out.csv", *more)
    assert code == 1
    assert words in told
    assert "canary" not in told
    assert len(told.strip().splitlines()) == 1
    assert not (folder / "out.csv").exists()


def test_a_file_that_is_not_there_or_would_be_written_over(folder: Path) -> None:
    assert run(folder / "none.csv", "--out", folder / "out.csv")[0] == 66
    code, told = run(folder / "one.csv", "--out", folder / "one.csv")
    assert code == 1
    assert "cannot be written over" in told
    (folder / "bad.parquet").write_bytes(b"no parquet")
    code, told = run(folder / "bad.parquet", "--out", folder / "out.csv")
    assert (code, len(told.strip().splitlines())) == (1, 1)


def test_no_rows_and_other_encodings_are_no_fault(folder: Path) -> None:
    (folder / "bare.csv").write_text("name,address\n", encoding="utf-8")
    assert run(folder / "bare.csv", "--out", folder / "out.csv")[0] == 0
    assert len(pd.read_csv(folder / "out.csv")) == 0
    (folder / "old.csv").write_bytes(
        "name\tpostcode\nJürgen Wetherby\tN1 1AA\nJurgen Wetherby\tN1 1AA\n".encode("cp1252")
    )
    assert run(folder / "old.csv", "--out", folder / "out.csv")[0] == 0
    assert pd.read_csv(folder / "out.csv")["entity"].unique().size == 1
