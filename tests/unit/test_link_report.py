"""The report of a night's links adds up, groups records by what they say themselves, and gives no few away."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core.errors import ConfigurationError
from pipelines.core.settings import settings
from pipelines.core.tables import LINK_REPORT
from pipelines.demo import reference
from pipelines.demo.world.places import make_places
from pipelines.demo.world.profile import profile
from pipelines.governance import access
from pipelines.link import Decision, link_borough
from pipelines.link.figures import ASSIGN, figures
from pipelines.link.groups import FIFTHS, NOT_KNOWN, deprivation_fifths
from tests.unit.agreed import agree
from tests.unit.link_lake import put
from tests.unit.review_world import BOROUGH, HOUSE, TWICE, gazetteer, loda

EXTRACT = date(2025, 1, 1)
"""The day of `link_lake`'s extracts."""

NOWHERE = {"address": "77 Missing Lane", "postcode": "E9 9ZZ"}


def numbered(key: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: str(n)} | row for n, row in enumerate(rows)]


@pytest.fixture
def linked(home: Path) -> pd.DataFrame:
    """Linked records of three datasets, of which recent movers fit nothing more often; their report as it is kept."""
    put(BOROUGH, "gazetteer", gazetteer())
    (settings().reference_dir).mkdir(parents=True)
    (settings().reference_dir / "deprivation.csv").write_text("lsoa_code,deprivation_decile\nE01900001,1\n")
    recent, long_ago = EXTRACT - timedelta(days=100), EXTRACT - timedelta(days=1000)
    tax = [HOUSE | {"liable_party": "occupier", "liability_start": long_ago}] * 60
    tax += [HOUSE | {"liable_party": "owner", "liability_start": recent}] * 30
    tax += [NOWHERE | {"liable_party": "owner", "liability_start": recent}] * 20
    tax += [TWICE | {"liability_start": None}] * 3
    put(BOROUGH, "council_tax", numbered("account_ref", tax))
    put(BOROUGH, "epc", numbered("certificate_ref", [HOUSE | {"tenure": "rental_private"}] * 8 + [NOWHERE] * 2))
    put(BOROUGH, "waste", numbered("waste_ref", [HOUSE, NOWHERE]))
    assert link_borough(BOROUGH).outcome == "made"
    return access.read_table("link_report", LINK_REPORT, boroughs=[BOROUGH]).to_pandas()


def test_every_group_adds_up_to_the_totals_of_its_datasets(linked: pd.DataFrame) -> None:
    counts = ["records", *(str(d) for d in Decision)]
    assert (linked[counts[1:]].sum(axis=1) == linked["records"]).all()
    total = linked.loc[linked["group"] == "all"].set_index("dataset")[counts]
    assert total["records"].to_dict() == {"council_tax": 113, "epc": 10, "waste": 2}
    told = {"stage": 3, "reason": 3, "deprivation": 3, "tenure": 2, "recent_mover": 1}
    for group, datasets in told.items():
        mine = linked.loc[linked["group"] == group].groupby("dataset")[counts].sum()
        assert len(mine) == datasets, group
        assert mine.equals(total.loc[mine.index]), group


def test_groups_are_told_by_the_record_and_not_by_what_it_was_tied_to(linked: pd.DataFrame) -> None:
    def records(group: str, dataset: str) -> dict[str, tuple[int, int]]:
        mine = linked.loc[(linked["group"] == group) & (linked["dataset"] == dataset)]
        return {row["value"]: (row["records"], row["linked"]) for row in mine.to_dict("records")}

    assert records("recent_mover", "council_tax") == {
        "within_12_months": (50, 30),
        "longer_ago": (60, 60),
        NOT_KNOWN: (3, 0),
    }
    assert records("tenure", "council_tax") == {"occupier": (60, 60), "owner": (50, 30), NOT_KNOWN: (3, 0)}
    assert records("tenure", "epc") == {"rental_private": (8, 8), NOT_KNOWN: (2, 0)}
    assert records("deprivation", "waste") == {FIFTHS[0]: (1, 1), NOT_KNOWN: (1, 0)}


def test_what_is_shown_of_groups_gives_no_few_away(linked: pd.DataFrame) -> None:
    shown = figures([BOROUGH])
    rows = {(r["group"], r["dataset"], r["value"]): r for r in shown["groups"]}
    few = rows[("recent_mover", "council_tax", NOT_KNOWN)]
    assert [few[name] for name in ("records", "tied", "untied", "match_rate")] == [None] * 4
    for row in shown["groups"]:
        for name in ("records", "tied", "untied"):
            assert row[name] is None or row[name] % access.ROUNDING_MULTIPLE == 0
        assert row["match_rate"] is None or 0 <= row["match_rate"] <= 1
    moved = rows[("recent_mover", "council_tax", "within_12_months")]
    assert (moved["records"], moved["tied"], moved["untied"], moved["match_rate"]) == (50, 30, 20, 0.6)


def test_a_difference_between_groups_is_told_with_counts(linked: pd.DataFrame) -> None:
    told = {(d["dataset"], d["group"]): d for d in figures([BOROUGH])["differences"]}
    movers = told[("council_tax", "recent_mover")]
    assert (movers["lowest"], movers["highest"], movers["points"]) == ("within_12_months", "longer_ago", 40.0)
    assert (movers["lowest_records"], movers["highest_records"]) == (50, 60)
    assert movers["more_than_chance"]
    assert ("waste", "deprivation") not in told


def test_the_command_prints_rates_beside_published_ones(linked: pd.DataFrame) -> None:
    told = loda("link", "report", BOROUGH).stdout
    assert "PMC8678979" in told
    for figure in ("99.6 %", "95.4 %", "99.8 %", "60.0 %"):
        assert figure in told
    found = json.loads(loda("link", "report", BOROUGH, "--json").stdout)
    (borough,) = found["boroughs"]
    assert borough["records"] == 125 == sum(row["records"] for row in borough["stage"])
    assert sum(row["records"] for row in borough["reason"]) == 125
    assert found["assign"] == ASSIGN


def test_nothing_in_the_report_is_about_anybody(linked: pd.DataFrame) -> None:
    assert set(linked.columns) == {
        "borough",
        "dataset",
        "group",
        "value",
        "records",
        "linked",
        "parent",
        "review",
        "none",
    }
    everything = linked.to_csv() + loda("link", "report").stdout
    assert not [word for word in ("EXAMPLE", "MISSING LANE", "N1 1AA", "E9 9ZZ") if word in everything.upper()]


def test_a_dataset_without_an_agreement_is_not_reported(linked: pd.DataFrame) -> None:
    agree(datasets=["gazetteer", "council_tax", "waste"])
    left = access.read_table("link_report", LINK_REPORT, boroughs=[BOROUGH])
    assert set(left["dataset"].to_pylist()) == {"council_tax", "waste"}


def test_a_changed_reference_makes_the_report_anew(linked: pd.DataFrame) -> None:
    assert link_borough(BOROUGH).outcome == "unchanged"
    published = (
        "LSOA code (2011),Local Authority District name (2019),Index of Multiple Deprivation (IMD) Decile (where 1 is "
        "most deprived 10% of LSOAs)\nE01900001,Camden,9\n"
    )
    (settings().reference_dir / "deprivation.csv").write_text(published)
    assert link_borough(BOROUGH).outcome == "made"
    again = access.read_table("link_report", LINK_REPORT, boroughs=[BOROUGH]).to_pandas()
    assert set(again.loc[again["group"] == "deprivation", "value"]) == {FIFTHS[4], NOT_KNOWN}
    (settings().reference_dir / "deprivation.csv").unlink()
    assert link_borough(BOROUGH).outcome == "made"
    again = access.read_table("link_report", LINK_REPORT, boroughs=[BOROUGH]).to_pandas()
    assert "deprivation" not in set(again["group"])


@pytest.mark.parametrize(
    ("content", "said"), [("a,b\n1,2\n", "lacks a column"), ("lsoa_code,deprivation_decile\nE01900001,11\n", "decile")]
)
def test_a_reference_that_cannot_be_used_is_told(home: Path, content: str, said: str) -> None:
    settings().reference_dir.mkdir(parents=True)
    (settings().reference_dir / "deprivation.csv").write_text(content)
    with pytest.raises(ConfigurationError, match=said):
        deprivation_fifths()


def test_the_demo_writes_deciles_of_its_own_areas(home: Path) -> None:
    paths = reference.write(settings().reference_dir, ["camden", "bexley"], 5000, 1)
    assert {"deprivation-camden.csv", "deprivation-bexley.csv"} <= {path.name for path in paths}
    known = deprivation_fifths()
    for slug in ("camden", "bexley"):
        assert set(make_places(profile(slug), 5000, 1).area_code) <= set(known.index)
    assert set(known) == set(FIFTHS)
