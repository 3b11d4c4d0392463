"""One night at two sizes four times apart: seconds by stage, rows, peak memory, and the ratio to the floor.

The floor is the least that any pipeline could do with the same files on the same cores:
read each with Arrow's own reader and write it as Parquet, nothing else. Times of a machine
are noise from one day to the next, so what is worth keeping is the ratio and the growth.

    .venv/bin/python benchmarks/night.py --boroughs 4 --dwellings 5000
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psutil

MIB = 1024 * 1024
LODA = Path(sys.executable).with_name("loda")


@dataclass(frozen=True)
class Night:
    """One `loda run`: rows it took in, clock seconds, seconds by stage over all processes, and memory in GiB."""

    rows: int
    seconds: float
    by_stage: Mapping[str, float]
    largest: float
    together: float


@dataclass(frozen=True)
class Measured:
    """One night at a size, and the floor of the same files."""

    dwellings: int
    megabytes: float
    night: Night
    floor_seconds: float


class MemoryWatch(threading.Thread):
    """Peak memory of a process and its children: all together, and of the largest one."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.together = self.largest = 0.0
        self.stopped = threading.Event()

    def run(self) -> None:
        """Sample until stopped."""
        while not self.stopped.wait(0.2):
            try:
                family = [self.process, *self.process.children(recursive=True)]
                sizes = [member.memory_info().rss / MIB for member in family]
            except psutil.NoSuchProcess:
                continue
            self.together, self.largest = max(self.together, sum(sizes)), max(self.largest, *sizes)


def to_parquet(job: tuple[str, str]) -> int:
    """Read one extract as it lies and write it as Parquet; returns its rows."""
    import fastexcel
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    source, target = job
    kind = Path(source).suffix.lower()
    if kind == ".xlsx":
        book = fastexcel.read_excel(source)
        sheets = [book.load_sheet(name, header_row=None, dtypes="string").to_arrow() for name in book.sheet_names]
        tables = [pa.Table.from_batches([sheet]) for sheet in sheets]
    elif kind == ".parquet":
        tables = [pq.read_table(source)]
    else:
        encoding = "utf8" if _is_utf8(source) else "latin-1"
        tables = [
            pacsv.read_csv(
                source,
                read_options=pacsv.ReadOptions(encoding=encoding, autogenerate_column_names=True),
                parse_options=pacsv.ParseOptions(
                    delimiter=_delimiter(source), newlines_in_values=True, invalid_row_handler=lambda _row: "skip"
                ),
            )
        ]
    for number, table in enumerate(tables):
        pq.write_table(table, f"{target}.{number}.parquet")
    return sum(table.num_rows for table in tables)


def _is_utf8(path: str) -> bool:
    try:
        Path(path).read_bytes().decode()
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(path: str) -> str:
    with Path(path).open("rb") as handle:
        head = handle.read(2000).decode("latin-1")
    return max(",;\t", key=head.count)


def floor(bucket: Path, workers: int) -> float:
    """Seconds that the floor takes over all extracts, the pool already started."""
    with tempfile.TemporaryDirectory() as folder:
        files = [p for p in bucket.rglob("*") if p.suffix in {".csv", ".xlsx", ".parquet", ".txt", ".tsv"}]
        files = [p for p in files if ".receipt." not in p.name and ".quarantine." not in p.name]
        jobs = [(str(path), f"{folder}/{number}") for number, path in enumerate(files)]
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            list(pool.map(to_parquet, jobs[:workers]))  # imports are not part of the floor
            started = time.perf_counter()
            list(pool.map(to_parquet, jobs))
            return time.perf_counter() - started


def a_night(environment: Mapping[str, str]) -> Night:
    """Run a night and watch its memory.

    Raises:
        SystemExit: a borough failed, or rows in are not accepted plus quarantined.
    """
    started = time.perf_counter()
    night = subprocess.Popen([LODA, "run", "--json"], env=environment, stdout=subprocess.PIPE, text=True)
    watch = MemoryWatch(night.pid)
    watch.start()
    printed, _ = night.communicate()
    watch.stopped.set()
    seconds = time.perf_counter() - started
    summary = json.loads(printed)
    if summary["failures"]:
        raise SystemExit(f"The night failed: {summary['failures']}")
    if summary["rows_in"] != summary["accepted"] + summary["quarantined"]:
        raise SystemExit("Rows in are not accepted plus quarantined.")
    return Night(summary["rows_in"], seconds, summary["seconds_by_stage"], watch.largest / 1024, watch.together / 1024)


def one_night(boroughs: int, dwellings: int, workers: int) -> Measured:
    """Make extracts in a throw-away home, run the night over them, and measure the floor on the same files."""
    home = Path(tempfile.mkdtemp(prefix="loda-benchmark-"))
    environment = {**os.environ, "LODA_HOME": str(home), "LODA_WORKERS": str(workers), "LODA_STABLE_SECONDS": "0"}
    try:
        subprocess.run(
            [LODA, "demo", "--boroughs", str(boroughs), "--dwellings", str(dwellings)],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        extracts = [p for p in (home / "bucket").rglob("*") if p.is_file()]
        megabytes = sum(p.stat().st_size for p in extracts) / 1e6
        floor_seconds = floor(home / "bucket", workers)
        return Measured(dwellings, megabytes, a_night(environment), floor_seconds)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boroughs", type=int, default=4)
    parser.add_argument("--dwellings", type=int, default=2500, help="of the smaller size; the larger is four times it")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    sizes = [one_night(chosen.boroughs, chosen.dwellings * factor, chosen.workers) for factor in (1, 4)]
    small, large = sizes
    print(f"{chosen.boroughs} boroughs, {chosen.workers} processes\n")
    print(f"{'':<34}{'small':>12}{'large':>12}{'growth':>10}")

    def line(name: str, one: float, other: float, form: str) -> None:
        growth = f"{other / one:.2f}x" if one else "-"
        print(f"{name:<34}{one:>12{form}}{other:>12{form}}{growth:>10}")

    line("dwellings a borough", small.dwellings, large.dwellings, ",.0f")
    line("rows in", small.night.rows, large.night.rows, ",.0f")
    line("megabytes in", small.megabytes, large.megabytes, ",.1f")
    line("night, seconds", small.night.seconds, large.night.seconds, ",.1f")
    line("rows a second", small.night.rows / small.night.seconds, large.night.rows / large.night.seconds, ",.0f")
    line("peak memory together, GiB", small.night.together, large.night.together, ",.2f")
    line("largest process, GiB", small.night.largest, large.night.largest, ",.2f")
    line("floor, seconds", small.floor_seconds, large.floor_seconds, ",.2f")
    line(
        "night over floor", small.night.seconds / small.floor_seconds, large.night.seconds / large.floor_seconds, ",.1f"
    )
    print("\nSeconds by stage, summed over processes")
    for stage in large.night.by_stage:
        line(f"  {stage}", small.night.by_stage.get(stage, 0.0), large.night.by_stage[stage], ",.1f")


if __name__ == "__main__":
    main()
