"""What a file's path says: whose it is, of which dataset and day, and whether it may lie there."""

from __future__ import annotations

from datetime import date

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, NotFound, RefusedDrop
from pipelines.governance import access
from schemas import registry

LONGEST_NAME = 180
"""Bytes of a file name: with the ending of a receipt it must stay below the 255 that file systems allow."""


def check_name(path: str) -> None:
    """Raise if a receipt could not be named after the file.

    Raises:
        RefusedDrop: `name_too_long`.
    """
    longest = max(len(part.encode()) for part in path.split("/"))
    if longest > LONGEST_NAME:
        raise RefusedDrop("name_too_long", f"A part of the file's path is {longest} bytes long.")


def check_place(path: str) -> None:
    """Raise unless the path names a borough, a dataset and an agreement that covers them."""
    parts = path.split("/")
    if len(parts) != 4:
        raise RefusedDrop("wrong_place", "The file does not lie in drops/<borough>/<dataset>/.")
    _, borough, dataset, _ = parts
    try:
        registry.borough(borough)
    except NotFound as error:
        raise RefusedDrop("unknown_borough", f"There is no borough '{borough[:60]}'.") from error
    try:
        registry.contract(dataset)
    except NotFound as error:
        raise RefusedDrop("unknown_dataset", str(error)) from error
    refusal = access.refusal(borough, dataset, "hmo_detection")
    if refusal is not None:
        raise RefusedDrop("no_agreement", refusal)


def extract_date(borough: str, dataset: str, path: str, written: date) -> date:
    """The day the extract was made: from its name where a mapping says how, else the day it was written.

    A day that has not come yet is a slip, or a clock that runs ahead; it would hide every later extract.
    """
    fallback = min(written, clock.today())
    if borough not in registry.boroughs() or dataset not in registry.contracts():
        return fallback
    try:
        layouts = registry.mappings(borough, dataset)
    except ConfigurationError:
        return fallback  # the harmonise stage holds the drop and says what is wrong with the mapping
    name = path.rsplit("/", 1)[-1]
    read = (layout.extract_date.read(name) for layout in layouts if layout.extract_date)
    return next((day for day in read if day is not None and day <= clock.today()), fallback)
