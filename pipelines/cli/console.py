"""Where commands print for people, and what they ask of a home before they do."""

from collections.abc import Sequence

from rich import box
from rich.console import Console, JustifyMethod
from rich.table import Table

from pipelines.core.errors import NotFound

console = Console(highlight=False)

ON_ONE_LINE = ("Drop", "Model", "Extract of", "As of")
"""Columns of days, and of names that the next command takes, which could not be copied from two lines."""


def table_of(*headings: str, right: Sequence[str] = (), title: str | None = None) -> Table:
    """An empty table in the look of all commands; the columns named in `right` hold figures, the rest is text."""
    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for heading in headings:
        side: JustifyMethod = "right" if heading in right else "left"
        table.add_column(heading, justify=side, overflow="fold", no_wrap=heading in ON_ONE_LINE)
    return table


def need_ledger() -> None:
    """Stop where no night has run.

    Raises:
        NotFound: there is no ledger.
    """
    from pipelines.core.ledger.engine import is_there

    if not is_there():
        raise NotFound("No night has run here yet; start with 'loda demo' and 'loda run', or 'make run'.")
