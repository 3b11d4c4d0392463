"""The command that serves the officers' pages."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.app import app, sentences


@app.command(epilog="Example: loda serve --port 8001")
def serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for one that is free.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on; another than this machine's needs settings.")] = (
        "127.0.0.1"
    ),
) -> None:
    """Serve the pages where officers work the lists, until Ctrl-C."""
    from review import serve as pages

    with sentences():
        pages.serve(host, port, say=typer.echo)
