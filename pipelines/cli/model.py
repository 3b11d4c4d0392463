"""`loda model`: which models there are, and which is used."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.app import Json, app, print_json, sentences

model_app = typer.Typer(help="Models: which there are, and which is used.", no_args_is_help=True)
app.add_typer(model_app, name="model")


@model_app.command("list", epilog="Example: loda model list --json")
def model_list(as_json: Json = False) -> None:
    """Every model: when it was trained, what it scored, who promoted it."""
    from pipelines.cli import display

    with sentences():
        rows = display.model_rows()
        if as_json:
            print_json(rows)
        else:
            display.print_models(rows)


@model_app.command(
    "promote",
    epilog="Example: loda model promote hmo-2026-09-30-1a2b3c4d --who 'B Example' --reason 'better in every borough'",
)
def model_promote(
    model: str,
    who: Annotated[str, typer.Option(help="The person who answers for it.")],
    reason: Annotated[str, typer.Option(help="Why.")],
) -> None:
    """Make a model the one that scores the next night. A named person does this, and it is audited."""
    from models import hmo

    with sentences():
        typer.echo(hmo.promote(model, who, reason).sentence)
