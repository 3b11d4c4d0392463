"""A contract or a mapping changes on disk in mid-night, as by a deploy, while stages are processes of their own.

So Airflow's tasks are: each reads what lies there as it begins.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas import registry
from tests.faults.conftest import BOROUGHS, NEW, Driver, World, content_of
from tests.newer_code import add_a_field

INTAKE = ("admit", "harmonise", "gate", "propose", "publish_drops")
OTHER_LAYOUT = """extends: civica
dates: ["%d/%m/%Y"]
extract_date: {pattern: '(\\d{8})\\.', format: "%d%m%Y"}
fields: {uprn: null, postcode: null}
"""
Change = Callable[[Path, Path], None]


def contract(schemas: Path, dataset: str) -> Path:
    return schemas / "contracts" / f"{dataset}.odcs.yaml"


def one_field_more(_home: Path, schemas: Path) -> None:
    for dataset in ("hmo_licence", "council_tax"):
        add_a_field(contract(schemas, dataset))


def a_stricter_rule(_home: Path, schemas: Path) -> None:
    path = contract(schemas, "service_request")
    before = path.read_text()
    path.write_text(before.replace("maximum: '2100-01-01'", "maximum: '2026-03-01'"))
    assert path.read_text() != before


def another_layout(home: Path, _schemas: Path) -> None:
    place = home / "mappings" / "lambeth" / "council_tax.yaml"
    place.parent.mkdir(parents=True)
    place.write_text(OTHER_LAYOUT)


NOTHING = "nothing"
CHANGES: dict[str, Change] = {
    "one field more": one_field_more,
    "a stricter rule": a_stricter_rule,
    "another layout": another_layout,
}


def deployed(to: Path) -> Path:
    """What a deploy puts on a host beside the code: contracts, mappings, agreements."""
    return Path(shutil.copytree(registry.FOLDER, to, ignore=shutil.ignore_patterns("*.py", "__pycache__")))


@pytest.fixture(scope="module")
def undisturbed(
    world: World, drivers: list[Driver], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], dict[str, Any]]:
    """What a night holds before which the change was made, by its name."""
    known: dict[str, dict[str, Any]] = {}

    def of(change: str) -> dict[str, Any]:
        if change not in known:
            folder = tmp_path_factory.mktemp("undisturbed")
            home, schemas = world.copy(folder / "home"), deployed(folder / "schemas")
            if change != NOTHING:
                CHANGES[change](home, schemas)
            assert drivers[0].loda(home, schemas=str(schemas)).code == 0
            known[change] = content_of(drivers[0].must("content", home, schemas=str(schemas)))
        return known[change]

    return of


def intake(driver: Driver, home: Path, schemas: Path, before: str, change: Callable[[], None]) -> dict[str, str]:
    """Take in both boroughs' drops, a process a stage, with the change before a stage; what failed, in words.

    In the night's own order, since versions of the lake's tables count what was published, and stages hash them.
    """
    failed: dict[str, str] = {}
    boroughs = driver.must("discover", home, schemas=str(schemas))["boroughs"]
    assert set(boroughs) == set(BOROUGHS)
    for stage in INTAKE:
        if stage == before:
            change()
        for borough in (b for b in boroughs if b not in failed):
            told = driver.must("stage", home, stage=stage, arguments=[borough], schemas=str(schemas))
            if "failed" in told:
                failed[borough] = told["failed"]
    return failed


@pytest.mark.parametrize("before", ["gate", "publish_drops"])
@pytest.mark.parametrize("change", list(CHANGES))
def test_a_drop_is_read_and_judged_and_published_by_the_same_rules(
    change: str,
    before: str,
    world: World,
    drivers: list[Driver],
    undisturbed: Callable[[str], dict[str, Any]],
    tmp_path: Path,
):
    driver = drivers[0]
    home, schemas = world.copy(tmp_path / "home"), deployed(tmp_path / "schemas")
    assert intake(driver, home, schemas, before, lambda: CHANGES[change](home, schemas)) == {}
    assert driver.must("faults", home, schemas=str(schemas))["faults"] == []
    assert all((home / "published" / borough / "current.json").is_file() for borough in BOROUGHS)
    after = driver.loda(home, schemas=str(schemas))
    assert after.code == 0, after.output
    content, expected = content_of(driver.must("content", home, schemas=str(schemas))), undisturbed(change)
    assert {n: content.get(n) for n in {*content, *expected} if content.get(n) != expected.get(n)} == {}


def test_a_contract_that_is_half_copied_ends_in_a_sentence_and_the_next_night_is_whole(
    world: World, drivers: list[Driver], undisturbed: Callable[[str], dict[str, Any]], tmp_path: Path
):
    driver = drivers[0]
    home, schemas = world.copy(tmp_path / "home"), deployed(tmp_path / "schemas")
    place = contract(schemas, NEW[1][1])
    whole = place.read_text()

    def cut() -> None:
        place.write_text(whole[: len(whole) // 2])

    failed = intake(driver, home, schemas, "gate", cut)
    assert set(failed) == set(BOROUGHS)
    assert all(place.name in sentence for sentence in failed.values()), failed
    refused = driver.loda(home, schemas=str(schemas))
    assert refused.code == 78, refused.output
    assert place.name in refused.in_words()
    place.write_text(whole)
    assert driver.must("faults", home, schemas=str(schemas))["faults"] == []
    after = driver.loda(home, schemas=str(schemas))
    assert after.code == 0, after.output
    content, expected = content_of(driver.must("content", home, schemas=str(schemas))), undisturbed(NOTHING)
    assert {n: content.get(n) for n in {*content, *expected} if content.get(n) != expected.get(n)} == {}
