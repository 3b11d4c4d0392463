"""`loda outcomes`: what visits found, for boroughs whose officers stay in their own case system."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.cli.console import console, need_ledger, table_of

outcomes_app = typer.Typer(help="What visits found.", no_args_is_help=True)
app.add_typer(outcomes_app, name="outcomes")
SHOWN = 20
"""Refused rows that are printed for people; `--json` has all of them."""


@outcomes_app.command("import", epilog="Example: loda outcomes import visits.csv --borough camden --who 'A Example'")
def import_(
    file: Path,
    borough: Annotated[str, typer.Option(help="Whose visits they are.")],
    who: Annotated[str, typer.Option(help="The person who answers for it; LODA_OPERATOR unless named.")] = "",
    as_json: Json = False,
) -> None:
    """Take in a file of outcomes. Exit code 1 if a row was refused; the others are taken.

    What stands already is known again by property, day and finding, so a mended file is imported as a whole.
    """
    from pipelines.casework import imports
    from pipelines.core.settings import settings

    with sentences():
        need_ledger()
        taken = imports.take(file, borough, who or settings().operator)
        if as_json:
            refused = [{"row": row.row, "sentence": row.sentence} for row in taken.refused]
            counts = {"rows_in": taken.rows_in, "accepted": taken.accepted, "known": taken.known}
            print_json({**counts, "refused": refused, "before": taken.before})
        elif taken.before is not None:
            typer.echo(taken.before)
        else:
            typer.echo(
                f"{taken.rows_in:,} rows in = {taken.accepted:,} accepted + {taken.known:,} known already + "
                f"{len(taken.refused):,} refused. The next night learns from what was accepted."
            )
            for row in taken.refused[:SHOWN]:
                typer.echo(row.sentence)
            if len(taken.refused) > SHOWN:
                typer.echo(f"... and {len(taken.refused) - SHOWN:,} more; --json has all of them.")
        if taken.refused:
            raise typer.Exit(1)


@outcomes_app.command("template", epilog="Example: loda outcomes template > visits.csv")
def template() -> None:
    """A CSV with the headings that 'loda outcomes import' reads, and one row as an example."""
    from pipelines.casework import imports

    typer.echo(imports.template(), nl=False)


@outcomes_app.command("list", epilog="Example: loda outcomes list camden --json")
def list_(
    borough: str,
    history: Annotated[bool, typer.Option("--history", help="Those that were corrected as well.")] = False,
    as_json: Json = False,
) -> None:
    """What visits of a borough found, the newest first. It is personal data: that it was read is on record."""
    from pipelines.casework import reading

    with sentences():
        need_ledger()
        rows = reading.recorded(borough, history=history)
        if as_json:
            print_json(rows)
        elif not rows:
            console.print(f"No outcome is recorded for {escape(borough)} yet.")
        else:
            _print(rows)


def _print(rows: list[dict[str, Any]]) -> None:
    table = table_of("visited", "UPRN", "address", "found", "how", "officer", "")
    for row in rows:
        tried = f", try {row['attempt']}" if row["attempt"] else ""
        state = "corrected since" if row["superseded_at"] else ""
        cells = (row["visited_on"], row["uprn"], row["address"], row["found_words"] + tried, row["method_words"])
        table.add_row(*(escape(cell) for cell in (*cells, row["officer"], state)))
    console.print(table)
