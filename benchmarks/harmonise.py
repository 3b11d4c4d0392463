"""A council-tax extract of a million rows from bytes to published Delta and issues: seconds, memory, and a peer's.

What is measured is the night's own code on an extract that `council_tax_extract.py` makes: `harmonise_extract` (from
decode to check, rows and issues written), the lake commit, and, apart, the gate. It is held against

- the floor: the least that anything could do with the file, pyarrow reading the CSV and writing Parquet, one thread;
- Frictionless's validation of the same columns by the rules that the contract has for them.

The `digital-land` pipeline, whose design is nearest to ours, is not on the package registry and so is not run here.

Each measurement is a process of its own, so that its peak memory is its own. Times are CPU seconds of that process and
its threads, since a machine with other work on it stretches the clock; seconds by the clock stand beside them. The
peers do not change what they do from row to row, so they are run on a sample and scaled by rows; the output says so.

    .venv/bin/python benchmarks/harmonise.py                    # a million rows, ten million for memory, peers
    .venv/bin/python benchmarks/harmonise.py --no-large --no-peers
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import council_tax_extract
import harmonise_peers

BOROUGH, DATASET = "camden", "council_tax"
HERE = Path(__file__).resolve()
FASTER_THAN = {"frictionless": 10}
WITHIN_FLOOR, MOST_MIB = 6, 2048


def timed(work: Callable[[], Any]) -> tuple[Any, dict[str, float]]:
    """What some work returns, and its seconds of CPU and by the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    result = work()
    return result, {"cpu": time.process_time() - cpu, "clock": time.perf_counter() - clock}


def peak_mib() -> float:
    """Peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def floor(path: Path) -> dict[str, Any]:
    """Read the CSV as text and write it as Parquet, one thread."""
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    pa.set_cpu_count(1)

    def work() -> int:
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(use_threads=False),
            parse_options=pacsv.ParseOptions(invalid_row_handler=lambda _row: "skip"),
            convert_options=pacsv.ConvertOptions(
                check_utf8=False, column_types={name: pa.string() for name in council_tax_extract.HEADINGS}
            ),
        )
        pq.write_table(table, path.with_suffix(".parquet"))
        return int(table.num_rows)

    rows, seconds = timed(work)
    return {"rows": rows, "read and write": seconds, "peak_mib": peak_mib()}


def ours(path: Path) -> dict[str, Any]:
    """The night's own code from the bytes to the lake, in a home of its own."""
    from pipelines.core import clock
    from pipelines.core.bucket import Folder
    from pipelines.core.ledger.engine import upgrade
    from pipelines.core.ledger.models import Drop
    from pipelines.extracts import Extract, IntakeFiles, choose_layout
    from pipelines.gate import judge
    from pipelines.governance import access, pseudonym
    from pipelines.harmonise import harmonise_extract
    from pipelines.publish.drops import PassedRows
    from schemas import registry

    upgrade()
    pseudonym.key()
    contract = registry.contract(DATASET)
    extract = Extract(Folder(str(path.parent)), path.name, ".csv")
    files = IntakeFiles("benchmark")
    drop = Drop(
        id="benchmark", borough=BOROUGH, dataset=DATASET, source="main", path=path.name, hashes={},
        extract_date=date(2026, 9, 30), received_at=clock.now(),
    )  # fmt: skip
    found: dict[str, Any] = {}

    def harmonise() -> Any:
        mapping, names = choose_layout(BOROUGH, DATASET, extract)
        return harmonise_extract(extract, drop, mapping, contract, names, files)

    counted, found["harmonise"] = timed(harmonise)
    found["harmonise_peak_mib"] = peak_mib()
    drop.rows_in = counted.rows_in
    verdict, found["gate"] = timed(lambda: judge(drop, contract, files, 0))
    found["gate_peak_mib"] = peak_mib()
    passed = PassedRows(files, DATASET)
    _, found["commit"] = timed(
        lambda: access.write_dataset(
            DATASET, passed.reader, borough=BOROUGH, source="main", made_from={"drop": drop.id}
        )
    )
    if counted.rows_in != passed.count + (counted.rows_in - verdict.kept):
        raise SystemExit("Rows in are not accepted plus quarantined.")
    issues = sum(batch.num_rows for batch in files.batches("issues"))
    return found | {"rows": counted.rows_in, "accepted": passed.count, "issues": issues, "peak_mib": peak_mib()}


def in_a_process(what: str, path: Path) -> dict[str, Any]:
    """One measurement in a process and a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="loda-benchmark-", dir=path.parent))
    mapping = home / "mappings" / BOROUGH / f"{DATASET}.yaml"
    mapping.parent.mkdir(parents=True)
    mapping.write_text(council_tax_extract.MAPPING)
    try:
        done = subprocess.run(
            [sys.executable, HERE, "--only", what, "--file", path],
            env={**os.environ, "LODA_HOME": str(home)},
            check=True,
            capture_output=True,
            text=True,
        )
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"The measurement of {what} failed.\n{error.stderr[-2000:]}") from error
    finally:
        shutil.rmtree(home, ignore_errors=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def both(run: dict[str, Any], *parts: str) -> tuple[float, float]:
    """CPU seconds and seconds by the clock of some parts together."""
    return sum(run[part]["cpu"] for part in parts), sum(run[part]["clock"] for part in parts)


def verdict(name: str, reached: float, bar: float, *, at_least: bool) -> str:
    """A bar, what was reached, and whether that is enough."""
    met = reached >= bar if at_least else reached <= bar
    return (
        f"{name:<52}{reached:>10,.1f}   {'at least' if at_least else 'at most'} {bar:,}: {'met' if met else 'MISSED'}"
    )


def line(name: str, seconds: tuple[float, float], peak: float) -> None:
    """Print CPU seconds, seconds by the clock and peak memory."""
    print(f"{name:<56}{seconds[0]:>10.2f}{seconds[1]:>10.2f}{peak:>10,.0f}")


def report(small: dict[str, Any], least: dict[str, Any], large: dict[str, Any] | None, peers: dict[str, Any]) -> None:
    """Print what was measured and the bars."""
    made, floored = both(small, "harmonise", "commit"), both(least, "read and write")
    print(f"{small['rows']:,} rows in, {small['accepted']:,} in the lake, {small['issues']:,} issues\n")
    print(f"{'':<56}{'CPU s':>10}{'clock s':>10}{'peak MiB':>10}")
    for part in ("harmonise", "gate", "commit"):
        line(part, both(small, part), small.get(f"{part}_peak_mib", small["peak_mib"]))
    line("harmonise and commit", made, small["peak_mib"])
    line("floor: pyarrow reads CSV, writes Parquet; one thread", floored, least["peak_mib"])
    for name, run in peers.items():
        scale = small["rows"] / run["rows"]
        seconds = (run["seconds"]["cpu"] * scale, run["seconds"]["clock"] * scale)
        line(f"{name}, {run['rows']:,} rows, scaled to {small['rows']:,}", seconds, run["peak_mib"])
        print(verdict(f"times faster than {name}", seconds[0] / made[0], FASTER_THAN[name], at_least=True))
    print(verdict("times the floor", made[0] / floored[0], WITHIN_FLOOR, at_least=False))
    print(verdict("peak memory, MiB", small["peak_mib"], MOST_MIB, at_least=False))
    if large is not None:
        print(verdict(f"peak memory at {large['rows']:,} rows, MiB", large["peak_mib"], MOST_MIB, at_least=False))
        for part in ("harmonise_peak_mib", "gate_peak_mib", "peak_mib"):
            print(f"{part + ', then and now':<56}{small[part]:>10,.0f}{large[part]:>10,.0f}")
        slower = [made[0] / small["rows"] * 1e6, both(large, "harmonise", "commit")[0] / large["rows"] * 1e6]
        print(f"{'CPU seconds for a million rows, then and now':<56}{slower[0]:>10.2f}{slower[1]:>10.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--large", type=int, default=10_000_000)
    parser.add_argument("--sample", type=int, default=100_000, help="rows that the peers are run on")
    parser.add_argument("--no-large", action="store_true")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--only", choices=["ours", "floor"], help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.only:
        print(json.dumps({"ours": ours, "floor": floor}[chosen.only](chosen.file)))
        return
    with tempfile.TemporaryDirectory(prefix="loda-benchmark-") as folder:
        path = Path(folder) / "council_tax.csv"
        council_tax_extract.write(path, chosen.rows)
        print(f"{path.stat().st_size / 1e6:,.0f} MB, {len(council_tax_extract.HEADINGS)} columns", flush=True)
        least = in_a_process("floor", path)
        small = in_a_process("ours", path)
        again = in_a_process("floor", path)  # before and after, since other work on the machine comes and goes
        least = min(least, again, key=lambda run: run["read and write"]["cpu"])
        peers = {}
        if not chosen.no_peers:
            sample = Path(folder) / "sample.csv"
            council_tax_extract.write(sample, chosen.sample)
            peers = harmonise_peers.measured(sample)
        large = None
        if not chosen.no_large:
            council_tax_extract.write(path, chosen.large)
            large = in_a_process("ours", path)
    report(small, least, large, peers)


if __name__ == "__main__":
    main()
