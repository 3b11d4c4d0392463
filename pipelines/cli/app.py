"""The commands. What they print for people is in `display`, what they mean is in the stages."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipelines.core.errors import LodaError


@contextmanager
def sentences() -> Iterator[None]:
    """A user's mistake, and a store that is away, end in one sentence and an exit code, never in a stack trace."""
    try:
        yield
    except LodaError as error:
        typer.echo(f"loda: {error}", err=True)
        raise typer.Exit(error.exit_code) from error
    except typer.Exit:
        raise  # it was told further in
    except Exception as error:
        from pipelines.core import outside

        sentence = outside.sentence_of(error)
        if sentence is None:
            raise
        typer.echo(f"loda: {sentence}", err=True)
        raise typer.Exit(outside.Outside.exit_code) from error


class _Commands(TyperGroup):
    """All commands; what one of them forgets to tell in a sentence is told in one here."""

    def invoke(self, ctx: Any) -> Any:
        with sentences():
            return super().invoke(ctx)


app = typer.Typer(
    name="loda",
    cls=_Commands,
    help="Boroughs' extracts in, ranked lists of likely unlicensed HMOs out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


class Format(StrEnum):
    """How a list is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def print_json(value: object) -> None:
    """Plain data for a program."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


@app.command(epilog="Example: loda demo --boroughs camden,bexley --dwellings 2000 --seed 1 --nights 2")
def demo(
    boroughs: Annotated[str, typer.Option(help="Borough slugs with commas between, or how many of London's 33.")] = "",
    dwellings: Annotated[int, typer.Option(min=0, help="Dwellings a borough; 0 for its published number.")] = 5000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 1,
    nights: Annotated[int, typer.Option(min=1, max=366, help="Nights of extracts.")] = 1,
    out: Annotated[str, typer.Option(help="Bucket to drop into; empty means LODA_BUCKET_URL.")] = "",
    truth: Annotated[str, typer.Option(help="Folder for the truth, apart; empty means LODA_HOME/truth.")] = "",
    as_json: Json = False,
) -> None:
    """Make synthetic extracts of London boroughs, each in its own layout and with its own faults."""
    from pipelines import demo as generator
    from pipelines.cli import display
    from pipelines.core.settings import settings
    from pipelines.demo import reference

    with sentences():
        chosen = display.chosen_boroughs(boroughs, generator.DEFAULT_BOROUGHS)
        made = generator.make(
            out or settings().bucket_url,
            truth or str(settings().home / "truth"),
            chosen,
            dwellings or None,
            seed,
            nights,
        )
        reference.write(settings().reference_dir, chosen, dwellings or None, seed)
        display.demo_summary(made, as_json=as_json)


@app.command(epilog="Example: loda run --as-of 2026-09-30 --borough camden")
def run(
    as_of: Annotated[
        str, typer.Option(help="Day whose knowledge may be used, as 2026-09-30; empty means up to the newest extract.")
    ] = "",
    borough: Annotated[list[str] | None, typer.Option(help="Only this borough; may be given more than once.")] = None,
    retrain: Annotated[bool, typer.Option(help="Train a new model even though one is in use.")] = False,
    as_json: Json = False,
) -> None:
    """Run the night: take in new drops, link, score, and issue each borough's list.

    Exit code 0 when every borough went through, 1 when one failed (the others are out).
    """
    from pipelines import whole_night
    from pipelines.cli import display

    with sentences():
        started = datetime.now(UTC)
        clock = time.perf_counter()
        report = whole_night.run(
            as_of or None,
            borough or None,
            retrain=retrain,
            progress=lambda *_: None if as_json else display.progress(*_),
        )
        summary = display.night_summary(report, started, time.perf_counter() - clock)
        if as_json:
            print_json(summary)
        else:
            display.print_night(summary)
        if report.failures:
            raise typer.Exit(1)


@app.command(epilog="Example: loda status --json")
def status(as_json: Json = False) -> None:
    """The last good state of every borough and dataset, and each borough's current list."""
    from pipelines.cli import display

    with sentences():
        rows = display.status_rows()
        if as_json:
            print_json(rows)
        else:
            display.print_status(rows)


@app.command("list", epilog="Example: loda list camden --capacity 40 --format csv > camden.csv")
def list_(
    borough: str,
    capacity: Annotated[
        int | None, typer.Option(min=1, help="How many visits can be made; the list is cut there.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="How to print it.")] = Format.TABLE,
) -> None:
    """A borough's current ranked list of likely unlicensed HMOs: leads to check, not findings."""
    from pipelines.cli import display
    from pipelines.ranking import current_list
    from schemas import registry

    with sentences():
        registry.borough(borough)
        issued, entries = current_list(borough, capacity)
        rows = display.list_rows(entries)
        if form is Format.JSON:
            print_json({**display.list_heading(issued), "entries": rows})
        elif form is Format.CSV:
            import pandas as pd

            from pipelines.publish import safe_frame

            frame = pd.DataFrame([{**row, "reasons": "; ".join(row["reasons"])} for row in rows])
            if issued.control_frame:
                frame["probability"] = ""  # it would tell which entries were drawn at random
            sys.stdout.write(safe_frame(frame).to_csv(index=False))
        else:
            display.print_list(issued, rows)


@app.command(epilog="Example: loda receipt camden-council_tax-3f9a1c2b7d10 --html receipt.html")
def receipt(
    drop: Annotated[str, typer.Argument(help="A drop's name, or the path of its file in the bucket.")],
    html: Annotated[Path | None, typer.Option(help="File to write the receipt to as a page.")] = None,
    as_json: Json = False,
) -> None:
    """The receipt of one drop: what was accepted, what was not, why, and what to do."""
    from pipelines.cli import display
    from pipelines.publish import receipt_html, receipt_text

    with sentences():
        found = display.find_receipt(drop)
        if html is not None:
            html.write_bytes(receipt_html(found))
        if as_json:
            print_json(found)
        elif html is not None:
            typer.echo(f"The receipt as a page is in {html}.")
        else:
            typer.echo(receipt_text(found), nl=False)


@app.command(epilog="Example: loda doctor")
def doctor(as_json: Json = False) -> None:
    """Check the configuration and every connection, and say what to do. Exit code 1 if something must be mended."""
    from pipelines.cli import display
    from pipelines.cli.doctor import findings

    found = findings()
    if as_json:
        print_json([{"check": f.check, "ok": f.ok, "sentence": f.sentence} for f in found])
    else:
        display.print_doctor(found)
    if not all(f.ok for f in found):
        raise typer.Exit(1)


@app.command(epilog="Example: loda template council_tax > council_tax.csv")
def template(
    dataset: Annotated[str, typer.Argument(help="A dataset, or 'all' with --out.")],
    out: Annotated[Path | None, typer.Option(help="Folder to write <dataset>.csv to.")] = None,
) -> None:
    """An empty CSV with the headings of a dataset, generated from its contract."""
    from schemas import registry
    from schemas.template import csv_template

    with sentences():
        wanted = list(registry.contracts()) if dataset == "all" else [registry.contract(dataset).dataset]
        if out is None and len(wanted) > 1:
            raise LodaError("Say where the templates go: loda template all --out FOLDER.")
        for name in wanted:
            text = csv_template(registry.contract(name))
            if out is None:
                sys.stdout.write(text)
            else:
                out.mkdir(parents=True, exist_ok=True)
                (out / f"{name}.csv").write_text(text, encoding="utf-8")
                typer.echo(out / f"{name}.csv")


@app.command(epilog="Example: loda tonight")
def tonight(top: Annotated[int, typer.Option(min=1, help="Entries of each list to show.")] = 5) -> None:
    """Each borough's receipts in short, the top of its list, and where everything lies."""
    from pipelines.cli import display

    with sentences():
        display.print_tonight(top)
