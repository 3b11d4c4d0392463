"""The backtest on paper: tables in Markdown, and pictures made to be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.hmo.backtest import ONE_FEATURE, SPLITS, Tried
from models.hmo.features import BY_NAME
from models.learning import plots
from models.learning.plots import GroupDots

TITLES = {
    "forward": "Boroughs that the model had learnt from, forwards in time",
    "left_out": "Boroughs that the model never saw, forwards in time",
}
WORDS = {
    "ours": "**our model**",
    "naive": "naive: a home nobody looked at is none",
    "unlabelled weigh little": "one model, licensed homes all alike",
    "pu_bagging": "pulearn, bagging",
    "elkan_noto": "pulearn, Elkan and Noto",
    "random": "chance",
    "complaints_only": "complaints only",
    "rule_of_thumb": "inspector's rule of thumb",
}


def write(folder: Path, report: dict[str, Any], tried: list[Tried]) -> list[Path]:
    """Write `report.json`, `report.md` and the pictures; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    made = [folder / "report.json", folder / "report.md"]
    made[0].write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    made[1].write_text(text(report), encoding="utf-8")
    for split in SPLITS:
        lists = [trial for found in tried if found.split == split for trial in found.trials]
        if lists:
            made += _pictures(folder, split, report[split], lists)
    return made


def _pictures(folder: Path, split: str, table: dict[str, Any], lists: list[Any]) -> list[Path]:
    found = {
        words: [(trial.scores[name], trial.found == 1) for trial in lists]
        for words, name in (("model", "ours"), ("rule of thumb", "rule_of_thumb"))
    }
    gains, precision, calibration = (folder / f"{split}-{what}.png" for what in ("gains", "precision", "calibration"))
    where = "boroughs that the model had learnt from" if split == "forward" else "boroughs that the model never saw"
    plots.gains(gains, found, what="HMOs that became known", rows="homes", where=where)
    plots.precision_by_group(precision, _dots(lists), "visits, up to capacity,", "rule of thumb")
    plots.calibration(calibration, {"homes that were visited": table["calibration"]["bins"]})
    return [gains, precision, calibration]


def _dots(lists: list[Any]) -> list[GroupDots]:
    from models.learning.judge import at_capacity

    dots = []
    for borough in sorted({trial.borough for trial in lists}):
        own = [trial for trial in lists if trial.borough == borough]
        places = sum(min(trial.capacity, len(trial.found)) for trial in own)
        cuts = [
            sum(at_capacity(trial.scores[name], trial.found, trial.capacity).expected for trial in own) / places
            for name in ("ours", "rule_of_thumb")
        ]
        chance = sum(float((t.found == 1).mean()) * min(t.capacity, len(t.found)) for t in own) / places
        dots.append(GroupDots(borough, cuts[0], None, cuts[1], chance))
    return dots


def text(report: dict[str, Any]) -> str:
    """The report in Markdown."""
    parts = [
        "# Backtest",
        f"Lists of {', '.join(report['days'])}, each by what was known on the day and judged by what became known in "
        "the half year after. Homes that nobody visited count as nothing found: lower bounds, and lowest for rankers "
        "whose homes officers never visit. Intervals (95%) are over boroughs.",
    ]
    for split in SPLITS:
        if report[split]:
            parts += [f"## {TITLES[split]}", _split(report[split])]
    if report["prior"]:
        parts += ["## How many HMOs there are", _prior(report["prior"])]
    return "\n\n".join(parts) + "\n"


def _split(table: dict[str, Any]) -> str:
    lines = [
        f"{table['visits']} visits, {table['hmos_to_find']} HMOs that became known.",
        "",
        "| ranked by | hits per 100 visits | of those answered | worst to best of ties | recall | lift | interval |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, row in sorted(table["rankers"].items(), key=lambda item: -item[1]["found"]):
        interval = "to".join(f" {end} " for end in row["lift_interval"]).strip() if row["lift_interval"] else "-"
        answered = "-" if row["hits_per_100_answered"] is None else f"{row['hits_per_100_answered']:.1f}"
        lines.append(
            f"| {_words(name)} | {row['hits_per_100']:.1f} | {answered} | {row['found_worst']:.0f} to "
            f"{row['found_best']:.0f} | {row['recall']:.1%} | {row['lift']} | {interval} |"
        )
    calibration = table["calibration"]
    lines += [
        "",
        f"Expected calibration error {calibration['ece']:.3f} on {calibration['homes']} homes that were visited.",
        "",
        "| borough | found | lift |",
        "| --- | ---: | ---: |",
        *(f"| {name} | {row['found']:.1f} | {row['lift']} |" for name, row in table["boroughs"].items()),
    ]
    return "\n".join(lines)


def _words(name: str) -> str:
    if name.startswith(ONE_FEATURE):
        return f"`{name.removeprefix(ONE_FEATURE)}` alone ({BY_NAME[name.removeprefix(ONE_FEATURE)].theme})"
    return WORDS.get(name, name)


def _prior(rows: list[dict[str, Any]]) -> str:
    lines = [
        "Estimated from the register and from what visits found of licensed and unlicensed HMOs, with an interval of "
        "90%; a borough with few visits borrows from the others.",
        "",
        "| borough | homes | HMOs | interval | the register covers |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['borough']} | {row['homes']} | {row['hmos']} | {row['low']} to {row['high']} | "
        f"{row['register_covers']:.0%} |"
        for row in rows
    ]
    return "\n".join(lines)
