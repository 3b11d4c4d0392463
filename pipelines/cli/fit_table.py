"""`loda model fit-table`: any table of properties, ranked by how likely a column of it is positive."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.app import Json, print_json, sentences
from pipelines.cli.model import model_app


@model_app.command(
    "fit-table",
    epilog="Example: loda model fit-table buildings.csv.gz --label violations_2016 --group borough --out var/fitted",
)
def fit_table(
    file: Annotated[Path, typer.Argument(help="CSV (also packed, .csv.gz) or Parquet, a property a row.")],
    label: Annotated[str, typer.Option(help="Column to find: yes and no, 0 and 1, or a number (positive above 0).")],
    group: Annotated[str, typer.Option(help="Column of the borough or area that is left out whole.")],
    out: Annotated[Path, typer.Option(help="Folder for scores.parquet, reasons.parquet, report.json and .md, plots.")],
    known_by: Annotated[
        str | None,
        typer.Option(help="By when features were known: a column of days or years, or one year or day for all rows."),
    ] = None,
    exclude: Annotated[
        str, typer.Option(help='Columns to leave out, with commas between; one with a comma in its name as "a, b".')
    ] = "",
    as_json: Json = False,
) -> None:
    """Learn to rank a table's rows, each group scored by a model that has not seen it.

    Columns that could only be known with the answer are refused, and named with the reason: those of the label's own
    period or later, copies of it, days after the features were known, and missing values that give it away. Rows
    without an answer are scored, and neither learnt from nor judged.
    """
    from models.table import fit_table as fit

    with sentences():
        # Names as a line of a CSV, so that one with a comma can be given in quotation marks.
        chosen = [name.strip() for name in next(csv.reader([exclude], skipinitialspace=True), []) if name.strip()]
        report = fit(file, label, group, out, known_by=known_by, exclude=chosen)
        for column in report["refused"]:
            typer.echo(f"loda: '{column['column']}' was refused: {column['reason']}.", err=True)
        for doubt in report["doubts"]:
            typer.echo(f"loda: {doubt}.", err=True)
        if as_json:
            print_json(report)
        else:
            _print(report, out)


def _print(report: dict[str, Any], out: Path) -> None:
    from pipelines.cli.console import console, table_of

    group = report["group"]
    figures = ("rows", "positive", "AUC", "95%", "its AUC", "first 5%", "lift")
    table = table_of(
        *(group, "rows", "positive", "AUC", "95%", "best column", "its AUC", "first 5%", "lift"),
        right=figures,
        title=f"{report['label']}: each {group} scored by a model that has not seen it",
    )
    for name, own in report["groups"].items():
        one, interval = report["one_feature"][name], (own["intervals"] or {}).get("auc")
        table.add_row(
            name,
            f"{own['rows']:,}",
            _told(own["base_rate"], ".1%"),
            _told(own["auc"], ".3f"),
            f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "",
            one["column"] or "",
            _told(one["auc"], ".3f"),
            _told(own["precision_at"]["5%"], ".1%"),
            _told(own["lift_at"]["5%"], ".1f"),
        )
    console.print(table)
    unanswered = report["rows"] - report["labelled"]
    if unanswered:
        typer.echo(f"{unanswered:,} rows have no answer: they are scored, and neither learnt from nor judged.")
    typer.echo(f"{len(report['features'])} columns used, {len(report['refused'])} refused. Scores and report: {out}")


def _told(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
