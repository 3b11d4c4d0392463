"""`loda link`: any file of addresses against any gazetteer; and, below it, what people decide about links."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.cli.link_review import mount

FILE = "file"


class FileUnlessNamed(TyperGroup):
    """`loda link FILE ...` is the command `file`; a first word that names another command is that command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the default command's name before anything that is neither a command nor a call for help."""
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = [FILE, *args]
        return super().parse_args(ctx, args)


link_app = typer.Typer(
    cls=FileUnlessNamed,
    help="Tie a file of addresses to a gazetteer: loda link FILE --gazetteer GAZ --out OUT.",
    no_args_is_help=True,
)
app.add_typer(link_app, name="link")
mount(link_app)


@link_app.command(FILE, epilog="Example: loda link complaints.csv --gazetteer llpg.csv --out linked.csv")
def file(
    file: Annotated[Path, typer.Argument(help="CSV or Parquet file of addresses.", show_default=False)],
    gazetteer: Annotated[Path, typer.Option(help="CSV or Parquet with uprn, and address or its parts.")],
    out: Annotated[Path, typer.Option(help="File to write; Parquet if it ends so, else CSV.")],
    address: Annotated[str, typer.Option(help="Columns of the address, with commas between.")] = "",
    postcode: Annotated[str, typer.Option(help="Column of the postcode.")] = "",
    uprn: Annotated[str, typer.Option(help="Column of UPRNs that the rows state themselves.")] = "",
    as_json: Json = False,
) -> None:
    """Tie each row of a file to a property of a gazetteer, or say why not.

    OUT has a row for each row of FILE, in its order: row (from 0), uprn (empty where it is tied to nothing), decision
    (linked, parent, review, none), reason, stage, probability, gap (to the runner-up), runner_up.
    """
    from pipelines.link.workers import give_memory_back, warm

    with sentences():
        warm(file)  # the workers load while this process does
    give_memory_back()
    from pipelines.link.file import link_file, write_linked

    with sentences():
        made = link_file(
            file,
            gazetteer,
            address=[c.strip() for c in address.split(",") if c.strip()],
            postcode=postcode or None,
            uprn=uprn or None,
        )
        write_linked(made.table, out)
        if as_json:
            print_json(made.summary)
        else:
            for line in made.told(out):
                typer.echo(line)


@link_app.command("train", epilog="Example: loda link train --out var/pair_model")
def train(
    out: Annotated[Path, typer.Option(help="Folder to write pair_model.npz and pair_model.json to.")],
    borough: Annotated[list[str] | None, typer.Option(help="Gazetteers to train on; all there are if none.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed and gazetteers make the same model.")] = 1,
    as_json: Json = False,
) -> None:
    """Train the pair model on this installation's gazetteers, their addresses written wrongly: no labels are needed.

    Four gazetteers at least; every fourth is held out, and on those the model is calibrated and its thresholds are
    chosen. The night uses the model that lies in pipelines/link/, made so from eight synthetic boroughs.
    """
    from pipelines.core.settings import settings
    from pipelines.link import training

    with sentences():
        made = training.train(training.gazetteers_of(borough or None), seed, settings().workers)
        training.save(made, out)
        if as_json:
            print_json({name: made.card[name] for name in ("gazetteers", "pairs", "thresholds", "missing")})
        else:
            cut = made.card["thresholds"]["link_from"]
            typer.echo(f"The model is in {out}. A building is taken from an estimated probability of {cut} on.")
