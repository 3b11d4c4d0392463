"""The typed door to everything that is data here: contracts, mappings, boroughs, issue types, agreements."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.hashing import hash_of, intake_version
from pipelines.core.settings import settings
from schemas.contract import Contract, read_contract
from schemas.mapping import Mapping, Strict, merged
from schemas.scheme import BoroughSchemes, Designation

FOLDER = Path(__file__).resolve().parent


class Borough(Strict):
    """One authority that shares data. `london` is false for the councils whose public registers are read as well."""

    slug: str
    name: str
    gss_code: str
    london: bool = True
    capacity: int | None = Field(None, gt=0)


class IssueType(Strict):
    """One fault of the closed vocabulary, in words for a council officer."""

    id: str
    severity: Literal["info", "warning", "error", "critical"]
    responsibility: Literal["borough", "platform"]
    dimension: Literal["completeness", "conformity", "validity", "uniqueness", "timeliness", "consistency"]
    sentence: str
    what_to_do: str


class Agreement(Strict):
    """One agreement to share: who, what, why, and from when to when (days inclusive)."""

    id: str
    title: str
    boroughs: tuple[str, ...]
    datasets: tuple[str, ...]
    purposes: tuple[str, ...]
    lawful_basis: str
    valid_from: date
    valid_until: date
    retention_days: int = Field(gt=0)


class _StrictLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # the quick one where it was built
    """YAML that refuses a key given twice, since the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise ConfigurationError(f"The key {sorted(twice)[0]!r} stands twice{node.start_mark}.")
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        ConfigurationError: it is not YAML, or gives one key twice.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error


@lru_cache(maxsize=1)
def contracts() -> dict[str, Contract]:
    """All contracts by dataset."""
    found = [read_contract(path) for path in sorted((FOLDER / "contracts").glob("*.odcs.yaml"))]
    return {contract.dataset: contract for contract in found}


def contract(dataset: str) -> Contract:
    """The contract of one dataset.

    Raises:
        NotFound: there is no such dataset.
    """
    try:
        return contracts()[dataset]
    except KeyError:
        raise NotFound(f"There is no dataset '{dataset}'; there are {', '.join(contracts())}.") from None


@lru_cache(maxsize=1)
def boroughs() -> dict[str, Borough]:
    """All boroughs by slug, London's 33 first."""
    found = [Borough.model_validate(item) for item in read_yaml(FOLDER / "boroughs.yaml")]
    return {borough.slug: borough for borough in found}


def borough(slug: str) -> Borough:
    """One borough.

    Raises:
        NotFound: there is no such borough.
    """
    try:
        return boroughs()[slug]
    except KeyError:
        raise NotFound(f"There is no borough '{slug}'; 'loda status' lists those there are.") from None


@lru_cache(maxsize=1)
def issue_types() -> dict[str, IssueType]:
    """The closed vocabulary of faults."""
    found = [IssueType.model_validate(item) for item in read_yaml(FOLDER / "issue_types.yaml")]
    return {issue.id: issue for issue in found}


@lru_cache(maxsize=1)
def agreements() -> tuple[Agreement, ...]:
    """Every agreement to share."""
    return tuple(Agreement.model_validate(read_yaml(p)) for p in sorted((FOLDER / "agreements").glob("*.yaml")))


@lru_cache(maxsize=1)
def schemes() -> dict[str, tuple[Designation, ...]]:
    """Published designations of additional and selective licensing, by borough.

    Raises:
        ConfigurationError: a file of `schemas/schemes` is faulty; the sentence names it.
    """
    found: dict[str, tuple[Designation, ...]] = {}
    for path in sorted((FOLDER / "schemes").glob("*.yaml")):
        try:
            content = BoroughSchemes.model_validate(read_yaml(path))
        except ValidationError as error:
            first = error.errors()[0]
            raise ConfigurationError(f"The schemes in {path} are faulty: {first['msg']}.") from error
        if content.borough != path.stem:
            raise ConfigurationError(f"{path} speaks of '{content.borough}'; a file bears the name of its borough.")
        found[content.borough] = content.designations
    return found


def mapping_folders() -> list[Path]:
    """Where mappings lie: the committed ones, then those of `LODA_MAPPINGS_DIR` (`<home>/mappings`), which win."""
    return [FOLDER / "mappings", settings().mappings_dir]


def mappings(borough_slug: str, dataset: str) -> list[Mapping]:
    """Every layout known for a borough's dataset, by name; a file is read with the one whose headings it has.

    Raises:
        ConfigurationError: a mapping file is faulty; the sentence names the file and what to mend.
    """
    found: dict[str, Mapping] = {}
    for folder in mapping_folders():
        for path in sorted((folder / borough_slug).glob(f"{dataset}*.yaml")):
            if path.name.split(".")[0] == dataset:
                mapping = read_mapping(path)
                found[mapping.name] = mapping
    return list(found.values())


def rules_hash(borough_slug: str, dataset: str) -> str:
    """Hash over all that decides a drop's fate: its layouts, its contract and the limits that hold a drop."""
    try:
        layouts = sorted(mapping.hash for mapping in mappings(borough_slug, dataset))
    except ConfigurationError as error:
        layouts = [str(error)]
    limits = settings()
    made_of = contracts()[dataset].hash if dataset in contracts() else ""
    return hash_of([layouts, made_of, intake_version(), limits.max_quarantined_share, limits.max_row_fall_share])


@lru_cache(maxsize=1024)
def read_mapping(path: Path) -> Mapping:
    """One mapping file `<borough>/<dataset>[.<layout>].yaml`, laid over its source system's preset and the general one.

    Raises:
        ConfigurationError: it is faulty; the sentence says where.
    """
    own = read_yaml(path) or {}
    system = own.pop("extends", None)
    layers: list[dict[str, Any]] = [read_yaml(FOLDER / "mappings" / "general.yaml") or {}]
    dataset = path.name.split(".")[0]
    if system is not None:
        preset = FOLDER / "mappings" / "systems" / system / f"{dataset}.yaml"
        if not preset.exists():
            raise ConfigurationError(f"{path} extends '{system}', which has no preset for {dataset}.")
        layers.append(read_yaml(preset) or {})
    content: dict[str, Any] = {}
    for layer in [*layers, own]:
        content = merged(content, layer)
    content |= {"borough": path.parent.name, "dataset": dataset, "name": path.stem, "system": system}
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"The mapping {path} is faulty at '{where}': {first['msg']}.") from error
    faults = mapping.faults(contract(dataset))
    if faults:
        raise ConfigurationError(f"The mapping {path} is faulty: {'; '.join(faults)}.")
    return mapping


def clear() -> None:
    """Forget what was read, so that changed files are read again."""
    for cached in (contracts, boroughs, issue_types, agreements, schemes, read_mapping):
        cached.cache_clear()
