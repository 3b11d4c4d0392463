"""Lint of everything that is data: contracts, samples, mappings, agreements, boroughs, calendars, issue types.

`python -m schemas.lint`
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from pydantic import ValidationError

from pipelines.core.errors import ConfigurationError, NotFound
from schemas import privacy, registry
from schemas.calendar import calendar, calendar_folders
from schemas.sample import sample_rows


def faults() -> list[str]:
    """What is wrong, a sentence each; empty when all is sound."""
    checks: list[Callable[[], list[str]]] = [
        _vocabularies,
        _contracts,
        _samples,
        _systems,
        _mappings,
        _layouts,
        _agreements,
        _calendars,
    ]
    found: list[str] = []
    for check in checks:
        try:
            found += check()
        except (ConfigurationError, NotFound, ValidationError) as error:
            found.append(str(error))
    return found


def _vocabularies() -> list[str]:
    registry.boroughs()
    registry.issue_types()
    return []


def _contracts() -> list[str]:
    """A field name has one meaning, whichever contract it stands in."""
    seen: dict[str, tuple[str, str]] = {}
    found = []
    for contract in registry.contracts().values():
        found += [
            f"The key of {contract.dataset} names no field '{k}'." for k in contract.key if k not in contract.by_name
        ]
        for time in (contract.event_time, contract.known_since):
            if time not in contract.by_name or contract.by_name[time].type != "date":
                found.append(f"The time column '{time}' of {contract.dataset} is no date field.")
        for field in contract.fields:
            meaning = field.model_dump_json(exclude={"required"})
            dataset, other = seen.setdefault(field.name, (contract.dataset, meaning))
            if other != meaning:
                found.append(f"Field '{field.name}' of {contract.dataset} does not mean what it means in {dataset}.")
        found += privacy.contract_faults(contract)
    return found


def _systems() -> list[str]:
    """The list of source systems names the presets that there are, and each preset is sound by itself."""
    folder = registry.FOLDER / "mappings" / "systems"
    presets = {path.name: {p.stem for p in path.glob("*.yaml")} for path in folder.iterdir() if path.is_dir()}
    listed = {system.id: set(system.datasets) for system in registry.systems().values()}
    found = [f"The source system '{name}' is not in systems.yaml." for name in sorted(set(presets) - set(listed))]
    found += [f"systems.yaml names '{name}', which has no presets." for name in sorted(set(listed) - set(presets))]
    for name in sorted(set(listed) & set(presets)):
        if listed[name] != presets[name]:
            found.append(
                f"systems.yaml says that '{name}' holds {', '.join(sorted(listed[name]))}; "
                f"its presets are {', '.join(sorted(presets[name]))}."
            )
        for dataset in sorted(presets[name] & set(registry.contracts())):
            try:
                registry.preset(name, dataset)
            except ConfigurationError as error:
                found.append(str(error))
    return found


def _layouts() -> list[str]:
    """A layout that an earlier one of the same borough always takes the files of is never used."""
    found = []
    for slug in registry.boroughs():
        for dataset in registry.contracts():
            try:
                layouts = registry.own_mappings(slug, dataset)
            except ConfigurationError:
                continue  # told by _mappings
            found += [
                f"The layout '{later.name}' of {slug} is never used: '{earlier.name}' takes all its files."
                for place, later in enumerate(layouts)
                for earlier in layouts[:place]
                if earlier.shape == later.shape and earlier.needed <= later.needed <= later.columns <= earlier.columns
            ]
    return found


def _mappings() -> list[str]:
    found = []
    for folder in registry.mapping_folders():
        for path in sorted(folder.glob("*/*.yaml")):
            if path.parent.name not in registry.boroughs():
                found.append(f"The mapping {path} is for no borough.")
                continue
            if path.name.split(".")[0] not in registry.contracts():
                found.append(f"The mapping {path} is for no dataset.")
                continue
            try:
                registry.read_mapping(path)
            except ConfigurationError as error:
                found.append(str(error))
    return found


def _agreements() -> list[str]:
    found = [
        f"The scheme file of '{slug}' is for no borough."
        for slug in registry.schemes()
        if slug not in registry.boroughs()
    ]
    for agreement in registry.agreements():
        found += agreement.faults(registry.boroughs(), registry.contracts())
    return found


def _calendars() -> list[str]:
    found = []
    for path in (path for folder in calendar_folders() for path in sorted(folder.glob("*.yaml"))):
        if path.stem not in registry.boroughs():
            found.append(f"The calendar {path} is for no borough.")
            continue
        try:
            calendar(path.stem)
        except ConfigurationError as error:
            found.append(str(error))
    return found


def _samples() -> list[str]:
    for contract in registry.contracts().values():
        sample_rows(contract)
    return []


def main() -> int:
    """Print every fault; exit code 1 if there is one."""
    found = faults()
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    mappings = sum(1 for folder in registry.mapping_folders() for _ in folder.glob("*/*.yaml"))
    sys.stdout.write(f"{len(registry.contracts())} contracts and {mappings} mappings read, {len(found)} faults.\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
