"""Long numbers as a spreadsheet shows them, and writes them when it saves."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

POWER = r"^(?P<first>\d)\.(?P<rest>\d+)[eE]\+?(?P<power>\d{1,2})$"


def written_out(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """1.00023336956E+11 has all its digits and is written out; 1.00023E+11 has lost some and stays."""
    found = pc.extract_regex(text, POWER)
    first, rest, power = (pc.struct_field(found, name) for name in ("first", "rest", "power"))
    power = pc.if_else(pc.equal(power, ""), None, power)
    whole = pc.equal(pc.utf8_length(rest), power.cast(pa.int32()))
    return pc.if_else(pc.fill_null(whole, False), pc.binary_join_element_wise(first, rest, ""), text)
