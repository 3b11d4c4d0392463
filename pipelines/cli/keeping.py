"""The commands that take a backup and put it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app, sentences


@app.command(epilog="Example: loda backup --out /mnt/backups/2026-09-30")
def backup(out: Annotated[Path, typer.Option(help="Folder for the backup; empty, or not there yet.")]) -> None:
    """Copy ledger, lake, bucket, lists and keys to a folder, with a manifest; waits for a night that runs."""
    from pipelines.keeping import back_up

    with sentences():
        made = back_up(out)
        typer.echo(
            f"{len(made['files'])} files and {sum(made['rows'].values()):,} rows of the ledger are in {out}. "
            "It holds personal data, and the keys unless settings give them: keep it as secret as the platform itself."
        )


@app.command(epilog="Example: LODA_HOME=/srv/loda loda restore /mnt/backups/2026-09-30")
def restore(backup: Annotated[Path, typer.Argument(help="Folder of a backup.")]) -> None:
    """Put a backup where the settings say that things lie; refuses a place that is not empty."""
    from pipelines.keeping import restore as put_back

    with sentences():
        made = put_back(backup)
        typer.echo(
            f"Restored and verified: {len(made['files'])} files, the ledger's rows, "
            f"and the audit log up to line {made['audit'].split(':')[0]}."
        )
