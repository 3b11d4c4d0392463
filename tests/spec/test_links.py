"""The tables of links: every record tied to what the officers' tables say, and for the reason where they give one."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from pipelines.link import Decision, LinkReason
from pipelines.link.pairs import Missing
from pipelines.link.spine import Spine
from pipelines.link.vocabulary import SENTENCES
from schemas.strict_yaml import read_yaml
from tests.spec.link_world import links_of, spine_of

HERE = Path(__file__).parent
TABLES = [HERE / "links.yaml", *sorted((HERE / "links").glob("*.yaml"))]
TABLE_NAMES = [path.stem for path in TABLES]
BY_TABLE = [read_yaml(path)["groups"] for path in TABLES]
GROUPS = [group for groups in BY_TABLE for group in groups]
CASES = [(number, at) for number, group in enumerate(GROUPS) for at in range(len(group["cases"]))]
NAMES = [group["group"] for group in GROUPS]
TIED = (Decision.LINKED, Decision.PARENT)
FEWEST_CASES = 300
REAL = Path(os.environ.get("LODA_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
EDGE_CASES = REAL / "linkage" / "edge_case_addresses.yaml"
FEWEST_RIGHT, MOST_WRONG = 15, 1


def decisions(case: dict[str, Any]) -> list[str]:
    """The decisions that an officer would accept: one, or where either is right several."""
    said = case["decision"]
    return said if isinstance(said, list) else [said]


def uprn_for(case: dict[str, Any], decision: str) -> str | None:
    """The UPRN that goes with a decision: the building's own where the case tells it from the property's."""
    if decision not in TIED:
        return None
    return case.get("building", case["uprn"]) if decision == Decision.PARENT else case["uprn"]


@lru_cache
def links(number: int) -> list[dict[str, Any]]:
    """The links of a group's cases, in the order of the table."""
    return links_of(GROUPS[number]["cases"], spine_of(GROUPS[number]["gazetteer"]))


@lru_cache
def whole(at: int, backwards: bool = False) -> Spine:
    """All gazetteers of a table as one, in either order."""
    rows = [
        {**row, "uprn": f"{number:03}{row['uprn']}"}
        | ({"parent": f"{number:03}{row['parent']}"} if "parent" in row else {})
        for number, group in enumerate(BY_TABLE[at])
        for row in group["gazetteer"]
    ]
    return spine_of(rows[:: -1 if backwards else 1])


def records(at: int) -> list[dict[str, Any]]:
    """All cases of a table."""
    return [
        {**case, "own": f"{number:03}{case['own']}"} if "own" in case else case
        for number, group in enumerate(BY_TABLE[at])
        for case in group["cases"]
    ]


@lru_cache
def together(at: int) -> list[dict[str, Any]]:
    """The links of all cases of a table against all its gazetteers, without the records' ids."""
    return plain(links_of(records(at), whole(at)))


def plain(links: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Links to compare: figures to the ninth place, no ids of records."""
    return [
        {k: round(v, 9) if isinstance(v, float) else v for k, v in link.items() if k != "record_id"} for link in links
    ]


def test_the_tables_are_large_enough_and_their_words_are_closed() -> None:
    cases = [GROUPS[number]["cases"][at] for number, at in CASES]
    assert len(cases) >= FEWEST_CASES
    assert {decision for case in cases for decision in decisions(case)} <= set(Decision)
    assert {case["reason"] for case in cases if "reason" in case} <= set(LinkReason)
    assert set(SENTENCES) == set(LinkReason)
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("number", range(len(GROUPS)), ids=NAMES)
def test_a_group_can_be_answered(number: int) -> None:
    uprns = [row["uprn"] for row in GROUPS[number]["gazetteer"]]
    assert len(set(uprns)) == len(uprns)
    seen = [(case["text"], case.get("postcode"), case.get("own")) for case in GROUPS[number]["cases"]]
    assert len(set(seen)) == len(seen)
    for case in GROUPS[number]["cases"]:
        assert (case.get("uprn") in uprns) == any(decision in TIED for decision in decisions(case)), case
        assert case.get("building", uprns[0]) in uprns, case


@pytest.mark.parametrize(("number", "at"), CASES, ids=[f"{NAMES[n]}: {GROUPS[n]['cases'][a]}" for n, a in CASES])
def test_record_is_tied_as_the_table_says(number: int, at: int) -> None:
    case, link = GROUPS[number]["cases"][at], links(number)[at]
    assert link["decision"] in decisions(case), link
    assert link["uprn"] == uprn_for(case, link["decision"]), link
    assert link["reason"] == case.get("reason", link["reason"]), link
    assert 0 <= link["gap"] <= link["probability"] <= 1


@pytest.mark.parametrize("at", range(len(TABLES)), ids=TABLE_NAMES)
def test_the_order_of_records_and_gazetteer_changes_nothing(at: int) -> None:
    backwards = plain(links_of(records(at)[::-1], whole(at, backwards=True)))[::-1]
    assert backwards == together(at)


@pytest.mark.parametrize("at", range(len(TABLES)), ids=TABLE_NAMES)
def test_who_else_is_in_the_file_changes_nothing(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the one figure that all of them together say of the area: how much its gazetteer lacks."""
    monkeypatch.setattr(Missing, "of", lambda _addresses, _spine: Missing(0, 0))
    every = records(at)
    among_others = plain(links_of(every, whole(at)))
    assert plain(links_of(every[::2], whole(at))) == among_others[::2]
    assert plain(links_of(every[-1:], whole(at))) == among_others[-1:]


@pytest.mark.skipif(not EDGE_CASES.exists(), reason="The real edge cases are not on this machine (LODA_REAL_DATA).")
def test_real_edge_cases_resolve() -> None:
    right = wrong = 0
    for case in read_yaml(EDGE_CASES)["addresses"]:
        gazetteer = [
            {"uprn": str(n), "address": text, "postcode": postcode}
            for n, (text, postcode) in enumerate(case["canonical_addresses"], start=1)
        ]
        text, postcode = case["messy_address"]
        link = links_of([{"text": text, "postcode": postcode}], spine_of(gazetteer))[0]
        right += link["uprn"] == "1"
        wrong += link["decision"] == Decision.LINKED and link["uprn"] != "1"
    assert right >= FEWEST_RIGHT
    assert wrong <= MOST_WRONG
