"""Declarations: whole, agreed on for their purpose, and what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from models.hmo import features, inputs
from models.hmo.features import page
from models.hmo.sources import LABEL_DATASETS, PURPOSE
from pipelines.governance import access
from schemas import registry
from schemas.agreement import PURPOSES, Agreement
from tests.homes import own_home
from tests.unit.model_world import AS_OF, World, make

PAGE = Path(__file__).parents[2] / "docs" / "features.md"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with own_home(tmp_path):
        found = make(("camden",), dwellings=150)
        found.write_all()
        yield found


def test_the_page_lists_every_feature_as_it_is_declared():
    assert PAGE.read_text(encoding="utf-8") == page.text(), "python -m models.hmo.features.page > docs/features.md"
    for feature in features.FEATURES:
        assert f"| {feature.name} |" in page.text()


def test_every_dataset_of_a_feature_is_in_an_agreement_for_its_purpose():
    assert page.unagreed(registry.agreements()) == []
    for feature in features.FEATURES:
        assert feature.purpose in PURPOSES
        assert feature.purpose == PURPOSE, "evidence is read for one purpose"
        assert feature.rests_on, feature.name
        assert set(feature.rests_on) <= set(registry.contracts()), feature.name
        own_row = set(feature.rests_on) if feature.dataset not in ("landlord", "nearby") else set()
        assert not own_row & LABEL_DATASETS, feature.name


def test_a_dataset_that_is_in_no_agreement_is_told_by_name():
    whole = next(a for a in registry.agreements() if a.id == "london-hmo")
    parts = tuple(name for name in registry.contracts() if name != "waste")
    less: Agreement = whole.model_copy(update={"datasets": parts})
    told = page.unagreed([less])
    assert told
    assert all("waste" in sentence for sentence in told)
    assert {f.name for f in features.FEATURES if "waste" in f.rests_on} == {s.split("'")[1] for s in told}


@pytest.mark.parametrize("dataset", ["waste", "electoral", "service_request", "hmo_licence", "council_tax"])
def test_what_a_feature_rests_on_must_be_agreed_or_it_is_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch, dataset: str
):
    agreed = access.allowed
    monkeypatch.setattr(access, "allowed", lambda b, of, purpose, on=None: of != dataset and agreed(b, of, purpose, on))
    evidence = next(inputs.read_evidence(["camden"]))
    values = features.values(evidence.at(AS_OF))
    for at, feature in enumerate(features.FEATURES):
        if dataset in feature.rests_on:
            assert np.isnan(values[:, at]).all(), feature.name


def test_one_purpose_does_not_cover_another(world: World):
    evidence = next(inputs.read_evidence(["camden"]))
    view = evidence.at(AS_OF)
    assert view.agreed(["waste", "epc"], PURPOSE)
    assert not view.agreed(["waste"], "another purpose")
