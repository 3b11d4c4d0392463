"""The clock jumps in the middle of a night: back an hour, as one that was wrong and is set; forward a day."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.conftest import BOROUGHS, SECOND, Driver, World, at

JUMPS = {
    "back an hour before link": at(SECOND, 1),
    "back an hour before publish_lists": at(SECOND, 1),
    "forward a day before gate": at("2026-10-01"),
}


def lists(content: dict[str, str]) -> dict[str, str]:
    """Hashes of the boroughs' lists as people open them: the hour at which they were made is not in them."""
    return {name: digest for name, digest in content.items() if name.endswith("/list.csv")}


@pytest.mark.parametrize("jump", list(JUMPS))
def test_a_clock_that_jumps_in_mid_night_changes_no_list_and_breaks_no_order(
    jump: str, world: World, drivers: list[Driver], tmp_path: Path
):
    driver, home = drivers[0], world.copy(tmp_path / "home")
    night = driver.loda(home, jump=JUMPS[jump], before=jump.split()[-1])
    assert night.code == 0, night.output
    for now in (JUMPS[jump], at(SECOND, 0)):
        assert driver.must("faults", home, now=now)["faults"] == []
        assert lists(driver.must("content", home, now=now)) == lists(world.expected)
        assert len(lists(world.expected)) >= len(BOROUGHS)
        assert driver.must("late", home, now=now)["late"] == []
        # The next night, whose clock is right again or goes on being wrong, has nothing to do.
        again = driver.loda(home, now=now)
        assert again.code == 0, again.output
        assert "interrupted" not in again.output
        assert lists(driver.must("content", home, now=now)) == lists(world.expected)
    print(f"clock {jump}: {night.seconds:.0f} s")  # noqa: T201
