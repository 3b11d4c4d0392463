"""The catalogue says which borough runs which system, from the mappings and nothing else."""

from __future__ import annotations

import csv
import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.publish.catalogue import FAULTY, NO_PRODUCT, catalogue, catalogue_files
from schemas import registry
from tests.unit.pages_world import drop
from tests.unit.test_dataset_pages import text_of


def write_mapping(home: Path, borough: str, name: str, text: str) -> None:
    path = home / "mappings" / borough / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    registry.clear()


def test_an_entry_for_each_layout_that_somebody_wrote(home: Path) -> None:
    entries = catalogue()
    files = [
        path
        for path in (registry.FOLDER / "mappings").glob("*/*.yaml")
        if path.parent.name in registry.boroughs() and path.parent.name != "systems"
    ]
    assert len(entries) == len(files)
    assert {entry.borough for entry in entries} <= set(registry.boroughs())
    assert not [entry for entry in entries if entry.layout.startswith("template")], "a template is no system"


def test_product_and_vendor_are_those_of_the_system(home: Path) -> None:
    (found,) = [entry for entry in catalogue(["camden"]) if entry.dataset == "council_tax"]
    system = registry.systems()["nec"]
    assert (found.system, found.product, found.vendor) == ("nec", system.product, system.vendor)
    assert (found.gss_code, found.format, found.mapping_from) == ("E09000007", "csv", "project")


def test_public_register_has_a_layout_of_its_own(home: Path) -> None:
    oxford = catalogue(["oxford"])
    assert oxford
    assert {entry.product for entry in oxford} == {NO_PRODUCT}


def test_in_use_is_what_an_extract_of_stands(home: Path) -> None:
    drop("camden", "council_tax", date(2026, 3, 2))
    in_use = {(entry.borough, entry.dataset) for entry in catalogue(["bexley", "camden"]) if entry.in_use == "yes"}
    assert in_use == {("camden", "council_tax")}


def test_own_mapping_changes_the_catalogue(home: Path) -> None:
    write_mapping(home, "camden", "council_tax", "extends: civica\ndates: ['%d/%m/%Y']\n")
    (found,) = [entry for entry in catalogue(["camden"]) if entry.dataset == "council_tax"]
    assert (found.system, found.mapping_from) == ("civica", "installation")


def test_faulty_mapping_hides_no_other(home: Path) -> None:
    write_mapping(home, "camden", "council_tax", "fields: {colour: A}\n")
    camden = {entry.dataset: entry for entry in catalogue(["camden"])}
    assert camden["council_tax"].product == FAULTY
    assert camden["waste"].product != FAULTY


def test_table_page_and_readme(home: Path) -> None:
    entries = catalogue()
    files = catalogue_files(entries)
    rows = list(csv.DictReader(files["systems.csv"].decode().splitlines()))
    assert len(rows) == len(entries)
    assert "shared technology audit" in files["README.txt"].decode()
    assert "which council runs which product is not claimed" in " ".join(files["README.txt"].decode().split())
    shown = text_of(files["index.html"])
    assert all(registry.borough(entry.borough).name in shown for entry in entries)
    assert all(entry.product in shown for entry in entries)


def test_what_is_only_of_this_installation_is_not_called_synthetic(home: Path) -> None:
    write_mapping(home, "camden", "council_tax", "extends: civica\ndates: ['%d/%m/%Y']\n")
    own = [entry for entry in catalogue(["camden"]) if entry.mapping_from == "installation"]
    assert "synthetic" not in catalogue_files(own)["README.txt"].decode()


@pytest.mark.usefixtures("home")
def test_loda_systems(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["systems", "--json"])
    assert shown.exit_code == 0, shown.output
    assert len({row["borough"] for row in json.loads(shown.output)}) >= 33
    out = tmp_path / "catalogue"
    assert CliRunner().invoke(app, ["systems", "--out", str(out)]).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == ["README.txt", "index.html", "systems.csv"]
    assert "Boroughs" in CliRunner().invoke(app, ["systems"]).output
