"""`loda`: every stage, and the whole night, without Airflow."""

from pipelines.cli import check, fit_table, gate, governance, link, link_people, model, model_why, onboard, pages, serve  # noqa: F401 - their commands are added as they are imported
from pipelines.cli.app import app

__all__ = ["app"]
