"""`loda publish --open`: what everybody may have."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app, sentences
from pipelines.cli.console import need_ledger
from pipelines.core.errors import LodaError


@app.command(epilog="Example: loda publish --open --out open/ --as-of 2026-09-30")
def publish(
    open_: Annotated[bool, typer.Option("--open", help="Counts by area, small numbers protected.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder; empty means open/<as-of>/ where lists go.")] = None,
    as_of: Annotated[str, typer.Option(help="Records up to this day, as 2026-09-30; empty means today.")] = "",
) -> None:
    """Write open data: counts by borough, ward and LSOA from which nobody can be worked out."""
    from pipelines.publish.open.stage import describe, publish_open

    with sentences():
        if not open_:
            raise LodaError("Say what to publish: loda publish --open.")
        try:
            day = date.fromisoformat(as_of) if as_of else None
        except ValueError:
            raise LodaError(f"'{as_of}' is no day; write it as 2026-09-30.") from None
        need_ledger()
        target = publish_open(out, day)
        said = describe(target)
        typer.echo(f"{said['rows']:,} counts, {said['hidden']:,} of them hidden; begin with {target / 'index.html'}")
