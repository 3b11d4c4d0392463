"""Commands about what boroughs are told: what to send, what is due, how good it was, and who runs which system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.cli.console import console, need_ledger, table_of
from pipelines.core.errors import NotFound

if TYPE_CHECKING:
    from pipelines.publish.scorecards import Line

OutFolder = Annotated[Path | None, typer.Option(help="Folder to write the files to; it is made where it is missing.")]


@app.command(epilog="Example: loda datasets --out pages/")
def datasets(out: OutFolder = None, as_json: Json = False) -> None:
    """What to send: a page, a template (CSV, XLSX) and a sample for every dataset, from the contracts."""
    from schemas import registry
    from schemas.guidance import every

    with sentences():
        if out is not None:
            from pipelines.publish.dataset_pages import dataset_files

            written = _write(out, dataset_files())
            if as_json:
                print_json({"folder": str(out), "files": written})
            else:
                typer.echo(f"{len(written)} files; begin with {out / 'index.html'}")
            return
        rows: list[dict[str, Any]] = [
            {
                "dataset": contract.dataset,
                "title": contract.title,
                "purpose": contract.purpose,
                "one_row": contract.grain,
                "how_often": every(contract),
                "columns": len(contract.fields),
                "must_be_filled": list(contract.required),
            }
            for contract in registry.contracts().values()
        ]
        if as_json:
            print_json(rows)
            return
        table = table_of("Dataset", "What it is for", "How often", "Columns")
        for row in rows:
            table.add_row(row["dataset"], row["purpose"], row["how_often"], str(row["columns"]))
        console.print(table)
        typer.echo("Pages, templates and samples: loda datasets --out FOLDER")


@app.command(epilog="Example: loda notices --borough camden --all")
def notices(
    borough: Annotated[str, typer.Option(help="Only this borough.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Also what is in time.")] = False,
    as_json: Json = False,
) -> None:
    """Extracts that are due soon, late or missing today, by each borough's calendar, and what is in use meanwhile."""
    from pipelines.core import clock
    from pipelines.publish.due import WORDS, standings
    from pipelines.publish.notices import TOLD, sentence_of, standing_data
    from schemas import registry

    with sentences():
        need_ledger()
        if borough:
            registry.borough(borough)
        today = clock.today()
        found = [
            standing
            for slug, of_borough in standings(today).items()
            for standing in of_borough
            if borough in ("", slug) and (everything or standing.state in TOLD)
        ]
        if as_json:
            print_json(
                [
                    {
                        "borough": standing.borough,
                        **standing_data(standing),
                        "age_days": standing.age(today),
                        "sentence": sentence_of(standing, today),
                    }
                    for standing in found
                ]
            )
            return
        if not found:
            typer.echo("Nothing is late, missing or due soon.")
        for standing in found:
            grave = standing.state in ("late", "missing")
            words = f"[red]{WORDS[standing.state]}[/red]" if grave else WORDS[standing.state]
            told = escape(sentence_of(standing, today))
            console.print(f"{standing.borough:<24} {standing.dataset:<20} {words}: {told}", soft_wrap=True)


@app.command(epilog="Example: loda scorecard camden")
def scorecard(borough: str, as_json: Json = False) -> None:
    """How good each of a borough's datasets was on arrival, beside the London median and the extract before."""
    from pipelines.publish.scorecard_pages import scorecard_rows
    from pipelines.publish.scorecards import scorecards
    from schemas import registry

    with sentences():
        need_ledger()
        name = registry.borough(borough).name
        cards = scorecards().cards.get(borough, ())
        if as_json:
            print_json(scorecard_rows(cards))
            return
        if not cards:
            raise NotFound(f"No extract of {name} has been scored yet; 'loda status' says what has arrived.")
        typer.echo(f"{name}, newest extracts in percent; ▲ above, ▼ below, = the London median\n")
        typer.echo(f"{'Dataset':<22}{'Extract of':<12}" + "".join(f"{short:>8}" for short in SHORT.values()))
        for card in cards:
            dataset = card.dataset if card.source == "main" else f"{card.dataset} {card.source}"
            shares = "".join(f"{_cell(card.line(key)):>8}" for key in SHORT)
            typer.echo(f"{dataset:<22}{card.arrivals[-1].extract_date!s:<12}{shares}")


SHORT = {
    "completeness": "Compl.",
    "conformity": "Conf.",
    "validity": "Valid.",
    "uniqueness": "Uniq.",
    "consistency": "Cons.",
    "timeliness": "In time",
    "uprn_filled": "UPRN",
    "uprn_in_gazetteer": "In gaz.",
}
"""Lines of a scorecard as they fit a terminal."""
SIGNS = {"above": "▲", "below": "▼", "same": "=", "": " "}


def _cell(line: Line | None) -> str:
    from pipelines.publish.sparkline import percent

    if line is None or line.latest is None:
        return "- "
    return percent(line.latest).removesuffix("%") + SIGNS[line.against_london]


@app.command(epilog="Example: loda systems --out catalogue/")
def systems(out: OutFolder = None, as_json: Json = False) -> None:
    """Which borough runs which source system for which dataset, read from the mappings."""
    from dataclasses import asdict

    from pipelines.publish.catalogue import catalogue, catalogue_files

    with sentences():
        need_ledger()
        entries = catalogue()
        if out is not None:
            written = _write(out, catalogue_files(entries))
            if not as_json:
                typer.echo(f"{len(written)} files; begin with {out / 'index.html'}")
        if as_json:
            print_json([asdict(entry) for entry in entries])
        elif out is None:
            boroughs: dict[str, set[str]] = {}
            for entry in entries:
                boroughs.setdefault(entry.product, set()).add(entry.borough)
            table = table_of("Product", "Boroughs", "Which")
            for product, own in sorted(boroughs.items(), key=lambda item: (-len(item[1]), item[0])):
                table.add_row(escape(product), str(len(own)), ", ".join(sorted(own)))
            console.print(table)


@app.command(epilog="Example: loda pages")
def pages(as_json: Json = False) -> None:
    """Write now what the night writes: dataset pages, the catalogue of systems, scorecards, and notices."""
    from dataclasses import asdict

    from pipelines import publish
    from pipelines.core.settings import settings

    with sentences():
        need_ledger()
        results = [publish.publish_pages(), publish.notify()]
        if as_json:
            print_json([asdict(result) for result in results])
            return
        for result in results:
            typer.echo(f"{result.stage}: {result.sentence}")
        typer.echo(f"They lie in {settings().published_url}; notices beside each borough's drops.")


def _write(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return sorted(files)
