"""What a pattern of agreement means: whether it may join, never joins, or is for people, and why in words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import numpy as np
import pandas as pd

from pipelines.link.people.features import Feature
from pipelines.link.people.records import NUMBERS, Mask, Records
from pipelines.link.people.score import Scored

NAMES = ("forename", "surname", "other", "gender", "region")
"""What a name alone tells: it joins nobody."""
LINK_AT_LEAST, LINK_AT_MOST = 0.5, 0.95
LINK_UNLEARNED = 0.8
REVIEW_FROM = 0.3
FEW = 4
PRECISION = 0.99
"""Links are cut where this share of them is expected to be right."""


class Reason(StrEnum):
    """Why two records are one, or are shown to people."""

    IDENTICAL = "identical"
    COMPANY_NUMBER = "company_number"
    NUMBER = "identifying_number"
    COMPANY_NAME = "company_name"
    NAME_AND_BIRTH = "name_and_birth_date"
    NAME_AND_ADDRESS = "name_and_address"
    NAME_AND_POSTCODE = "name_and_postcode"
    NAME_AND_MORE = "name_and_more"
    NAME_ALONE = "name_alone"
    CHAIN = "held_apart_by_the_guard"
    BETTER_PARTNER = "a_better_partner"
    NOT_SURE = "not_sure"


def forbidden(levels: pd.DataFrame) -> Mask:
    """Patterns whose records may never be in one entity.

    Other company numbers; other first names and other birth dates, unless a number of the person's own is the same;
    other first names in one home (relatives), unless a birth date or such a number agrees.
    """
    never = np.zeros(len(levels), bool)
    if "company_number" in levels:
        never |= levels["company_number"].to_numpy() == 0
    if "forename" in levels and "birth" in levels:
        other = (levels["forename"].to_numpy() == 0) & (levels["birth"].to_numpy() == 0)
        for name in (name for name in map(str, levels) if name.startswith("identifier_")):
            other &= levels[name].to_numpy() < 3
        never |= other
    if "forename" in levels and "surname" in levels:
        home = _at_least(levels, "address", 6) & _at_least(levels, "surname", 1)
        never |= home & _relative(levels)
    return never


def reasons(levels: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """The strongest thing beside a person's name that speaks for each pattern; `name_alone` where nothing does."""

    def at(name: str, level: int) -> Mask:
        return levels[name].to_numpy() >= level if name in levels else np.zeros(len(levels), bool)

    numbers = [name for name in map(str, levels) if name.rpartition("_")[0] in NUMBERS]
    found = np.full(len(levels), str(Reason.NAME_ALONE), dtype=object)
    named = at("surname", 1) | at("forename", 1) | (~_known(levels, "surname") & ~_known(levels, "forename"))
    for name, level in (("birth_place", 2), ("occupation", 2), ("alias", 2)):
        found[at(name, level) & named] = str(Reason.NAME_AND_MORE)
    found[at("address", 3)] = str(Reason.NAME_AND_POSTCODE)
    found[at("address", 6)] = str(Reason.NAME_AND_ADDRESS)
    found[at("birth", 3)] = str(Reason.NAME_AND_BIRTH)
    found[at("company", 3)] = str(Reason.COMPANY_NAME)
    for name in numbers:
        found[at(name, 2)] = str(Reason.NUMBER)
    found[at("company_number", 1)] = str(Reason.COMPANY_NUMBER)
    return found


def _known(levels: pd.DataFrame, name: str) -> Mask:
    return levels[name].to_numpy() >= 0 if name in levels else np.zeros(len(levels), bool)


def unsupported(records: Records, scored: Scored, vague: Mask) -> Mask:
    """Pairs that nothing but a person's name speaks for, or only a firm's name that tells no firm apart."""
    levels = scored.levels
    why = reasons(levels)
    alone = ((why == str(Reason.NAME_ALONE)) | _relative(levels) | _mere_initial(levels) | nameless(levels))[
        scored.pattern
    ]
    alone |= _other_surname(levels)[scored.pattern] & ~_of_few(records, scored)
    by_firm = (why == str(Reason.COMPANY_NAME))[scored.pattern]
    if by_firm.any() and vague.any():
        address = scored.levels["address"].to_numpy() if "address" in scored.levels else np.full(len(scored.levels), -1)
        placed = (address >= 4)[scored.pattern]
        alone |= by_firm & ~placed & (vague[scored.pairs.left] | vague[scored.pairs.right])
    return np.asarray(alone)


def _at_least(levels: pd.DataFrame, name: str, level: int) -> Mask:
    return levels[name].to_numpy() >= level if name in levels else np.zeros(len(levels), bool)


def _proven(levels: pd.DataFrame) -> Mask:
    """Birth date or a number of the person's own agrees."""
    own = [_at_least(levels, name, 2) for name in map(str, levels) if name.startswith("identifier_")]
    return np.asarray(
        np.logical_or.reduce([_at_least(levels, "birth", 3), _at_least(levels, "company_number", 1), *own])
    )


def _relative(levels: pd.DataFrame) -> Mask:
    """Another first name is another person, unless a birth date or a number agrees."""
    if "forename" not in levels:
        return np.zeros(len(levels), bool)
    return np.asarray((levels["forename"].to_numpy() == 0) & ~_proven(levels))


def nameless(levels: pd.DataFrame) -> Mask:
    """No name agrees: an address alone joins nobody either."""
    named = [
        _at_least(levels, name, level)
        for name, level in (("surname", 1), ("forename", 1), ("company", 1), ("alias", 2))
    ]
    return np.asarray(~np.logical_or.reduce([*named, _proven(levels)]))


def _mere_initial(levels: pd.DataFrame) -> Mask:
    """An initial alone asks for more than a postcode: the same house, or a birth date or number."""
    if "forename" not in levels:
        return np.zeros(len(levels), bool)
    reached = [_at_least(levels, name, 3) for name in map(str, levels) if name.startswith("contact_")]
    more = np.logical_or.reduce([_at_least(levels, "address", 6), _proven(levels), *reached])
    return np.asarray((levels["forename"].to_numpy() == 2) & ~more)


def _other_surname(levels: pd.DataFrame) -> Mask:
    """Another surname, and neither birth date nor number agrees: married only if all the rest does."""
    if "surname" not in levels:
        return np.zeros(len(levels), bool)
    return np.asarray((levels["surname"].to_numpy() == 0) & ~_proven(levels))


def _of_few(records: Records, scored: Scored) -> Mask:
    """Pairs of one full first name at one full address at which few are known, so that it is a home and no office."""
    levels, pairs = scored.levels, scored.pairs
    married = _at_least(levels, "forename", 4) & _at_least(levels, "address", 8)
    if not married.any():
        return np.zeros(len(pairs), bool)
    parts = [records.columns[name].codes for name in ("house", "street", "postcode") if name in records.columns]
    where = pd.DataFrame(dict(enumerate(parts))).groupby(list(range(len(parts))), sort=False).ngroup().to_numpy()
    known = np.bincount(where)[where]
    return np.asarray(married[scored.pattern] & (np.maximum(known[pairs.left], known[pairs.right]) <= FEW))


def cut(scored: Scored) -> float:
    """The lowest probability from which on `PRECISION` of the links are expected to be right, within bounds."""
    if not scored.model.learned:
        return LINK_UNLEARNED
    falling = np.sort(scored.probability)[::-1]
    expected = np.cumsum(falling) / np.arange(1, len(falling) + 1)
    good = np.flatnonzero(expected >= PRECISION)
    return float(np.clip(falling[good[-1]] if len(good) else 1.0, LINK_AT_LEAST, LINK_AT_MOST))


def explained(levels: pd.DataFrame, wanted: Mapping[str, Feature]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Each pattern in words: what agrees and how well, then what speaks against. No value is in it."""
    told = []
    for row in levels.itertuples(index=False, name=None):
        shown = [(feature, level) for feature, level in zip(wanted.values(), row, strict=True) if level >= 0]
        agree = [f"{feature.name} {feature.words[level]}" for feature, level in shown if level > 0]
        against = [f"{feature.name} {feature.words[0]}" for feature, level in shown if level == 0]
        text = "; ".join(agree) or "nothing agrees"
        told.append(f"{text}; against it: {', '.join(against)}" if against else text)
    return np.array(told, dtype=object)


__all__ = ["Reason", "cut", "explained", "forbidden", "nameless", "reasons", "unsupported"]
