"""Real public registers through the intake by mappings kept as data: every row accounted for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipelines import gate, harmonise, ingest, publish
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood
from pipelines.core.settings import settings
from pipelines.governance import access
from tests.conftest import needs_real_data, real_data
from tests.homes import own_home

pytestmark = needs_real_data

PLACES = {
    "registers/oxford_hmo_register_2018-03-09.csv": "oxford/hmo_licence",
    "registers/oxford_temporary_exemptions_2018.csv": "oxford/licence_application",
    "registers/sheffield_hmo_licences_2024-09-09.csv": "sheffield/hmo_licence",
    "registers/sheffield_hmo_licences_2025-01-28.csv": "sheffield/hmo_licence",
    "registers/sheffield_hmo_licences_2025-03-03.csv": "sheffield/hmo_licence",
    "registers/sheffield_hmo_licences_2025-06-16.csv": "sheffield/hmo_licence",
    "registers/swindon_hmo_addresses.csv": "swindon/hmo_licence",
    "gazetteers/merthyr_tydfil_uprn.csv": "merthyr_tydfil/gazetteer",
}


def night() -> None:
    for borough in ingest.discover():
        for stage in (ingest.admit, harmonise.harmonise, gate.gate, publish.publish_drops):
            stage(borough)


@pytest.fixture(scope="module")
def drops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Drop]]:
    """One night over all of them, which the tests only look at."""
    with own_home(tmp_path_factory.mktemp("registers")):
        yield _taken_in()


def _taken_in() -> dict[str, Drop]:
    for source, place in PLACES.items():
        folder = Path(settings().bucket_url) / "drops" / place
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(real_data() / source, folder / Path(source).name)
    night()
    with transaction() as session:
        return {Path(drop.path).name: drop for drop in session.scalars(sa.select(Drop))}


def test_every_row_of_every_real_file_is_accounted_for(drops: dict[str, Drop]):
    fates = {name: (drop.status, drop.rows_in, drop.accepted, drop.quarantined) for name, drop in drops.items()}
    assert fates == {
        # Two licences end before they start.
        "oxford_hmo_register_2018-03-09.csv": ("accepted", 3211, 3209, 2),
        "oxford_temporary_exemptions_2018.csv": ("accepted", 16, 16, 0),
        "sheffield_hmo_licences_2024-09-09.csv": ("superseded", 1745, 1745, 0),
        "sheffield_hmo_licences_2025-01-28.csv": ("superseded", 1459, 1459, 0),
        "sheffield_hmo_licences_2025-03-03.csv": ("superseded", 1315, 1315, 0),
        "sheffield_hmo_licences_2025-06-16.csv": ("accepted", 1016, 1016, 0),
        "swindon_hmo_addresses.csv": ("accepted", 384, 384, 0),
        # 52 blank UPRNs, 41 that are no number ("AA0000001" for other electors), 8 the same twice.
        "merthyr_tydfil_uprn.csv": ("accepted", 27374, 27273, 101),
    }
    assert all(drop.receipt for drop in drops.values())


def test_newest_sheffield_snapshot_stands_alone(drops: dict[str, Drop]):
    rows = access.read_dataset("hmo_licence", boroughs=["sheffield"], purpose="hmo_detection").to_pandas()
    assert set(rows["drop_id"]) == {drops["sheffield_hmo_licences_2025-06-16.csv"].id}
    assert len(rows) == 1016
    first = rows.sort_values("row_number").iloc[0]
    assert (first["address"], first["postcode"]) == ("Flat 1b, 1, Abbeydale Road", "S7 1FA")
    with transaction() as session:
        last = session.get_one(LastGood, ("sheffield", "hmo_licence", "main"))
    assert (last.rows, str(last.extract_date)) == (1016, "2025-06-16")


def test_a_record_keeps_its_number_from_one_snapshot_to_the_next(drops: dict[str, Drop]):
    from pipelines.core import lake

    def snapshot(name: str) -> dict[str, int]:
        version = drops[name].lake_version
        table = lake.read("harmonised/hmo_licence", boroughs=["sheffield"], version=version)
        assert table is not None
        return dict(zip(table["licence_ref"].to_pylist(), table["record_id"].to_pylist(), strict=True))

    before, after = (snapshot(f"sheffield_hmo_licences_{day}.csv") for day in ("2025-01-28", "2025-03-03"))
    shared = set(before) & set(after)
    assert len(shared) > 1200
    assert all(before[ref] == after[ref] for ref in shared)


def test_oxford_in_the_words_of_the_contract(drops: dict[str, Drop]):
    rows = access.read_dataset("hmo_licence", boroughs=["oxford"], purpose="hmo_detection").to_pandas()
    first = rows[rows["licence_ref"] == "16/01202/HMOADS"].iloc[0]
    assert first["address"] == "18 Abbey Road Oxford Oxfordshire"
    assert first["postcode"] == "OX2 0AE"
    assert first["licence_type"] == "additional"
    assert first["max_persons"] == 4
    assert str(first["commencement_date"]) == "2016-05-13"
    # 27 rows of the register have no postcode; nothing is made up for them.
    assert rows["postcode"].isna().sum() == 27
    year_3017 = rows[rows["licence_ref"] == "18/00110/HMOADS"].iloc[0]
    assert year_3017["commencement_date"] is None


def test_swindon_addresses_of_several_lines_become_one(drops: dict[str, Drop]):
    rows = access.read_dataset("hmo_licence", boroughs=["swindon"], purpose="hmo_detection").to_pandas()
    assert "\n" not in "".join(rows["address"])
    first = rows.sort_values("row_number").iloc[0]
    assert (first["address"], first["postcode"]) == ("Flat, 133 - 135 Manchester Road, Swindon", "SN1 2AF")


def test_merthyr_is_read_as_a_gazetteer(drops: dict[str, Drop]):
    rows = access.read_dataset("gazetteer", boroughs=["merthyr_tydfil"], purpose="hmo_detection").to_pandas()
    assert rows["uprn"].is_unique
    assert rows["uprn"].str.fullmatch(r"[1-9]\d{0,11}").all()
    assert rows["postcode"].notna().mean() > 0.98
