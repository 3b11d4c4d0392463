"""Pictures of figures, drawn on the server: shapes for `charts.html`, always beside a table that says the same.

Sizes are of the picture itself, which a page scales to its width; colours and letters are of the style sheet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

WIDTH, HEIGHT = 400, 270
LEFT, RIGHT, TOP, BOTTOM = 46, 20, 30, 50
LINE = 15
"""From one line of letters to the next."""
MOST_LABELS = 5


@dataclass(frozen=True)
class Shape:
    """One element: its name, its attributes, and its text where it is one."""

    name: str
    attributes: dict[str, Any]
    text: str = ""


@dataclass(frozen=True)
class Picture:
    """A picture: its name for whoever cannot see it, its size and its shapes, those behind first."""

    name: str
    title: str
    width: int = WIDTH
    height: int = HEIGHT
    shapes: list[Shape] = field(default_factory=list)

    def add(self, name: str, kind: str, text: str = "", **attributes: float | str) -> None:
        """Put a shape in front; `kind` is its class in the style sheet."""
        tidy = {
            key.replace("_", "-"): round(value, 1) if isinstance(value, float) else value
            for key, value in attributes.items()
        }
        self.shapes.append(Shape(name, {"class": f"app-chart__{kind}", **tidy}, text))


@dataclass(frozen=True)
class Point:
    """One share with its interval, both None where it is too few to say, and its label in lines."""

    label: tuple[str, ...]
    share: float | None
    interval: tuple[float, float] | None


def shares(name: str, title: str, points: Sequence[Point], band: tuple[float, float, float] | None) -> Picture:
    """Shares side by side with their intervals, over a band of (share, low, high) to hold them against."""
    made = Picture(name, title)
    ends = [point.interval[1] for point in points if point.interval] + ([band[2]] if band else [])
    top = _top(max(ends, default=1.0))
    _upright_axis(made, top, "per 100 answered")
    if band is not None:
        low, high = _height(band[1], top), _height(band[2], top)
        made.add("rect", "band", x=LEFT, y=high, width=WIDTH - LEFT - RIGHT, height=max(low - high, 1.0))
        made.add("line", "base", x1=LEFT, x2=WIDTH - RIGHT, y1=_height(band[0], top), y2=_height(band[0], top))
    step = (WIDTH - LEFT - RIGHT) / max(len(points), 1)
    every = max(1, ceil(len(points) / MOST_LABELS))
    for number, point in enumerate(points):
        x = LEFT + step * (number + 0.5)
        if number % every == 0:
            for line, text in enumerate(point.label):
                made.add("text", "label", text, x=x, y=HEIGHT - BOTTOM + 20 + LINE * line, text_anchor="middle")
        if point.share is not None and point.interval is not None:
            low, high = (_height(end, top) for end in point.interval)
            made.add("line", "interval", x1=x, x2=x, y1=low, y2=high)
            made.add("circle", "dot", cx=x, cy=_height(point.share, top), r=5)
    return made


def calibration(name: str, title: str, bins: Sequence[tuple[float, float]]) -> Picture:
    """Stated against found shares: on the dotted line both are the same."""
    made = Picture(name, title)
    top = _top(max((max(pair) for pair in bins), default=1.0))
    _upright_axis(made, top, "found, in 100")
    inner = WIDTH - LEFT - RIGHT
    for share in _ticks(top):
        x = LEFT + inner * share / top
        made.add("text", "label", f"{share * 100:.0f}", x=x, y=HEIGHT - BOTTOM + 20, text_anchor="middle")
    made.add("text", "label", "stated by the model, in 100", x=LEFT + inner / 2, y=HEIGHT - 10, text_anchor="middle")
    made.add("line", "base", x1=LEFT, y1=_height(0, top), x2=WIDTH - RIGHT, y2=_height(top, top))
    places = [(LEFT + inner * stated / top, _height(found, top)) for stated, found in bins]
    made.add("polyline", "line", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places))
    for x, y in places:
        made.add("circle", "dot", cx=x, cy=y, r=5)
    return made


def ranges(name: str, title: str, rows: Sequence[tuple[str, float, float, float]]) -> Picture:
    """Rows of (label, low, middle, high) under each other, as numbers from nought on."""
    made = Picture(name, title, height=44 * len(rows) + 34)
    top = max((high for *_, high in rows), default=1.0) or 1.0
    inner = WIDTH - 2 * RIGHT - 10
    for number, (label, low, middle, high) in enumerate(rows):
        y = 44 * number + 16
        made.add("text", "label", label, x=RIGHT, y=y)
        made.add("line", "grid", x1=RIGHT, x2=RIGHT + inner, y1=y + 14, y2=y + 14)
        made.add("line", "interval", x1=RIGHT + inner * low / top, x2=RIGHT + inner * high / top, y1=y + 14, y2=y + 14)
        made.add("circle", "dot" if number == 0 else "hollow", cx=RIGHT + inner * middle / top, cy=y + 14, r=5)
    bottom = made.height - 8
    made.add("text", "label", "0", x=RIGHT, y=bottom)
    made.add("text", "label", f"{top:.0f} found", x=RIGHT + inner, y=bottom, text_anchor="end")
    return made


def _top(most: float) -> float:
    """The end of an axis of shares: the next fifth that holds the most, at least one fifth."""
    return min(1.0, max(0.2, ceil(most * 5 - 1e-9) / 5))


def _ticks(top: float) -> list[float]:
    step = 0.1 if top <= 0.4 else 0.2
    return [number * step for number in range(round(top / step) + 1)]


def _height(share: float, top: float) -> float:
    inner = HEIGHT - TOP - BOTTOM
    return TOP + inner * (1 - min(share, top) / top)


def _upright_axis(made: Picture, top: float, what: str) -> None:
    made.add("text", "label", what, x=2, y=15)
    for share in _ticks(top):
        y = _height(share, top)
        made.add("line", "grid", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y)
        made.add("text", "label", f"{share * 100:.0f}", x=LEFT - 8, y=y + 5, text_anchor="end")
