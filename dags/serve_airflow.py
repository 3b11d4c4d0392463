"""`make airflow`: the real scheduler and web page on this machine, until Ctrl-C ends every process of it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from types import FrameType

import psutil
from loda_environment import BIN, ROOT, airflow_home, environment

from pipelines.core.settings import settings

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


def end_all(process: subprocess.Popen[bytes]) -> None:
    """End Airflow and everything below it; what does not go by itself is killed."""
    try:
        family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    os.killpg(process.pid, signal.SIGINT)
    _, alive = psutil.wait_procs(family, timeout=GRACE_SECONDS)
    for member in alive:
        member.terminate()
    _, alive = psutil.wait_procs(alive, timeout=GRACE_SECONDS)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, timeout=GRACE_SECONDS)


def serve(port: int, log: Path) -> int:
    """Start Airflow, say where it is, and wait for its end or for a signal."""
    with log.open("ab") as handle:
        process = subprocess.Popen(  # noqa: S603 - Airflow's own command
            [str(BIN / "airflow"), "standalone"],
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=handle,
            env=environment(port),
            cwd=ROOT,
            start_new_session=True,  # its parts outlive it unless the whole group is ended
        )
    try:
        until = time.monotonic() + READY_SECONDS
        while process.poll() is None and not healthy(port):
            if time.monotonic() > until:
                say(f"Airflow did not answer within {READY_SECONDS} s; see {log}.")
                return 1
            time.sleep(0.5)
        if process.poll() is None:
            say(f"Airflow is at http://127.0.0.1:{port}, every DAG switched on. Ctrl-C ends it.{_password()}")
            process.wait()
        say(f"Airflow ended with exit code {process.returncode}; see {log}.")
        return 1
    except Stopped:
        say("Ending Airflow.")
        return 0
    finally:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        end_all(process)


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
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, _stop)
    if healthy(port):
        say(f"An Airflow already answers on port {port}; end it, or choose another: make airflow PORT={port + 1}.")
        return 1
    log = settings().home / "logs" / f"airflow-{datetime.now():%Y%m%d-%H%M%S}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    say(f"Starting Airflow; its log is {log}.")
    return serve(port, log)


if __name__ == "__main__":
    sys.exit(main())
