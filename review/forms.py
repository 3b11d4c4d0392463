"""Forms as they were sent: typed values, and what is wrong with them, a sentence a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any

from fastapi import Depends, Request

LONGEST = 10_000
"""Letters of a field that are read at all; the rules say what may be kept."""


@dataclass
class Form:
    """The values of a form by field, and the errors found in them, in the order of the fields."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    days: set[str] = field(default_factory=set)
    """Names of days that were asked for, each of which stands in three fields."""

    @classmethod
    def of(cls, sent: Mapping[str, Any]) -> Form:
        """The texts of what was sent; files are left out."""
        return cls({name: value[:LONGEST] for name, value in sent.items() if isinstance(value, str)})

    def text(self, name: str) -> str:
        """A text, empty where it was not given."""
        return self.values.get(name, "").strip()

    def day(self, name: str, what: str, *, needed: bool = True) -> date | None:
        """A day given in three fields, as the date input of the Design System sends it; an error where it is none."""
        self.days.add(name)
        parts = [self.text(f"{name}-{part}") for part in ("day", "month", "year")]
        if not any(parts):
            if needed:
                self.errors.setdefault(name, f"Enter {what}.")
            return None
        try:
            day, month, year = (int(part) for part in parts)
            return date(year, month, day)
        except ValueError:
            self.errors.setdefault(name, f"{what[0].upper()}{what[1:]} must be a real date, such as 27 3 2026.")
            return None

    def number(self, name: str) -> int:
        """A whole number from 0; an error where it is none."""
        text = self.text(name)
        if text.isascii() and text.isdigit() and len(text) < 10:
            return int(text)
        self.errors.setdefault(name, "The form is damaged; load the page anew.")
        return 0

    def wrong(self, name: str, sentence: str | None) -> None:
        """Note what a rule says is wrong with a field, if anything."""
        if sentence:
            self.errors.setdefault(name, sentence)

    @property
    def summary(self) -> list[dict[str, str]]:
        """The errors as the error summary takes them: each leads to its field, that of a day to the first of three."""
        places = {name: f"#{name}-day" for name in self.days}
        return [{"text": sentence, "href": places.get(name, f"#{name}")} for name, sentence in self.errors.items()]


async def _sent(request: Request) -> Form:
    return Form.of(await request.form())


Sent = Annotated[Form, Depends(_sent)]
"""The form that came with a request, for a page that takes one."""
