"""Which rows of a file of outcomes can be taken: the rules of `rules`, on whole columns, with their own sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from pipelines.casework import rules
from pipelines.casework.words import SETTLES, Found, Method
from pipelines.core import clock

SETTLING = [str(code) for code in SETTLES]
VISIT = ["uprn", "visited_on"]
ROUNDED = "the spreadsheet has rounded the UPRN: make the column text and export again."
CONTRADICTS_FILE = "the file says two things of this property on this day; keep the right one."
CONTRADICTS_LEDGER = "something else is recorded of this property on this day; correct that on the property's page."


@dataclass(frozen=True)
class Known:
    """What a file is held against.

    `address` by UPRN of the borough's properties; `as_of` by list that the file names; `entries` of those lists
    (list_id, uprn, rank, listed_as); `standing` outcomes of the borough (number, uprn, visited_on, found, method).
    """

    address: pd.Series[str]
    as_of: Mapping[str, date]
    entries: pd.DataFrame
    standing: pd.DataFrame


def judged(rows: pd.DataFrame, known: Known) -> pd.DataFrame:
    """The rows with `fault` (a sentence, or null), `repeats` (what stands already), and what the ledger adds.

    Adds `address`, `rank` and `attempt`. The first fault that is found is told.
    """
    rows = _placed(rows, known)
    _tell(rows, rows["rounded"], ROUNDED)
    _tell(rows, rows["uprn"].isna(), _said(rules.why_no_uprn("")))
    _tell(rows, rows["erased"], "the records of this property were erased, so nothing may be kept about it.")
    _tell(rows, rows["address"].isna(), _said(rules.NOT_IN_BOROUGH))
    _tell(rows, rows["found"].isna(), _said(rules.why_not_found("")))
    _tell(rows, rows["method"].isna(), _said(rules.why_not_method("")))
    at_no_door = rows["method"].eq(Method.DESK) & rows["found"].isin([Found.NO_ACCESS, Found.WRONG_ADDRESS])
    _tell(rows, at_no_door, _said(rules.why_not_method(Method.DESK, Found.NO_ACCESS)))
    _tell(rows, rows["officer"].str.len() > rules.LONGEST_NAME, _said(rules.why_not_name("x" * 999)))
    long = f"the note has more than {rules.LONGEST_NOTE:,} letters; keep it shorter, and the rest in the case file."
    _tell(rows, rows["note"].str.len() > rules.LONGEST_NOTE, long)
    _days(rows, known)
    return _numbered(_repeated(rows, known), known)


def _tell(rows: pd.DataFrame, which: pd.Series[bool], sentence: str) -> None:
    rows.loc[which.fillna(False).astype(bool) & rows["fault"].isna(), "fault"] = sentence


def _said(sentence: str | None) -> str:
    """A rule's sentence as it follows "Row 7: "."""
    assert sentence is not None  # noqa: S101 - each is asked about what cannot be
    return sentence[0].lower() + sentence[1:]


def _placed(rows: pd.DataFrame, known: Known) -> pd.DataFrame:
    """With the address of each property, and the rank on the list that led there."""
    entry = rows[["list_id", "uprn"]].merge(known.entries, on=["list_id", "uprn"], how="left").set_index(rows.index)
    own = rows["uprn"].astype(object).map(known.address).astype("string")
    return rows.assign(
        address=entry["listed_as"].astype("string").fillna(own),
        rank=entry["rank"],
        since=pd.to_datetime(rows["list_id"].map(dict(known.as_of))),
    )


def _days(rows: pd.DataFrame, known: Known) -> None:
    """Faults of the day of the visit and of the list that led there."""
    today = pd.Timestamp(clock.today())
    _tell(rows, rows["visited_on"].isna(), "visited_on is no day; write it as 2026-11-03 or, day first, 03/11/2026.")
    _tell(rows, rows["visited_on"] > today, _said(rules.why_not_visited_on(clock.today() + timedelta(days=1))))
    before = rows["visited_on"] < pd.Timestamp(rules.FIRST_DAY)
    _tell(rows, before, _said(rules.why_not_visited_on(rules.FIRST_DAY - timedelta(days=1))))
    named = rows["list_id"].notna()
    _tell(rows, named & rows["since"].isna(), _said(rules.why_not_list(None, "")))
    _tell(
        rows, named & rows["rank"].isna(), "this property is not on that list; leave list_id empty if none led there."
    )
    for day in sorted(set(known.as_of.values())):  # few, each with a sentence of its own
        early = rows["since"].eq(pd.Timestamp(day)) & (rows["visited_on"] < pd.Timestamp(day))
        _tell(rows, early, _said(rules.why_not_visited_on(day - timedelta(days=1), day)))


def _repeated(rows: pd.DataFrame, known: Known) -> pd.DataFrame:
    """Marks rows that say what stands already: the same finding of the same property on the same day.

    Two answers about one property on one day contradict each other, whichever was written first; a visit without
    access before one with an answer does not.
    """
    sound = rows[rows["fault"].isna()]
    settled = sound[sound["found"].isin(SETTLING)]
    several = settled.groupby(VISIT)["found"].transform("nunique") > 1
    _tell(rows, several.reindex(rows.index, fill_value=False), CONTRADICTS_FILE)
    there = known.standing[known.standing["found"].isin(SETTLING)]
    met = settled.reset_index(names="row").merge(there[[*VISIT, "found"]], on=VISIT, suffixes=("", "_there"))
    same = set(met.loc[met["found"] == met["found_there"], "row"])
    other = set(met.loc[met["found"] != met["found_there"], "row"]) - same
    _tell(rows, pd.Series(rows.index.isin(sorted(other)), index=rows.index), CONTRADICTS_LEDGER)
    visit = [*VISIT, "found"]
    sound = rows.loc[rows["fault"].isna(), visit]
    seen = pd.MultiIndex.from_frame(known.standing[visit])
    repeats = pd.MultiIndex.from_frame(sound).isin(seen) | sound.duplicated().to_numpy()
    return rows.assign(repeats=pd.Series(repeats, index=sound.index).reindex(rows.index, fill_value=False))


def _numbered(rows: pd.DataFrame, known: Known) -> pd.DataFrame:
    """With `attempt`: which visit in a row it is at which nobody opened, counted as `outcomes.record` does."""
    new = rows.loc[rows["fault"].isna() & ~rows["repeats"], [*VISIT, "found", "method"]].reset_index(names="row")
    parts = [known.standing[[*VISIT, "found", "method"]].assign(row=-1), new]
    every = pd.concat([part for part in parts if len(part)] or [new], ignore_index=True)
    every = every[(every["found"] != Found.WRONG_ADDRESS) & (every["method"] != Method.DESK)]
    every = every.sort_values(VISIT, kind="stable")
    shut = every["found"] == Found.NO_ACCESS
    run = (~shut).groupby(every["uprn"]).cumsum()
    tries = shut.groupby([every["uprn"], run]).cumsum().where(shut)
    mine = every["row"] >= 0
    attempt = pd.Series(tries[mine].to_numpy(dtype=float, na_value=float("nan")), index=every.loc[mine, "row"])
    return rows.assign(attempt=attempt.reindex(rows.index).astype("Int64"))
