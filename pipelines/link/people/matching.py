"""One file or two: which rows are one person or firm, why, and how sure."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import csr_matrix

from pipelines.link.people import blocks, clusters, features, names, score, verdict
from pipelines.link.people.blocks import Candidates
from pipelines.link.people.records import NUMBERS, Mask, Records, Rows, records
from pipelines.link.people.score import Model, Scored
from pipelines.link.people.verdict import Reason

NEIGHBOURS = 0.9
"""Pairs this probable make their records neighbours: whose neighbours are then compared as well."""
OF_A_NAME = 0.3
"""Told of rows that are alike and say nothing but a name."""
BETTER_BY = 10.0
"""Of two files, a partner worse by so many bits than the best one is for people."""
NOTHING = 0.02
NAMED = ("surname", "forename", "company")
MOST_CHECKS = 20
log = logging.getLogger(__name__)


@dataclass
class Matched:
    """What was found.

    Attributes:
        entity: stable id of each row's entity, in the rows' order.
        edges: left, right (row numbers from 0 over both files), probability, decision (linked or review), reason,
            explanation.
        counts: records, pairs, entities, linked, review, what the ceilings and the guard left out or cut.
        left_out: by blocking pass (blocks, pairs) over a ceiling.
    """

    entity: npt.NDArray[np.object_]
    edges: pd.DataFrame
    counts: dict[str, float]
    left_out: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass
class Judged:
    """Scored pairs with what may become of each."""

    scored: Scored
    forbidden: Mask
    alone: Mask

    @property
    def joining(self) -> npt.NDArray[np.float64]:
        """The probability with which a pair counts where groups are made."""
        return np.where(self.forbidden, 0.0, self.scored.probability)

    def sure(self, limit: float) -> Mask:
        """Pairs that are links by themselves."""
        return np.asarray((self.joining >= limit) & ~self.alone)


def judged(rows: Records, pairs: Candidates, model: Model | None = None) -> Judged:
    """Candidates scored, with what forbids or fails to support each."""
    wanted = features.features(rows)
    found = score.scored(rows, wanted, pairs, model)
    vague = _vague(rows)
    never = verdict.forbidden(found.levels)[found.pattern] | _person_and_firm(rows, found)
    return Judged(found, never, verdict.unsupported(rows, found, vague))


def _vague(rows: Records) -> Mask:
    if not rows.has("company"):
        return np.zeros(len(rows), bool)
    column = rows.columns["company"]
    little = names.says_little(pd.Series(column.texts, dtype=object)).to_numpy()
    return np.asarray(np.append(little, False)[column.codes])


def _person_and_firm(rows: Records, found: Scored) -> Mask:
    """A person and a firm are never one, unless they share a trading name or a number."""
    if not rows.has("company", "surname"):
        return np.zeros(len(found.pairs), bool)
    firm = rows.columns["company"].known & ~rows.columns["surname"].known
    person = rows.columns["surname"].known & ~rows.columns["company"].known
    left, right = found.pairs.left, found.pairs.right
    mixed = (firm[left] & person[right]) | (person[left] & firm[right])
    tied = np.zeros(len(found.levels), bool)
    for name in ("alias", "company_number", *rows.identifiers):
        if name in found.levels:
            tied |= found.levels[name].to_numpy() >= (2 if name == "alias" else 1)
    return np.asarray(mixed & ~tied[found.pattern])


def match(frame: pd.DataFrame, side: npt.NDArray[np.int8] | None = None) -> Matched:
    """Entities of prepared rows (`records.prepared`); rows of two files where `side` is given (0 and 1).

    Rows that are alike in all that is compared are one record. The order of the rows changes nothing.
    """
    side = np.zeros(len(frame), np.int8) if side is None else side
    record, firsts, key = _collapsed(frame, side)
    rows = records(frame.iloc[firsts].reset_index(drop=True), side[firsts])
    pairs = blocks.candidates(rows)
    first = judged(rows, pairs)
    limit = verdict.cut(first.scored)
    found = _completed(rows, first, max(limit, NEIGHBOURS))
    alive = _best_partners(rows, found)
    groups, found = _guarded(rows, found, alive, limit)
    entity = _ids(groups.label, record, key, supported(frame))
    edges = _edges(rows, found, groups.label, alive, limit)
    for name in ("left", "right"):
        edges[name] = firsts[edges[name]]
    edges = pd.concat([edges, _identical(frame, record, firsts, entity)], ignore_index=True)
    swap = edges["left"] > edges["right"]
    edges.loc[swap, ["left", "right"]] = edges.loc[swap, ["right", "left"]].to_numpy()
    edges = edges.sort_values(["left", "right"], ignore_index=True)
    counts = {
        "records": float(len(frame)),
        "entities": float(len(set(entity))),
        "pairs": float(len(found.scored.pairs)),
        "linked": float((edges["decision"] == "linked").sum()),
        "review": float((edges["decision"] == "review").sum()),
        "link_from": limit,
        "learned": float(found.scored.model.learned),
        "pairs_left_out": float(sum(pairs for _, pairs in pairs.left_out.values())),
        **{name: float(count) for name, count in groups.counts.items()},
    }
    return Matched(entity, edges, counts, pairs.left_out)


def supported(frame: pd.DataFrame) -> Mask:
    """Rows that say more than a person's name, or name a firm: two that are alike in all of it are one."""
    telling = ("birth", "postcode", "street", "company_number", "birth_place", "alias", "company")
    columns = [c for c in frame if c in telling or str(c).rpartition("_")[0] in NUMBERS]
    own = [c for c in frame if c in (*NAMED, "company_number") or str(c).startswith("identifier_")]
    said = (frame[columns] != "").any(axis=1).to_numpy() if columns else np.zeros(len(frame), bool)
    said &= (frame[own] != "").any(axis=1).to_numpy() if own else False
    if "company" in frame:
        vague = names.says_little(frame["company"]).to_numpy()
        placed = [c for c in columns if c not in ("company", "alias")]
        said &= ~vague | ((frame[placed] != "").any(axis=1).to_numpy() if placed else False)
    return np.asarray(said, dtype=bool)


def _collapsed(frame: pd.DataFrame, side: npt.NDArray[np.int8]) -> tuple[Rows, Rows, npt.NDArray[np.uint64]]:
    """The record of each row, the first row of each record, and a key of each record's content that orders them."""
    content = pd.util.hash_pandas_object(frame.astype(str).assign(side=side), index=False).to_numpy()
    keys, firsts, record = np.unique(content, return_index=True, return_inverse=True)
    return record.astype(np.int64), firsts.astype(np.int64), np.asarray(keys, dtype=np.uint64)


def _completed(rows: Records, first: Judged, from_: float) -> Judged:
    """The candidates, and the pairs of records that have a probable partner in common."""
    size = len(rows)
    pairs = first.scored.pairs
    near = first.sure(from_)
    one = np.ones(int(near.sum()), np.float32)
    graph = csr_matrix((one, (pairs.left[near], pairs.right[near])), shape=(size, size))
    graph = graph + graph.T
    few = np.asarray(graph.sum(1)).ravel() <= 2_000
    graph = graph[:, np.flatnonzero(few)]
    common = (graph @ graph.T).tocoo()
    above = common.row < common.col
    code = common.row[above].astype(np.int64) * size + common.col[above]
    if rows.linking:
        code = code[rows.side[code // size] != rows.side[code % size]]
    new = _not_in(code, pairs, size)
    return _with(rows, first, new // max(size, 1), new % max(size, 1))


def _not_in(code: Rows, pairs: Candidates, size: int) -> Rows:
    known = pd.Series(pairs.left * size + pairs.right)
    return np.sort(code[~pd.Series(code).isin(known).to_numpy()])


def _with(rows: Records, known: Judged, left: Rows, right: Rows) -> Judged:
    """More pairs, judged by the model that is there."""
    if not len(left):
        return known
    more = judged(rows, Candidates(left, right), known.scored.model)
    a, b = known.scored, more.scored
    joined = Scored(
        Candidates(np.append(a.pairs.left, left), np.append(a.pairs.right, right), a.pairs.left_out),
        pd.concat([a.levels, b.levels], ignore_index=True),
        np.append(a.pattern, b.pattern + len(a.levels)),
        np.append(a.weight, b.weight),
        np.append(a.probability, b.probability),
        a.model,
    )
    return Judged(joined, np.append(known.forbidden, more.forbidden), np.append(known.alone, more.alone))


def _best_partners(rows: Records, found: Judged) -> Mask:
    """Of two files, pairs that are not far worse than the best of either of their records; of one file, all."""
    pairs, weight = found.scored.pairs, found.scored.weight
    if not rows.linking:
        return np.ones(len(pairs), bool)
    best = np.full(len(rows), -np.inf)
    usable = ~found.forbidden
    np.maximum.at(best, pairs.left[usable], weight[usable])
    np.maximum.at(best, pairs.right[usable], weight[usable])
    return np.asarray(weight >= np.maximum(best[pairs.left], best[pairs.right]) - BETTER_BY)


def _guarded(rows: Records, found: Judged, alive: Mask, limit: float) -> tuple[clusters.Clusters, Judged]:
    """Groups in none of which any two records contradict one another, whether a pass brought them together or not."""
    size = len(rows)
    checked = 0
    while True:
        pairs = found.scored.pairs
        strength = found.joining
        usable = np.append(alive, np.ones(len(pairs) - len(alive), bool))
        strength = np.where(usable, strength, 0.0)
        told = (strength > NOTHING) | found.forbidden
        sure = found.sure(limit) & usable
        groups = clusters.clustered(
            size, pairs.left[told], pairs.right[told], strength[told], sure[told], found.forbidden[told], rows.side
        )
        number = np.bincount(groups.label, minlength=size)[groups.label]
        left, right = clusters.pairs_within(groups.label, number >= 3)
        code = _not_in(left * size + right, pairs, size)
        inside = (
            judged(rows, Candidates(code // max(size, 1), code % max(size, 1)), found.scored.model)
            if len(code)
            else None
        )
        checked += 1
        if inside is None or not inside.forbidden.any():
            return groups, found
        if checked > MOST_CHECKS:
            log.warning(
                "Groups with contradicted pairs were still there after %d rounds; they are taken apart.", checked
            )
            wrong = groups.label[inside.scored.pairs.left[inside.forbidden]]
            groups.label = _apart(groups.label, wrong)
            return groups, found
        bad = inside.forbidden
        found = _with(rows, found, inside.scored.pairs.left[bad], inside.scored.pairs.right[bad])


def _apart(label: Rows, wrong: Rows) -> Rows:
    """Groups taken apart into their records."""
    lone = np.isin(label, wrong)
    return pd.factorize(np.where(lone, label.max(initial=0) + 1 + np.arange(len(label)), label))[0].astype(np.int64)


def _edges(rows: Records, found: Judged, label: Rows, alive: Mask, limit: float) -> pd.DataFrame:
    """Linked pairs, and those that people should look at, with reason and explanation."""
    scored = found.scored
    together = label[scored.pairs.left] == label[scored.pairs.right]
    usable = np.append(alive, np.ones(len(scored.pairs) - len(alive), bool))
    linked = together & found.sure(limit) & usable
    asked = (scored.probability >= verdict.REVIEW_FROM) & ~verdict.nameless(scored.levels)[scored.pattern]
    shown = linked | asked & ~together & ~found.forbidden
    reason = verdict.reasons(scored.levels)[scored.pattern]
    reason[~linked] = str(Reason.NOT_SURE)
    reason[~linked & (scored.probability >= limit)] = str(Reason.CHAIN)
    reason[~linked & ~usable] = str(Reason.BETTER_PARTNER)
    reason[~linked & found.alone] = str(Reason.NAME_ALONE)
    words = verdict.explained(scored.levels, features.features(rows))[scored.pattern]
    return pd.DataFrame(
        {
            "left": scored.pairs.left[shown],
            "right": scored.pairs.right[shown],
            "probability": scored.probability[shown],
            "decision": np.where(linked[shown], "linked", "review"),
            "reason": reason[shown],
            "explanation": words[shown],
        }
    )


def _identical(frame: pd.DataFrame, record: Rows, firsts: Rows, entity: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Edges from the first of some rows that are alike in all that is compared, to each other one."""
    first = firsts[record]
    named = (frame[[c for c in frame if c in NAMED]] != "").any(axis=1).to_numpy()
    one = entity[first] == entity
    again = (first != np.arange(len(record))) & (one | named)
    return pd.DataFrame(
        {
            "left": first[again],
            "right": np.flatnonzero(again),
            "probability": np.where(one, 1.0, OF_A_NAME)[again],
            "decision": np.where(one, "linked", "review")[again],
            "reason": np.where(one, str(Reason.IDENTICAL), str(Reason.NAME_ALONE))[again],
            "explanation": "alike in all that is compared",
        }
    )


def _ids(label: Rows, record: Rows, key: npt.NDArray[np.uint64], telling: Mask) -> npt.NDArray[np.object_]:
    """A group's id: a hash of its smallest record, so that it depends on no order; a row of a name alone is its own."""
    smallest = pd.Series(key).groupby(label).transform("min").to_numpy()[record]
    again = pd.Series(record).groupby(record).cumcount().to_numpy()
    nth = np.where(telling, 0, again)
    group = pd.DataFrame({"smallest": smallest, "own": np.where(nth == 0, 0, key[record]), "nth": nth})
    which = group.groupby(list(group), sort=False).ngroup().to_numpy()
    made = [
        hashlib.blake2s("|".join(map(str, row)).encode(), digest_size=8).hexdigest()
        for row in group.drop_duplicates().itertuples(index=False, name=None)
    ]
    return np.array(made, dtype=object)[which] if len(record) else np.zeros(0, dtype=object)
