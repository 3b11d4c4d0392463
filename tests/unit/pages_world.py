"""A ledger with made-up drops and figures, for the pages that are made from it."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta

from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood, QualityMeasure

DIMENSIONS = ("completeness", "conformity", "validity", "uniqueness", "consistency", "timeliness")
Figures = dict[tuple[str, str], tuple[int, int]]


def overall(share: float = 0.95, rows: int = 1000) -> Figures:
    """Every dimension at one share, and the two measures of UPRNs."""
    good = round(share * rows)
    made: Figures = {(dimension, "overall"): (good, rows) for dimension in DIMENSIONS}
    made["completeness", "uprn_filled"] = (good, rows)
    made["consistency", "uprn_in_gazetteer"] = (good, good)
    return made


def drop(
    borough: str,
    dataset: str,
    extract: date,
    figures: Figures | None = None,
    *,
    arrived: date | None = None,
    source: str = "main",
    status: str = "accepted",
    rows: int = 1000,
) -> str:
    """One drop in the ledger with its figures; the newest of a source is its last good one."""
    came = arrived or extract
    name = f"{borough}-{dataset}-{source}-{extract}"
    used = status in {"accepted", "superseded"}
    with transaction() as session:
        session.add(
            Drop(
                id=name,
                borough=borough,
                dataset=dataset,
                source=source,
                path=f"drops/{borough}/{dataset}/{extract}.csv",
                sha256=name.ljust(64, "0")[:64],
                size_bytes=1,
                received_at=datetime(came.year, came.month, came.day, 20, tzinfo=UTC),
                extract_date=extract,
                status=status,
                rows_in=rows,
                accepted=rows,
                lake_version=1 if used else None,
                receipt_delivered=True,
            )
        )
        whose = {
            "drop_id": name,
            "borough": borough,
            "dataset": dataset,
            "source": source,
            "extract_date": extract,
            "measured_at": datetime(came.year, came.month, came.day, 21, tzinfo=UTC),
        }
        for (dimension, measure), (good, of) in (figures or {}).items():
            session.add(QualityMeasure(**whose, dimension=dimension, measure=measure, good=good, of=of))
        last = session.get(LastGood, (borough, dataset, source))
        if used and (last is None or last.extract_date <= extract):
            session.merge(
                LastGood(
                    borough=borough,
                    dataset=dataset,
                    source=source,
                    drop_id=name,
                    extract_date=extract,
                    rows=rows,
                    lake_version=1,
                    published_at=datetime(came.year, came.month, came.day, 22, tzinfo=UTC),
                )
            )
    return name


def london(until: date, boroughs: tuple[str, ...] = ("camden", "bexley", "brent", "ealing"), months: int = 14) -> None:
    """Some boroughs with more than a year of monthly extracts that come and go in quality, some late."""
    rng = random.Random(1)
    for slug in boroughs:
        for dataset in ("gazetteer", "council_tax", "hmo_licence", "service_request"):
            level = rng.uniform(0.86, 0.995)
            for month in range(months, 0, -1):
                share = min(1.0, level + rng.uniform(-0.02, 0.012))
                figures = overall(share, 4000)
                figures |= {("uniqueness", "overall"): (4000, 4000), ("consistency", "overall"): (3988, 4000)}
                figures["validity", "invalid_uprn"] = (round(share * 4000), 4000)
                figures["conformity", "unknown_code"] = (3970, 4000)
                extract = until - timedelta(days=30 * month)
                drop(
                    slug,
                    dataset,
                    extract,
                    figures,
                    arrived=extract + timedelta(days=rng.choice([0, 0, 1, 16])),
                    rows=4000,
                )
