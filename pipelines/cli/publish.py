"""`loda publish --open`: what everybody may have."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.app import app, sentences
from pipelines.cli.console import need_ledger
from pipelines.core.errors import LodaError


@app.command(epilog="Example: loda publish --open")
def publish(
    open_: Annotated[bool, typer.Option("--open", help="Figures by area, from which nobody is worked out.")] = False,
    out: Annotated[str, typer.Option(help="Folder or fsspec URL; empty means open/ where lists are published.")] = "",
) -> None:
    """Write this quarter's open data: figures by borough, ward and LSOA, published once a quarter."""
    from pipelines.publish.open.stage import publish_open

    with sentences():
        if not open_:
            raise LodaError("Say what to publish: loda publish --open.")
        need_ledger()
        found = publish_open(out)
        if not found.made:
            typer.echo(f"The {found.words} was published on {found.issued} and stands: {found.url}/index.html")
            return
        count = f"{found.rows:,} figures of {found.boroughs} borough{'' if found.boroughs == 1 else 's'}"
        typer.echo(f"The {found.words} is published: {count}; begin with {found.url}/index.html")
