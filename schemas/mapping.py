"""Mappings: how one borough's layout becomes a dataset. Data, never code."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping as MappingType
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

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


class Shape(Strict):
    """How the bytes of an extract are laid out. `header_row` counts from 1, as a spreadsheet does."""

    format: Literal["csv", "xlsx", "parquet"] = "csv"
    encoding: Annotated[str, AfterValidator(_known_encoding)] = "utf-8"
    delimiter: str = Field(",", min_length=1, max_length=1)
    sheet: str | None = None
    header_row: int = Field(1, ge=1)


class FieldMap(Strict):
    """Where one contract field comes from: a column, several joined ones, or a constant.

    The steps run in this order: join, extract (a regular expression with one group),
    values (the borough's code to the contract's), date formats, default for a blank.
    """

    column: str | None = None
    columns: tuple[str, ...] = ()
    join: str = ", "
    constant: str | None = None
    extract: Annotated[str, AfterValidator(_one_group)] | None = None
    values: dict[str, str] = {}
    date: tuple[str, ...] = ()
    default: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if sum((self.column is not None, bool(self.columns), self.constant is not None)) != 1:
            raise ValueError("give exactly one of column, columns and constant")
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


class Mapping(Strict):
    """One borough's layout of one dataset."""

    borough: str
    dataset: str
    name: str
    source: str = Field("main", pattern=r"^[a-z0-9_-]{1,60}$")
    system: str | None = None
    shape: Shape = Shape()
    extract_date: ExtractDate | None = None
    fields: dict[str, Annotated[FieldMap, BeforeValidator(_column_is_enough)]]
    ignore: dict[str, str] = {}
    optional: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    blanks: tuple[str, ...] = ()
    known_since: KnownSince | None = None

    @property
    def hash(self) -> str:
        """SHA-256 of everything that decides what rows become."""
        return hash_of(self.model_dump(mode="json"))

    @property
    def columns(self) -> frozenset[str]:
        """Every heading that the layout accounts for."""
        used = {column for field in self.fields.values() for column in field.sources}
        return frozenset(used | set(self.ignore))

    @property
    def needed(self) -> frozenset[str]:
        """Headings without which a file is of another layout."""
        return self.columns - set(self.optional)

    def faults(self, contract: Contract) -> list[str]:
        """What is wrong with this mapping against its contract, a sentence each; empty when it is sound."""
        found = [
            f"field '{name}' is not in the contract of {self.dataset}"
            for name in self.fields
            if name not in contract.by_name
        ]
        found += [f"required field '{name}' has no source" for name in contract.required if name not in self.fields]
        both = sorted({c for f in self.fields.values() for c in f.sources} & set(self.ignore))
        found += [f"column '{name}' is both mapped and ignored" for name in both]
        for name, field in self.fields.items():
            target = contract.by_name.get(name)
            if target is None:
                continue
            if target.type == "date" and field.constant is None and not (field.date or self.dates):
                found.append(f"date field '{name}' declares no format")
            if target.codes is not None:
                given = set(field.values.values()) | ({field.constant} if field.constant is not None else set())
                found += [
                    f"field '{name}' maps to '{code}', which is not one of its codes"
                    for code in sorted(given - set(target.codes) - {""})
                ]
        if self.known_since is not None and self.known_since.after not in self.fields:
            found.append(f"known_since counts from '{self.known_since.after}', which is not mapped")
        found += [
            f"optional column '{name}' is not in the layout" for name in self.optional if name not in self.columns
        ]
        return found


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
