"""Any file of addresses against any gazetteer file: `loda link`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pipelines.core.errors import LodaError
from pipelines.core.settings import settings
from pipelines.extracts.long_numbers import written_out
from pipelines.extracts.plain_table import PARQUET, headings, read_plain_table
from pipelines.link import columns
from pipelines.link.sharded import link_in_parts
from pipelines.link.spine import COLUMNS

CUT_SHORT = r"(?i)^\d+(?:[.,]\d+)?E\+\d+$"
"""How a spreadsheet shows a long number (1.00022E+11), and writes it when it saves."""

OUT = ("row", "uprn", "decision", "reason", "stage", "probability", "gap", "runner_up")


@dataclass(frozen=True)
class LinkedFile:
    """What came of a file.

    Attributes:
        table: a row for each row of the file, in its order, columns `OUT`; row counts from 0.
        summary: how the files were read, and counts by decision, reason and stage.
    """

    table: pa.Table
    summary: dict[str, Any]

    def told(self, out: Path) -> list[str]:
        """What came of it, a line each."""
        read, decision = self.summary["read_as"], self.summary["decision"]
        number = {name: f"{decision.get(name, 0):,}" for name in ("linked", "parent", "review", "none")}
        return [
            f"{self.summary['rows']:,} rows (address: {', '.join(read['address'])}; "
            f"postcode: {read['postcode'] or 'none'}) against {self.summary['gazetteer']['rows']:,} gazetteer rows.",
            f"{number['linked']} are tied to their property, {number['parent']} to the building, "
            f"{number['review']} are for people to decide and {number['none']} fit nothing.",
            f"They are in {out}.",
        ]


def link_file(
    file: Path, gazetteer: Path, *, address: Sequence[str] = (), postcode: str | None = None, uprn: str | None = None
) -> LinkedFile:
    """Tie each row of a file to a property of a gazetteer.

    Args:
        file: CSV or Parquet.
        gazetteer: CSV or Parquet with `uprn`, optional `parent_uprn`, and `address` or its parts, `postcode`.
        address: columns of the address; empty: told by their headings.
        postcode: its column; None: told by its heading, and if there is none, the address is read without.
        uprn: column of UPRNs that the rows state; None: none is read.

    Raises:
        LodaError: a file cannot be read, or a column is not there.
    """
    started = time.perf_counter()
    names = headings(file)
    chosen = [columns.asked(c, names, file, "--address") for c in address] or columns.address_columns(names, file)
    where = columns.asked(postcode, names, file, "--postcode") if postcode else columns.find(names, columns.POSTCODE)
    stated = columns.asked(uprn, names, file, "--uprn") if uprn else None
    properties, told = read_gazetteer(gazetteer)
    rows = read_plain_table(file, tuple(dict.fromkeys(c for c in (*chosen, where, stated) if c)))
    records = pa.table(
        {
            "record_id": pa.array(np.arange(rows.num_rows)),
            "address": joined([rows[c] for c in chosen]),
            "postcode": rows[where] if where else pa.nulls(rows.num_rows, pa.string()),
            "uprn": _stated(rows[stated]) if stated else pa.nulls(rows.num_rows, pa.string()),
        }
    )
    made, counts = link_in_parts(records, properties, settings().workers)
    order = pc.sort_indices(made["record_id"])
    made = made.take(order).rename_columns({"record_id": "row"}).select(OUT)
    summary = {
        "rows": made.num_rows,
        "read_as": {"address": chosen, "postcode": where, "uprn": stated},
        "gazetteer": told,
        **{name: _counted(made[name]) for name in ("decision", "reason", "stage")},
        "pairs": int(counts["pairs"]),
        "pairs_left_out": int(counts["pairs_left_out"]),
        "seconds": round(time.perf_counter() - started, 2),
    }
    return LinkedFile(made, summary)


def read_gazetteer(path: Path) -> tuple[pa.Table, dict[str, Any]]:
    """A gazetteer file with the columns that the spine is made from.

    Raises:
        LodaError: it has no UPRN or no address, or a spreadsheet has cut its UPRNs short.
    """
    names = headings(path)
    uprn = columns.find(names, columns.UPRN)
    if uprn is None:
        raise LodaError(f"The gazetteer '{path}' has no column 'uprn'. There are: {', '.join(names)}.")
    whole, split = columns.find(names, columns.ADDRESS), columns.parts(names)
    lines = [] if whole or "street" in split else columns.address_columns([n for n in names if n != uprn], path)
    found = {
        "uprn": uprn,
        "parent_uprn": columns.find(names, columns.PARENT),
        "postcode": columns.find(names, columns.POSTCODE),
    }
    found |= {"address": whole, **split}
    found |= {
        name: columns.find(names, (columns.plain(name),)) for name in ("blpu_class", "logical_status", "end_date")
    }
    table = read_plain_table(path, tuple(dict.fromkeys([*lines, *(c for c in found.values() if c)])))
    made = {name: table[found[name]] if found.get(name) else pa.nulls(table.num_rows, pa.string()) for name in COLUMNS}
    for name in ("uprn", "parent_uprn"):
        made[name] = _whole(made[name])
        _refuse_cut_short(made[name], found[name], path)
    if whole is None:
        given = lines or [split[part] for part in split]
        made["address"] = joined([table[c] for c in given])
    kept = pa.table(made).filter(pc.is_valid(made["uprn"]))
    if not kept.num_rows:
        raise LodaError(f"The gazetteer '{path}' has no row with a UPRN, so there is nothing to link to.")
    told = {
        "rows": table.num_rows,
        "without_uprn": table.num_rows - kept.num_rows,
        "read_as": {k: v for k, v in found.items() if v},
    }
    return kept, told


def _whole(uprns: pa.ChunkedArray) -> pa.ChunkedArray:
    """UPRNs without blanks around them or what a column gets that was once read as numbers; null where blank."""
    trimmed = pc.replace_substring_regex(written_out(pc.utf8_trim_whitespace(uprns)), r"^(\d+)\.0+$", r"\1")
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _refuse_cut_short(uprns: pa.ChunkedArray, heading: str | None, path: Path) -> None:
    """Many properties would share one such number, and each would be taken for another way to write the same."""
    cut = pc.fill_null(pc.match_substring_regex(uprns, CUT_SHORT), False)
    first = pc.index(cut, True).as_py()
    if first >= 0:
        raise LodaError(
            f"A spreadsheet has cut {pc.sum(cut).as_py():,} numbers of the gazetteer '{path}' short, the first in row "
            f"{first + 1} ({heading} {uprns[first].as_py()}), so that properties cannot be told apart: export it "
            "again, with that column as text."
        )


def _stated(uprns: pa.ChunkedArray) -> pa.ChunkedArray:
    """UPRNs of records; one that was cut short says nothing."""
    whole = _whole(uprns)
    return pc.if_else(pc.fill_null(pc.match_substring_regex(whole, CUT_SHORT), False), None, whole)


def joined(parts: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Texts of several columns in one line, those that are there with commas between."""
    line = pc.fill_null(parts[0], "")
    for part in parts[1:]:
        more = pc.fill_null(part, "")
        both = pc.and_(pc.not_equal(line, ""), pc.not_equal(more, ""))
        line = pc.binary_join_element_wise(line, more, pc.if_else(both, ", ", ""))
    return line


def _counted(column: pa.ChunkedArray) -> dict[str, int]:
    counts = pd.Series(column.to_pandas()).value_counts()
    return {str(name): int(number) for name, number in counts.items()}


def write_linked(table: pa.Table, out: Path) -> None:
    """Write the rows as Parquet where the name ends so, else as CSV.

    Raises:
        LodaError: the file cannot be written.
    """
    try:
        if out.suffix.lower() in PARQUET:
            pq.write_table(table, out)
        else:
            pacsv.write_csv(table, out, pacsv.WriteOptions(quoting_style="needed"))
    except OSError as error:
        raise LodaError(f"'{out}' cannot be written ({error.strerror or 'unknown fault'}).") from error
