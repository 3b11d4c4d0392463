"""Fixtures that every test may use."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# A worker a core: OpenMP's threads wait for each other where every core is busy, and take ten times longer.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from tests.homes import own_home

TESTS = Path(__file__).resolve().parent
LONGEST_FIRST = (
    "night/test_whole_night.py",
    "privacy/test_canaries.py",
    "browser/test_every_page.py",
    "spec/test_links.py",
    "intake/test_redrop.py",
    "unit/test_link_review.py",
    "unit/test_fit_table.py",
    "golden/test_real_buildings.py",
    "browser/test_receipt_page.py",
    "unit/test_link_file.py",
    "unit/test_model_train.py",
    "unit/test_model_why.py",
    "browser/test_pages.py",
    "unit/test_model_features_future.py",
    "unit/test_model_life.py",
    "night/test_review_night.py",
    "intake/test_kill.py",
    "integration/test_pages.py",
    "browser/test_airflow_menu.py",
    "browser/test_journeys.py",
    "intake/test_gate_history.py",
    "unit/test_model_dossier.py",
    "unit/test_model_backtest.py",
    "integration/test_audit.py",
)
"""Files of twenty seconds and more, so that no process is left with one when the others have nothing more to do. Those
that load models go before those that load Airflow, beside which skops takes six seconds to load instead of one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, the others as they came: with `--dist loadfile` processes take files in this order."""
    place = {TESTS / name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_collection_finish() -> None:
    """What the tests load is no garbage: not looked through again with every collection, a tenth of their time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def _nothing_set_stays_set() -> Iterator[None]:
    """No setting outlives its test: a clock that stays still makes tests after it fail, far from the cause."""
    before = {name: value for name, value in os.environ.items() if name.startswith("LODA_")}
    yield
    assert {name: value for name, value in os.environ.items() if name.startswith("LODA_")} == before


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty LODA_HOME with a ledger, thrown away after the test."""
    monkeypatch.chdir(tmp_path)
    with own_home(tmp_path / "home") as folder:
        yield folder
        monkeypatch.undo()  # what the test set over this home's settings goes before they do


def real_data() -> Path:
    """The folder of public real data: `LODA_REAL_DATA`, or `shared/data` beside the checkout."""
    return Path(os.environ.get("LODA_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


needs_real_data = pytest.mark.skipif(
    not (real_data() / "registers").is_dir(), reason="the public registers are not beside this checkout"
)
