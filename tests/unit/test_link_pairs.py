"""Candidate pairs: ceilings, features, weights and model, and our parts against recordlinkage's own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from pipelines.link import Decision, LinkReason, LinkStage, candidates, features, fellegi_sunter, pair_model, weights
from pipelines.link.pairs import FEW_ADDRESSES, MOST_SHIFT, PRIOR_ADDRESSES, Missing, held_to_rivals
from pipelines.link.places import numbers_agree
from pipelines.link.records import make_records
from pipelines.link.spine import Spine
from pipelines.link.weights import Belief
from tests.spec.link_world import links_of, spine_of

PLAIN = Path(__file__).parents[1] / "spec" / "links" / "1_plain.yaml"

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


def street(*numbers: int, name: str = "Example Road", postcode: str = "N1 1AA") -> list[dict[str, str]]:
    """Houses of a street; a UPRN is the number and the postcode."""
    uprn = postcode.replace(" ", "")
    return [{"uprn": f"{n}{uprn}", "address": f"{n} {name}", "postcode": postcode} for n in numbers]


def asked(rows: list[dict[str, str]], spine: Spine) -> candidates.Candidates:
    """The candidates of addresses, read as a gazetteer would be."""
    queries = features.queries_of(spine_of(rows).rows, spine)
    return candidates.candidates(queries, spine.buildings, spine.streets.meant(queries["street"]))


def test_a_block_over_the_ceiling_is_reported_and_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    spine = spine_of(street(*range(1, 30)))
    lost = street(5, name="Wrong Lane")
    assert len(asked(lost, spine).pairs) == 29
    monkeypatch.setattr(candidates, "PAIRS_A_BLOCK", 28)
    found = asked(lost, spine)
    assert (len(found.pairs), found.left_out.tolist(), found.pairs_left_out) == (0, [0], 29)
    # The block of street and number is small and still finds it; where that does not help, the reason is told.
    near, far = links_of([{"text": t, "postcode": "N1 1AA"} for t in ("5 Examlpe Road", "5 Wrong Lane")], spine)
    assert (near["uprn"], near["stage"]) == ("5N11AA", LinkStage.PAIRS)
    assert (far["decision"], far["reason"]) == (Decision.NONE, LinkReason.TOO_MANY_CANDIDATES)


def test_small_blocks_go_first_until_the_ceiling_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    spine = spine_of([*street(*range(1, 30)), *street(*range(1, 21), name="Other Road", postcode="N1 2BB")])
    lost = [*street(5, name="Wrong Lane"), *street(5, name="Wrong Lane", postcode="N1 2BB")]
    assert asked(lost, spine).pairs.groupby("query").size().tolist() == [29, 20]
    monkeypatch.setattr(candidates, "PAIRS_IN_ALL", 40)
    found = asked(lost, spine)
    assert found.pairs.groupby("query").size().to_dict() == {1: 20}
    assert (found.left_out.tolist(), found.pairs_left_out) == ([0], 29)


def test_a_number_in_a_street_of_which_there_are_too_many_is_reported_and_not_compared() -> None:
    """Pairs would else grow with the product of records and properties: London has dozens of Church Roads."""
    many = [house for n in range(candidates.SHARED_BY + 1) for house in street(5, postcode=f"N{n + 1} 1AA")]
    few = spine_of([*many[:-1], *street(5, name="Rare Road", postcode="N1 2BB")])
    lost = [{"uprn": "1", "address": "5 Example Road", "postcode": ""}]
    assert len(asked(lost, few).pairs) == candidates.SHARED_BY
    found = asked(lost, spine_of(many))
    assert (len(found.pairs), found.left_out.tolist(), found.pairs_left_out) == (0, [0], candidates.SHARED_BY + 1)
    [told] = links_of([{"text": "5 Example Road", "postcode": ""}], spine_of(many))
    assert (told["decision"], told["reason"]) == (Decision.NONE, LinkReason.TOO_MANY_CANDIDATES)


def test_where_many_names_begin_alike_the_whole_name_opens_the_block() -> None:
    named = [
        {"uprn": str(n), "address": f"Westminster{end} House", "postcode": f"N1 {n % 10}AA"}
        for n, end in enumerate(f"{a}{b}ton" for a in "bdfghklm" for b in ("ar", "er", "il", "or", "um", "ol"))
    ]
    assert len(named) > candidates.SHARED_BY
    lost = {"uprn": "1", "address": "Westminsterbarton House, Long Lane", "postcode": "N9 9ZZ"}
    assert len(asked([lost], spine_of(named)).pairs) == 1
    # Where few do, its first letters do, so that the rest may be written wrongly.
    lost["address"] = "Westminsterbartno House, Long Lane"
    assert len(asked([lost], spine_of(named[:20])).pairs) == 20


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    spine = spine_of(street(*range(1, 30)))
    records = [{"text": f"{n} Exmaple Road", "postcode": "N1 1AA"} for n in range(1, 30)]
    whole = links_of(records, spine)
    monkeypatch.setattr(features, "CHUNK", 100)
    assert links_of(records, spine) == whole
    assert [link["uprn"] for link in whole] == [f"{n}N11AA" for n in range(1, 30)]


def test_expectation_maximisation_over_patterns_is_that_of_recordlinkage_over_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from recordlinkage import ECMClassifier

    random = np.random.default_rng(3)
    true = random.random(20_000) < 0.15
    shares = {"a": (0.9, 0.1), "b": (0.8, 0.2), "c": (0.95, 0.05)}
    drawn = {f: random.random(len(true)) < np.where(true, m, u) for f, (m, u) in shares.items()}
    pairs = pd.DataFrame(drawn).astype(np.int8)
    theirs = ECMClassifier(init="jaro", max_iter=500, atol=1e-8)
    theirs.fit(pairs)
    for name, value in (("PRIOR_PAIRS", 0.0), ("ROUNDS", 5_000), ("SETTLED", 1e-10)):
        monkeypatch.setattr(weights, name, value)
    counts = pairs.value_counts().reset_index(name="pairs")
    beliefs = {f: Belief((0.1, 0.9), (0.9, 0.1)) for f in shares}
    ours = weights.fit(counts[list(shares)], counts["pairs"].to_numpy(float), beliefs)
    assert ours.learned
    for feature in shares:
        for level in (0, 1):
            m, u = theirs.m_probs[feature][level], theirs.u_probs[feature][level]
            assert ours.log2[feature][level] == pytest.approx(np.log2(m / u), abs=0.02), (feature, level)


def test_the_weights_alone_link_plain_addresses_and_never_another_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.link.linking.current", fellegi_sunter.fixed)
    right, number = 0, 0
    for group in yaml.safe_load(PLAIN.read_text(encoding="utf-8"))["groups"]:
        spine = spine_of(group["gazetteer"])
        unit = spine.rows.drop_duplicates("uprn").set_index("uprn")["has_unit"]
        for case, link in zip(group["cases"], links_of(group["cases"], spine), strict=True):
            said = case["decision"] if isinstance(case["decision"], list) else [case["decision"]]
            other = link["uprn"] is not None and link["uprn"] not in (case.get("uprn"), case.get("building"))
            assert not (other and unit[link["uprn"]] and unit.get(case.get("uprn"), False)), (case, link["uprn"])
            right += link["decision"] in said and not other
            number += 1
    assert number > 100
    assert right / number >= 0.95


def test_a_small_area_is_judged_as_the_average_one() -> None:
    assert Missing(0, 0).shift(0.05) == pytest.approx(1)
    assert Missing(128, 64).shift(0.05) == pytest.approx(1, abs=0.5)


def test_a_large_area_is_judged_by_its_own_share() -> None:
    size = int(40 * PRIOR_ADDRESSES)
    usual, lacking = 0.05, 0.10
    expected = ((1 - lacking) / lacking) / ((1 - usual) / usual)
    assert Missing(size, int(lacking * size)).shift(usual) == pytest.approx(expected, rel=0.05)
    assert Missing(size, 0).shift(usual) == MOST_SHIFT
    assert Missing(size, size // 2).shift(usual) == 1 / MOST_SHIFT


def test_what_a_gazetteer_lacks_is_counted_in_known_streets_and_in_steps() -> None:
    spine = spine_of([{"uprn": str(n), "address": f"{n} Example Road", "postcode": "N1 1AA"} for n in range(1, 301)])
    every = [f"{n} Example Road" for n in range(151, 451)]
    assert Missing.of(_addresses([*every, "7 Other Road", "Rose Cottage"], spine), spine) == Missing(256, 128)
    assert Missing.of(_addresses(every[: FEW_ADDRESSES - 1], spine), spine) == Missing(0, 0)


def _addresses(texts: list[str], spine: Spine) -> pd.DataFrame:
    table = pa.table(
        {
            "record_id": pa.array(range(len(texts)), pa.int64()),
            "address": pa.array(texts),
            "postcode": pa.nulls(len(texts), pa.string()),
            "uprn": pa.nulls(len(texts), pa.string()),
        }
    )
    return make_records({"epc": table}, spine.whole, spine.streets).addresses


def test_the_likeliest_is_held_to_its_rivals_and_to_none_of_them() -> None:
    rows = pd.DataFrame(
        {
            "query": [0, 0, 1, 2, 2],
            "building": [10, 11, 12, 14, 13],
            "probability": [0.8, 0.5, 0.8, 0.6, 0.6],
            "as_number": False,
        }
    )
    found = held_to_rivals(rows)
    assert found["building"].to_dict() == {0: 10, 1: 12, 2: 13}
    assert found["second"].to_dict() == {0: 11, 1: -1, 2: 14}
    assert found["share"].tolist() == pytest.approx([4 / 6, 0.8, 1.5 / 4])
    assert found["gap"].tolist() == pytest.approx([3 / 6, 0.8, 0.0])
    assert held_to_rivals(rows, 4.0)["share"].loc[1] == pytest.approx(16 / 17)


def test_rivals_and_leads_of_candidates() -> None:
    pairs = pd.DataFrame({"query": [3, 3, 3, 5, 7, 7], "building": range(6)})
    shown = pd.DataFrame({name: np.full(6, np.nan, np.float32) for name in features.ALONE})
    shown["number"] = np.float32(2)
    shown["street"] = np.array([1.0, 0.9, 0.5, 0.85, 0.7, 0.7], np.float32)
    shown["postcode"] = np.array([4, 4, 1, 0, np.nan, 2], np.float32)
    found = features.with_rivals(pairs, shown)
    assert list(found.columns) == list(features.FEATURES)
    assert found["rivals"].tolist() == [1, 1, 2, 0, 0, 0]
    assert found["street_lead"].tolist() == pytest.approx([0.1, -0.1, -0.5, 0.85, 0, 0], abs=1e-6)
    assert found["postcode_lead"].tolist() == [0, 0, -3, 0, -2, 2]
    assert found["name_lead"].tolist() == [0] * 6
    none = features.with_rivals(pairs.iloc[:0], shown.iloc[:0])
    assert (len(none), list(none.columns)) == (0, list(features.FEATURES))


def test_rivals_are_counted_up_to_a_most() -> None:
    many = int(features.MOST_RIVALS) + 5
    shown = pd.DataFrame({name: np.full(many, np.nan, np.float32) for name in features.ALONE}).assign(
        number=np.float32(2), street=np.float32(1)
    )
    found = features.with_rivals(pd.DataFrame({"query": 0, "building": range(many)}), shown)
    assert set(found["rivals"]) == {features.MOST_RIVALS}


def test_the_model_is_of_these_features_and_its_file_runs_no_code() -> None:
    card = json.loads(pair_model.CARD.read_text(encoding="utf-8"))
    assert card["features"] == list(features.FEATURES)
    with np.load(pair_model.MODEL, allow_pickle=False) as file:  # refuses anything but plain arrays
        assert {file[name].dtype.kind for name in file.files} <= set("fiu")
    assert pair_model.shipped().trees.features == len(features.FEATURES)


def test_the_calibration_rises_and_the_thresholds_are_probabilities() -> None:
    model = pair_model.shipped()
    assert (np.diff(model.knots) >= 0).all()
    assert (np.diff(model.shares) >= 0).all()
    assert (model.shares.min() >= 0) & (model.shares.max() < 1)
    assert 0 < model.review_from < model.link_from < 1
    assert 0 <= model.gap_from < 1
    assert 0 < model.missing < 1
    assert len(model.probability(pd.DataFrame(columns=list(features.FEATURES)))) == 0
