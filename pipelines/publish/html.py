"""Pages as HTML: one look, nothing loaded from elsewhere, readable on paper and by a screen reader."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from pipelines.core.hashing import hash_files


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("pipelines.publish"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = lambda number: f"{number:,}"
    made.filters["percent"] = lambda share: "-" if share is None else f"{share:.1%}"
    return made


@lru_cache(maxsize=1)
def look() -> str:
    """Hash over the templates, for whoever asks whether a page would look as it did."""
    return hash_files((Path(__file__).resolve().parent / "templates").glob("*.html"))


def render(template: str, **content: Any) -> bytes:
    """A page of `templates/` filled in, as UTF-8. Every value is escaped; a name that is not given is an error."""
    return _environment().get_template(template).render(**content).encode()
