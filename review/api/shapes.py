"""What the API takes and gives, as its OpenAPI document tells it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from pipelines.casework.rules import LONGEST_NAME, LONGEST_NOTE
from pipelines.casework.words import Found, Method
from review import words

Borough = Annotated[str, Path(description="The borough's slug, as camden.", pattern=r"^[a-z][a-z-]{1,59}$")]
Uprn = Annotated[str, Path(description="Unique property reference number.", pattern=r"^[1-9][0-9]{0,11}$")]
DropId = Annotated[str, Path(description="A drop's identifier.", pattern=r"^[A-Za-z0-9._-]{1,120}$")]
Page = Annotated[int, Query(ge=1, le=10_000, description="Which page, from 1.")]
Size = Annotated[int, Query(ge=1, le=500, description="Entries a page.")]


class Shape(BaseModel):
    """A value of the API; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class Refusal(Shape):
    """Why a request was not answered."""

    error: str = Field(description="What, where and what to do.")
    fields: list[dict[str, str]] = Field([], description="What is wrong with the request, by place.")


class Entry(Shape):
    """One home of a list."""

    place: int = Field(description="Its rank on the list, from 1.")
    uprn: str
    address: str
    ward: str | None
    priority: Literal["top", "high", "next", "reserve"] = Field(description="By its place and the borough's capacity.")
    licence_needed: str
    licence_status: str
    reasons: list[str] = Field(description="In words, the strongest first.")
    place_before: int | None = Field(description="On the list of the day before; null where it was not on it.")
    status: Literal["to_visit", "planned", "no_access", "done"]
    assigned_to: str | None
    planned_for: date | None
    found: str | None
    visited_on: date | None


class TheList(Shape):
    """A borough's current list, a page of it."""

    list_id: str
    borough: str
    as_of: date
    version: int
    model: str
    capacity: int
    expected_hits: float = Field(description="HMOs expected among the visits within capacity, all together.")
    homes: int = Field(description="How many fit what was asked for.")
    page: int
    entries: list[Entry]
    note: str = words.LEAD


class RecordedOutcome(Shape):
    """What a visit found, as it was recorded."""

    number: int
    uprn: str
    list_id: str | None
    found: Found
    attempt: int | None
    visited_on: date
    method: Method
    officer: str
    note: str
    recorded_at: datetime
    corrects: int | None
    superseded_by: int | None


class NewOutcome(Shape):
    """What a visit found, to be recorded."""

    uprn: str = Field(pattern=r"^[1-9][0-9]{0,11}$")
    found: Found
    visited_on: date
    method: Method = Method.VISIT
    officer: str = Field(min_length=1, max_length=LONGEST_NAME)
    note: str = Field("", max_length=LONGEST_NOTE)
    list_id: str | None = Field(None, max_length=120, description="The list that led there, where one did.")
    version: int | None = Field(
        None,
        ge=0,
        le=2**31 - 1,
        description=(
            "The home's version as it was read. Given, an outcome is refused (409) where anybody has written to the "
            "home since, and so is the same request sent twice; left out, it is recorded each time it is sent."
        ),
    )


class Outcomes(Shape):
    """Outcomes of a borough, by number; ask on with `after`."""

    outcomes: list[RecordedOutcome]


class Home(Shape):
    """One home: its newest entry, what stood behind it, and what was found."""

    entry: Entry
    on_current_list: bool
    as_of: date
    dossier: dict[str, Any] = Field(description="Reasons, records, licences, licensing and landlord, in words.")
    outcomes: list[RecordedOutcome]
    version: int = Field(description="Rises with every write to the home; send it with an outcome.")
    note: str = words.LEAD_LONG


class UnlistedHome(Shape):
    """A home of the gazetteer that stood on no list: no place and no reasons, and what was found."""

    uprn: str
    address: str = Field(description="On one line, with its postcode.")
    ward: str | None
    as_of: date = Field(description="The day by whose end all this was known.")
    known: dict[str, Any] = Field(description="Records, licences, applications and licensing, in words.")
    outcomes: list[RecordedOutcome]
    version: int = Field(description="Rises with every write to the home; send it with an outcome.")
    note: str = words.LEAD


class Receipts(Shape):
    """Receipts of a borough's drops, the newest first."""

    receipts: list[dict[str, Any]]
