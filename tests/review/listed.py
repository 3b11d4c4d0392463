"""Lists in a ledger for tests of the pages, without a night: synthetic homes, each with a dossier."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Dossier, ListEntry, PublishedList
from tests.unit.agreed import agree

AS_OF = date(2026, 9, 30)
WARDS = ("Whitleigh Park", "Yarley Common", "Farnstoke North")


def let_analysts_name_landlords() -> None:
    """An agreement by which analysts see rows as they are, who is named in them included."""
    agree(may_see={"analyst": "record", "data_officer": "record", "ig_lead": "record", "engineer": "count"})


def uprn_of(number: int) -> str:
    """UPRN of the entry with this rank."""
    return str(100_000_000 + number)


def address_of(number: int) -> str:
    """Address of the entry with this rank."""
    return f"{number} Example Road, London, NW{1 + number % 3} {number % 10}AB"


def issue(
    borough: str = "camden",
    homes: int = 30,
    capacity: int = 10,
    as_of: date = AS_OF,
    version: int = 1,
    first: int = 1,
    **changed: Any,
) -> str:
    """Issue a list of homes numbered from `first`; returns its name. `changed` are values of its first entry."""
    name = f"{borough}-{as_of}-v{version}"
    with transaction() as session:
        session.add(
            PublishedList(
                id=name,
                borough=borough,
                as_of=as_of,
                version=version,
                issued_at=datetime.combine(as_of, datetime.min.time(), UTC) + timedelta(hours=4),
                model_id="hmo-test",
                input_hash=f"{name:0<64}"[:64],
                capacity=capacity,
                rows=homes,
                tie_seed=1,
                expected_hits=capacity / 2,
                files={},
                control_frame=1000,
            )
        )
        session.flush()
        for rank in range(1, homes + 1):
            number = first + rank - 1
            values = {
                "list_id": name,
                "rank": rank,
                "uprn": uprn_of(number),
                "address": address_of(number),
                "ward": WARDS[number % 3],
                "probability": 0.9 - rank / 100,
                "reasons": ["4 surnames among electors", "last complaint 2 months ago", "99 square metres"],
                "licence_needed": ("mandatory", "additional", "cannot_tell")[number % 3],
                "licence_status": "no licence found",
                "licence_why": "No licence was found.",
                "control_slot": rank if rank % 10 == 5 else None,
                "control_inclusion": 0.01 if rank % 10 == 5 else None,
                "easting": 529000.0 + 40 * number,
                "northing": 184000.0 + 55 * (number % 7),
                "landlord_id": f"landlord-{number % 4}",
                "landlord_name": f"Example Lettings {number % 4} Ltd",
            }
            session.add(ListEntry(**(values | (changed if rank == 1 else {}))))
            session.add(Dossier(list_id=name, uprn=uprn_of(number), content=dossier(borough, number, as_of)))
    return name


def dossier(borough: str, number: int, as_of: date = AS_OF) -> dict[str, Any]:
    """What stands behind an entry, in the shape of `models.hmo.dossier`."""
    link = {"decision": "linked", "reason": "exact", "sentence": "Its address is the same.", "stage": "exact"}
    record = {
        "dataset": "service_request",
        "source": "Complaints",
        "record_id": number,
        "date": "2026-08-01",
        "reference": f"SR-{number}",
        "what": "noise",
        "of": "home",
        "link": link | {"sure": "about 99 in 100"},
    }
    theme = {
        "theme": "residents",
        "words": "How many live there",
        "strength": "strongly",
        "features": [
            {
                "words": "4 surnames among electors",
                "source": "electoral register, 1 Dec 2025",
                "effect": "raises",
                "strength": "strongly",
                "times": 1,
            }
        ],
    }
    return {
        "borough": borough,
        "uprn": uprn_of(number),
        "address": address_of(number),
        "postcode": None,
        "building_uprn": None,
        "as_of": as_of.isoformat(),
        "model": "hmo-test",
        "list_id": "",
        "reasons": ["4 surnames among electors"],
        "raises": [theme],
        "lowers": [],
        "hardly": ["What the home is"],
        "records": [record],
        "licences": [],
        "applications": [],
        "licensing": {
            "needed": "mandatory",
            "needed_why": "Five or more persons in two or more households (Housing Act 2004 s.55).",
            "status": "none",
            "status_why": "No licence was found on the register.",
            "missing": "",
            "excluded_why": "",
        },
        "landlord": {
            "id": f"landlord-{number % 4}",
            "name": f"Example Lettings {number % 4} Ltd",
            "role": "liable owner",
            "boroughs": [{"borough": borough, "properties": 8, "licences": 2, "in_force": 1}],
        },
        "withheld": [],
        "note": "This is a lead to check, never a finding.",
    }
