"""A disk that is full in the middle of a night: a small one of its own, filled to the last byte at a lasting step.

The disk is real (tmpfs), so that SQLite, Delta, Arrow and Python meet what a full disk does, each in its own way.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import BOROUGHS, SEED, Driver, World, differences

DISK_MIB = 256
BLOCK = 1024 * 1024
SPLITS = 4
"""The night is cut into as many parts, and the disk fills once in each, at a step that the seed chooses."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own; making one needs the rights of root."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(ballast: Path) -> None:
    """Write until not one byte more goes onto the disk."""
    with ballast.open("wb", buffering=0) as handle:
        for size in (BLOCK, 4096, 1):
            with contextlib.suppress(OSError):
                while handle.write(b"\0" * size):
                    pass
    assert os.statvfs(ballast.parent).f_bavail == 0


@pytest.mark.parametrize("part", range(SPLITS))
def test_a_full_disk_ends_a_night_in_a_sentence_and_the_next_is_whole(
    part: int, world: World, drivers: list[Driver], disk: Path
):
    driver, ballast = drivers[0], disk / "ballast"
    home = world.copy(disk / "home", linked=False)
    step = random.Random(f"{SEED} {part}").randint(world.steps * part // SPLITS + 1, world.steps * (part + 1) // SPLITS)
    full = driver.broken_into(home, step, lambda: fill(ballast))
    assert full.code in (1, 75), full.output
    assert "There is no space left on the disk of" in full.in_words(), full.output
    assert str(home) in full.in_words()
    assert "free some" in full.in_words()
    ballast.unlink()
    assert driver.must("faults", home)["faults"] == []
    assert all((home / "published" / borough / "current.json").is_file() for borough in BOROUGHS)
    after = driver.loda(home)
    assert after.code == 0, after.output
    assert driver.must("faults", home)["faults"] == []
    assert differences(world, driver.must("content", home)) == []
    print(f"disk full at step {step} of {world.steps}: {full.seconds:.0f} s, the next night {after.seconds:.0f} s")  # noqa: T201
