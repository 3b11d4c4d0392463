"""Lint of everything that is data: contracts, mappings, agreements, boroughs, issue types. `python -m schemas.lint`."""

from __future__ import annotations

import sys
from collections.abc import Callable

from pydantic import ValidationError

from pipelines.core.errors import ConfigurationError, NotFound
from schemas import registry


def faults() -> list[str]:
    """What is wrong, a sentence each; empty when all is sound."""
    checks: list[Callable[[], list[str]]] = [_vocabularies, _contracts, _mappings, _agreements]
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
        unknown = set(agreement.boroughs) - {*registry.boroughs(), "all-london"}
        unknown |= set(agreement.datasets) - {*registry.contracts(), "all"}
        found += [f"Agreement '{agreement.id}' names '{name}', which is no borough or dataset." for name in unknown]
        if agreement.valid_until < agreement.valid_from:
            found.append(f"Agreement '{agreement.id}' ends before it begins.")
    return found


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
