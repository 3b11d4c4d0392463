"""Every week: what has outlived the retention of its agreement is deleted, and the deletion is recorded."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from loda_wiring import COMMON, at, run, single_task


@dag(schedule=at("0 6 * * 0"), tags=["loda", "weekly"], doc_md=__doc__, **COMMON)
def loda_retention() -> None:
    """Wire the weekly deletion."""

    @single_task
    def retention() -> dict[str, Any]:
        """Delete what no agreement lets us keep."""
        from pipelines import night

        return run(night.retention)

    retention()


loda_retention()
