"""Which borough exports what, from which system, in which file: `boroughs.yaml` as types."""

from __future__ import annotations

import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from pipelines.core.errors import NotFound
from schemas.mapping import Strict
from schemas.strict_yaml import read_yaml

FOLDER = Path(__file__).resolve().parent
LINE_ENDS = {"unix": "\n", "windows": "\r\n", "old_mac": "\r"}


class Extract(Strict):
    """One dataset of one borough as a file.

    `date` is a strftime format, or `native` for date cells of a workbook or Parquet file.
    `preamble` is the number of lines above the heading row. `uprn` says whether rows carry
    UPRNs: nearly `all`, only in `part`, or `none` (then there is no such column).
    """

    borough: str
    dataset: str
    layout: str
    format: Literal["csv", "xlsx", "parquet"] = "csv"
    encoding: str = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    line_end: Literal["unix", "windows", "old_mac"] = "windows"
    date: str = "%d/%m/%Y"
    preamble: int = Field(0, ge=0, le=10)
    sheet: str | None = None
    uprn: Literal["all", "part", "none"] = "all"
    file_name: str
    ending: str | None = None
    untidiness: float = Field(1.0, ge=0, le=3)

    @property
    def header_row(self) -> int:
        """Row of the heading, counted from 1 as a spreadsheet does."""
        return self.preamble + 1

    def name_on(self, day: datetime.date) -> str:
        """File name of the extract made on a day."""
        style = file_names()[self.file_name]
        words = style.words.get(self.dataset, self.dataset)
        stem = style.template.format(words=words, day=day.strftime(style.date))
        return f"{stem}.{self.ending or self.format}"


class FileNames(Strict):
    """One style of naming files: `template` holds {words} and {day}; words that a dataset is called by."""

    template: str
    date: str
    words: dict[str, str] = {}


@lru_cache(maxsize=1)
def _content() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(FOLDER / "boroughs.yaml")
    return content


@lru_cache(maxsize=1)
def file_names() -> dict[str, FileNames]:
    """The styles of file names by their own name."""
    return {name: FileNames.model_validate(style) for name, style in _content()["file_names"].items()}


@lru_cache(maxsize=64)
def extracts(borough: str) -> dict[str, Extract]:
    """What a borough exports, by dataset.

    Raises:
        NotFound: the borough has no extracts.
    """
    try:
        own = _content()["boroughs"][borough]
    except KeyError:
        raise NotFound(f"There are no synthetic extracts of '{borough}'; London's 33 boroughs have them.") from None
    common = {key: value for key, value in own.items() if key != "datasets"}
    return {
        dataset: Extract.model_validate(common | special | {"borough": borough, "dataset": dataset})
        for dataset, special in own["datasets"].items()
    }


def all_boroughs() -> list[str]:
    """Slugs of the boroughs that have extracts."""
    return list(_content()["boroughs"])
