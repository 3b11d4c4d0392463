"""Comparisons of records in recordlinkage's framework, by record number, worked out once a distinct pair of texts.

Each gives a level a pair: the higher the nearer, -1 where either side says nothing. Import this module inside the
function that compares: recordlinkage takes more than a second to load.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz import fuzz
from rapidfuzz.distance import OSA, JaroWinkler
from rapidfuzz.process import cpdist
from recordlinkage.base import BaseCompareFeature

from pipelines.link.people.records import Column, Mask, Records, Rows
from pipelines.link.people.words import LIMITED, short_forms

Levels = npt.NDArray[np.int8]
Score = Callable[..., Any]
SHORTEST_WITH_A_SLIP = 4
LONG_ENOUGH = 8
LEGAL = frozenset(LIMITED.values())
NEAR_NAME, NEAR_TEXT, NEAR_STREET = 0.85, 0.8, 0.75


def likeness(
    left: Column, right: Column, a: Rows, b: Rows, scorer: Score, cutoff: float | None = None
) -> npt.NDArray[np.float32]:
    """A scorer's answer for each pair of records, one call a distinct pair of texts; 0 where one is unknown.

    Beyond the cutoff the scorer stops counting and gives its worst answer.
    """
    mine, theirs = left.codes[a], right.codes[b]
    code = mine.astype(np.int64) * (len(right.texts) + 1) + theirs
    code[(mine < 0) | (theirs < 0)] = -1
    which, pairs = pd.factorize(code)
    score = np.zeros(len(pairs), np.float32)
    known = pairs >= 0
    size = len(right.texts) + 1
    score[known] = cpdist(
        left.texts[pairs[known] // size],
        right.texts[pairs[known] % size],
        scorer=scorer,
        score_cutoff=cutoff,
        dtype=np.float32,
    )
    return np.asarray(score[which])


def slips(left: Column, right: Column, a: Rows, b: Rows) -> npt.NDArray[np.float32]:
    """Slips of the pen between two texts: letters wrong, missing, too many or changed about (OSA distance)."""
    return likeness(left, right, a, b, OSA.distance, 2)


class _Pairwise(BaseCompareFeature, ABC):  # type: ignore[misc]
    """A comparison of two records by their numbers."""

    def __init__(self, records: Records, label: str) -> None:
        super().__init__("row", "row", label=label)
        self.records = records

    def _compute_vectorized(self, left: pd.Series[int], right: pd.Series[int]) -> Levels:
        level, missing = self.levels(np.asarray(left, dtype=np.int64), np.asarray(right, dtype=np.int64))
        return np.where(missing, -1, level).astype(np.int8)

    @abstractmethod
    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """Levels, and where nothing can be said."""

    def column(self, name: str) -> Column:
        """One of the records' columns."""
        return self.records.columns[name]

    def missing(self, name: str, a: Rows, b: Rows) -> Mask:
        """Pairs of which one side's text is unknown."""
        codes = self.column(name).codes
        return np.asarray((codes[a] < 0) | (codes[b] < 0))


def swapped(records: Records, a: Rows, b: Rows) -> Mask:
    """Pairs whose forenames and surnames are nearer when one side's are changed about."""
    fore, sur = records.columns["forename"], records.columns["surname"]
    # Cheap first: the crossed initials must agree before letters are compared.
    first = [np.append([ord(text[0]) for text in column.texts], -1)[column.codes] for column in (fore, sur)]
    may = (fore.codes[a] >= 0) & (fore.codes[b] >= 0) & (sur.codes[a] >= 0) & (sur.codes[b] >= 0)
    may &= (first[0][a] == first[1][b]) & (first[1][a] == first[0][b])
    may &= (fore.codes[a] != fore.codes[b]) & (sur.codes[a] != sur.codes[b])
    out = np.zeros(len(a), bool)
    x, y = a[may], b[may]
    crossed = np.minimum(
        likeness(fore, sur, x, y, JaroWinkler.similarity), likeness(sur, fore, x, y, JaroWinkler.similarity)
    )
    out[may] = crossed >= NEAR_NAME
    return out


class ForenameLevels(_Pairwise):
    """4 the same, 3 a slip, the same sound or a short form, 2 an initial, 1 much alike, 0 different."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        column = self.column("forename")
        near = likeness(column, column, a, b, JaroWinkler.similarity, NEAR_TEXT)
        slip = slips(column, column, a, b)
        mine, theirs = column.codes[a], column.codes[b]
        length = np.append([len(text) for text in column.texts], 0)
        shorter = np.minimum(length[mine], length[theirs])
        initial = self.column("initial").codes
        same_initial = initial[a] == initial[b]
        sound = self.column("forename_sound").codes
        sounds = (sound[a] == sound[b]) & (sound[a] >= 0) & same_initial & (near >= NEAR_TEXT)
        level = np.where(near >= NEAR_NAME, 1, 0)
        level = np.where((shorter == 1) & same_initial, 2, level)
        close = (
            ((slip <= 1) & (shorter >= SHORTEST_WITH_A_SLIP)) | (sounds & (shorter > 1)) | _short(column, mine, theirs)
        )
        level = np.where(close & (shorter > 1), 3, level)
        level = np.where(mine == theirs, np.where(shorter == 1, 2, 4), level)
        if "surname" in self.records.columns:
            level = np.where(swapped(self.records, a, b), 3, level)
        return level, self.missing("forename", a, b)


def _short(column: Column, mine: npt.NDArray[np.int32], theirs: npt.NDArray[np.int32]) -> Mask:
    """Whether one forename is short for the other, or both are for a third."""
    stands = short_forms()
    names = [stands.get(str(text), frozenset()) for text in column.texts]
    groups = {full: number for number, full in enumerate(sorted(set().union(*names)))}
    most = max((len(full) for full in names), default=0)
    table = np.full((len(names) + 1, max(most, 1)), -1)
    for row, full in enumerate(names):
        for place, name in enumerate(sorted(full)):
            table[row, place] = groups[name]
    out = np.zeros(len(mine), bool)
    for x in range(table.shape[1]):
        for y in range(table.shape[1]):
            out |= (table[mine, x] == table[theirs, y]) & (table[mine, x] >= 0)
    return out


class SurnameLevels(_Pairwise):
    """4 the same, 3 a slip or the same sound, 2 one a part of the other's two surnames, 1 much alike, 0 different."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        column = self.column("surname")
        near = likeness(column, column, a, b, JaroWinkler.similarity, NEAR_TEXT)
        slip = slips(column, column, a, b)
        mine, theirs = column.codes[a], column.codes[b]
        length = np.append([len(text) for text in column.texts], 0)
        shorter = np.minimum(length[mine], length[theirs])
        sound = self.column("surname_sound").codes
        sounds = (sound[a] == sound[b]) & (sound[a] >= 0) & (near >= NEAR_TEXT)
        level = np.where(near >= NEAR_NAME, 1, 0)
        double = np.append([("-" in text) for text in column.texts], False)
        either = double[mine] | double[theirs]
        if either.any():
            part = np.zeros(len(a), bool)
            part[either] = likeness(column, column, a[either], b[either], fuzz.partial_ratio) == 100
            level = np.where(part & (shorter >= 3), 2, level)
        level = np.where(((slip <= 1) & (shorter >= SHORTEST_WITH_A_SLIP)) | sounds, 3, level)
        level = np.where(mine == theirs, 4, level)
        if "forename" in self.records.columns:
            level = np.where(swapped(self.records, a, b), 3, level)
        return level, self.missing("surname", a, b)


class TextLevels(_Pairwise):
    """A column's texts: 2 the same, 1 much alike or one inside the other, 0 different."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        column = self.column(self.label)
        near = likeness(column, column, a, b, fuzz.token_set_ratio, 80) / 100
        level = np.where(near >= NEAR_TEXT, 1, 0)
        return np.where(column.codes[a] == column.codes[b], 2, level), self.missing(self.label, a, b)


class NumberLevels(_Pairwise):
    """Identifying numbers: 3 the same, 2 one slip, 1 two slips, 0 different."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        column = self.column(self.label)
        slip = slips(column, column, a, b)
        return np.where(slip == 0, 3, np.where(slip <= 1, 2, np.where(slip <= 2, 1, 0))), self.missing(self.label, a, b)


class SameLevels(_Pairwise):
    """1 the same, 0 different."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        codes = self.column(self.label).codes
        return (codes[a] == codes[b]).astype(np.int64), self.missing(self.label, a, b)


class BirthLevels(_Pairwise):
    """Dates of birth: 4 the same, 3 one digit or two changed about, 2 two digits, 1 the same year, 0 different."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        column = self.column("birth")
        slip = slips(column, column, a, b)
        texts = pd.Series(column.texts, dtype=object)
        years = np.append(pd.factorize(texts.str[:4])[0], -1)
        swapped_day = column_of(texts.str[:4] + texts.str[6:8] + texts.str[4:6], column)
        mine, theirs = column.codes[a], column.codes[b]
        level = np.where(years[mine] == years[theirs], 1, 0)
        level = np.where(slip == 2, 2, level)
        level = np.where((slip == 1) | ((swapped_day[mine] == theirs) & (theirs >= 0)), 3, level)
        return np.where(slip == 0, 4, level), self.missing("birth", a, b)


def column_of(texts: pd.Series[str], column: Column) -> npt.NDArray[np.int64]:
    """Codes that these texts have in a column, -2 where it has none of them; one more at the end for the unknown."""
    found = pd.Index(column.texts).get_indexer(pd.Index(texts))
    return np.append(np.where(found < 0, -2, found), -3)


class AddressLevels(_Pairwise):
    """One level for all parts of an address, since they follow from one another.

    8 house, street and postcode or place; 7 the same with a slip; 6 house and postcode, or house and street with
    nothing to place it; 5 street and postcode or place but another house; 4 postcode; 3 street, or postcode with a
    slip; 2 the same place or sector; 1 the same district or a place much alike; 0 elsewhere.
    """

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        post, place = self._postcode(a, b), self._place(a, b)
        street, house = self._street(a, b), self._house(a, b)
        there = (post >= 4) | ((place >= 2) & (post != 0)) | ((place >= 2) & (street >= 2))
        nearly = there | (post >= 2) | (place >= 1)
        unplaced = (post < 0) & (place < 0)
        level = np.where((post == 1) | (place == 1), 1, 0)
        level = np.where((post == 2) | (place == 2), 2, level)
        level = np.where((post == 3) | (street == 2), 3, level)
        level = np.where(post == 4, 4, level)
        level = np.where((street >= 1) & there, 5, level)
        level = np.where(
            (house == 2) & ((post == 4) | ((street == 2) & (unplaced | ~nearly))) & (street != 0), 6, level
        )
        level = np.where((street >= 1) & (house >= 1) & nearly, 7, level)
        level = np.where((street == 2) & (house == 2) & there, 8, level)
        missing = (post < 0) & (place < 0) & (street < 0)
        return level, missing

    def _postcode(self, a: Rows, b: Rows) -> npt.NDArray[np.int64]:
        if not self.records.has("postcode"):
            return np.full(len(a), -1)
        column = self.column("postcode")
        slip = slips(column, column, a, b)
        texts = pd.Series(column.texts, dtype=object)
        sector = np.append(pd.factorize(texts.str[:-2])[0], -1)
        district = np.append(pd.factorize(texts.str[:-3])[0], -1)
        mine, theirs = column.codes[a], column.codes[b]
        level = np.where(district[mine] == district[theirs], 1, 0)
        level = np.where(sector[mine] == sector[theirs], 2, level)
        level = np.where(slip <= 1, 3, level)
        return np.where(self.missing("postcode", a, b), -1, np.where(mine == theirs, 4, level))

    def _place(self, a: Rows, b: Rows) -> npt.NDArray[np.int64]:
        if not self.records.has("place"):
            return np.full(len(a), -1)
        column = self.column("place")
        near = likeness(column, column, a, b, JaroWinkler.similarity, 0.9) >= 0.9
        level = np.where(column.codes[a] == column.codes[b], 2, near.astype(np.int64))
        return np.where(self.missing("place", a, b), -1, level)

    def _street(self, a: Rows, b: Rows) -> npt.NDArray[np.int64]:
        if not self.records.has("street"):
            return np.full(len(a), -1)
        lines = [self.column(name) for name in ("street", "street_more") if name in self.records.columns]
        best = np.zeros(len(a), np.float32)
        for mine in lines:
            for theirs in lines:
                both = (mine.codes[a] >= 0) & (theirs.codes[b] >= 0) & (best < 1)
                near = likeness(mine, theirs, a[both], b[both], OSA.normalized_similarity, NEAR_STREET)
                if mine is theirs is lines[0] and len(lines) == 1:
                    words = likeness(mine, theirs, a[both], b[both], fuzz.token_set_ratio, 80) / 100
                    near = np.maximum(near, np.where(words >= 0.99, 0.95, words * 0.9))
                best[both] = np.maximum(best[both], near)
        level = np.where(best >= 0.95, 2, np.where(best >= NEAR_STREET, 1, 0))
        return np.where(self.missing("street", a, b), -1, level)

    def _house(self, a: Rows, b: Rows) -> npt.NDArray[np.int64]:
        if not self.records.has("house"):
            return np.full(len(a), -1)
        column = self.column("house")
        mine, theirs = column.codes[a], column.codes[b]
        slip = slips(column, column, a, b)
        return np.where(self.missing("house", a, b), -1, np.where(mine == theirs, 2, (slip <= 1).astype(np.int64)))


class OtherNameLevels(_Pairwise):
    """Further names: 3 the same, 2 one holds all of the other, 1 some or a slip, 0 none."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        column = self.column("other")
        near = likeness(column, column, a, b, fuzz.token_set_ratio, 60)
        level = np.where(near >= 100, 2, np.where(near >= 60, 1, 0))
        initial = np.append(pd.factorize(pd.Series(column.texts, dtype=object).str[0])[0], -1)
        length = np.append([len(text) for text in column.texts], 0)
        mine, theirs = column.codes[a], column.codes[b]
        one_letter = np.minimum(length[mine], length[theirs]) == 1
        level = np.where(one_letter & (initial[mine] == initial[theirs]), 1, level)
        return np.where(mine == theirs, 3, level), self.missing("other", a, b)


class CompanyLevels(_Pairwise):
    """Firms: 4 the same name, 3 a legal form left off, 2 one slip, 1 much alike, 0 different or of another form."""

    def levels(self, a: Rows, b: Rows) -> tuple[npt.NDArray[np.int64], Mask]:
        """As the class says."""
        column, core = self.column("company"), self.column("company_core")
        slip = slips(core, core, a, b)
        length = np.append([len(text) for text in core.texts], 0)
        shorter = np.minimum(length[core.codes[a]], length[core.codes[b]])
        near = likeness(core, core, a, b, OSA.normalized_similarity, NEAR_NAME)
        level = np.where(near >= NEAR_NAME, 1, 0)
        level = np.where((slip <= 1) & (shorter >= LONG_ENOUGH), 2, level)
        level = np.where(slip == 0, 3, level)
        legal = np.append(
            [text.rpartition(" ")[2] if text.rpartition(" ")[2] in LEGAL else "" for text in column.texts], ""
        )
        form, _ = pd.factorize(legal)
        mine, theirs, none = form[column.codes[a]], form[column.codes[b]], form[-1]
        level = np.where((mine != theirs) & (mine != none) & (theirs != none), 0, level)
        return np.where(column.codes[a] == column.codes[b], 4, level), self.missing("company", a, b)
