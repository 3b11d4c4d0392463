"""An Airflow of its own for these tests: state in a temporary folder, set before Airflow is first imported."""

from __future__ import annotations

import atexit
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = ROOT / "dags"
HOME = Path(tempfile.mkdtemp(prefix="loda-airflow-"))


atexit.register(shutil.rmtree, HOME, ignore_errors=True)
os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg"),
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(DAGS / "plugins"),
}
sys.path.insert(0, str(DAGS))


@pytest.fixture(scope="session")
def airflow_database() -> Path:
    """Airflow's own SQLite database, made once a session."""
    from airflow.utils import db

    db.initdb()
    return HOME


@pytest.fixture(scope="session")
def bag() -> Any:
    """All DAGs as Airflow reads them."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(DAGS)


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A `pipelines.night` without stages: each does nothing and says so. Tests replace what they need."""
    import pipelines
    from pipelines.core.types import StageResult

    spec = importlib.util.spec_from_loader("pipelines.night", loader=None)
    assert spec is not None
    stub = importlib.util.module_from_spec(spec)

    def stage(name: str) -> Any:
        def call(borough: str = "london", as_of: object = None) -> StageResult:
            return StageResult(name, borough, "made", f"{name} of {borough} is done.", {"rows": 3})

        call.__name__ = name
        return call

    for name in ["admit", "harmonise", "gate", "propose", "publish_drops", "outcomes"]:
        setattr(stub, name, stage(name))

    def prepare() -> None:
        """Nothing to prepare."""

    def agreements() -> StageResult:
        return StageResult("agreements", "london", "unchanged", "Nothing has lapsed.")

    def discover() -> list[str]:
        return ["barnet", "camden", "hackney"]

    def boroughs_with_outcomes() -> list[str]:
        return []

    stub.boroughs_with_outcomes = boroughs_with_outcomes  # type: ignore[attr-defined]
    stub.agreements = agreements  # type: ignore[attr-defined]
    stub.prepare, stub.discover, stub.stage = prepare, discover, stage  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pipelines.night", stub)
    monkeypatch.setattr(pipelines, "night", stub, raising=False)
    return stub
