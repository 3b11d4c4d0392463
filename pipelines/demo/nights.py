"""Nights of synthetic extracts: a world as of each night's day, written as each borough's systems would."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from multiprocessing import get_context

import pandas as pd

from pipelines.core.bucket import Folder
from pipelines.core.errors import ConfigurationError
from pipelines.core.orphans import end_with_parent
from pipelines.core.settings import settings
from pipelines.demo.export.assignments import extracts
from schemas.registry import contract

log = logging.getLogger(__name__)

ANCHOR = date(2026, 9, 30)
"""Day of the last night unless another is asked for: the same command makes the same bytes on any day."""

DEFAULT_BOROUGHS = ("camden", "hounslow", "lambeth", "bexley")
INTERVAL_DAYS = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}

README = """# What is true of the synthetic extracts

Nothing of the system reads this folder; it is for judging what the system made of the extracts.

- `<borough>/links/<dataset>.parquet`: for every row of every file (`file`, `row_number` as a spreadsheet shows it)
  the property it is truly about (`true_uprn`) and, for licences and council tax, the landlord (`true_landlord`).
- `<borough>/faults.parquet`: every fault that was put in on purpose: `dataset`, `file`, `row_number`, `fault`, `field`.
- `<borough>/<name>.parquet`: what is true of the borough's homes and people on the last night.
"""


@dataclass(frozen=True)
class DemoSummary:
    """What was made: files, rows and bytes of extracts, in how many seconds, and where."""

    boroughs: tuple[str, ...]
    files: int
    rows: int
    bytes: int
    seconds: float
    out: str
    truth: str


@dataclass(frozen=True)
class _Job:
    out: str
    truth: str
    borough: str
    dwellings: int | None
    seed: int
    days: tuple[date, ...]


@dataclass(frozen=True)
class _Made:
    files: int = 0
    rows: int = 0
    bytes: int = 0


def make(
    out: str,
    truth: str,
    boroughs: Sequence[str] = DEFAULT_BOROUGHS,
    dwellings: int | None = 2000,
    seed: int = 1,
    nights: int = 1,
    until: date | None = None,
) -> DemoSummary:
    """Write synthetic extracts of boroughs to a bucket, and the truth about them elsewhere.

    The first night has every dataset that a borough shares; later ones those that are due by
    their contract's frequency.

    Args:
        out: fsspec URL of the bucket; files go to `drops/<borough>/<dataset>/`.
        truth: fsspec URL of the folder for what is true, which may not lie in the bucket.
        boroughs: Slugs of the boroughs.
        dwellings: Dwellings a borough, or None for each borough's real number.
        seed: The same seed and `until` give the same bytes.
        nights: How many nights, the last of them `until`.
        until: Day of the last night; `ANCHOR` unless given.

    Raises:
        ConfigurationError: the truth would lie in the bucket, or there are no nights to make.
        NotFound: a borough has no synthetic extracts.
    """
    started = time.perf_counter()
    _check(out, truth, nights)
    last = until or ANCHOR
    days = tuple(last - timedelta(days=nights - night) for night in range(1, nights + 1))
    for borough in boroughs:
        extracts(borough)
    jobs = [_Job(out, truth, borough, dwellings, seed, days) for borough in boroughs]
    made = list(_run(jobs))
    Folder(truth).write_bytes("README.md", README.encode())
    return DemoSummary(
        boroughs=tuple(boroughs),
        files=sum(m.files for m in made),
        rows=sum(m.rows for m in made),
        bytes=sum(m.bytes for m in made),
        seconds=time.perf_counter() - started,
        out=out,
        truth=truth,
    )


def due(dataset: str, days: Sequence[date]) -> list[date]:
    """The days on which a dataset is exported: the first, then whenever its interval has passed."""
    interval = INTERVAL_DAYS[contract(dataset).frequency]
    exported: list[date] = []
    for day in days:
        if not exported or (day - exported[-1]).days >= interval:
            exported.append(day)
    return exported


def _check(out: str, truth: str, nights: int) -> None:
    if nights < 1:
        raise ConfigurationError("The demo makes at least one night; give a number of nights from 1.")
    bucket, apart = Folder(out), Folder(truth)
    if f"{apart.root}/".startswith(f"{bucket.root}/"):
        raise ConfigurationError(f"The truth '{truth}' would lie in the bucket '{out}'; name a folder outside it.")


def _run(jobs: list[_Job]) -> Iterable[_Made]:
    workers = min(settings().workers, len(jobs))
    if workers <= 1:
        yield from map(_make_borough, jobs)
        return
    # Spawned, because Arrow's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=end_with_parent) as pool:
        yield from pool.map(_make_borough, jobs)


def _make_borough(job: _Job) -> _Made:
    """All nights of one borough; a process holds one night of one borough at a time."""
    from pipelines.demo.export import Exported, export_borough
    from pipelines.demo.world import WorldSpec, make_borough, make_landlords

    bucket, apart = Folder(job.out), Folder(job.truth)
    when = {dataset: due(dataset, job.days) for dataset in extracts(job.borough)}
    made = _Made()
    links: dict[str, list[pd.DataFrame]] = {dataset: [] for dataset in when}
    faults: list[pd.DataFrame] = []
    landlords = make_landlords(WorldSpec((job.borough,), job.dwellings, job.seed, job.days[-1]))
    for day in job.days:
        tonight = [dataset for dataset, days in when.items() if day in days]
        if not tonight and day != job.days[-1]:
            continue
        spec = WorldSpec((job.borough,), job.dwellings, job.seed, day)
        world = make_borough(spec, job.borough, landlords)
        exported: list[Exported] = export_borough(world.records, job.borough, day, job.seed, tonight, bucket)
        for file in exported:
            links[file.dataset].append(file.links)
            faults.append(file.faults)
            made = _Made(made.files + 1, made.rows + file.rows, made.bytes + file.size)
        if day == job.days[-1]:
            for name, frame in world.truth.items():
                _write(apart, f"{job.borough}/{name}.parquet", frame)
    for dataset, frames in links.items():
        if frames and dataset != "licensing_scheme":
            _write(apart, f"{job.borough}/links/{dataset}.parquet", pd.concat(frames, ignore_index=True))
    if faults:
        _write(apart, f"{job.borough}/faults.parquet", pd.concat(faults, ignore_index=True))
    log.info("%s: %d synthetic extracts, %d rows", job.borough, made.files, made.rows)
    return made


def _write(folder: Folder, path: str, frame: pd.DataFrame) -> None:
    target = io.BytesIO()
    frame.to_parquet(target, index=False)
    folder.write_bytes(path, target.getvalue())
