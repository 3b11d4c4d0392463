"""PostgreSQL, an S3 server and Redis on free ports of loopback, each in a temporary folder and ended by its own id."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy as sa

ADMIN_KEY, ADMIN_SECRET = "cluster-admin", "secret-of-a-throw-away-server"
BUCKET = "loda"
START_SECONDS = 60
HIGHEST = 20_000
"""SeaweedFS listens for gRPC 10,000 ports above each port it is given, and ports end at 65,535."""


def missing() -> list[str]:
    """Servers that this machine lacks."""
    found = {"PostgreSQL": postgres_binaries(), "redis-server": shutil.which("redis-server"), "weed": weed()}
    return [name for name, place in found.items() if place is None]


def postgres_binaries() -> Path | None:
    """The newest installed folder of PostgreSQL's programs."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def weed() -> Path | None:
    """SeaweedFS's program, which comes with the development packages."""
    place = Path(sys.executable).parent / "weed"
    return place if place.exists() else None


_given: set[int] = set()


def free_ports(count: int, below: int = 65_000) -> list[int]:
    """Ports that nobody listens on, none of them given before by this process; below `below`."""
    found: list[int] = []
    start = 15_000 + os.getpid() % 4_000
    for port in range(start, below):
        if len(found) == count:
            break
        if port in _given:
            continue
        with socket.socket() as probe, socket.socket() as above:
            try:
                probe.bind(("127.0.0.1", port))
                above.bind(("127.0.0.1", port + 10_000))
            except OSError:
                continue
            found.append(port)
    assert len(found) == count, "no free ports"
    _given.update(found)
    return found


@dataclass
class Server:
    """A program that listens on a port of loopback, with a folder and, where given, an environment of its own."""

    command: list[str]
    port: int
    log: Path
    url: str
    environment: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, for the first time or again on what it left on disk; it answers on its port afterwards."""
        with self.log.open("ab") as handle:
            place, env = self.log.parent, self.environment
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=handle, stderr=handle, cwd=place, env=env
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.process.poll() is None, f"ended at once: {self.log.read_text()[-2000:]}"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.2)
        raise AssertionError(f"nothing listens on {self.port}: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """End it with SIGKILL: its connections die with it, and nothing is tidied up."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """End it, however it is."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.kill()


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """The server until the block ends; it answers on its port when the block begins."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


@dataclass(frozen=True)
class Postgres:
    """A server that asks for passwords over TCP, and whose superuser `postgres` comes through its socket only."""

    address: str
    socket: Path

    @property
    def data(self) -> Path:
        """Where its databases lie."""
        return self.socket / "data"

    def program(self, name: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as its own user; it must end well."""
        binaries = postgres_binaries()
        assert binaries is not None
        as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*as_user, str(binaries / name), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.socket)
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Start it, for the first time or again; it answers afterwards."""
        port = self.address.rsplit(":", 1)[1]
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.socket} -c fsync=off"
        # Its own log, or the server would hold the pipe that this waits on.
        self.program("pg_ctl", "-D", str(self.data), "-w", "-o", options, "-l", str(self.socket / "log"), "start")

    def kill(self) -> None:
        """End it with SIGKILL, as want of memory does: its connections die with it, and nothing is tidied up."""
        leader = psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))
        family = [leader, *leader.children(recursive=True)]
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=15)

    def superuser(self, database: str = "postgres") -> sa.Engine:
        """A database, as the superuser; each statement is a transaction of its own."""
        port = self.address.rsplit(":", 1)[1]
        url = f"postgresql+psycopg://postgres@/{database}?host={self.socket}&port={port}"
        return sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")

    def psql(self, database: str, script: str) -> None:
        """Run a script as the superuser, and stop at its first error."""
        binaries = postgres_binaries()
        assert binaries is not None
        port = self.address.rsplit(":", 1)[1]
        command = ("-h", str(self.socket), "-p", port, "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-qX")
        psql = shutil.which("psql") or str(binaries / "psql")
        done = subprocess.run([psql, *command], input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL server until the block ends."""
    binaries = postgres_binaries()
    assert binaries is not None
    place = folder / "postgres"
    place.mkdir()
    if os.geteuid() == 0:
        shutil.chown(place, "postgres", "postgres")
        folder.chmod(folder.stat().st_mode | 0o011)  # PostgreSQL's user comes through it
    (port,) = free_ports(1)
    made = Postgres(f"127.0.0.1:{port}", place)
    asks = ("--auth-local=trust", "--auth-host=scram-sha-256")
    made.program("initdb", "-D", str(made.data), "-U", "postgres", *asks, "--no-sync", "-E", "UTF8")
    made.start()
    try:
        yield made
    finally:
        made.program("pg_ctl", "-D", str(made.data), "-m", "immediate", "stop")


def admin_identity() -> dict[str, object]:
    """A key that may do everything, in SeaweedFS's form."""
    keys = [{"accessKey": ADMIN_KEY, "secretKey": ADMIN_SECRET}]
    return {"name": "admin", "credentials": keys, "actions": ["Admin", "Read", "Write", "List", "Tagging"]}


@contextmanager
def s3(folder: Path, config: Path) -> Iterator[Server]:
    """An S3 server with one bucket, which admits the identities of a file, an administrator among them."""
    place = folder / "s3"
    place.mkdir()
    master, volume, filer, port, admin = free_ports(5, HIGHEST)
    command = [
        str(weed()),
        "mini",
        f"-dir={place}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        f"-volume.port={volume}",
        f"-filer.port={filer}",
        f"-s3.port={port}",
        f"-admin.port={admin}",
        f"-s3.config={config}",
        f"-bucket={BUCKET}",
        "-webdav=false",
        "-admin.ui=false",
        "-s3.port.lance=0",
        "-s3.port.iceberg=0",
        "-master.telemetry=false",
    ]
    with running(Server(command, port, place / "log", f"http://127.0.0.1:{port}")) as server:
        wait_for_bucket(server)
        yield server


def wait_for_bucket(server: Server) -> None:
    """Until the bucket of an S3 server that was started can be used."""
    import botocore.exceptions

    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            client(server.url).head_bucket(Bucket=BUCKET)
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
            time.sleep(0.3)
        else:
            return
    raise AssertionError(f"the bucket did not come: {server.log.read_text()[-2000:]}")


def client(url: str, key: str = ADMIN_KEY, secret: str = ADMIN_SECRET):
    """boto3's own client, by which the tests look at what the platform wrote."""
    import boto3

    return boto3.client(
        "s3", endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret, region_name="us-east-1"
    )


@contextmanager
def redis(folder: Path) -> Iterator[Server]:
    """A Redis server that keeps nothing on disk."""
    place = folder / "redis"
    place.mkdir()
    (port,) = free_ports(1)
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(place)]
    with running(Server(command, port, place / "log", f"redis://127.0.0.1:{port}/0")) as server:
        yield server
