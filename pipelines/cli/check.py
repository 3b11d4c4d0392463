"""`loda check`: what the night would answer to a file, before anybody drops it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.core.errors import LodaError, NotFound

if TYPE_CHECKING:
    from pipelines.rehearsal import Rehearsal

NOT_ACCEPTED = 65
LAYOUT = frozenset({"no_mapping", "layout_changed"})


@app.command(epilog="Example: loda check council_tax_2026-03.csv --borough camden --dataset council_tax")
def check(
    file: Annotated[Path, typer.Argument(help="The extract, as it would be dropped.", show_default=False)],
    borough: Annotated[str, typer.Option(help="Whose extract it is, such as camden.")] = "",
    dataset: Annotated[str, typer.Option(help="What it holds, such as council_tax.")] = "",
    html: Annotated[Path | None, typer.Option(help="File to write the receipt to as a page.")] = None,
    quarantine: Annotated[
        Path | None, typer.Option(help="File to write the rows to that would be set aside, to be corrected (CSV).")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer a file as the night would, and store nothing.

    Exit code 0 where it would be accepted, also with rows to correct; 65 where it would be held or refused.
    """
    with sentences():
        _check_given(file, borough, dataset)
        made = _rehearsed(file, borough, dataset)
        if html is not None:
            _write(html, made.html())
        if quarantine is not None and made.quarantine_csv is not None:
            _write(quarantine, made.quarantine_csv)
        if as_json:
            print_json(made.receipt)
        else:
            typer.echo(made.text(), nl=False)
            for line in _afterwards(made.receipt, file, html, quarantine):
                typer.echo(line)
        if not made.would_be_accepted:
            raise typer.Exit(NOT_ACCEPTED)


def _check_given(file: Path, borough: str, dataset: str) -> None:
    """Say plainly what is missing or not known, before anything is read."""
    from schemas import registry

    if not borough:
        raise LodaError("Say whose extract it is: --borough camden. 'loda status' lists the boroughs.")
    registry.borough(borough)
    if not dataset:
        known = ", ".join(registry.contracts())
        raise LodaError(f"Say what the file holds: --dataset council_tax. There are {known}.")
    registry.contract(dataset)
    if not file.is_file():
        raise NotFound(f"There is no file '{file}'.")


def _rehearsed(file: Path, borough: str, dataset: str) -> Rehearsal:
    from pipelines.core.bucket import Folder
    from pipelines.extracts import Extract
    from pipelines.rehearsal import rehearse

    place = file.absolute()
    extract = Extract(Folder(f"file://{place.parent}"), place.name, place.suffix.lower())
    return rehearse(extract, borough=borough, dataset=dataset, file_name=place.name)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise LodaError(f"'{path}' cannot be written ({error.strerror}).") from error


def _afterwards(receipt: dict[str, object], file: Path, html: Path | None, quarantine: Path | None) -> list[str]:
    """What was written and what can be done next, a line each."""
    lines = []
    if receipt["reason"] in LAYOUT:
        lines.append(
            f"\nNext: loda onboard '{file}' --borough {receipt['borough']} --dataset {receipt['dataset']} "
            "proposes a mapping for this layout."
        )
    if html is not None:
        lines.append(f"The receipt as a page is in {html}.")
    if quarantine is not None:
        wrote = receipt["quarantine_file"] is not None
        lines.append(f"The rows to correct are in {quarantine}." if wrote else "There is no row to correct.")
    elif receipt["quarantine_file"]:
        lines.append("\nNext: --quarantine FILE writes the rows that would be set aside, to be corrected.")
    return lines
