"""What a night without Airflow tells a lineage server: from drops to the model and to the lists, in one run."""

from __future__ import annotations

import csv
import hashlib
import json
from typing import Any

import pytest

from tests.night.conftest import BOROUGHS, CANARY, Night

Event = dict[str, Any]


def events(night: Night) -> list[Event]:
    return [json.loads(line) for line in night.lineage.read_text().splitlines()]


def ended(night: Night, stage: str, borough: str = "london") -> Event:
    (found,) = [
        event
        for event in events(night)
        if (event["eventType"], event["job"]["name"]) == ("COMPLETE", f"{stage}.{borough}")
    ]
    return found


def one(datasets: list[Event], part: str) -> Event:
    (found,) = [dataset for dataset in datasets if part in dataset["name"]]
    return found


def version(dataset: Event) -> str:
    told: str = dataset["facets"]["version"]["datasetVersion"]
    return told


def test_the_model_is_made_by_training_and_read_by_what_scores_and_explains(night: Night) -> None:
    made = one(ended(night, "train")["outputs"], ".skops")
    (file,) = (night.home / "models").glob("*.skops")
    assert made["name"] == str(file)
    assert version(made) == hashlib.sha256(file.read_bytes()).hexdigest()
    assert made["outputFacets"]["outputStatistics"]["size"] == file.stat().st_size
    for borough in BOROUGHS:
        for stage in ("score", "dossiers"):
            used = one(ended(night, stage, borough)["inputs"], ".skops")
            assert (used["name"], version(used)) == (made["name"], version(made)), stage


@pytest.mark.parametrize("borough", BOROUGHS)
def test_a_list_goes_from_the_ledger_to_the_files_of_its_borough(night: Night, borough: str) -> None:
    issued = one(ended(night, "rank", borough)["outputs"], "loda_list_entry")
    current = night.home / "published" / borough / "current.json"
    folder = current.parent / json.loads(current.read_text())["version"]
    with (folder / "list.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows
    assert version(issued) == json.loads((folder / "manifest.json").read_text())["list"]
    assert issued["outputFacets"]["outputStatistics"]["rowCount"] == len(rows)
    for stage in ("dossiers", "publish_lists"):
        source = one(ended(night, stage, borough)["inputs"], "loda_list_entry")
        assert (source["name"], version(source)) == (issued["name"], version(issued))
    (files,) = ended(night, "publish_lists", borough)["outputs"]
    assert files["name"] == str(current.parent)
    assert version(files) == hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert files["outputFacets"]["outputStatistics"]["rowCount"] == len(rows)
    assert [field["name"] for field in files["facets"]["schema"]["fields"]] == list(rows[0])


def test_every_stage_is_part_of_the_night_also_in_worker_processes(night: Night) -> None:
    told = events(night)
    (begun,) = [event for event in told if (event["eventType"], event["job"]["name"]) == ("START", "night.london")]
    stages = [event for event in told if event["job"]["name"] != "night.london"]
    assert {event["job"]["name"].split(".")[0] for event in stages} >= {"admit", "link", "train", "rank", "dossiers"}
    assert {event["run"]["facets"]["parent"]["run"]["runId"] for event in stages} == {begun["run"]["runId"]}
    assert "FAIL" not in {event["eventType"] for event in told}


def test_events_name_nobody(night: Night) -> None:
    assert night.planted > 1000
    assert CANARY not in night.lineage.read_text()
