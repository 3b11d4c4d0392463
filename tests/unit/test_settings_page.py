"""The page of settings is what the code reads, whole and on every machine the same."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from pipelines.cli import settings_page

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("pipelines", "review", "schemas", "models", "expectations", "dags")


def classes_of_settings() -> set[str]:
    """Names of classes in our packages whose base is a class of settings, as their source says."""
    found = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            found |= set(re.findall(r"^class (\w+)\((?:\w+, )*BaseSettings\b", path.read_text("utf-8"), re.MULTILINE))
    return found


def test_the_committed_page_is_what_the_classes_say() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8") == settings_page.page(), (
        "write it anew: python -m pipelines.cli.settings_page > docs/configuration.md"
    )


def test_every_class_of_settings_is_on_the_page() -> None:
    found = classes_of_settings()
    assert found == {kind.__name__ for kind in settings_page.KINDS.values()}
    assert len(found) >= 2


@pytest.mark.parametrize("kind", settings_page.KINDS.values())
def test_every_setting_has_its_row_and_stands_in_the_example(kind: type[BaseSettings]) -> None:
    page, example = settings_page.page(), (ROOT / ".env.example").read_text(encoding="utf-8")
    for field in kind.model_fields:
        name = settings_page.name_of(kind, field)
        assert page.count(f"\n| `{name}` | ") == 1
        assert f"\n# {name}=" in example


def test_no_row_differs_by_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    page = settings_page.page()
    assert not any(part in page for part in (str(Path.home()) + "/", str(ROOT)))
    rows = [line for line in page.splitlines() if line.startswith("| `LODA_") and "processor" in line]
    assert {re.findall("`([A-Z_]+)`", row)[0] for row in rows} == set(settings_page.BY_MACHINE)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert settings_page.page() == page
