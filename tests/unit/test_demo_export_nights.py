"""Nights of the demo: which dataset on which night, the same bytes every time, the truth kept out of the bucket."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.demo import ANCHOR, DemoSummary, make
from pipelines.demo.nights import due

DAYS = [date(2026, 9, 30) - timedelta(days=back) for back in range(39, -1, -1)]


@pytest.mark.parametrize(("dataset", "nights"), [("service_request", 40), ("waste", 6), ("council_tax", 2)])
def test_datasets_come_as_often_as_their_contract_says(dataset: str, nights: int) -> None:
    exported = due(dataset, DAYS)
    assert exported[0] == DAYS[0]
    assert len(exported) == nights


def test_a_yearly_dataset_comes_on_the_first_night_only() -> None:
    assert due("licensing_scheme", DAYS) == DAYS[:1]


def run(folder: Path) -> DemoSummary:
    return make(str(folder / "bucket"), str(folder / "truth"), ["lambeth"], dwellings=80, seed=5, nights=2)


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoSummary]:
    """Two nights of one borough of 80 dwellings."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run(folder)


def test_the_same_command_makes_the_same_bytes(two_nights: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    run(tmp_path)
    assert files(two_nights[0]) == files(tmp_path)


def test_the_first_night_is_whole_and_the_next_has_what_is_due(two_nights: tuple[Path, DemoSummary]) -> None:
    folder, summary = two_nights
    dropped = files(folder / "bucket")
    assert summary.files == len(dropped)
    assert summary.bytes == sum(map(len, dropped.values()))
    yesterday, today = (f"{day:%d%m%Y}." for day in (ANCHOR - timedelta(days=1), ANCHOR))
    assert [path.split("/")[2] for path in dropped if today in path] == ["service_request"]
    assert sum(yesterday in path for path in dropped) == len(dropped) - 1


def test_truth_covers_every_row_of_every_file(two_nights: tuple[Path, DemoSummary]) -> None:
    folder, summary = two_nights
    truth = folder / "truth" / "lambeth"
    links = pd.concat(pd.read_parquet(path) for path in (truth / "links").glob("*.parquet"))
    assert list(links.columns) == ["file", "row_number", "true_uprn", "true_landlord"]
    assert 0 < summary.rows - len(links) < 20  # the designations, which are about no property
    assert links["true_uprn"].notna().all()
    assert set(pd.read_parquet(truth / "faults.parquet").columns) == {"dataset", "file", "row_number", "fault", "field"}
    assert (folder / "truth" / "README.md").exists()
    gazetteer = pd.read_parquet(truth / "links" / "gazetteer.parquet")
    assert links["true_uprn"].isin(gazetteer["true_uprn"]).mean() > 0.9
    assert not any(b"true_" in content for content in files(folder / "bucket").values())


def test_a_request_reads_the_same_on_the_next_night(two_nights: tuple[Path, DemoSummary]) -> None:
    requests = two_nights[0] / "bucket/drops/lambeth/service_request"
    first, second = (path.read_bytes().split(b"\r") for path in sorted(requests.iterdir()))
    older = {line for line in first if line}
    assert len(older & set(second)) >= 0.9 * len(older)


def test_the_truth_may_not_lie_in_the_bucket(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="outside"):
        make(str(tmp_path), str(tmp_path / "drops" / "truth"), ["lambeth"], dwellings=10, seed=1, nights=1)


def test_faulty_orders_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="atlantis"):
        make(str(tmp_path / "a"), str(tmp_path / "b"), ["lambeth", "atlantis"], dwellings=10, seed=1, nights=1)
    with pytest.raises(ConfigurationError, match="at least one night"):
        make(str(tmp_path / "a"), str(tmp_path / "b"), ["lambeth"], dwellings=10, seed=1, nights=0)
    assert not (tmp_path / "a").exists()
