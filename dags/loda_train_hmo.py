"""Every month, and by hand: a new version of the HMO model, trained on what was known by the as-of date.

Training makes a challenger. A person promotes it, on the page or with `loda`, before its scores decide a list.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from loda_wiring import ALL, COMMON, TRAINED, announce, as_of_param, at, closing_task, conclude, run, single_task


@dag(schedule=at("0 4 1 * *"), params={"as_of": as_of_param()}, tags=["loda", "monthly"], doc_md=__doc__, **COMMON)
def loda_train_hmo() -> None:
    """Wire one training."""

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

    trained = train(resolve_as_of())
    announce_trained(trained) >> conclude_training(trained)


loda_train_hmo()
