"""Landlords from night to night: spelt otherwise, identifiers through splits and merges, work only for what is new."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core.tables import LANDLORD, LANDLORD_EDGE
from pipelines.core.types import StageResult
from pipelines.governance import access
from pipelines.link import landlords, link_landlords
from pipelines.link.landlord_ids import carried_over
from tests.unit.link_lake import put
from tests.unit.test_link_landlords import liability, licence, made

HOME, ELSEWHERE = "1 Elsewhere Street, London N1 1AA", "9 Other Road, London E1 9ZZ"


def night(drop: str, **registers: list[dict[str, Any]]) -> StageResult:
    for borough, rows in registers.items():
        put(borough, "hmo_licence", rows, drop=drop)
    return link_landlords()


def landlords_of() -> pd.Series[str]:
    return made()["landlord_id"].droplevel("role")


def edges() -> pd.DataFrame:
    return access.read_table("landlord_edge", LANDLORD_EDGE).to_pandas()


def test_a_name_spelt_otherwise_is_one_landlord_and_a_relative_is_not(home: Path) -> None:
    night(
        "d1",
        camden=[licence("Jane Wetherby", HOME), licence("John Wetherby", HOME)],
        hackney=[licence("Jane Wehterby", "1 Elsewhere St N1 1AA"), licence("Jane Wetherby", ELSEWHERE)],
    )
    ids = landlords_of()
    assert ids["camden/hmo_licence/0"] == ids["hackney/hmo_licence/0"]
    assert ids.nunique() == 3
    assert set(made()["reason"]) == {landlords.LandlordReason.SPELT_OTHERWISE, landlords.LandlordReason.NAME_ALONE}


def test_an_initial_at_an_address_of_two_first_names_joins_neither(home: Path) -> None:
    night("d1", camden=[licence("Jane Wetherby", HOME), licence("Peter Wetherby", HOME)])
    put("hackney", "council_tax", [liability("Jane Wetherby", HOME), liability("Peter Wetherby", HOME)])
    link_landlords()
    ids = landlords_of()
    assert ids["camden/hmo_licence/0"] == ids["hackney/council_tax/0"]
    assert ids["camden/hmo_licence/1"] == ids["hackney/council_tax/1"]
    assert ids.nunique() == 2


def test_two_registered_numbers_are_two_companies(home: Path) -> None:
    night(
        "d1",
        camden=[
            licence("Wetherby Homes Ltd (Company No 01234567)", HOME),
            licence("Wetherby Homes Ltd (Company No 07654321)", HOME),
            licence("Wetherby Homes Limited (Co. No. 1234567)", ELSEWHERE),
        ],
    )
    ids = landlords_of()
    assert ids["camden/hmo_licence/0"] == ids["camden/hmo_licence/2"]
    assert ids.nunique() == 2


def test_every_landlord_of_several_records_hangs_together_by_linked_edges_that_hold_no_name(home: Path) -> None:
    night(
        "d1",
        camden=[licence("Jane Wetherby", HOME), licence("Wetherby, Jane", HOME), licence("Example Homes Ltd", HOME)],
        hackney=[licence("Jane Wehterby", HOME), licence("Example Homes Limited", ELSEWHERE)],
    )
    rows = made().reset_index()
    where = rows.set_index(["borough", "dataset", "record_id", "role"])["landlord_id"]
    told = edges()
    linked = told[told["decision"] == "linked"]
    left = where[pd.MultiIndex.from_frame(linked[["borough", "dataset", "record_id", "role"]])]
    right = where[pd.MultiIndex.from_frame(linked[[f"other_{n}" for n in where.index.names]])]
    assert (left.to_numpy() == right.to_numpy()).all()
    sizes = where.value_counts()
    assert len(linked) >= (sizes - 1).sum() > 0
    words = " ".join(told["explanation"].tolist()).upper()
    assert not [word for word in ("JANE", "WETHERBY", "EXAMPLE", "ELSEWHERE", "N1") if word in words.split()]
    assert told["probability"].between(0, 1).all()


def test_identifiers_last_three_nights_through_a_merge_and_a_split(home: Path) -> None:
    one, two = licence("Jane Wetherby", HOME), licence("Jane Wetherby", ELSEWHERE)
    night("d1", camden=[one, one, two, licence("Example Homes Ltd")])
    first = landlords_of()
    assert first.nunique() == 3

    merged = night("d2", camden=[one, one, one, licence("Example Homes Ltd")])
    second = landlords_of()
    assert second["camden/hmo_licence/2"] == first["camden/hmo_licence/0"]
    assert second["camden/hmo_licence/3"] == first["camden/hmo_licence/3"]
    assert (merged.counts["ids_merged"], merged.counts["ids_new"]) == (1, 0)

    split = night("d3", camden=[one, one, licence("Peter Ashcombe", ELSEWHERE), licence("Example Homes Ltd"), two])
    third = landlords_of()
    assert third[["camden/hmo_licence/0", "camden/hmo_licence/1"]].tolist() == [first.iloc[0]] * 2
    assert third["camden/hmo_licence/2"] != first["camden/hmo_licence/0"]
    assert third["camden/hmo_licence/3"] == first["camden/hmo_licence/3"]
    assert split.counts["ids_split"] == 1
    assert third.str.fullmatch("[0-9a-f]{32}").all()


def test_only_new_and_changed_records_are_compared_and_the_answer_is_that_of_comparing_all(home: Path) -> None:
    register = [licence(f"Jane {name}", HOME) for name in ("Wetherby", "Wehterby", "Wetherbey", "Ashcombe", "Ashcome")]
    whole = night("d1", camden=register)
    assert whole.counts["pairs_compared"] >= 6

    again = night("d2", camden=register)
    assert (again.outcome, again.counts["pairs_compared"]) == ("made", 0)
    assert again.counts["edges_kept"] >= 4
    same = landlords_of()
    assert same.nunique() == 2

    one_more = night("d3", camden=[*register, licence("Jane Wetherbyy", HOME)])
    assert 0 < one_more.counts["pairs_compared"] <= 5
    third, told = landlords_of(), _pairs(edges())
    assert third["camden/hmo_licence/5"] == third["camden/hmo_licence/0"]
    assert third[same.index].tolist() == same.tolist()

    changed = night("d4", camden=[*register[:4], licence("Jane Ashcombe-Other", HOME), licence("Jane Wetherbyy", HOME)])
    assert 0 < changed.counts["pairs_compared"] <= 5

    for table, schema in (("landlord", LANDLORD), ("landlord_edge", LANDLORD_EDGE)):
        access.write_table(table, schema.empty_table(), borough="camden", made_from={})
    night("d5", camden=[*register, licence("Jane Wetherbyy", HOME)])
    assert _pairs(edges()) == told
    assert landlords_of().groupby(third.to_numpy()).nunique().eq(1).all()


def _pairs(told: pd.DataFrame) -> set[tuple[Any, ...]]:
    columns = ["record_id", "other_record_id", "probability", "decision", "reason", "explanation"]
    return set(told[columns].itertuples(index=False, name=None))


def test_a_chain_between_two_first_names_is_cut(home: Path) -> None:
    between = "27 Elsewhere Street, London N1 1AA"
    result = night(
        "d1",
        camden=[
            licence("Jane Wetherby", HOME),
            licence("J Wetherby", HOME),
            licence("J Wetherby", between),
            licence("Zacharias Wetherby", ELSEWHERE),
            licence("Jim Wetherby", between),
        ],
    )
    ids = landlords_of()
    assert ids["camden/hmo_licence/0"] != ids["camden/hmo_licence/4"]
    assert result.counts["chains_cut"] >= 1


def test_a_manager_keeps_a_role_of_its_own_beside_the_owner(home: Path) -> None:
    night("d1", camden=[licence("Jane Wetherby", HOME, manager_name="Example Homes Ltd"), licence("Example Homes Ltd")])
    assert set(made().reset_index()["role"]) == {"holder", "manager"}
    assert set(edges()["role"]) | set(edges()["other_role"]) == {"holder", "manager"}


@pytest.mark.parametrize(
    ("label", "before", "ids", "counts"),
    [
        ([0, 0, 1], ["", "", ""], ["n0", "n0", "n1"], (0, 2, 0, 0)),
        ([0, 0, 0], ["a", "a", "b"], ["a", "a", "a"], (1, 0, 1, 0)),
        ([0, 0, 1], ["a", "a", "a"], ["a", "a", "n1"], (1, 1, 0, 1)),
        ([0, 0, 1, 1], ["a", "", "a", "a"], ["n0", "n0", "a", "a"], (1, 1, 0, 1)),
        ([0, 0, 0, 1], ["a", "a", "b", "a"], ["a", "a", "a", "n1"], (1, 1, 1, 1)),
        ([0, 0, 1], ["a", "b", "a"], ["a", "a", "n1"], (1, 1, 1, 1)),
    ],
)
def test_identifiers_are_carried_over(
    label: list[int], before: list[str], ids: list[str], counts: tuple[int, ...]
) -> None:
    each = pd.Index(sorted(set(label)))
    natural, own = (pd.Series(sort + each.astype(str), index=each) for sort in ("n", "o"))
    got, told = carried_over(pd.Series(label), pd.Series(before), natural, own)
    assert tuple(told.values()) == counts
    assert got.tolist() == ids


def test_landlords_of_one_natural_identifier_have_their_own() -> None:
    natural, own = pd.Series(["n", "n", "m"]), pd.Series(["o0", "o1", "o2"])
    got, _ = carried_over(pd.Series([0, 1, 2, 1]), pd.Series(["", "x", "", "x"]), natural, own)
    assert got.tolist() == ["o0", "x", "m", "x"]


def test_an_erased_subject_leaves_no_edge_at_either_end_and_all_is_compared_anew(home: Path) -> None:
    from pipelines.governance import stages
    from pipelines.governance.erasure import _erase_derived
    from pipelines.governance.erasure_search import Found, Hit, derived_rows
    from pipelines.governance.subjects import Subject

    night("d1", camden=[licence("Jane Wetherby", HOME)], hackney=[licence("Jane Wehterby", HOME)])
    assert len(edges()) == 1
    assert stages.state_of("landlords", "london")
    for borough in ("camden", "hackney"):
        found = Found(Subject(names=("JANE WETHERBY",)))
        found.hits.append(Hit(borough, "hmo_licence", "main", [], [1000]))
        rows = access.read_table("landlord_edge", LANDLORD_EDGE)
        assert derived_rows(rows, table="landlord_edge", borough="camden", found=found).all()
    _erase_derived(found, "camden")
    assert edges().empty
    assert not stages.state_of("landlords", "london")
