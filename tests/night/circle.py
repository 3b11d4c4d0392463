"""What a night after an outcome is held against: labels, rows and links of a borough, in a home of its own."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from models.hmo import inputs
from models.hmo.labels import labels_at
from pipelines.core.ledger.engine import engine, transaction
from pipelines.core.ledger.models import ListEntry, ModelVersion, PublishedList
from pipelines.core.settings import settings
from pipelines.core.tables import LINK
from pipelines.governance import access
from review.app import create_app
from review.identity.person import Role
from tests.homes import forget_own_files
from tests.night.conftest import environment
from tests.review.conftest import Browser, forget_settings


@contextmanager
def copy_of(home: Path, place: Path) -> Iterator[Path]:
    """A copy of a home to work in with the code itself."""
    shutil.copytree(home, place, ignore=shutil.ignore_patterns("truth"))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(place).items():
            patch.setenv(name, value)
        settings.cache_clear()
        forget_own_files()
        yield place
        engine().dispose()
    settings.cache_clear()
    forget_own_files()


@dataclass(frozen=True)
class Entry:
    """An entry of a list that nobody has an answer about."""

    list_id: str
    as_of: date
    uprn: str


def first_unanswered(borough: str) -> Entry:
    """The first entry of a borough's list that has no label."""
    with transaction() as session:
        issued = session.scalars(sa.select(PublishedList).where(PublishedList.borough == borough)).one()
        query = sa.select(ListEntry.uprn).where(ListEntry.list_id == issued.id).order_by(ListEntry.rank)
        uprns = list(session.scalars(query))
    known = labels(borough, issued.as_of)
    return next(Entry(issued.id, issued.as_of, uprn) for uprn in uprns if np.isnan(known[uprn]))


def labels(borough: str, as_of: date) -> dict[str, float]:
    """What is known of each property on a day."""
    (evidence,) = inputs.read_evidence([borough])
    return dict(zip(evidence.uprns, labels_at(evidence, as_of), strict=True))


def record(borough: str, entry: Entry, found: str, note: str) -> None:
    """Record an outcome on the day of the list, on the property's page, as an analyst of the borough does."""
    there = f"/properties/{borough}/{entry.uprn}/outcome"
    day = {"visited-day": entry.as_of.day, "visited-month": entry.as_of.month, "visited-year": entry.as_of.year}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LODA_NOW", f"{entry.as_of}T23:00:00+00:00")
        forget_settings()
        analyst = Browser(create_app()).sign_in(Role.ANALYST, borough, name="Ada Analyst")
        form = analyst.get(there)
        assert form.status_code == 200, form.text
        (version,) = re.findall(r'name="version" value="(\d+)"', form.text)
        said = {"found": found, "method": "visit", "officer": "Ola Officer", "note": note, "version": version}
        sent = analyst.post_form(there, **said, **day)
        assert (sent.status_code, sent.headers.get("location")) == (
            303,
            f"{there.removesuffix('/outcome')}?done=outcome",
        )
    forget_settings()


def listed(borough: str) -> list[list[str]]:
    """UPRNs of each of a borough's lists by rank, the oldest list first."""
    query = (
        sa.select(PublishedList.version, ListEntry.uprn)
        .join(ListEntry, ListEntry.list_id == PublishedList.id)
        .where(PublishedList.borough == borough)
        .order_by(PublishedList.as_of, PublishedList.version, ListEntry.rank)
    )
    with transaction() as session:
        rows = session.execute(query).all()
    return [[uprn for _, uprn in own] for _, own in groupby(rows, key=lambda row: row.version)]


def visits(borough: str) -> list[dict[str, Any]]:
    """Rows in the lake that officers recorded, each with its links."""
    rows = access.read_dataset("inspection", boroughs=[borough], purpose="hmo_detection").to_pylist()
    links = access.read_table("link", LINK, boroughs=[borough]).to_pylist()
    of_visits = [link for link in links if link["dataset"] == "inspection"]
    return [
        row | {"links": [link for link in of_visits if link["record_id"] == row["record_id"]]}
        for row in rows
        if row["source"] == "review"
    ]


def models() -> list[ModelVersion]:
    """Every model, oldest first."""
    with transaction() as session:
        return list(session.scalars(sa.select(ModelVersion).order_by(ModelVersion.trained_at)))
