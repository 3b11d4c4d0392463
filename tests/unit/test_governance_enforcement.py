"""Derived tables and lists do not outlive the agreements that they rest on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from pipelines.core.tables import LINK, PROPERTY, SCORE
from pipelines.governance import access, audit, lake_deletion, stages, standing
from pipelines.governance.enforcement import apply_agreements
from pipelines.publish import publish_lists
from pipelines.ranking import current_list, rank
from tests.unit.agreed import agree, withdrawal
from tests.unit.governed_world import boroughs_with_lists, stored
from tests.unit.licensing_world import AS_OF, write_scores

TABLES = ("property", "link", "landlord", "score", "licensing")


@pytest.fixture
def world(home: Path) -> Path:
    boroughs_with_lists(home, camden=1, bexley=11)
    return home


def current(home: Path, borough: str) -> dict:
    return json.loads((home / "published" / borough / "current.json").read_text())


def entries(borough: str) -> int:
    with transaction() as session:
        of_borough = sa.select(PublishedList.id).where(PublishedList.borough == borough)
        return session.scalar(sa.select(sa.func.count()).where(ListEntry.list_id.in_(of_borough)))


def test_nothing_happens_while_everything_is_covered(world: Path):
    result = apply_agreements()
    assert (result.outcome, result.sentence) == ("unchanged", "All is covered.")
    assert current(world, "camden")["list"]


def test_a_gazetteer_that_has_lapsed_takes_the_list_and_all_tables_down(world: Path):
    agree(valid_until="2020-12-31", boroughs=["camden"])
    agree(id="the-rest", boroughs=["bexley"])
    # Before the night has run, nothing of it is shown or read.
    with pytest.raises(NotFound, match="ended on 31 December 2020"):
        current_list("camden")
    assert publish_lists("camden").outcome == "skipped"
    assert access.read_table("score", SCORE, boroughs=["camden"]).num_rows == 0
    assert access.read_table("property", PROPERTY).num_rows == 3
    result = apply_agreements()
    assert result.counts["lists"] == 1
    assert [stored(table, "camden") for table in TABLES] == [0] * 5
    assert all(not lake_deletion.old_files(table, {"borough": "camden"}) for table in TABLES)
    assert [stored(table, "bexley") > 0 for table in TABLES] == [True] * 5
    assert [stages.state_of(stage, "camden") for stage in ("link", "score", "licensing")] == [""] * 3
    told = current(world, "camden")
    assert told["list"] is None
    assert "ended on 31 December 2020" in told["why"]
    assert [p.name for p in (world / "published" / "camden").iterdir()] == ["current.json"]
    with pytest.raises(NotFound, match=r"taken down on .* may not be used any more"):
        current_list("camden")
    assert "taken down" in publish_lists("camden").sentence
    assert len(current_list("bexley", 3)[1]) == 3
    assert entries("camden") == 3, "unseen, until retention takes them"
    assert stored("harmonised/gazetteer", "camden") == 3
    assert apply_agreements().outcome == "unchanged"


def test_one_dataset_that_has_lapsed_takes_the_list_down_until_it_is_made_without(world: Path):
    agree(datasets=["gazetteer", "hmo_licence"])
    assert "council_tax" in standing.narrowed("camden")
    assert access.read_table("score", SCORE, boroughs=["camden"]).num_rows == 0
    assert access.read_table("link", LINK, boroughs=["camden"]).num_rows == 0
    with pytest.raises(NotFound, match="may not be shown"):
        current_list("camden")
    apply_agreements()
    with transaction() as session:
        (line,) = audit.lines(session, what="take list down", about="camden")
    assert line.details["lists"] == ["camden-2024-06-01-v1"]
    assert "No agreement lets camden share council_tax" in line.details["why"]
    # The night makes all of it anew; should the list come out the same, it is issued again all the same.
    borough_with_list_again("camden")
    issued, rows = current_list("camden", 3)
    assert (issued.version, len(rows)) == (2, 3)
    assert current(world, "camden")["list"] == "camden-2024-06-01-v2"


def borough_with_list_again(borough: str) -> None:
    """What the stages after the enforcement make, from the same properties."""
    from pipelines.core.tables import LICENSING
    from tests.unit.licensing_world import _table, write_properties

    uprns = ["1", "2", "3"]
    write_properties(*({"uprn": u, "address": f"{u} EXAMPLE ROAD"} for u in uprns), borough=borough)
    write_scores({u: 0.9 - int(u) / 1000 for u in uprns}, as_of=AS_OF, borough=borough)
    usual = {"borough": borough, "as_of": AS_OF, "needed": "mandatory", "status": "none"}
    rows = [usual | {"uprn": u, "building_uprn": u} for u in uprns]
    access.write_table("licensing", _table(LICENSING, rows), borough=borough, made_from={})
    assert rank(borough, AS_OF).outcome == "made"
    publish_lists(borough)


def test_a_dataset_that_is_withdrawn_takes_the_entries_with_it(world: Path):
    agree(withdrawals=[withdrawal(boroughs=["camden"], datasets=["council_tax"])])
    result = apply_agreements()
    assert (result.counts["withdrawn"], result.counts["lists"]) == (1, 1)
    assert (entries("camden"), entries("bexley")) == (0, 3)
    assert stored("harmonised/council_tax", "camden") == 0
    assert stored("harmonised/gazetteer", "camden") == 3
    assert [row[1] for row in stages.drops_behind(["camden"])] == ["gazetteer", "hmo_licence"]
    with transaction() as session:
        assert session.get(PublishedList, "camden-2024-06-01-v1").rows == 3, "what was issued stays on record"


def test_what_a_stage_worked_from_changes_with_the_agreements(world: Path):
    everything = stages.drops_behind(["camden"])
    agree(fields={"council_tax": {"without": ["liable_name"]}})
    limited = stages.drops_behind(["camden"])
    assert [row[:5] for row in limited] == [row[:5] for row in everything]
    assert limited != everything
    agree(datasets=["gazetteer"])
    assert [row[1] for row in stages.drops_behind(["camden"])] == ["gazetteer"]
    assert stages.drops_behind(["camden"], ["council_tax"]) == []


def test_another_run_that_is_at_work_holds_up_only_its_borough(world: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LODA_LOCK_TIMEOUT_SECONDS", "0.1")
    settings.cache_clear()
    agree(datasets=["gazetteer"])
    with exclusive("score-bexley"), pytest.raises(LodaError, match="bexley: Another run"):
        apply_agreements()
    assert [stored("score", borough) for borough in ("camden", "bexley")] == [0, 3]
    assert access.read_table("score", SCORE, boroughs=["bexley"]).num_rows == 0
    apply_agreements()
    assert stored("score", "bexley") == 0
