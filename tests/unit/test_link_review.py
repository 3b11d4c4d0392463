"""What people decide about links holds against the model, night after night, and is taken in safely."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, LinkReview
from pipelines.governance import audit, stages
from pipelines.link import Decision, LinkReason, link_borough
from tests.unit.link_lake import put
from tests.unit.review_world import (
    BOROUGH,
    FLATS,
    HOUSE,
    TWICE,
    decide,
    export,
    fill_in,
    gazetteer,
    linked,
    loda,
    night,
    read,
)


@pytest.fixture
def street(home: Path) -> Path:
    """The street and one record that waits; where the file of decisions goes."""
    put(BOROUGH, "gazetteer", gazetteer())
    assert night(TWICE)[1000]["decision"] == Decision.REVIEW
    return home / "review.csv"


def standing(history: bool = False) -> list[tuple[str, str]]:
    with transaction() as session:
        rows = session.scalars(sa.select(LinkReview).order_by(LinkReview.number)).all()
    return [(row.verdict, row.uprn) for row in rows if history or row.superseded_at is None]


def written(link: dict[str, Any]) -> tuple[str, str | None, str, str]:
    return link["decision"], link["uprn"], link["reason"], link["stage"]


# --- what a decision does ---


def test_is_decides_for_every_record_of_the_address_and_for_later_drops(street: Path) -> None:
    decide(street, "is", "42")
    expected = (Decision.LINKED, "42", LinkReason.REVIEWED_IS, "reviewed")
    assert written(linked()[1000]) == expected
    later = night({"address": "4, EXAMPLE RD", "postcode": "N1 1AA"}, TWICE | {"uprn": "41"}, HOUSE, drop="d2")
    assert [written(later[n]) for n in (1000, 1001)] == [expected] * 2
    assert later[1002]["uprn"] == "60"
    assert link_borough(BOROUGH).outcome == "unchanged"


def test_is_wins_over_a_model_that_is_sure(street: Path) -> None:
    assert night(HOUSE, TWICE)[1000]["uprn"] == "60"
    decide(street, "is", "42")
    # The same address, which the gazetteer now holds as another property alone.
    put(BOROUGH, "gazetteer", [*gazetteer("42"), {"uprn": "42", "address": "99 Other Road", "postcode": "E1 1AA"}])
    assert written(linked()[1001]) == (Decision.LINKED, "42", LinkReason.REVIEWED_IS, "reviewed")
    assert linked()[1000]["uprn"] == "60"


def test_is_of_a_building_ties_to_the_building_and_leaves_a_stated_flat(street: Path) -> None:
    decide(street, "is", "80")
    links = night(TWICE, TWICE | {"uprn": "41"}, drop="d2")
    assert {link["decision"] for link in links.values()} == {Decision.PARENT}
    assert {(link["uprn"], link["level"]) for link in links.values()} == {("80", "building")}
    with transaction() as session:
        # As if people had said of the building's own address that it is the building.
        (decision,) = session.scalars(sa.select(LinkReview))
        decision.address_written, decision.postcode_written = FLATS["address"], FLATS["postcode"]
    links = night(FLATS | {"uprn": "81"}, FLATS, FLATS | {"uprn": "60"}, drop="d3")
    assert links[1000]["uprn"] == "81", "it states a flat of the building, which says more"
    assert [links[n]["uprn"] for n in (1001, 1002)] == ["80", "80"]


def test_is_not_stays_not_over_two_further_nights_with_new_drops(street: Path) -> None:
    decide(street, "is_not", "41")
    for drop in ("d1", "d2", "d3"):
        links = night(TWICE, TWICE | {"uprn": "41"}, HOUSE, drop=drop)
        assert links[1002]["uprn"] == "60"
        for n in (0, 1):
            link = links[1000 + n]
            assert "41" not in (link["uprn"], link["runner_up"]), drop
            assert link["decision"] == Decision.REVIEW
            assert link["runner_up"] == "42", "the other one may be it"
    # Even where it is the only property of that address left.
    put(BOROUGH, "gazetteer", gazetteer("42"), drop="g2")
    for link in (linked()[n] for n in (1000, 1001)):
        assert written(link) == (Decision.NONE, None, LinkReason.REVIEWED_IS_NOT, "reviewed")
        assert link["runner_up"] is None


def test_none_of_these_refuses_every_candidate_and_the_address_waits_no_longer(street: Path) -> None:
    decide(street, "none_of_these")
    assert written(linked()[1000])[0] == Decision.NONE
    assert set(standing()) == {("is_not", "41"), ("is_not", "42")}
    assert TWICE["address"] not in [row["address"] for row in export(street)]
    decide_again = list(standing(history=True))
    assert decide_again == standing()


def test_a_decision_whose_property_is_gone_waits_and_is_told(street: Path) -> None:
    decide(street, "is", "42")
    put(BOROUGH, "gazetteer", gazetteer("42"), drop="g2")
    counts = link_borough(BOROUGH).counts
    assert (counts["reviewed_is"], counts["reviewed_gone"]) == (0, 1)
    (row,) = json.loads(loda("link", "review", "list", BOROUGH, "--json").stdout)
    assert (row["state"], row["verdict"]) == ("waits", "is")
    put(BOROUGH, "gazetteer", gazetteer(), drop="g3")
    counts = link_borough(BOROUGH).counts
    assert (counts["reviewed_is"], counts["reviewed_gone"]) == (1, 0)


def test_a_new_decision_links_again_and_none_changes_nothing(street: Path) -> None:
    assert link_borough(BOROUGH).outcome == "unchanged"
    before = stages.state_of("link", BOROUGH)
    decide(street, "is", "42")
    made = link_borough(BOROUGH)
    assert (made.outcome, made.counts["reviewed_is"]) == ("made", 1)
    assert stages.state_of("link", BOROUGH) != before
    assert link_borough(BOROUGH).outcome == "unchanged"
    assert loda("link", "review", "import", str(street), "--who", "A Example").exit_code == 0
    assert link_borough(BOROUGH).outcome == "unchanged"


def test_a_decision_taken_back_is_as_if_it_had_not_been_made(street: Path) -> None:
    decide(street, "none_of_these")
    assert linked()[1000]["decision"] == Decision.NONE
    for number in ("1", "2"):
        done = loda("link", "review", "withdraw", BOROUGH, number, "--who", "B Example", "--reason", "the wrong row")
        assert done.exit_code == 0, done.output
    assert linked()[1000]["decision"] == Decision.REVIEW
    assert len(export(street)) == 1
    assert loda("link", "review", "withdraw", BOROUGH, "1", "--who", "B Example", "--reason", "again").exit_code == 66
    with transaction() as session:
        assert [e.who for e in audit.lines(session, what="take link decision back")] == ["B Example"] * 2


# --- the file ---


def test_an_export_shows_the_address_and_its_candidates_side_by_side(street: Path) -> None:
    night(TWICE, TWICE, TWICE, HOUSE)
    (row,) = export(street)
    assert {row["candidate_1"], row["candidate_2"]} == {f"{n}: 4 Example Road N1 1AA" for n in ("41", "42")}
    assert (row["records"], row["datasets"], row["borough"]) == ("3", "epc", BOROUGH)
    assert row["reason"] == "The gazetteer holds this address under more than one UPRN."
    assert (row["verdict"], row["uprn"], row["note"]) == ("", "", "")


def test_the_most_useful_address_comes_first_and_a_limit_cuts_the_rest(street: Path) -> None:
    more = {"address": "20 Example Road", "postcode": "N1 1AA"}
    put(BOROUGH, "gazetteer", [*gazetteer(), more | {"uprn": "201"}, more | {"uprn": "202"}], drop="g2")
    night(TWICE, more, more)
    assert [row["records"] for row in export(street)] == ["2", "1"]
    loda("link", "review", "export", BOROUGH, "--out", str(street), "--limit", "1")
    assert [row["address"] for row in read(street)] == [more["address"]]


def test_no_cell_of_an_export_is_a_formula_and_it_comes_back_as_it_was(street: Path) -> None:
    risky = re.compile(r"^\s*[=+\-@]|^[\t\r\n]")
    night({"address": "@4 Example Road", "postcode": "N1 1AA"})
    (row,) = export(street)
    assert row["address"] == "'@4 Example Road"
    assert not [cell for cell in row.values() if risky.match(cell)]
    fill_in(street, lambda rows: rows[0].update(verdict="is", uprn="42", note="'=1+1"))
    done = loda("link", "review", "import", str(street), "--who", "A Example")
    assert done.exit_code == 0, done.output
    (listed,) = json.loads(loda("link", "review", "list", BOROUGH, "--json").stdout)
    assert (listed["address"], listed["note"]) == ("@4 Example Road", "=1+1")


def test_reading_and_deciding_stand_in_the_audit_log_without_the_data(street: Path) -> None:
    decide(street, "is", "42", who="B Example")
    loda("link", "review", "list", BOROUGH)
    with transaction() as session:
        reads = [e.details for e in audit.lines(session, what="read") if "link review" in e.details["by"]]
        (act,) = audit.lines(session, what="decide links")
    assert {read["by"] for read in reads} == {f"link review {what}" for what in ("export", "list")}
    assert {read["table"] for read in act.details["reads"]} == {"gazetteer"}, (
        "what was read for a decision stands in it"
    )
    assert (act.who, act.about, act.details["is"], act.details["is_not"]) == ("B Example", BOROUGH, 1, 0)
    with transaction() as session:
        everything = json.dumps([[e.about, e.details] for e in session.scalars(sa.select(AuditEvent))])
    assert "EXAMPLE ROAD" not in everything.upper()


# --- importing ---


def test_the_same_file_twice_changes_nothing(street: Path) -> None:
    decide(street, "is", "42")
    with transaction() as session:
        lines = len(audit.lines(session, what="decide links"))
    again = json.loads(loda("link", "review", "import", str(street), "--who", "C Example", "--json").stdout)
    assert (again["new"], again["unchanged"], again["superseded"]) == (0, 1, 0)
    assert standing(history=True) == [("is", "42")]
    with transaction() as session:
        assert len(audit.lines(session, what="decide links")) == lines


def test_a_later_decision_supersedes_an_earlier_one_which_is_kept(street: Path) -> None:
    decide(street, "is_not", "42")
    decide(street, "is_not", "41")
    assert set(standing()) == {("is_not", "41"), ("is_not", "42")}
    with transaction() as session:
        numbers = {d.uprn: d.number for d in session.scalars(sa.select(LinkReview))}
    assert night(TWICE, HOUSE)[1000]["decision"] == Decision.NONE
    assert export(street) == [], "nothing waits any more"
    put(BOROUGH, "gazetteer", [*gazetteer(), TWICE | {"uprn": "43"}], drop="g2")
    linked()
    decide(street, "is", "42")
    assert ("is", "42") in standing()
    assert ("is_not", "42") not in standing()
    with transaction() as session:
        old = session.get_one(LinkReview, numbers["42"])
        new = session.scalars(sa.select(LinkReview).where(LinkReview.verdict == "is")).one()
    assert (old.superseded_by, old.superseded_at) == (new.number, new.decided_at)
    assert linked()[1000]["uprn"] == "42"
    shown = json.loads(loda("link", "review", "list", BOROUGH, "--history", "--json").stdout)
    assert sorted(row["state"] for row in shown) == ["holds", "holds", "superseded"]


def test_an_old_file_does_not_undo_what_was_decided_since(street: Path, tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    export(old)
    decide(street, "is", "42")
    fill_in(old, lambda rows: rows[0].update(verdict="is", uprn="41"))
    done = loda("link", "review", "import", str(old), "--who", "C Example")
    assert done.exit_code == 1
    assert "Row 2" in done.output
    assert "since the file was exported" in done.output
    assert standing() == [("is", "42")]


FAULTS: tuple[tuple[dict[str, str], str], ...] = (
    ({"verdict": "maybe"}, "write is, is_not or none_of_these"),
    ({"note": "no verdict"}, "the verdict is empty"),
    ({"verdict": "is"}, "which property is meant"),
    ({"verdict": "is_not"}, "which property is meant"),
    ({"verdict": "is", "uprn": "999"}, "not in the gazetteer"),
    ({"verdict": "is", "uprn": "1.00023E+11"}, "has rounded the UPRN"),
    ({"verdict": "is", "uprn": "the blue door"}, "its uprn is none"),
    ({"verdict": "none_of_these", "uprn": "42"}, "take the UPRN away"),
    ({"verdict": "is", "uprn": "42", "address": "5 Example Road"}, "was changed"),
    ({"verdict": "is", "uprn": "42", "borough": "bexley"}, "was changed"),
    ({"verdict": "is", "uprn": "42", "candidate_1": "43: 4 Example Road"}, "was changed"),
    ({"verdict": "is", "uprn": "42", "note": "x" * 501}, "the note has more than 500 letters"),
)


def test_a_row_that_cannot_be_taken_is_named_with_what_to_do(street: Path) -> None:
    export(street)
    as_exported = street.read_bytes()
    for change, said in FAULTS:
        street.write_bytes(as_exported)
        fill_in(street, lambda rows, change=change: rows[0].update(change))
        done = loda("link", "review", "import", str(street), "--who", "A Example")
        assert done.exit_code == 1, change
        assert "Row 2: " in done.output
        assert said in done.output
        assert "Example Road" not in done.output
        assert standing() == []


def test_good_rows_are_taken_and_contradictions_are_not(street: Path) -> None:
    more = {"address": "20 Example Road", "postcode": "N1 1AA"}
    put(BOROUGH, "gazetteer", [*gazetteer(), more | {"uprn": "201"}, more | {"uprn": "202"}], drop="g2")
    night(TWICE, more)
    export(street)

    def contradict(rows: list[dict[str, str]]) -> None:
        at = next(row for row in rows if row["address"] == TWICE["address"])
        other = next(row for row in rows if row is not at)
        other.update(verdict="IS", uprn="201: 20 Example Road N1 1AA", note="seen")
        at.update(verdict="is", uprn="41")
        rows.append(at | {"verdict": "is not", "uprn": "41"})

    fill_in(street, contradict)
    done = json.loads(loda("link", "review", "import", str(street), "--who", "A Example", "--json").stdout)
    assert done["new"] == 1
    assert len(done["refused"]) == 2
    assert all("both is and is_not" in refused["sentence"] for refused in done["refused"])
    assert standing() == [("is", "201")]
    fill_in(street, lambda rows: rows.pop())
    done = json.loads(loda("link", "review", "import", str(street), "--who", "A Example", "--json").stdout)
    assert (done["new"], done["unchanged"], done["refused"]) == (1, 1, [])


def test_one_address_is_not_two_properties(street: Path) -> None:
    export(street)
    fill_in(street, lambda rows: rows.append(rows[0] | {"verdict": "is", "uprn": "41"}))
    fill_in(street, lambda rows: rows[0].update(verdict="is", uprn="42"))
    done = loda("link", "review", "import", str(street), "--who", "A Example")
    assert "two properties" in done.output
    assert standing() == []


@pytest.mark.parametrize(
    ("content", "said"),
    [("a,b\n1,2\n", "lacks the columns"), (None, "Nothing is filled in"), ("", "lacks the columns")],
)
def test_a_file_of_which_nothing_can_be_taken(street: Path, content: str | None, said: str) -> None:
    export(street)
    if content is not None:
        street.write_text(content)
    done = loda("link", "review", "import", str(street), "--who", "A Example")
    assert (done.exit_code, standing()) == (1, [])
    assert said in done.output


def test_who_decided_must_be_said(street: Path) -> None:
    export(street)
    fill_in(street, lambda rows: rows[0].update(verdict="is", uprn="42"))
    assert "name of the person" in loda("link", "review", "import", str(street), "--who", " ").output
    assert standing() == []


def test_a_spreadsheet_may_save_the_file_in_its_own_way(street: Path) -> None:
    export(street)
    fill_in(street, lambda rows: rows[0].update(verdict="Is", uprn="42", note="café"))
    text = street.read_text(encoding="utf-8-sig").replace(",", ";").replace('"', "")
    street.write_bytes(text.encode("cp1252"))
    done = loda("link", "review", "import", str(street), "--who", "A Example")
    assert done.exit_code == 0, done.output
    assert standing() == [("is", "42")]
