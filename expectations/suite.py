"""What is expected of a dataset's harmonised rows: from its contract, and from `rules.yaml`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from schemas import registry
from schemas.contract import Contract, Severity
from schemas.mapping import Strict
from schemas.strict_yaml import read_yaml

RULES = Path(__file__).resolve().parent / "rules.yaml"


EXTRACT = "extract"
"""In `days`, the day of the extract."""


class Days(Strict):
    """Two dates between which days are counted, each a field or `extract`."""

    start: str = Field(alias="from")
    end: str = Field(alias="to")


class Rule(Strict):
    """One expectation, the issue that it raises, and what follows from it.

    `only_where` limits it to rows in which these fields hold one of these values, `since` to rows whose date is that
    day or later, `same` to rows in which two fields hold one value, `london_only` to London's boroughs; `unless` leaves
    out rows whose text has this pattern. With `days` it looks at the days between two dates instead of a column.
    """

    expectation: str
    severity: Severity
    issue: str
    field: str = ""
    arguments: dict[str, Any] = {}
    only_where: dict[str, tuple[str, ...]] = Field(default={})
    since: dict[str, date] = Field(default={})
    unless: dict[str, str] = Field(default={})
    same: dict[str, str] = Field(default={})
    london_only: bool = False
    days: Days | None = None

    @model_validator(mode="after")
    def _looks_at_something(self) -> Self:
        if (self.days is not None) == bool(self._named):
            raise ValueError("a rule names columns in its arguments, or days, and not both")
        if self.is_conditional and "column_list" in self.arguments:
            raise ValueError("a list of columns cannot be limited to some rows")
        if self.is_conditional and self.expectation == "ExpectColumnValuesToNotBeNull":
            raise ValueError("rows that a condition leaves out count as blank, so it cannot ask for filled cells")
        return self

    @property
    def _named(self) -> list[str]:
        single = [self.arguments[key] for key in ("column", "column_A", "column_B") if key in self.arguments]
        return [*single, *self.arguments.get("column_list", ())]

    @property
    def is_conditional(self) -> bool:
        """Whether it leaves rows out."""
        return bool(self.only_where or self.since or self.unless or self.same or self.london_only)

    @property
    def needs_extract_date(self) -> bool:
        """Whether it compares with the day of the extract."""
        return self.days is not None and EXTRACT in (self.days.start, self.days.end)

    @property
    def columns(self) -> set[str]:
        """Columns that the rule looks at."""
        dates = {self.days.start, self.days.end} - {EXTRACT} if self.days is not None else set()
        limits = {*self.only_where, *self.since, *self.unless} | ({"borough"} if self.london_only else set())
        return {*self._named, *dates, *self.same, *self.same.values()} | limits


@lru_cache(maxsize=1)
def _hand_written() -> dict[str, tuple[Rule, ...]]:
    found = read_yaml(RULES)
    return {dataset: tuple(Rule.model_validate(rule) for rule in rules) for dataset, rules in found.items()}


def base_rules(contract: Contract) -> tuple[Rule, ...]:
    """The base suite that follows from a contract.

    Harmonising has already set aside what breaks these, so one that fails here means that
    the platform, not the borough, is at fault: that holds the drop.
    """
    rules = [
        Rule(
            expectation="ExpectCompoundColumnsToBeUnique",
            severity="critical",
            issue="key_not_unique",
            arguments={"column_list": ["borough", "source", "record_id"]},
        )
    ]
    for field in contract.fields:
        broken = {"severity": "critical", "issue": "contract_broken", "field": field.name}
        if field.required:
            rules.append(Rule(expectation="ExpectColumnValuesToNotBeNull", arguments={"column": field.name}, **broken))
        if field.codes is not None:
            rules.append(
                Rule(
                    expectation="ExpectColumnValuesToBeInSet",
                    arguments={"column": field.name, "value_set": list(field.codes)},
                    **broken,
                )
            )
        if field.privacy == "direct":
            rules.append(
                Rule(
                    expectation="ExpectColumnValuesToMatchRegex",
                    arguments={"column": field.name, "regex": "^[0-9a-f]{32}$"},
                    **broken,
                )
            )
        elif field.pattern is not None:
            rules.append(
                Rule(
                    expectation="ExpectColumnValuesToMatchRegex",
                    arguments={"column": field.name, "regex": field.pattern},
                    **broken,
                )
            )
    return tuple(rules)


def rules_for(contract: Contract) -> tuple[Rule, ...]:
    """The whole suite of a dataset: base rules first, then those written by hand."""
    return base_rules(contract) + _hand_written().get(contract.dataset, ())


def as_columns(
    rules: Sequence[Rule], frame: pd.DataFrame, extract_date: date | None = None
) -> tuple[list[Rule], pd.DataFrame]:
    """Rules as Great Expectations can judge them: each looks at whole columns of the frame returned with them.

    A condition becomes a column that is blank where the rule does not apply, days between two dates a column of
    numbers; one run over all rules then does, in place of one for each condition. Rules that ask for the day of the
    extract are left out where there is none.
    """
    made: dict[str, pd.Series[Any]] = {}
    whole: list[Rule] = []
    for place, rule in enumerate(rules):
        if rule.needs_extract_date and extract_date is None:
            continue
        if rule.days is None and not rule.is_conditional:
            whole.append(rule)
            continue
        name = f"rule {place}"
        key = next((k for k in ("column", "column_A") if k in rule.arguments), "column")
        values = _days(frame, rule.days, extract_date) if rule.days else frame[rule.arguments[key]]
        made[name] = values.where(_applies(frame, rule)) if rule.is_conditional else values
        plain = {"only_where": {}, "since": {}, "unless": {}, "same": {}, "london_only": False, "days": None}
        whole.append(rule.model_copy(update={**plain, "arguments": {**rule.arguments, key: name}}))
    return whole, pd.concat([frame, pd.DataFrame(made)], axis=1) if made else frame


def _days(frame: pd.DataFrame, days: Days, extract_date: date | None) -> pd.Series[Any]:
    day = pd.Series(pd.Timestamp(str(extract_date)), index=frame.index)
    start, end = (day if name == EXTRACT else _as_days(frame[name]) for name in (days.start, days.end))
    return (end - start).dt.days.astype("float64")


def _as_days(column: pd.Series[Any]) -> pd.Series[Any]:
    """Dates as pandas reckons with them; without its cache, which looks at half of the cells one by one first."""
    return pd.to_datetime(column, cache=False)


def _applies(frame: pd.DataFrame, rule: Rule) -> npt.NDArray[np.bool_]:
    rows = np.ones(len(frame), bool)
    for column, values in rule.only_where.items():
        rows &= frame[column].isin(values).to_numpy()
    for column, day in rule.since.items():
        rows &= (_as_days(frame[column]) >= pd.Timestamp(day)).to_numpy()
    for column, pattern in rule.unless.items():
        rows &= ~frame[column].str.contains(pattern, na=False).to_numpy(bool)
    for column, other in rule.same.items():
        rows &= (frame[column] == frame[other]).fillna(False).to_numpy(bool)
    if rule.london_only:
        rows &= frame["borough"].map({slug: known.london for slug, known in registry.boroughs().items()}).to_numpy(bool)
    return rows
