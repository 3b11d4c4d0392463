"""Drops held against a borough's own earlier ones and its area: the fault is held, its harmless neighbour passes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa
import pytest

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropProfile, QualityMeasure
from pipelines.extracts import IntakeFiles
from tests.intake.conftest import Intake
from tests.intake.gate_world import (
    TODAY,
    Row,
    accounts,
    changed,
    drop_of,
    fate,
    gazetteer,
    know,
    licences,
    place,
    requests,
    send,
)

YESTERDAY = TODAY - timedelta(days=7)


@pytest.fixture(autouse=True)
def on_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", f"{TODAY.isoformat()}T20:00:00+00:00")


@pytest.fixture(autouse=True)
def suite(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The rules between fields are tried elsewhere; without them a night here takes half the time."""
    if "with_suite" not in request.fixturenames:
        monkeypatch.setattr("pipelines.gate.stage.check_rows", lambda *_: [])


@pytest.fixture
def with_suite() -> None:
    """For a test that needs the rules between fields."""


@pytest.fixture
def register(intake: Intake) -> list[Row]:
    """A register of 200 licences in Camden, accepted a week ago; what is returned is today's, with nothing wrong."""
    know("camden", "hmo_licence")
    send(intake, licences("camden", 200, YESTERDAY), YESTERDAY)
    return licences("camden", 200)


def remarked(drop: Drop) -> list[str]:
    """Issue types remarked on a drop without holding it."""
    with IntakeFiles(drop.id).folder.read("gate.json") as handle:
        return [remark["issue"] for remark in json.load(handle) if not remark["holds"]]


def holds(intake: Intake, rows: list[Row], reason: str, *words: str, to: str = "camden/hmo_licence") -> None:
    path = send(intake, rows, place=to)
    intake.night()
    drop = drop_of(intake, path)
    assert (drop.status, drop.reason) == ("held", reason), drop.sentence
    for word in words:
        assert word in str(drop.sentence)
    assert (drop.accepted, drop.quarantined) == (0, drop.rows_in), "every row of a held drop counts as held back"
    with transaction() as session:
        assert session.get(DropProfile, drop.id) is None, "what is held is no history"
        assert not session.query(QualityMeasure).filter_by(drop_id=drop.id).count()


def passes(intake: Intake, rows: list[Row], *remarks: str, to: str = "camden/hmo_licence") -> Drop:
    path = send(intake, rows, place=to)
    intake.night()
    drop = drop_of(intake, path)
    assert (drop.status, drop.reason) == ("accepted", None), drop.sentence
    assert remarked(drop) == list(remarks)
    with transaction() as session:
        assert session.get(DropProfile, drop.id) is not None
    return drop


# --- number of rows ---


def test_an_extract_80_percent_smaller_than_yesterdays(intake: Intake, register: list[Row]):
    holds(intake, register[:40], "row_count_fell", "40 usable rows after 200", "fall of 80%")
    assert len(intake.lake(borough="camden")) == 200, "the last good extract stays in use"


def test_a_register_that_lost_two_in_five(intake: Intake, register: list[Row]):
    passes(intake, register[:120])


def test_a_small_register_cut_short(intake: Intake):
    know("camden", "hmo_licence")
    send(intake, licences("camden", 30), YESTERDAY)
    holds(intake, licences("camden", 30)[:5], "row_count_fell", "5 usable rows after 30")


def test_a_small_register_that_halved(intake: Intake):
    know("camden", "hmo_licence")
    send(intake, licences("camden", 30), YESTERDAY)
    passes(intake, licences("camden", 30)[:12])


def test_a_register_joined_to_others(intake: Intake, register: list[Row]):
    holds(intake, licences("camden", 650), "row_count_rose", "650 usable rows", "200")


def test_a_register_that_doubled(intake: Intake, register: list[Row]):
    passes(intake, licences("camden", 400))


def test_same_rows_in_another_order(intake: Intake, register: list[Row]):
    rows = licences("camden", 200, YESTERDAY)
    random.Random(4).shuffle(rows)
    passes(intake, rows)
    assert len(intake.lake(borough="camden")) == 200


# --- blanks and codes ---


def test_a_column_that_is_suddenly_blank(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, _: {"expiry_date": ""} if n % 10 < 6 else None)
    holds(intake, rows, "blanks_jumped", "'expiry_date' is blank in 60% of the rows, before in 0% at most")


def test_a_column_with_some_more_blanks(intake: Intake, register: list[Row]):
    passes(intake, changed(register, lambda n, _: {"expiry_date": ""} if n % 20 < 3 else None), "blanks_rose")


def test_uprns_that_are_left_out(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, _: {"uprn": ""} if n % 2 else None)
    holds(intake, rows, "blanks_jumped", "'uprn' is blank in 50%")


def test_blanks_that_come_and_go_were_seen_before(intake: Intake, register: list[Row]):
    blank = changed(register, lambda n, _: {"max_households": ""} if n % 10 < 6 else None)
    send(intake, blank[1:], YESTERDAY - timedelta(days=7))
    passes(intake, blank)


def test_a_code_never_seen_in_a_large_part_of_the_rows(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, _: {"licence_type": "selective"} if n % 10 < 4 else None)
    holds(intake, rows, "new_code_common", "selective", "40%", "'licence_type'")


def test_a_code_never_seen_in_a_few_rows(intake: Intake, register: list[Row]):
    passes(
        intake, changed(register, lambda n, _: {"licence_type": "selective"} if n % 20 == 0 else None), "new_code_seen"
    )


def test_a_mix_of_codes_turned_round(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, _: {"licence_type": "mandatory", "max_persons": 6} if n % 20 else None)
    holds(intake, rows, "code_mix_shifted", "'licence_type'", "50%")


def test_a_mix_of_codes_that_drifts(intake: Intake, register: list[Row]):
    passes(
        intake, changed(register, lambda n, _: {"licence_type": "mandatory", "max_persons": 6} if n % 5 < 2 else None)
    )


def test_a_code_the_mapping_does_not_know_quarantines_its_rows(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, _: {"licence_type": "HMO9"} if n % 10 == 0 else None)
    assert passes(intake, rows).quarantined == 20


# --- dates ---


def test_yesterdays_copy_under_todays_name(intake: Intake):
    know("camden", "service_request")
    send(intake, requests("camden", 120, YESTERDAY), YESTERDAY, "camden/service_request")
    old = requests("camden", 120, YESTERDAY - timedelta(days=30))
    holds(
        intake,
        old,
        "stale_extract",
        "'received_date' are of 23 August 2026",
        "are of 22 September 2026",
        to="camden/service_request",
    )


def test_a_week_without_a_request(intake: Intake):
    know("camden", "service_request")
    send(intake, requests("camden", 120, YESTERDAY), YESTERDAY, "camden/service_request")
    passes(intake, requests("camden", 121, YESTERDAY)[1:], to="camden/service_request")


def test_an_export_that_stopped_running(intake: Intake):
    know("camden", "service_request")
    for days in (100, 99, 98, 97):
        day = TODAY - timedelta(days=days)
        send(intake, requests("camden", 120, day), day, "camden/service_request")
    old = requests("camden", 119, TODAY - timedelta(days=97))
    holds(intake, old, "stale_extract", "98 days before the extract", to="camden/service_request")


def test_a_workbook_of_the_other_calendar(intake: Intake, register: list[Row]):
    rows = changed(
        register,
        lambda _n, row: {name: row[name] - timedelta(days=1462) for name in ("commencement_date", "expiry_date")},
    )
    holds(intake, rows, "stale_extract", "Also: Every date of 'commencement_date'", "1904")


def test_day_and_month_that_changed_places(intake: Intake, with_suite: None):
    know("camden", "service_request")

    def swapped(_n: int, row: Row) -> Row:
        day: date = row["received_date"]
        return {"received_date": date(day.year, day.day, day.month) if day.day <= 12 else day}

    day = date(2026, 6, 30)
    send(intake, requests("camden", 200, day), day, "camden/service_request")
    holds(
        intake,
        changed(requests("camden", 200, date(2026, 7, 7)), swapped),
        "dates_in_future",
        to="camden/service_request",
    )


def test_a_few_dates_in_the_future_are_told_by_row(intake: Intake, with_suite: None):
    know("camden", "service_request")
    rows = changed(
        requests("camden", 200), lambda n, _: {"received_date": TODAY + timedelta(days=3)} if n < 4 else None
    )
    receipt = passes(intake, rows, to="camden/service_request").receipt
    assert receipt is not None
    assert [(f["issue"], f["rows"]) for f in receipt["findings"]] == [("date_in_future", 4)]


def test_a_register_whose_every_row_is_expired(intake: Intake, register: list[Row]):
    rows = licences("camden", 200, TODAY - timedelta(days=7 * 365))
    holds(intake, rows, "all_expired", "Every row had run out by 30 September 2026")


def test_a_first_register_whose_every_row_is_expired(intake: Intake):
    know("camden", "hmo_licence")
    holds(intake, licences("camden", 60, TODAY - timedelta(days=7 * 365)), "all_expired")


def test_a_register_half_of_which_has_expired(intake: Intake):
    know("camden", "hmo_licence")
    rows = changed(licences("camden", 200), lambda n, row: {"expiry_date": row["commencement_date"]} if n % 2 else None)
    passes(intake, rows)


# --- a column shifted half way down ---


def shifted(number: int, row: Row, after: int) -> Row | None:
    """From a row on, every cell from the postcode on stands one column further left."""
    if number < after:
        return None
    names = list(row)
    at = names.index("postcode")
    return dict(zip(names[at:], [*list(row.values())[at + 1 :], ""], strict=True))


def test_a_column_shifted_by_one_half_way_down(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, row: shifted(n, row, 100))
    holds(intake, rows, "column_shifted", "From row 102 on", "cannot be read", "'postcode'")


def test_a_first_extract_with_a_shifted_column(intake: Intake):
    know("camden", "hmo_licence")
    holds(intake, changed(licences("camden", 200), lambda n, row: shifted(n, row, 150)), "column_shifted", "row 152")


def test_a_shift_in_the_middle_that_ends_again(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, row: shifted(n, row, 60) if n < 90 else None)
    holds(intake, rows, "column_shifted", "From row 62 to row 91")


def test_one_column_of_placeholders_at_the_end_is_no_shift(intake: Intake, register: list[Row]):
    rows = changed(register, lambda n, _: {"uprn": f"TEMP{n}"} if n >= 170 else None)
    passes(intake, rows, "column_unreadable", "blanks_rose")


def test_rows_sorted_by_whether_a_column_is_filled(intake: Intake):
    know("camden", "hmo_licence")
    passes(intake, changed(licences("camden", 200), lambda n, _: {"uprn": "", "holder_name": ""} if n >= 100 else None))


# --- UPRNs and places ---


@pytest.fixture
def two_boroughs(intake: Intake) -> None:
    """Gazetteers and accounts of two boroughs, accepted a week ago."""
    for borough in ("camden", "hounslow"):
        for dataset in ("gazetteer", "council_tax"):
            know(borough, dataset)
        send(intake, gazetteer(borough, 150), YESTERDAY, f"{borough}/gazetteer")
        send(intake, accounts(borough, 150, YESTERDAY), YESTERDAY, f"{borough}/council_tax")
    intake.night()
    assert {drop.status for drop in intake.drops()} == {"accepted"}


@pytest.mark.parametrize(("dataset", "make"), [("gazetteer", gazetteer), ("council_tax", accounts)])
def test_two_boroughs_files_swapped(intake: Intake, two_boroughs: None, dataset: str, make):
    paths = [
        send(intake, make(theirs, 149), TODAY, f"{mine}/{dataset}")
        for mine, theirs in (("camden", "hounslow"), ("hounslow", "camden"))
    ]
    intake.night()
    camden, hounslow = (fate(intake, path) for path in paths)
    assert camden[:2] == hounslow[:2] == ("held", "looks_like_another_borough")
    assert camden[2].startswith("100% of the UPRNs stand in the gazetteer of Hounslow, none in that of Camden.")
    assert "gazetteer of Camden, none in that of Hounslow" in hounslow[2]
    assert {row["uprn"] for row in intake.lake("council_tax", "camden")} == {str(5_000_000 + n) for n in range(150)}


def test_both_files_in_their_own_place(intake: Intake, two_boroughs: None):
    passes(intake, accounts("hounslow", 149), to="hounslow/council_tax")
    passes(intake, accounts("camden", 149), to="camden/council_tax")


def test_a_first_extract_of_another_borough_beside_the_gazetteer(intake: Intake):
    for dataset in ("gazetteer", "hmo_licence"):
        know("camden", dataset)
    send(intake, gazetteer("camden", 150), YESTERDAY, "camden/gazetteer")
    rows = changed(licences("hounslow", 60), lambda _n, _row: {"postcode": ""})
    holds(intake, rows, "known_uprns_fell", "none of the UPRNs")


def test_a_gazetteer_that_passed_is_read_once_for_all_drops_of_a_night(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []
    own = IntakeFiles.batches

    def batches(files: IntakeFiles, name: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        passed = [drop.id for drop in intake.drops() if (drop.dataset, drop.status) == ("gazetteer", "gated")]
        if columns == ["uprn"]:
            read.extend(drop for drop in passed if files.folder.root == IntakeFiles(drop).folder.root)
        return own(files, name, columns)

    monkeypatch.setattr(IntakeFiles, "batches", batches)
    for day, homes in ((YESTERDAY, 151), (TODAY, 149)):
        for dataset, rows in (
            ("gazetteer", gazetteer("camden", homes)),
            ("council_tax", accounts("camden", homes, day)),
            ("hmo_licence", licences("camden", 60, day)),
        ):
            know("camden", dataset)
            send(intake, rows, day, f"camden/{dataset}")
        intake.night()
    gazetteers = [drop.id for drop in intake.drops() if drop.dataset == "gazetteer"]
    assert sorted(read) == sorted(gazetteers)
    assert {drop.status for drop in intake.drops()} == {"accepted", "superseded"}


def test_rows_that_the_gazetteer_does_not_know_are_told(intake: Intake):
    for dataset in ("gazetteer", "hmo_licence"):
        know("camden", dataset)
    send(intake, gazetteer("camden", 100), TODAY, "camden/gazetteer")
    path = send(intake, licences("camden", 120))
    intake.night()
    assert fate(intake, path)[0] == "accepted"
    (drop,) = [drop for drop in intake.drops() if drop.dataset == "hmo_licence"]
    assert drop.receipt is not None
    (found,) = [f for f in drop.receipt["findings"] if f["issue"] == "uprn_not_in_gazetteer"]
    assert (found["rows"], found["level"], found["first_rows"][0]) == (20, "should check", 102)
    assert drop.accepted == 120


def test_known_uprns_that_collapse(intake: Intake, two_boroughs: None):
    rows = changed(accounts("camden", 150), lambda n, _: {"uprn": str(9_000_000_000 + n)} if n % 2 else None)
    holds(intake, rows, "known_uprns_fell", "50% of the UPRNs", "100%", to="camden/council_tax")


def test_known_uprns_that_dip(intake: Intake, two_boroughs: None):
    rows = changed(accounts("camden", 150), lambda n, _: {"uprn": str(9_000_000_000 + n)} if n % 10 == 0 else None)
    passes(intake, rows, to="camden/council_tax")


def without_uprn(rows: list[Row]) -> list[Row]:
    return changed(rows, lambda _n, _row: {"uprn": ""})


def test_swapped_files_without_uprns_and_gazetteers(intake: Intake):
    for borough in ("camden", "hounslow"):
        know(borough, "hmo_licence")
        send(intake, without_uprn(licences(borough, 80, YESTERDAY)), YESTERDAY, f"{borough}/hmo_licence")
    intake.night()
    holds(
        intake,
        without_uprn(licences("hounslow", 81)),
        "looks_like_another_borough",
        "100% of the postcodes lie in the districts of Hounslow, none in those of Camden.",
    )


def test_swapped_files_of_neighbours_who_share_districts(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(place.__globals__["DISTRICTS"], "camden", ["NW1", "NW1", "NW1", "NW5", "N1", "N19"])
    monkeypatch.setitem(place.__globals__["DISTRICTS"], "islington", ["N1", "N1", "N1", "N19", "N19", "NW5", "NW1"])
    for borough in ("camden", "islington"):
        know(borough, "hmo_licence")
        send(intake, without_uprn(licences(borough, 120, YESTERDAY)), YESTERDAY, f"{borough}/hmo_licence")
    intake.night()
    holds(intake, without_uprn(licences("islington", 120)), "looks_like_another_borough", "Islington (alike by")


def test_a_register_at_the_border_is_the_boroughs_own(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(place.__globals__["DISTRICTS"], "camden", ["NW1", "NW1", "NW1", "NW5", "N1", "N19"])
    monkeypatch.setitem(place.__globals__["DISTRICTS"], "islington", ["N1", "N1", "N1", "N19", "N19", "NW5", "NW1"])
    for borough in ("camden", "islington"):
        know(borough, "council_tax")
        send(intake, without_uprn(accounts(borough, 120)), YESTERDAY, f"{borough}/council_tax")
    know("camden", "hmo_licence")
    rows = changed(
        without_uprn(licences("camden", 60)), lambda n, _: {"postcode": ["N1 2AB", "N1 3AB", "N19 4AB"][n % 3]}
    )
    passes(intake, rows)


def test_addresses_where_nobody_known_lies(intake: Intake):
    know("camden", "council_tax")
    know("camden", "hmo_licence")
    send(intake, accounts("camden", 80), YESTERDAY, "camden/council_tax")
    holds(intake, without_uprn(licences("hounslow", 60)), "outside_the_borough", "None of the postcodes")


# --- what counts as history ---


def test_an_older_extract_is_not_held_against_a_later_one(intake: Intake, register: list[Row]):
    intake.night()
    older = send(intake, register[:20], YESTERDAY - timedelta(days=30))
    intake.night()
    assert fate(intake, older)[:2] == ("superseded", "older_extract")


def test_several_nights_at_once_are_judged_in_their_order(intake: Intake):
    know("camden", "hmo_licence")
    days = [TODAY - timedelta(days=7 * week) for week in (3, 2, 1, 0)]
    paths = [send(intake, licences("camden", size), day) for size, day in zip((200, 190, 30, 195), days, strict=True)]
    intake.night()
    assert [fate(intake, path)[0] for path in paths] == ["superseded", "superseded", "held", "accepted"]
