"""After new links or a new model: each borough's features, scores, licensing positions and ranked list.

One mapped task group a borough. Three questions stay three tasks: is it an HMO (the model), would it need a licence
on that date (the licensing rules), and does it hold one (the register); ranking joins them at the borough's capacity.
What stands behind each entry goes into the ledger last; a list does not wait for it.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from airflow.sdk import dag, task_group
from loda_wiring import (
    COMMON,
    LINKED,
    RANKED,
    TRAINED,
    announce,
    as_of_param,
    borough_task,
    closing_task,
    conclude,
    run,
    single_task,
)


@dag(schedule=(LINKED | TRAINED), params={"as_of": as_of_param()}, tags=["loda", "nightly"], doc_md=__doc__, **COMMON)
def loda_score_hmo() -> None:
    """Wire the scoring of one night."""

    @single_task
    def resolve_as_of(params: Any = None) -> str:
        """Settle the day whose knowledge this run may use."""
        from pipelines import night

        return run(night.resolve_as_of, as_of=params["as_of"]).isoformat()

    @single_task
    def boroughs(as_of: str, params: Any = None) -> list[str]:
        """List the boroughs that need a new list; all of them for a day that was asked for by hand."""
        from pipelines import night

        return run(night.boroughs_to_list, as_of=date.fromisoformat(as_of), every=bool(params["as_of"]))

    @borough_task
    def features(borough: str, as_of: str) -> dict[str, Any]:
        """Build the borough's matrix: one row a property, only what was known by then."""
        from pipelines import night

        return run(night.features, borough=borough, as_of=date.fromisoformat(as_of))

    @borough_task
    def score(borough: str, as_of: str) -> dict[str, Any]:
        """Score each property with the model that a person has promoted, with reasons."""
        from pipelines import night

        return run(night.score, borough=borough, as_of=date.fromisoformat(as_of))

    @borough_task
    def licensing(borough: str, as_of: str) -> dict[str, Any]:
        """Work out which licence each property would need on that date, and whether it holds one."""
        from pipelines import night

        return run(night.licensing, borough=borough, as_of=date.fromisoformat(as_of))

    @borough_task
    def rank(borough: str, as_of: str) -> dict[str, Any]:
        """Issue the borough's list, cut at its capacity."""
        from pipelines import night

        return run(night.rank, borough=borough, as_of=date.fromisoformat(as_of))

    @borough_task
    def dossiers(borough: str, as_of: str) -> dict[str, Any]:
        """Put what stands behind each entry of the list into the ledger: reasons, records, licences, landlord."""
        from pipelines import night

        return run(night.dossiers, borough=borough, as_of=date.fromisoformat(as_of))

    @task_group
    def ranking(borough: str, as_of: str) -> Any:
        """One borough from its links to its list and what stands behind it."""
        ranked = rank(borough=borough, as_of=as_of)
        (
            features(borough=borough, as_of=as_of)
            >> score(borough=borough, as_of=as_of)
            >> licensing(borough=borough, as_of=as_of)
            >> ranked
            >> dossiers(borough=borough, as_of=as_of)
        )
        return ranked

    @closing_task(outlets=[RANKED])
    def announce_ranked(results: Any, *, outlet_events: Any) -> dict[str, Any]:
        """Update the asset if any borough has a new list."""
        return announce(RANKED, outlet_events, results)

    @closing_task
    def conclude_score(expected: Any, results: Any) -> dict[str, Any]:
        """Fail the run if a borough has no list, and say which."""
        return conclude(expected, results)

    day = resolve_as_of()
    names = boroughs(day)
    ranked = ranking.partial(as_of=day).expand(borough=names)
    announce_ranked(ranked) >> conclude_score(names, ranked)


loda_score_hmo()
