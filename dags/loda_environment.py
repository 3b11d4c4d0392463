"""Airflow on this machine: the environment variables under which its commands and the one-night runner start.

Imports nothing of Airflow, since Airflow reads its environment when it is first imported.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from pipelines.core.errors import LodaError
from pipelines.core.settings import settings

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent


def airflow_home() -> Path:
    """Folder of Airflow's own state: database, task logs, keys. Not in version control."""
    return settings().home / "airflow"


def environment(port: int = 8080) -> dict[str, str]:
    """This process's environment with what Airflow needs to find the DAGs, its state and its keys.

    Every process of one Airflow must hold the same keys. Without these variables each would make up its own, and
    the API would refuse the tasks.
    """
    url = f"http://127.0.0.1:{port}"
    home = airflow_home()
    return {
        **os.environ,
        **_keys(home),
        "LODA_HOME": str(settings().home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "plugins"),
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}",  # Airflow starts its parts by name
    }


def make_database(log: Path) -> None:
    """Bring Airflow's own database to the installed version, unless that has been done.

    Raises:
        LodaError: it could not be done; the log says why.
    """
    stamp = airflow_home() / f"database-of-{version('apache-airflow')}"
    if stamp.exists() and (airflow_home() / "airflow.db").exists():
        return
    command = [str(BIN / "airflow"), "db", "migrate"]
    with log.open("ab") as handle:
        done = subprocess.run(command, stdout=handle, stderr=handle, env=environment(), cwd=ROOT, check=False)  # noqa: S603
    if done.returncode:
        raise LodaError(f"Airflow's database could not be made; see {log}.")
    stamp.touch()


def _keys(home: Path) -> dict[str, str]:
    place = home / "keys.json"
    if not place.exists():
        home.mkdir(parents=True, exist_ok=True)
        made = {
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
            "AIRFLOW__API__SECRET_KEY": secrets.token_hex(32),
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        }
        beside = place.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as handle:
            json.dump(made, handle)
        beside.replace(place)
    keys: dict[str, str] = json.loads(place.read_text())
    return {name: os.environ.get(name, value) for name, value in keys.items()}
