"""Contracts: the shared schema of a dataset, read from its Open Data Contract Standard file."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from open_data_contract_standard.model import OpenDataContractStandard, SchemaProperty
from pydantic import BaseModel, ConfigDict

from pipelines.core.errors import ConfigurationError
from pipelines.core.hashing import hash_of
from schemas.strict_yaml import read_yaml

Privacy = Literal["none", "indirect", "direct", "special", "public_register"]
Severity = Literal["warning", "error", "critical"]
FieldType = Literal["string", "date", "integer", "number", "boolean"]

ARROW_TYPES: dict[str, pa.DataType] = {
    "string": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}

PLATFORM_FIELDS = pa.schema(
    [
        pa.field("borough", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("drop_id", pa.string(), nullable=False),
        pa.field("row_number", pa.int64(), nullable=False),
        pa.field("record_id", pa.int64(), nullable=False),
    ]
)
"""What every harmonised row carries besides its contract's fields.

`source` tells two extracts of one dataset apart, `row_number` is the row in the
officer's own file (the heading is row 1 unless a preamble stands above it), and
`record_id` is the same from night to night for the same record.
"""


class Field(BaseModel):
    """One field of a contract. `minimum` and `maximum` are in the field's own unit, dates as ISO text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    title: str
    type: FieldType
    description: str
    required: bool
    privacy: Privacy
    codes: dict[str, str] | None = None
    pattern: str | None = None
    max_length: int | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    range_severity: Severity = "warning"
    example: Any = None

    @property
    def arrow_type(self) -> pa.DataType:
        """The column's type in the lake; a direct identifier is a token, which is text."""
        return pa.string() if self.privacy == "direct" else ARROW_TYPES[self.type]


class Contract(BaseModel):
    """One dataset's contract: its fields in order, its key, its two time columns.

    `usage` is the one use that it was made for; `do_not_send` names what a borough often holds beside it and must
    leave out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    dataset: str
    title: str
    version: str
    purpose: str
    usage: str = ""
    limitations: str = ""
    do_not_send: tuple[str, ...] = ()
    grain: str
    frequency: str
    fields: tuple[Field, ...]
    key: tuple[str, ...]
    event_time: str
    known_since: str
    hash: str

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """Fields by name."""
        return {field.name: field for field in self.fields}

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the fields without which a row cannot be used."""
        return tuple(field.name for field in self.fields if field.required)

    def arrow_schema(self) -> pa.Schema:
        """Schema of the harmonised lake table: platform fields, then the contract's fields."""
        return pa.schema([*PLATFORM_FIELDS, *(pa.field(f.name, f.arrow_type) for f in self.fields)])


def read_contract(path: Path) -> Contract:
    """Read one ODCS 3.1 file.

    Raises:
        ConfigurationError: the file is not a contract, or its codes contradict their meanings.
    """
    try:
        document = OpenDataContractStandard(**read_yaml(path))
        table = (document.schema_ or [])[0]
        custom = {item.property: item.value for item in table.customProperties or []}
        properties = table.properties or []
        return Contract(
            dataset=str(table.name),
            title=str(document.name),
            version=str(document.version),
            purpose=str(document.description.purpose if document.description else ""),
            usage=str(document.description.usage if document.description else ""),
            limitations=str(document.description.limitations if document.description else ""),
            do_not_send=tuple(custom.get("doNotSend") or ()),
            grain=str(table.dataGranularityDescription),
            frequency=str(next(s.value for s in document.slaProperties or [] if s.property == "frequency")),
            fields=tuple(_field(p) for p in properties),
            key=tuple(
                str(p.name)
                for p in sorted((p for p in properties if p.primaryKey), key=lambda p: p.primaryKeyPosition or 0)
            ),
            event_time=str(custom["eventTime"]),
            known_since=str(custom["knownSince"]),
            hash=hash_of(document.model_dump(exclude_none=True)),
        )
    except ConfigurationError:
        raise
    except Exception as error:
        raise ConfigurationError(f"The contract {path.name} cannot be read: {error}") from error


def _field(prop: SchemaProperty) -> Field:
    options: dict[str, Any] = prop.logicalTypeOptions or {}
    rules = {rule.name: rule for rule in prop.quality or []}
    codes = next((c.value for c in prop.customProperties or [] if c.property == "codeMeanings"), None)
    if "known_code" in rules:
        valid = (rules["known_code"].arguments or {}).get("validValues", [])
        if codes is None or list(codes) != list(valid):
            raise ConfigurationError(f"Field {prop.name}: its valid values and their meanings are not the same codes.")
    return Field.model_validate(
        {
            "name": prop.name,
            "title": prop.businessName,
            "type": prop.logicalType,
            "description": prop.description,
            "required": bool(prop.required),
            "privacy": prop.classification,
            "codes": codes,
            "pattern": options.get("pattern"),
            "max_length": options.get("maxLength"),
            "minimum": _plain(options.get("minimum")),
            "maximum": _plain(options.get("maximum")),
            "range_severity": rules["range"].severity if "range" in rules else "warning",
            "example": (prop.examples or [None])[0],
        }
    )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
