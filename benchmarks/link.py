"""How right `loda link` is, flats before all, and how fast: on a real council, an inner borough and the hard cases.

The tool is run as anybody would run it, as a program on files. What it is compared with runs on the same files in the
same way, in environments of its own; a peer that fails or takes too long is named with what it said.

    .venv/bin/python benchmarks/link.py                                  # every task, ours
    .venv/bin/python benchmarks/link.py --peers all --sample 40000       # and the peers, on the first 40,000 records
    .venv/bin/python benchmarks/link.py --tasks hard --categories        # each kind of hard case
    .venv/bin/python benchmarks/link.py --scale 1000000:1000000          # a quarter of it first, for the growth
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import link_scores
import pandas as pd
from link_hard import write_hard
from link_runs import PEERS, Run, peer_command, peer_environment, run
from link_scale import Scaled, write_scaled
from link_scores import Scores, Truth, judge, line, markdown, ours, theirs
from link_tasks import tasks, write_columns, write_edge_cases, write_tasks

ROOT = Path(__file__).resolve().parents[1]
COLUMNS_TASK = "synthetic_council_05"
QUICK = 13_000
CUTS: dict[str, tuple[tuple[str, float | None, float | None], ...]] = {
    "exact": (("normalised exact", None, None),),
    "recordlinkage": (("recordlinkage, P > 0.5", 0.5, None),),
    "splink": (("splink, best", 0.0, None), ("splink, weight 10, gap 2", 10.0, 2.0)),
    "ukam": (
        ("ukam, as it comes", None, 0.0),
        ("ukam, weight 10, gap 1", 10.0, 1.0),
        ("ukam, weight 20, gap 5", 20.0, 5.0),
    ),
}
"""Each peer's operating points: name, least score, least gap. Recall at 99 % is swept whatever the point."""

VERSIONS: dict[str, str] = {}
"""What each peer was run with, as it said itself."""


def main() -> None:
    """Write the tasks, run the systems, print the tables."""
    options = _options()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="loda-link-"))
    results: dict[str, dict[str, Scores]] = {}
    print(_setting(), flush=True)
    for task in _tasks(folder, options):
        results[task.name] = _task(task, options)
    edge = folder / "moj"
    if any(fnmatch.fnmatch("moj", pattern) for pattern in options.tasks):
        _edge_cases(edge, options)
    for sizes in options.scale:
        _scale(folder / "scale", *(int(size) for size in sizes.split(":")))
    if options.markdown:
        command = " ".join(["benchmarks/link.py", *sys.argv[1:]])
        lines = [
            f"Measured on {_setting()} with `{command}`.",
            *(f"{peer}: {with_}." for peer, with_ in VERSIONS.items()),
        ]
        for name, rows in results.items():
            lines += markdown(f"### {name}", rows)
        options.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    if options.folder is None:
        shutil.rmtree(folder)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--tasks",
        nargs="+",
        default=["*"],
        help="names or patterns: merthyr_*, synthetic_*_05, hard, columns, moj, none",
    )
    parser.add_argument("--peers", nargs="+", default=[], choices=[*PEERS, "all"], help="what to compare with")
    parser.add_argument("--sample", type=int, default=0, help="records that a peer is given; ours has them all")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds that a run may take")
    parser.add_argument("--quick", action="store_true", help=f"a borough of {QUICK:,} addresses, 3,000 records a peer")
    parser.add_argument("--scale", nargs="*", default=[], metavar="N:M", help="gazetteer of N addresses, M records")
    parser.add_argument("--categories", action="store_true", help="print each category of the hard cases")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file as well")
    parser.add_argument(
        "--folder", type=Path, help="where the tasks are written and kept; those that are there are used"
    )
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data", help="folder of the public registers"
    )
    parser.add_argument("--answers", type=Path, help="judge answers that are there: FOLDER/<task>.csv; nothing is run")
    options = parser.parse_args()
    options.peers = list(PEERS) if "all" in options.peers else options.peers
    if options.quick:
        options.sample = options.sample or 3_000
    return options


def _setting() -> str:
    versions = ", ".join(f"{name} {version(name)}" for name in ("pandas", "address-errors"))
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {versions}"


def _tasks(folder: Path, options: argparse.Namespace) -> Iterator[Path]:
    """The folders of the tasks that were asked for; written where they are not there yet."""

    def wanted(name: str) -> bool:
        return any(fnmatch.fnmatch(name, pattern) for pattern in options.tasks)

    addresses = QUICK if options.quick else 130_000
    chosen = [task for task in tasks() if wanted(task.name) or (wanted("columns") and task.name == COLUMNS_TASK)]
    if not (options.data / "gazetteers").is_dir():
        print(
            f"{options.data} has no gazetteers: the tasks of Merthyr Tydfil and the edge cases are left out.",
            flush=True,
        )
        chosen = [task for task in chosen if task.source != "merthyr"]
    missing = [task for task in chosen if not (folder / task.name / "buildings.csv").exists()]
    for _ in write_tasks(folder, missing, options.data, addresses):
        pass
    yield from (folder / task.name for task in chosen if wanted(task.name))
    if wanted("columns"):
        yield write_columns(folder / "columns", folder / COLUMNS_TASK)
    if wanted("hard"):
        yield (
            folder / "hard" if (folder / "hard" / "buildings.csv").exists() else write_hard(folder / "hard", addresses)
        )


def _task(task: Path, options: argparse.Namespace) -> dict[str, Scores]:
    """Every system on one task, printed as they are done."""
    truth = Truth.read(task)
    lost = int((truth.frame["answerable"] == 0).sum())
    print(
        f"\n{task.name}: {len(truth.frame):,} records, {lost:,} of them with no one answer\n{link_scores.HEAD}",
        flush=True,
    )
    rows: dict[str, Scores] = {}
    out = options.answers / f"{task.name}.csv" if options.answers else task / "loda.csv"
    done = Run() if options.answers else run(_command(task, out), options.timeout)
    if done.fault:
        print(f"loda link failed on {task.name}: {done.fault}", flush=True)
    else:
        rows["loda link"] = judge(truth, ours(out), peer=False)
        _finish(rows, "loda link", done)
        if options.categories and task.name == "hard":
            _print_categories(rows["loda link"])
    for peer in options.peers:
        rows |= _peer(peer, task, options)
    return rows


def _command(task: Path, out: Path) -> list[str]:
    address = "address_1,address_2" if task.name == "columns" else "address"
    return [
        sys.executable, "-c", "from pipelines.cli import app; app()", "link", str(task / "records.csv"),
        "--gazetteer", str(task / "gazetteer.csv"), "--out", str(out),
        "--address", address, "--postcode", "postcode", "--json",
    ]  # fmt: skip


def _peer(peer: str, task: Path, options: argparse.Namespace) -> dict[str, Scores]:
    python = peer_environment(peer)
    if python is None:
        print(f"{peer} could not be installed here, so it is not measured.", flush=True)
        return {}
    out = task / f"{peer}.csv"
    done = run(peer_command(python, peer, task, out, options.sample), options.timeout)
    if done.fault:
        print(f"{peer} failed on {task.name}: {done.fault}", flush=True)
        return {}
    facts = json.loads(out.with_suffix(".json").read_text())
    VERSIONS[peer] = ", ".join(f"{name} {number}" for name, number in facts["versions"].items())
    truth = Truth.read(task, facts["records"])
    rows: dict[str, Scores] = {}
    for name, weight, gap in CUTS[peer]:
        label = f"{name} (n={facts['records']:,})" if options.sample else name
        rows[label] = judge(truth, theirs(out, weight, gap), peer=True)
        _finish(rows, label, done)
        if options.categories and task.name == "hard":
            _print_categories(rows[label])
    return rows


def _finish(rows: dict[str, Scores], name: str, done: Run) -> None:
    rows[name].seconds, rows[name].cpu, rows[name].peak_gb = done.seconds, done.cpu, done.peak_gb
    print(line(name, rows[name]), flush=True)


def _print_categories(got: Scores) -> None:
    for name, row in got.categories.iterrows():
        print(
            f"    {name:<30}{row['expect']:<20}{row['records']:>6}"
            f"{row['right']:>8.3f}{row['left']:>8.3f}{row['wrong']:>8.3f}"
        )


def _edge_cases(folder: Path, options: argparse.Namespace) -> None:
    """The edge cases of uk-address-matcher's own tests, each with its own small gazetteer."""
    came: dict[str, dict[str, list[str]]] = {}
    for task in write_edge_cases(folder, options.data):
        for system, what in _edge_answers(task, options):
            came.setdefault(system, {"right": [], "left": [], "wrong": [], "failed": []})[what].append(task.name)
    for system, cases in came.items():
        said = ", ".join(f"{len(names)} {what} ({', '.join(names)})" for what, names in cases.items())
        print(f"moj edge cases, {system}: {said}", flush=True)


def _edge_answers(task: Path, options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """What each system makes of an edge case; a peer that is not installed makes nothing of it."""
    out = task / "loda.csv"
    done = run(_command(task, out), options.timeout)
    if done.fault:
        print(f"loda link failed on edge case {task.name}: {done.fault}", flush=True)
    yield "loda link", "failed" if done.fault else _edge_answer(ours(out))
    for peer in options.peers:
        python, out = peer_environment(peer), task / f"{peer}.csv"
        if python is None:
            print(f"{peer} could not be installed here, so it is not measured.", flush=True)
            continue
        done = run(peer_command(python, peer, task, out, 0), options.timeout)
        if done.fault:
            print(f"{peer} failed on edge case {task.name}: {done.fault}", flush=True)
        for system, weight, gap in CUTS[peer]:
            yield system, "failed" if done.fault else _edge_answer(theirs(out, weight, gap))


def _edge_answer(answers: pd.DataFrame) -> str:
    if answers.empty or answers["decision"].iloc[0] != "linked":
        return "left"
    return "right" if answers["uprn"].iloc[0] == "1000" else "wrong"


def _scale(folder: Path, addresses: int, records: int) -> None:
    """Speed and memory at a quarter of the size and at the whole of it, and how they grow."""
    print(
        f"\nscale{'':<24}{'seconds':>9}{'rec/s':>9}{'rec/CPU':>9}{'pairs':>13}{'peak GB':>9}{'P':>8}{'R':>8}",
        flush=True,
    )
    seen: list[tuple[Run, Scaled]] = []
    for part in (4, 1):
        made = write_scaled(folder, addresses // part, records // part)
        done = run(_command(folder, folder / "loda.csv"), timeout=7_200)
        name = f"{addresses // part:,} : {records // part:,}"
        if done.fault:
            print(f"{name:<29} failed: {done.fault}", flush=True)
            return
        precision, recall = made.judged(pd.read_csv(folder / "loda.csv", usecols=["row", "uprn", "decision"]))
        pairs = done.said("pairs")
        print(
            f"{name:<29}{done.seconds:>9.1f}{made.records / done.seconds:>9.0f}"
            f"{made.records / done.cpu:>9.0f}{f'{pairs:,}' if pairs else '-':>13}"
            f"{done.peak_gb:>9.2f}{precision:>8.4f}{recall:>8.4f}",
            flush=True,
        )
        seen.append((done, made))
    (small, few), (large, many) = seen
    growth = many.records / few.records
    print(
        f"{growth:.1f} times the records: {large.seconds / small.seconds:.2f} times the time, "
        f"{large.peak_gb / small.peak_gb:.2f} times the memory"
    )


if __name__ == "__main__":
    main()
