"""`loda link review`, `loda link report`, `loda link why`: what people decide about links, and what links come to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli.app import Json, print_json, sentences
from pipelines.cli.console import console, need_ledger, table_of

review_app = typer.Typer(
    help="Addresses that wait for people, and what people decide about them.", no_args_is_help=True
)


@review_app.command("export", epilog="Example: loda link review export camden --out camden.csv --limit 200")
def review_export(
    borough: str,
    out: Annotated[Path, typer.Option(help="CSV file to write; what lies there is written over.")],
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many addresses, the most useful first.")] = None,
    as_json: Json = False,
) -> None:
    """Write the addresses that wait for people, each with the properties it may be, to be filled in and given back."""
    from pipelines.link import review_export as stage

    with sentences():
        need_ledger()
        made = stage.export(borough, out, limit)
        if as_json:
            print_json(
                {"addresses": made.addresses, "waiting": made.waiting, "records": made.records, "file": str(out)}
            )
            return
        typer.echo(
            f"{made.addresses:,} of {made.waiting:,} addresses that wait for people, with {made.records:,} records, "
            f"are in {out}. Fill in the column verdict (is, is_not or none_of_these) and, where more than one property "
            "is shown, uprn; change no other column. Then: "
            f"loda link review import {out} --who 'A Example'"
        )


@review_app.command("import", epilog="Example: loda link review import camden.csv --who 'A Example'")
def review_import(
    file: Path,
    who: Annotated[str, typer.Option(help="The person who decided.")],
    as_json: Json = False,
) -> None:
    """Take the decisions of a file that was filled in. Exit code 1 if a row was refused; the others are taken.

    A file that was taken already changes nothing, so a mended one is imported as a whole.
    """
    from pipelines.link import review_import as stage

    with sentences():
        need_ledger()
        taken = stage.take(file, who)
        counts = {
            "new": taken.new,
            "unchanged": taken.unchanged,
            "superseded": taken.superseded,
            "left_open": taken.left_open,
        }
        if as_json:
            print_json({**counts, "refused": [{"row": r.row, "sentence": r.sentence} for r in taken.refused]})
        else:
            typer.echo(
                f"{taken.new:,} decisions taken, {taken.unchanged:,} held already, {taken.superseded:,} earlier ones "
                f"superseded, {taken.left_open:,} rows not filled in. The next night links by them."
            )
            for refused in taken.refused:
                typer.echo(refused.sentence)
        if taken.refused:
            raise typer.Exit(1)


@review_app.command("list", epilog="Example: loda link review list camden --history")
def review_list(
    borough: str,
    history: Annotated[bool, typer.Option("--history", help="Those that were superseded as well.")] = False,
    as_json: Json = False,
) -> None:
    """What people decided about a borough's links, the newest first, and whether it is applied."""
    from pipelines.link import review_list as stage

    with sentences():
        need_ledger()
        rows = stage.decisions(borough, history=history)
        if as_json:
            print_json(rows)
            return
        if not rows:
            console.print(f"Nothing has been decided about links of {escape(borough)}.")
        for row in rows:
            console.print("\n".join(_decision_lines(row)), soft_wrap=True)


@review_app.command(
    "withdraw", epilog="Example: loda link review withdraw camden 17 --who 'A Example' --reason 'the wrong row'"
)
def review_withdraw(
    borough: str,
    number: int,
    who: Annotated[str, typer.Option(help="The person who answers for it.")],
    reason: Annotated[str, typer.Option(help="Why; recorded for good, so name nobody in it.")],
) -> None:
    """Take a decision back; the next night links as if it had not been made."""
    from pipelines.link import review_list as stage

    with sentences():
        need_ledger()
        stage.withdraw(borough, number, who, reason)
        typer.echo(f"Decision {number} holds no longer. The next night links without it.")


def _decision_lines(row: dict[str, Any]) -> list[str]:
    verdict = "is" if row["verdict"] == "is" else "is not"
    note = f" ({escape(row['note'])})" if row["note"] else ""
    return [
        f"[bold]{row['number']}[/bold]  {escape(row['address'])} {escape(row['postcode'])}: {verdict} {row['uprn']}",
        f"  {escape(row['who'])} on {row['decided_at'][:10]}{note}. {escape(row['sentence'])}\n",
    ]


def why(borough: str, uprn: str, as_json: Json = False) -> None:
    """Why each record is on a property's page: which are tied to it, by which stage, for which reason, how surely."""
    from pipelines.link.why import why as stage

    with sentences():
        need_ledger()
        found = stage(borough, uprn)
        if as_json:
            print_json(found)
        else:
            _print_why(found)


def _print_why(found: dict[str, Any]) -> None:
    place = " ".join(str(found[name]) for name in ("address", "postcode") if found[name])
    console.print(f"[bold]{found['uprn']}[/bold]  {escape(place or 'not in the gazetteer')}", soft_wrap=True)
    for title, rows in (("tied to it", found["records"]), ("may be it and waits for people", found["waiting"])):
        console.print(f"{len(rows)} records: {title}")
        for row in rows:
            console.print(
                f"  {row['dataset']} {row['record_id']}  {row['decision']} ({row['level']}) by {row['stage']}, "
                f"{row['probability']:.3f}, gap {row['gap']:.3f}, runner-up {row['runner_up'] or 'none'}\n"
                f"    {escape(row['sentence'])}",
                soft_wrap=True,
            )
    for row in found["decisions"]:
        state = ", holds no longer" if row["superseded_at"] else ""
        verdict = row["verdict"].replace("_", " ")
        console.print(
            f"Decision {row['number']}: {escape(row['address'])} {escape(row['postcode'])} {verdict} this property; "
            f"{escape(row['who'])} on {row['decided_at'][:10]}{state}",
            soft_wrap=True,
        )


def report(
    borough: Annotated[str, typer.Argument(help="A borough; all of them unless named.")] = "", as_json: Json = False
) -> None:
    """Match rates of the newest links: by stage, reason, dataset and group of records, beside published figures."""
    from pipelines.link.figures import figures
    from schemas import registry

    with sentences():
        need_ledger()
        found = figures([registry.borough(borough).slug] if borough else None)
        if as_json:
            print_json(found)
        elif not found["boroughs"]:
            console.print("No borough has been linked yet; see 'loda run'.")
        else:
            for part in (_print_boroughs, _print_groups, _print_assign):
                part(found)


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{100 * rate:.1f} %"


def _count(number: int | None) -> str:
    return "few" if number is None else f"{number:,}"


def _print_boroughs(found: dict[str, Any]) -> None:
    figures = ("records", "linked", "parent", "review", "none")
    for borough in found["boroughs"]:
        table = table_of(
            "dataset",
            *figures,
            "match rate",
            "to the unit",
            right=(*figures, "match rate", "to the unit"),
            title=borough["borough"],
        )
        for row in [*borough["datasets"], {"dataset": "all", **borough}]:
            counts = [f"{row[name]:,}" for name in figures]
            table.add_row(row["dataset"], *counts, _percent(row.get("match_rate")), _percent(row.get("unit_rate")))
        console.print(table)
        for heading in ("stage", "reason"):
            table = table_of(heading, "records", "share", "", right=("records", "share"))
            for row in borough[heading]:
                table.add_row(row[heading], f"{row['records']:,}", _percent(row["share"]), row.get("sentence", ""))
            console.print(table)


def _print_groups(found: dict[str, Any]) -> None:
    counts = ("records", "tied", "untied")
    table = table_of(
        "group",
        "borough",
        "dataset",
        "value",
        *counts,
        "match rate",
        right=(*counts, "match rate"),
        title="By group of records; few are one to seven and taken for four in rates, other counts are rounded to five",
    )
    for row in found["groups"]:
        where = (row["group"], row["borough"], row["dataset"], row["value"])
        table.add_row(*where, *(_count(row[name]) for name in counts), _percent(row["match_rate"]))
    console.print(table)
    for row in found["differences"]:
        chance = "more than chance" if row["more_than_chance"] else "may be chance"
        console.print(
            f"{row['borough']} {row['dataset']} by {row['group']}: {row['lowest']} {_percent(row['lowest_rate'])} of "
            f"{row['lowest_records']:,}, {row['highest']} {_percent(row['highest_rate'])} of "
            f"{row['highest_records']:,}: {row['points']} points apart, {chance}.",
            soft_wrap=True,
        )


def _print_assign(found: dict[str, Any]) -> None:
    assign = found["assign"]
    total = sum(borough["records"] for borough in found["boroughs"])
    tied = sum(borough["linked"] + borough["parent"] for borough in found["boroughs"])
    movers = [r for r in found["groups"] if (r["group"], r["value"]) == ("recent_mover", "within_12_months")]
    known = [row for row in movers if row["match_rate"] is not None]
    weight = sum(row["records"] for row in known)
    moved = sum(row["match_rate"] * row["records"] for row in known) / weight if weight else None
    table = table_of("figure", "here", "ASSIGN", right=("here", "ASSIGN"), title=f"Beside {assign['source']}")
    here: list[tuple[str, str, float]] = [
        ("match rate", _percent(tied / total if total else None), assign["match_rate"]),
        ("match rate of the population", "", assign["population_match_rate"]),
        ("match rate of recent movers", _percent(moved), assign["recent_movers_match_rate"]),
        ("sensitivity (not known of a night)", "", assign["sensitivity"]),
        ("positive predictive value (not known of a night)", "", assign["positive_predictive_value"]),
    ]
    for name, ours, theirs in here:
        table.add_row(name, ours, _percent(theirs))
    console.print(table)


def mount(link_app: typer.Typer) -> None:
    """Add the commands of this module below `loda link`."""
    add: Callable[..., Any] = link_app.command
    link_app.add_typer(review_app, name="review")
    add("report", epilog="Example: loda link report camden --json")(report)
    add("why", epilog="Example: loda link why camden 100023336956")(why)
