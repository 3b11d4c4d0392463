"""`loda gate`: the drops that are held, and what a named person decides about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.cli.console import console, need_ledger
from pipelines.core.errors import LodaError

gate_app = typer.Typer(help="Held drops: which there are, and a person's decision on them.", no_args_is_help=True)
app.add_typer(gate_app, name="gate")

Who = Annotated[str, typer.Option(help="The person who answers for it.")]
Reason = Annotated[str, typer.Option(help="Why; read by the borough and kept for good, so name nobody in it.")]
NOW = ("harmonise", "gate", "publish_drops")


@gate_app.command("list", epilog="Example: loda gate list --borough camden")
def gate_list(
    borough: Annotated[str, typer.Option(help="Only this borough.")] = "",
    decided: Annotated[bool, typer.Option("--decided", help="Show the decisions made instead.")] = False,
    as_json: Json = False,
) -> None:
    """Drops that are held: why, and whether a person may release them or what is to be done instead."""
    from pipelines.gate import decisions

    with sentences():
        need_ledger()
        if decided:
            _print(decisions.decisions(borough or None), as_json, _decision_lines, "Nothing has been decided yet.")
        else:
            found = [asdict(waiting) for waiting in decisions.held(borough or None)]
            _print(found, as_json, _held_lines, "No drop is held.")


@gate_app.command(
    "release",
    epilog="Example: loda gate release camden-hmo_licence-3f9a1c2b7d10 --who 'A Example' --reason 'a scheme has ended'",
)
def gate_release(
    drop: str,
    who: Who,
    reason: Reason,
    now: Annotated[bool, typer.Option("--now", help="Publish it at once instead of with the next night.")] = False,
    as_json: Json = False,
) -> None:
    """Let a held drop through. It is read and judged again, with the holds waived that a person may lift."""
    from pipelines.gate import decisions

    with sentences():
        need_ledger()
        borough = decisions.release(drop, who, reason)
        if now:
            _through(borough)
        _answer(drop, as_json, "It is read again and published by the next night; --now would have done it at once.")


@gate_app.command(
    "refuse",
    epilog="Example: loda gate refuse camden-hmo_licence-3f9a1c2b7d10 --who 'A Example' --reason 'a test export'",
)
def gate_refuse(drop: str, who: Who, reason: Reason, as_json: Json = False) -> None:
    """Turn a held drop down for good. The last good extract stays in use and the borough is told why."""
    from pipelines.gate import decisions

    with sentences():
        need_ledger()
        decisions.refuse(drop, who, reason)
        _answer(drop, as_json, "The borough reads it in its receipt when the next night has run.")


def _through(borough: str) -> None:
    """The night's own stages for one borough, from the received drop to the lake and the receipt."""
    from pipelines import night

    stages: dict[str, Callable[[str], object]] = {name: getattr(night, name) for name in NOW}
    for stage in stages.values():
        stage(borough)


def _answer(drop: str, as_json: bool, waiting: str) -> None:
    from pipelines.gate import decisions

    row = decisions.outcome(drop)
    if as_json:
        print_json(row)
        return
    typer.echo(f"Drop {drop} is {row['status']}.")
    if row["sentence"]:
        typer.echo(row["sentence"])
    if row["status"] in {"received", "refused"}:
        typer.echo(waiting)
    if row["status"] == "held":
        raise LodaError("It is held again, for what no person may lift; 'loda gate list' says what to do.")


def _print(rows: list[dict[str, Any]], as_json: bool, lines: Callable[[dict[str, Any]], list[str]], none: str) -> None:
    if as_json:
        print_json(rows)
        return
    if not rows:
        console.print(none)
    for row in rows:
        for line in lines(row):
            console.print(line, soft_wrap=True)


def _held_lines(row: dict[str, Any]) -> list[str]:
    then = f"loda gate release {row['drop']} --who NAME --reason WHY" if row["releasable"] else escape(row["instead"])
    since, why = row["since"][:10], row["held_for"]
    return [
        f"[bold]{escape(row['drop'])}[/bold]  {row['rows_in']:,} rows, held since {since}: {why}",
        f"  {escape(row['file'])}",
        f"  {escape(row['sentence'])}",
        f"  -> {then}\n",
    ]


def _decision_lines(row: dict[str, Any]) -> list[str]:
    done = {"release": "released", "refuse": "refused"}[row["decision"]]
    return [
        f"[bold]{escape(row['drop'])}[/bold]  {done} by {escape(row['who'])} on {row['decided_at'][:10]}, "
        f"now {row['status']}",
        f"  held for {row['held_for']}; {escape(row['reason'])}\n",
    ]
