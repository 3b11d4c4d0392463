"""A line small enough to stand in a table, with the same said in words for whoever cannot see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

WIDTH, HEIGHT, EDGE = 168, 40, 5
"""The picture in its own units; how large it is shown is the page's affair."""


@dataclass(frozen=True)
class Sparkline:
    """Where the line runs: `segments` of joined points, every point, London's height, and all of it in words."""

    segments: tuple[str, ...]
    points: tuple[tuple[float, float], ...]
    london: float | None
    words: str
    width: int = WIDTH
    height: int = HEIGHT


def sparkline(shares: Sequence[float | None], london: float | None, places: int = 12) -> Sparkline:
    """The picture of some shares, oldest first; a gap where there is none. The newest of `places` stands at the right.

    The lower edge is 90%, or the next twentieth below the lowest share: a fall from 99% to 98% must not look like one
    to nothing. The upper edge is 100%.
    """
    known = [share for share in shares if share is not None]
    floor_share = min([0.9, *(floor(share * 20) / 20 for share in [*known, *([london] if london is not None else [])])])
    floor_share = min(max(floor_share, 0.0), 0.95)

    def height(share: float) -> float:
        inner = HEIGHT - 2 * EDGE
        return round(EDGE + inner * (1 - (share - floor_share) / (1 - floor_share)), 1)

    step = (WIDTH - 2 * EDGE) / max(len(shares) - 1, places - 1)
    placed = [
        (round(WIDTH - EDGE - step * (len(shares) - 1 - number), 1), height(share)) if share is not None else None
        for number, share in enumerate(shares)
    ]
    segments: list[list[str]] = [[]]
    for point in placed:
        if point is None:
            segments.append([])
        else:
            segments[-1].append(f"{point[0]},{point[1]}")
    return Sparkline(
        segments=tuple(" ".join(segment) for segment in segments if len(segment) > 1),
        points=tuple(point for point in placed if point is not None),
        london=None if london is None else height(london),
        words=_words(known, london),
    )


def _words(known: Sequence[float], london: float | None) -> str:
    if not known:
        return "no figures"
    if len(known) == 1:
        told = f"one extract, {percent(known[0])}"
    else:
        told = (
            f"{len(known)} extracts, from {percent(known[0])} to {percent(known[-1])}, "
            f"lowest {percent(min(known))}, highest {percent(max(known))}"
        )
    return told if london is None else f"{told}; London median {percent(london)}"


def percent(share: float) -> str:
    """A share for people; never rounded up to 100%, so that what is not whole does not look so."""
    return f"{floor(share * 1000) / 10:.1f}%" if share < 1 else "100%"
