"""Agreements written for a test, in the folder that wins over the committed one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipelines.core.settings import settings

LONDON: dict[str, Any] = {
    "id": "london-hmo",
    "title": "A protocol for a test",
    "boroughs": ["all-london"],
    "datasets": ["all"],
    "purposes": ["hmo_detection"],
    "lawful_basis": "public task",
    "valid_from": "2015-01-01",
    "valid_until": "2035-12-31",
    "retention_days": 2555,
    "may_see": {"analyst": "property", "ig_lead": "record", "engineer": "count"},
    "at_finest": {"electoral": "property", "benefits": "property"},
}
REGISTERS: dict[str, Any] = LONDON | {
    "id": "public-registers",
    "boroughs": ["oxford", "sheffield", "swindon", "merthyr_tydfil"],
    "datasets": ["hmo_licence", "licence_application", "gazetteer"],
    "at_finest": {},
}


def agree(base: dict[str, Any] = LONDON, **changes: Any) -> Path:
    """Write an agreement with some changes; of one name the last one written counts."""
    content = base | changes
    path = settings().agreements_dir / f"{content['id']}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content))
    return path


def withdrawal(on: str = "2020-01-01", **scope: Any) -> dict[str, Any]:
    """A withdrawal, of everything or of some boroughs and datasets."""
    return {"withdrawn_on": on, "by": "B Example", "why": "a letter", **scope}
