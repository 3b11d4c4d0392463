"""A file that is linked by several processes: the same answers from any number of them, and no wait for a dead one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pytest

from pipelines.core.errors import LodaError
from pipelines.link import side_by_side
from pipelines.link.side_by_side import link_side_by_side, parts_of
from pipelines.link.spine import COLUMNS
from pipelines.link.workers import pool
from tests.unit.test_link_file import districts, written


def test_parts_rest_on_the_number_of_records_alone() -> None:
    assert [parts_of(n) for n in (0, 8_000, 8_001, 120_000, 120_001)] == [1, 1, 2, 2, 4]


def test_the_number_of_workers_and_of_parts_changes_no_link(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame(districts()).sort_values("uprn").reindex(columns=list(COLUMNS))
    gazetteer = pa.Table.from_pandas(rows, pa.schema([(name, pa.string()) for name in COLUMNS]), preserve_index=False)
    asked = pd.DataFrame(written(districts(), 600))
    # A place beside a property goes through the cascade by itself.
    address = [*asked["address"][:-1], "Land adjacent to 12 High Street"]
    records = pa.table(
        {
            "record_id": np.arange(len(asked)),
            "address": pa.array(address, pa.string()),
            "postcode": pa.array(asked["postcode"], pa.string()),
            "uprn": pa.nulls(len(asked), pa.string()),
        }
    )
    whole, _ = link_side_by_side(records, gazetteer, 2)
    for name, size in (("RECORDS_ALONE", 100), ("RECORDS_A_PART", 200)):
        monkeypatch.setattr(side_by_side, name, size)
    one, counts = link_side_by_side(records, gazetteer, 1)
    two, counts_of_two = link_side_by_side(records, gazetteer, 2)
    assert one.equals(whole)
    assert two.equals(whole)
    assert counts == counts_of_two


def test_a_worker_that_is_killed_ends_the_run_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(LodaError, match="A worker process ended"), pool(1, tmp_path) as processes:
        processes.submit(os._exit, 9).result()


ASLEEP = """
import os, sys, time
from pathlib import Path
from pipelines.link.workers import pool
if __name__ == "__main__":
    with pool(1, Path(sys.argv[1])) as processes:
        print(processes.submit(os.getpid).result(), flush=True)
        time.sleep(600)
"""


def test_killed_half_way_it_leaves_no_process_and_no_addresses(tmp_path: Path) -> None:
    (tmp_path / "asleep.py").write_text(ASLEEP)
    left = tmp_path / "left"
    left.mkdir()
    command = [sys.executable, str(tmp_path / "asleep.py"), str(left)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        worker = psutil.Process(int(running.stdout.readline()))
        server = worker.parent()
        running.kill()
    assert server is not None
    _, alive = psutil.wait_procs([worker, server], timeout=30)
    assert not alive
    assert not left.exists()
