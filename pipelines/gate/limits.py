"""The gate's limits, each with its reason, as data: `limits.yaml`."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from schemas.strict_yaml import read_yaml

FILE = Path(__file__).resolve().parent / "limits.yaml"

INTERVAL_DAYS = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}
"""Days between two extracts by a contract's frequency."""

WHOLE_STOCK = frozenset(
    {"gazetteer", "council_tax", "electoral", "benefits", "social_housing", "hmo_licence", "licensing_scheme", "epc"}
)
"""Datasets whose every extract holds all there is, not only what is new: the same homes come again."""

RUNS_UNTIL = {
    "hmo_licence": "expiry_date",
    "council_tax": "liability_end",
    "gazetteer": "end_date",
    "social_housing": "social_until",
}
"""The day on which a row ends, in datasets of which some rows always still run. A blank one has not ended.

Temporary exemptions last three months and a borough's schemes may all have ended, so those are not among them.
"""


class _Limit(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    value: float
    why: str = Field(min_length=20)


class Limits(BaseModel):
    """Every limit by name; what each means and why it is drawn there stands in `limits.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    history_drops: int
    rows_to_judge: int
    row_fall_from_rows: int
    row_fall_of_few: float
    row_fall_of_few_from_rows: int
    row_rise_times: float
    blank_rise_hold: float
    blank_rise_note: float
    code_mix_hold: float
    code_mix_note: float
    new_code_hold: float
    new_code_note: float
    future_dates_hold: float
    newest_back_days: int
    newest_back_days_most: int
    stale_times: float
    stale_days: int
    stale_from_drops: int
    shift_back_days: int
    shift_forward_days: int
    uprns_to_judge: int
    known_uprns_least: float
    known_uprns_fall: float
    again_uprns_least: float
    another_uprns_least: float
    another_times: float
    district_counts_from: float
    own_districts_least: float
    own_districts_nowhere: float
    another_districts_least: float
    another_districts_ahead: float
    another_mix_least: float
    own_mix_most: float
    shift_rows: int
    shift_share: float
    shift_inside: float
    shift_outside: float
    shift_columns: int
    ended_share: float
    ended_rows: int


@lru_cache(maxsize=1)
def limits() -> Limits:
    """The limits, read once."""
    found = {name: _Limit.model_validate(item).value for name, item in read_yaml(FILE).items()}
    return Limits.model_validate(found)
