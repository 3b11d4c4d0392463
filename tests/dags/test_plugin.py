"""Airflow's menu links to the officers' pages, and serves nothing itself."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from review.settings import review_settings

PLUGIN = Path(__file__).resolve().parents[2] / "dags" / "plugins" / "loda_review_link.py"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ModuleType]:
    """The plugin as it is read where officers reach the pages under an address of their own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LODA_REVIEW_BASE_URL", "https://review.example/")
    review_settings.cache_clear()
    spec = importlib.util.spec_from_file_location("loda_review_link_of_a_test", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    review_settings.cache_clear()


def test_airflow_finds_the_plugin_and_nothing_is_wrong_with_it() -> None:
    from airflow import plugins_manager, settings
    from airflow.api_fastapi.core_api.datamodels.plugins import ExternalViewResponse

    assert Path(settings.PLUGINS_FOLDER) == PLUGIN.parent
    found, faults = plugins_manager._get_plugins()
    assert faults == {}
    (own,) = [plugin for plugin in found if plugin.name == "loda_review"]
    (link,) = [ExternalViewResponse.model_validate(view) for view in own.external_views]
    assert (link.name, link.destination, link.url_route) == ("Homes to check", "nav", None)
    assert (link.category, link.nav_top_level) == ("browse", False)
    assert link.href == "http://127.0.0.1:8000"


def test_it_serves_nothing_itself() -> None:
    from airflow import plugins_manager

    for plugin in plugins_manager._get_plugins()[0]:
        if plugin.name == "loda_review":
            assert not plugin.fastapi_apps
            assert not plugin.fastapi_root_middlewares
            assert not plugin.flask_blueprints
            assert not plugin.react_apps


def test_the_link_leads_to_the_address_of_the_settings(loaded: ModuleType) -> None:
    assert loaded.ReviewLink.external_views[0]["href"] == "https://review.example"


def test_no_dag_is_looked_for_among_plugins(bag: object) -> None:
    from airflow.dag_processing.dagbag import DagBag

    assert isinstance(bag, DagBag)
    assert not any("plugins" in str(dag.fileloc) for dag in bag.dags.values())
    assert bag.import_errors == {}
