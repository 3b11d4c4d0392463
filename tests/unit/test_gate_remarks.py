"""The rules of history on profiles alone: where each begins to speak, and what it takes not to."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pipelines.gate.history import Comparison, History, fall, remarks
from pipelines.gate.profile import QUANTILES, DateSpan, Profile
from schemas import registry
from tests.unit.gate_rows import EXTRACT

LICENCES = registry.contract("hmo_licence")
REQUESTS = registry.contract("service_request")
WEEK = timedelta(days=7)


def span(first: date, last: date) -> DateSpan:
    return DateSpan(days=tuple(first + (last - first) * share for share in QUANTILES), future=0.0)


def extract(weeks_ago: int = 0, rows: int = 200, **figures: object) -> Profile:
    day = EXTRACT - weeks_ago * WEEK
    plain: dict[str, object] = {
        "rows": rows,
        "extract_date": day,
        "blanks": {"uprn": 0.05, "licence_type": 0.0},
        "codes": {"licence_type": {"mandatory": 0.6, "additional": 0.4}},
        "dates": {"commencement_date": span(day - timedelta(days=1800), day - timedelta(days=3))},
    }
    return Profile.model_validate(plain | figures)


def told(now: Profile, *before: Profile, same_bytes: bool = False, contract=LICENCES) -> list[tuple[str, bool]]:
    compared = Comparison(now, History(before, None, same_bytes), contract)
    return [(remark.issue_type, remark.holds) for remark in remarks(compared)]


def test_nothing_is_said_of_a_first_extract_or_of_one_like_the_last():
    assert told(extract(blanks={"uprn": 1.0})) == []
    assert told(extract(), extract(1)) == []


@pytest.mark.parametrize(
    ("share", "expected"), [(0.14, []), (0.16, [("blanks_rose", False)]), (0.36, [("blanks_jumped", True)])]
)
def test_blanks(share: float, expected: list[tuple[str, bool]]):
    assert told(extract(blanks={"uprn": share}), extract(1)) == expected


def test_what_came_before_is_no_alarm_even_if_the_last_extract_was_otherwise():
    often = [extract(week, blanks={"uprn": 0.5 if week == 4 else 0.05}) for week in range(1, 6)]
    assert told(extract(blanks={"uprn": 0.5}), *often) == []
    seen = extract(3, codes={"licence_type": {"selective": 0.9, "mandatory": 0.1}})
    assert told(extract(codes={"licence_type": {"selective": 0.8, "mandatory": 0.2}}), extract(1), seen) == []


def test_few_rows_say_nothing_about_shares():
    assert told(extract(rows=40, blanks={"uprn": 0.9}), extract(1)) == []
    assert told(extract(blanks={"uprn": 0.9}), extract(1, rows=40)) == []


def test_a_field_that_was_hardly_filled_has_no_mix_to_compare_with():
    before = extract(1, blanks={"licence_type": 0.9})
    assert told(extract(codes={"licence_type": {"selective": 1.0}}), before) == []


def test_the_same_bytes_under_a_changed_mapping_are_remarked_on_only():
    now = extract(blanks={"uprn": 0.9}, codes={"licence_type": {"selective": 1.0}})
    assert {held for _, held in told(now, extract(1), same_bytes=True)} == {False}
    assert {held for _, held in told(now, extract(1))} == {True}


@pytest.mark.parametrize(
    ("code_share", "expected"),
    [(0.01, []), (0.05, [("new_code_seen", False)]), (0.3, [("new_code_common", True)])],
)
def test_new_codes(code_share: float, expected: list[tuple[str, bool]]):
    rest = 1 - code_share
    mix = {"selective": code_share, "mandatory": 0.6 * rest, "additional": 0.4 * rest}
    assert told(extract(codes={"licence_type": mix}), extract(1)) == expected


@pytest.mark.parametrize(
    ("mandatory", "expected"), [(0.7, []), (0.9, [("code_mix_moved", False)]), (0.0, [("code_mix_shifted", True)])]
)
def test_mixes(mandatory: float, expected: list[tuple[str, bool]]):
    mix = {"mandatory": mandatory, "additional": 1 - mandatory}
    assert told(extract(codes={"licence_type": mix}), extract(1)) == expected


@pytest.mark.parametrize(("rows", "expected"), [(590, []), (610, [("row_count_rose", True)])])
def test_a_rise(rows: int, expected: list[tuple[str, bool]]):
    assert told(extract(rows=rows), extract(1, rows=60), extract(2)) == expected


@pytest.mark.parametrize(
    ("kept", "before", "held"),
    [(49, 100, True), (51, 100, False), (30, 99, False), (19, 99, True), (4, 20, False), (3, 20, True), (0, 19, False)],
)
def test_a_fall(kept: int, before: int, held: bool):
    assert (fall(kept, before, 0.5) is not None) is held


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (-1462, [("stale_extract", True), ("dates_shifted", True)]),
        (-10, []),
        (300, []),
        (1462, [("dates_shifted", True)]),
    ],
)
def test_a_calendar_that_moved(days: int, expected: list[tuple[str, bool]]):
    first, last = EXTRACT - timedelta(days=1800), EXTRACT - timedelta(days=3)
    moved = {"commencement_date": span(first + timedelta(days=days), last + timedelta(days=days))}
    assert told(extract(dates=moved), extract(1)) == expected


def test_a_window_that_grew_is_no_other_calendar():
    longer = {"commencement_date": span(EXTRACT - timedelta(days=5000), EXTRACT - timedelta(days=3))}
    assert told(extract(dates=longer), extract(1)) == []


def test_a_yearly_snapshot_moves_a_year_on_at_once():
    register = registry.contract("electoral")

    def snapshots(year: int, day: date) -> Profile:
        return Profile(
            rows=5000, extract_date=day, dates={"snapshot_date": span(date(year - 2, 12, 1), date(year, 12, 1))}
        )

    months = [snapshots(2024, date(2025, month, 5)) for month in range(11, 1, -1)]
    assert told(snapshots(2025, date(2025, 12, 5)), *months, contract=register) == []
    assert told(snapshots(2024, date(2025, 12, 5)), *months, contract=register) == []


def test_quiet_weeks_are_no_old_copy_until_they_are_far_more_than_usual():
    def requests(day: date, newest: date) -> Profile:
        return Profile(rows=500, extract_date=day, dates={"received_date": span(newest - timedelta(days=900), newest)})

    usual = [requests(EXTRACT - timedelta(days=n), EXTRACT - timedelta(days=n + 3)) for n in range(1, 13)]
    quiet = requests(EXTRACT + timedelta(days=25), EXTRACT)
    silent = requests(EXTRACT + timedelta(days=45), EXTRACT)
    assert told(quiet, *usual, contract=REQUESTS) == []
    assert told(silent, *usual, contract=REQUESTS) == [("stale_extract", True)]
    assert told(silent, *usual[:3], contract=REQUESTS) == [], "three extracts do not say what is usual"


def test_uprns_that_the_gazetteer_knows():
    def known(share: float, week: int = 0) -> Profile:
        return extract(week, uprn_rows=190, uprns_in_gazetteer=share)

    assert told(known(0.7), known(0.97, 1)) == [("known_uprns_fell", True)]
    assert told(known(0.75), known(0.97, 1)) == []
    assert told(known(0.45)) == [("known_uprns_fell", True)]
    assert told(known(0.55)) == []
    assert told(extract(uprn_rows=20, uprns_in_gazetteer=0.0), known(0.97, 1)) == [], "too few to say"


def test_uprns_that_stood_in_the_last_extract_where_no_gazetteer_vouches():
    def again(share: float | None, week: int = 0, **more: object) -> Profile:
        return extract(week, uprn_rows=190, uprns_in_last=share, **more)

    assert told(again(0.1), again(None, 1)) == [("known_uprns_fell", True)]
    assert told(again(0.4), again(None, 1)) == []
    assert told(again(0.1), again(0.12, 1)) == [], "it was always so"
    assert told(again(0.1, uprns_in_gazetteer=0.95), again(0.9, 1, uprns_in_gazetteer=0.95)) == []
