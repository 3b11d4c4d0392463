"""`loda`: every stage, and the whole night, without Airflow."""

import typer

from pipelines.cli import check, gate, governance, onboard, pages  # noqa: F401 - their commands are added as they are imported
from pipelines.cli.app import app
from pipelines.cli.link_review import mount

link_app = typer.Typer(
    help="Links of records to properties: what waits, what people decided, how many.", no_args_is_help=True
)
mount(link_app)
app.add_typer(link_app, name="link")

__all__ = ["app"]
