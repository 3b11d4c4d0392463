"""`loda spread`: links and features of many boroughs by the workers of a Dask cluster."""

from __future__ import annotations

import dataclasses
import time
from typing import Annotated

import typer

from pipelines.cli.app import Json, app, print_json, sentences


@app.command(epilog="Example: loda spread --scheduler tls://dask.example:8786 --borough camden --borough bexley")
def spread(
    scheduler: Annotated[str, typer.Option(help="Address of the Dask scheduler; tcp:// on this machine alone.")],
    borough: Annotated[list[str] | None, typer.Option(help="Only this borough; may be given more than once.")] = None,
    as_of: Annotated[
        str, typer.Option(help="Day whose knowledge may be used, as 2026-09-30; empty means up to the newest extract.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Link boroughs' records and make their features, on as many hosts as have workers. Makes no lists.

    Exit code 0 when every borough went through, 1 when one failed (the others are done).
    """
    from pipelines.cli import display

    with sentences():
        from pipelines.spread import spread as stage

        started = time.perf_counter()
        report = stage(
            scheduler, borough or None, as_of or None, progress=lambda *_: None if as_json else display.progress(*_)
        )
        seconds = time.perf_counter() - started
        if as_json:
            failed = [dict(zip(("stage", "borough", "sentence"), fault, strict=True)) for fault in report.failures]
            results = [dataclasses.asdict(result) for result in report.results]
            print_json({"as_of": report.as_of, "seconds": round(seconds, 1), "results": results, "failures": failed})
        else:
            display.print_spread(report, seconds)
        if report.failures:
            raise typer.Exit(1)
