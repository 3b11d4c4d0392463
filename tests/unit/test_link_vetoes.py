"""Every veto holds by itself: under a model that is sure of everything a case is right, and wrong without the veto."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.link import Decision, cascade, comparators, pairs, stated, units
from pipelines.link.linking import link
from pipelines.link.records import make_records
from tests.spec.link_world import spine_of
from tests.spec.test_links import GROUPS, decisions, uprn_for


class Sure:
    """A model for which every pair that no rule forbids is the same building."""

    link_from, gap_from, review_from, missing = 0.5, 0.1, 0.2, 0.05

    def probability(self, features: pd.DataFrame) -> npt.NDArray[np.float64]:
        return np.full(len(features), 0.99)

    def calibrated(self, probability: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return probability


def never(*args: Any) -> npt.NDArray[np.bool_]:
    return np.zeros(len(args[0]), dtype=bool)


def nowhere(matched: pd.DataFrame, *_: Any) -> pd.Series[bool]:
    return pd.Series(data=False, index=matched.index)


def always(left: pd.DataFrame, right: pd.DataFrame) -> npt.NDArray[np.bool_]:
    return np.ones(len(left), dtype=bool)


def same_number(left: pd.DataFrame, right: pd.DataFrame) -> npt.NDArray[np.int8]:
    return np.full(len(left), 2, np.int8)


def no_sides(left: pd.Series[str], right: pd.Series[str]) -> npt.NDArray[np.int8]:
    return np.zeros(len(left), np.int8)


def answer(group: str, text: str, rows: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The case of the table, and its link against these rows of the group's gazetteer alone (all if none is named)."""
    table = next(g for g in GROUPS if g["group"] == group)
    case = next(c for c in table["cases"] if c["text"] == text)
    spine = spine_of([row for row in table["gazetteer"] if not rows or row["uprn"] in rows])
    columns = {"address": case["text"], "postcode": case.get("postcode"), "uprn": case.get("own")}
    record = pa.table(
        {"record_id": pa.array([0], pa.int64())} | {n: pa.array([v], pa.string()) for n, v in columns.items()}
    )
    made, _ = link(make_records({"epc": record}, spine.whole, spine.streets), spine, "camden", Sure())
    return case, made.to_pylist()[0]


HARD, TREACHEROUS = "Hard: ", "Treacherous: "
Patch = tuple[Any, str, Callable[..., Any]]
VETOES: list[tuple[str, tuple[Patch, ...], str, str, tuple[str, ...]]] = [
    (
        "other_number",
        ((pairs, "other_number", never),),
        HARD + "a block with a name and a number",
        "Flat 1 Falcon House, 102 Canal Road",
        ("1", "2"),
    ),
    (
        "other_street",
        ((pairs, "other_street", never),),
        "Plain: houses of one street",
        "4 Cedar Road",
        ("2",),
    ),
    (
        "other_name",
        ((pairs, "other_name", never),),
        "Plain: a block without a number",
        "Flat 2, Plover House",
        ("1", "2", "3"),
    ),
    (
        "nothing_in_common",
        ((pairs, "nothing_in_common", never), (pairs, "number_lost", never)),
        HARD + "Welsh streets and houses",
        "4 Stryd Fawr",
        ("4",),
    ),
    (
        "units_agree",
        ((units, "units_agree", always),),
        HARD + "letter and floor together",
        "Flat 1 First Floor, 16 Palmer Road",
        (),
    ),
    (
        "numbers_agree",
        ((comparators, "numbers_agree", same_number), (stated, "numbers_agree", same_number)),
        HARD + "ranges and their ends",
        "13 Harrow Lane",
        ("2",),
    ),
    (
        "sides",
        ((pairs, "sides", no_sides), (cascade, "sides", no_sides), (pairs, "_other_beginning", never)),
        TREACHEROUS + "north, south and the same postcode",
        "14 West Meridian Road",
        ("7",),
    ),
    (
        "of_the_block",
        ((cascade, "of_the_block", nowhere),),
        TREACHEROUS + "a number behind the name of a block",
        "Flat Wigmore Mansions, 9, Orchard Road, London",
        ("1", "2", "3", "4"),
    ),
    (
        "of_the_block, two numbers",
        ((cascade, "of_the_block", nowhere),),
        TREACHEROUS + "a number behind the name of a block",
        "Larch, 15-17, Vine Mews, London",
        ("5", "6"),
    ),
]


@pytest.mark.parametrize(("veto", "patches", "group", "text", "rows"), VETOES, ids=[v[0] for v in VETOES])
def test_a_case_goes_wrong_once_the_veto_is_removed(
    monkeypatch: pytest.MonkeyPatch,
    veto: str,
    patches: tuple[Patch, ...],
    group: str,
    text: str,
    rows: tuple[str, ...],
) -> None:
    case, held = answer(group, text, rows)
    # Against a part of the gazetteer a case that has a property elsewhere may only not be tied to another.
    assert held["decision"] not in (Decision.LINKED, Decision.PARENT)
    for module, name, allow in patches:
        monkeypatch.setattr(module, name, allow)
    _, free = answer(group, text, rows)
    assert free["decision"] in (Decision.LINKED, Decision.PARENT)
    assert free["decision"] not in decisions(case) or free["uprn"] != uprn_for(case, free["decision"])
