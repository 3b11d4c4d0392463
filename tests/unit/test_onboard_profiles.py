"""What stands in a column, and which date format it has by evidence."""

from __future__ import annotations

import random
from datetime import date, timedelta

import pyarrow as pa
import pytest

from pipelines.onboard.dates import days
from pipelines.onboard.evidence import fit
from pipelines.onboard.headings import knowledge
from pipelines.onboard.profiles import Profile, profile_table
from schemas import registry
from schemas.mapping_faults import reads_a_date

DAYS = [date(2018, 1, 1) + timedelta(days=37 * n % 1800) for n in range(150)]


def profile(values: list[str]) -> Profile:
    return profile_table(pa.table({"x": values}), frozenset({"", "n/a"}))[0]


@pytest.mark.parametrize(
    "form",
    ["%d/%m/%Y", "%m/%d/%Y", "%Y-%m-%d", "%d-%m-%Y", "%d.%m.%y", "%d-%b-%y", "%d %B %Y", "%Y%m%d", "%Y-%m-%dT%H:%M:%S",
     "%d/%m/%Y %H:%M", "%A, %d %B %Y", "%B %d, %Y"],
)  # fmt: skip
def test_format_is_found_and_reads_the_very_days(form: str):
    found = profile([day.strftime(form) for day in DAYS])
    assert (found.dates.formats, found.dates.ambiguous) == ((form,), False)
    assert list(days(found.texts.to_pandas(), found.dates).dt.date) == DAYS
    assert reads_a_date(form)


def test_dates_that_parse_both_ways_are_not_decided():
    draw = random.Random(1)
    found = profile([f"{draw.randint(1, 12):02d}/{draw.randint(1, 12):02d}/2021" for _ in range(80)])
    assert found.dates.ambiguous
    assert found.dates.decided == 0


def test_one_day_above_twelve_tells_the_order():
    assert profile(["03/04/2021", "05/06/2021", "13/06/2021"]).dates.formats == ("%d/%m/%Y",)
    assert profile(["03/04/2021", "05/06/2021", "06/13/2021"]).dates.formats == ("%m/%d/%Y",)


def test_day_numbers_of_a_spreadsheet():
    found = profile([str(43000 + n) for n in range(60)])
    assert found.dates.serial
    assert found.dates.formats == ()


def test_two_formats_in_one_column_are_both_found():
    texts = [day.strftime("%d/%m/%Y" if n % 3 else "%Y-%m-%d") for n, day in enumerate(DAYS)]
    assert set(profile(texts).dates.formats) == {"%d/%m/%Y", "%Y-%m-%d"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["N4 1AB", "SW1A 2AA", "e8 3pn"], "postcode"),
        (["100022334455", "100022334456", "200000123456"], "uprn"),
        (["12 Alder Road, London, N4 1AB", "Flat 2, 9 Birch Street, London, N8 2BB"], "address"),
        (["Mr John Example", "Anna Sample", "Example Lettings Ltd"], "name"),
        (["020 7946 0001", "07700 900123"], "phone"),
        (["1", "4", "5", "3"], "number"),
        (["01/02/2021", "28/02/2021"], "date"),
        (["", "n/a"], "blank"),
    ],
)
def test_kind_of_values(values: list[str], kind: str):
    assert profile(values * 5).kind == kind


def test_damaged_uprns_are_seen_and_said():
    values = ["100022334455", "1.00022E+11", "100022334457.0", *(str(100022334460 + n) for n in range(40))]
    found = fit(profile(values), registry.contract("gazetteer").by_name["uprn"], knowledge())
    assert found.share == 1.0
    assert "damaged by a spreadsheet" in found.words


def test_evidence_quotes_no_value():
    values = ["Mr John Zyxwvut", "Anna Zyxwvut", "Zyxwvut Lettings Ltd"] * 9
    for target in registry.contract("hmo_licence").fields:
        assert "Zyxwvut" not in fit(profile(values), target, knowledge()).words


def test_profile_looks_at_a_wide_table_quickly():
    table = pa.table({f"c{n}": [str(n % 7)] * 200 for n in range(300)})
    assert [p.kind for p in profile_table(table, frozenset())].count("number") == 300
