"""The control slice: a random sample in every list, in every cut of it, that nothing an officer reads gives away."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry
from pipelines.core.settings import settings
from pipelines.core.tables import SCORE
from pipelines.governance import access, stages
from pipelines.publish import publish_lists
from pipelines.ranking import control, current_list, rank, stability
from tests.unit.licensing_world import AS_OF, BOROUGH, write_properties, write_scores
from tests.unit.test_ranking import write_licensing

CANDIDATES = 400
CAPACITY = 40


def world(as_of: date = AS_OF, shift: float = 0.0) -> None:
    scores = {str(n): round(1 - n / 500 + shift * (n % 7), 6) for n in range(1, CANDIDATES + 1)}
    write_properties(*({"uprn": uprn} for uprn in scores))
    write_scores(scores, as_of=as_of)
    write_licensing({uprn: {} for uprn in scores}, as_of=as_of)


@pytest.fixture
def night(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LODA_CAPACITY", str(CAPACITY))
    monkeypatch.setenv("LODA_LIST_LENGTH", "3")
    settings.cache_clear()
    world()
    return home


def entries() -> list[ListEntry]:
    with transaction() as session:
        return list(session.scalars(sa.select(ListEntry).order_by(ListEntry.list_id, ListEntry.rank)))


def test_the_share_is_of_the_visits_and_at_least_one_where_capacity_allows():
    assert [control.places_a_block(capacity, 0.05) for capacity in (2, 4, 5, 20, 50, 200)] == [0, 0, 1, 1, 3, 10]
    assert control.places_a_block(50, 0.0) == 0


def test_a_list_holds_its_controls_with_the_chance_at_which_they_were_drawn(night: Path):
    result = rank(BOROUGH, AS_OF)
    issued, shown = current_list(BOROUGH)
    assert issued.control_frame == CANDIDATES
    drawn = [entry for entry in shown if entry.control_slot and entry.control_slot <= CAPACITY]
    assert len(drawn) == 2 == result.counts["controls"]
    assert {entry.control_inclusion for entry in drawn} == {2 / CANDIDATES}
    assert all(entry.rank <= entry.control_slot <= CAPACITY for entry in drawn)
    assert len({entry.uprn for entry in entries()}) == 3 * CAPACITY == len(entries())
    model = [entry.probability for entry in entries() if entry.control_slot is None]
    assert model == sorted(model, reverse=True), "all others stand likeliest first"
    assert len([e for e in entries() if e.control_slot]) == 6
    assert {e.control_inclusion for e in entries() if e.control_slot and e.control_slot > 80} == {6 / CANDIDATES}


@pytest.mark.parametrize("capacity", [1, 7, 39, 40, 41, 100, 120, 1000])
def test_any_cut_holds_each_control_whose_place_lies_within(night: Path, capacity: int):
    rank(BOROUGH, AS_OF)
    _, shown = current_list(BOROUGH, capacity)
    assert [entry.rank for entry in shown] == list(range(1, min(capacity, 3 * CAPACITY) + 1))
    within = {e.uprn for e in entries() if e.control_slot is not None and e.control_slot <= capacity}
    assert within <= {entry.uprn for entry in shown}


def test_the_same_night_draws_the_same_and_another_day_another(night: Path):
    rank(BOROUGH, AS_OF)
    assert rank(BOROUGH, AS_OF).outcome == "unchanged"
    first = {e.uprn for e in entries() if e.control_slot}
    later = date(2024, 6, 2)
    world(later)
    rank(BOROUGH, later)
    second = {e.uprn for e in entries() if e.control_slot and str(later) in e.list_id}
    assert len(first) == len(second) == 6
    assert first != second


def test_every_candidate_is_as_likely_as_any_other_in_every_cut():
    uprns = pd.Series([str(n) for n in range(100)])
    drawn = {20: np.zeros(100), 50: np.zeros(100)}
    for seed in range(1000):
        found = control.draw(uprns, 20, 60, 0.1, seed)
        for cut, times in drawn.items():
            times[found.drawn[found.slots <= cut]] += 1
    for cut, times in drawn.items():
        expected = times.sum() / 100
        assert times.sum() == pytest.approx(1000 * 0.1 * cut, rel=0.05)
        chi_square = ((times - expected) ** 2 / expected).sum()
        assert chi_square < 149, "99.9% of draws that favour nobody stay below (99 degrees of freedom)"
        assert abs(np.corrcoef(times, np.arange(100))[0, 1]) < 0.33


def test_nothing_that_would_be_visited_is_put_off_but_by_the_places_of_controls():
    for seed in range(200):
        found = control.draw(pd.Series([str(n) for n in range(30)]), 10, 30, 0.2, seed)
        order = control.arranged(30, found, 30)
        assert sorted(order) == list(range(30))
        where = np.argsort(order)
        assert (where[found.drawn] + 1 <= found.slots).all()
        others = order[~np.isin(order, found.drawn)]
        assert (np.diff(others) > 0).all()


def test_fewer_candidates_than_places():
    found = control.draw(pd.Series(["a", "b", "c"]), 10, 30, 0.2, 1)
    assert sorted(control.arranged(3, found, 30)) == [0, 1, 2]
    assert (found.slots <= 3).all()


def test_without_a_share_the_model_alone_makes_the_list(night: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_CONTROL_SHARE", "0")
    settings.cache_clear()
    rank(BOROUGH, AS_OF)
    issued, shown = current_list(BOROUGH)
    assert issued.control_frame is None
    assert [entry.uprn for entry in shown] == [str(n) for n in range(1, CAPACITY + 1)]
    told = CliRunner().invoke(app, ["list", BOROUGH]).stdout
    assert "probability" in told


def test_no_file_or_command_of_an_officer_tells_the_controls(night: Path):
    rank(BOROUGH, AS_OF)
    publish_lists(BOROUGH)
    drawn = {entry.uprn for entry in entries() if entry.control_slot}
    folder = night / "published" / BOROUGH / f"{AS_OF}-v1"
    texts = {path.name: path.read_bytes() for path in folder.iterdir()}
    with zipfile.ZipFile(folder / "list.xlsx") as book:
        texts["list.xlsx"] = b"".join(book.read(name) for name in book.namelist())
    run = CliRunner()
    texts["table"] = run.invoke(app, ["list", BOROUGH, "--capacity", "100"]).stdout.encode()
    texts["csv"] = run.invoke(app, ["list", BOROUGH, "--capacity", "100", "--format", "csv"]).stdout.encode()
    texts["json"] = run.invoke(app, ["list", BOROUGH, "--format", "json"]).stdout.encode()
    for name, content in texts.items():
        assert content, name
        assert b"control" not in content.lower().replace(b"controls from", b""), name
    for name in ("list.csv", "csv"):
        rows = list(csv.DictReader(io.StringIO(texts[name].decode())))
        assert {row["probability"] for row in rows} == {""}, "falling figures would tell"
        same = [{k: v for k, v in row.items() if k not in ("uprn", "rank", "address")} for row in rows]
        ours = [row for row, whole in zip(same, rows, strict=True) if whole["uprn"] in drawn]
        assert ours
        assert all(row in [r for r, w in zip(same, rows, strict=True) if w["uprn"] not in drawn] for row in ours)
    assert b"probability" not in texts["table"]
    assert pq.read_table(folder / "list.parquet")["probability"].null_count == 0, "programs have it"
    assert all(entry["probability"] > 0 for entry in json.loads(texts["json"])["entries"])


def test_an_entry_drawn_at_random_has_as_much_to_be_told_of_as_any_other(night: Path):
    """Of homes with a low score often nothing raises it: facts stand in, for controls alone."""
    rows = access.read_table("score", SCORE, boroughs=[BOROUGH]).to_pandas()
    rows["reasons"] = [["many surnames"]] * len(rows)
    rows["facts"] = [["79 square metres", "built before 1900", "2 storeys"]] * len(rows)
    table = pa.Table.from_pandas(rows, schema=SCORE, preserve_index=False)
    access.write_table("score", table, borough=BOROUGH, made_from={})
    rank(BOROUGH, AS_OF)
    told = {bool(entry.control_slot): entry.reasons for entry in entries()}
    assert told[True] == ["many surnames", "79 square metres", "built before 1900"]
    assert told[False] == ["many surnames"]


def test_stability_is_of_what_the_model_chose(night: Path):
    assert "stayed" not in rank(BOROUGH, AS_OF).counts
    later = date(2024, 6, 2)
    world(later)
    same = rank(BOROUGH, later)
    assert same.counts["stayed"] > 0.9, "but for controls, the same scores give the same list"
    assert same.counts["rank_correlation"] == pytest.approx(1, abs=1e-3)
    assert "of the visits are those of the list before" in same.sentence
    assert stages.summary_of("rank", BOROUGH)["stayed"] == same.counts["stayed"]
    third = date(2024, 6, 3)
    world(third, shift=0.05)
    moved = rank(BOROUGH, third)
    assert moved.counts["stayed"] < 0.6
    assert moved.counts["rank_correlation"] < 0.9


def test_stability_by_hand():
    was = pd.DataFrame({"uprn": ["a", "b", "c", "d"], "rank": [1, 2, 3, 4]})
    now = pd.DataFrame({"uprn": ["b", "a", "d", "e"], "rank": [1, 2, 3, 4]})
    assert stability.figures(was, now, 2) == {"stayed": 1.0, "rank_correlation": 0.5}
    assert stability.figures(was, now, 3) == {"stayed": 0.6667, "rank_correlation": 0.5}
    assert stability.figures(None, now, 3) == {}
