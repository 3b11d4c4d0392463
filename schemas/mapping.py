"""Mappings: how one borough's layout becomes a dataset. Data, never code."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping as MappingType
from datetime import date, datetime
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipelines.core.hashing import hash_of
from schemas.contract import Contract


class Strict(BaseModel):
    """A model that knows every key it may hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _known_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(f"'{name}' is no encoding that Python knows; utf-8, utf-8-sig and cp1252 are usual") from None
    return name


def _one_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"this pattern is not a regular expression: {error}") from None
    if groups != 1:
        raise ValueError("a pattern needs exactly one group in brackets")
    return pattern


def _row_pattern(pattern: str) -> str:
    try:
        pc.match_substring_regex(pa.array([""]), whole_row(pattern))
    except pa.ArrowInvalid as error:
        raise ValueError(f"this pattern is not a regular expression: {error}") from None
    return pattern


def whole_row(pattern: str) -> str:
    """The expression that finds a pattern of `Shape` in a row's text, from its first character to its last."""
    return rf"(?is)\A(?:{pattern})\z"


RowPattern = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_row_pattern)]
"""A regular expression (RE2, case ignored) for the whole text of a row: its written cells with one space between."""


class Shape(Strict):
    """How the bytes of an extract are laid out. Rows and columns count from 1, as a spreadsheet shows them.

    In a PDF only the rows of its tables count. Line ends (CR, LF, CRLF) need no option, nor do blank rows.
    Every row that an option here passes over is told in the receipt: nothing is left out in silence.
    """

    format: Literal["csv", "xlsx", "parquet", "pdf", "addressbase"] = "csv"
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    quote: Literal['"', "'", ""] = Field('"', description="What stands around a cell; empty: nothing does.")
    sheet: str | None = Field(None, description="Sheet of a workbook; the first where none is named.")
    begins_at: RowPattern | None = Field(None, description="`header_row` counts from the first row that reads so.")
    header_row: int = Field(1, ge=0, le=1_048_576, description="First row of the headings; 0: there are none.")
    header_rows: int = Field(1, ge=1, le=4, description="Rows over which the headings are spread.")
    heading_overrides: dict[Annotated[int, Field(ge=1)], Annotated[str, Field(min_length=1)]] = Field(
        {}, description="Names of columns, by position, whose heading is a value or says nothing."
    )
    columns: int | None = Field(None, ge=1, le=16_384, description="Columns read; those to the right are blank.")
    short_rows: bool = Field(False, description="A row may end early: the cells that it lacks are blank.")
    repeated_headings: bool = Field(False, description="The headings come again among the rows (pages, tables).")
    title_lines: int = Field(0, ge=0, le=9, description="Lines of one cell above headings that come again.")
    group_titles: bool = Field(False, description="Any row of one cell is a title of the rows below it.")
    title_column: str | None = Field(None, description="Name of a column that holds the last title line above a row.")
    skip: tuple[RowPattern, ...] = Field((), description="Rows that are no data: page numbers, totals.")
    ends_at: RowPattern | None = Field(None, description="The first row that reads so and all below are not read.")

    @model_validator(mode="after")
    def _fits_its_format(self) -> Self:
        given = self.model_fields_set - {"format"}
        if self.format in {"parquet", "addressbase"} and given & LAYOUT_OPTIONS:
            raise ValueError(
                f"{self.format} has its own headings; take out {', '.join(sorted(given & LAYOUT_OPTIONS))}"
            )
        if self.header_row == 0 and (self.header_rows > 1 or self.repeated_headings):
            raise ValueError("header_row 0 says that there are no headings, so they cannot be several rows or repeated")
        if self.title_lines and not self.repeated_headings:
            raise ValueError("title_lines counts lines above headings that come again, so it needs repeated_headings")
        if self.title_column is not None and not (self.title_lines or self.group_titles):
            raise ValueError("title_column needs title_lines or group_titles")
        return self

    @property
    def plain(self) -> bool:
        """Whether every row below one heading row is data, cell for cell."""
        own = LAYOUT_OPTIONS - {"header_row", "heading_overrides", "quote"}
        return all(getattr(self, name) == Shape.model_fields[name].default for name in own)


LAYOUT_OPTIONS = frozenset(Shape.model_fields) - {"format", "encoding", "delimiter", "sheet"}
"""Options of `Shape` that say which rows and columns of a file are its table."""


def _extract_pattern(pattern: str) -> str:
    """Patterns over cells run over whole columns at once, which knows no look-ahead and no back-reference (RE2)."""
    _one_group(pattern)
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid:
        raise ValueError(
            "this pattern has something that cannot be run over a column, such as a look-ahead or a back-reference"
        ) from None
    return pattern


class FieldMap(Strict):
    """Where one contract field comes from: a column, several joined ones, or a constant.

    The steps run in this order: join, the mapping's patches, extract (a regular expression with one
    group), default for a blank, values (the borough's code to the contract's), date formats.
    A date field may also be so long `after` another: the column then holds a length (`5`, `5 years`, `12 months`),
    in `unit` where the cell names none, and the field is the last day of it.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    join: str = ", "
    constant: str | None = None
    extract: Annotated[str, AfterValidator(_extract_pattern)] | None = None
    values: dict[str, str] = {}
    date: tuple[str, ...] = ()
    default: str | None = None
    after: str | None = None
    unit: Literal["years", "months", "days"] = "years"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum((self.column is not None, bool(self.columns), self.constant is not None)) != 1:
            raise ValueError("give exactly one of column, columns and constant")
        if self.unit != "years" and self.after is None:
            raise ValueError("unit is that of a length, so it needs after")
        if self.after is not None and (self.date or self.values):
            raise ValueError("a length after another date has neither date formats nor codes")
        return self

    @property
    def sources(self) -> tuple[str, ...]:
        """Headings that this field reads."""
        return (self.column,) if self.column is not None else self.columns


def _column_is_enough(value: Any) -> Any:
    return {"column": value} if isinstance(value, str) else value


class ExtractDate(Strict):
    """How the day an extract was made is read from its file name: a pattern with one group, and its format."""

    pattern: Annotated[str, AfterValidator(_one_group)]
    format: str

    def read(self, file_name: str) -> date | None:
        """The day in `file_name`, or None where it holds none."""
        found = re.search(self.pattern, file_name)
        try:
            return datetime.strptime(found.group(1), self.format).date() if found else None
        except ValueError:
            return None


class KnownSince(Strict):
    """Where an extract has no column for it: rows are known so many days after another date field."""

    after: str
    days: int = Field(0, ge=0)


OVERRIDABLE = frozenset({"fields", "patches", "dates", "blanks", "known_since", "two_digit_years_from"})
"""What may differ for one file of a layout: how its cells are read, never which columns it has."""
POSIX_FIRST_YEAR = 1969
REVIEW = "review"
"""The source of rows that officers recorded on the platform's own pages; no extract has it."""


class Mapping(Strict):
    """One borough's layout of one dataset.

    `patches` holds, for a field, regular expressions and what stands in their place. `implied` says what another
    column tells about a field (a reference's ending about the licence's type): where both are there and differ, the
    row has an issue. `files` overrides how cells are read for files whose name fits a pattern (`*2026-03*.csv`).
    Two-digit years are those of the hundred years from `two_digit_years_from` on.
    """

    borough: str
    dataset: str
    name: str
    source: str = Field("main", pattern=r"^[a-z0-9_-]{1,60}$")
    system: str | None = None
    shape: Shape = Shape()
    extract_date: ExtractDate | None = None
    fields: dict[str, Annotated[FieldMap, BeforeValidator(_column_is_enough)]]
    implied: dict[str, FieldMap] = {}
    patches: dict[str, dict[str, str]] = {}
    ignore: dict[str, str] = {}
    optional: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    two_digit_years_from: int = Field(POSIX_FIRST_YEAR, ge=1900, le=2000)
    blanks: tuple[str, ...] = ()
    known_since: KnownSince | None = None
    files: dict[str, dict[str, Any]] = {}

    @property
    def hash(self) -> str:
        """SHA-256 of everything that decides what rows become."""
        return hash_of(self.model_dump(mode="json"))

    @property
    def columns(self) -> frozenset[str]:
        """Every heading that the layout accounts for."""
        read = (*self.fields.values(), *self.implied.values())
        return frozenset({column for field in read for column in field.sources} | set(self.ignore))

    @property
    def needed(self) -> frozenset[str]:
        """Headings without which a file is of another layout."""
        return self.columns - set(self.optional)

    def for_file(self, path: str | None) -> Mapping:
        """The mapping of one file: itself, with the overrides of every pattern in `files` that the file's name fits."""
        name = PurePosixPath(path or "").name
        made = self
        for pattern, override in self.files.items():
            if fnmatchcase(name, pattern):
                made = made.overridden(override)
        return made

    def overridden(self, override: MappingType[str, Any]) -> Mapping:
        """The mapping with one file's own way of reading laid over it.

        Raises:
            ValidationError: it is no mapping any more.
        """
        return Mapping.model_validate(merged(self.model_dump(exclude_unset=True), override))

    def faults(self, contract: Contract) -> list[str]:
        """What is wrong with this mapping against its contract, a sentence each; empty when it is sound."""
        from schemas.mapping_faults import mapping_faults  # which needs this module

        return mapping_faults(self, contract)


def merged(general: MappingType[str, Any], specific: MappingType[str, Any]) -> dict[str, Any]:
    """`specific` laid over `general`, key by key; a null in `specific` takes the general key away."""
    result = dict(general)
    for key, value in specific.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, MappingType) and isinstance(result.get(key), MappingType):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result
