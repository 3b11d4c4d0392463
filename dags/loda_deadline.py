"""At the hour by which lists are promised: which are not out, in one mail to the engineers.

A plain task that asks the ledger, so that it needs no triggerer and also tells of a list that nobody began. It fails
where a list is late, so that the page shows it without any mail.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag
from loda_wiring import COMMON, at, run, single_task

DUE = "5 6 * * *"
"""Five minutes after the default of `LODA_LISTS_DUE`; where lists are promised later, this is moved with it."""


@dag(schedule=at(DUE), tags=["loda", "nightly"], doc_md=__doc__, **COMMON)
def loda_deadline() -> None:
    """Wire the check of the deadline."""

    @single_task
    def lists_out() -> dict[str, Any]:
        """Fail if a list is not out, after the engineers have been mailed which."""
        from airflow.sdk.exceptions import AirflowFailException
        from loda_mail import send

        from pipelines.observe import deadline

        def tell_late() -> Any:
            return deadline.tell_late(send)

        result = run(tell_late)
        if result["counts"].get("late"):
            raise AirflowFailException(result["sentence"])
        return result

    lists_out()


loda_deadline()
