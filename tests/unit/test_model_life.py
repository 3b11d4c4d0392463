"""Champion and challenger on the same homes, drift as the stage tells it, the audit, the card and the record."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from models import hmo
from models.hmo import (
    atrs,
    build_features,
    drift,
    estimator,
    fairness,
    judge,
    profiles,
    registry,
    score,
    train,
)
from models.hmo.recommendation import recommend
from models.hmo.sources import COLUMNS
from pipelines.cli import app
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.settings import settings
from pipelines.core.tables import SCORE
from pipelines.governance import access
from tests.homes import own_home
from tests.unit.model_world import AS_OF, make

BOROUGHS = ("camden", "hackney")
TRAINED = AS_OF - timedelta(days=300)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A champion trained 300 days ago, a challenger 200 days ago, and today's scores; area tables for one borough."""
    folder = tmp_path_factory.mktemp("life")
    with own_home(folder), pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator.SETTINGS, "max_iter", 20)
        world = make(BOROUGHS, dwellings=1500)
        world.write_all()
        areas = [f"E{n}" for n in range(8)]
        settings().reference_dir.mkdir()
        (settings().reference_dir / "deprivation.csv").write_text(
            "lsoa_code,deprivation_decile\n" + "".join(f"{a},{1 + n % 10}\n" for n, a in enumerate(areas))
        )
        first = train(TRAINED)
        second = train(AS_OF - timedelta(days=200))
        champion, challenger = registry.champion(), registry.newest("challenger")
        for borough in BOROUGHS:
            build_features(borough, AS_OF)
        scored = [score(borough, AS_OF) for borough in BOROUGHS]
        yield SimpleNamespace(
            world=world,
            first=first,
            second=second,
            champion=champion,
            challenger=challenger,
            scored=scored,
            home=folder,
        )


def test_training_again_stays_a_challenger(night):
    assert "as champion" in night.first.sentence
    assert "as challenger" in night.second.sentence
    assert registry.champion().id == night.champion.id


def test_both_are_judged_on_the_same_homes_by_what_neither_has_seen(night):
    found = judge.compare(None, AS_OF)
    assert (found["champion"], found["challenger"]) == (night.champion.id, night.challenger.id)
    assert found["judged_from"] == (AS_OF - timedelta(days=200)).isoformat()
    since = found["since"]
    assert since["champion"]["hmos_to_find"] == since["challenger"]["hmos_to_find"] >= 15
    assert since["champion"]["places"] == since["challenger"]["places"] == 100
    for row in found["boroughs"]:
        for role in ("champion", "challenger"):
            assert row[role]["worst"] <= row[role]["found"] <= row[role]["best"]
        assert 0 < row["listed_by_both"] <= row["listed_today"] == row["capacity"] == 50
        assert row["rank_correlation"] > 0.5
    assert found["overlap"]["share"] == found["overlap"]["both"] / found["overlap"]["of"]
    assert set(found["calibration_since"]["champion"]) == {"brier", "bins"}
    assert registry.champion().id == night.champion.id, "comparing promotes nobody"
    assert found == judge.compare(night.challenger.id, AS_OF), "the same inputs, the same figures"


def test_a_model_against_itself_is_alike_and_refused_as_a_comparison(night):
    with pytest.raises(ConfigurationError, match="name another model"):
        judge.compare(night.champion.id, AS_OF)
    with pytest.raises(NotFound, match="no model 'nobody'"):
        judge.compare("nobody", AS_OF)


def test_figures_of_a_model_by_what_became_known_since(night):
    found = judge.evaluate_model(None, AS_OF)
    assert found["model"] == night.champion.id
    assert found["since"]["rankers"]["model"]["lift"] > 1.5
    assert found["run"]["lists_forward"] == night.champion.metrics["lists_forward"]
    assert found["calibration_since"]["brier"] < 0.3
    assert set(found["expected_today"]) == set(BOROUGHS)
    nothing = judge.evaluate_model(None, TRAINED)
    assert nothing["since"] == {}, "on the day of training nothing is known since"


@pytest.mark.parametrize(
    ("champion", "challenger", "worse", "says"),
    [
        (2, 3, [], "Too little is known yet"),
        (10, 12, [], "no difference to rely on"),
        (30, 8, [], "The champion is better: keep it"),
        (5, 30, [], "The challenger is better. If you answer for it: loda model promote new"),
        (5, 30, ["bexley"], "It finds fewer in bexley: ask these boroughs first."),
    ],
)
def test_the_recommendation_is_by_what_only_one_would_have_found(champion, challenger, worse, says):
    rows = [{"borough": name, "verdict": "worse"} for name in worse]
    trials = {"champion": {"lift": 3.0}, "challenger": {}}
    found = {"only_champion": champion, "only_challenger": challenger, "boroughs": rows, "judged_from": "2026-01-01"}
    assert says in recommend({**found, "challenger": "new", "own_trials": trials})


def test_the_score_stage_holds_todays_homes_against_the_day_of_training(night):
    kept = drift.as_kept()
    assert set(kept) == set(BOROUGHS)
    assert all(own["model"] == night.champion.id and own["compared"] > 20 for own in kept.values())
    assert night.scored[0].counts["moved"] == len(kept["camden"]["alerts"])
    text = (Path(settings().models_url) / profiles.name_of(night.champion.id)).read_text()
    assert set(json.loads(text)["counts"]) == set(BOROUGHS)
    assert not any(uprn in text for uprn in night.world.truth["camden"].index[:50])


def test_facts_are_true_and_raise_nothing(night):
    """Where a home has both, no fact repeats a reason, and every home has something to be told of."""
    table = access.read_table("score", SCORE, boroughs=["camden"]).to_pandas()
    assert not [1 for own, more in zip(table["reasons"], table["facts"], strict=True) if set(own) & set(more)]
    together = table["reasons"].map(len) + table["facts"].map(len)
    assert (together >= 3).mean() > 0.9
    assert (table["reasons"].map(len) < 3).any(), "the fallback is needed"
    assert table["facts"].map(len).max() <= 3


def test_commands_print_for_people_and_for_programs(night):
    run = CliRunner()
    for command in ("evaluate", "compare", "drift"):
        done = run.invoke(app, ["model", command, "--json"])
        assert done.exit_code == 0, done.stderr
        json.loads(done.stdout)
        told = run.invoke(app, ["model", command])
        assert told.exit_code == 0, told.stderr
        assert told.stdout.strip()
    wrong = run.invoke(app, ["model", "evaluate", "nobody"])
    assert wrong.exit_code != 0
    assert wrong.stderr.startswith("loda: There is no model 'nobody'")
    status = run.invoke(app, ["status", "--json"])
    alerts = {borough: own["alerts"] for borough, own in drift.as_kept().items() if own["alerts"]}
    assert json.loads(status.stdout)["moved"] == alerts
    again = run.invoke(app, ["model", "train", "--as-of", TRAINED.isoformat()])
    assert "was trained from the same inputs before" in again.stdout


@pytest.mark.parametrize("command", ["list", "train", "evaluate", "compare", "promote", "rollback", "card", "drift"])
def test_each_command_shows_an_example(command: str):
    assert "Example: loda model" in CliRunner().invoke(app, ["model", command, "--help"]).stdout


def test_card_and_record_are_written_from_the_run(night, tmp_path):
    done = CliRunner().invoke(app, ["model", "card", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    name = night.champion.id
    for ending in ("card.md", "atrs.md", "atrs.json"):
        beside = (Path(settings().models_url) / f"{name}.{ending}").read_text(encoding="utf-8")
        assert (tmp_path / f"{name}.{ending}").read_text(encoding="utf-8") == beside, "training wrote the same"
    record = json.loads((tmp_path / f"{name}.atrs.json").read_text(encoding="utf-8"))
    assert list(record["tier_2"]) == [
        "1. Owner and Responsibility",
        "2. Description and Rationale",
        "3. Deployment Context",
        "4. Tool Specification",
        "5. Risks, Mitigations and Impact Assessments",
    ]
    fields = {field["number"]: field for field in atrs.every_field(record)}
    counts = night.champion.metrics["labels"]
    assert f"{counts['homes']} homes; {counts['hmos']} known HMOs" in fields["4.3.3"]["text"]
    assert night.champion.sha256 in fields["4.2.2"]["text"]
    found = night.champion.metrics["lists_forward"]["rankers"]["model"]["found"]
    assert f"{found:.1f}" in fields["2.2"]["text"]
    assert "Housing Act 2004" in fields["4.3.9"]["text"]
    for number in ("1.1", "1.3", "2.3", "3.5", "5.1", "4"):
        assert fields[number]["to_fill_in"]
        assert atrs.TO_FILL_IN in fields[number]["text"]
    text = (tmp_path / f"{name}.atrs.md").read_text(encoding="utf-8")
    assert all(field["name"] in text for field in fields.values())


def test_the_audit_is_in_the_card_with_small_groups_suppressed(night):
    found = night.champion.metrics["fairness"]
    assert set(found["by"]) == {fairness.DEPRIVATION, fairness.TENURE, fairness.BOROUGH}
    assert found["absent"] == [fairness.ABSENT[fairness.ETHNICITY]]
    for groups in found["by"].values():
        for own in groups.values():
            assert own["homes"] is None or own["homes"] % 10 == 0
            for key in fairness.RATES:
                assert own[key] is None or own[key][1] <= own[key][0] <= own[key][2]
    card = (Path(settings().models_url) / f"{night.champion.id}.card.md").read_text(encoding="utf-8")
    assert "## Whom the list falls on" in card
    assert "No ethnicity*.csv lies in LODA_REFERENCE_DIR" in card


def area_files(home: Path) -> None:
    settings().reference_dir.mkdir(exist_ok=True)
    shares = {"asian": 0.1, "black": 0.1, "mixed": 0.1, "white": 0.6, "other": 0.1}
    rows = [{"lsoa_code": f"E{n}", **{f"share_{g}": s for g, s in shares.items()}} for n in range(10)]
    frame = pd.DataFrame(rows)
    frame["share_white"] = np.linspace(0.2, 0.9, 10)
    frame.to_csv(settings().reference_dir / "ethnicity.csv", index=False)


def test_rates_by_hand_and_a_difference_is_told_in_words(home: Path):
    world = make(("camden",), dwellings=1500)
    world.write_all()
    area_files(home)
    place = world.boroughs["camden"]["property"]
    first = (place["lsoa_code"] == "E0").to_numpy()
    found = np.full(len(place), np.nan)
    found[np.flatnonzero(first)[:20]] = 0
    found[np.flatnonzero(first)[20:30]] = 1
    parts = fairness.homes("camden", place["uprn"].to_numpy(), first.astype(float), found, int(first.sum()))
    told = fairness.audit([parts])
    groups = told["by"][fairness.ETHNICITY]
    top = groups["1_highest_share"]
    areas = place["lsoa_code"].isin(["E0", "E1"])
    assert top["selection_rate"][0] == pytest.approx(first.sum() / areas.sum(), abs=1e-4)
    assert top["false_positive_rate"][0] == 1.0
    assert top["false_discovery_rate"][0] == pytest.approx(20 / 30, abs=1e-4)
    assert groups["3"]["false_positive_rate"] is None, "nobody was visited there"
    assert any(s.startswith("By ethnic composition of the area: ") and "on the list" in s for s in told["differences"])
    assert told["absent"] == [fairness.ABSENT[fairness.DEPRIVATION]]


def test_groups_of_fewer_than_ten_are_not_shown():
    assert fairness.rate(4, 9) is None
    assert fairness.rate(4, 10) == [0.4, 0.1682, 0.6873]
    rows = pd.DataFrame({"borough": ["x"] * 9 + ["y"] * 16, "listed": True, "found": 0.0})
    rows[fairness.BOROUGH] = rows["borough"]
    groups = fairness._groups(rows, fairness.BOROUGH)
    assert groups["x"] == {
        "homes": None, "selection_rate": None, "false_positive_rate": None, "false_discovery_rate": None
    }  # fmt: skip
    assert groups["y"]["homes"] == 20, "rounded, so that no total gives the other away"


def test_a_faulty_area_table_is_told(home: Path):
    area_files(home)
    path = settings().reference_dir / "ethnicity.csv"
    path.write_text(path.read_text().replace("0.9", "nine"))
    with pytest.raises(ConfigurationError, match=r"ethnicity.csv has a share that is not a number from 0 to 1"):
        fairness._ethnic_fifths()
    path.write_text("lsoa_code,share_asian\nE1,0.5\n")
    with pytest.raises(ConfigurationError, match=r"ethnicity.csv lacks a column"):
        fairness._ethnic_fifths()


def test_no_feature_reads_what_the_audit_joins():
    """Attributes of areas and people join in `fairness` alone: no other module imports it but to be audited."""
    columns = {name for names in COLUMNS.values() for name in names}
    for part in ("ethnic", "deprivation", "religion", "nationality", "age_of", "disab", "sex"):
        assert not [name for name in columns if part in name]
        assert not [name for name in hmo.features.NAMES if part in name]
    allowed = {
        "pipelines.core.areas": {"fairness"},
        "models.hmo.fairness": {"train", "judge", "card"},
    }
    folder = Path(hmo.__file__).parent
    for path in folder.rglob("*.py"):
        for module in _imported(path):
            for name, who in allowed.items():
                if module == name or module.startswith(f"{name}."):
                    assert path.stem in who, f"{path.name} imports {name}"


def _imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found
