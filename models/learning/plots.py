"""Pictures of a ranking: what a list finds, whether its probabilities hold, and how good it is in each group.

Colours are those of Okabe and Ito (2008), which people who see few colours can tell apart;
lines are named where they end, and told apart by their dashes as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from models.learning.arrays import Floats, Mask

MODEL, OTHER, GREY, INK = "#0072B2", "#D55E00", "#8C8C8C", "#222222"
GROUPS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
MARKS = ("o", "s", "^", "D")
MOST_LINES = len(GROUPS)
"""Groups that get a line of their own; of more, only all of them together have one."""

MOST_NAMED = 40
DOTS = 150
"""Dots an inch."""


@dataclass(frozen=True)
class GroupDots:
    """One group's precision, of the model with its interval, of another ranker, and of chance."""

    group: str
    model: float
    interval: tuple[float, float] | None
    other: float
    chance: float


def gains_of(lists: Sequence[tuple[Floats, Mask]], shares: Floats) -> Floats:
    """Share of all positives found when every list is cut at the same share of its rows, ties on average.

    Args:
        lists: scores and answers of each group.
        shares: of the rows, from 0 to 1, shape (points,).
    """
    found = np.zeros(len(shares))
    for scores, positive in lists:
        order = np.argsort(-scores, kind="stable")
        ends = np.r_[np.flatnonzero(np.diff(scores[order]) != 0), len(order) - 1] + 1
        hits = np.cumsum(positive[order])[ends - 1]
        found += np.interp(shares * len(order), np.r_[0, ends], np.r_[0, hits])
    return found / max(sum(int(positive.sum()) for _, positive in lists), 1)


def gains(
    path: Path,
    rankers: Mapping[str, Sequence[tuple[Floats, Mask]]],
    what: str = "positives",
    rows: str = "rows",
    where: str = "groups that the model has not seen",
) -> None:
    """Write the gains curve of rankers, the first of them the model: what share a list of any length finds."""
    figure, axes = _canvas(7.4, 5.0)
    shares = np.linspace(0, 1, 401)
    ends: list[tuple[str, str]] = []
    for (name, lists), colour, dash in zip(rankers.items(), (MODEL, OTHER), ("-", "--"), strict=False):
        found = gains_of(lists, shares)
        axes.plot(shares, found, color=colour, linestyle=dash, linewidth=2)
        ends.append((f"{name}: {np.interp(0.1, shares, found):.0%} in the first 10%", colour))
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle=":")
    axes.text(0.72, 0.69, "by chance", color=GREY, ha="left", va="top")
    for at, (text, colour) in enumerate(ends):
        axes.text(0.985, 0.09 - 0.06 * at, text, color=colour, ha="right", va="bottom", weight="bold")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.set_xlabel(f"Share of {rows} looked at, the likeliest of each group first")
    axes.set_ylabel(f"Share of all {what} found")
    axes.set_title(f"What a list finds, in {where}", loc="left")
    _percent(axes.xaxis, axes.yaxis)
    _save(figure, path)


def calibration(path: Path, groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write stated against found probability, a line a group; `groups` holds the bins of `judge.calibration_bins`."""
    figure, axes = _canvas(6.4, 5.6)
    most = max((max(b["stated"], b["found"]) for bins in groups.values() for b in bins), default=1.0)
    limit = min(1.0, most * 1.12)
    axes.plot([0, limit], [0, limit], color=GREY, linewidth=1, linestyle=":")
    axes.text(0.98, 0.03, "dotted: stated = found", color=GREY, transform=axes.transAxes, ha="right", va="bottom")
    for at, (name, bins) in enumerate(groups.items()):
        colour, mark = GROUPS[at % MOST_LINES], MARKS[at % MOST_LINES]
        stated, found = [b["stated"] for b in bins], [b["found"] for b in bins]
        axes.plot(stated, found, color=colour, marker=mark, linewidth=1.5, markersize=5)
        axes.text(0.03, 0.95 - 0.06 * at, _short(name), color=colour, transform=axes.transAxes, weight="bold")
        axes.plot(0.018, 0.962 - 0.06 * at, marker=mark, color=colour, transform=axes.transAxes, markersize=5)
    axes.set(xlim=(0, limit), ylim=(0, limit))
    axes.set_xlabel("Probability stated (mean of a bin)")
    axes.set_ylabel("Share found positive")
    axes.set_title("Do the probabilities hold? Bins of as many rows each", loc="left")
    _percent(axes.xaxis, axes.yaxis)
    _save(figure, path)


def precision_by_group(path: Path, groups: Sequence[GroupDots], share: str, other: str) -> None:
    """Write each group's precision in the first `share` of its list, against another ranker and chance."""
    shown = sorted(groups, key=lambda g: (-g.model, g.group))[:MOST_NAMED]
    figure, axes = _canvas(7.4, 1.9 + 0.34 * len(shown))
    for at, group in enumerate(shown):
        if group.interval is not None:
            axes.plot(group.interval, [at, at], color=MODEL, linewidth=2, alpha=0.45)
        axes.plot(group.model, at, "o", color=MODEL, markersize=7)
        axes.plot(group.other, at, "D", color=OTHER, markersize=6, markerfacecolor="white")
        axes.plot(group.chance, at, "|", color=GREY, markersize=13, markeredgewidth=2)
    axes.set_yticks(range(len(shown)), [_short(group.group) for group in shown])
    most = max((max(g.model, g.other, g.chance, *(g.interval or ())) for g in shown), default=1.0)
    axes.set(ylim=(len(shown) - 0.5, -0.5), xlim=(0, min(1.02, max(1.15 * most, 0.01))))
    bar = " (bar: 95% interval)" if any(group.interval for group in shown) else ""
    axes.set_xlabel(f"Share of the first {share} that is positive{bar}")
    axes.set_title("Precision in each group", loc="left", pad=26)
    named = (("●", "model", MODEL), ("◇", other, OTHER), ("|", "chance", GREY))
    for place, (mark, text, colour) in zip((0.0, 0.14, 0.48), named, strict=True):
        words = f"{mark} {_short(text, 40)}"
        # A distance in points: a share of a tall picture would run into the title.
        where = {"xy": (place, 1), "xycoords": "axes fraction", "xytext": (0, 6), "textcoords": "offset points"}
        axes.annotate(words, color=colour, va="bottom", weight="bold", annotation_clip=False, **where)
    _percent(axes.xaxis)
    _save(figure, path)


def moved(path: Path, indices: Mapping[str, Sequence[tuple[str, float, bool]]]) -> None:
    """Write how far each feature has moved, a dot a group: those beyond chance are filled and the farthest is named.

    `indices` holds for each feature the groups with their stability index and whether that is more than chance.
    """
    shown = sorted(indices.items(), key=lambda item: -max(index for _, index, _ in item[1]))[:MOST_NAMED]
    figure, axes = _canvas(7.4, 1.6 + 0.28 * len(shown))
    for at, (_, groups) in enumerate(shown):
        for far, colour, mark in ((False, GREY, "o"), (True, OTHER, "D")):
            own = [index for _, index, beyond in groups if beyond == far]
            fill = colour if far else "white"
            axes.plot(own, [at] * len(own), mark, color=colour, markersize=5, markerfacecolor=fill, linestyle="none")
        group, index, beyond = max(groups, key=lambda row: row[1])
        if beyond:
            axes.annotate(_short(group), (index, at), xytext=(7, 0), textcoords="offset points", va="center", color=INK)
    for limit, name in ((0.1, "small"), (0.25, "large")):
        axes.axvline(limit, color=GREY, linewidth=1, linestyle=":")
        axes.text(limit, -0.9, f"{name} ", color=GREY, ha="right", va="center")
    most = max((index for _, groups in shown for _, index, _ in groups), default=0.25)
    axes.set_yticks(range(len(shown)), [_short(name) for name, _ in shown])
    axes.set(ylim=(len(shown) - 0.5, -1.4), xlim=(0, max(0.3, most * 1.3)))
    axes.set_xlabel("Population stability index since training (a dot a borough; filled: more than chance)")
    axes.set_title("What has moved", loc="left")
    _save(figure, path)


def _short(text: str, most: int = 28) -> str:
    """Text for a picture: not too long, and never taken for a formula."""
    return (text if len(text) <= most else text[: most - 1] + "…").replace("$", r"\$")


def _canvas(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # A figure of its own and not pyplot's: no state of the process, no screen.
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    axes.grid(visible=True, color="#E6E6E6", linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def _percent(*sides: Any) -> None:
    from matplotlib.ticker import PercentFormatter

    for side in sides:
        side.set_major_formatter(PercentFormatter(1.0))


def _save(figure: Any, path: Path) -> None:
    # Without the library's version in it the same figures give the same bytes.
    figure.savefig(path, dpi=DOTS, metadata={"Software": None})
