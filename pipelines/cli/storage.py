"""`loda storage`: which identity may touch which objects on an S3 server, as policies and as SeaweedFS's own file."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app, sentences

storage_app = typer.Typer(help="Who may touch what on the S3 server.", no_args_is_help=True)
app.add_typer(storage_app, name="storage")

Boroughs = Annotated[str, typer.Option(help="Borough slugs with commas between; empty means all of London's.")]


def _chosen(boroughs: str) -> list[str]:
    from pipelines.cli.display import chosen_boroughs
    from schemas import registry

    return chosen_boroughs(boroughs, [slug for slug, it in registry.boroughs().items() if it.london])


@storage_app.command("policies", epilog="Example: loda storage policies --boroughs camden,bexley --out policies")
def storage_policies(
    out: Annotated[Path, typer.Option(help="Folder for a file an identity.")],
    boroughs: Boroughs = "",
) -> None:
    """Write the policy of each identity in AWS's form: the platform's, and each borough's to send, read, delete."""
    from pipelines.governance import storage_access

    with sentences():
        made = storage_access.policies(_chosen(boroughs))
        out.mkdir(parents=True, exist_ok=True)
        for name, policy in made.items():
            (out / f"{name}.json").write_text(json.dumps(policy, indent=2) + "\n", encoding="utf-8")
        typer.echo(f"{len(made)} policies are in {out}; each is named as the identity that it is for.")


@storage_app.command("identities", epilog="Example: loda storage identities --out /etc/seaweedfs/s3.json")
def storage_identities(
    out: Annotated[Path, typer.Option(help="SeaweedFS's file; keys that are in it already stay as they are.")],
    boroughs: Boroughs = "",
) -> None:
    """Write SeaweedFS's configuration: the same identities, each with its policy and a secret that nobody has seen."""
    from pipelines.governance import storage_access

    with sentences():
        made = storage_access.seaweedfs_identities(_chosen(boroughs), storage_access.read_identities(out))
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = out.with_name(f".{out.name}.part")
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            handle.write(json.dumps(made, indent=2) + "\n")
        beside.replace(out)
        typer.echo(
            f"{len(made['identities'])} identities are in {out}, readable by you alone. Give each its own secret by "
            "a way that keeps it secret, and start the S3 server anew."
        )
