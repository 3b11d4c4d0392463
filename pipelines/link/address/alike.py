"""Texts that are alike but for their numbers: one of them is read, and every one gets its own numbers back.

In a street of two hundred houses two hundred texts differ in a number alone. No rule of reading asks what a plain
number amounts to, but for those that compare two numbers (ranges, slashes, months, one address named twice). Texts
with other signs than commas about a number are left as they are, and where a text's numbers did not come out as those
of a unit or a house, each text like it is read one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

STANDS_FOR = ("501", "702")
"""What the first and the second number are read as: no word is ever read as a number so large."""
NUMBERED = ("identifier", "room", "number")
"""The parts in which a plain number may come out, alone or before one letter."""
_PLAIN = r"^[A-Z ,.']*(?:[0-9]+[A-Z ,.']*){1,2}$"
_NOT_PLAIN = r"(?:^|[^0-9])0|[0-9]{4}|[^ ,0-9][0-9]|[0-9][A-Z]?[.']|[0-9][A-Z]{2}"
_PIECES = r"^(?P<a>[^0-9]*)(?P<first>[0-9]+)(?P<b>[^0-9]*)(?P<second>[0-9]*)(?P<c>[^0-9]*)$"
LONGEST = 250
"""Bytes of a text; with longer ones the stand-ins might push its end beyond what is read."""


@dataclass(frozen=True)
class Alike:
    """Texts by what is alike in them.

    Attributes:
        texts: each text to read, once; a number that any text of its kind may have is a stand-in.
        kind: for each row the position of its text among `texts`.
        first, second: for each row the numbers behind the stand-ins, empty where there is none.
    """

    texts: pa.Array
    kind: pa.Array
    first: pa.Array
    second: pa.Array

    def numbered(self, read: Mapping[str, pa.Array]) -> tuple[dict[str, pa.Array], pa.Array]:
        """What was read of `texts`, for each row with its own numbers; and which rows must be read one by one."""
        has = [pc.match_substring(self.texts, stand_in) for stand_in in STANDS_FOR]
        found = {name: pc.extract_regex(read[name], rf"^(?P<which>{'|'.join(STANDS_FOR)})(?P<letter>[A-Z]?)$")
                 for name in NUMBERED}  # fmt: skip
        which = {name: pc.fill_null(pc.struct_field(found[name], "which"), "") for name in NUMBERED}
        once = [
            pc.equal(_how_often(which, stand_in), pc.cast(here, pa.int8()))
            for stand_in, here in zip(STANDS_FOR, has, strict=True)
        ]
        others = [column for name, column in read.items() if name not in NUMBERED]
        astray = [pc.match_substring_regex(column, "|".join(STANDS_FOR)) for column in others]
        unsure = pc.and_(pc.or_(*has), pc.or_(pc.invert(pc.and_(*once)), reduce(pc.or_, astray)))
        columns = {name: column.take(self.kind) for name, column in read.items()}
        for name in NUMBERED:
            letter = pc.fill_null(pc.struct_field(found[name], "letter"), "").take(self.kind)
            number = which[name].take(self.kind)
            for stand_in, own in zip(STANDS_FOR, (self.first, self.second), strict=True):
                # A text that was left as it is may have that very number as its own.
                is_it = pc.and_(pc.equal(number, stand_in), pc.not_equal(own, ""))
                columns[name] = pc.if_else(is_it, pc.binary_join_element_wise(own, letter, ""), columns[name])
        return columns, unsure.take(self.kind)


def _how_often(which: Mapping[str, pa.Array], stand_in: str) -> pa.Array:
    first, second, third = (pc.cast(pc.equal(which[name], stand_in), pa.int8()) for name in NUMBERED)
    return pc.add(pc.add(first, second), third)


def alike(raw: pa.Array, names: Sequence[str]) -> Alike:
    """Group texts that differ in case and plain numbers alone.

    Args:
        raw: texts without nulls.
        names: places that are taken out of a text by name. If a number stands in one of them, a number may be a part
            of a name, so nothing is grouped but texts that are the same.
    """
    upper = pc.ascii_upper(raw)
    plain = pc.and_(pc.match_substring_regex(upper, _PLAIN), pc.less_equal(pc.binary_length(raw), LONGEST))
    plain = pc.and_(plain, pc.invert(pc.match_substring_regex(upper, _NOT_PLAIN)))
    if any(character.isdigit() for name in names for character in name):
        plain = pc.and_(plain, False)
    pieces = pc.extract_regex(upper.filter(plain), _PIECES)
    a, first, b, second, c = (pc.struct_field(pieces, n) for n in ("a", "first", "b", "second", "c"))
    stand_in = pc.if_else(pc.equal(second, ""), "", STANDS_FOR[1])
    kinds = pc.binary_join_element_wise(a, STANDS_FOR[0], b, stand_in, c, "")
    encoded = pc.replace_with_mask(raw, plain, kinds).dictionary_encode()
    blank = pa.repeat(pa.scalar("", pa.string()), len(raw))
    numbers = (pc.replace_with_mask(blank, plain, own) for own in (first, second))
    return Alike(encoded.dictionary, encoded.indices, *numbers)
