"""The page of each dataset says everything its contract does, in words, and nothing it should not."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines import publish
from pipelines.cli import app
from pipelines.publish.dataset_pages import common_faults, dataset_files, dataset_page, rules_in_words
from schemas import registry
from schemas.guidance import SHORT_TREATMENT, TREATMENT
from schemas.sample import csv_sample
from schemas.template import csv_template

DATASETS = sorted(registry.contracts())


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return dataset_files()


def text_of(page: bytes) -> str:
    """What a reader sees, on one line."""
    body = re.sub(r"<style>.*?</style>", "", page.decode(), flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


@pytest.mark.parametrize("dataset", DATASETS)
def test_page_has_every_field_code_and_class(files: dict[str, bytes], dataset: str) -> None:
    contract = registry.contract(dataset)
    shown = text_of(files[f"{dataset}.html"])
    for words in (contract.title, contract.purpose, contract.usage, f"drops/<borough>/{dataset}/"):
        assert words in shown
    for field in contract.fields:
        assert field.title in shown
        assert field.name in shown
        assert field.description.split(";")[0].rstrip(".") in shown
        assert all(meaning in shown for meaning in (field.codes or {}).values())
        assert SHORT_TREATMENT[field.privacy] in shown
        assert TREATMENT[field.privacy] in shown
    assert shown.count("must be filled") >= len(contract.required)
    assert all(item in shown for item in contract.do_not_send)


@pytest.mark.parametrize("dataset", DATASETS)
def test_template_and_sample_lie_beside_the_page(files: dict[str, bytes], dataset: str) -> None:
    contract = registry.contract(dataset)
    assert files[f"{dataset}.template.csv"].decode() == csv_template(contract)
    assert files[f"{dataset}.sample.csv"].decode() == csv_sample(contract)
    assert files[f"{dataset}.template.xlsx"][:2] == b"PK"
    page = files[f"{dataset}.html"].decode()
    for kind in ("template.xlsx", "template.csv", "sample.csv"):
        assert f'href="{dataset}.{kind}"' in page
        assert f'href="{dataset}.{kind}"' in files["index.html"].decode()


def test_links_lead_somewhere(files: dict[str, bytes]) -> None:
    for name, content in files.items():
        if not name.endswith(".html"):
            continue
        page = content.decode()
        for target in re.findall(r'href="([^"]+)"', page):
            if target.startswith("#"):
                assert f'id="{target[1:]}"' in page, (name, target)
            else:
                assert target in files, (name, target)
        assert not re.search(r'(src|href)="https?:', page)
        assert "<script" not in page


def test_rules_between_fields_stand_in_words() -> None:
    rules = rules_in_words(registry.contract("hmo_licence"))
    assert "Commencement and Expiry: the end is before the start." in rules["row"]
    assert any(rule.startswith("Permitted persons, where Licence type is mandatory:") for rule in rules["note"])
    assert "Address: blank, or nothing that can be read." in rules["row"]
    assert any("UPRN" in rule for rule in rules["cell"])


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_rule_is_a_sentence_without_our_words(dataset: str) -> None:
    told = [rule for rules in rules_in_words(registry.contract(dataset)).values() for rule in rules]
    assert len(told) == len(set(told))
    for rule in told:
        assert rule.endswith(".")
        assert not re.search(r"Expect[A-Z]|column_|_missing|None|\{", rule), rule


def test_faults_are_those_of_the_dataset() -> None:
    names = {dataset: {fault.name for fault in common_faults(registry.contract(dataset))} for dataset in DATASETS}
    assert "A UPRN that a spreadsheet rounded" in names["council_tax"]
    assert "A UPRN that a spreadsheet rounded" not in names["licensing_scheme"]
    assert "A flat without its number" not in names["licensing_scheme"]
    assert all("Dates in another order" in found for found in names.values())


def test_page_says_when_no_agreement_is_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    contract = registry.contract("waste")
    assert "No agreement in force" not in text_of(dataset_page(contract))
    monkeypatch.setenv("LODA_NOW", "2099-01-01T00:00:00+00:00")
    assert "No agreement in force covers it today" in text_of(dataset_page(contract))


def test_direct_identifiers_are_called_personal(files: dict[str, bytes]) -> None:
    shown = text_of(files["council_tax.html"])
    assert shown.count("personal: replaced by a token") >= 3
    assert "personal: replaced by a token" not in text_of(files["waste.html"])


def test_loda_datasets(tmp_path: Path) -> None:
    out = tmp_path / "pages"
    done = CliRunner().invoke(app, ["datasets", "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert len(list(out.iterdir())) == 1 + 4 * len(DATASETS)
    listed = json.loads(CliRunner().invoke(app, ["datasets", "--json"]).output)
    assert sorted(row["dataset"] for row in listed) == DATASETS
    assert "council_tax" in CliRunner().invoke(app, ["datasets"]).output


def test_stage_writes_once_and_again_when_something_changed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", "2026-10-01T02:00:00+00:00")
    first = publish.publish_pages()
    assert first.outcome == "made"
    folder = home / "published" / "datasets"
    assert len(list(folder.iterdir())) == 1 + 4 * len(DATASETS)
    assert publish.publish_pages().outcome == "unchanged"
    (folder / "index.html").unlink()
    assert publish.publish_pages().counts["files"] == 1 + 4 * len(DATASETS), "the folder is made whole again"
    monkeypatch.setenv("LODA_NOW", "2026-11-01T02:00:00+00:00")
    assert publish.publish_pages().outcome == "unchanged", "another day is no other page"
    monkeypatch.setattr("pipelines.publish.pages.look", lambda: "another look")
    assert publish.publish_pages().outcome == "made"
