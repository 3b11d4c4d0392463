"""The extract as a file: its bytes, its headings, its rows, and the rows that are set aside.

Stages share this reading, so that the row a receipt names is the row that was harmonised.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.extracts.decode import Chunk, RaggedRows, chunks, headings
    from pipelines.extracts.intake import Extract, IntakeFiles, raw_extract, raw_folder
    from pipelines.extracts.layout import choose_layout

_FROM = {
    **dict.fromkeys(("Chunk", "RaggedRows", "chunks", "headings"), "decode"),
    **dict.fromkeys(("Extract", "IntakeFiles", "raw_extract", "raw_folder"), "intake"),
    "choose_layout": "layout",
}
"""Imported when they are asked for: a plain table is read without contracts and mappings, which take half a second."""

__all__ = [
    "Chunk",
    "Extract",
    "IntakeFiles",
    "RaggedRows",
    "choose_layout",
    "chunks",
    "headings",
    "raw_extract",
    "raw_folder",
]


def __getattr__(name: str) -> Any:
    """One of the names above, from the module that has it."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
