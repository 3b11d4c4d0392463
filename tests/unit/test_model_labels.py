"""Labels and splits: what counts as an answer, and which day's features it may train."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.hmo import examples, inputs, labels, splits
from models.hmo.days import day_number
from models.hmo.evidence import Evidence
from tests.homes import own_home
from tests.unit.model_world import AS_OF, World, make

BOROUGH = "camden"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    with own_home(tmp_path) as folder:
        yield folder


@pytest.fixture
def world(home: Path) -> World:
    made = make((BOROUGH,), dwellings=200)
    for dataset in ("hmo_licence", "inspection", "licence_application"):
        made.boroughs[BOROUGH][dataset] = made.boroughs[BOROUGH][dataset].iloc[:0]
    return made


def homes(world: World) -> list[str]:
    spine = world.boroughs[BOROUGH]["property"]
    return spine.loc[spine["parent_uprn"].isna() & (spine["blpu_class"] != "PP"), "uprn"].tolist()


def day(back: int) -> date:
    return AS_OF - timedelta(days=back)


def visit(world: World, uprn: str, back: int, finding: str | None, **more: Any) -> None:
    given = {"access": "gained", "visit_reason": "complaint", "known_since": day(back - 5)} | more
    world.add(BOROUGH, "inspection", uprn, visit_date=day(back), finding=finding, **given)


def licence(world: World, uprn: str, back: int, kind: str = "mandatory", years: int = 5, **more: Any) -> None:
    given = {"known_since": day(back), "expiry_date": day(back - 365 * years)} | more
    world.add(BOROUGH, "hmo_licence", uprn, licence_type=kind, commencement_date=day(back), **given)


def evidence(world: World) -> Evidence:
    world.write_all()
    return next(inputs.read_evidence([BOROUGH]))


def test_what_is_an_answer(world):
    licensed, selective, lapsed, hmo, none, refused, both, later = homes(world)[:8]
    licence(world, licensed, 100)
    licence(world, selective, 100, "selective")
    licence(world, lapsed, 1000, years=1)
    visit(world, hmo, 50, "hmo_not_licensable")
    visit(world, none, 50, "single_household")
    visit(world, refused, 50, None, access="no_access")
    visit(world, both, 300, "hmo_unlicensed")
    visit(world, both, 30, "not_hmo")
    visit(world, later, 20, "hmo_unlicensed", known_since=AS_OF + timedelta(days=1))
    own = evidence(world)
    found = pd.Series(labels.labels_at(own, AS_OF), index=own.uprns)
    assert found[[licensed, hmo]].tolist() == [1, 1]
    assert found[[none, both]].tolist() == [0, 0]
    assert found[[selective, lapsed, refused, later]].isna().all()
    assert found.notna().sum() == 4
    assert labels.labels_at(own, day(40))[own.uprns == both] == 1


def test_which_visits_the_council_chose(world):
    reasons = ["programme", "list", "control", "complaint", "licence_check", None]
    visited = homes(world)[: len(reasons) + 1]
    for uprn, reason in zip(visited, reasons, strict=False):
        visit(world, uprn, 50, "single_household", visit_reason=reason)
    # A home that a programme led to stays one of its homes, whatever leads there later.
    visit(world, visited[-1], 90, "not_hmo", visit_reason="programme")
    visit(world, visited[-1], 40, "hmo_unlicensed", visit_reason="complaint")
    own = evidence(world)
    given = labels.answers(own)
    planned = {own.uprns[row] for row in given.row[given.planned]}
    assert planned == {*visited[:3], visited[-1]}
    standing = examples.gather(own, AS_OF, splits.history(AS_OF), 1).standing
    assert int(standing.planned.sum()) == 4
    assert int((standing.planned & standing.hmo).sum()) == 1
    assert not (standing.planned & ~standing.visit).any()


def test_an_answer_trains_only_the_last_day_before_it_could_matter(world):
    plain, applied, renewed, too_old, late = homes(world)[:5]
    dates = splits.history(AS_OF)
    newest, before = (AS_OF - dates[-1]).days, (AS_OF - dates[-2]).days
    licence(world, plain, newest - 20)
    licence(world, applied, newest - 20)
    world.add(
        BOROUGH, "licence_application", applied, application_kind="new", received_date=day(newest + 20),
        known_since=day(newest + 20),
    )  # fmt: skip
    licence(world, renewed, 1900)
    licence(world, renewed, 60)
    licence(world, too_old, 1500)
    visit(world, late, newest + 3, "hmo_unlicensed", known_since=day(newest - 30))
    own = evidence(world)
    made = labels.training_labels(own, AS_OF, dates)
    index_of = {own.uprns[row]: index for row, index in zip(made.row, made.date_index, strict=True)}
    assert index_of == {plain: 3, applied: 2, late: 2}
    moments = pd.Series(labels.answers(own).moment).groupby(labels.answers(own).row).min()
    for row, index in zip(made.row, made.date_index, strict=True):
        assert day_number(dates[index]) < moments[row]
    assert before > newest


def test_no_future_answer_reaches_training(world):
    planted = homes(world)[0]
    licence(world, homes(world)[1], 100)
    before = labels.training_labels(evidence(world), AS_OF, splits.history(AS_OF))
    visit(world, planted, -3, "hmo_unlicensed", known_since=AS_OF + timedelta(days=4))
    visit(world, planted, 3, "hmo_unlicensed", known_since=AS_OF + timedelta(days=1))
    own = evidence(world)
    after = labels.training_labels(own, AS_OF, splits.history(AS_OF))
    assert after.row.tolist() == before.row.tolist()
    assert not labels.settled(own, AS_OF)[own.uprns == planted].any()


def test_a_licensed_building_takes_its_flats_out_of_the_unlabelled(world):
    spine = world.boroughs[BOROUGH]["property"]
    shell = spine.loc[spine["blpu_class"] == "PP", "uprn"].iloc[0]
    licence(world, shell, 500)
    own = evidence(world)
    out = set(own.uprns[labels.settled(own, AS_OF)])
    assert out == {shell, *spine.loc[spine["parent_uprn"] == shell, "uprn"]}


def test_unlabelled_rows_weigh_the_same_wherever_a_borough_licensed(world):
    for uprn in homes(world)[:6]:
        licence(world, uprn, 100)
    visit(world, homes(world)[7], 100, "not_hmo")
    rows = examples.gather(evidence(world), AS_OF, splits.history(AS_OF), 1)
    weights = rows.standing.weights()
    unlabelled = ~rows.standing.labelled
    assert weights[unlabelled].sum() == pytest.approx(examples.UNLABELLED_RATIO * rows.standing.hmo.sum())
    assert set(weights[~unlabelled]) == {1.0}
    assert not rows.before.hmo[~rows.before.labelled].any()
    again = examples.gather(evidence(world), AS_OF, splits.history(AS_OF), 1)
    np.testing.assert_array_equal(again.before.values, rows.before.values)


def test_history_of_the_worked_example():
    assert splits.history(date(2026, 10, 1)) == [
        date(2024, 10, 3),
        date(2025, 4, 3),
        date(2025, 10, 2),
        date(2026, 4, 2),
    ]


def test_folds_leave_whole_boroughs_out():
    groups = np.repeat([f"borough {n}" for n in range(7)], [5, 50, 20, 20, 10, 1, 30])
    fold = splits.folds(groups, np.ones(len(groups), dtype=bool))
    assert pd.Series(fold).groupby(groups).nunique().eq(1).all()
    assert set(fold) == set(range(splits.FOLDS))
    np.testing.assert_array_equal(fold, splits.folds(groups, np.ones(len(groups), dtype=bool)))
    assert set(splits.folds(np.array(["one"] * 3), np.ones(3, dtype=bool))) == {0}
