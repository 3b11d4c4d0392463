"""Layouts that are known already: of a source system that other boroughs use, or of the borough itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.core.errors import ConfigurationError
from pipelines.onboard.headings import Knowledge
from schemas import registry

ALIKE = 0.8
FEW_COLUMNS = 7
EXTRA = 0.34


@dataclass(frozen=True)
class Preset:
    """A source system's preset that a file fits.

    `columns` says which field each of its headings feeds (None: ignored); `gone` are its
    headings that the file lacks, `new` the file's that it does not know.
    """

    system: str
    dataset: str
    product: str
    content: Mapping[str, Any]
    columns: dict[str, str | None]
    gone: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def exact(self) -> bool:
        """Whether the file has the very headings."""
        return not self.new and not [name for name in self.gone if self.columns[name] != "uprn"]


def fitting_preset(headings: Sequence[str], known: Knowledge, dataset: str | None) -> Preset | None:
    """The preset whose headings a file has, if one fits: nearly all of them, word for word, and little else."""
    best: tuple[float, Preset] | None = None
    for (system, of), content in known.presets.items():
        if dataset is not None and of != dataset:
            continue
        columns = columns_of(content)
        here = [name for name in columns if name in headings]
        new = tuple(name for name in headings if name not in columns)
        gone = tuple(name for name in columns if name not in headings)
        asked = [name for name in columns if columns[name] != "uprn"]
        share = sum(name in headings for name in asked) / max(len(asked), 1)
        if share < (1.0 if len(columns) < FEW_COLUMNS else ALIKE) or len(new) > EXTRA * len(here):
            continue
        if _lacks_required(content, of, headings):
            continue
        preset = Preset(system, of, _product(system), content, columns, gone, new)
        rank = share - 0.5 * len(new) / len(headings)
        if best is None or rank > best[0]:
            best = (rank, preset)
    return best[1] if best else None


def columns_of(content: Mapping[str, Any]) -> dict[str, str | None]:
    """Which field each heading of a mapping's content feeds: the first of the contract's, None for ignored."""
    found: dict[str, str | None] = {}
    for name, how in (content.get("fields") or {}).items():
        for column in sources(how):
            found.setdefault(column, name)
    for column in content.get("ignore") or {}:
        found.setdefault(str(column), None)
    return found


def sources(how: Any) -> list[str]:
    """Headings that a field of a mapping's content reads."""
    if isinstance(how, str):
        return [how]
    if isinstance(how, Mapping):
        return [str(how["column"])] if how.get("column") else [str(c) for c in how.get("columns") or ()]
    return []


def _lacks_required(content: Mapping[str, Any], dataset: str, headings: Sequence[str]) -> bool:
    for name in registry.contract(dataset).required:
        needed = sources((content.get("fields") or {}).get(name))
        if needed and not any(column in headings for column in needed):
            return True
    return False


def overrides(preset: Preset, headings: Sequence[str]) -> dict[str, Any]:
    """What a mapping that extends the preset must say about headings that the file lacks."""
    fields: dict[str, Any] = {}
    for name, how in (preset.content.get("fields") or {}).items():
        there = [column for column in sources(how) if column in headings]
        if len(there) == len(sources(how)):
            continue
        if not there:
            fields[name] = None
        elif isinstance(how, Mapping):
            fields[name] = {"columns": there}
    ignore = {column: None for column in preset.content.get("ignore") or {} if column not in headings}
    made: dict[str, Any] = {}
    if fields:
        made["fields"] = fields
    if ignore:
        made["ignore"] = ignore
    since = preset.content.get("known_since")
    if isinstance(since, Mapping) and fields.get(str(since["after"]), "") is None:
        made["known_since"] = None
    return made


def _product(system: str) -> str:
    try:
        found = registry.systems().get(system)
    except ConfigurationError:
        found = None
    return found.product if found is not None else system
