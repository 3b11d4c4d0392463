"""The table of links: every record tied to what the officer's table says, for the reason it says."""

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

TABLE = yaml.safe_load(Path(__file__).with_name("links.yaml").read_text(encoding="utf-8"))
CASES = [(number, at) for number, group in enumerate(TABLE["groups"]) for at in range(len(group["cases"]))]
REAL = Path(os.environ.get("LODA_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
EDGE_CASES = REAL / "linkage" / "edge_case_addresses.yaml"
FEWEST_RIGHT, MOST_WRONG = 15, 1


@lru_cache
def links(number: int, backwards: bool = False) -> list[dict[str, Any]]:
    """The links of a group's cases, in the order of the table, whichever order they came in."""
    group = TABLE["groups"][number]
    step = -1 if backwards else 1
    return links_of(group["cases"][::step], spine_of(group["gazetteer"][::step]))[::step]


def test_the_table_is_large_enough_and_its_words_are_closed() -> None:
    cases = [TABLE["groups"][number]["cases"][at] for number, at in CASES]
    assert len(cases) >= 40
    assert {case["decision"] for case in cases} <= set(Decision)
    assert {case["reason"] for case in cases} <= set(LinkReason)
    assert set(SENTENCES) == set(LinkReason)


@pytest.mark.parametrize(
    ("number", "at"), CASES, ids=[f"{TABLE['groups'][n]['group']}: {TABLE['groups'][n]['cases'][a]}" for n, a in CASES]
)
def test_record_is_tied_as_the_table_says(number: int, at: int) -> None:
    case, link = TABLE["groups"][number]["cases"][at], links(number)[at]
    said = {"decision": case["decision"], "reason": case["reason"], "uprn": case.get("uprn")}
    assert {key: link[key] for key in said} == said
    assert (link["uprn"] is not None) == (link["decision"] in (Decision.LINKED, Decision.PARENT))
    assert 0 <= link["gap"] <= link["probability"] <= 1


@pytest.mark.parametrize("number", range(len(TABLE["groups"])), ids=[g["group"] for g in TABLE["groups"]])
def test_the_order_of_records_and_gazetteer_changes_nothing(number: int) -> None:
    ours = [{k: v for k, v in link.items() if k != "record_id"} for link in links(number)]
    theirs = [{k: v for k, v in link.items() if k != "record_id"} for link in links(number, backwards=True)]
    assert theirs == ours


@pytest.mark.parametrize("number", range(len(TABLE["groups"])), ids=[g["group"] for g in TABLE["groups"]])
def test_a_record_alone_comes_out_as_among_others(number: int) -> None:
    group = TABLE["groups"][number]
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
