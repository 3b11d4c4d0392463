"""Words on a page to rows of a table: ruled tables as their lines say, others by the gaps that run down the pages."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise, takewhile
from statistics import median

import numpy as np

from pipelines.extracts.cell_kinds import VALUES, common_kind, kind_of_cell, label_share, written
from pipelines.extracts.chunk import plain_text
from pipelines.extracts.recognise_heading import heading_rows
from pipelines.extracts.recognise_pages import is_page_line

GAP = 0.45
"""Space between words, in letter heights, from which they may be of two columns; a written space is 0.28."""
TOP_LINES = 150
CROSSED = 0.12
"""A column's edge may be crossed by this share of the lines, by cells that are too long."""


@dataclass(frozen=True)
class Word:
    """A word and where it stands, in points from the top left corner of its page."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Table:
    """A ruled table: its box (left, top, right, bottom), its cells by row, and the top of each row."""

    box: tuple[float, float, float, float]
    rows: list[list[str]]
    tops: list[float]


@dataclass(frozen=True)
class Page:
    """A page: its words, ruled tables and long horizontal lines."""

    height: float
    words: list[Word]
    tables: list[Table]
    rules: list[float]


@dataclass(frozen=True)
class Row:
    """A row of a table, or a line of words outside every table."""

    cells: list[str]
    outside: bool = False


@dataclass
class Line:
    """Words that stand beside one another."""

    words: list[Word] = field(default_factory=list)

    @property
    def top(self) -> float:
        """Upper edge."""
        return min(word.top for word in self.words)

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return max(word.bottom for word in self.words)

    @property
    def height(self) -> float:
        """Height of its letters."""
        return median(word.bottom - word.top for word in self.words)

    @property
    def text(self) -> str:
        """Its words with one space between."""
        return plain_text(" ".join(word.text for word in self.words))

    def segments(self) -> list[tuple[float, float, str]]:
        """Words that are no further apart than words are, as left edge, right edge and text."""
        found: list[tuple[float, float, str]] = []
        for word in self.words:
            if found and word.x0 - found[-1][1] < GAP * self.height:
                left, right, text = found[-1]
                found[-1] = (left, max(right, word.x1), f"{text} {word.text}")
            else:
                found.append((word.x0, word.x1, word.text))
        return found


def rows_of_pages(pages: list[Page]) -> list[Row]:
    """All rows of all pages in reading order, lines outside tables among them."""
    in_tables = sum(sum(_inside(word, table) for table in page.tables for word in page.words) for page in pages)
    if in_tables >= 0.5 * sum(len(page.words) for page in pages):
        return [row for page in pages for row in _ruled(page)]
    return _unruled(pages)


def _inside(word: Word, table: Table) -> bool:
    left, top, right, bottom = table.box
    return left <= (word.x0 + word.x1) / 2 <= right and top <= (word.top + word.bottom) / 2 <= bottom


def lines_of(words: list[Word]) -> list[Line]:
    """Lines from top to bottom, each from left to right."""
    lines: list[Line] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom, word.x0)):
        middle = (word.top + word.bottom) / 2
        if lines and lines[-1].words[0].top <= middle <= lines[-1].words[0].bottom:
            lines[-1].words.append(word)
        else:
            lines.append(Line([word]))
    for line in lines:
        line.words.sort(key=lambda word: word.x0)
    return lines


def _ruled(page: Page) -> list[Row]:
    placed: list[tuple[float, Row]] = []
    for table in page.tables:
        for top, cells in zip(table.tops, table.rows, strict=True):
            placed.append((top, Row([plain_text(cell or "") for cell in cells])))
    loose = [word for word in page.words if not any(_inside(word, table) for table in page.tables)]
    placed += [(line.top, Row([line.text], outside=True)) for line in lines_of(loose)]
    return [row for _, row in sorted(placed, key=lambda item: item[0])]


def _unruled(pages: list[Page]) -> list[Row]:
    by_page = [lines_of(page.words) for page in pages]
    furniture = _furniture(by_page)
    flat = [line for page in by_page for line in page if id(line) not in furniture]
    place = _heading_lines(flat)
    if place is None:
        return [Row([line.text], outside=True) for page in by_page for line in page]
    headings = flat[place[0] : place[1] + 1]
    title = set(map(id, flat[: place[0]]))
    titles = {_plain(line) for line in flat[: place[0]]}
    body = [line for line in flat[place[1] + 1 :] if _plain(line) not in titles]
    edges = _edges(headings, body)
    again = [_plain(line) for line in headings]
    keys = _value_columns(body, edges)
    rows: list[Row] = []
    for page, lines in zip(pages, by_page, strict=True):
        outside = [id(line) in furniture | title or _plain(line) in titles for line in lines]
        rows += _page_rows(page, lines, outside, again, edges, keys)
    return rows


def _plain(line: Line) -> str:
    return re.sub(r"\d+", "#", line.text.lower())


def _furniture(by_page: list[list[Line]]) -> set[int]:
    """Lines (by identity) at the very top or bottom that other pages have too, whatever their numbers; page numbers."""
    seen: Counter[tuple[str, int]] = Counter()
    for lines in by_page:
        # Headings of columns come again as well, but they are more than two.
        seen.update({place for line in lines if len(line.segments()) <= 2 for place in _places(line)})
    least = max(2, 0.5 * len(by_page))
    found: set[int] = set()
    for lines in by_page:
        numbers = {id(line) for line in lines if is_page_line(line.text)}
        common = numbers | {id(line) for line in lines if any(seen[place] >= least for place in _places(line))}
        for inwards in (lines, lines[::-1]):
            found |= set(takewhile(common.__contains__, map(id, inwards)))
        found |= numbers
    return found


def _places(line: Line) -> list[tuple[str, int]]:
    """The line without its numbers at its height on the page, give or take a few points."""
    return [(_plain(line), int(line.top + shift) // 6) for shift in (0, 3)]


def _heading_lines(lines: list[Line]) -> tuple[int, int] | None:
    """First and last line of the headings: of the lines of labels above values, the one with the most of them."""
    top = lines[:TOP_LINES]
    valued = [any(kind_of_cell(word.text) in VALUES for word in line.words) for line in top]
    labels = [[text for _, _, text in line.segments()] for line in top]
    candidates = [
        place
        for place, cells in enumerate(labels)
        if len(cells) >= 2 and label_share(cells) == 1 and not valued[place] and any(valued[place + 1 : place + 4])
    ]
    if not candidates:
        return heading_rows(labels)
    first = last = max(candidates, key=lambda place: (len(labels[place]), -place))
    spans = top[first].segments()
    while (
        first > 0 and len(labels[first - 1]) >= 2 and not valued[first - 1] and _over(top[first - 1], top[first], spans)
    ):
        first -= 1
    while last + 1 < len(top) and not valued[last + 1] and _over(top[last], top[last + 1], spans):
        last += 1
    return first, last


def _over(upper: Line, lower: Line, spans: list[tuple[float, float, str]]) -> bool:
    """Whether two lines are close and each part of both stands over or under one heading."""
    if lower.top - upper.bottom > 0.6 * upper.height:
        return False
    parts = [*upper.segments(), *lower.segments()]
    return all(sum(left < stop and start < right for start, stop, _ in spans) == 1 for left, right, _ in parts)


def _edges(headings: list[Line], body: list[Line]) -> list[float]:
    """Where one column ends and the next begins, between headings, where the fewest words of the rows stand."""
    spans = _merged([segment for line in headings for segment in line.segments()])
    right = max(0.0, *(word.x1 for line in [*headings, *body] for word in line.words))
    crossings = np.zeros(int(right) + 3)
    for line in body:
        for left, end, _ in line.segments():
            crossings[max(int(left), 0) : max(int(end) + 1, 0)] += 1
    most = CROSSED * max(len(body), 1)
    edges: list[float] = []
    for (_, start, _), (stop, _, _) in pairwise(spans):
        low = max(int(start), 0)
        high = max(int(stop) + 1, low + 2)
        reach = crossings[low:high]
        fewest = reach.min()
        if fewest > most and len(headings) == 1:
            continue  # words of one heading that stand far apart
        edges.append(low + _middle_of_longest(reach <= fewest))
    return edges


def _merged(segments: list[tuple[float, float, str]]) -> list[tuple[float, float, str]]:
    found: list[tuple[float, float, str]] = []
    for left, right, text in sorted(segments):
        if found and left < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], right), f"{found[-1][2]} {text}")
        else:
            found.append((left, right, text))
    return found


def _middle_of_longest(free: np.ndarray) -> float:
    changes = np.flatnonzero(np.diff(np.concatenate([[False], free, [False]]).astype(np.int8)))
    starts, stops = changes[::2], changes[1::2]
    longest = int(np.argmax(stops - starts))
    return float(starts[longest] + stops[longest]) / 2


def _cells(line: Line, edges: list[float]) -> list[str]:
    cells: list[list[str]] = [[] for _ in range(len(edges) + 1)]
    for left, right, text in line.segments():
        # What is written without a gap belongs together, in the column where most of it stands.
        within = [max(0.0, min(right, b) - max(left, a)) for a, b in pairwise([-1.0, *edges, 1e9])]
        if max(within) >= 0.8 * (right - left):
            cells[int(np.argmax(within))].append(text)
        else:
            for word in line.words:
                if left <= word.x0 and word.x1 <= right:
                    cells[int(np.searchsorted(edges, (word.x0 + word.x1) / 2))].append(word.text)
    return [" ".join(parts) for parts in cells]


def _value_columns(body: list[Line], edges: list[float]) -> list[int]:
    """Columns of dates, numbers and references: they are never broken over two lines."""
    grid = [_cells(line, edges) for line in body[:2000]]
    found = []
    for place in range(len(edges) + 1):
        kind, share = common_kind(cells[place] for cells in grid)
        if kind in VALUES and share >= 0.8:
            found.append(place)
    return found


def _page_rows(
    page: Page, lines: list[Line], outside: list[bool], again: list[str], edges: list[float], keys: list[int]
) -> list[Row]:
    rows: list[Row] = []
    inner = [line for line, out in zip(lines, outside, strict=True) if not out]
    gaps = [below.top - above.top for above, below in pairwise(inner)]
    usual = min(gaps, default=0.0)
    parted = len(page.rules) >= 0.3 * len(inner) and len(page.rules) >= 3
    previous: Line | None = None
    for line, out in zip(lines, outside, strict=True):
        if out:
            rows.append(Row([line.text], outside=True))
            continue
        cells = _cells(line, edges)
        joined = previous is not None and rows and not rows[-1].outside
        if joined and previous is not None:
            if _plain(line) in again:
                place = again.index(_plain(line))
                joined = place > 0 and _plain(previous) == again[place - 1]
            elif parted:
                joined = not any(previous.bottom - 1 <= rule <= line.top + 1 for rule in page.rules)
            else:
                near = line.top - previous.top <= 1.15 * usual
                joined = near and _goes_on(cells, keys)
        if joined:
            rows[-1] = Row([plain_text(f"{a} {b}") for a, b in zip(rows[-1].cells, cells, strict=True)])
        else:
            rows.append(Row(cells))
        previous = line
    return rows


def _goes_on(cells: list[str], keys: list[int]) -> bool:
    """Whether a line can be the second of a row: nothing in columns of values, and few cells at all."""
    if keys:
        return not any(cells[place] for place in keys) and written(cells) <= max(1, 0.6 * len(cells))
    return not cells[0] and written(cells) <= max(1, 0.5 * len(cells))
