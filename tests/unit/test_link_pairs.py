"""Candidate pairs: weights, vetoes, ceilings, and the comparators against recordlinkage's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipelines.link import LinkReason, LinkStage, pairs, weights
from pipelines.link.places import numbers_agree
from pipelines.link.weights import Belief
from tests.spec.link_world import links_of, spine_of

BELIEFS = {
    "a": Belief((0.2, 0.8), (0.7, 0.3)),
    "b": Belief((0.3, 0.7), (0.6, 0.4)),
    "c": Belief((0.1, 0.9), (0.9, 0.1)),
}


def _patterns(m: float, u: float, share: float, n: int = 200_000) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(1)
    true = random.random(n) < share
    levels = pd.DataFrame(
        {f: np.where(true, random.random(n) < m, random.random(n) < u).astype(np.int8) for f in BELIEFS}
    )
    counted = levels.value_counts().reset_index()
    return counted[list(BELIEFS)], counted["count"].to_numpy(float)


def test_expectation_maximisation_finds_the_shares_that_made_the_patterns() -> None:
    found = weights.fit(*_patterns(m=0.9, u=0.05, share=0.1), BELIEFS)
    assert found.learned
    for feature in BELIEFS:
        assert found.log2[feature][1] == pytest.approx(np.log2(0.9 / 0.05), abs=0.25)
        assert found.log2[feature][0] == pytest.approx(np.log2(0.1 / 0.95), abs=0.25)


def test_few_pairs_keep_the_fixed_table() -> None:
    patterns, counts = _patterns(m=0.9, u=0.05, share=0.1, n=1_000)
    assert not weights.fit(patterns, counts, BELIEFS).learned


def test_a_missing_level_says_nothing() -> None:
    fixed = weights.fixed(BELIEFS)
    levels = pd.DataFrame({"a": [-1, 1], "b": [-1, -1], "c": [-1, -1]}, dtype=np.int8)
    assert fixed.of(levels).tolist() == [0.0, pytest.approx(np.log2(0.8 / 0.3))]


def test_similarity_is_that_of_recordlinkage() -> None:
    from recordlinkage.compare import String

    from pipelines.link.comparators import similarity

    words = ["EXAMPLE", "EXMAPLE", "EXAMPEL", "SAMPLE", "HIGH", "HIHG", "CHURCH", "LURCH", "A", "EXAMPLES"]
    left = pd.DataFrame({"w": np.repeat(words, len(words))})
    right = pd.DataFrame({"w": words * len(words)})
    index = pd.MultiIndex.from_arrays([left.index, right.index])
    theirs = String("w", "w", method="damerau_levenshtein").compute(index, left, right)
    ours = similarity(left["w"].to_numpy(), right["w"].to_numpy())
    # Optimal string alignment never edits a transposed pair again, so it may differ by one edit and never exceeds.
    assert (ours <= np.asarray(theirs) + 1e-6).all()
    assert np.abs(ours - np.asarray(theirs)).mean() < 0.01


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ((12, 12, ""), (12, 12, ""), 2),
        ((12, 12, "A"), (12, 12, "A"), 2),
        ((12, 12, "A"), (12, 12, ""), 0),
        ((12, 12, ""), (14, 14, ""), 0),
        ((12, 12, ""), (12, 16, ""), 1),
        ((14, 14, ""), (12, 16, ""), 1),
        ((13, 13, ""), (12, 16, ""), 0),
        ((16, 16, ""), (12, 16, ""), 1),
        ((18, 18, ""), (12, 16, ""), 0),
        ((4, 4, ""), (3, 4, ""), 1),
        ((12, 14, ""), (14, 14, ""), 1),
        ((-1, -1, ""), (14, 14, ""), -1),
    ],
)
def test_numbers_and_ranges(one: tuple[int, int, str], other: tuple[int, int, str], level: int) -> None:
    a, b = (pd.DataFrame([v], columns=["low", "high", "suffix"]) for v in (one, other))
    assert numbers_agree(a, b).tolist() == numbers_agree(b, a).tolist() == [level]


def test_a_block_over_the_ceiling_is_reported_and_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    spine = spine_of([{"uprn": str(n), "address": f"{n} Example Road", "postcode": "N1 1AA"} for n in range(1, 30)])
    monkeypatch.setattr(pairs, "PAIRS_A_BLOCK", 10)
    # The block of street and number is small and still finds it; where that does not help, the reason is told.
    found = links_of([{"text": "5 Examlpe Road", "postcode": "N1 1AA"}], spine)[0]
    assert (found["uprn"], found["stage"]) == ("5", LinkStage.PAIRS_PLACE)
    lost = links_of([{"text": "5 Xemaple Road", "postcode": "N1 1AA"}], spine)[0]
    assert (lost["decision"], lost["reason"]) == ("none", LinkReason.TOO_MANY_CANDIDATES)
    line = pairs.queries_of(spine.rows.iloc[:1])
    assert pairs.in_postcode(line, spine.buildings, line).counts["pairs_left_out"] == 29


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spine = spine_of([{"uprn": str(n), "address": f"{n} Example Road", "postcode": "N1 1AA"} for n in range(1, 30)])
    records = [{"text": f"{n} Exmaple Road", "postcode": "N1 1AA"} for n in range(1, 30)]
    whole = links_of(records, spine)
    monkeypatch.setattr(pairs, "CHUNK", 100)
    assert links_of(records, spine) == whole
    assert [link["uprn"] for link in whole] == [str(n) for n in range(1, 30)]
