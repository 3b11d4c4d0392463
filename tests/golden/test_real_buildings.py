"""Real buildings of two boroughs of New York, real answers: each borough by a model that has seen only the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score, roc_auc_score

from models.learning.boosting import one_thread
from models.table import fit_table
from models.table import report as telling
from tests.conftest import real_data

FILE = real_data() / "buildings" / "nyc_buildings_manhattan_bronx.csv.gz"
LABEL = "viol_bbl_ser_2016"

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the buildings of New York are not beside this checkout")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("buildings")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(telling, "draw", lambda *_: [])  # pictures are looked at beside small tables
        return fit_table(FILE, LABEL, "boro", out), out


def test_the_answers_own_year_is_refused_and_nothing_else(made: tuple[dict[str, Any], Path]):
    report, _ = made
    assert {r["column"]: r["rule"] for r in report["refused"]} == {
        "viol_bbl_oth_2016": "period",
        "viol_trct_2016": "period",
    }
    assert {c["column"] for c in report["left_out"]} == {"bbl", "cd"}
    assert len(report["features"]) == 28


@pytest.mark.parametrize("borough", ["1", "2"])
def test_it_beats_plain_boosting_and_any_one_column_in_the_other_borough(
    made: tuple[dict[str, Any], Path], borough: str
):
    report, out = made
    frame = pd.read_csv(FILE)
    own = (frame["boro"].astype(str) == borough).to_numpy()
    answer = (frame[LABEL] > 0).to_numpy()
    values = frame.drop(columns=[LABEL, "boro", "bbl", *(r["column"] for r in report["refused"])])
    for column in ("zoning1", "building_class1"):
        values[column] = values[column].astype("category").cat.codes
    with one_thread():
        plain = HistGradientBoostingClassifier(random_state=0).fit(values[~own], answer[~own])
        theirs = plain.decision_function(values[own])
    ours = pd.read_parquet(out / "scores.parquet")["score"].to_numpy()[own]
    told = report["groups"][borough]
    assert told["auc"] == pytest.approx(roc_auc_score(answer[own], ours), abs=1e-6)
    assert told["average_precision"] == pytest.approx(average_precision_score(answer[own], ours), abs=1e-6)
    assert told["auc"] > roc_auc_score(answer[own], theirs) + 0.001
    assert told["average_precision"] > average_precision_score(answer[own], theirs)
    assert told["auc"] > report["one_feature"][borough]["auc"] + 0.03
    assert told["auc"] > max(
        roc_auc_score(answer[own], frame.loc[own, c]) for c in ("viol_bbl_ser_2015", "comp_bbl_2015")
    )
    assert told["ece"] < 0.06


def test_reasons_of_real_buildings_add_up(made: tuple[dict[str, Any], Path]):
    _, out = made
    reasons = pd.read_parquet(out / "reasons.parquet")
    first = reasons.groupby("row").first()
    total = first["base"] + first["others"] + reasons.groupby("row")["contribution"].sum()
    assert len(total) > 2000
    np.testing.assert_allclose(total, first["log_odds"], atol=1e-9)
