"""Every morning: who has to be told what. Scorecards, source systems, dataset pages, notices, and mail to boroughs.

Nothing here is read by another DAG, and a page that fails holds up no list.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from loda_wiring import COMMON, at, run, single_task


@dag(schedule=at("30 6 * * *"), tags=["loda", "nightly"], doc_md=__doc__, **COMMON)
def loda_report() -> None:
    """Wire the morning's pages and notices."""

    @single_task
    def publish_pages() -> dict[str, Any]:
        """Write the pages that have changed."""
        from pipelines import night

        return run(night.publish_pages)

    @single_task
    def notify() -> dict[str, Any]:
        """Tell each borough which extracts are due, late or missing."""
        from pipelines import night

        return run(night.notify)

    @single_task(trigger_rule="all_done")
    def tell_boroughs() -> dict[str, Any]:
        """Mail boroughs what was rejected and why, where a mail server is set."""
        from loda_mail import send

        from pipelines.observe import alerts

        def tell_boroughs() -> Any:
            return alerts.tell_boroughs(send)

        return run(tell_boroughs)

    @single_task(trigger_rule="all_done")
    def measure() -> dict[str, Any]:
        """Send what stands to the collector of metrics, where one is set."""
        from pipelines.observe import metrics

        return run(metrics.measure)

    publish_pages()
    notify() >> tell_boroughs()
    measure()


loda_report()
