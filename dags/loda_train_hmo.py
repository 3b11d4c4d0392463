"""Every month, after new outcomes of visits, and by hand: a new version of the HMO model, of what was known by then.

New links start it as well as the first of the month; it then trains only if there is no model yet or officers recorded
outcomes since the newest one was trained. Training makes a challenger. A person promotes it, on the page or with
`loda`, before its scores decide a list.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from loda_wiring import (
    ALL,
    COMMON,
    LINKED,
    TRAINED,
    announce,
    as_of_param,
    at_or_after,
    closing_task,
    conclude,
    run,
    short_circuit,
    single_task,
    was_started_by_an_asset,
)


@dag(
    schedule=at_or_after("0 4 1 * *", LINKED),
    params={"as_of": as_of_param()},
    tags=["loda", "monthly"],
    doc_md=__doc__,
    **COMMON,
)
def loda_train_hmo() -> None:
    """Wire one training."""

    @short_circuit
    def is_due(dag_run: Any = None) -> bool:
        """Go on where the month or a person asks for a model, or where there are outcomes to learn from."""
        from pipelines import night

        return not was_started_by_an_asset(dag_run) or bool(run(night.training_is_due))

    @single_task
    def resolve_as_of(params: Any = None) -> str:
        """Settle the day whose knowledge this run may use."""
        from pipelines import night

        return run(night.resolve_as_of, as_of=params["as_of"]).isoformat()

    @single_task
    def train(as_of: str) -> dict[str, Any]:
        """Train and evaluate on every borough's labels known by then."""
        from datetime import date

        from pipelines import night

        return run(night.train, as_of=date.fromisoformat(as_of))

    @closing_task(outlets=[TRAINED])
    def announce_trained(result: Any, *, outlet_events: Any) -> dict[str, Any]:
        """Update the asset if there is a new model version."""
        return announce(TRAINED, outlet_events, result)

    @closing_task
    def conclude_training(result: Any) -> dict[str, Any]:
        """Fail the run if training failed."""
        return conclude([ALL], result)

    settled = resolve_as_of()
    is_due() >> settled
    trained = train(settled)
    announce_trained(trained) >> conclude_training(trained)


loda_train_hmo()
