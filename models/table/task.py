"""The one entry: a file in; scores, reasons, a report and pictures out."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.table import fit, report, words
from models.table.design import read_task
from pipelines.core.errors import LodaError

WRITTEN = ("scores.parquet", "reasons.parquet", "report.json", "report.md", *words.ALT)


def fit_table(
    file: Path, label: str, group: str, out: Path, known_by: str | None = None, exclude: Sequence[str] = ()
) -> dict[str, Any]:
    """Learn to rank the rows of a table, each group scored by a model that has not seen it.

    Args:
        file: CSV (also .csv.gz) or Parquet, a row a property.
        label: column of the answers; a row without one is scored, and neither learnt from nor judged.
        group: column of the groups that are left out whole.
        out: folder for scores.parquet, reasons.parquet, report.json, report.md and the pictures.
        known_by: a column that says by when each row's features were known, or one year or day for all rows.
        exclude: columns that are not to be used.

    Returns:
        What report.json holds; docs/fit-table.md says what each key is.

    Raises:
        NotFound: there is no such file.
        LodaError: the file, a column or the answers will not do; the sentence says what to mend.
    """
    task = read_task(file, label, group, known_by, exclude)
    _ready(out)
    fitted = fit.fit_groups(task)
    ahead = fit.forward(task)
    told = report.figures(task, fitted, ahead)
    report.write_scores(task, fitted, out / "scores.parquet")
    report.write_reasons(task, fitted, out / "reasons.parquet")
    pictures = report.draw(task, fitted, told, out)
    text = json.dumps(told, indent=2, ensure_ascii=False)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    (out / "report.md").write_text(words.markdown(told, pictures), encoding="utf-8")
    return told


def _ready(out: Path) -> None:
    """Make the folder, and find out before anything is learnt whether the results can be written to it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
        if any((out / name).is_dir() for name in WRITTEN):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise LodaError(
            f"Nothing can be written to '{out}' ({error.strerror}): give --out another folder, or a new one."
        ) from error
