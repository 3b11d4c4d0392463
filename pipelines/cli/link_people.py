"""`loda link-people`: which rows of one file, or of two, are the same person or firm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.core.errors import LodaError

if TYPE_CHECKING:
    from pipelines.link.people import Linked


@app.command(
    "link-people", epilog="Example: loda link-people register.csv agents.csv --out entities.csv --edges why.csv"
)
def link_people(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet, a person or firm a row.")],
    file2: Annotated[
        Path | None, typer.Argument(help="A second file: link the two. Without it: find duplicates.")
    ] = None,
    out: Annotated[Path, typer.Option(help="File for one row an input row: file, row, entity, size, decision.")] = ...,  # type: ignore[assignment]
    edges: Annotated[Path | None, typer.Option(help="File for the pairs, each with its probability and why.")] = None,
    columns: Annotated[
        list[str] | None,
        typer.Option(
            help="What a column holds, as surname=COLUMN; may be given more than once. 'ignore' leaves it out."
        ),
    ] = None,
    id_column: Annotated[str | None, typer.Option("--id", help="A column to repeat beside each row number.")] = None,
    as_json: Json = False,
) -> None:
    """Find which rows are one person or firm, in one file or between two, and say why.

    Columns are recognised from their headings and values. A row may have several partners in the other file. A name
    alone joins nobody: such pairs are for review.
    """
    from pipelines.link.people import link_files
    from pipelines.link.people.files import write

    with sentences():
        files = [file] if file2 is None else [file, file2]
        taken = {path.resolve() for path in files}
        for path in (out, edges):
            if path is not None and path.resolve() in taken:
                raise LodaError(f"{path} is read and cannot be written over; give the answer another name.")
        found = link_files(files, _given(columns or []), id_column)
        write(found.rows, out)
        if edges is not None:
            write(found.edges, edges)
        if as_json:
            print_json({"files": found.roles, "counts": found.matched.counts, "left_out": _left_out(found)})
        else:
            _print(found, out)


def _given(columns: list[str]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for text in columns:
        role, equals, name = text.partition("=")
        if not equals or not name.strip():
            raise LodaError(f"'{text}' does not say what a column holds; write it as --columns surname=COLUMN.")
        given.setdefault(role.strip(), []).append(name.strip())
    return given


def _left_out(found: Linked) -> list[dict[str, str | int]]:
    return [{"key": key, "blocks": blocks, "pairs": pairs} for key, (blocks, pairs) in found.matched.left_out.items()]


def _print(found: Linked, out: Path) -> None:
    for name, roles in found.roles.items():
        typer.echo(f"{name}: " + "; ".join(f"{role} from {', '.join(own)}" for role, own in roles.items()))
    counts = found.matched.counts
    typer.echo(
        f"{int(counts['records']):,} rows are {int(counts['entities']):,} people and firms; "
        f"{int(counts['review']):,} pairs are for review. {out}"
    )
    for part in _left_out(found):
        typer.echo(
            f"Not all compared: {part['blocks']:,} groups that agree on {part['key']} are too large "
            f"({part['pairs']:,} pairs); they met through other columns only."
        )
