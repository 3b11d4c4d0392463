"""Decisions laid over verdicts, without a lake: what they outrank, and what is left where they bar something."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from pipelines.link import Decision, LinkReason
from pipelines.link.linking import link
from pipelines.link.records import make_records
from pipelines.link.review import COLUMNS, NOTHING, Decided
from pipelines.link.spine import Spine
from pipelines.link.suggestions import MOST, suggestions
from tests.spec.link_world import spine_of

HOUSE = {"uprn": "1", "address": "14 Example Road", "postcode": "N1 1AA"}
OTHER = {"uprn": "2", "address": "99 Other Street", "postcode": "N1 1AA"}


def decided(*rows: tuple[str, str, str, str]) -> Decided:
    """Decisions as address, postcode, verdict, UPRN, in the order in which they were made."""
    return Decided(pd.DataFrame([(n, *row) for n, row in enumerate(rows, start=1)], columns=list(COLUMNS)))


def links(records: list[dict[str, Any]], spine: Spine, said: Decided) -> tuple[list[dict[str, Any]], dict[str, float]]:
    columns = {name: pa.array([r.get(name) for r in records], pa.string()) for name in ("address", "postcode", "uprn")}
    table = pa.table({"record_id": pa.array(range(len(records)), pa.int64()), **columns})
    made, counts = link(make_records({"epc": table}, spine.whole, spine.streets), spine, "camden", decided=said)
    return sorted(made.to_pylist(), key=lambda row: row["record_id"]), counts


def test_without_decisions_nothing_differs() -> None:
    records = [HOUSE | {"uprn": None}, HOUSE, OTHER | {"address": "Nowhere"}]
    spine = spine_of([HOUSE, OTHER])
    counts = links(records, spine, NOTHING)[1]
    assert [counts[f"reviewed_{what}"] for what in ("is", "is_not", "gone")] == [0, 0, 0]
    unrelated = decided(("1 Elsewhere Lane", "E1 1AA", "is", "1"))
    assert links(records, spine, unrelated)[0] == links(records, spine, NOTHING)[0]


def test_a_barred_stated_uprn_leaves_the_address_to_the_cascade() -> None:
    spine = spine_of([HOUSE, OTHER | {"address": "14 Example Road", "postcode": "N1 2BB"}])
    record = HOUSE | {"uprn": "2"}
    assert links([record], spine, NOTHING)[0][0]["uprn"] == "2"
    (found,), _ = links([record], spine, decided((HOUSE["address"], HOUSE["postcode"], "is_not", "2")))
    assert (found["decision"], found["uprn"]) == (Decision.LINKED, "1")


@pytest.mark.parametrize("stated", [None, "1"])
def test_what_is_left_with_nothing_says_so(stated: str | None) -> None:
    said = decided((HOUSE["address"], HOUSE["postcode"], "is_not", "1"))
    (found,), counts = links([HOUSE | {"uprn": stated}], spine_of([HOUSE, OTHER]), said)
    assert (found["decision"], found["reason"]) == (Decision.NONE, LinkReason.REVIEWED_IS_NOT)
    assert (found["uprn"], found["runner_up"], found["probability"], found["gap"]) == (None, None, 0, 0)
    assert counts["reviewed_is_not"] == 1 == counts["none"]


def test_a_contradicting_stated_uprn_that_was_barred_is_not_put_to_people_again() -> None:
    record = {"address": "77 Nowhere Lane", "postcode": "E9 9ZZ", "uprn": "1"}
    spine = spine_of([HOUSE, OTHER])
    before = links([record], spine, NOTHING)[0][0]
    assert (before["decision"], before["runner_up"]) == (Decision.REVIEW, "1")
    (found,), _ = links([record], spine, decided((record["address"], record["postcode"], "is_not", "1")))
    assert (found["decision"], found["reason"]) == (Decision.NONE, LinkReason.REVIEWED_IS_NOT)
    assert found["runner_up"] is None


def test_a_barred_link_goes_to_people_with_another_candidate() -> None:
    lettered = HOUSE | {"uprn": "3", "address": "14A Example Road"}
    said = decided((HOUSE["address"], HOUSE["postcode"], "is_not", "1"))
    (found,), _ = links([HOUSE | {"uprn": None}], spine_of([HOUSE, lettered, OTHER]), said)
    assert (found["decision"], found["reason"]) == (Decision.REVIEW, LinkReason.REVIEWED_NEXT)
    assert (found["uprn"], found["runner_up"], found["level"]) == (None, "3", "none")
    assert 0 <= found["gap"] <= found["probability"] <= 1


def test_how_an_address_is_written_makes_no_difference_but_another_unit_does() -> None:
    flats = [HOUSE | {"uprn": n, "address": f"Flat {n}, 14 Example Road", "parent": "1"} for n in ("11", "12")]
    spine = spine_of([HOUSE | {"class": "PP"}, *flats, OTHER])
    said = decided(("flat 11,14 example rd.", "n1 1aa", "is", "2"))
    records = [flats[0] | {"uprn": None}, flats[1] | {"uprn": None}, HOUSE | {"uprn": None}]
    found, _ = links(records, spine, said)
    assert [row["uprn"] for row in found] == ["2", "12", "1"]


def test_of_two_decisions_that_became_one_address_the_later_holds() -> None:
    spine = spine_of([HOUSE, OTHER])
    record = HOUSE | {"uprn": None}
    first, second = ("14 Example Road", "N1 1AA", "is", "2"), ("14 EXAMPLE RD", "N1 1AA", "is_not", "2")
    assert links([record], spine, decided(first, second))[0][0]["uprn"] == "1"
    assert links([record], spine, decided(second, first))[0][0]["uprn"] == "2"


def test_a_property_that_is_not_in_the_gazetteer_is_counted_and_never_tied() -> None:
    spine = spine_of([HOUSE, OTHER])
    said = decided((HOUSE["address"], HOUSE["postcode"], "is", "999"))
    (found,), counts = links([HOUSE | {"uprn": None}], spine, said)
    assert found["uprn"] == "1"
    assert (counts["reviewed_is"], counts["reviewed_gone"]) == (0, 1)


def test_the_version_is_of_what_is_said() -> None:
    one, other = decided(("a", "b", "is", "1")), decided(("a", "b", "is_not", "1"))
    assert one.version == decided(("a", "b", "is", "1")).version
    assert len({one.version, other.version, NOTHING.version}) == 3


def test_suggestions_are_few_and_never_of_another_number() -> None:
    rows = [HOUSE | {"uprn": str(n), "address": f"Flat {n}, 14 Example Road"} for n in range(10, 30)]
    spine = spine_of([*rows, OTHER, HOUSE | {"uprn": "5", "address": "16 Example Road"}])
    table = pa.table(
        {
            "record_id": pa.array([0], pa.int64()),
            "address": pa.array(["Flat 12, 14 Exmaple Road"]),
            "postcode": pa.array(["N1 1AA"]),
            "uprn": pa.nulls(1, pa.string()),
        }
    )
    found = suggestions(make_records({"epc": table}, spine.whole, spine.streets).addresses, spine)
    assert len(found) == MOST
    assert found["uprn"].iloc[0] == "12"
    assert not {"2", "5"} & set(found["uprn"])


def test_decisions_about_addresses_of_which_there_are_none_any_more() -> None:
    said = decided((HOUSE["address"], HOUSE["postcode"], "is", "2"))
    found, counts = links([], spine_of([HOUSE, OTHER]), said)
    assert (found, counts["reviewed_is"]) == ([], 0)
