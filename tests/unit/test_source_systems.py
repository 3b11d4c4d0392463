"""Presets of source systems: each maps an export of its product by itself, and the list of systems names them all."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest

from pipelines.core.bucket import Folder
from pipelines.core.ledger.models import Drop
from pipelines.extracts import Extract, IntakeFiles, headings
from pipelines.extracts.issues import count_issues
from pipelines.harmonise import harmonise_extract
from schemas import lint, registry

PRESETS = sorted(
    (system.id, dataset)
    for system in registry.systems().values()
    for dataset in system.datasets
    if registry.preset(system.id, dataset).shape.format
    == "csv"  # AddressBase has rows of several kinds: tests of its own
)


def test_every_system_names_its_product_vendor_and_presets():
    systems = registry.systems()
    assert {"nec", "civica", "civica_app", "academy", "uniform"} <= set(systems)
    assert all(system.product and system.vendor and system.note.endswith(".") for system in systems.values())
    assert lint._systems() == []


def test_every_system_that_a_mapping_names_is_listed():
    texts = [path.read_text() for path in (registry.FOLDER / "mappings").glob("*/*.yaml")]
    used = {found.group(1) for text in texts if (found := re.search(r"^extends: (\w+)", text, re.M))}
    assert len(used) > 15
    assert used <= set(registry.systems())


@pytest.mark.parametrize(
    ("system", "datasets"),
    [
        ("nec", {"council_tax", "benefits"}),
        ("academy", {"council_tax", "benefits"}),
        ("civica", {"council_tax", "benefits"}),
        ("uniform", {"hmo_licence", "licence_application", "service_request", "planning", "inspection"}),
        ("civica_app", {"hmo_licence", "licence_application", "service_request", "inspection"}),
    ],
)
def test_shared_products_have_all_their_datasets(system, datasets):
    assert datasets <= set(registry.systems()[system].datasets)


def extract_of(preset, contract) -> bytes:
    """One row as the product writes it: each column filled with a word that its field takes."""
    cells: dict[str, str] = dict.fromkeys(preset.ignore, "x")
    for name, how in preset.fields.items():
        field = contract.by_name[name]
        for column in how.sources:
            if how.values:
                cells[column] = next(iter(how.values))
            elif field.codes:
                cells[column] = next(iter(field.codes))
            elif field.type == "date":
                cells[column] = (
                    "05/06/2024" if "%d/%m/%Y" in (how.date or preset.dates) else _written(how.date or preset.dates)
                )
            elif field.type in {"integer", "number"}:
                cells[column] = "6"
            elif name in {"address", "postcode"}:
                spare = (
                    "14 Example Road, SE15 4QL"
                    if how.extract
                    else "SE15 4QL"
                    if name == "postcode"
                    else "14 Example Road"
                )
                cells[column] = spare
            elif name.endswith("uprn"):
                cells[column] = "100023336956"
            elif name == "ward_code" or name == "covers_ward":
                cells[column] = "E05000001"
            elif name == "lsoa_code":
                cells[column] = "E01000001"
            else:
                cells[column] = "Example"
    text = io.StringIO()
    writer = csv.DictWriter(text, list(cells))
    writer.writeheader()
    writer.writerow(cells)
    return text.getvalue().encode(preset.shape.encoding)


def _written(formats) -> str:
    return date(2024, 6, 5).strftime(formats[0])


@pytest.mark.parametrize(("system", "dataset"), PRESETS, ids=[f"{s}-{d}" for s, d in PRESETS])
def test_extends_and_nothing_else_maps_a_file(system, dataset, tmp_path, home):
    preset, contract = registry.preset(system, dataset), registry.contract(dataset)
    (tmp_path / "export.csv").write_bytes(extract_of(preset, contract))
    extract = Extract(Folder(str(tmp_path)), "export.csv", ".csv")
    with extract.open() as handle:
        names = headings(handle, preset.shape)
    drop = Drop(id="d", borough="camden", dataset=dataset, extract_date=date(2026, 9, 30), path="export.csv")
    files = IntakeFiles("d", Folder(str(tmp_path / "files")))
    counted = harmonise_extract(extract, drop, preset, contract, names, files)
    issues = count_issues(files)
    assert (counted.rows_in, counted.accepted) == (1, 1), issues.to_string()
    assert set(issues["issue_type"]) <= {"code_tidied"}
    row = files.read("rows").to_pylist()[0]
    assert all(row[name] is not None for name in preset.fields if name in contract.by_name)
