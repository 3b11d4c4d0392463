"""Every morning: who has to be told what. Scorecards, the catalogue of source systems, dataset pages, and notices.

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

    publish_pages()
    notify()


loda_report()
