"""One gazetteer, its records on every core: workers link parts of the distinct addresses.

How many parts there are depends on the number of records alone, and in which an address lies on the address alone, so
that the number of workers changes nothing.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import lru_cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from pipelines.link import cascade
from pipelines.link.linking import link
from pipelines.link.pair_model import current
from pipelines.link.pairs import Missing
from pipelines.link.records import make_records
from pipelines.link.spine import Spine, Whole, assemble, read_rows, streets_given
from pipelines.link.streets import Streets
from pipelines.link.verdicts import together
from pipelines.link.workers import pool

FILE = "file"
RECORDS_ALONE = 8_000
"""Up to so many records one process is done before others have started."""
RECORDS_A_PART = 60_000
Map = Callable[..., Iterable[Any]]


def parts_of(records: int) -> int:
    """Into how many parts the addresses of so many records are cut: two or a multiple, as cores mostly are."""
    return 1 if records <= RECORDS_ALONE else 2 * -(-records // (2 * RECORDS_A_PART))


def link_side_by_side(records: pa.Table, gazetteer: pa.Table, workers: int) -> tuple[pa.Table, dict[str, float]]:
    """Links of records (record_id, address, postcode, uprn) to a gazetteer with the spine's columns, sorted by UPRN."""
    parts = parts_of(records.num_rows)
    rows, _, places = read_rows(gazetteer)
    whole = Whole.of(rows, places, streets_given(gazetteer))
    streets = Streets.of(pd.Series(whole.streets))
    with ExitStack() as open_:
        if workers == 1 or parts == 1:
            made = make_records({FILE: records}, whole, streets)
            return link(made, assemble(rows, whole), FILE, decide=partial(_decide, map, None, parts))
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory(prefix="loda-link-")))
        kept = folder / "spine"
        processes = open_.enter_context(pool(min(workers, parts), folder))
        beside = open_.enter_context(ThreadPoolExecutor(1))
        spine = beside.submit(_assembled, rows, whole, kept)
        del rows
        made = make_records({FILE: records}, whole, streets)
        return link(made, spine.result(), FILE, decide=partial(_decide, processes.map, kept, parts))


def _assembled(rows: pd.DataFrame, whole: Whole, kept: Path) -> Spine:
    """The spine, also written for the workers to read."""
    spine = assemble(rows, whole)
    with kept.open("wb") as file:
        pickle.dump(spine, file, protocol=5)
    return spine


def _decide(
    run: Map, kept: Path | None, parts: int, addresses: pd.DataFrame, spine: Spine, area: Missing
) -> tuple[pd.DataFrame, dict[str, float]]:
    """As `cascade.decide`, a part a worker. The ceilings of `candidates` hold for each part by itself."""
    part = pd.util.hash_array(addresses["canonical"].to_numpy(object)) % parts
    some = [addresses.loc[part == n] for n in range(parts)]
    found = list(run(_decided, repeat(kept or spine), some, repeat(area)))
    counts = pd.DataFrame([count for _, count in found]).fillna(0.0).sum()
    verdicts = together([verdict for verdict, _ in found]).reindex(addresses.index)
    return verdicts, {str(name): float(value) for name, value in counts.items()}


def _decided(spine: Spine | Path, addresses: pd.DataFrame, area: Missing) -> tuple[pd.DataFrame, dict[str, float]]:
    here = spine if isinstance(spine, Spine) else _read(spine)
    made, notes = cascade.decide(addresses, here, current(), area)
    return made, notes.counts


@lru_cache(maxsize=1)
def _read(kept: Path) -> Spine:
    with kept.open("rb") as file:
        spine: Spine = pickle.load(file)  # noqa: S301 - written by this very run
    return spine
