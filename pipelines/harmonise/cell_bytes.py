"""Which few cells of a text column need a closer look, found by a pass over its bytes instead of a pattern for each.

Nearly every cell of an extract is sound, so what is asked of all of them must cost next to nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.harmonise.column import Mask, true

SPACE, TILDE, ZERO, NINE = ord(" "), ord("~"), ord("0"), ord("9")
NO_CONTENT = np.empty(0, np.uint8)


def untidy(text: pa.Array) -> Mask:
    """Cells that hold anything but single spaces between printable ASCII characters."""
    content, bounds = _bytes(text)
    spaces = content == SPACE
    strange = content - np.uint8(SPACE) > TILDE - SPACE  # what lies below a space is then above all that is printable
    strange[1:] |= spaces[1:] & spaces[:-1]
    # Spaces that meet where two cells meet are looked at in vain, which does no harm.
    odd = np.zeros(len(text), bool)
    odd[np.searchsorted(bounds, np.flatnonzero(strange), side="right") - 1] = True
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    odd[filled] |= spaces[bounds[filled]] | spaces[bounds[filled + 1] - 1]
    return odd & true(pc.is_valid(text))


def has_size(text: pa.Array, sizes: set[int]) -> Mask:
    """Cells of one of these numbers of bytes; a null has none."""
    _, bounds = _bytes(text)
    wanted = np.zeros(max(sizes, default=0) + 2, bool)
    wanted[list(sizes)] = True
    found: Mask = wanted[np.minimum(np.diff(bounds), len(wanted) - 1)]
    return found


def has_byte(text: pa.Array, sign: str) -> bool:
    """Whether an ASCII character stands anywhere in a column."""
    return bool((_bytes(text)[0] == ord(sign)).any())


def has_digits(text: pa.Array, at_least: int) -> Mask:
    """Cells with so many digits or more."""
    content, bounds = _bytes(text)
    found = np.zeros(len(text), bool)
    filled = np.flatnonzero(bounds[1:] > bounds[:-1])
    if len(filled):
        digits = ((content >= ZERO) & (content <= NINE)).view(np.uint8)
        found[filled] = np.add.reduceat(digits, bounds[filled], dtype=np.int32) >= at_least
    return found


def _bytes(text: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """The cells end to end, and where each begins and the last one ends; in place, without a copy."""
    _, offsets, data = text.buffers()
    if not len(text):
        return NO_CONTENT, np.zeros(1, np.int32)
    bounds = np.frombuffer(offsets, np.int32)[text.offset : text.offset + len(text) + 1]
    content = np.frombuffer(data, np.uint8) if data is not None else NO_CONTENT
    return content[bounds[0] : bounds[-1]], bounds - bounds[0]
