"""What is told of a fitted table: figures, words, reasons, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from models.learning import bag, boosting, judge, plots
from models.learning.arrays import Ints
from models.table import fit
from models.table.answers import NO_GROUP
from models.table.design import Task
from models.table.fit import Fitted, Forward

DIGITS = 6
"""Decimals of a figure in the report, so that the same table gives the same bytes."""

SHOWN = "5%"
"""The cut that is drawn and printed."""


def figures(task: Task, fitted: Fitted, ahead: Forward | str | None) -> dict[str, Any]:
    """The report as plain data: see docs/fit-table.md for every key."""
    groups: dict[str, Any] = {}
    one: dict[str, Any] = {}
    probability = fit.probability(fitted.log_odds)
    for group in sorted(set(task.groups) - {NO_GROUP}):
        own = (task.groups == group) & task.usable
        positive = task.label.positive[own]
        total = int((task.groups == group).sum())
        groups[group] = {
            **fit.judged(fitted.log_odds[own], probability[own], positive),
            "rows": total,
            "labelled": int(own.sum()),
        }
        ranker = fitted.rankers[group]
        one[group] = {
            "column": ranker.column,
            "highest_first": ranker.direction > 0,
            **fit.judged(fitted.one_scores[own], fitted.one_probability[own], positive),
            "rows": total,
            "labelled": int(own.sum()),
        }
    report = {
        "rows": task.rows,
        "labelled": int(task.label.labelled.sum()),
        "positives": int(task.label.positive.sum()),
        "rows_without_group": int((task.groups == NO_GROUP).sum()),
        "file": task.path.name,
        "label": task.label_name,
        "group": task.group_name,
        "known_by": task.known.name if task.known else None,
        "label_period": task.period.year if task.period else None,
        "features": [column.name for column in task.columns],
        "derived": [column.name for column in task.derived],
        "kinds": {column.name: column.kind for column in task.columns},
        "refused": [{"column": r.column, "rule": r.rule, "reason": r.reason} for r in task.refused],
        "left_out": [{"column": c.column, "reason": c.reason} for c in task.left_out],
        "doubts": list(task.doubts),
        "settings": settings(),
        "groups": groups,
        "one_feature": one,
        "forward": _forward(ahead),
        "most_telling": _most_telling(task, fitted),
    }
    rounded: dict[str, Any] = _rounded(report)
    return rounded


def settings() -> dict[str, Any]:
    """Everything that was fixed before any table was seen."""
    return {
        "trees": {key: value for key, value in bag.SETTINGS.items() if key != "random_state"},
        "models": fit.MODELS,
        "part_of_rows": bag.PART,
        "most_rows": bag.MOST_ROWS,
        "seed": boosting.SEED,
        "calibration": {"folds": fit.CALIBRATION_FOLDS, "models": fit.CALIBRATION_MODELS},
        "groups_left_out_singly_up_to": fit.MOST_GROUPS,
        "bootstrap_resamples": judge.RESAMPLES,
        "ece_bins": judge.BINS,
    }


def _forward(ahead: Forward | str | None) -> dict[str, Any] | None:
    if ahead is None:
        return None
    if isinstance(ahead, str):
        return {"not_possible": ahead}
    told = fit.judged(ahead.scores, fit.probability(ahead.scores), ahead.positive)
    return {"judged_from": ahead.before, "learnt_from_rows": ahead.learnt_from, **told}


def _most_telling(task: Task, fitted: Fitted) -> list[dict[str, Any]]:
    """Columns by how far they move the rows that are explained, on average, in log-odds."""
    moved = np.abs(fitted.contributions).mean(axis=0)
    order = np.argsort(-moved, kind="stable")[:15]
    return [{"column": task.learnt_from[at].name, "log_odds": float(moved[at])} for at in order if moved[at] > 0]


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, DIGITS)
    return value


def write_scores(task: Task, fitted: Fitted, path: Path) -> None:
    """Every row of the file in its order: row, group, score, rank within the group."""
    table = pa.table(
        {
            "row": pa.array(np.arange(task.rows, dtype=np.int64)),
            "group": pa.array([group or None for group in task.groups], pa.string()),
            "score": pa.array(fit.probability(fitted.log_odds)),
            "rank": pa.array(fit.ranks(task.groups, fitted.log_odds)),
        }
    )
    pq.write_table(table, path)


def write_reasons(task: Task, fitted: Fitted, path: Path) -> None:
    """For the first of each group the columns that move it most, strongest first; a line a reason.

    `base` + all `contribution` of a row + `others` = `log_odds`, whose logistic is the score.
    """
    rows, shares = fitted.explained, fitted.contributions
    most = min(fit.MOST_REASONS, shares.shape[1])
    strongest = np.argsort(-np.abs(shares), axis=1, kind="stable")[:, :most]
    told = np.take_along_axis(shares, strongest, axis=1)
    places = fit.ranks(task.groups, fitted.log_odds)[rows]
    column = strongest.ravel()
    names = np.array([c.name for c in task.learnt_from], dtype=object)

    def each(values: Any) -> Any:
        return np.repeat(np.asarray(values), most)

    table = pa.table(
        {
            "row": pa.array(each(rows)),
            "group": pa.array([group or None for group in each(task.groups[rows])], pa.string()),
            "rank": pa.array(each(places)),
            "place": pa.array(np.tile(np.arange(1, most + 1), len(rows))),
            "column": pa.array(names[column], pa.string()),
            "value": pa.array(_values(task, each(rows), column), pa.string()),
            "contribution": pa.array(told.ravel()),
            "base": pa.array(each(fitted.base[rows])),
            "others": pa.array(each(shares.sum(axis=1) - told.sum(axis=1))),
            "log_odds": pa.array(each(fitted.log_odds[rows])),
        }
    )
    order = np.lexsort((table["place"], table["rank"], each(task.groups[rows]).astype(str)))
    pq.write_table(table.take(pa.array(order)), path)


def _values(task: Task, rows: Ints, column: Ints) -> list[str | None]:
    """What stands in the table for each reason, as text; None where it is missing."""
    out = np.full(len(rows), None, dtype=object)
    for at, own in enumerate(task.learnt_from):
        here = column == at
        values = own.values[rows[here]]
        distinct, where = np.unique(values, return_inverse=True)
        told = np.array([_text(own.kind, own.levels, value) for value in distinct], dtype=object)
        out[here] = told[where] if len(told) else None
    return out.tolist()


def _text(kind: str, levels: tuple[str, ...], value: float) -> str | None:
    if np.isnan(value):
        return None
    if kind == "category":
        return levels[int(value)]
    if kind == "boolean":
        return "yes" if value else "no"
    return str(np.datetime64(int(np.floor(value)), "D")) if kind == "date" else f"{value:.10g}"


def draw(task: Task, fitted: Fitted, report: Mapping[str, Any], folder: Path) -> list[str]:
    """The pictures; returns their file names. Groups that cannot be judged are not in them."""
    judged = [group for group, own in report["groups"].items() if own["auc"] is not None]
    if not judged:
        return []
    rows = {group: (task.groups == group) & task.usable for group in judged}
    answers = task.label.positive
    rankers = {
        "model": [(fitted.log_odds[own], answers[own]) for own in rows.values()],
        "best single column": [(fitted.one_scores[own], answers[own]) for own in rows.values()],
    }
    plots.gains(folder / "gains.png", rankers)
    probability = fit.probability(fitted.log_odds)
    if len(judged) > plots.MOST_LINES:
        every = np.any(list(rows.values()), axis=0)
        bins = {f"all {len(judged)} groups": judge.calibration_bins(probability[every], answers[every])}
    else:
        named = {f"{task.group_name} {group}": own for group, own in rows.items()}
        bins = {name: judge.calibration_bins(probability[own], answers[own]) for name, own in named.items()}
    plots.calibration(folder / "calibration.png", bins)
    dots = [_dots(group, report) for group in judged]
    plots.precision_by_group(folder / "precision_by_group.png", dots, SHOWN, "best single column")
    return ["gains.png", "calibration.png", "precision_by_group.png"]


def _dots(group: str, report: Mapping[str, Any]) -> plots.GroupDots:
    own, one = report["groups"][group], report["one_feature"][group]
    base = own["base_rate"]
    low, high = own["intervals"]["lift_at"][SHOWN]
    interval = (min(low * base, 1.0), min(high * base, 1.0))
    return plots.GroupDots(group, own["precision_at"][SHOWN], interval, one["precision_at"][SHOWN], base)
