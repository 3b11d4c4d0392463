"""A small office for browsers: lists, work, drops, addresses, models and a log in one ledger, all of them made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from models.hmo import features, model_file
from models.hmo import registry as models
from models.hmo.estimator import Detector
from pipelines.casework import outcomes, overrides, places, planning
from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Dossier, Drop, LastGood, ListEntry, ModelVersion, StageState
from pipelines.extracts import IntakeFiles
from pipelines.onboard.held import PROPOSAL
from review.app import create_app
from review.identity import tokens
from review.identity.person import LONDON, Person, Role
from review.queries import links
from tests.homes import own_home
from tests.review.conftest import forget_settings
from tests.review.listed import AS_OF, issue, uprn_of
from tests.review.served import served
from tests.unit.link_lake import put
from tests.unit.review_world import HOUSE, TWICE, gazetteer, night

BOROUGH, EMPTY = "camden", "bexley"
"""The borough with everything, and one with an empty list and nothing else."""

NOW = "2026-10-05T10:00:00+00:00"
AT = datetime(2026, 9, 30, 12, tzinfo=UTC)
LONG_ADDRESS = (
    "Flat 12B, The Former Workhouse and Infirmary of the Parish of Saint Pancras-in-the-Fields, "
    "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch Mews, 118 to 126 Example Road East, London, NW12 3AB"
)
LONG_NAME = ("Featherstonehaugh-Cholmondeley " * 4)[:119] + "."
LONG_NOTE = "Six doors with numbers and locks of their own; " + "averylongwordwithoutanyblank" * 8
SEEN, MISTAKEN, NO_ACCESS, EXCLUDED, PLANNED = (uprn_of(n) for n in range(4, 9))
HELD, TAKEN, AGAIN, STRANGE, UNREADABLE = (f"{BOROUGH}-hmo_licence-{n:012d}" for n in range(1, 6))
CHAMPION, CHALLENGER, COMPARED, UNCOMPARED = "hmo-2026-08", "hmo-2026-09", "hmo-2026-07", "hmo-2026-06"
UNLISTED, AT_UNLISTED = "60", 24
"""A home of the gazetteer that is on no list, and the number of the outcome that was recorded at another such home."""

LIST, LANDLORD = f"{BOROUGH}-{AS_OF}-v2", "landlord-2"
OFFICER = "Ama Example (local:analyst)"

FINDING: dict[str, Any] = {
    "issue": "not_a_date", "level": "must fix", "severity": "error", "responsibility": "borough",
    "dimension": "validity", "column": "Licence Expires", "field": "Expiry", "whole_file": False, "rows": 2,
    "first_rows": [4, 9], "rows_set_aside": True, "example": "99/99/9999", "sentence": "This is not a date.",
    "what_to_do": "Correct the date.",
}  # fmt: skip


def receipt_of(drop: str, status: str, name: str) -> dict[str, Any]:
    """A receipt with a finding and a column whose name has no end."""
    path = f"drops/{BOROUGH}/hmo_licence/{name}.csv"
    return {
        "receipt": drop, "borough": BOROUGH, "dataset": "hmo_licence", "file": path, "sha256": "0" * 64,
        "bytes": 4_711, "received_at": AT.isoformat(), "extract_date": "2026-09-30", "status": status,
        "outcome": "Held: nothing of it is used yet" if status == "held" else "Accepted", "reason": "row_count_fell",
        "sentence": "40 usable rows after 200.", "what_to_do": "Send the whole register.", "rows_in": 40,
        "accepted": 38 if status == "accepted" else 0, "quarantined": 2 if status == "accepted" else 40,
        "rows_with_faults": 2, "quarantine_file": f"{path}.quarantine.csv", "findings": [FINDING],
        "details": {"total": 1, "shown": 1, "file": None, "lines": [{"row": 4, "finding": 0, "shown": "99/99/9999"}]},
        "columns": {"Licence Expires": "Expiry", "A column with a name that has no end" * 3: "not used: not wanted"},
    }  # fmt: skip


@contextmanager
def office(folder: Path, **environment: str) -> Iterator[str]:
    """The pages of the office on a port of this machine; their address."""
    settings = {"LODA_REVIEW_LOCAL_SIGN_IN": "1", "LODA_REVIEW_PAGE_SIZE": "12", "LODA_NOW": NOW, **environment}
    with own_home(folder, **settings):
        forget_settings()
        links._desks.clear()
        fill()
        with served(create_app()) as address:
            yield address
    forget_settings()


def fill() -> None:
    """Everything that the office has."""
    _lists()
    _work()
    _drops()
    put(BOROUGH, "gazetteer", gazetteer())
    night(TWICE, HOUSE)
    _complaint()
    _models()
    _nights()
    manager = Person("m", "Mark Example", {BOROUGH: frozenset({Role.MANAGER})}, "key")
    tokens.give(BOROUGH, LONG_NAME, str(tokens.ROLES[0]), 90, manager)


def _lists() -> None:
    issue(homes=30, capacity=8, as_of=AS_OF - timedelta(days=7))
    long = {"address": LONG_ADDRESS, "landlord_name": LONG_NAME, "landlord_id": LANDLORD}
    long |= {"reasons": [LONG_NOTE, "last complaint 2 months ago", "99 square metres"]}
    name = issue(homes=30, capacity=8, first=3, version=2, **long)
    issue(EMPTY, homes=0, capacity=0)
    with transaction() as session:
        query = sa.update(ListEntry).where(ListEntry.list_id == name, ListEntry.rank == 2)
        session.execute(query.values(ward=None, landlord_id=None, landlord_name=None, easting=None, northing=None))
        own = session.get_one(Dossier, (name, uprn_of(3)))
        content = dict(own.content)
        content["landlord"] = {**content["landlord"], "name": LONG_NAME}
        content["lowers"] = [{**content["raises"][0], "theme": "building", "words": "What the home is"}]
        content["records"] = [
            {**content["records"][0], "reference": "R" * 80},
            {**content["records"][0], "record_id": 4},
        ]
        content["withheld"] = ["council tax, because no agreement lets an analyst see it."]
        own.content = content


def _work() -> None:
    def found(uprn: str, what: str, day: date = AS_OF, note: str = "") -> int:
        with transaction() as session:
            made = outcomes.record(
                session, borough=BOROUGH, uprn=uprn, found=what, visited_on=day, method="visit", note=note,
                officer="Ola Officer", recorded_by=OFFICER, list_id=LIST,
            )  # fmt: skip
            return made.number

    found(SEEN, "hmo_unlicensed", note=LONG_NOTE)
    found(NO_ACCESS, "no_access")
    found(NO_ACCESS, "no_access", AS_OF + timedelta(days=2))
    mistaken = found(MISTAKEN, "single_household")
    with transaction() as session:
        outcomes.correct(
            session, mistaken, borough=BOROUGH, found="hmo_licensed", visited_on=AS_OF, method="visit",
            officer="Ola Officer", recorded_by=OFFICER, note="The licence hangs in the hall.",
        )  # fmt: skip
    for number in range(15, 33):
        found(uprn_of(number), ("hmo_unlicensed", "single_household", "empty")[number % 3], AS_OF + timedelta(days=1))
    until = AS_OF + timedelta(days=90)
    with transaction() as session:
        overrides.add(
            session, borough=BOROUGH, uprn=EXCLUDED, kind="exclude", reason="A care home. " + LONG_NOTE,
            expires_on=until, who=OFFICER, expected_version=None,
        )  # fmt: skip
    with transaction() as session:
        planning.plan(
            session, borough=BOROUGH, uprn=PLANNED, assigned_to="Ola Officer", planned_for=AS_OF + timedelta(days=9),
            who=OFFICER, expected_version=None,
        )  # fmt: skip


def _complaint() -> None:
    """A visit to a flat that is on no list."""
    flat = places.in_gazetteer(BOROUGH, "82")
    with transaction() as session:
        made = outcomes.record(
            session, borough=BOROUGH, uprn="82", found="single_household", visited_on=AS_OF, method="visit",
            officer="Ola Officer", recorded_by=OFFICER, note="After a complaint about noise.", place=flat,
        )  # fmt: skip
    assert made.number == AT_UNLISTED


def _drops() -> None:
    def drop(number: str, status: str, name: str, reason: str | None, receipt: bool = True, **more: Any) -> Drop:
        held = receipt_of(number, status, name)
        own = {
            "id": number, "borough": BOROUGH, "dataset": "hmo_licence", "source": name[:20], "path": held["file"],
            "sha256": f"{number[-12:]:0>64}", "size_bytes": 4_711, "received_at": AT, "extract_date": AS_OF,
            "status": status, "reason": reason, "sentence": held["sentence"], "rows_in": 40,
            "accepted": held["accepted"], "quarantined": held["quarantined"], "hashes": {},
            "receipt": held if receipt else None, "finished_at": AT,
        }  # fmt: skip
        return Drop(**own | more)

    column = {"confidence": 0.98, "evidence": "every cell has the form of a reference", "sure": True}
    doubtful = {"confidence": 0.4, "evidence": "its heading says so", "sure": False}
    proposal = {
        "dataset": "hmo_licence", "made_from": "1", "changes": ["The column 'Ward' is new; it is not used."],
        "columns": [
            {"column": "Licence No.", "field": "licence_ref", **column},
            {"column": "A heading that goes on and on " * 4, "field": "address", **doubtful},
            {"column": "Ward", "field": None, **column},
        ],
        "questions": [],
    }  # fmt: skip
    IntakeFiles(STRANGE).folder.write_bytes(PROPOSAL, json.dumps(proposal).encode())
    with transaction() as session:
        session.add(drop(HELD, "held", "register", "row_count_fell"))
        session.add(drop(TAKEN, "accepted", "register_of_" + "x" * 90, None))
        session.flush()
        session.add(drop(AGAIN, "duplicate", "register-again", None, receipt=False, duplicate_of=TAKEN))
        session.add(drop(STRANGE, "held", "another-layout", "layout_changed", receipt=False))
        session.add(drop(UNREADABLE, "held", "not-a-register", "no_mapping", receipt=False))


def _models() -> None:
    names = ("model", "random", "rules")
    ranker = {"found": 4.0, "found_worst": 3.0, "found_best": 5.0, "lift": 4.0}
    trial = {"places": 150, "hmos_to_find": 7, "rankers": dict.fromkeys(("model", "random"), ranker)}
    bins = [{"rows": 50, "predicted": share / 10, "found": share / 9} for share in (1, 3, 6, 8)]
    metrics = {
        "labels": {"hmos": 1225, "visits_that_found_none": 226}, "lists_forward": trial, "lists_left_out": trial,
        "calibration": {"on": "visits", "brier": 0.15, "bins": bins},
    }  # fmt: skip
    document = "## What it is for\n\nA list of [homes](#x) to visit.\n\n| Figure | Value |\n| --- | --- |\n"
    document += "| HMOs known | 1,225 |\n\n## What it must not be used for\n\n- letters\n- `notices_" + "x" * 80 + "`\n"
    for place, name in enumerate((CHAMPION, UNCOMPARED, COMPARED, CHALLENGER)):
        path, sha256 = model_file.save(Detector((), features.NAMES[: len(names)], 1.0, 0.0), name)
        trained = AT + timedelta(hours=place)
        made = {"as_of": AS_OF - timedelta(days=30), "trained_at": trained, "hashes": {}, "metrics": metrics}
        models.record(ModelVersion(id=name, path=path, sha256=sha256, **made))
        for kind in ("card.md", "atrs.md"):
            model_file.kept().write_bytes(f"{name}.{kind}", f"# Model card: {name}\n\n{document}".encode())
    row = {
        "borough": BOROUGH, "capacity": 50, "hmos_to_find": 4, "champion": {"found": 1.0, "worst": 1, "best": 1},
        "challenger": {"found": 3.0, "worst": 3, "best": 3}, "verdict": "better", "listed_by_both": 31,
        "listed_today": 50,
    }  # fmt: skip
    kept = {
        "champion": CHAMPION, "challenger": COMPARED, "as_of": AS_OF.isoformat(), "judged_from": "2026-01-01",
        "made_at": AT.isoformat(), "since": dict.fromkeys(("champion", "challenger"), trial),
        "calibration_since": {"champion": {}, "challenger": {"brier": 0.2}}, "only_champion": 1, "only_challenger": 3,
        "overlap": {"both": 62, "of": 100}, "recommendation": "Too little is known yet.", "boroughs": [row],
    }  # fmt: skip
    model_file.kept().write_bytes(f"{COMPARED}.compare.json", json.dumps(kept).encode())


def _nights() -> None:
    """What nights left of themselves, one borough being behind."""
    with transaction() as session:
        for stage, summary in (("link", {"records": 11_166.0, "review": 28}), ("score", {})):
            session.merge(
                StageState(stage=stage, borough=BOROUGH, input_hash="x", made_at=clock.now() - timedelta(hours=30),
                           summary=summary)
            )  # fmt: skip
        session.merge(
            LastGood(
                borough=BOROUGH, dataset="waste", source="main", drop_id="g", extract_date=AS_OF, rows=1,
                lake_version=1, published_at=clock.now() - timedelta(hours=1),
            )
        )  # fmt: skip


def grants(role: Role, *boroughs: str) -> dict[str, list[str]]:
    """Where somebody of a role works: all of London for those of the platform."""
    everywhere = role in (Role.ENGINEER, Role.GOVERNANCE)
    return {borough: [role.value] for borough in boroughs or ((LONDON,) if everywhere else (BOROUGH, EMPTY))}
