"""A proposed mapping saved where the night finds it: never over another layout, and audited."""

from __future__ import annotations

from pathlib import Path

from pipelines.core.errors import ConfigurationError
from pipelines.core.hashing import hash_of
from pipelines.core.ledger.engine import transaction
from pipelines.core.settings import settings
from pipelines.governance import audit
from pipelines.governance.interruption import upgrade_between_nights
from pipelines.onboard.proposal import Proposal, layout_name
from schemas import registry


def layout_path(proposal: Proposal, file_name: str) -> Path:
    """Where the mapping of a file of this name would be saved: never over another layout.

    Raises:
        ConfigurationError: the borough has a thousand layouts from files of this name.
    """
    name = layout_name(proposal.borough, proposal.dataset, file_name, proposal.yaml_text())
    return settings().mappings_dir / proposal.borough / f"{name}.yaml"


def save(path: Path, proposal: Proposal, who: str | None = None) -> bool:
    """Write the mapping's file, in the name of `LODA_OPERATOR` unless given; returns whether that changed anything.

    Raises:
        ConfigurationError: the mapping is not sound, or the file would be another layout's.
    """
    text = proposal.yaml_text()
    proposal.as_mapping(path.stem)
    if path.exists():
        if path.read_text(encoding="utf-8") == text:
            return False
        raise ConfigurationError(f"'{path}' is there already and says something else; it is not written over.")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    upgrade_between_nights()
    with transaction() as session:
        audit.record(
            session,
            who=who or settings().operator,
            what="mapping saved",
            about=f"{proposal.borough}/{path.stem}",
            details={
                "dataset": proposal.dataset,
                "hash": hash_of(text),
                "unsure": sum(not c.sure for c in proposal.columns),
            },
        )
    beside.replace(path)
    registry.clear()
    return True
