"""Training, promotion, scoring: the same inputs give the same model, and only a sound file is opened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skops.io
import sqlalchemy as sa

from models.hmo import build_features, estimator, features, level, matrix, model_file, promote, registry, score, train
from models.hmo.model_file import UntrustedModel
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, ModelVersion
from pipelines.core.settings import settings
from pipelines.core.tables import SCORE
from pipelines.governance import access
from tests.homes import own_home
from tests.unit.model_world import AS_OF, World, make

BOROUGHS = ("camden", "hackney")


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """One world with features, a model and scores, for tests that only look."""
    folder = tmp_path_factory.mktemp("night")
    with own_home(folder), pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator.SETTINGS, "max_iter", 30)
        world = make(BOROUGHS, dwellings=1200)
        world.write_all()
        early = score("camden", AS_OF)
        built = [build_features(borough, AS_OF) for borough in BOROUGHS]
        trained = train(AS_OF)
        scored = [score(borough, AS_OF) for borough in BOROUGHS]
        yield SimpleNamespace(world=world, early=early, built=built, trained=trained, scored=scored)


def champion() -> ModelVersion:
    found = registry.champion()
    assert found is not None
    return found


def test_the_first_model_is_champion_and_says_so(night):
    assert night.trained.outcome == "made", night.trained.sentence
    made = champion()
    assert made.id.startswith(f"hmo-{AS_OF}-")
    assert made.promoted_by == "first model: no champion to compare with"
    path = settings().home / made.path
    assert path.name == f"{made.id}.skops"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == made.sha256


def test_the_same_inputs_are_not_trained_twice(night):
    again = train(AS_OF)
    assert again.outcome == "unchanged"
    assert champion().id in again.sentence


def test_metrics_hold_lists_against_baselines(night):
    metrics = champion().metrics
    assert metrics["labels"]["boroughs"] == 2
    for key in ("lists_forward", "lists_left_out"):
        rankers = metrics[key]["rankers"]
        assert set(rankers) == {"model", "random", "complaints_only", "rule_of_thumb"}
        assert rankers["random"]["lift"] == pytest.approx(1, abs=0.01)
        assert rankers["model"]["lift"] > rankers["complaints_only"]["lift"]
    assert metrics["calibration"]["on"] in (level.PLANNED, level.VISITS, level.REGISTER)
    assert metrics["left_out"]["by"] == "borough"
    assert metrics["left_out"]["all"]["auc"] > 0.8


def test_the_card_is_written_from_the_run(night):
    made = champion()
    card = (Path(settings().models_url) / f"{made.id}.card.md").read_text(encoding="utf-8")
    for words in ("A lead to check, not a finding", "Labels and their bias", "inspector's rule of thumb", "Limits"):
        assert words in card
    assert str(made.metrics["labels"]["hmos"]) in card
    assert all(name in card for name in features.NAMES)


def test_scores_rank_the_truth_and_carry_reasons(night):
    assert night.early.outcome == "skipped"
    assert "train one" in night.early.sentence
    table = access.read_table("score", SCORE, boroughs=["camden"]).to_pandas()
    assert len(table) == night.built[0].counts["properties"]
    assert table["probability"].between(0, 1).all()
    assert set(table["model_id"]) == {champion().id}
    truth = table["uprn"].map(night.world.truth["camden"])
    top = table["probability"].rank(ascending=False) <= 30
    assert truth[top].mean() > 5 * truth.mean()
    assert table.loc[top, "reasons"].map(len).ge(2).all()
    assert table["reasons"].map(len).max() <= 3
    assert all("(" in reason for told in table.loc[top, "reasons"] for reason in told)
    assert score("camden", AS_OF).outcome == "unchanged"


def test_scores_are_what_their_reasons_add_up_to(night):
    rows = access.read_table("matrix", matrix.MATRIX, boroughs=["camden"]).to_pandas().set_index("uprn")
    told = access.read_table("score", SCORE, boroughs=["camden"]).to_pandas().set_index("uprn")
    detector = model_file.load(champion())
    base, shares = detector.reasons(rows[list(detector.features)].to_numpy())
    log_odds = np.log(told["probability"] / (1 - told["probability"])).loc[rows.index]
    np.testing.assert_allclose(base + shares.sum(axis=1), log_odds, atol=1e-7)


def test_a_changed_file_is_refused_with_a_sentence(night):
    made = champion()
    path = settings().home / made.path
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(UntrustedModel, match="is not the one that was trained"):
            model_file.load(made)
        path.unlink()
        with pytest.raises(NotFound, match="is gone"):
            model_file.load(made)
    finally:
        path.write_bytes(whole)
    assert model_file.load(made).features == features.NAMES


class Stowaway:
    """A type that has no business in a model file."""


def test_a_type_that_is_not_trusted_is_refused(night, tmp_path):
    made = champion()
    path = settings().home / "models" / "stowaway.skops"
    path.write_bytes(skops.io.dumps({"model": Stowaway()}))
    planted = ModelVersion(
        id="stowaway", path="models/stowaway.skops", sha256=hashlib.sha256(path.read_bytes()).hexdigest()
    )
    with pytest.raises(UntrustedModel, match="types that are not trusted"):
        model_file.load(planted)
    assert made.id != "stowaway"


def test_a_person_promotes_with_a_reason(night):
    first = champion()
    with transaction() as session:
        session.add(
            ModelVersion(
                id="hmo-challenger",
                as_of=AS_OF,
                trained_at=first.trained_at,
                status="challenger",
                path=first.path,
                sha256=first.sha256,
                hashes={},
                metrics={},
            )
        )
    with pytest.raises(ConfigurationError, match="named person"):
        promote("hmo-challenger", "  ", "better")
    with pytest.raises(NotFound, match="no model"):
        promote("hmo-nobody", "A Person", "better")
    assert promote("hmo-challenger", "A Person", "finds more").outcome == "made"
    chosen = champion()
    assert (chosen.id, chosen.promoted_by, chosen.promotion_reason) == ("hmo-challenger", "A Person", "finds more")
    assert registry.version(first.id).status == "retired"
    assert promote("hmo-challenger", "A Person", "again").outcome == "unchanged"
    with transaction() as session:
        told = session.scalars(sa.select(AuditEvent).where(AuditEvent.what == "promote model")).one()
        assert (told.who, told.about) == ("A Person", "hmo-challenger")
    assert score("camden", AS_OF).outcome == "made", "another champion scores anew"
    assert promote(first.id, "A Person", "back").outcome == "made"


def test_a_later_model_is_a_challenger_and_the_same_inputs_the_same_model(night):
    before = champion()
    values = np.random.default_rng(0).integers(0, 5, (50, len(features.NAMES))).astype(float)
    expected = model_file.load(before).probability(values)
    (settings().home / before.path).unlink()
    again = train(AS_OF)
    assert again.outcome == "made"
    made = champion()
    assert made.id == before.id
    np.testing.assert_array_equal(model_file.load(made).probability(values), expected)
    assert made.metrics == before.metrics
    night.world.write("camden")
    later = train(AS_OF)
    assert later.outcome == "made"
    assert "challenger" in later.sentence
    assert champion().id == before.id


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """Another home than the night's, which stays open: the tests below come after all that look at it."""
    with own_home(tmp_path) as folder:
        yield folder


def test_too_few_labels_are_no_model(home: Path):
    world: World = make(("camden",), dwellings=150)
    world.write_all()
    result = train(AS_OF)
    assert result.outcome == "skipped"
    assert "are needed to train" in result.sentence
    assert registry.champion() is None


def test_one_borough_alone_is_split_by_street(home: Path, monkeypatch):
    monkeypatch.setitem(estimator.SETTINGS, "max_iter", 30)
    world = make(("camden",), dwellings=1200)
    world.write_all()
    assert train(AS_OF).outcome == "made"
    metrics = champion().metrics
    assert metrics["left_out"]["by"] == "street"
    assert metrics["lists_left_out"] == {}
