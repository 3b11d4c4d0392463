"""How probable it is that two records are one: levels of agreement, weights learned from counts of their patterns.

Shares of levels among others (u) come from pairs drawn at random, corrected for true pairs among those; shares among
true pairs (m) and the number of true pairs by expectation-maximisation over the counts of patterns of the candidates:
of N pairs in all, N * u(pattern) are expected there by chance, whichever passes brought them together. So blocking
biases nothing, and no label is asked. Both are held to fixed beliefs (a Dirichlet prior), which stand alone where
records are few. Agreement on a rare text weighs more than on a common one.

Fellegi and Sunter (1969), A theory for record linkage, JASA 64(328); Winkler (1989), frequency-based matching.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.link.people.blocks import Candidates
from pipelines.link.people.features import Feature
from pipelines.link.people.records import Records, Rows
from pipelines.link.weights import Floats, in_order, rising

CHUNK = 1_000_000
AT_RANDOM = 120_000
ROUNDS = 40
SETTLED = 1e-4
HELD_M, HELD_U = 50.0, 200.0
"""Weight of the fixed beliefs, in pairs."""
FEWEST_RECORDS = 400
"""Below this the records are too few to learn from."""
WORLD = 2_000
"""A short file is a part of a larger world: its pairs are judged as if it had this many records."""
LONDON_LANDLORDS = 100_000
TRUE_A_RECORD = 0.3
"""True pairs a record, before anything was learned."""
SEED = 20_240_229


@dataclass(frozen=True)
class Model:
    """log2(m/u) by feature and level, and the log2 odds that a pair drawn at random is a true one."""

    weight: Mapping[str, Floats]
    prior: float
    learned: bool


@dataclass
class Scored:
    """Pairs with what was found: `levels` by pattern, `pattern` of each pair, `probability` of each pair."""

    pairs: Candidates
    levels: pd.DataFrame
    pattern: Rows
    weight: Floats
    probability: Floats
    model: Model


def compared(
    records: Records, wanted: Mapping[str, Feature], left: Rows, right: Rows
) -> tuple[pd.DataFrame, Rows, Floats]:
    """Distinct patterns of levels, which one each pair shows, and how many pairs show each."""
    import recordlinkage

    from pipelines.link.people import comparators as own

    if not len(left):
        return pd.DataFrame({name: np.zeros(0, np.int8) for name in wanted}), np.zeros(0, np.int64), np.zeros(0)
    kinds = {
        "forename": own.ForenameLevels,
        "surname": own.SurnameLevels,
        "other": own.OtherNameLevels,
        "birth": own.BirthLevels,
        "address": own.AddressLevels,
        "company": own.CompanyLevels,
        "alias": own.TextLevels,
        "birth_place": own.TextLevels,
        "occupation": own.TextLevels,
    }
    compare = recordlinkage.Compare(n_jobs=1)
    for name in wanted:
        kind = own.NumberLevels if name in records.identifiers else kinds.get(name, own.SameLevels)
        compare.add(kind(records, label=name))
    frame = pd.DataFrame({"row": np.arange(len(records))})
    codes = []
    for start in range(0, max(len(left), 1), CHUNK):
        chunk = slice(start, start + CHUNK)
        index = pd.MultiIndex.from_arrays([left[chunk], right[chunk]])
        levels = compare.compute(index, frame, frame)
        _told_once(levels, wanted)
        code = np.zeros(len(levels), np.int64)
        for name, feature in wanted.items():
            code = code * (len(feature.words) + 1) + levels[name].to_numpy() + 1
        codes.append(code)
    shown, which, counts = np.unique(np.concatenate(codes), return_inverse=True, return_counts=True)
    table: dict[str, npt.NDArray[np.int64]] = {}
    for name, feature in reversed(list(wanted.items())):
        shown, table[name] = np.divmod(shown, len(feature.words) + 1)
    patterns = pd.DataFrame({name: (table[name] - 1).astype(np.int8) for name in wanted})
    return patterns, which.astype(np.int64), counts.astype(np.float64)


def _told_once(levels: pd.DataFrame, wanted: Mapping[str, Feature]) -> None:
    for name, feature in wanted.items():
        if feature.unless is not None and feature.unless[0] in wanted:
            other, from_level = feature.unless
            levels[name] = np.where(levels[other].to_numpy() >= from_level, -1, levels[name].to_numpy()).astype(np.int8)


def scored(records: Records, wanted: Mapping[str, Feature], pairs: Candidates, model: Model | None = None) -> Scored:
    """Every candidate with its probability; with a model given, nothing is learned from these pairs."""
    levels, pattern, counts = compared(records, wanted, pairs.left, pairs.right)
    if model is None:
        model = learned(records, wanted, levels, counts) if len(pairs) else fixed(records, wanted)
    total = np.zeros(len(levels))
    for name, weight in model.weight.items():
        total += np.append(weight, 0.0)[levels[name].to_numpy()]
    weight = total[pattern] + _rarity(records, wanted, levels, pattern, pairs, model.learned)
    odds = np.clip(weight + model.prior, -60, 60)
    return Scored(pairs, levels, pattern, weight, 1 / (1 + np.exp2(-odds)), model)


def _pairs_in_all(records: Records) -> float:
    size = float(len(records))
    right = float(records.side.sum())
    return right * (size - right) if records.linking else size * (size - 1) / 2


def fixed(records: Records, wanted: Mapping[str, Feature], world: int = 0) -> Model:
    """The fixed beliefs, and the odds in a world of so many records, or of at least `WORLD`."""
    weight = {name: np.log2(np.array(f.belief.m) / np.array(f.belief.u)) for name, f in wanted.items()}
    size = world or max(len(records), WORLD)
    return Model(weight, float(np.log2(2 * TRUE_A_RECORD / size)), learned=False)


def learned(records: Records, wanted: Mapping[str, Feature], patterns: pd.DataFrame, counts: Floats) -> Model:
    """Weights of these records' own pairs; the fixed beliefs where records are few or the result is not in order."""
    if len(records) < FEWEST_RECORDS:
        return fixed(records, wanted)
    every = _pairs_in_all(records)
    seen = _at_random(records, wanted)
    true = TRUE_A_RECORD * len(records) / (2 if records.linking else 1)
    m = {name: np.array(f.belief.m) for name, f in wanted.items()}
    u = _by_chance(seen, wanted, m, true / every)
    for _ in range(ROUNDS):
        odds = np.zeros(len(patterns))
        for name in wanted:
            odds += np.append(np.log2(m[name] / u[name]), 0.0)[patterns[name].to_numpy()]
        share = 1 / (1 + np.exp2(-np.clip(odds + np.log2(true / every), -60, 60)))
        before, true = true, float((share * counts).sum()) + 1.0
        for name, feature in wanted.items():
            m[name] = _shares(patterns[name].to_numpy(), share * counts, feature.belief.m, HELD_M)
        u = _by_chance(seen, wanted, m, true / every)
        if abs(true - before) < SETTLED * before:
            break
    weight = {name: rising(np.log2(m[name] / u[name])) for name in wanted}
    if not in_order(weight):
        return fixed(records, wanted)
    return Model(weight, float(np.log2(true / every)), learned=True)


def _at_random(records: Records, wanted: Mapping[str, Feature]) -> dict[str, Floats]:
    """How many pairs drawn at random show each level of each feature; true pairs are among them."""
    draw = np.random.default_rng(SEED)
    size = len(records)
    if records.linking:
        left, right = (np.flatnonzero(records.side == side) for side in (0, 1))
        a, b = draw.choice(left, AT_RANDOM), draw.choice(right, AT_RANDOM)
    else:
        a = draw.integers(0, size, AT_RANDOM)
        b = (a + draw.integers(1, size, AT_RANDOM)) % size
    patterns, _, counts = compared(records, wanted, np.minimum(a, b), np.maximum(a, b))
    found = {}
    for name, feature in wanted.items():
        levels = patterns[name].to_numpy()
        present = levels >= 0
        found[name] = np.bincount(
            levels[present].astype(np.int64), weights=counts[present], minlength=len(feature.words)
        ).astype(np.float64)
    return found


def _by_chance(
    seen: Mapping[str, Floats], wanted: Mapping[str, Feature], m: Mapping[str, Floats], share: float
) -> dict[str, Floats]:
    found = {}
    for name, feature in wanted.items():
        others = np.maximum(seen[name] - share * seen[name].sum() * m[name], 0.0)
        held = others + HELD_U * np.array(feature.belief.u)
        found[name] = np.asarray(held / held.sum())
    return found


def _shares(levels: npt.NDArray[np.int8], weight: Floats, prior: tuple[float, ...], held: float) -> Floats:
    present = levels >= 0
    found = np.bincount(levels[present].astype(np.int64), weights=weight[present], minlength=len(prior))
    share = found + held * np.array(prior)
    return np.asarray(share / share.sum())


def _rarity(
    records: Records,
    wanted: Mapping[str, Feature],
    levels: pd.DataFrame,
    pattern: Rows,
    pairs: Candidates,
    learnt: bool,
) -> Floats:
    """What the rarity of shared texts adds: log2 of how common a shared text is on average over how common this is."""
    total = np.zeros(len(pairs))
    if not learnt:
        return total
    size = max(len(records), WORLD)
    for name, feature in wanted.items():
        for level, source in feature.rare:
            if source not in records.columns:
                continue
            column = records.columns[source]
            mine, theirs = column.codes[pairs.left], column.codes[pairs.right]
            at = (levels[name].to_numpy() == level)[pattern] & (mine == theirs) & (mine >= 0)
            share = column.frequency / size
            if not at.any():
                continue
            average = float((share**2).sum() / share.sum())
            total[at] += np.log2(average / share[mine[at]])
    return total
