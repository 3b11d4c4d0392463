"""What `loda model` prints for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from pipelines.cli.console import console, table_of

LISTS = ("Lists", "Visits", "To find", "Found", "Worst to best", "Times chance")
TO_READ = "Homes that nobody visited count as nothing found: figures are lower bounds."


def print_evaluation(found: Mapping[str, Any]) -> None:
    """`loda model evaluate`, for people."""
    console.print(
        f"[bold]{escape(found['model'])}[/bold], {found['status']}, trained on what was known by "
        f"{found['trained_as_of']}; judged on {found['as_of']}. {TO_READ}",
        soft_wrap=True,
    )
    table = table_of(
        "Lists", "Visits", "To find", "Found", "Worst to best", "Times chance", right=["Visits", "To find"]
    )
    named = {
        "since it was trained": found["since"],
        "own trial, forwards in time": found["run"]["lists_forward"],
        "own trial, boroughs left out": found["run"]["lists_left_out"],
    }
    for words, report in named.items():
        table.add_row(words, *_list_cells(report))
    console.print(table)
    _print_calibration("since it was trained", found["calibration_since"])
    console.print(f"Expected in today's visits: {sum(found['expected_today'].values()):.1f} HMOs in all.")
    for row in found["expected_against_found"]:
        console.print(
            f"{row['borough']}: {row['answered']} visited entries with an answer, {row['expected']:.1f} HMOs expected "
            f"({row['low']:.1f} to {row['high']:.1f}), {row['found']} found.",
            soft_wrap=True,
        )
    for row in found["base_rate"]:
        console.print(
            f"{row['borough']}: by {row['answered']} visits to homes drawn at random, {row['rate']:.1%} of its "
            f"{row['candidates']:,} candidates are HMOs ({row['low']:.1%} to {row['high']:.1%}).",
            soft_wrap=True,
        )
    if not found["base_rate"]:
        console.print("No visit to a home drawn at random has an answer yet, so the base rate is not known.")


def _list_cells(report: Mapping[str, Any] | None) -> list[str]:
    if not report:
        return ["-", "-", "too little became known", "-", "-"]
    own = report["rankers"]["model"]
    ends = f"{own['found_worst']:.0f} to {own['found_best']:.0f}"
    return [str(report["places"]), str(report["hmos_to_find"]), f"{own['found']:.1f}", ends, str(own["lift"])]


def _print_calibration(words: str, found: Mapping[str, Any]) -> None:
    if not found:
        console.print(f"Calibration {words}: no visits to compare with.")
        return
    bins = ", ".join(f"{b['predicted']:.0%}/{b['found']:.0%} ({b['rows']})" for b in found["bins"])
    console.print(f"Calibration {words}: Brier {found['brier']}; predicted/found (homes): {bins}.", soft_wrap=True)


def print_comparison(found: Mapping[str, Any]) -> None:
    """`loda model compare`, for people."""
    console.print(
        f"Champion [bold]{escape(found['champion'])}[/bold] and challenger [bold]{escape(found['challenger'])}[/bold] "
        f"on the homes of {found['judged_from']}, judged by what became known up to {found['as_of']}. {TO_READ}",
        soft_wrap=True,
    )
    table = table_of(
        "Lists", "Visits", "To find", "Found", "Worst to best", "Times chance", right=["Visits", "To find"]
    )
    for role in ("champion", "challenger"):
        table.add_row(role, *_list_cells(found["since"][role]))
    console.print(table)
    table = table_of("Borough", "Visits", "To find", "Champion", "Challenger", "It is", "In both lists today")
    for row in found["boroughs"]:
        cuts = (
            f"{row[r]['found']:.1f} ({row[r]['worst']:.0f}-{row[r]['best']:.0f})" for r in ("champion", "challenger")
        )
        both = f"{row['listed_by_both']} of {row['listed_today']}"
        table.add_row(row["borough"], str(row["capacity"]), str(row["hmos_to_find"]), *cuts, row["verdict"], both)
    console.print(table)
    for role in ("champion", "challenger"):
        _print_calibration(f"of the {role}", found["calibration_since"][role])
    console.print(escape(found["recommendation"]), soft_wrap=True)


def _cut(found: Mapping[str, float]) -> str:
    return f"{found['found']:.1f} ({found['worst']:.0f}-{found['best']:.0f})"


def print_drift(found: Mapping[str, Mapping[str, Any]]) -> None:
    """`loda model drift`, for people."""
    if not found:
        console.print("Nothing has been scored yet: 'loda run'.")
    for borough, kept in found.items():
        if not kept["compared"]:
            console.print(f"{borough}: {escape(kept['model'])} was not trained on it, so nothing can be compared.")
        elif not kept["alerts"]:
            console.print(f"{borough}: nothing has moved beyond chance in {kept['compared']} figures.")
        for sentence in kept["alerts"]:
            console.print(escape(sentence), soft_wrap=True)
