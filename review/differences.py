"""Where two addresses differ, word by word, to be marked on a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

WORDS = re.compile(r"\s+|[^\w\s]+|\w+")
SPELLED_ALIKE = {
    "road": "rd",
    "street": "st",
    "avenue": "ave",
    "lane": "ln",
    "close": "cl",
    "terrace": "ter",
    "gardens": "gdns",
    "court": "ct",
    "place": "pl",
    "square": "sq",
    "apartment": "apt",
    "flt": "flat",
}
"""Words that mean the same in an address: not marked as different."""


@dataclass(frozen=True)
class Piece:
    """A piece of an address; `differs` where the other one does not have it."""

    text: str
    differs: bool


def marked(one: str, other: str) -> tuple[list[Piece], list[Piece]]:
    """Both addresses in pieces, those marked that the other one lacks. Case, commas and blanks are no differences."""
    mine, theirs = WORDS.findall(one), WORDS.findall(other)
    words = [[place for place, word in enumerate(found) if _plain(word)] for found in (mine, theirs)]
    left, right = ([_plain(found[place]) for place in own] for found, own in zip((mine, theirs), words, strict=True))
    same_left, same_right = set(), set()
    for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        same_left |= {words[0][block.a + step] for step in range(block.size)}
        same_right |= {words[1][block.b + step] for step in range(block.size)}
    return _pieces(mine, set(words[0]) - same_left), _pieces(theirs, set(words[1]) - same_right)


def _plain(word: str) -> str:
    """A word as it is compared; empty for what is none."""
    plain = word.casefold().strip()
    return SPELLED_ALIKE.get(plain, plain) if re.search(r"\w", plain) else ""


def _pieces(found: list[str], different: set[int]) -> list[Piece]:
    """Neighbours that differ as one piece, with what stands between them."""
    marks = [place in different for place in range(len(found))]
    for before, after in pairwise(sorted(different)):
        if not any(_plain(found[place]) for place in range(before + 1, after)):
            marks[before:after] = [True] * (after - before)
    pieces: list[Piece] = []
    for word, differs in zip(found, marks, strict=True):
        if pieces and pieces[-1].differs == differs:
            pieces[-1] = Piece(pieces[-1].text + word, differs)
        else:
            pieces.append(Piece(word, differs))
    return pieces
