"""Lines among and below the rows of a table that are no rows: page headings, titles, page numbers, footers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipelines.extracts.cell_kinds import kind_of_cell, written
from pipelines.extracts.chunk import plain_text
from pipelines.extracts.heading import row_text

PAGE_LINES: tuple[tuple[str, str], ...] = (
    (r"-? ?(?:page|pg\.?) ?:? ?\d+(?: ?(?:of|/) ?\d+)? ?-?", "page numbers"),
    (r"-? ?\d+ ?(?:of|/) ?\d+ ?-?", "page numbers"),
    (
        r"(?:date )?(?:printed|produced|generated|exported|extracted|created|report run|run|report date)"
        r"(?: (?:on|at|by|date))? ?:? .*\d.*",
        "lines that say when it was printed",
    ),
    (r"\W*end of (?:the )?(?:report|list|listing|register|data|file|extract)\W*", "a line that ends the report"),
    (r"\(?continued(?: overleaf| on (?:the )?next page)?\)?\W*", "lines that say that it goes on"),
    (
        r"(?:(?:grand |sub-? ?|page |overall )?totals?|(?:total |no\.? of |number of )(?:[a-z]+ ){0,3}[a-z]+)"
        r"(?: ?[:=-])?(?: [£(-]?\d[\d,.]*[)%]?)*",
        "totals",
    ),
    (r"\d[\d,]* (?:rows?|records?|entries|licen[cs]es|properties)(?: [a-z]+)?\W*", "a count of rows"),
)
"""Lines that reports put among their rows: the pattern of the whole row, and what they are called in a note."""

_PAGE_LINES = [(re.compile(pattern, re.IGNORECASE), pattern, name) for pattern, name in PAGE_LINES]
TITLE = "(title)"
LONGEST_PATTERN = 150


@dataclass
class Found:
    """What was made out of some lines: options of `Shape`, how many tables, and notes in plain sentences."""

    options: dict[str, Any] = field(default_factory=dict)
    tables: int = 1
    notes: list[str] = field(default_factory=list)


def plain_cells(cells: list[str]) -> tuple[str, ...]:
    """A row to compare with another: without case, double space and blank cells at its end."""
    plain = [plain_text(cell).lower() for cell in cells]
    while plain and not plain[-1]:
        plain.pop()
    return tuple(plain)


def pattern_of(text: str) -> str:
    """A pattern for a line that reads like this one whatever its numbers; of a long line, for its beginning."""
    kept = text[:LONGEST_PATTERN]
    pattern = re.sub(r"[0-9]+", r"\\d+", re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", kept))
    return pattern if kept == text else pattern + ".*"


def is_page_line(text: str) -> bool:
    """Whether a line on its own is a page number, a date of printing, an end mark or the like."""
    return any(form.fullmatch(text) for form, _, _ in _PAGE_LINES)


def recognise_pages(
    rows: list[list[str]],
    end: list[list[str]] | None,
    headings: set[tuple[str, ...]],
    above: list[list[str]],
    width: int,
    found: Found,
) -> None:
    """What stands among the rows below the headings, added to `found`. `end`: the last rows, if not among these."""
    everything = [*rows, *(end or [])]
    sparse = max(1, int(0.34 * width))
    patterns = _page_lines(everything, sparse, width, found)
    kinds = [_kind(cells, headings, patterns) for cells in rows]
    again = [place for place, kind in enumerate(kinds) if kind == "heading"]
    if not again:
        _groups(rows, kinds, width, found)
    if again:
        found.options["repeated_headings"] = True
        _titles(rows, kinds, again, above, width, found)
        _say_repeats(again, kinds, len(headings), found)
    _footer(end if end is not None else rows, headings, patterns, sparse, width, rows, found)


def _kind(cells: list[str], headings: set[tuple[str, ...]], patterns: list[re.Pattern[str]]) -> str:
    count = written(cells)
    if not count:
        return "blank"
    if plain_cells(cells) in headings:
        return "heading"
    if any(pattern.fullmatch(row_text(cells)) for pattern in patterns):
        return "page"
    return "lone" if count == 1 else "row"


def _page_lines(rows: list[list[str]], sparse: int, width: int, found: Found) -> list[re.Pattern[str]]:
    """The kinds of page lines that occur in rows of few cells and in no others."""
    used: list[re.Pattern[str]] = []
    if width < 2:
        return used
    few = [row_text(cells) for cells in rows if 0 < written(cells) <= max(sparse, 2)]
    named: list[str] = []
    for form, pattern, name in _PAGE_LINES:
        hits = sum(1 for text in few if form.fullmatch(text))
        if not hits and name == "totals":  # their row may hold a sum in each column
            hits = sum(1 for cells in rows[-60:] if form.fullmatch(row_text(cells)))
        if hits and hits <= max(3, 0.2 * len(rows)):
            used.append(form)
            found.options.setdefault("skip", []).append(pattern)
            if name not in named:
                named.append(name)
    if named:
        found.notes.append(f"Among or below the rows stand {_listed(named)}; they are passed over.")
    return used


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _titles(
    rows: list[list[str]], kinds: list[str], again: list[int], above: list[list[str]], width: int, found: Found
) -> None:
    if width < 2:
        return
    runs: Counter[int] = Counter()
    texts: list[str] = []
    for place in again:
        if place and kinds[place - 1] == "heading":
            continue
        run, before = 0, place - 1
        while before >= 0 and kinds[before] in {"lone", "blank", "page"}:
            if kinds[before] == "lone":
                run += 1
                if run == 1:
                    texts.append(row_text(rows[before]))
            before -= 1
        runs[run] += 1
    often = [run for run, times in runs.items() if run and times >= 0.25 * runs.total()]
    if not often:
        return
    found.options["title_lines"] = min(max(often), 9)
    first = next((row_text(cells) for cells in reversed(above) if written(cells)), "")
    distinct = {re.sub(r"\d+", "", text).lower() for text in [*texts, first] if text}
    if len(distinct) > 1:
        found.options["title_column"] = TITLE
        found.notes.append(
            f"Tables have titles of their own above their headings; the title is kept in a column named {TITLE}."
        )
    else:
        found.notes.append("The same title lines stand above the headings each time; they are passed over.")


def _groups(rows: list[list[str]], kinds: list[str], width: int, found: Found) -> None:
    """Titles among the rows without headings of their own, such as the name of a ward above its licences."""
    lone = [place for place, kind in enumerate(kinds) if kind == "lone"]
    leading = [place for place in lone if next((kind for kind in kinds[place + 1 :] if kind != "blank"), "") == "row"]
    texts = [row_text(rows[place]) for place in leading]
    if width < 4 or not leading or len(leading) > 0.2 * kinds.count("row") or len(set(texts)) < len(texts):
        return
    following = [rows[place + 1 : place + 40] for place in leading]
    first = [next(i for i, cell in enumerate(rows[place]) if cell.strip()) for place in leading]
    # A row that lost its other cells holds what its column holds; a title does not.
    own = {kind_of_cell(cells[column]) for cells_below, column in zip(following, first, strict=True)
           for cells in cells_below if column < len(cells) and written(cells) > 1}  # fmt: skip
    if all(kind_of_cell(text) == "label" for text in texts) and not own & {"label", "text", "outward"}:
        found.options["group_titles"] = True
        found.options["title_column"] = TITLE
        found.notes.append(
            f"{len(leading)} line{'s' if len(leading) != 1 else ''} of one cell name the rows below; the name is kept "
            f"in a column named {TITLE}."
        )


def _say_repeats(again: list[int], kinds: list[str], headings: int, found: Found) -> None:
    times = len(again) if headings == 1 else sum(1 for p in again if p == 0 or kinds[p - 1] != "heading")
    pages = "page" in kinds
    blocks = sum(1 for place in again if place and kinds[place - 1] in {"blank", "lone"})
    if "title_column" in found.options or (blocks and not pages):
        found.tables += times
        found.notes.append(f"{times + 1} tables with the same headings are stacked one below another and read as one.")
    else:
        found.notes.append(
            f"The headings come again {times} time{'s' if times != 1 else ''} among the rows, as at the top of pages."
        )


def _footer(
    last: list[list[str]],
    headings: set[tuple[str, ...]],
    patterns: list[re.Pattern[str]],
    sparse: int,
    width: int,
    rows: list[list[str]],
    found: Found,
) -> None:
    """Lines of words below the last row, such as an explanation: the table ends at the first of them."""
    if width < 3 or "ends_at" in found.options:
        return
    kinds = [_kind(cells, headings, patterns) for cells in last]
    stop = next((p for p in range(len(last) - 1, -1, -1) if kinds[p] in {"row", "heading"}), None)
    if stop is None:
        return
    tail = [place for place in range(stop + 1, len(last)) if kinds[place] == "lone"]
    if not tail:
        return
    first = tail[0]
    apart = kinds[first - 1] in {"blank", "page"}
    text = row_text(last[first])
    wordy = len(text.split()) >= 4 and kind_of_cell(text) in {"label", "text"}
    if not (apart and len(text.split()) >= 2) and not wordy:
        return
    pattern = _beginning(text, rows)
    if pattern is not None:
        found.options["ends_at"] = pattern
        found.notes.append(f"{len(tail)} line{'s' if len(tail) != 1 else ''} of words below the last row are not read.")


def _beginning(text: str, rows: list[list[str]]) -> str | None:
    """A pattern for lines that begin with the same two to five words, if no row does."""
    words = text.split()
    for count in range(2, 6):
        pattern = pattern_of(" ".join(words[:count])) + (".*" if len(words) > count else "")
        form = re.compile(pattern, re.IGNORECASE | re.DOTALL)
        if not any(written(cells) > 1 and form.fullmatch(row_text(cells)) for cells in rows):
            return pattern
    return None
