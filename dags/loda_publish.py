"""After new lists: each borough's list as files its officers can open. One mapped task a borough."""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from loda_wiring import COMMON, RANKED, borough_task, closing_task, conclude, run, single_task


@dag(schedule=[RANKED], tags=["loda", "nightly"], doc_md=__doc__, **COMMON)
def loda_publish() -> None:
    """Wire the publication of one night's lists."""

    @single_task
    def boroughs() -> list[str]:
        """List the boroughs with a last good extract."""
        from pipelines import night

        return run(night.boroughs_with_data)

    @borough_task
    def publish_lists(borough: str) -> dict[str, Any]:
        """Write the borough's newest list where its officers fetch it."""
        from pipelines import night

        return run(night.publish_lists, borough=borough)

    @closing_task
    def conclude_publish(expected: Any, results: Any) -> dict[str, Any]:
        """Fail the run if a borough's list is not out, and say which."""
        return conclude(expected, results)

    names = boroughs()
    conclude_publish(names, publish_lists.expand(borough=names))


loda_publish()
