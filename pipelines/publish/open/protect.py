"""What makes a count fit for everybody: the one place of its thresholds, and the argument why it holds.

Only counts of the smallest areas (a *cell*: borough, LSOA, measure, kind) are read from data. Each cell has a secret
offset `u`, 0 to `BASE` - 1, that never changes. A true count `n` is published as `p`, the largest multiple of `BASE`
that is not above `n + u`. Everything else that is published, of wards and boroughs too, is added up from these `p`.

Then, whatever was published, in all periods together, every count of a cell may be anything from `p - BASE + 1` (not
below 0) to `p + BASE - 1`: choose any of them for one period, take the `u` under which it gives `p`; under the same
`u` each other period has counts that give its own `p`, and no sum tells more, being a function of the `p`. So every
count of 1 to `BASE` - 1 could be any other of 1 to `BASE` - 1, and a figure that rose by `BASE` tells of 1 to
2 `BASE` - 1 more. Seen over the offsets the error has mean 0 (it is unbiased rounding, see docs/open-data.md), so sums
are of use.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from pipelines.governance import keys

Ints = npt.NDArray[np.int64]

BASE = 10
"""Counts under ten are never told apart: the threshold of the ONS's "10-5 rule" for tables, which here is also the
multiple that figures are rounded to. It is above `access.SUPPRESSION_THRESHOLD`, which holds inside the platform."""

FEWEST_HOMES = 100
"""An LSOA in which a borough has fewer properties is left out of all figures. By design an LSOA has at least 400
households (ONS), so it is a sliver of an area that lies next door, or an error of the gazetteer."""


def secret() -> bytes:
    """What offsets are made with: from the erasure key, which is never changed, and useless as that key.

    Raises:
        ConfigurationError: the key is lost, or another than the one used so far.
    """
    return hmac.digest(keys.key("erasure"), b"offsets of open data", hashlib.sha256)


def offsets(with_secret: bytes, cells: Iterable[str]) -> Ints:
    """The offset of each cell, 0 to `BASE` - 1, by its name: keyed BLAKE2b (RFC 7693), modulo `BASE`."""
    found = (hashlib.blake2b(cell.encode(), key=with_secret, digest_size=8).digest() for cell in cells)
    return (np.frombuffer(b"".join(found), dtype=">u8") % BASE).astype(np.int64)


def rounded(counts: Ints, offset: Ints) -> Ints:
    """The figures that are published of cells: multiples of `BASE`, each less than `BASE` away from its count."""
    return (counts + offset) // BASE * BASE


def bounds(published: Ints) -> tuple[Ints, Ints]:
    """The least and the most that the count behind a cell's figure may be, with all that is ever published in hand."""
    return np.maximum(published - BASE + 1, 0), published + BASE - 1


def margin(cells: Ints) -> Ints:
    """How far a figure that is added up from so many cells lies from the truth at most, in about 19 of 20 cases.

    The errors of cells are independent and their mean is 0; the standard deviation of one is `BASE` / 2 at most, so
    twice that of a sum is `BASE` times the root of the number of its cells, here up to the next multiple of `BASE`. Of
    one cell `BASE` - 1, with certainty.
    """
    found: Ints = np.minimum((BASE - 1) * cells, np.ceil(np.sqrt(cells)) * BASE).astype(np.int64)
    return found
