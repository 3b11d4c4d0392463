"""One person's or one property's records are erased everywhere, and a later extract does not bring them back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy as sa

from pipelines.core import lake
from pipelines.core.errors import LodaError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, Erasure, LastGood, ListEntry
from pipelines.governance import access, audit, erasure, erasure_search, lake_deletion, subjects, suppression
from pipelines.governance.drop_deletion import lake_folder
from pipelines.governance.enforcement import apply_agreements
from schemas import registry
from tests.unit.governed_world import boroughs_with_lists, drop, stored, token
from tests.unit.licensing_world import write_links

PURPOSE = "hmo_detection"
KATE = subjects.person_subject(["Kate Example"])


def lines_of(found: Drop) -> Iterator[pa.Array]:
    """The rows of a drop of these tests, each as one text."""
    with lake_folder().read(f"raw/{found.sha256}") as handle:
        text = handle.read().decode()
    if "\0" in text:
        raise LodaError("The bytes cannot be divided into rows.")
    yield pa.array(text.replace(",", " ").splitlines(), pa.string())


@pytest.fixture
def world(home: Path) -> Path:
    boroughs_with_lists(home, camden=1, bexley=14)
    return home


def everywhere(home: Path, *parts: str) -> list[str]:
    """Files of the platform that hold one of these texts, the boroughs' own extracts apart."""
    found = []
    for path in home.rglob("*"):
        own = path.parts[-4:-3] == ("drops",) and "." in path.name and path.name.count(".") == 1
        if path.is_file() and not own and any(p.encode() in path.read_bytes() for p in parts):
            found.append(str(path.relative_to(home)))
    return found


def uprns(dataset: str) -> set[str]:
    rows = access.read_dataset(dataset, boroughs=["camden", "bexley"], purpose=PURPOSE)
    return set(rows["uprn"].to_pylist())


def test_a_dry_run_counts_and_changes_nothing(world: Path):
    before = {p: p.read_bytes() for p in (world / "lake").rglob("*") if p.is_file()}
    found = erasure_search.find(subjects.property_subject("uprn:2"), lines_of)
    assert found.boroughs == ["camden"]
    counts = found.counts()
    assert (counts["rows"], counts["list_entries"]) == (2, 1)
    assert counts["derived_rows"] == 4, "property, link, score, licensing"
    assert (counts["extracts_whose_bytes_are_deleted"], counts["quarantine_files"]) == (1, 1)
    assert {p: p.read_bytes() for p in (world / "lake").rglob("*") if p.is_file()} == before
    with transaction() as session:
        assert session.scalars(sa.select(Erasure)).all() == []


def test_a_property_is_erased_from_rows_tables_lists_history_and_bytes(world: Path):
    version = _last_good("camden", "gazetteer").lake_version
    erasure.erase(erasure_search.find(subjects.property_subject("uprn:2"), lines_of), "B Example", "request 17")
    assert uprns("gazetteer") == {"1", "3", "14", "15", "16"}
    assert uprns("council_tax") == {"1", "3", "14", "15", "16"}
    assert [stored(t, "camden") for t in ("property", "link", "score", "licensing")] == [2] * 4
    assert [stored(t, "bexley") for t in ("property", "link", "score", "licensing")] == [3] * 4
    with transaction() as session:
        assert session.scalars(sa.select(ListEntry).where(ListEntry.uprn == "2")).all() == []
        assert session.scalar(sa.select(sa.func.count()).select_from(ListEntry)) == 5
    assert _last_good("camden", "gazetteer").lake_version > version, "what was made of it is made anew"
    assert all(not lake_deletion.old_files(t, {"borough": "camden"}) for t in ("harmonised/gazetteer", "score"))
    assert everywhere(world, "2 Example Road", "2 EXAMPLE ROAD") == []
    assert erasure_search.find(subjects.property_subject("uprn:2"), lines_of).counts()["rows"] == 0


def _last_good(borough: str, dataset: str) -> LastGood:
    with transaction() as session:
        return session.get_one(LastGood, (borough, dataset, "test"))


def test_the_record_of_an_erasure_tells_nobody_whose_it_was(world: Path):
    erasure.erase(erasure_search.find(subjects.property_subject("uprn:2"), lines_of), "B Example", "request 17")
    with transaction() as session:
        remembered = [(e.token, e.kind) for e in session.scalars(sa.select(Erasure))]
        (line,) = audit.lines(session, what="erase property")
    assert {kind for _, kind in remembered} == {"uprn", "place"}
    assert all(len(made) == 64 for made, _ in remembered)
    assert (line.who, line.details["reason"], line.details["rows"]) == ("B Example", "request 17", 2)
    assert "EXAMPLE ROAD" not in json.dumps([line.about, line.details])


def test_a_person_is_erased_and_the_licence_stays_without_the_name(world: Path):
    found = erasure_search.find(KATE, lines_of)
    assert found.boroughs == ["bexley", "camden"]
    counts = found.counts()
    assert (counts["rows"], counts["rows_whose_names_are_blanked"], counts["list_entries"]) == (2, 2, 0)
    erasure.erase(found, "B Example", "request 18")
    assert uprns("council_tax") == {"2", "3", "15", "16"}
    licences = access.read_dataset("hmo_licence", boroughs=["camden"], purpose=PURPOSE).to_pylist()
    assert [(r["licence_ref"], r["holder_name"], r["holder_address"]) for r in licences] == [("L1", None, None)]
    assert stored("landlord", "camden") == 0
    assert stored("score", "camden") == 3
    kate = token("Kate Example")
    assert everywhere(world, "Kate", "KATE", "EXAMPLE, Kate", kate) == []
    with transaction() as session:
        gone = [d.dataset for d in session.scalars(sa.select(Drop)) if "raw_deleted" in d.hashes]
    assert sorted(gone) == ["council_tax", "council_tax", "hmo_licence", "hmo_licence"]


def test_a_person_at_one_property_only(world: Path):
    found = erasure_search.find(subjects.person_subject(["Kate Example"], "14"), lines_of)
    assert [(hit.borough, hit.dataset) for hit in found.hits] == [("bexley", "council_tax")]
    erasure.erase(found, "B Example", "request 19")
    assert uprns("council_tax") == {"1", "2", "3", "15", "16"}


def test_a_licence_for_several_flats_stays_for_the_others(world: Path):
    tied = [("council_tax", 1, "1"), ("council_tax", 2, "2"), ("council_tax", 3, "3")]
    write_links(*tied, ("hmo_licence", 1, "2"), ("hmo_licence", 1, "3"), borough="camden")
    kate = erasure_search.find(subjects.person_subject(["Kate Example"], "2"), lines_of)
    assert [(hit.dataset, hit.blanked) for hit in kate.hits] == [("hmo_licence", [1])], "a name goes all the same"
    found = erasure_search.find(subjects.property_subject("uprn:2"), lines_of)
    assert "hmo_licence" not in {hit.dataset for hit in found.hits}
    erasure.erase(found, "B Example", "request 20")
    licences = access.read_dataset("hmo_licence", boroughs=["camden"], purpose=PURPOSE)
    assert licences["licence_ref"].to_pylist() == ["L1"]
    left = lake.read("link", boroughs=["camden"]).to_pylist()
    assert [(row["dataset"], row["uprn"]) for row in left] == [
        ("council_tax", "1"),
        ("council_tax", "3"),
        ("hmo_licence", "3"),
    ]


def test_a_licence_for_one_flat_goes_with_it(world: Path):
    write_links(("council_tax", 2, "2"), ("hmo_licence", 1, "2"), borough="camden")
    erasure.erase(erasure_search.find(subjects.property_subject("uprn:2"), lines_of), "B Example", "request 21")
    assert len(access.read_dataset("hmo_licence", boroughs=["camden"], purpose=PURPOSE)) == 0


def test_bytes_that_nobody_can_read_are_named(world: Path):
    odd = drop("camden", "waste", "\0\0", status="refused", reason="not_text")
    assert erasure_search.find(KATE, lines_of).unread == [odd.id]


def test_a_held_extract_with_the_subject_is_of_no_use_any_more(world: Path):
    held = drop("camden", "waste", "who\nKate Example\n", status="held", reason="layout_changed")
    erasure.erase(erasure_search.find(KATE, lines_of), "B Example", "request 18")
    with transaction() as session:
        found = session.get_one(Drop, held.id)
    assert (found.status, "deleted" in found.hashes) == ("refused", True)
    assert "Drop a new extract" in found.sentence


def test_a_file_that_an_officer_has_begun_to_correct_is_the_boroughs_own(world: Path):
    path = world / "bucket/drops/camden/council_tax/a.csv.quarantine.csv"
    path.write_text("NAME\nKate Example\nBegun Correction\n")
    found = erasure_search.find(KATE, lines_of)
    assert found.in_boroughs_folders == ["drops/camden/council_tax/a.csv.quarantine.csv"]
    erasure.erase(found, "B Example", "request 18")
    assert path.exists()


@pytest.mark.parametrize(("who", "reason"), [("", "r"), ("B Example", " ")])
def test_an_erasure_needs_a_name_and_a_reason(home, who, reason):
    with pytest.raises(LodaError, match="give both"):
        erasure.erase(erasure_search.Found(KATE), who, reason)


# --- what a later extract says ---


def tax(*rows: dict[str, str | None]) -> dict[str, pa.Array]:
    names = [field.name for field in registry.contract("council_tax").fields]
    return {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}


def suppressed(*rows: dict[str, str | None], dataset: str = "council_tax") -> list[tuple[str, str, list[bool]]]:
    columns = tax(*rows) if dataset == "council_tax" else licences(*rows)
    return [(f, kind, mask.tolist()) for f, kind, mask in suppression.suppress(columns, registry.contract(dataset))]


def licences(*rows: dict[str, str | None]) -> dict[str, pa.Array]:
    names = [field.name for field in registry.contract("hmo_licence").fields]
    return {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}


def remember(subject: subjects.Subject, *places: str) -> None:
    found = erasure_search.Found(subject, places=list(places))
    erasure.erase(found, "B Example", "request 17")


def test_without_erasures_nothing_is_looked_at(home):
    assert suppressed({"uprn": "2"}) == []


def test_without_a_ledger_nothing_is_looked_at_and_none_is_made(tmp_path, monkeypatch):
    from pipelines.core.settings import settings

    monkeypatch.setenv("LODA_HOME", str(tmp_path / "none"))
    settings.cache_clear()
    assert suppressed({"uprn": "2"}) == []
    assert not (tmp_path / "none").exists()
    settings.cache_clear()


def test_an_erased_property_is_told_by_number_and_by_address(home):
    remember(subjects.property_subject("uprn:2"), "2 EXAMPLE ROAD|NW6 1AA")
    rows = [
        {"uprn": "2", "address": "elsewhere"},
        {"address": "2, Example Road.", "postcode": "NW6 1AA"},
        {"address": "2 Example Road", "postcode": "NW6 1AB"},
        {"uprn": "22", "address": "22 Example Road", "postcode": "NW6 1AA"},
        {},
    ]
    assert suppressed(*rows) == [("", "erased_subject", [True, True, False, False, False])]


def test_an_erased_person_is_told_however_the_name_is_written(home):
    remember(KATE)
    names = ["Kate Example", "EXAMPLE, KATE", "Ms. Kate Example", "Katherine Example", "Kate Sample", None]
    assert suppressed(*({"liable_name": n} for n in names)) == [
        ("", "erased_subject", [True, True, True, False, False, False])
    ]


def test_in_the_register_only_the_names_go(home):
    remember(KATE)
    row = {"licence_ref": "L1", "holder_name": "EXAMPLE Kate", "holder_address": "1 Elsewhere", "manager_name": None}
    columns = licences(row, row | {"holder_name": "B Sample"})
    found = suppression.suppress(columns, registry.contract("hmo_licence"))
    assert [(field, kind, mask.tolist()) for field, kind, mask in found] == [
        ("holder_name", "erased_name", [True, False]),
        ("holder_address", "erased_name", [True, False]),
    ]
    assert columns["holder_name"].to_pylist() == [None, "B Sample"]
    assert columns["holder_address"].to_pylist() == [None, "1 Elsewhere"]


def test_a_person_erased_at_one_property_is_kept_elsewhere(home):
    remember(subjects.person_subject(["Kate Example"], "2"), "2 EXAMPLE ROAD|NW6 1AA")
    rows = [
        {"uprn": "2", "liable_name": "Kate Example"},
        {"liable_name": "Kate Example", "address": "2 Example Road", "postcode": "NW6 1AA"},
        {"uprn": "3", "liable_name": "Kate Example"},
        {"uprn": "2", "liable_name": "B Sample"},
    ]
    assert suppressed(*rows) == [("", "erased_subject", [True, True, False, False])]


def test_bytes_of_a_later_extract_that_names_the_subject_are_deleted_by_the_next_night(home):
    remember(KATE)
    later = drop("camden", "council_tax", "NAME\nKate Example\n", receipt={"findings": [{"issue": "erased_subject"}]})
    sound = drop("camden", "waste", "REF\n1\n")
    assert apply_agreements().counts["bytes"] == 1
    assert not lake_folder().exists(f"raw/{later.sha256}")
    assert lake_folder().exists(f"raw/{sound.sha256}")
    assert apply_agreements().outcome == "unchanged"


@pytest.mark.parametrize("text", ["uprn:", "uprn:0123", "2; DROP TABLE", "uprn:1234567890123", "Kate"])
def test_what_is_no_uprn_is_told(text):
    with pytest.raises(LodaError, match="up to 12 digits"):
        subjects.property_subject(text)


@pytest.mark.parametrize(
    ("names", "told"), [([], "Give the person's name"), (["..."], "Give"), (["Kate"], "single word")]
)
def test_a_name_that_many_share_is_refused(names, told):
    with pytest.raises(LodaError, match=told):
        subjects.person_subject(names)
