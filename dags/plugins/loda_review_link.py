"""A link in Airflow's menu to the pages where officers work the lists.

A link and no more: what a plugin serves itself, Airflow shows to anybody without a sign-in.
"""

from __future__ import annotations

from typing import Any

from airflow.plugins_manager import AirflowPlugin

from review.settings import address


class ReviewLink(AirflowPlugin):
    """Leads to `LODA_REVIEW_BASE_URL`, or to where `make serve` puts the pages."""

    name = "loda_review"
    # In the menu Browse: at the top level Airflow 3.3 draws a button that leads nowhere.
    external_views: list[dict[str, Any]] = [
        {"name": "Homes to check", "href": address(), "destination": "nav", "category": "browse"}
    ]
