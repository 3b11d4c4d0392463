"""The answer to one drop that was read: its receipt, and the files for those who correct rows or want every line."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.core import beside
from pipelines.core.bucket import Folder
from pipelines.core.ledger.models import Drop
from pipelines.extracts import Extract, IntakeFiles, RaggedRows, headings
from pipelines.extracts.correction import CorrectedExtract
from pipelines.extracts.guarded import guarded
from pipelines.publish.background import since_last
from pipelines.publish.faults import KIND, Faults, Lines, level_of
from pipelines.publish.masking import Masks
from pipelines.publish.quarantine import quarantine_file, read_once
from pipelines.publish.receipts import LINES_SHOWN, Background, Cells, details_of, findings_of, make_receipt
from schemas import registry
from schemas.mapping import Mapping

REMARKS = "gate.json"
"""What the gate says of a drop as a whole, `[{issue, field, sentence, holds}]`."""

LINE = pa.schema(
    [("first_row", pa.int64()), ("last_row", pa.int64())]
    + [(name, pa.string()) for name in ("column", "level", "issue", "what_is_wrong")]
)


def answer(
    drop: Drop,
    extract: Extract,
    mapping: Mapping,
    files: IntakeFiles,
    bucket: Folder,
    *,
    quarantine: str,
    before_quarantine: Callable[[str, npt.NDArray[np.int64]], None],
    background: Background,
    ledger: bool = True,
) -> dict[str, Any]:
    """The receipt of a drop that was read; its rows to mend are written to `quarantine`, long lists beside the drop.

    The extract is read once, and only as far as somebody needs it. `before_quarantine` is told the hash and the numbers
    of the rows to mend just before they appear. Without a ledger there is nothing to compare with.
    """
    with extract.open() as handle:
        names = headings(handle, mapping.shape)
    faults = Faults(mapping, files)
    reasons = faults.reasons()
    counted, lines = faults.counted(), faults.first(LINES_SHOWN)
    cells = Cells(Masks(mapping, registry.contract(drop.dataset)), _wanted(counted, lines))
    corrected = extract if isinstance(extract, CorrectedExtract) else None
    torn = RaggedRows()
    if len(reasons.numbers):
        wanted = np.union1d(reasons.numbers, cells.numbers)
        rows = extract.rows_among(wanted, drop.rows_in, mapping.shape, names, torn)
        with quarantine_file(bucket, quarantine, names, reasons, before_quarantine) as writer:
            read_once(rows, [writer.take, cells.take])
            writer.take_torn(torn)
    elif len(lines.rows) or corrected:
        rows = extract.rows(mapping.shape, names, torn)
        read_once(rows, [cells.take], until=None if corrected else cells.last)
    if corrected and corrected.put_back:
        faults = Faults(mapping, files, corrected.put_back)
        counted, lines = faults.counted(), faults.first(LINES_SHOWN)
    findings = findings_of(counted, cells, drop.dataset, _remarks(files))
    return make_receipt(
        drop,
        mapping,
        findings=findings,
        rows_with_faults=len(reasons.numbers),
        details=details_of(lines, counted, cells, _all_lines(faults, counted, lines, bucket, drop.path)),
        quarantine=quarantine if len(reasons.numbers) else None,
        background=replace(
            background,
            since=since_last(drop, mapping, findings, len(reasons.numbers)) if ledger else None,
            correction=_correction(corrected, reasons.numbers) if corrected else None,
        ),
    )


def _wanted(counted: pd.DataFrame, lines: Lines) -> npt.NDArray[np.int64]:
    """Rows of which a cell may be shown: those listed one by one, and the first three of each rule."""
    first = [number for numbers in counted["first_rows"] for number in numbers[:3]]
    return np.unique(np.concatenate([lines.rows, np.array(first, np.int64)]))


def _remarks(files: IntakeFiles) -> dict[tuple[str, str], str]:
    if not files.folder.exists(REMARKS):
        return {}
    with files.folder.read(REMARKS) as handle:
        return {(one["issue"], one["field"]): one["sentence"] for one in json.loads(handle.read()) if not one["holds"]}


def _correction(extract: CorrectedExtract, set_aside: npt.NDArray[np.int64]) -> dict[str, Any]:
    """What became of corrected rows, and how the extract that they belong to was found."""
    rows = len(extract.own)
    wrong = int(np.isin(extract.own, set_aside).sum())
    waiting = len(set_aside) - wrong
    put_back = int(sum(len(numbers) for numbers in extract.put_back.values()))
    name = extract.of_file.rsplit("/", 1)[-1]
    told = [
        f"{rows:,} corrected {'row takes its' if rows == 1 else 'rows take their'} place in '{name}' (drop "
        f"{extract.of_drop}), which was found by {extract.found_by}; all other rows of it stay.",
        f"{rows - wrong:,} of them can be used now" + (f", {wrong:,} cannot yet." if wrong else "."),
    ]
    if waiting:
        told.append(f"{waiting:,} more {'row' if waiting == 1 else 'rows'} of it still wait to be corrected.")
    if put_back:
        told.append(f"{put_back:,} cells that a spreadsheet had rewritten were put back as they were.")
    return {
        "drop": extract.of_drop,
        "file": extract.of_file,
        "found_by": extract.found_by,
        "rows": rows,
        "usable": rows - wrong,
        "still_wrong": wrong,
        "still_waiting": waiting,
        "cells_put_back": put_back,
        "sentence": " ".join(told),
    }


def _all_lines(faults: Faults, counted: pd.DataFrame, lines: Lines, bucket: Folder, path: str) -> str | None:
    """Where every single fault is listed: in a file beside the drop if the receipt cannot hold them all.

    Rows that follow one another with the same fault are one line, so that a change to every row is one line, too.
    """
    if int(counted["rows"].sum()) <= len(lines.rows):
        return None
    where = path + beside.RECEIPT_LINES
    with bucket.write(where) as target:
        target.write(codecs.BOM_UTF8)
        with pacsv.CSVWriter(target, LINE) as pen:
            for batch in faults.batches():
                pen.write_table(_in_runs(batch))
    return where


def _in_runs(batch: pa.Table) -> pa.Table:
    types = registry.issue_types()
    batch = batch.sort_by([*((name, "ascending") for name in KIND), ("row_number", "ascending")])
    rows = batch["row_number"].to_numpy()
    new = np.ones(len(rows), bool)
    if len(rows):
        new[1:] = np.diff(rows) > 1
    for name in KIND:
        codes = batch[name].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
        new[1:] |= codes[1:] != codes[:-1]
    first = np.flatnonzero(new)
    last = np.append(first[1:], len(rows)) - 1 if len(first) else first
    runs = batch.take(pa.array(first))
    issue = runs["issue_type"].combine_chunks().dictionary_encode()
    names = issue.dictionary.to_pylist()
    level, words = (
        pa.array(texts, pa.string()) for texts in (map(level_of, names), [types[n].sentence for n in names])
    )
    return pa.table(
        [
            pa.array(rows[first]),
            pa.array(rows[last]),
            guarded(runs["column"]),
            level.take(issue.indices),
            issue.dictionary.take(issue.indices),
            words.take(issue.indices),
        ],
        schema=LINE,
    )
