"""Who stands behind an entry: the licence holder, else the liable owner, named where register and agreement allow."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pytest
import sqlalchemy as sa

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ListEntry
from pipelines.core.settings import settings
from pipelines.core.tables import LANDLORD
from pipelines.governance import access
from pipelines.ranking import rank
from schemas import registry
from tests.unit.agreed import agree
from tests.unit.licensing_world import AS_OF, BOROUGH, write_dataset, write_links, write_properties, write_scores
from tests.unit.test_ranking import write_licensing

LATER = date(2030, 1, 1)


@pytest.fixture
def night(home: Any) -> None:
    """Four homes: 1 with an old licence and an owner, 2 with an owner, 3 a flat of building 9, 4 with nobody."""
    write_properties(
        *({"uprn": u, "easting": 525_000.5, "northing": 184_000.0} for u in "12"),
        {"uprn": "3", "parent_uprn": "9"}, {"uprn": "4"}, {"uprn": "9"},
    )  # fmt: skip
    write_scores({u: 0.9 - int(u) / 10 for u in "1234"})
    write_licensing({u: {"status": "expired"} for u in "1234"})
    write_dataset(
        "hmo_licence",
        {"licence_ref": "L1", "commencement_date": date(2015, 1, 1), "holder_name": "Earlier Holder"},
        {"licence_ref": "L2", "commencement_date": date(2018, 1, 1), "expiry_date": date(2023, 1, 1),
         "holder_name": "A Holder Ltd"},
        {"licence_ref": "L3", "commencement_date": date(2017, 1, 1), "holder_name": "Freeholder plc"},
        {"licence_ref": "L4", "commencement_date": date(2020, 1, 1), "known_since": LATER, "holder_name": "Not Yet"},
    )  # fmt: skip
    write_dataset(
        "council_tax",
        {"liable_party": "owner", "liability_start": date(2020, 1, 1)},
        {"liable_party": "owner", "liability_start": date(2019, 1, 1), "liability_end": date(2021, 1, 1)},
        {"liable_party": "owner", "liability_start": date(2022, 1, 1)},
        {"liable_party": "owner", "liability_start": LATER},
    )
    ties = [("hmo_licence", n, u) for n, u in ((1, "1"), (2, "1"), (3, "9"), (4, "4"))]
    write_links(*ties, *(("council_tax", n, u) for n, u in ((1, "1"), (2, "2"), (3, "2"), (4, "4"))))
    landlords = [(("hmo_licence", n, "holder"), f"h{n}") for n in (1, 2, 3, 4)]
    landlords += [(("council_tax", n, "owner"), f"o{n}") for n in (1, 2, 3, 4)]
    landlords += [(("hmo_licence", 2, "manager"), "m2")]
    rows = [
        {"borough": BOROUGH, "dataset": d, "record_id": n, "role": r, "landlord_id": i} for (d, n, r), i in landlords
    ]
    access.write_table("landlord", pa.Table.from_pylist(rows, schema=LANDLORD), borough=BOROUGH, made_from={})
    settings.cache_clear()


def entries() -> dict[str, ListEntry]:
    assert rank(BOROUGH, AS_OF).outcome == "made"
    with transaction() as session:
        newest = session.scalars(sa.select(ListEntry.list_id).order_by(ListEntry.list_id.desc())).first()
        return {e.uprn: e for e in session.scalars(sa.select(ListEntry).where(ListEntry.list_id == newest))}


def test_the_last_licence_holder_else_the_owner_liable_on_the_day(night: None) -> None:
    found = {uprn: entry.landlord_id for uprn, entry in entries().items()}
    assert found == {"1": "h2", "2": "o3", "3": "h3", "4": None}, "nothing that was not known or had not begun"


def test_an_entry_has_its_place(night: None) -> None:
    found = entries()
    assert (found["1"].easting, found["1"].northing) == (525_000.5, 184_000.0)
    assert (found["4"].easting, found["4"].northing) == (None, None)


def test_nobody_is_named_where_analysts_see_no_names(night: None) -> None:
    assert {entry.landlord_name for entry in entries().values()} == {None}


def test_a_holder_is_named_where_the_agreement_lets_analysts_see_it(night: None) -> None:
    agree(may_see={"analyst": "record"})
    registry.clear()
    found = {uprn: entry.landlord_name for uprn, entry in entries().items()}
    assert found == {"1": "A Holder Ltd", "2": None, "3": "Freeholder plc", "4": None}


def test_a_dataset_that_analysts_may_not_see_tells_no_landlord(night: None) -> None:
    agree(at_finest={"hmo_licence": "count"})
    registry.clear()
    found = {uprn: entry.landlord_id for uprn, entry in entries().items()}
    assert found == {"1": "o1", "2": "o3", "3": None, "4": None}


def test_a_borough_without_landlords_has_a_list(home: Any) -> None:
    write_properties({"uprn": "1"})
    write_scores({"1": 0.5})
    write_licensing({"1": {}})
    assert [entry.landlord_id for entry in entries().values()] == [None]
