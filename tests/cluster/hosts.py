"""Hosts of a cluster: processes under `ops/cluster.env`, each host with a folder of its own.

Nothing is shared on disk but the small folder of mappings and agreements that the settings file names.

What is done here to make an empty cluster ready is what docs/deploy.md tells a person to do, with the same commands.
"""

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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import sqlalchemy as sa

from pipelines.core.bucket import Folder
from tests.cluster import servers
from tests.cluster.servers import Postgres, Server

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
LODA = [sys.executable, "-c", "from pipelines.cli import app; app()"]
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")
KEYS = {"LODA_PSEUDONYM_KEY": "p" * 40, "LODA_ERASURE_KEY": "e" * 40}
WITHOUT_SERVER = "127.0.0.1:9"
"""An address at which nobody listens, for what only prints or writes files."""

Lists = dict[str, list[tuple[str, ...]]]


def settings_file() -> dict[str, str]:
    """What `ops/cluster.env` sets, as it is committed."""
    lines = (ROOT / "ops" / "cluster.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def python_path() -> str:
    """This checkout before whatever else this process was told to import from."""
    return os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])


@dataclass
class Cluster:
    """Servers, and what processes of the platform are told about them."""

    folder: Path
    boroughs: tuple[str, ...]
    database: Postgres | None = None
    s3: str = f"http://{WITHOUT_SERVER}"
    redis: str = f"redis://{WITHOUT_SERVER}/0"
    secrets: dict[str, str] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)

    def __post_init__(self) -> None:
        (self.port,) = servers.free_ports(1)
        self.secrets = {
            "change-me-pseudonym-key": KEYS["LODA_PSEUDONYM_KEY"],
            "change-me-erasure-key": KEYS["LODA_ERASURE_KEY"],
            "change-me-jwt-secret": secrets.token_hex(32),
            "change-me-api-secret": secrets.token_hex(32),
            "change-me-fernet-key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "change-me-review-secret": secrets.token_hex(32),
            "change-me-oidc-secret": secrets.token_hex(16),
            "change-me-airflow": secrets.token_hex(16),
            "change-me-app": secrets.token_hex(16),
            "change-me-migrator": secrets.token_hex(16),
        }

    @property
    def identities(self) -> Path:
        """SeaweedFS's configuration, made by `loda storage identities`."""
        return self.folder / "s3.json"

    def secret_of(self, identity: str) -> str:
        """The secret key of an S3 identity; nothing before there are any."""
        if not self.identities.exists():
            return "none-yet"
        known = json.loads(self.identities.read_text())["identities"]
        return next((it["credentials"][0]["secretKey"] for it in known if it["name"] == identity), "none-yet")

    def environment(self, host: str) -> dict[str, str]:
        """The settings file filled in for the processes of a host."""
        swapped = {
            "postgres.example:5432": self.database.address if self.database else WITHOUT_SERVER,
            "http://s3.example:8333": self.s3,
            "redis://redis.example:6379/0": self.redis,
            "airflow.example:8080": f"127.0.0.1:{self.port}",
            "https://review.example": "http://127.0.0.1:8000",
            "https://login.example": "https://127.0.0.1:9",
            "0.0.0.0": "127.0.0.1",  # noqa: S104 - what is taken out
            "/var/lib/loda": str(self.folder / host),
            "/srv/loda": str(self.folder / "shared"),
            "/opt/loda": str(ROOT),
            **self.secrets,
            "change-me-s3-secret": self.secret_of("loda-platform"),
        }
        filled = {}
        for name, value in settings_file().items():
            for old, new in swapped.items():
                value = value.replace(old, new)
            filled[name] = value
        left = [name for name, value in filled.items() if "change-me" in value or ".example" in value]
        assert not left, f"not filled in: {left}"
        here = {"AIRFLOW__API__PORT": str(self.port), "LODA_STABLE_SECONDS": "0", "PYTHONPATH": python_path()}
        return {**inherited(), **filled, **here, **self.more}

    def migrating(self, host: str) -> dict[str, str]:
        """The same, as the role that may change the ledger's tables."""
        own = self.environment(host)
        user, app = f"loda_migrator:{self.secrets['change-me-migrator']}", self.secrets["change-me-app"]
        return {**own, "LODA_LEDGER_URL": own["LODA_LEDGER_URL"].replace(f"loda_app:{app}", user)}

    def rows(self, database: str, query: str) -> list[sa.Row[tuple[object, ...]]]:
        """What the superuser reads in a database."""
        assert self.database is not None
        with self.database.superuser(database).connect() as connection:
            return list(connection.execute(sa.text(query)))

    def published(self) -> Lists:
        """The lists on S3, each as its borough's own identity sees them."""
        found = {}
        for borough in self.boroughs:
            identity = f"loda-{borough}-lists"
            client = servers.client(self.s3, identity, self.secret_of(identity))
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=servers.BUCKET, Prefix=f"published/{borough}/"
            )
            names = [item["Key"] for page in pages for item in page.get("Contents", [])]
            found |= {
                name.removeprefix("published/"): client.get_object(Bucket=servers.BUCKET, Key=name)["Body"].read()
                for name in names
                if name.endswith("/list.csv")
            }
        return lists(found)


@contextmanager
def cluster(folder: Path, boroughs: tuple[str, ...]) -> Iterator[Cluster]:
    """Servers with roles, identities and tables in place, and nothing in them yet."""
    made = Cluster(folder, boroughs)
    make_identities(made)
    with ExitStack() as started:
        made.database = started.enter_context(servers.postgres(folder))
        made.servers["s3"] = started.enter_context(servers.s3(folder, made.identities))
        made.servers["redis"] = started.enter_context(servers.redis(folder))
        made.s3, made.redis = made.servers["s3"].url, made.servers["redis"].url
        make_databases(made)
        loda(made.migrating("head"), "ledger", "upgrade")
        airflow(made.environment("head"), "db", "migrate")
        yield made


def make_identities(made: Cluster) -> None:
    """The identities of the S3 server: ours beside the administrator that was there before."""
    made.identities.write_text(json.dumps({"identities": [servers.admin_identity()]}))
    chosen = ("--boroughs", ",".join(made.boroughs))
    loda(made.environment("head"), "storage", "identities", "--out", str(made.identities), *chosen)


def make_databases(made: Cluster) -> None:
    """Databases and roles, each role with its password."""
    assert made.database is not None
    password = made.secrets["change-me-airflow"]
    made.database.psql("postgres", f"CREATE ROLE airflow LOGIN PASSWORD '{password}';")
    made.database.psql("postgres", "CREATE DATABASE airflow OWNER airflow;\nCREATE DATABASE loda;")
    made.database.psql("loda", loda(made.environment("head"), "ledger", "roles", "--database", "loda"))
    for role in ("app", "migrator"):
        password = made.secrets[f"change-me-{role}"]
        made.database.psql("loda", f"ALTER ROLE loda_{role} PASSWORD '{password}';")


def inherited() -> dict[str, str]:
    """The little of this process's environment that a process of a host gets."""
    found = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**found, "PATH": f"{BIN}{os.pathsep}{found.get('PATH', '')}", "OMP_NUM_THREADS": "1"}


def lists(texts: Mapping[str, bytes]) -> Lists:
    """Rank and UPRN of every entry, by borough; of several lists of a borough the newest."""
    made = {}
    for name, content in sorted(texts.items()):
        rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        made[name.split("/")[0]] = [(row["rank"], row["uprn"]) for row in rows]
    return made


def lists_of_folder(place: Path) -> Lists:
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


def airflow(environment: Mapping[str, str], *arguments: str) -> None:
    """Run a command of Airflow's; it must end well."""
    Path(environment["AIRFLOW_HOME"]).mkdir(parents=True, exist_ok=True)
    command = [str(BIN / "airflow"), *arguments]
    done = subprocess.run(command, env=dict(environment), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


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
        family = family_of(started)
        if started.poll() is None:
            started.terminate()
        _, alive = psutil.wait_procs(family, timeout=15)
        kill(alive)
        started.wait()


def family_of(started: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """A process that we started and everything below it."""
    if started.poll() is not None:
        return []
    own = psutil.Process(started.pid)
    return [own, *own.children(recursive=True)]


def kill(family: list[psutil.Process]) -> None:
    """End processes with SIGKILL, as a host that loses its power does."""
    for member in family:
        if member.is_running():
            member.kill()
    psutil.wait_procs(family, timeout=15)
