"""`loda`: every stage, and the whole night, without Airflow."""

from pipelines.cli.app import app

__all__ = ["app"]
