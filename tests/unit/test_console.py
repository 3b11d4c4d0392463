"""What commands print can be copied into the next command, however narrow the window is."""

from __future__ import annotations

from rich.console import Console

from pipelines.cli.console import table_of
from schemas import registry

DROP = "camden-licence_application-8c952f5e5d1c"


def test_a_drop_s_name_stands_on_one_line_in_a_narrow_window():
    table = table_of("Borough", "Dataset", "Extract of", "Rows", "Drop", right=("Rows",))
    table.add_row("richmond_upon_thames", "licence_application", "2026-09-30", "1234567", DROP)
    narrow = Console(width=80, record=True, file=None)
    with narrow.capture() as printed:
        narrow.print(table)
    assert DROP in printed.get()
    assert "2026-09-30" in printed.get()


def test_a_misspelt_borough_is_told_with_the_one_that_was_meant():
    assert registry.meant("camdn", registry.boroughs()) == " (did you mean 'camden'?)"
    assert registry.meant("paris", registry.boroughs()) == ""
