"""Hosts of a cluster: processes under `ops/cluster.env`, each host with a folder of its own and nothing shared on disk."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import sqlalchemy as sa

from pipelines.core.bucket import Folder
from tests.cluster import servers

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
LODA = [sys.executable, "-c", "from pipelines.cli import app; app()"]
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
KEYS = {"LODA_PSEUDONYM_KEY": "p" * 40, "LODA_ERASURE_KEY": "e" * 40}


def settings_file() -> dict[str, str]:
    """What `ops/cluster.env` sets, as it is committed."""
    lines = (ROOT / "ops" / "cluster.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@dataclass
class Cluster:
    """Servers, as `host:port` or URL, and what processes of the platform are told about them."""

    folder: Path
    postgres: str
    s3: str
    redis: str
    ledger: str = "loda"
    secrets: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.port,) = servers.free_ports(1)
        self.secrets = {
            "change-me-pseudonym-key": KEYS["LODA_PSEUDONYM_KEY"],
            "change-me-erasure-key": KEYS["LODA_ERASURE_KEY"],
            "change-me-s3-key": servers.ADMIN_KEY,
            "change-me-s3-secret": servers.ADMIN_SECRET,
            "change-me-jwt-secret": secrets.token_hex(32),
            "change-me-api-secret": secrets.token_hex(32),
            "change-me-fernet-key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }

    def database(self, name: str) -> sa.Engine:
        """A database of the server, as its superuser."""
        url = f"postgresql+psycopg://loda@{self.postgres}/{name}"
        return sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

    def make_database(self, name: str) -> None:
        """Make an empty database."""
        with self.database("postgres").connect() as connection:
            connection.execute(sa.text(f'CREATE DATABASE "{name}"'))

    def environment(self, host: str, space: str) -> dict[str, str]:
        """The settings file filled in for a process of a host; `space` names the S3 prefix and the ledger's database."""
        swapped = {
            "postgres.example:5432/loda": f"{self.postgres}/{space}",
            "postgres.example:5432/airflow": f"{self.postgres}/airflow",
            "loda_app:change-me-app": "loda",
            "airflow:change-me-airflow": "loda",
            "http://s3.example:8333": self.s3,
            "redis://redis.example:6379/0": self.redis,
            "airflow.example:8080": f"127.0.0.1:{self.port}",
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - what is taken out
            "s3://loda/": f"s3://{servers.BUCKET}/{space}/",
            "/var/lib/loda": str(self.folder / host),
            "/opt/loda": str(ROOT),
            **self.secrets,
        }
        filled = {}
        for name, value in settings_file().items():
            for old, new in swapped.items():
                value = value.replace(old, new)  # noqa: PLW2901
            filled[name] = value
        left = [name for name, value in filled.items() if "change-me" in value or ".example" in value]
        assert not left, f"not filled in: {left}"
        more = {"AIRFLOW__API__PORT": str(self.port), "LODA_STABLE_SECONDS": "0", "PYTHONPATH": str(ROOT)}
        return {**inherited(), **filled, **more}

    def published(self, space: str) -> dict[str, list[tuple[str, ...]]]:
        """The lists that lie on S3, as an S3 client of nobody's sees them."""
        client, prefix = servers.client(self.s3), f"{space}/published/"
        found = client.get_paginator("list_objects_v2").paginate(Bucket=servers.BUCKET, Prefix=prefix)
        names = [item["Key"] for page in found for item in page.get("Contents", [])]
        texts = {
            name.removeprefix(prefix): client.get_object(Bucket=servers.BUCKET, Key=name)["Body"].read()
            for name in names
            if name.endswith("/list.csv")
        }
        return lists(texts)


def inherited() -> dict[str, str]:
    """The little of this process's environment that a process of a host gets."""
    found = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**found, "PATH": f"{BIN}{os.pathsep}{found.get('PATH', '')}", "OMP_NUM_THREADS": "1"}


def lists(texts: Mapping[str, bytes]) -> dict[str, list[tuple[str, ...]]]:
    """Rank and UPRN of every entry, by borough."""
    made = {}
    for name, content in texts.items():
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        made[name.split("/")[0]] = [(row["rank"], row["uprn"]) for row in rows]
    return made


def lists_of_folder(place: Path) -> dict[str, list[tuple[str, ...]]]:
    """The same of a laptop's folder of published lists."""
    folder = Folder(str(place))
    names = [entry.path for entry in folder.list() if entry.path.endswith("/list.csv")]
    return lists({name: folder.read_bytes(name) or b"" for name in names})


def loda(environment: Mapping[str, str], *arguments: str) -> str:
    """Run `loda` and return what it printed; it must end well."""
    Path(environment["LODA_HOME"]).mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [*LODA, *arguments], env=dict(environment), cwd=environment["LODA_HOME"], capture_output=True, text=True
    )
    assert done.returncode == 0, f"loda {' '.join(arguments)}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout


def night(environment: Mapping[str, str]) -> dict[str, Any]:
    """One night without Airflow; what `loda run --json` tells of it."""
    told: dict[str, Any] = json.loads(loda(environment, "run", "--json"))
    return told


@contextmanager
def process(environment: Mapping[str, str], log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a host until the block ends, and everything below it."""
    Path(environment["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    with log.open("ab") as handle:
        started = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, env=dict(environment), cwd=ROOT
        )
    try:
        yield started
    finally:
        family = []
        if started.poll() is None:
            own = psutil.Process(started.pid)
            family = [own, *own.children(recursive=True)]
            started.terminate()
        _, alive = psutil.wait_procs(family, timeout=15)
        for member in alive:
            member.kill()
        psutil.wait_procs(alive, timeout=15)
        started.wait()
