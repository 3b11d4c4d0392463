"""`make airflow`: the real scheduler and web page on this machine, until Ctrl-C ends every process of it.

The parts are started one by one, not by `airflow standalone`: that also opens two log servers to every network, and
leaves its parts behind when it is ended by a signal.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import FrameType

import psutil
from loda_environment import BIN, ROOT, airflow_home, environment, make_database

from pipelines.core.errors import LodaError
from pipelines.core.settings import settings

PARTS = (
    ("api-server",),
    ("dag-processor",),
    ("scheduler", "--skip-serve-logs"),
    ("triggerer", "--skip-serve-logs"),
)
READY_SECONDS = 180
GRACE_SECONDS = 10


class Stopped(Exception):
    """Somebody asked for the end."""


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise Stopped


def say(sentence: str) -> None:
    """One sentence on the terminal."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def healthy(port: int) -> bool:
    """Whether the page answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/monitor/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def end_all(parts: list[subprocess.Popen[bytes]]) -> None:
    """End Airflow's parts and everything below them; what does not go by itself is killed."""
    family = []
    for part in parts:
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(part.pid)
            family += [process, *process.children(recursive=True)]
    for part in parts:
        if part.poll() is None:
            part.terminate()
    _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for member in alive:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)


def start(port: int, log: Path) -> list[subprocess.Popen[bytes]]:
    """Start Airflow's parts, out of reach of the terminal's own Ctrl-C so that they end in order."""
    with log.open("ab") as handle:
        return [
            subprocess.Popen(  # noqa: S603 - Airflow's own command
                [str(BIN / "airflow"), *part],
                stdin=subprocess.DEVNULL,
                stdout=handle,
                stderr=handle,
                env=environment(port),
                cwd=ROOT,
                start_new_session=True,
            )
            for part in PARTS
        ]


def serve(port: int, log: Path) -> int:
    """Start Airflow, say where it is, and wait until a part of it ends or somebody asks for the end."""
    parts: list[subprocess.Popen[bytes]] = []
    try:
        make_database(log)
        parts = start(port, log)
        until, told = time.monotonic() + READY_SECONDS, False
        while all(part.poll() is None for part in parts):
            if not told and healthy(port):
                say(f"Airflow is at http://127.0.0.1:{port}, every DAG switched on. Ctrl-C ends it.{_password()}")
                told = True
            if not told and time.monotonic() > until:
                say(f"Airflow did not answer within {READY_SECONDS} s; see {log}.")
                return 1
            time.sleep(0.5)
        say(f"A part of Airflow has ended, so the others are ended too; see {log}.")
        return 1
    except Stopped:
        say("Ending Airflow.")
        return 0
    finally:
        for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(name, signal.SIG_IGN)
        end_all(parts)


def _password() -> str:
    place = airflow_home() / "simple_auth_manager_passwords.json.generated"
    if not place.exists():
        return ""
    place.chmod(0o600)
    return f" Sign in as admin with {json.loads(place.read_text())['admin']} (kept in {place})."


def main() -> int:
    """Read the port, refuse one that is taken, serve."""
    parser = argparse.ArgumentParser(description="Run Airflow's scheduler and web page on this machine.")
    parser.add_argument("--port", type=int, default=8080)
    port = parser.parse_args().port
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _stop)
    if healthy(port):
        say(f"An Airflow already answers on port {port}; end it, or choose another: make airflow PORT={port + 1}.")
        return 1
    log = settings().home / "logs" / f"airflow-{datetime.now():%Y%m%d-%H%M%S}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say(f"Starting Airflow; its log is {log}.")
    try:
        return serve(port, log)
    except LodaError as error:
        say(str(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
