"""The tables of links: every record tied to what the officers' tables say, and for the reason where they give one."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.link import Decision, LinkReason
from pipelines.link.vocabulary import SENTENCES
from tests.spec.link_world import links_of, spine_of

HERE = Path(__file__).parent
TABLES = [HERE / "links.yaml", *sorted((HERE / "links").glob("*.yaml"))]
GROUPS = [group for path in TABLES for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]]
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
def links(number: int, backwards: bool = False) -> list[dict[str, Any]]:
    """The links of a group's cases, in the order of the table, whichever order they came in."""
    group = GROUPS[number]
    step = -1 if backwards else 1
    return links_of(group["cases"][::step], spine_of(group["gazetteer"][::step]))[::step]


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


@pytest.mark.parametrize("number", range(len(GROUPS)), ids=NAMES)
def test_the_order_of_records_and_gazetteer_changes_nothing(number: int) -> None:
    ours = [{k: v for k, v in link.items() if k != "record_id"} for link in links(number)]
    theirs = [{k: v for k, v in link.items() if k != "record_id"} for link in links(number, backwards=True)]
    assert theirs == ours


@pytest.mark.parametrize("number", range(len(GROUPS)), ids=NAMES)
def test_a_record_alone_comes_out_as_among_others(number: int) -> None:
    group = GROUPS[number]
    alone = links_of(group["cases"][:1], spine_of(group["gazetteer"]))[0]
    assert (alone["uprn"], alone["reason"]) == (links(number)[0]["uprn"], links(number)[0]["reason"])


@pytest.mark.skipif(not EDGE_CASES.exists(), reason="The real edge cases are not on this machine (LODA_REAL_DATA).")
def test_real_edge_cases_resolve() -> None:
    right = wrong = 0
    for case in yaml.safe_load(EDGE_CASES.read_text(encoding="utf-8"))["addresses"]:
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
