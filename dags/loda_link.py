"""After an intake that changed something: records linked to properties, and people and companies across boroughs.

One mapped task a borough ties its records to UPRNs; beside them one task resolves licence holders and liable owners
across all boroughs, from their names and addresses alone.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from loda_wiring import (
    ALL,
    COMMON,
    HARMONISED,
    LINKED,
    announce,
    borough_task,
    closing_task,
    conclude,
    run,
    single_task,
)


@dag(schedule=[HARMONISED], tags=["loda", "nightly"], doc_md=__doc__, **COMMON)
def loda_link() -> None:
    """Wire the linking of one night."""

    @single_task
    def boroughs() -> list[str]:
        """List the boroughs with a last good extract."""
        from pipelines import night

        return run(night.boroughs_with_data)

    @borough_task
    def link(borough: str) -> dict[str, Any]:
        """Tie the borough's records to properties, each with a reason, a probability and a gap."""
        from pipelines import night

        return run(night.link, borough=borough)

    @single_task
    def landlords() -> dict[str, Any]:
        """Resolve licence holders, liable owners and agents across all boroughs."""
        from pipelines import night

        return run(night.landlords)

    @closing_task(outlets=[LINKED])
    def announce_linked(results: Any, across: Any, *, outlet_events: Any) -> dict[str, Any]:
        """Update the asset if any link or landlord is new."""
        return announce(LINKED, outlet_events, results, across)

    @closing_task
    def conclude_link(expected: Any, results: Any, across: Any) -> dict[str, Any]:
        """Fail the run if a borough or the landlords are not through, and say which."""
        return conclude([*expected, ALL] if expected else expected, results, across)

    names = boroughs()
    linked = link.expand(borough=names)
    resolved = landlords()
    names >> resolved
    announce_linked(linked, resolved) >> conclude_link(names, linked, resolved)


loda_link()
