"""`loda`: every stage, and the whole night, without Airflow."""

# ruff: noqa: F401 - commands are added as their modules are imported
from pipelines.cli import (
    check,
    dpia,
    fit_table,
    gate,
    governance,
    keeping,
    ledger,
    link,
    link_people,
    model,
    model_why,
    onboard,
    outcomes,
    pages,
    publish,
    serve,
    spread,
    storage,
)
from pipelines.cli.app import app

__all__ = ["app"]
