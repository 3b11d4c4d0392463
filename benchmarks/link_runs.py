"""Programs of the linkage benchmark: how long they take, how much memory with their children, and what they said."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

VENV = Path(__file__).resolve().parents[1] / ".venv"
UKAM = ("uk-address-matcher==1.5.3", "recordlinkage==0.16")
PEERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "exact": ("link-ukam", UKAM),
    "recordlinkage": ("link-ukam", UKAM),
    "splink": ("link-splink", ("splink==5.0.0", "pandas>=2.3,<3")),
    "ukam": ("link-ukam", UKAM),
}
"""Each peer's environment under `.venv` and what is installed in it; none can share one with another."""


@dataclass(frozen=True)
class Run:
    """One run of a program: seconds by the clock and of the processor, most memory with its children, words, fault."""

    seconds: float = float("nan")
    cpu: float = float("nan")
    peak_gb: float = float("nan")
    output: str = ""
    fault: str = ""

    def said(self, name: str) -> Any:
        """A value of the JSON object on standard output, wherever in it; none if there is no such name."""
        try:
            return _find(json.loads(self.output), name)
        except ValueError:
            return None


def _find(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        if name in value:
            return value[name]
        found = (_find(part, name) for part in value.values())
        return next((part for part in found if part is not None), None)
    return None


def run(command: Sequence[str], timeout: float) -> Run:
    """Run a program to its end or for `timeout` seconds; what went wrong is in `fault`, nothing is raised."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=errors, cwd=VENV.parent)
        peak = _Peak(process.pid)
        peak.start()
        try:
            code = process.wait(timeout)
            fault = "" if code == 0 else f"it ended with {code}"
        except subprocess.TimeoutExpired:
            _stop(process)
            fault = f"it was stopped after {timeout:.0f} seconds"
        seconds = time.perf_counter() - began
        peak.done.set()
        peak.join()
        cpu = sum(peak.cpu.values())
        out.seek(0)
        errors.seek(0)
        said = [text for text in errors.read().strip().splitlines() if text.strip()]
        if fault and said:
            fault = f"{fault}: {said[-1][:300]}"
        return Run(seconds, cpu, peak.bytes / 1e9, out.read(), fault)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the program and the children that it started, by their ids."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    process.kill()
    for child in family:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue
    process.wait()


class _Peak(threading.Thread):
    """The most memory that a process and its children held at once, and the processor's seconds of each by its id.

    Time is looked at ten times a second: grandchildren's does not come up to us when they end. Memory twice a second,
    since asking costs: pages that several of them share count once, where the system tells (Linux).
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.bytes, self.done = pid, 0, threading.Event()
        self.cpu: dict[int, float] = {}

    def run(self) -> None:
        """Look until told to stop."""
        for look in itertools.count():
            if self.done.wait(0.1):
                return
            try:
                root = psutil.Process(self.pid)
                family = [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                return
            for each in family:
                self._time(each)
            if look % 5 == 0:
                self.bytes = max(self.bytes, sum(self._memory(each) for each in family))

    def _time(self, process: psutil.Process) -> None:
        try:
            spent = process.cpu_times()
            self.cpu[process.pid] = spent.user + spent.system
        except psutil.NoSuchProcess:
            return  # it ended since we looked

    def _memory(self, process: psutil.Process) -> int:
        try:
            memory = process.memory_full_info()
            return int(getattr(memory, "pss", memory.rss))
        except psutil.Error:
            return 0


def peer_environment(peer: str) -> Path | None:
    """The Python of a peer's environment, which is made and filled the first time; none if that cannot be done."""
    name, requirements = PEERS[peer]
    python = VENV / name / "bin" / "python"
    ready = VENV / name / "ready"
    if ready.exists():
        return python
    subprocess.run([sys.executable, "-m", "venv", str(VENV / name)], check=True)
    print(f"Installing {', '.join(requirements)} into .venv/{name} ...", flush=True)
    command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", *requirements]
    if subprocess.run(command, check=False).returncode:
        return None
    ready.touch()
    return python


def peer_command(python: Path, peer: str, task: Path, out: Path, sample: int) -> list[str]:
    """The command that runs a peer on a task."""
    script = Path(__file__).with_name("link_peers.py")
    return [str(python), str(script), peer, str(task), str(out), "--sample", str(sample)]
