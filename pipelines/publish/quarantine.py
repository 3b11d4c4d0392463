"""The quarantined rows of a drop, as the officer wrote them, with why and what to do."""

from __future__ import annotations

import codecs

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv

from pipelines.core.bucket import Folder
from pipelines.core.errors import NotFound
from pipelines.core.ledger.models import Drop
from pipelines.extracts import Extract, IntakeFiles, RaggedRows, chunks, headings
from schemas import registry
from schemas.mapping import Mapping


def all_faults(mapping: Mapping, files: IntakeFiles) -> pd.DataFrame:
    """Every fault of a drop from both stages: `row_number`, `field`, `column`, `issue_type`, `quarantines`."""
    issues: pd.DataFrame = files.read("issues").to_pandas()
    if not files.folder.exists("findings.parquet"):
        return issues
    late: pd.DataFrame = files.read("findings").to_pandas()
    sources = {name: " + ".join(how.sources) for name, how in mapping.fields.items()}
    late["column"] = late["field"].map(sources).fillna("")
    late["quarantines"] = late["severity"] == "error"
    return pd.concat([issues, late[issues.columns]], ignore_index=True)


def reasons_by_row(faults: pd.DataFrame) -> pd.DataFrame:
    """`reason` and `fix` in words for each quarantined row: every must-fix fault of it, the plainest wording once."""
    types = registry.issue_types()
    grave = faults["issue_type"].map({name: kind.severity == "error" for name, kind in types.items()})
    rows = faults.loc[faults["quarantines"], "row_number"].unique()
    told = faults[grave & faults["row_number"].isin(rows)].drop_duplicates(["row_number", "column", "issue_type"])
    # That a cell could not be read says more than that it is therefore missing.
    told = told.assign(vague=told["issue_type"] == "missing_required")
    several = told.groupby(["row_number", "column"])["issue_type"].transform("size") > 1
    told = told[~(told["vague"] & several)]
    where = ("'" + told["column"] + "': ").where(told["column"] != "", "")
    words = pd.DataFrame(
        {
            "row": told["row_number"],
            "reason": where + told["issue_type"].map({name: kind.sentence for name, kind in types.items()}),
            "fix": told["issue_type"].map({name: kind.what_to_do for name, kind in types.items()}),
        }
    )
    fixes = words.drop_duplicates(["row", "fix"]).groupby("row")["fix"].agg(" ".join)
    return pd.DataFrame({"reason": words.groupby("row")["reason"].agg(" ".join), "fix": fixes})


def mapping_of(drop: Drop) -> Mapping | None:
    """The layout a drop was read with; None for one that was not read.

    Raises:
        NotFound: it was renamed or taken away while the drop was on its way.
    """
    if drop.mapping_name is None:
        return None
    for mapping in registry.mappings(drop.borough, drop.dataset):
        if mapping.name == drop.mapping_name:
            return mapping
    raise NotFound(f"The mapping '{drop.mapping_name}' that drop {drop.id} was read with is no longer there.")


def write_quarantine(extract: Extract, mapping: Mapping, files: IntakeFiles, bucket: Folder, path: str) -> int:
    """Write an extract's quarantined rows in the officer's own columns plus `_row`, `_reason`, `_how_to_fix`.

    Returns how many.

    A held drop is quarantined whole: its rows are the file itself, so only the rows with
    a fault of their own are written out.
    """
    by_row = reasons_by_row(all_faults(mapping, files))
    written = 0
    with extract.open() as handle:
        names = headings(handle, mapping.shape)
    ragged = RaggedRows()
    schema = pa.schema([(name, pa.string()) for name in (*names, "_row", "_reason", "_how_to_fix")])
    # The mark lets a spreadsheet program read the file as UTF-8.
    with bucket.write(path) as target:
        target.write(codecs.BOM_UTF8)
        with pacsv.CSVWriter(target, schema) as writer, extract.open() as raw:
            for chunk in chunks(raw, mapping.shape, names, ragged):
                hit = np.isin(chunk.row_numbers, by_row.index.to_numpy())
                written += _write(writer, schema, chunk.table.filter(pa.array(hit)), chunk.row_numbers[hit], by_row)
            if ragged.numbers:
                # A torn row has no columns; its text is put, as it came, in the first.
                texts = pa.array(ragged.texts, pa.string())
                empty = pa.repeat(pa.scalar(""), len(texts))
                table = pa.table([texts, *[empty] * (len(names) - 1)], names=names)
                written += _write(writer, schema, table, np.array(ragged.numbers, np.int64), by_row)
    return written


def _write(
    writer: pacsv.CSVWriter, schema: pa.Schema, table: pa.Table, numbers: np.ndarray, by_row: pd.DataFrame
) -> int:
    told = by_row.reindex(numbers)
    extra = [
        pa.array(numbers).cast(pa.string()),
        pa.array(told["reason"], pa.string()),
        pa.array(told["fix"], pa.string()),
    ]
    writer.write_table(pa.table([*table.columns, *extra], schema=schema))
    return int(table.num_rows)
