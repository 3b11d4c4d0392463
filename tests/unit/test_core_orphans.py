"""Workers whose parent is killed do not outlive it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

NIGHT = "from pipelines.whole_night import _Night; pool = _Night._new_pool()"
PLAIN = """
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pipelines.core.orphans import end_with_parent
import pathlib, shutil
pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"),
                           initializer=end_with_parent, initargs=(partial(shutil.rmtree, sys.argv[1]),))
"""
PARENT = """
import multiprocessing, os, sys, time
if __name__ == "__main__":
    exec({pool!r})
    print(pool.submit(os.getpid).result(), flush=True)
    pool.submit(time.sleep, 600)
    time.sleep(600)
"""
PATIENCE = 60


def running(process: psutil.Process) -> bool:
    """A worker without a parent may be left as a zombie by whoever takes it over."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("pool", [NIGHT, PLAIN], ids=["night", "plain"])
def test_a_worker_at_work_ends_when_its_parent_is_killed(pool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LODA_WORKERS", "1")
    left = tmp_path / "left by the parent"
    left.mkdir()
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(pool=pool))
    parent = subprocess.Popen([sys.executable, script, left], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        assert parent.poll() is None
        parent.send_signal(signal.SIGKILL)
        assert parent.wait(PATIENCE) == -signal.SIGKILL
        deadline = time.monotonic() + PATIENCE
        while running(worker) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not running(worker)
    finally:
        parent.kill()
        parent.wait()
    assert left.exists() is (pool == NIGHT)
