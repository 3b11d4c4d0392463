"""The table among the lines of a file: headings under a preamble, pages, stacked tables, footers, blank columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from pipelines.extracts.cell_kinds import (
    VALUES,
    common_kind,
    kind_of_cell,
    label_share,
    written,
)
from pipelines.extracts.chunk import plain_text
from pipelines.extracts.heading import row_text
from pipelines.extracts.recognise_heading import heading_rows, usual_fill
from pipelines.extracts.recognise_pages import Found, pattern_of, plain_cells, recognise_pages


@dataclass(frozen=True)
class Grid:
    """Lines of a file from the first on; `end` are its last lines where there are more than those."""

    rows: list[list[str]]
    end: list[list[str]] | None = None
    may_be_short: bool = True


def recognise_table(grid: Grid) -> Found:
    """Where the table is in these lines, and what stands among its rows that is none."""
    found = Found()
    rows = grid.rows
    fill = usual_fill(rows)
    heading = heading_rows(rows)
    if heading is None:
        _without_heading(rows, found)
        return found
    first, last = heading
    tables = _other_tables(rows, last, fill)
    if len(tables) > 1:
        largest = max(tables, key=lambda table: table[2] * written(rows[table[0]]))
        found.tables = len(tables)
        found.notes.append(
            f"There are {len(tables)} different tables one below another; the largest, with its headings in row "
            f"{largest[0] + 1}, is read and the others are not."
        )
        _choose(rows, tables, largest, found)
        first = largest[0] if largest != tables[0] else first
        last = max(largest[0], last if largest == tables[0] else largest[0])
        stop = next((table[1] for table in tables if table[1] > largest[0]), len(rows))
        rows, grid = rows[:stop], Grid(rows[:stop], None if stop < len(grid.rows) else grid.end, grid.may_be_short)
    _say_where(rows, first, last, found)
    width = _width(grid, first, last, found)
    _value_headings(rows, first, last, width, found)
    _among_rows(grid, first, last, width, found)
    return found


def _without_heading(rows: list[list[str]], found: Found) -> None:
    found.options["header_row"] = 0
    found.notes.append("There is no row of headings; columns are known by their position.")


def _other_tables(rows: list[list[str]], last: int, fill: int) -> list[tuple[int, int, int]]:
    """Heading row, first line (its title) and number of rows of each different table from the first on."""
    own = {plain_cells(rows[last])}
    found: list[tuple[int, int, int]] = [(last, last, 0)]
    place, count = last + 1, 0
    while place < len(rows):
        cells = rows[place]
        if _begins_another(rows, place, own, fill):
            start = place
            while start - 1 > found[-1][0] and written(rows[start - 1]) <= 1:
                start -= 1
            while not written(rows[start]):
                start += 1
            found[-1] = (found[-1][0], found[-1][1], count)
            found.append((place, start, 0))
            own.add(plain_cells(cells))
            fill, count = written(cells), 0
        else:
            count += written(cells) > 1 or fill == 1
        place += 1
    found[-1] = (found[-1][0], found[-1][1], count)
    return found


def _begins_another(rows: list[list[str]], place: int, own: set[tuple[str, ...]], fill: int) -> bool:
    """Whether a row, after a blank one or a title, heads columns of another table."""
    cells = rows[place]
    if written(rows[place - 1]) > 1 or written(cells) < 2 or label_share(cells) < 1 or plain_cells(cells) in own:
        return False
    below = [row for row in rows[place + 1 : place + 6] if written(row) > 1][:3]
    if not below or any(plain_cells(row) in own for row in below):
        return False
    held = {column for column, cell in enumerate(cells) if cell.strip()}
    fits = all({column for column, cell in enumerate(row) if cell.strip()} <= held for row in below)
    other_width = written(cells) <= 0.7 * fill or written(cells) > 1.3 * fill
    return fits and other_width


def _choose(
    rows: list[list[str]], tables: list[tuple[int, int, int]], largest: tuple[int, int, int], found: Found
) -> None:
    place = tables.index(largest)
    if place > 0:
        found.options["begins_at"] = pattern_of(row_text(rows[largest[0]]))
        found.options["header_row"] = 1
    if place + 1 < len(tables):
        found.options["ends_at"] = pattern_of(row_text(rows[tables[place + 1][1]]))


def _say_where(rows: list[list[str]], first: int, last: int, found: Found) -> None:
    if "begins_at" not in found.options:
        if first:
            above = sum(1 for cells in rows[:first] if written(cells))
            found.notes.append(
                f"The headings stand in row {first + 1}, under {above} other line{'s' if above != 1 else ''}."
                if above
                else f"The headings stand in row {first + 1}, under blank rows."
            )
        found.options["header_row"] = first + 1
    if last > first:
        found.options["header_rows"] = last - first + 1
        found.notes.append(f"The headings are spread over {last - first + 1} rows and were joined.")
    blank = [place + 1 for place, cell in enumerate(rows[last]) if not cell.strip() and last == first]
    inner = [place for place in blank if any(cell.strip() for cell in rows[last][place:])]
    if inner:
        listed = ", ".join(map(str, inner[:8])) + (" and more" if len(inner) > 8 else "")
        found.notes.append(
            f"{'Column' if len(inner) == 1 else 'Columns'} {listed} {'has' if len(inner) == 1 else 'have'} no heading."
        )


def _width(grid: Grid, first: int, last: int, found: Found) -> int:
    """How many columns the table has; rows and headings that are longer or shorter are declared."""
    headed = max(_extent(cells) for cells in grid.rows[first : last + 1])
    below = [cells for cells in grid.rows[last + 1 :] if written(cells) > 1 or headed == 1]
    extents = Counter(_extent(cells) for cells in below)
    often = [extent for extent, times in extents.items() if times >= max(2, 0.1 * len(below))]
    width = max([headed, *often])
    longest = max(len(cells) for cells in grid.rows[first : last + 1])
    spilt = any(len(cells) > longest and _extent(cells) <= width for cells in below)
    if longest > width or width > headed or spilt:
        found.options["columns"] = width
        if longest > width:
            found.notes.append(f"{longest - width} blank columns at the right are not read.")
        if width > headed:
            found.notes.append(f"Rows reach {width - headed} columns further than the headings.")
    if grid.may_be_short and below:
        _short_rows(below, max(longest if width == headed == longest else width, 1), found)
    return width


def _extent(cells: list[str]) -> int:
    return max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=0)


def _short_rows(below: list[list[str]], width: int, found: Found) -> None:
    short = [cells for cells in below if 1 < len(cells) < width]
    if len(short) < max(1, 0.02 * len(below)):
        return
    # Cells are missing at the right only if those that are there are of their columns' kinds.
    kinds = [common_kind(cells[place] for cells in below[:500] if place < len(cells)) for place in range(width)]
    tried = alike = 0
    for cells in short[:500]:
        for place in range(len(cells) // 2, len(cells)):
            kind, share = kinds[place]
            if kind in VALUES and share > 0.7 and cells[place].strip():
                tried += 1
                alike += kind_of_cell(cells[place]) == kind
    if alike >= 0.7 * tried:
        found.options["short_rows"] = True
        found.notes.append("Some rows end before the last column; the cells that they lack count as blank.")


def _value_headings(rows: list[list[str]], first: int, last: int, width: int, found: Found) -> None:
    if last > first:
        return
    below = [cells for cells in rows[last + 1 : last + 400] if written(cells) > 1]
    overrides: dict[int, str] = {}
    for place, cell in enumerate(rows[last][:width]):
        kind = kind_of_cell(cell)
        if kind in {"blank", "label", "text"}:
            continue
        values = [cells[place] for cells in below if place < len(cells) and cells[place].strip()]
        usual, share = common_kind(values)
        known = {plain_text(value).lower() for value in values}
        if plain_text(cell).lower() in known or (usual == kind and share >= 0.6 and kind != "number"):
            overrides[place + 1] = f"(column {place + 1})"
    if overrides:
        found.options["heading_overrides"] = overrides
        listed = ", ".join(map(str, overrides))
        found.notes.append(
            f"The heading of column {listed} is a value, not a name; the column is known by its position."
            if len(overrides) == 1
            else f"The headings of columns {listed} are values, not names; these columns are known by their positions."
        )


def _among_rows(grid: Grid, first: int, last: int, width: int, found: Found) -> None:
    headings = {plain_cells(grid.rows[place]) for place in range(first, last + 1)}
    recognise_pages(grid.rows[last + 1 :], grid.end, headings, grid.rows[:first], width, found)
