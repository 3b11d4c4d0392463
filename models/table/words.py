"""The report of a fitted table in words, as Markdown, made from its figures alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ALT = {
    "gains.png": "Share of positives found against share of rows looked at",
    "calibration.png": "Stated against found probability",
    "precision_by_group.png": "Precision in the first 5% of each group's list",
}


def markdown(report: Mapping[str, Any], pictures: Sequence[str]) -> str:
    """The whole report; `pictures` are file names beside it."""
    parts = [_head(report), _figures(report), _forward(report), _columns(report), _limits(report)]
    parts.insert(3, "\n\n".join(f"![{ALT[name]}]({name})" for name in pictures))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(report: Mapping[str, Any]) -> str:
    return (
        f"# Ranked by {_code(report['label'])}\n\n"
        f"**A lead to check, not a finding.** {report['rows']:,} rows of {_code(report['file'])}, "
        f"{report['labelled']:,} of them with an answer, {report['positives']:,} positive. "
        f"Each {_code(report['group'])} is scored by a model "
        "that learnt from the other groups only, and that was calibrated on rows left out among those (whole groups "
        "where there are several). Rows without an answer are scored, and neither learnt from nor judged."
    )


def _figures(report: Mapping[str, Any]) -> str:
    lines = [
        "## How good the list is",
        "",
        f"| {_cell(report['group'])} | rows | positive | AUC (95%) | average precision | precision in the first 1%, "
        "5%, 10% | lift at 5% (95%) | Brier | calibration error |",
        "| --- | ---: | ---: | --- | ---: | --- | --- | ---: | ---: |",
        *(_row(name, own) for name, own in report["groups"].items()),
        "",
        "The same groups ranked by the one column that ranks the training groups best:",
        "",
        f"| {_cell(report['group'])} | column | AUC (95%) | average precision | precision in the first 1%, 5%, 10% | "
        "lift at 5% (95%) |",
        "| --- | --- | --- | ---: | --- | --- |",
        *(_one_row(name, own) for name, own in report["one_feature"].items()),
        "",
        "Intervals are bootstrap intervals over a group's rows: they tell what chance does to the figure in this "
        "group, not how another group would differ. Ties count at their average; report.json has the worst and the "
        "best case. "
        f"The calibration error is the mean distance of stated from found share over {report['settings']['ece_bins']} "
        "bins of as many rows each.",
    ]
    return "\n".join(lines)


def _row(name: str, own: Mapping[str, Any]) -> str:
    if own["auc"] is None:
        start = f"| {_cell(name)} | {own['rows']:,} | {_share(own['base_rate'])} |"
        return f"{start} not judged: one answer only, or none | | | | | |"
    return (
        f"| {_cell(name)} | {own['rows']:,} | {_share(own['base_rate'])} | {_between(own, 'auc', 3)} | "
        f"{own['average_precision']:.3f} | {_cuts(own)} | {_lift(own)} | {own['brier']:.4f} | {own['ece']:.4f} |"
    )


def _one_row(name: str, own: Mapping[str, Any]) -> str:
    column = f"{_code(own['column'])}, {'highest' if own['highest_first'] else 'lowest'} first"
    if own["auc"] is None:
        return f"| {_cell(name)} | {column} | not judged | | | |"
    return (
        f"| {_cell(name)} | {column} | {_between(own, 'auc', 3)} | {own['average_precision']:.3f} | {_cuts(own)} | "
        f"{_lift(own)} |"
    )


def _between(own: Mapping[str, Any], key: str, digits: int) -> str:
    low, high = own["intervals"][key]
    return f"{own[key]:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _lift(own: Mapping[str, Any]) -> str:
    low, high = own["intervals"]["lift_at"]["5%"]
    return f"{own['lift_at']['5%']:.2f} ({low:.2f} to {high:.2f})"


def _cuts(own: Mapping[str, Any]) -> str:
    return ", ".join(f"{value:.1%}" for value in own["precision_at"].values())


def _share(value: float | None) -> str:
    return "no answers" if value is None else f"{value:.1%}"


def _forward(report: Mapping[str, Any]) -> str:
    ahead = report["forward"]
    if ahead is None:
        return ""
    if "not_possible" in ahead:
        return f"## Forwards in time\n\n{ahead['not_possible']}"
    head = (
        f"## Forwards in time\n\nLearnt from {ahead['learnt_from_rows']:,} rows known before {ahead['judged_from']}, "
    )
    if ahead["auc"] is None:
        return f"{head}but the {ahead['rows']:,} rows known since have one answer only and judge nothing."
    return (
        f"{head}judged on the {ahead['rows']:,} known since ({ahead['base_rate']:.1%} positive): AUC "
        f"{_between(ahead, 'auc', 3)}, average precision {ahead['average_precision']:.3f}, precision in the first 1%, "
        f"5%, 10% {_cuts(ahead)}."
    )


def _columns(report: Mapping[str, Any]) -> str:
    lines = ["## Columns", "", "What moves the first rows of the lists most, in log-odds:", ""]
    lines += [f"- {_code(told['column'])}: {told['log_odds']:.2f}" for told in report["most_telling"]]
    lines += ["", f"Used: {', '.join(_code(name) for name in report['features'])}."]
    if report["refused"]:
        lines += ["", "Refused, because they could only be known with the answer:", ""]
        lines += [f"- {_code(r['column'])}: {_plain(r['reason'])}." for r in report["refused"]]
    if report["left_out"]:
        lines += ["", "Left out:", ""]
        lines += [f"- {_code(r['column'])} {_plain(r['reason'])}." for r in report["left_out"]]
    if report["doubts"]:
        lines += ["", "To look at:", ""]
        lines += [f"- {_plain(doubt)}." for doubt in report["doubts"]]
    return "\n".join(lines)


def _limits(report: Mapping[str, Any]) -> str:
    return (
        "## Limits\n\n"
        "- The answers are what somebody recorded: where nobody looked, a row without a finding may still be one.\n"
        "- A leak that no rule sees stays in: a count that was kept up after the answer under a heading without a "
        "year, for one. A column that leads the list above and surprises you is worth a question.\n"
        "- Scores of two groups come from two models. Within a group they rank; between groups compare them with care."
    )


def _plain(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _cell(text: str) -> str:
    return _plain(text)


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|").replace("\n", " ") + "`"
