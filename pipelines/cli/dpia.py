"""`loda governance`: papers for whoever answers for lawfulness, made from what the software obeys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app, sentences
from pipelines.core.errors import LodaError

governance_app = typer.Typer(help="Papers made from agreements and contracts.", no_args_is_help=True)
app.add_typer(governance_app, name="governance")


@governance_app.callback()
def governance() -> None:
    """Papers made from agreements and contracts."""


@governance_app.command("dpia", epilog="Example: loda governance dpia --out dpia.md")
def dpia(
    out: Annotated[Path | None, typer.Option(help="File to write it to; printed where none is given.")] = None,
) -> None:
    """A start for a data protection impact assessment; what a person must write is marked FILL IN."""
    from pipelines.governance import dpia as paper
    from schemas import registry

    with sentences():
        text = paper.page(registry.agreements(), registry.contracts())
        if out is None:
            typer.echo(text, nl=False)
            return
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as error:
            raise LodaError(
                f"{out} cannot be written ({error.strerror}); name a file in a folder that is there."
            ) from error
        typer.echo(f"Written to {out}. {text.count(paper.BLANK) - 1} places are marked FILL IN for a person.")
