"""`loda model`: which models there are and which is used, how good they are, and what named persons do about it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.cli.console import need_ledger

model_app = typer.Typer(help="Models: which there are, and which is used.", no_args_is_help=True)
app.add_typer(model_app, name="model")

AsOf = Annotated[
    str, typer.Option(help="Day whose knowledge may be used, as 2026-09-30; empty means up to the newest extract.")
]
Who = Annotated[str, typer.Option(help="The person who answers for it.")]
Reason = Annotated[str, typer.Option(help="Why.")]


def _day(as_of: str) -> date:
    from pipelines import night

    need_ledger()
    return night.resolve_as_of(as_of or None)


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


@model_app.command("train", epilog="Example: loda model train --as-of 2026-09-30")
def model_train(as_of: AsOf = "", as_json: Json = False) -> None:
    """Train a model on what the lake has. It stays a challenger until a named person promotes it."""
    from pipelines import night

    with sentences():
        night.prepare()
        result = night.train(_day(as_of))
        if as_json:
            print_json({"outcome": result.outcome, "sentence": result.sentence, **result.counts})
        else:
            typer.echo(result.sentence)


@model_app.command("evaluate", epilog="Example: loda model evaluate hmo-2026-09-30-1a2b3c4d --as-of 2026-12-31 --json")
def model_evaluate(
    model: Annotated[str, typer.Argument(help="A model; without one the champion.")] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """How good a model is: its own trials, and what became known since it was trained."""
    from models.hmo import judge
    from pipelines.cli import model_display
    from pipelines.governance.reads import reading

    with sentences(), reading("model evaluate", "london"):
        found = judge.evaluate_model(model or None, _day(as_of))
        if as_json:
            print_json(found)
        else:
            model_display.print_evaluation(found)


@model_app.command("compare", epilog="Example: loda model compare hmo-2026-12-31-9f8e7d6c --json")
def model_compare(
    challenger: Annotated[str, typer.Argument(help="The challenger; without one the newest.")] = "",
    as_of: AsOf = "",
    as_json: Json = False,
) -> None:
    """Champion and challenger on the same homes, with a recommendation. Nothing is promoted by it."""
    from models.hmo import judge
    from pipelines.cli import model_display
    from pipelines.governance.reads import reading

    with sentences(), reading("model compare", "london"):
        found = judge.compare(challenger or None, _day(as_of))
        if as_json:
            print_json(found)
        else:
            model_display.print_comparison(found)


@model_app.command("backtest", epilog="Example: loda model backtest --as-of 2026-09-30 --steps 2 --out backtest")
def model_backtest(
    as_of: AsOf = "",
    steps: Annotated[int, typer.Option(min=1, max=8, help="Half years to go back and judge.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for report.md, report.json and pictures.")] = None,
    as_json: Json = False,
) -> None:
    """What past lists would have found: our model, other ways to learn, and what inspectors have without one."""
    from models.hmo import backtest_report
    from models.hmo.backtest import backtest
    from pipelines.governance.reads import reading

    with sentences(), reading("model backtest", "london"):
        report, tried = backtest(_day(as_of), steps)
        if out is not None:
            backtest_report.write(out, report, tried)
        if as_json:
            print_json(report)
        else:
            typer.echo(backtest_report.text(report))


@model_app.command("drift", epilog="Example: loda model drift --json")
def model_drift(
    picture: Annotated[Path | None, typer.Option(help="PNG file to draw every borough's shifts to.")] = None,
    as_json: Json = False,
) -> None:
    """What of each borough's inputs and scores has moved since the champion was trained, as of the last scores."""
    from models.hmo import drift
    from pipelines.cli import model_display

    with sentences():
        need_ledger()
        found = drift.as_kept()
        if picture is not None:
            drift.draw(picture, found)
        if as_json:
            print_json(found)
        else:
            model_display.print_drift(found)


@model_app.command("card", epilog="Example: loda model card --out cards")
def model_card(
    model: Annotated[str, typer.Argument(help="A model; without one the champion.")] = "",
    out: Annotated[Path | None, typer.Option(help="Folder to write to; without one beside the model.")] = None,
) -> None:
    """Write a model's card and its transparency record (ATRS) from what its run recorded."""
    from models.hmo import artefacts, judge, model_file
    from pipelines.core.bucket import Folder

    with sentences():
        need_ledger()
        folder = Folder(str(out)) if out else model_file.kept()
        for path in artefacts.write_documents(judge.model_of(model or None), folder):
            typer.echo(path)


@model_app.command(
    "promote",
    epilog="Example: loda model promote hmo-2026-09-30-1a2b3c4d --who 'B Example' --reason 'better in every borough'",
)
def model_promote(
    model: str,
    who: Who,
    reason: Reason,
) -> None:
    """Make a model the one that scores the next night. A named person does this, and it is audited."""
    from models import hmo

    with sentences():
        typer.echo(hmo.promote(model, who, reason).sentence)


@model_app.command(
    "rollback", epilog="Example: loda model rollback --who 'B Example' --reason 'finds fewer since the new extract'"
)
def model_rollback(who: Who, reason: Reason) -> None:
    """Make the champion before the current one champion again. A named person does this, and it is audited."""
    from models import hmo

    with sentences():
        need_ledger()
        typer.echo(hmo.rollback(who, reason).sentence)
