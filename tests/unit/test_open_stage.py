"""Open data as a stage: what is counted, one publication a quarter, and that a kill leaves the old one whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.core.bucket import Folder
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.governance import keys
from pipelines.publish.open import counting, page, protect, stage
from pipelines.publish.open.files import Period
from pipelines.publish.open.stage import publish_open
from tests.unit.open_world import HOMES, NOW, TODAY, lsoa_of, ward_of, write_borough

LICENCES = [0, 3, 40, 7]


@pytest.fixture
def august(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("LODA_NOW", NOW)
    # Drawing takes a second a time; test_open_files.py looks at the pictures.
    monkeypatch.setattr(page, "_plot", lambda *_: {"data": "", "width": 1, "height": 1})
    write_borough("camden", LICENCES, requests=[12, 0, 1, 5])
    yield home
    monkeypatch.undo()


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def counts(folder: Path, period: str = "2026-q3") -> pd.DataFrame:
    return pd.read_csv(folder / period / "counts.csv", keep_default_na=False)


def cell(table: pd.DataFrame, area: str, measure: str, kind: str) -> int:
    found = table[(table["area_code"] == area) & (table["measure"] == measure) & (table["kind"] == kind)]
    assert len(found) == 1
    return int(found["count"].iloc[0])


def test_a_household_counts_once_whatever_its_records(august: Path) -> None:
    homes = counting.areas("camden")
    found = counting.by_lsoa("camden", homes, TODAY).set_index(["measure", "kind", "lsoa_code"])["n"].sort_index()
    areas = [lsoa_of(1, which) for which in range(4)]
    assert found["request", "noise"].reindex(areas).tolist() == [12, 0, 1, 5]
    assert found["licence", "selective"].reindex(areas).tolist() == LICENCES
    assert found["property", "all"].reindex(areas).tolist() == [HOMES] * 4
    assert not found["licence", "mandatory"].any(), "a kind of which there is none is still there"
    assert "inspection" not in found.index.get_level_values("measure"), "no extract of it ever came"


def test_only_a_year_counts_and_only_what_is_in_force(august: Path) -> None:
    homes = counting.areas("camden")
    a_year_on = TODAY.replace(year=TODAY.year + 1)
    later = counting.by_lsoa("camden", homes, a_year_on).groupby("measure")["n"].sum()
    assert later["request"] == 0
    assert later["licence"] == sum(LICENCES)
    before = counting.by_lsoa("camden", homes, TODAY.replace(year=TODAY.year - 3)).groupby("measure")["n"].sum()
    assert before["licence"] == 0


def test_an_area_with_few_homes_is_in_no_figure(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_NOW", NOW)
    write_borough("camden", [5, 5], homes=protect.FEWEST_HOMES - 1)
    with pytest.raises(NotFound, match="no properties that may be counted"):
        publish_open()
    monkeypatch.undo()


def test_figures_are_rounded_and_wards_and_boroughs_are_their_sums(august: Path) -> None:
    publish_open()
    table = counts(august / "published" / "open")
    for which, true in enumerate(LICENCES):
        shown = cell(table, lsoa_of(1, which), "licence", "selective")
        assert shown % protect.BASE == 0
        assert abs(shown - true) < protect.BASE
    leaves = table[table["area_level"] == "lsoa"]
    for level, parent in (("ward", "area_code"), ("borough", "borough_code")):
        sums = table[table["area_level"] == level].set_index([parent, "measure", "kind"])["count"].sort_index()
        column = "parent_code" if level == "ward" else "borough_code"
        added = leaves.groupby([column, "measure", "kind"])["count"].sum().sort_index()
        assert (sums.to_numpy() == added.to_numpy()).all()
    assert set(table.loc[table["area_level"] == "ward", "area_code"]) == {ward_of(1, 0), ward_of(1, 2)}


def test_a_quarter_is_published_once_byte_for_byte(august: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = august / "published" / "open"
    first = publish_open()
    before = tree(folder)
    write_borough("camden", [4, 3, 41, 60])
    monkeypatch.setenv("LODA_NOW", "2026-09-30T22:00:00+00:00")
    again = publish_open()
    assert first.made
    assert not again.made
    assert again.issued == str(TODAY)
    assert tree(folder) == before


def test_a_new_quarter_adds_and_changes_nothing_of_the_old(august: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = august / "published" / "open"
    publish_open()
    before = tree(folder / "2026-q3")
    monkeypatch.setenv("LODA_NOW", "2026-10-01T02:00:00+00:00")
    assert publish_open().name == "2026-q4"
    assert tree(folder / "2026-q3") == before
    catalogue = json.loads((folder / "catalog.jsonld").read_bytes())
    assert [found["@id"] for found in catalogue["dcat:dataset"]] == ["2026-q4/", "2026-q3/"]
    assert all(f'href="{name}/index.html"' in (folder / "index.html").read_text() for name in ("2026-q3", "2026-q4"))


def test_unchanged_counts_give_unchanged_figures_in_every_quarter(
    august: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The offset of a cell is drawn once: publishing again and again must not average it away."""
    publish_open()
    monkeypatch.setenv("LODA_NOW", "2026-10-01T02:00:00+00:00")
    publish_open()
    of_licences = [
        table[table["measure"] == "licence"].drop(columns="margin").reset_index(drop=True)
        for table in (counts(august / "published" / "open", name) for name in ("2026-q3", "2026-q4"))
    ]
    pd.testing.assert_frame_equal(*of_licences)


class Killed(BaseException):
    """The process ends here."""


def test_killed_at_any_file_the_old_publication_stands_and_the_next_run_is_whole(
    august: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = august / "published" / "open"
    publish_open()
    old = tree(folder)
    monkeypatch.setenv("LODA_NOW", "2026-10-02T02:00:00+00:00")
    files_of_quarter = stage._files(Period(date(2026, 10, 2)))
    monkeypatch.setattr(stage, "_files", lambda _: dict(files_of_quarter))  # made once, to save a second a time
    really = Folder.write_bytes
    killed = 0
    for last in range(20):
        written = 0

        def write(self: Folder, path: str, content: bytes) -> None:
            nonlocal written
            if written == last:  # noqa: B023 - used in this turn alone
                raise Killed
            written += 1
            really(self, path, content)

        monkeypatch.setattr(Folder, "write_bytes", write)
        try:
            publish_open()
            break
        except Killed:
            killed += 1
        finally:
            monkeypatch.setattr(Folder, "write_bytes", really)
        now = tree(folder)
        assert {name: now[name] for name in old if "/" in name} == {n: c for n, c in old.items() if "/" in n}
        whole = (folder / "2026-q4" / "datapackage.json").exists()
        if not whole:
            assert now["index.html"] == old["index.html"]
            assert now["catalog.jsonld"] == old["catalog.jsonld"]
    assert killed == 8, "at each of the quarter's seven files, and at the first of the two that lead to it"
    assert publish_open().name == "2026-q4"
    assert b"2026-q4" in (folder / "catalog.jsonld").read_bytes()


def test_a_file_that_was_changed_is_not_passed_over(august: Path) -> None:
    publish_open()
    path = august / "published" / "open" / "2026-q3" / "counts.csv"
    path.write_bytes(path.read_bytes().replace(b"110", b"111"))
    with pytest.raises(ConfigurationError, match=r"2026-q3/counts\.csv is not as it was published"):
        publish_open()


def test_the_folder_of_another_site_is_not_written_over(august: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("ours")
    with pytest.raises(ConfigurationError, match="is no open data"):
        publish_open(str(tmp_path / "site"))
    assert (tmp_path / "site" / "index.html").read_text() == "ours"


def test_what_is_published_may_lie_on_a_server(august: Path) -> None:
    """Any fsspec URL; here the one in memory stands for an object store, which has no folders and no moving."""
    found = publish_open("memory://open-data")
    folder = Folder("memory://open-data")
    assert found.made
    assert {entry.path.rsplit("/", 1)[-1] for entry in folder.list()} >= {"counts.csv", "catalog.jsonld", "index.html"}
    assert not publish_open("memory://open-data").made
    folder.remove("")


def test_a_dataset_that_the_public_may_not_see_is_left_out(august: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really = counting.access.grain
    monkeypatch.setattr(
        counting.access, "grain", lambda role, b, d, p: None if d == "service_request" else really(role, b, d, p)
    )
    publish_open()
    assert set(counts(august / "published" / "open")["measure"]) == {"property", "licence"}


def test_no_unrounded_count_is_kept_anywhere(august: Path) -> None:
    """Nothing but what is published is written: no basis, no cache."""
    before = set(tree(august))
    publish_open()
    new = {name for name in set(tree(august)) - before if not name.startswith("published/open/")}
    assert {name for name in new if "lock" not in name} <= {"secrets/erasure.key", "audit-anchor.json"}


def test_offsets_rest_on_the_key_and_on_nothing_else(home: Path) -> None:
    cells = [f"camden|licence|selective|E01{n:06d}" for n in range(20_000)]
    first = protect.offsets(protect.secret(), cells)
    assert (protect.offsets(protect.secret(), cells) == first).all()
    other = protect.offsets(b"x" * 32, cells)
    assert 0.08 < (first == other).mean() < 0.12
    shares = np.bincount(first, minlength=protect.BASE) / len(first)
    assert shares.min() > 0.09
    assert shares.max() < 0.11
    assert protect.secret() != keys.key("erasure")


def test_publishing_is_on_record(august: Path) -> None:
    publish_open()
    with transaction() as session:
        lines = [line for line in session.query(AuditEvent) if line.what == "publish open data"]
        reads = [line for line in session.query(AuditEvent) if line.what == "read" and line.about == "camden"]
    assert [line.about for line in lines] == ["open/2026-q3"]
    (read,) = [line.details for line in reads if line.details["by"] == "publish open"]
    assert {"link", "property", "service_request"} <= {one["table"] for one in read["reads"]}


def test_the_command_says_what_it_did(august: Path) -> None:
    run = CliRunner()
    assert "Say what to publish" in run.invoke(app, ["publish"]).output
    said = run.invoke(app, ["publish", "--open"]).output
    assert "The third quarter of 2026 is published" in said
    assert "1 borough;" in said
    assert "was published on 2026-08-20 and stands" in run.invoke(app, ["publish", "--open"]).output
