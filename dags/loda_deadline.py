"""At the hour by which lists are promised: which are not out, in one mail to the engineers.

A plain task that asks the ledger, so that it needs no triggerer and also tells of a list that nobody began. It fails
where a list is late, so that the page shows it without any mail.
"""

from __future__ import annotations

import os
from typing import Any

from airflow.sdk import dag
from loda_wiring import COMMON, at, run, single_task

GRACE = 5
"""Minutes after the hour by which lists are promised."""


def due() -> str:
    """When to look, as cron has it; the environment is asked, since settings cost a second at every parse."""
    hour, minute = (os.environ.get("LODA_LISTS_DUE") or "06:00").split(":")
    at_hour, at_minute = divmod((60 * int(hour) + int(minute) + GRACE) % (24 * 60), 60)
    return f"{at_minute} {at_hour} * * *"


@dag(schedule=at(due()), tags=["loda", "nightly"], doc_md=__doc__, **COMMON)
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
