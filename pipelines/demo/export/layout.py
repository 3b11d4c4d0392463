"""Layouts as data: the headings that a source system exports, and what stands under each."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from schemas.mapping import Strict
from schemas.strict_yaml import read_yaml

FOLDER = Path(__file__).resolve().parent / "layouts"


class Heading(Strict):
    """One column of an extract.

    `value` names a field of the contract, a part of the address or a figure derived from
    them (`attributes.py`); `junk` a kind of content that no field wants (`junk.py`).
    `codes` gives the source's word for each true code, or several words of which one is used.
    `date` overrides the extract's date format, `text` wraps the value, as in "{} years".
    """

    heading: str
    value: str | None = None
    junk: str | None = None
    constant: str | None = None
    codes: dict[str, str | tuple[str, ...]] = {}
    date: str | None = None
    text: str | None = None
    case: Literal["as_is", "upper", "lower"] = "as_is"

    @model_validator(mode="after")
    def _one_content(self) -> Self:
        if sum(x is not None for x in (self.value, self.junk, self.constant)) != 1:
            raise ValueError(f"heading '{self.heading}' needs exactly one of value, junk and constant")
        return self


class Layout(Strict):
    """What one source system writes for one dataset."""

    columns: tuple[Heading, ...]
    date: str | None = None
    case: Literal["as_is", "upper"] = "as_is"
    abbreviated_streets: bool = False

    def headings(self, *, uprn: bool) -> tuple[Heading, ...]:
        """The columns in order; those that hold a UPRN only where the borough writes them."""
        return tuple(c for c in self.columns if uprn or c.value != "uprn")


@lru_cache(maxsize=256)
def layout(system: str, dataset: str) -> Layout:
    """The layout of a source system's dataset."""
    return Layout.model_validate(read_yaml(FOLDER / system / f"{dataset}.yaml"))
