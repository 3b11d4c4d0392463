"""The typed door to everything that is data here: contracts, mappings, boroughs, issue types, agreements."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.hashing import hash_of, intake_version
from pipelines.core.settings import settings
from schemas import privacy
from schemas.agreement import Agreement, Cover
from schemas.agreement import cover as find_cover
from schemas.contract import Contract, read_contract
from schemas.mapping import Mapping, Strict, merged
from schemas.scheme import BoroughSchemes, Designation
from schemas.strict_yaml import read_yaml
from schemas.template import template_layouts

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


class System(Strict):
    """One layout that a product exports: a folder of presets that boroughs extend.

    `datasets` are those that there is a preset for; `note` says what is known about the layout and from where.
    """

    id: str = Field(pattern=r"^[a-z0-9_]{1,40}$")
    product: str
    vendor: str
    datasets: tuple[str, ...] = Field(min_length=1)
    note: str


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


def meant(typed: str, names: Iterable[str]) -> str:
    """` (did you mean 'camden'?)` where a name is near to what was typed, else nothing."""
    near = difflib.get_close_matches(typed, list(names), n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def borough(slug: str) -> Borough:
    """One borough.

    Raises:
        NotFound: there is no such borough.
    """
    try:
        return boroughs()[slug]
    except KeyError:
        raise NotFound(
            f"There is no borough '{slug}'{meant(slug, boroughs())}; schemas/boroughs.yaml lists those there are."
        ) from None


@lru_cache(maxsize=1)
def issue_types() -> dict[str, IssueType]:
    """The closed vocabulary of faults."""
    found = [IssueType.model_validate(item) for item in read_yaml(FOLDER / "issue_types.yaml")]
    return {issue.id: issue for issue in found}


def agreement_folders() -> list[Path]:
    """Where agreements lie: the committed ones, then those of `LODA_AGREEMENTS_DIR`, which win."""
    return [FOLDER / "agreements", settings().agreements_dir]


def agreements() -> tuple[Agreement, ...]:
    """Every agreement to share; of two with one id the one of `LODA_AGREEMENTS_DIR` counts.

    Files are looked at anew each time, so that what was withdrawn stops also in a process that runs for weeks.

    Raises:
        ConfigurationError: a file is faulty; the sentence names it. Nothing may then be read.
    """
    found = [path for folder in agreement_folders() for path in sorted(folder.glob("*.yaml"))]
    return _agreements(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in found))


@lru_cache(maxsize=2)
def _agreements(files: tuple[tuple[Path, int, int], ...]) -> tuple[Agreement, ...]:
    by_id: dict[str, tuple[Agreement, Path]] = {}
    for path, *_ in files:
        agreement = read_agreement(path)
        before = by_id.get(agreement.id)
        if before is not None and before[1].parent == path.parent:
            raise ConfigurationError(f"{before[1]} and {path.name} are both agreement '{agreement.id}'; keep one.")
        by_id[agreement.id] = (agreement, path)
    return tuple(agreement for agreement, _ in by_id.values())


def read_agreement(path: Path) -> Agreement:
    """One agreement file.

    Raises:
        ConfigurationError: it is faulty; the sentence says where.
    """
    try:
        return Agreement.model_validate(read_yaml(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        at = f" at '{where}'" if where else ""
        raise ConfigurationError(f"The agreement {path} is faulty{at}: {first['msg']}.") from error


def cover(borough_slug: str, dataset: str, purpose: str | None, day: date) -> Cover:
    """What the agreements let be done with a borough's dataset on a day; for any purpose where none is given."""
    known = boroughs().get(borough_slug)
    london = known.london if known else False
    return find_cover(agreements(), borough_slug, contract(dataset), london=london, purpose=purpose, day=day)


@lru_cache(maxsize=1)
def systems() -> dict[str, System]:
    """The source systems for which there are presets, by id (`extends: nec`).

    Raises:
        ConfigurationError: `schemas/mappings/systems.yaml` is faulty.
    """
    path = FOLDER / "mappings" / "systems.yaml"
    try:
        found = [System.model_validate(item) for item in read_yaml(path)]
    except ValidationError as error:
        raise ConfigurationError(f"{path} is faulty: {error.errors()[0]['msg']}.") from error
    return {system.id: system for system in found}


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
    """Every layout known for a borough's dataset; a file is read with the first one whose headings it has.

    The borough's own come first, by name. The dataset's template is known to every borough after them: filled in
    unchanged, it is accepted without any mapping. It stands for the same source as the own layouts; where those are
    of several sources, nobody can tell which of them a template replaces, so it is not taken there.

    Raises:
        ConfigurationError: a mapping file is faulty; the sentence names the file and what to mend.
    """
    own = own_mappings(borough_slug, dataset)
    sources = {mapping.source for mapping in own}
    if len(sources) > 1 or dataset not in contracts():
        return own
    return [*own, *_template_layouts(borough_slug, dataset, sources.pop() if sources else "main")]


@lru_cache(maxsize=1024)
def _template_layouts(borough_slug: str, dataset: str, source: str) -> tuple[Mapping, ...]:
    general = read_yaml(FOLDER / "mappings" / "general.yaml") or {}
    named = {"borough": borough_slug, "dataset": dataset, "source": source, "system": None}
    layouts = template_layouts(contracts()[dataset], general.get("blanks", ()))
    return tuple(
        Mapping.model_validate(_laid_over(None, dataset, own) | named | {"name": name}) for name, own in layouts.items()
    )


def own_mappings(borough_slug: str, dataset: str) -> list[Mapping]:
    """The layouts that somebody wrote down for a borough's dataset, by name: all but the template's.

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
    scope = _kept_fields(borough_slug, dataset)
    return hash_of([layouts, made_of, scope, intake_version(), limits.max_quarantined_share, limits.max_row_fall_share])


def _kept_fields(borough_slug: str, dataset: str) -> list[str] | None:
    """Fields that may be kept where agreements limit them: when they let more be kept, extracts are read again."""
    if dataset not in contracts():
        return None
    found = cover(borough_slug, dataset, None, clock.today())
    return sorted(found.fields) if found.fields is not None and found.refusal is None else None


@lru_cache(maxsize=1024)
def read_mapping(path: Path) -> Mapping:
    """One mapping file `<borough>/<dataset>[.<layout>].yaml`, laid over its source system's preset and the general one.

    Raises:
        ConfigurationError: it is faulty; the sentence says where.
    """
    dataset = path.name.split(".")[0]
    return mapping_of(read_yaml(path) or {}, path.parent.name, dataset, path.stem, f"The mapping {path}")


def mapping_of(
    content: dict[str, Any], borough_slug: str, dataset: str, name: str, what: str = "The proposed mapping"
) -> Mapping:
    """The mapping that a file with this content is; `what` is what the sentence of a fault calls it.

    Raises:
        ConfigurationError: it is faulty; the sentence says where.
    """
    own = dict(content)
    system = own.pop("extends", None)
    if system is not None and not _preset_path(system, dataset).exists():
        raise ConfigurationError(f"{what} extends '{system}', which has no preset for {dataset}.")
    named = {"borough": borough_slug, "dataset": dataset, "name": name, "system": system}
    return _checked(what, _laid_over(system, dataset, own) | named)


def preset(system: str, dataset: str) -> Mapping:
    """What `extends: <system>` and nothing else gives: the mapping of an export that the product writes unaltered.

    Raises:
        NotFound: there is no such preset.
        ConfigurationError: it is faulty; the sentence says where.
    """
    path = _preset_path(system, dataset)
    if not path.exists():
        raise NotFound(f"There is no preset of '{system}' for {dataset}.")
    named = {"borough": "any", "dataset": dataset, "name": dataset, "system": system}
    return _checked(f"The preset {path}", _laid_over(system, dataset, {}) | named)


def _preset_path(system: str, dataset: str) -> Path:
    return FOLDER / "mappings" / "systems" / system / f"{dataset}.yaml"


def _laid_over(system: str | None, dataset: str, own: dict[str, Any]) -> dict[str, Any]:
    """General, then source system, then borough: the more specific wins, key by key."""
    layers = [read_yaml(FOLDER / "mappings" / "general.yaml") or {}]
    if system is not None:
        layers.append(read_yaml(_preset_path(system, dataset)) or {})
    content: dict[str, Any] = {}
    for layer in [*layers, own]:
        content = merged(content, layer)
    # What is patched for everybody is of no concern where the field is not mapped; a borough's own patch must be used.
    wanted = {*(content.get("fields") or {}), *(own.get("patches") or {})}
    content["patches"] = {name: by for name, by in (content.get("patches") or {}).items() if name in wanted}
    return content


def _checked(what: str, content: dict[str, Any]) -> Mapping:
    try:
        mapping = Mapping.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"{what} is faulty at '{where}': {first['msg']}.") from error
    of = contract(mapping.dataset)
    faults = mapping.faults(of) + privacy.mapping_faults(mapping, of)
    if faults:
        raise ConfigurationError(f"{what} is faulty: {'; '.join(faults)}.")
    return mapping


def clear() -> None:
    """Forget what was read, so that changed files are read again."""
    for cached in (contracts, boroughs, issue_types, systems, _agreements, schemes, read_mapping, _template_layouts):
        cached.cache_clear()
