"""Links and features of boroughs by each engine, and what it costs against one process that does the same.

Extracts are made and taken in once; each engine gets a copy of that home. What it makes is compared row for row with
what one process made. Times of a machine are noise from one day to the next, processor time less so: read the ratios.

    .venv/bin/python benchmarks/spread.py --boroughs camden --dwellings 30000
    .venv/bin/python benchmarks/spread.py --engines local,dask,spark,spark-rows --python PYTHON

Spark is no dependency of this project. It needs Java 17, and PYTHON, an environment with `pip install pyspark` and what
is in this one (a `.pth` file that names its site-packages).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
LODA = [sys.executable, "-c", "from pipelines.cli import app; app()"]
TABLES = ("property", "link", "link_report", "address_link", "landlord", "matrix")
TAKE_IN = """
from pipelines import night
from pipelines.whole_night import INTAKE
night.prepare()
for borough in night.discover():
    for stage in INTAKE:
        getattr(night, stage)(borough)
print(night.resolve_as_of(None))
"""


def environment(home: Path) -> dict[str, str]:
    """Of a process that works in a home."""
    path = os.pathsep.join([str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        "LODA_HOME": str(home),
        "LODA_STABLE_SECONDS": "0",
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": "1",
    }


def taken_in(home: Path, boroughs: str, dwellings: int) -> str:
    """Make extracts and take them in; returns the day that they speak up to."""
    home.mkdir()
    own = environment(home)
    demo = [*LODA, "demo", "--boroughs", boroughs, "--dwellings", str(dwellings)]
    subprocess.run(demo, env=own, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run([sys.executable, "-c", TAKE_IN], env=own, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split()[-1]


def by(engine: str, python: str, home: Path, boroughs: list[str], day: str) -> Mapping[str, Any]:
    """Have an engine do it in a home; returns what it took."""
    command = [python, str(HERE / "spread_engines.py"), engine, *boroughs, "--day", day, "--out", str(home / "rows")]
    done = subprocess.run(command, env=environment(home), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{engine} failed: {done.stderr[-3000:]}")
    taken: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return taken


@contextmanager
def in_home(home: Path) -> Iterator[None]:
    """This process reads the lake of a home."""
    from pipelines.core.settings import settings

    os.environ["LODA_HOME"] = str(home)
    settings.cache_clear()
    yield
    settings.cache_clear()


def rows_of(home: Path, table: str, borough: str | None = None) -> list[Mapping[str, Any]]:
    """Every row of a table of the lake, in an order of their own."""
    from pipelines.core import lake

    with in_home(home):
        found = lake.read(table, boroughs=[borough] if borough else None)
    return in_order(found) if found is not None else []


def in_order(table: pa.Table) -> list[Mapping[str, Any]]:
    """Rows by their text, which tells also what is unknown apart from what is empty."""
    names = sorted(table.column_names)
    return sorted(table.select(names).to_pylist(), key=repr)


def differ(engine: str, home: Path, local: Path) -> list[str]:
    """Tables in which an engine's rows are not those of one process."""
    if engine == "spark-rows":
        return [] if in_order(pq.read_table(home / "rows")) == rows_of(local, "link") else ["link"]
    return [table for table in TABLES if rows_of(home, table) != rows_of(local, table)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--boroughs", default="camden")
    parser.add_argument("--dwellings", type=int, default=30_000)
    parser.add_argument("--engines", default="local,pool,dask")
    parser.add_argument("--python", default=sys.executable, help="of an environment that has the engines")
    chosen = parser.parse_args()
    boroughs = sorted(chosen.boroughs.split(","))
    folder = Path(tempfile.mkdtemp(prefix="loda-spread-"))
    try:
        day = taken_in(folder / "home", chosen.boroughs, chosen.dwellings)
        print(f"{len(boroughs)} boroughs of {chosen.dwellings:,} dwellings\n")
        print(f"{'engine':<12}{'step':<12}{'seconds':>10}{'processor s':>13}{'of local':>10}{'MiB':>8}  rows")
        first: float | None = None
        for engine in dict.fromkeys(["local", *chosen.engines.split(",")]):
            home = folder / engine
            shutil.copytree(folder / "home", home)
            taken = by(engine, chosen.python, home, boroughs, day)
            other = differ(engine, home, folder / "local")
            for name, step in taken["steps"].items():
                print(f"{engine:<12}{name:<12}{step['seconds']:>10.1f}{step['cpu']:>13.1f}")
            seconds, cpu = (sum(step[what] for step in taken["steps"].values()) for what in ("seconds", "cpu"))
            first = first or cpu
            equal = "equal" if not other else f"OTHER in {', '.join(other)}"
            ratio = f"{cpu / first:.2f}x"
            print(f"{engine:<12}{'all':<12}{seconds:>10.1f}{cpu:>13.1f}{ratio:>10}{taken['together']:>8}  {equal}\n")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
