"""Writing a withdrawal into an agreement, in the folder that wins over the committed one."""

from __future__ import annotations

from pathlib import Path

import yaml

from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.settings import settings
from pipelines.governance import audit
from schemas import registry
from schemas.agreement import Agreement, Withdrawal


def withdraw(
    name: str, who: str, reason: str, boroughs: tuple[str, ...] = (), datasets: tuple[str, ...] = ()
) -> tuple[Path, list[str]]:
    """Withdraw an agreement from today on, or some boroughs' part of it, some datasets of it.

    Returns the file that was written, and a sentence for each other agreement that still covers some of the data.

    Raises:
        NotFound: there is no such agreement.
        ConfigurationError: a borough or dataset is not one of the agreement's.
    """
    found = next((agreement for agreement in registry.agreements() if agreement.id == name), None)
    if found is None:
        known = ", ".join(agreement.id for agreement in registry.agreements())
        raise NotFound(f"There is no agreement '{name}'; there are {known}.")
    try:
        taken = Withdrawal(
            withdrawn_on=clock.today(), by=who.strip(), why=reason.strip(), boroughs=boroughs, datasets=datasets
        )
    except ValueError as error:
        raise ConfigurationError("An agreement is withdrawn by somebody with a reason: give both.") from error
    pairs = _pairs(found, taken)
    if not pairs:
        raise ConfigurationError(f"Agreement '{name}' does not cover what is to be withdrawn from it.")
    changed = found.model_copy(update={"withdrawals": (*found.withdrawals, taken)})
    faults = changed.faults(registry.boroughs(), registry.contracts())
    if faults:
        raise ConfigurationError(" ".join(faults))
    path = write(changed)
    audit.note(
        who=who.strip(),
        what="withdraw agreement",
        about=name,
        details={"why": reason.strip(), "boroughs": list(boroughs) or "all", "datasets": list(datasets) or "all"},
    )
    return path, _still_covered(pairs)


def write(agreement: Agreement) -> Path:
    """Write an agreement where it wins over the committed one of its name."""
    path = settings().agreements_dir / f"{agreement.id}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    content = agreement.model_dump(mode="json", exclude_defaults=True)
    beside = path.with_suffix(".part")
    beside.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8")
    beside.replace(path)
    return path


def _pairs(agreement: Agreement, taken: Withdrawal) -> list[tuple[str, str]]:
    return [
        (slug, dataset)
        for slug, borough in registry.boroughs().items()
        for dataset in registry.contracts()
        if agreement.names(slug, dataset, london=borough.london)
        and (not taken.boroughs or slug in taken.boroughs)
        and (not taken.datasets or dataset in taken.datasets)
    ]


def _still_covered(pairs: list[tuple[str, str]]) -> list[str]:
    """Of what was withdrawn, what another agreement covers: it is not deleted."""
    found: dict[str, set[str]] = {}
    for slug, dataset in pairs:
        for agreement in registry.cover(slug, dataset, None, clock.today()).agreements:
            found.setdefault(agreement.id, set()).add(f"{dataset} of {slug}")
    return [
        f"Agreement '{name}' still covers {', '.join(sorted(kept)[:5])}{' and more' if len(kept) > 5 else ''}: "
        "that is not deleted."
        for name, kept in sorted(found.items())
    ]
