"""`loda ledger`: its roles on PostgreSQL, and its upgrade by the one role that may make tables."""

from __future__ import annotations

from typing import Annotated

import typer

from pipelines.cli.app import app, sentences

ledger_app = typer.Typer(help="The ledger's tables, and who may do what to them.", no_args_is_help=True)
app.add_typer(ledger_app, name="ledger")


@ledger_app.command("roles", epilog="Example: loda ledger roles --database loda | psql --dbname loda")
def ledger_roles(
    database: Annotated[str, typer.Option(help="The database that the ledger lies in.")] = "loda",
) -> None:
    """Print the SQL by which a superuser makes the roles: owner, migrator, application, analysts."""
    from pipelines.core.ledger import roles

    with sentences():
        typer.echo(roles.make_roles(database), nl=False)


@ledger_app.command(
    "upgrade", epilog="Example: LODA_LEDGER_URL=postgresql+psycopg://loda_migrator@db/loda loda ledger upgrade"
)
def ledger_upgrade() -> None:
    """Bring the ledger's tables to the newest version and give each role its rights; waits for a night to end."""
    from pipelines.core.ledger import roles
    from pipelines.core.ledger.engine import schema_revisions
    from pipelines.governance.interruption import upgrade_between_nights

    with sentences():
        before, head = schema_revisions()
        upgrade_between_nights()
        done = f"brought from version {before or 'none'} to {head}" if before != head else f"at version {head} already"
        rights = "Each role has its rights." if roles.grant() else "There are no roles to give rights to."
        typer.echo(f"The ledger is {done}. {rights}")
