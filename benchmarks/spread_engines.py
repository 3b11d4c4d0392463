"""One engine's run of linkage and features over boroughs whose extracts are in the lake; prints what it took as JSON.

`LODA_HOME=HOME python spread_engines.py ENGINE BOROUGH...`, in an environment that has the engine. The stage functions
are the night's own. Processor time and memory are those of this process and all below it, shared memory counted once.

- `local`: here, one borough after the other.
- `pool`: by worker processes, as `loda run` does.
- `dask`: by `loda spread`, on a scheduler and two workers that are started for it.
- `spark`: Spark's `mapInPandas` over the boroughs' names; each task reads and writes the lake by itself.
- `spark-rows`: Spark reads the lake's tables, and `applyInPandas` gets the rows of a borough; links only.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from pipelines.core.types import StageResult

WORKERS = 2
MIB = 1024 * 1024
DRIVER_MEMORY = "2g"


class Family(threading.Thread):
    """This process and all below it: processor seconds so far, and the most memory at any one time in MiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.own = psutil.Process()
        self.spent: dict[int, float] = {}
        self.together = 0.0

    def run(self) -> None:
        """Look every fifth of a second for as long as the process lives."""
        while True:
            self.look()
            time.sleep(0.2)

    def look(self) -> float:
        """Processor seconds of all, those that have ended among them up to their last look."""
        memory = 0.0
        for member in [self.own, *self.own.children(recursive=True)]:
            try:
                times, full = member.cpu_times(), member.memory_full_info()
            except psutil.Error:
                continue
            self.spent[member.pid] = times.user + times.system
            memory += full.pss / MIB
        self.together = max(self.together, memory)
        return sum(self.spent.values())


class Steps:
    """Clock and processor seconds from one mark to the next."""

    def __init__(self) -> None:
        self.family = Family()
        self.family.start()
        self.taken: dict[str, dict[str, float]] = {}
        self.clock, self.cpu = time.perf_counter(), 0.0

    def mark(self, name: str) -> None:
        """What was done since the last mark was this."""
        clock, cpu = time.perf_counter(), self.family.look()
        self.taken[name] = {"seconds": round(clock - self.clock, 2), "cpu": round(cpu - self.cpu, 2)}
        self.clock, self.cpu = clock, cpu


Run = Callable[[Sequence[str], str, tuple[Any, ...]], None]


def one_stage(stage: str, borough: str, rest: tuple[Any, ...]) -> str:
    """A stage of the night for a borough; returns what came of it."""
    from pipelines import night

    result = getattr(night, stage)(borough, *rest)
    if result.outcome != "made":
        raise SystemExit(f"{stage} of {borough} was {result.outcome}: {result.sentence}")
    return str(result.sentence)


@contextmanager
def local() -> Iterator[Run]:
    """Here, one after the other."""

    def run(boroughs: Sequence[str], stage: str, rest: tuple[Any, ...]) -> None:
        for borough in boroughs:
            one_stage(stage, borough, rest)

    yield run


@contextmanager
def pool() -> Iterator[Run]:
    """By processes started afresh, as a night on one machine."""
    with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn")) as processes:

        def run(boroughs: Sequence[str], stage: str, rest: tuple[Any, ...]) -> None:
            for future in [processes.submit(one_stage, stage, borough, rest) for borough in boroughs]:
                future.result()

        yield run


def dask(boroughs: Sequence[str], day: date, steps: Steps) -> None:
    """`loda spread` on workers of a Dask cluster, each a process of its own; `start` is until the workers are there."""
    from distributed import Client

    from pipelines.spread import spread

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    here = ["--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0", "--no-dashboard"]
    dask_command = [sys.executable, "-m", "dask"]
    commands = [
        [*dask_command, "scheduler", "--port", address.split(":")[1], *here],
        [*dask_command, "worker", f"tcp://{address}", "--nthreads", "1", "--nworkers", str(WORKERS), *here],
    ]
    with tempfile.TemporaryDirectory(prefix="loda-dask-") as folder:
        servers = [
            subprocess.Popen(c, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for c in commands
        ]
        try:
            with Client(f"tcp://{address}", timeout=300, set_as_default=False) as client:
                client.wait_for_workers(WORKERS)
            steps.mark("start")
            ended: list[str] = []

            def progress(result: StageResult, _seconds: float) -> None:
                """Where a stage ends: it has no part of the next, which begins when all boroughs are through."""
                ended.append(result.stage)
                if ended.count(result.stage) == (1 if result.stage == "landlords" else len(boroughs)):
                    steps.mark(result.stage)

            report = spread(f"tcp://{address}", boroughs, day.isoformat(), progress=progress)
            if report.failures:
                raise SystemExit(f"{report.failures}")
        finally:
            for server in reversed(servers):
                server.terminate()
                server.wait()


@contextmanager
def spark() -> Iterator[Run]:
    """Spark hands out the boroughs' names."""
    with session() as spark_session:

        def run(boroughs: Sequence[str], stage: str, rest: tuple[Any, ...]) -> None:
            def each(batches: Iterator[Any]) -> Iterator[Any]:
                for batch in batches:
                    yield batch.assign(told=[one_stage(stage, borough, rest) for borough in batch["borough"]])

            names = spark_session.createDataFrame([(borough,) for borough in boroughs], "borough string")
            spread = names.repartition(len(boroughs), "borough")
            told = spread.mapInPandas(each, "borough string, told string").collect()
            if len(told) != len(boroughs):
                raise SystemExit("Spark lost a borough.")

        yield run


@contextmanager
def session() -> Iterator[Any]:
    """Spark on this machine, as many cores as there are workers elsewhere."""
    from pyspark.sql import SparkSession

    os.environ["PYSPARK_PYTHON"] = sys.executable
    made = (
        SparkSession.builder.master(f"local[{WORKERS}]")
        .config("spark.driver.memory", DRIVER_MEMORY)
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", str(WORKERS * 2))
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .getOrCreate()
    )
    made.sparkContext.setLogLevel("ERROR")
    try:
        yield made
    finally:
        made.stop()


def links_of(gazetteer: Any, records: Any) -> Any:
    """Rows of `link` of one borough from its rows of the lake, as pandas frames."""
    import pyarrow as pa

    from pipelines.core.tables import LINK
    from pipelines.link import cascade, review
    from pipelines.link.borough import each_unit
    from pipelines.link.linking import judged, table_of
    from pipelines.link.pair_model import current
    from pipelines.link.records import NEEDED, make_records
    from pipelines.link.spine import COLUMNS, make_spine
    from schemas import registry

    schema = registry.contract("gazetteer").arrow_schema()
    table = pa.Table.from_pandas(
        gazetteer, schema=pa.schema([schema.field(name) for name in COLUMNS]), preserve_index=False
    )
    borough = str(gazetteer["borough"].iloc[0])
    spine, _ = make_spine(table, borough)
    needed = pa.schema([("record_id", pa.int64()), *((name, pa.string()) for name in NEEDED[1:])])
    by_dataset = {
        str(name): pa.Table.from_pandas(rows[list(NEEDED)], schema=needed, preserve_index=False)
        for name, rows in records.groupby("dataset")
    }
    made_records = make_records(by_dataset, spine.whole, spine.streets)

    def decide(addresses: Any, spine: Any, area: Any) -> tuple[Any, dict[str, float]]:
        verdicts, notes = cascade.decide(addresses, spine, current(), area)
        return verdicts, notes.counts

    made, _, rulings, _ = judged(made_records, spine, review.NOTHING, decide)
    _, rows = each_unit(made, made_records, spine, rulings)
    return table_of(rows, made_records, borough).select(LINK.names).to_pandas()


def spark_rows(boroughs: Sequence[str], out: Path, steps: Steps) -> None:
    """Links by rows that Spark reads from the files of the lake's Delta tables, at their newest version."""
    from functools import reduce

    from deltalake import DeltaTable
    from pyspark.sql import functions as f

    from pipelines.core.settings import settings
    from pipelines.link.records import NEEDED, datasets_with_address
    from pipelines.link.spine import COLUMNS

    with session() as spark_session:
        steps.mark("start")

        def read(dataset: str) -> Any:
            place = f"{settings().lake_url}/harmonised/{dataset}"
            files = DeltaTable(place).file_uris([("borough", "in", list(boroughs))])
            return spark_session.read.option("basePath", place).parquet(*files)

        gazetteer = read("gazetteer").select("borough", *COLUMNS)
        parts = [
            read(name).select("borough", f.lit(name).alias("dataset"), *NEEDED) for name in datasets_with_address()
        ]
        records = reduce(lambda one, two: one.unionByName(two), parts)
        schema = ", ".join(
            f"{name} {kind}"
            for name, kind in (
                *((n, "string") for n in ("borough", "dataset")),
                ("record_id", "bigint"),
                *((n, "string") for n in ("uprn", "decision", "reason", "level", "stage")),
                ("probability", "double"),
                ("gap", "double"),
                ("runner_up", "string"),
            )
        )
        made = gazetteer.groupBy("borough").cogroup(records.groupBy("borough")).applyInPandas(links_of, schema)
        made.write.mode("overwrite").parquet(str(out))
        steps.mark("link")


ENGINES = {"local": local, "pool": pool, "spark": spark}


def main() -> None:
    """Run one engine."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("engine", choices=[*ENGINES, "dask", "spark-rows"])
    parser.add_argument("boroughs", nargs="+")
    parser.add_argument("--day", type=date.fromisoformat)
    parser.add_argument("--out", type=Path, help="folder of the links of spark-rows")
    chosen = parser.parse_args()
    steps = Steps()
    if chosen.engine == "spark-rows":
        spark_rows(chosen.boroughs, chosen.out, steps)
    elif chosen.engine == "dask":
        dask(chosen.boroughs, chosen.day, steps)
    else:
        with ENGINES[chosen.engine]() as run:
            steps.mark("start")
            run(chosen.boroughs, "link", ())
            steps.mark("link")
            from pipelines import night

            night.landlords()
            steps.mark("landlords")
            run(chosen.boroughs, "features", (chosen.day,))
            steps.mark("features")
    sys.stdout.write(json.dumps({"steps": steps.taken, "together": round(steps.family.together)}) + "\n")


if __name__ == "__main__":
    main()
