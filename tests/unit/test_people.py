"""The engine of link-people: blocks and their ceilings, what is learned, chains, ids, two files."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import recordlinkage

from pipelines.core.errors import LodaError
from pipelines.link.people import blocks, clusters, score
from pipelines.link.people.features import features
from pipelines.link.people.matching import match
from pipelines.link.people.names import company_number, parsed, sound
from pipelines.link.people.records import dates, prepared, records
from pipelines.link.people.roles import recognised

FIRST = ("ada", "bruno", "clara", "dora", "emil", "fritz", "greta", "hugo", "ida", "jonas", "klara", "lotte")
LAST = ("wetherby", "ashcombe", "brackley", "carstairs", "dunmore", "elphick", "farnaby", "gadsden", "hollis", "inskip")


def people(number: int, seed: int = 1) -> tuple[pd.DataFrame, np.ndarray]:
    """Made-up people, half of them twice, with slips, and who each row truly is."""
    draw = random.Random(seed)
    rows, truth = [], []
    for who in range(number):
        person = [
            draw.choice(FIRST) + draw.choice(("", "ne", "ka")),
            draw.choice(LAST) + draw.choice(("", "son", "er", "ley")),
            f"{draw.randint(1930, 2000)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
            f"{draw.randint(1, 90)} {draw.choice(LAST)} road",
            f"N{draw.randint(1, 19)} {draw.randint(1, 9)}{draw.choice('ABDEFG')}{draw.choice('ABDEFG')}",
        ]
        for again in range(1 + who % 2):
            row = list(person)
            if again:
                at = draw.randrange(2)
                word = list(row[at])
                place = draw.randrange(len(word) - 1)
                word[place], word[place + 1] = word[place + 1], word[place]
                row[at] = "".join(word)
                row[draw.randrange(2, 5)] = ""
            rows.append(row)
            truth.append(who)
    columns = ["first name", "surname", "date of birth", "address", "postcode"]
    table = pa.table(dict(zip(columns, map(list, zip(*rows, strict=True)), strict=True)))
    return prepared(table, recognised(table)), np.array(truth)


def test_weights_are_learned_without_labels_and_find_slips() -> None:
    frame, truth = people(900)
    found = match(frame)
    assert found.counts["learned"] == 1
    joined = pd.DataFrame({"who": truth, "entity": found.entity})
    whole = joined.groupby("who")["entity"].nunique().eq(1).mean()
    pure = joined.groupby("entity")["who"].nunique().eq(1).mean()
    assert whole > 0.97
    assert pure > 0.99


def test_two_files_are_joined_across_only() -> None:
    frame, truth = people(300)
    side = np.append(0, np.diff(truth) == 0).astype(np.int8)
    found = match(frame, side)
    edges = found.edges
    assert (side[edges["left"]] != side[edges["right"]]).all()
    linked = edges[edges["decision"] == "linked"]
    assert (truth[linked["left"]] == truth[linked["right"]]).mean() > 0.98


def test_missing_values_say_nothing() -> None:
    frame, _ = people(40)
    rows = records(frame.assign(birth=""))
    pairs = blocks.candidates(rows)
    with_birth, without = features(records(frame)), features(rows)
    assert set(with_birth) - set(without) == {"birth"}
    half = records(frame.assign(birth=frame["birth"].where(frame.index % 2 == 0, "")))
    levels, which, _ = score.compared(half, features(half), pairs.left, pairs.right)
    one_missing = (pairs.left % 2 == 1) | (pairs.right % 2 == 1)
    assert (levels["birth"].to_numpy()[which][one_missing] == -1).all()


def test_own_counts_of_patterns_equal_recordlinkages_comparison() -> None:
    frame, _ = people(60)
    rows = records(frame)
    pairs = blocks.candidates(rows)
    levels, which, counts = score.compared(rows, features(rows), pairs.left, pairs.right)
    assert counts.sum() == len(pairs)
    compare = recordlinkage.Compare()
    compare.exact("surname", "surname", label="surname")
    index = pd.MultiIndex.from_arrays([pairs.left, pairs.right])
    stock = compare.compute(index, frame)["surname"].to_numpy()
    assert ((levels["surname"].to_numpy()[which] == 4) == (stock == 1)).all()


def test_a_block_over_the_ceiling_is_left_out_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "PAIRS_A_BLOCK", 10)
    frame = pd.DataFrame(
        {"forename": ["ADA"] * 9, "surname": ["WETHERBY"] * 9, "birth": [f"19{n}00101" for n in range(9)]}
    )
    made = blocks.candidates(records(frame))
    assert made.left_out["surname and forename"] == (1, 36)
    monkeypatch.setattr(blocks, "PAIRS_A_BLOCK", 50_000)
    assert len(blocks.candidates(records(frame))) == 36
    monkeypatch.setattr(blocks, "PAIRS_IN_ALL", 20)
    made = blocks.candidates(records(frame))
    assert len(made) <= 20
    assert sum(pairs for _, pairs in made.left_out.values()) >= 36
    assert match(frame).counts["pairs_left_out"] >= 36


def test_candidates_are_the_pairs_that_share_a_key_and_only_fresh_ones_if_asked() -> None:
    frame, _ = people(80)
    rows = records(frame)
    made = blocks.candidates(rows)
    pairs = set(zip(made.left.tolist(), made.right.tolist(), strict=True))
    assert all(a < b for a, b in pairs)
    assert len(pairs) == len(made)
    same = {
        (a, b)
        for a in range(len(frame))
        for b in range(a + 1, len(frame))
        if frame["surname"][a] == frame["surname"][b] != "" and frame["birth"][a] == frame["birth"][b] != ""
    }
    assert same <= pairs
    fresh = np.zeros(len(frame), bool)
    fresh[[3, 17]] = True
    some = blocks.candidates(rows, fresh)
    assert set(zip(some.left.tolist(), some.right.tolist(), strict=True)) == {p for p in pairs if {3, 17} & set(p)}


def test_a_chain_of_links_is_no_cluster() -> None:
    left, right = np.arange(9), np.arange(1, 10)
    sure = np.ones(9, bool)
    found = clusters.clustered(10, left, right, np.full(9, 0.99), sure, np.zeros(9, bool))
    assert np.bincount(found.label).max() <= 3
    assert found.counts["chains_cut"] > 0
    a, b = np.triu_indices(10, k=1)
    every = clusters.clustered(10, a, b, np.full(45, 0.99), np.ones(45, bool), np.zeros(45, bool))
    assert len(set(every.label)) == 1


def test_a_contradicted_pair_is_never_in_one_cluster() -> None:
    a, b = np.triu_indices(6, k=1)
    never = (a == 0) & (b == 5)
    found = clusters.clustered(6, a, b, np.where(never, 0.0, 0.99), ~never, never)
    assert found.label[0] != found.label[5]


def test_a_cluster_does_not_grow_over_the_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clusters, "LARGEST", 4)
    a, b = np.triu_indices(8, k=1)
    found = clusters.clustered(8, a, b, np.full(28, 0.99), np.ones(28, bool), np.zeros(28, bool))
    assert np.bincount(found.label).max() <= 4
    assert found.counts["too_large"] > 0


def test_a_contradiction_that_no_block_brought_together_is_found() -> None:
    born = ["1951-02-01", "", "1983-11-24"]
    table = pa.table(
        {
            "name": ["Ada Wetherby", "A Wetherby", "Zacharias Wetherby"],
            "address": ["1 Elsewhere Street N1 1AA"] * 3,
            "born": born,
            "phone": ["020 7946 0001", "020 7946 0001", "020 7946 0001"],
        }
    )
    found = match(prepared(table, recognised(table)))
    assert found.entity[0] != found.entity[2]


def test_every_edge_is_told_in_words_without_any_value() -> None:
    frame, _ = people(200)
    edges = match(frame).edges
    assert len(edges) > 50
    assert edges["probability"].between(0, 1).all()
    assert edges["explanation"].str.len().gt(5).all()
    words = set(" ".join(edges["explanation"]).upper().replace(";", " ").replace(",", " ").split())
    assert not words & (set(frame["surname"]) | set(frame["forename"]) | set(frame["postcode"]) - {""})


def test_an_entitys_id_depends_on_its_records_alone() -> None:
    frame, _ = people(60)
    ids = match(frame).entity
    again = match(frame.iloc[::-1].reset_index(drop=True)).entity[::-1]
    assert ids.tolist() == again.tolist()


def test_names_are_taken_apart() -> None:
    told = parsed(
        pa.array(["Dr Ada Mary WETHERBY-SMITH OBE", "Wetherby Homes Ltd (Co No 1234567)", "A B t/a Zenith Lets"])
    )
    assert told.loc[0, ["forename", "other", "surname"]].tolist() == ["ADA", "MARY", "WETHERBY-SMITH"]
    assert told.loc[1, ["company", "company_number"]].tolist() == ["WETHERBY HOMES LTD", "01234567"]
    assert told.loc[2, ["forename", "surname", "alias"]].tolist() == ["A", "B", "ZENITH LETS"]


def test_sounds_and_dates_and_numbers() -> None:
    heard = sound(pd.Series(["HUSSEIN", "HUSSAIN", "CATHERINE", "KATHERINE", "SMITH", "JONES"], dtype=object))
    assert heard[0] == heard[1]
    assert heard[2] == heard[3]
    assert heard[4] != heard[5]
    assert (
        dates(pa.array(["1961-05-03", "3/5/1961", "03.05.1961", "3 May 1961", "1961-05-03 00:00:00"])).unique().size
        == 1
    )
    assert company_number(pa.array(["1234567", "SC123456", "none", "0"])).to_pylist() == [
        "01234567",
        "SC123456",
        "",
        "",
    ]


def test_roles_are_told_from_headings_and_from_values() -> None:
    table = pa.table({"Licence Holder Name": ["x"], "holder_address": ["y"], "DOB": ["z"], "cluster": ["1"]})
    assert recognised(table) == {"name": ["Licence Holder Name"], "address": ["holder_address"], "birth_date": ["DOB"]}
    odd = pa.table({"a": ["Mary Wetherby", "John Ashcombe"] * 5, "b": ["N1 1AA", "E1 9ZZ"] * 5, "c": ["4", "5"] * 5})
    assert recognised(odd) == {"name": ["a"], "postcode": ["b"]}
    assert recognised(odd, {"name": ["a"], "ignore": ["b"]}) == {"name": ["a"]}
    with pytest.raises(LodaError, match="no role"):
        recognised(odd, {"nonsense": ["a"]})
    with pytest.raises(LodaError, match="no column 'q'"):
        recognised(odd, {"name": ["q"]})
