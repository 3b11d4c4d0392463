"""Which of the first lines of a file are the headings of its table."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from pipelines.extracts.cell_kinds import VALUES, kind_of_cell, label_share, value_share, written
from pipelines.extracts.chunk import plain_text

LOOKED_AT = 60
"""Lines among which the headings are, and rows below a line that are compared with it."""

VALUED = 0.7
BODY_VALUES = 0.2
YEARS = range(1900, 2101)
NOTHING = frozenset({"n/a", "na", "none", "unknown", "not known", "-", "nil", "null"})


def has_headings(rows: list[list[str]]) -> bool:
    """Whether the first of these rows are headings or stand above headings."""
    return heading_rows(rows) is not None


def heading_rows(rows: list[list[str]]) -> tuple[int, int] | None:
    """First and last row of the headings (from 0); None where these rows have none.

    Headings name columns of values: of the first lines, the one with labels over the most columns of numbers, dates,
    postcodes and references. Where no column holds such values, the first line that is as wide as the rows.
    """
    fill = usual_fill(rows)
    named, valued = _named(rows)
    best = max(range(len(named)), key=lambda place: (named[place], place), default=None)
    if best is not None:
        best = rows.index(rows[best])  # the first time, where they come again on each page
    if best is not None and named[best] >= max(1, 0.3 * valued[best]) and _may_name(rows[best]):
        return _spread(rows, best, fill)
    body = _first_row(rows, fill)
    if body is None:
        wide = [place for place, cells in enumerate(rows[:LOOKED_AT]) if written(cells) >= max(1, 0.6 * fill)]
        labels = [place for place in wide if label_share(rows[place]) == 1]
        chosen = next(iter(labels or wide), None)
        return None if chosen is None or _among_values(rows, chosen) else _spread(rows, chosen, fill)
    for place in range(body - 1, max(-1, body - 8), -1):
        count = written(rows[place])
        if count == 0 or (count == 1 and fill > 2):
            continue
        return _spread(rows, place, fill) if count >= 0.3 * fill and label_share(rows[place]) >= 0.6 else None
    return None


def usual_fill(rows: list[list[str]]) -> int:
    """How many cells of a row are usually written."""
    counts = Counter(count for count in map(written, rows) if count)
    return max(counts, key=lambda count: (counts[count] * (count > 1 or len(counts) == 1), count)) if counts else 0


def _named(rows: list[list[str]]) -> tuple[list[int], list[int]]:
    """For each of the first lines the columns of values it has a label over, and all columns of values: counts."""
    kinds = [[kind_of_cell(cell) for cell in cells] for cells in rows[: 2 * LOOKED_AT]]
    named: list[int] = []
    valued: list[int] = []
    for place, cells in enumerate(rows[:LOOKED_AT]):
        below = [others for others in kinds[place + 1 : place + LOOKED_AT] if any(kind != "blank" for kind in others)]
        names = values = 0
        for column, cell in enumerate(cells):
            found = Counter(others[column] for others in below if column < len(others))
            found.pop("blank", None)
            usual = found.most_common(1)
            if not usual or usual[0][0] not in VALUES or usual[0][1] < VALUED * found.total():
                continue
            values += 1
            names += _names(cell, kinds[place][column]) or _is_year(cell) > _years(rows, place, column)
        named.append(names)
        valued.append(values)
    return named, valued


def _names(cell: str, kind: str) -> bool:
    return kind in {"label", "outward", "text"} and cell.strip().lower() not in NOTHING


def _may_name(cells: list[str]) -> bool:
    names = [cell for cell in cells if not _is_year(cell)]
    return label_share(names) >= 0.5


def _is_year(cell: str) -> bool:
    text = cell.strip()
    return len(text) == 4 and text.isascii() and text.isdigit() and int(text) in YEARS


def _years(rows: list[list[str]], place: int, column: int) -> bool:
    """Whether a year stands somewhere in a column below a line."""
    return any(column < len(cells) and _is_year(cells[column]) for cells in rows[place + 1 : place + LOOKED_AT])


def _first_row(rows: list[list[str]], fill: int) -> int | None:
    """The first row that holds values as its followers do."""

    def like_a_row(cells: list[str]) -> bool:
        return written(cells) >= max(0.4 * fill, min(fill, 2)) and value_share(cells) >= BODY_VALUES

    places = [place for place, cells in enumerate(rows[: LOOKED_AT * 4]) if written(cells)]
    for place, following in pairwise([*places, -1]):
        if like_a_row(rows[place]) and (following < 0 or like_a_row(rows[following])):
            return place
    return next((place for place in places if like_a_row(rows[place])), None)


def _among_values(rows: list[list[str]], place: int) -> bool:
    """Whether a line's cells come again below in the same columns, each in other company: then it is a row itself."""
    own = [plain_text(cell).lower() for cell in rows[place]]
    below = [[plain_text(cell).lower() for cell in cells] for cells in rows[place + 1 : place + 2000]]
    others = [cells for cells in below if cells[: len(own)] != own]
    filled = [column for column, cell in enumerate(own) if cell]
    again = [place for place in filled if any(place < len(cells) and cells[place] == own[place] for cells in others)]
    often = len(below) > 4 and len(below) - len(others) > 0.3 * len(below)
    return often or (len(filled) > 1 and len(again) >= 0.5 * len(filled))


def _spread(rows: list[list[str]], place: int, fill: int) -> tuple[int, int]:
    """The headings' first and last row, where they are spread over two."""
    if place > 0 and _goes_with(rows[place - 1], rows[place], fill):
        return place - 1, place
    if place + 1 < len(rows) and _goes_on(rows[place], rows[place + 1 : place + 4]):
        return place, place + 1
    return place, place


def _goes_with(upper: list[str], lower: list[str], fill: int) -> bool:
    """Whether a line is the upper part of the headings below it: names over several columns, or words broken off."""
    places = [place for place, cell in enumerate(upper) if cell.strip()]
    if len(places) < 2 or label_share(upper) < 0.9 or any(cell.strip().endswith(":") for cell in upper):
        return False
    fills_gaps = any(place >= len(lower) or not lower[place].strip() for place in places)
    grouped = any(right - left > 1 for left, right in pairwise(places)) or places[0] > 0
    below = [plain_text(cell).lower() for cell in lower if cell.strip()]
    wrapped = len(places) >= 0.7 * fill
    in_groups = grouped and (fills_gaps or len(set(below)) < len(below) or len(places) <= 0.6 * fill)
    return wrapped or in_groups


def _goes_on(heading: list[str], below: list[list[str]]) -> bool:
    """Whether the line below headings is their lower part: only labels, none of them a title, then rows of values."""
    lower, after = below[0], below[1:]
    places = [place for place, cell in enumerate(lower) if cell.strip()]
    if not places or label_share(lower) < 1 or not any(value_share(cells) >= BODY_VALUES for cells in after):
        return False
    if places == [0] or value_share(lower) > 0:
        return False  # a title of the rows below
    unnamed = all(place >= len(heading) or not heading[place].strip() for place in places)
    few = len(places) <= 0.6 * written(heading)
    return few or unnamed
