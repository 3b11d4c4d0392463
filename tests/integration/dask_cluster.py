"""A Dask cluster on loopback with TLS: a scheduler and two workers, each a process, ended by its own id."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from distributed import Client
from distributed.security import Security

from pipelines.core import clock
from tests.cluster.hosts import python_path
from tests.cluster.servers import Server, free_ports, running

WORKERS = 2
TLS = "DASK_DISTRIBUTED__COMM__TLS__"
PARTS = ("ca_file", "client_cert", "client_key")
OURS = dict(zip(PARTS, (TLS + name for name in ("CA_FILE", "CLIENT__CERT", "CLIENT__KEY")), strict=True))
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass(frozen=True)
class DaskCluster:
    """Where the scheduler is, and the environment of whoever speaks to it."""

    address: str
    environment: Mapping[str, str]

    def loda(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command under the settings of the workers."""
        command = [sys.executable, "-c", "from pipelines.cli import app; app()", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            command, env=dict(self.environment), text=True, cwd=self.environment["LODA_HOME"], **pipes
        )

    def client(self) -> Client:
        """Somebody who looks on."""
        files = {f"tls_{part}": self.environment[setting] for part, setting in OURS.items()}
        return Client(self.address, security=Security(require_encryption=True, **files), set_as_default=False)


def certificates(folder: Path) -> dict[str, str]:
    """One certificate that is its own authority, for every part of a cluster, as Dask's settings name it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a cluster of a test")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, secret = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    parts = ("SCHEDULER", "WORKER", "CLIENT")
    own = {f"{TLS}{part}__CERT": str(certificate) for part in parts} | {
        f"{TLS}{part}__KEY": str(secret) for part in parts
    }
    return {f"{TLS}CA_FILE": str(certificate), **own}


@contextmanager
def dask_cluster(folder: Path, home: Path) -> Iterator[DaskCluster]:
    """A cluster for one `LODA_HOME` until the block ends."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment = inherited | certificates(folder) | {
        "LODA_HOME": str(home), "LODA_STABLE_SECONDS": "0", "PYTHONPATH": python_path(), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    (port,) = free_ports(1)
    address = f"tls://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    here = ("--dashboard-address", "127.0.0.1:0", "--no-dashboard")
    scheduler = [*dask, "scheduler", "--protocol", "tls", "--host", "127.0.0.1", "--port", str(port), *here]
    work = ("--nthreads", "1", "--nworkers", str(WORKERS), "--local-directory", str(folder / "scratch"))
    worker = [*dask, "worker", address, "--host", "127.0.0.1", *work, *here]
    server = Server(scheduler, port, folder / "scheduler.log", address, environment)
    with running(server), (folder / "worker.log").open("ab") as log:
        started = subprocess.Popen(worker, env=environment, cwd=folder, stdout=log, stderr=log)
        family = psutil.Process(started.pid)
        try:
            yield DaskCluster(address, environment)
        finally:
            below = family.children(recursive=True)
            started.terminate()
            _, alive = psutil.wait_procs([family, *below], timeout=20)
            for member in alive:
                member.kill()
            started.wait()
