"""How right and how fast `loda link-people` is on labelled people, beside Splink and recordlinkage as it comes.

Febrl 4 (two files of 5,000) and Splink's historical figures (one file of 50,578 rows, with errors). Ours gets the files
as they are, through the function behind the command, and nothing is set for either. Splink runs its own tutorials'
set-ups in an environment of its own; recordlinkage its own examples'. Each runs in a process of its own; seconds are of
the work in it, reading included, without imports and the writing of answers; CPU seconds are of all its threads. Splink
is given its best threshold, by the truth; ours has the one that it chose.

    .venv/bin/python benchmarks/landlords.py            # ours
    .venv/bin/python benchmarks/landlords.py --peers    # and the others
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
PEERS = ROOT / ".venv" / "peers-splink"
SPLINK = "splink==5.0.0"
FEBRL = ("dataset4a.csv", "dataset4b.csv")
HISTORICAL = ("historical_figures_with_errors_50k.parquet",)
TASKS = {"febrl4": FEBRL, "historical": HISTORICAL}
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.run:
        _run_here(options.run, options.task, [options.data / name for name in TASKS[options.task]], Path(options.out))
        return
    print(f"{'':<14}{'':<34}{'precision':>10}{'recall':>9}{'F1':>9}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}")
    for task, names in TASKS.items():
        files = [options.data / name for name in names]
        truth = _truth(files)
        ways = ["ours", *(["splink", "recordlinkage"] if options.peers else [])]
        for way in ways:
            with tempfile.TemporaryDirectory(prefix="loda-landlords-") as out:
                said = _measured(way, task, options.data, files, Path(out))
                label, (precision, recall, f1) = _best(way, Path(out), truth, len(files) == 2)
            print(
                f"{task:<14}{label:<34}{precision:>10.4f}{recall:>9.4f}{f1:>9.4f}"
                f"{said['seconds']:>9.1f}{said['cpu']:>8.1f}{said['peak_mb']:>9.0f}",
                flush=True,
            )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--data", type=Path, default=ROOT.parent / "shared" / "data" / "linkage", help="folder of the data"
    )
    parser.add_argument("--peers", action="store_true", help="also Splink and recordlinkage")
    parser.add_argument("--run", choices=("ours", "recordlinkage"), help=argparse.SUPPRESS)
    parser.add_argument("--task", choices=tuple(TASKS), help=argparse.SUPPRESS)
    parser.add_argument("--out", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(way: str, task: str, data: Path, files: list[Path], out: Path) -> dict[str, Any]:
    if way == "splink":
        script = Path(__file__).with_name("landlords_peers.py")
        command = [str(_splink_python()), str(script), task, *map(str, files), str(out)]
    else:
        arguments = ["--run", way, "--task", task, "--data", str(data), "--out", str(out)]
        command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{way} failed.\n{done.stderr[-2000:]}")
    said: dict[str, Any] = json.loads((out / "said.json").read_text())
    return said


def _splink_python() -> Path:
    python = PEERS / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(PEERS)], check=True)
    if subprocess.run(
        [str(python), "-c", "import splink, pandas, pyarrow"], capture_output=True, check=False
    ).returncode:
        subprocess.run([str(python), "-m", "pip", "install", "-q", SPLINK, "pandas", "pyarrow"], check=True)
    return python


def _run_here(way: str, task: str, files: list[Path], out: Path) -> None:
    """One way on one task, in this process."""
    sys.path.insert(0, str(ROOT))
    import recordlinkage  # noqa: F401 - before the clock

    import pipelines.link.people  # noqa: F401

    clock, cpu = time.perf_counter(), time.process_time()
    if way == "ours":
        entities, edges = _ours(files)
    else:
        entities, edges = _febrl_stock(files) if task == "febrl4" else _historical_stock(files[0])
    seconds, spent = time.perf_counter() - clock, time.process_time() - cpu
    edges.to_parquet(out / "edges.parquet")
    if entities is not None:
        entities.to_frame("cluster_id").to_parquet(out / "clusters-own.parquet")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (out / "said.json").write_text(json.dumps({"seconds": seconds, "cpu": spent, "peak_mb": peak}))


def _ours(files: list[Path]) -> tuple[pd.Series[str], pd.DataFrame]:
    from pipelines.link.people import link_files

    found = link_files(files)
    linked = found.edges[found.edges["decision"] == "linked"]
    edges = pd.DataFrame({"left": linked["left_row"] - 1, "right": linked["right_row"] - 1, "probability": 1.0})
    return found.rows["entity"], edges


def _febrl_stock(files: list[Path]) -> tuple[None, pd.DataFrame]:
    """Recordlinkage's own examples/linking_deterministic.py, whose coefficients were set by hand for these files."""
    import recordlinkage

    left, right = (pd.read_csv(path, dtype=str, skipinitialspace=True) for path in files)
    indexer = recordlinkage.Index()
    for name in ("given_name", "surname", "soc_sec_id"):
        indexer.block(name)
    pairs = indexer.index(left, right)
    compare = recordlinkage.Compare()
    compare.exact("given_name", "given_name", label="given_name")
    compare.string("surname", "surname", method="jarowinkler", threshold=0.85, label="surname")
    compare.exact("date_of_birth", "date_of_birth", label="date_of_birth")
    compare.exact("suburb", "suburb", label="suburb")
    compare.exact("state", "state", label="state")
    compare.string("address_1", "address_1", threshold=0.85, label="address_1")
    compare.string("address_2", "address_2", threshold=0.85, label="address_2")
    weighed = recordlinkage.LogisticRegressionClassifier(
        coefficients=[1.5, 1.5, 8.0, 6.0, 2.5, 6.5, 5.0], intercept=-11.0
    )
    return None, _as_edges(weighed.predict(compare.compute(pairs, left, right)))


def _historical_stock(path: Path) -> tuple[pd.Series[int], pd.DataFrame]:
    """As its example of unsupervised learning has it: block on the first name, expectation-maximisation (ECM)."""
    import recordlinkage
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    people = pd.read_parquet(path)
    indexer = recordlinkage.Index()
    indexer.block("first_name")
    pairs = indexer.index(people)
    compare = recordlinkage.Compare()
    compare.string("surname", "surname", method="jarowinkler", threshold=0.85, label="surname")
    compare.exact("dob", "dob", label="dob")
    compare.exact("postcode_fake", "postcode_fake", label="postcode")
    compare.exact("birth_place", "birth_place", label="birth_place")
    compare.exact("occupation", "occupation", label="occupation")
    edges = _as_edges(recordlinkage.ECMClassifier().fit_predict(compare.compute(pairs, people)))
    ends = (edges["left"].to_numpy(), edges["right"].to_numpy())
    graph = coo_matrix((np.ones(len(edges)), ends), shape=(len(people), len(people)))
    return pd.Series(connected_components(graph, directed=False)[1]), edges


def _as_edges(matches: pd.MultiIndex) -> pd.DataFrame:
    left, right = (matches.get_level_values(level) for level in (0, 1))
    return pd.DataFrame({"left": left, "right": right, "probability": 1.0})


def _truth(files: list[Path]) -> list[np.ndarray[Any, Any]]:
    """For each file who each row is."""
    if len(files) == 1:
        return [pd.factorize(pd.read_parquet(files[0], columns=["cluster"])["cluster"])[0]]
    told = [pd.read_csv(path, skipinitialspace=True)["rec_id"].str.extract(r"rec-(\d+)")[0] for path in files]
    return [part.astype(int).to_numpy() for part in told]


def _best(way: str, out: Path, truth: list[np.ndarray[Any, Any]], two: bool) -> tuple[str, tuple[float, float, float]]:
    """Precision, recall and F1 over pairs: of two files the linked pairs, of one the pairs inside the entities."""
    edges = pd.read_parquet(out / "edges.parquet")
    found: dict[str, tuple[float, float, float]] = {}
    for threshold in THRESHOLDS if way == "splink" else (0.5,):
        some = edges[edges["probability"] >= threshold].drop_duplicates(["left", "right"])
        right = int((truth[0][some["left"]] == truth[-1][some["right"]]).sum())
        every = len(np.intersect1d(*truth)) if two else _pairs(truth[0])
        found[f"{way}, pairs" + (f" from {threshold}" if way == "splink" else "")] = _scores(right, len(some), every)
    if two:
        label = max(found, key=lambda name: found[name][2])
        return label, found[label]
    clusters = {}
    for path in sorted(out.glob("clusters-*.parquet")):
        table = pd.read_parquet(path)
        ids = table["cluster_id"]
        if way == "splink":
            ids = ids.set_axis(table["unique_id"]).reindex(range(len(truth[0])))
        own = pd.factorize(ids)[0].astype(np.int64)
        right = _pairs(own * (len(own) + 1) + truth[0])
        name = f"{way}, entities" + (f" from {path.stem.split('-')[1]}" if way == "splink" else "")
        clusters[name] = _scores(right, _pairs(own), _pairs(truth[0]))
    found = clusters if way == "ours" else found | clusters
    label = max(found, key=lambda name: found[name][2])
    return label, found[label]


def _pairs(labels: np.ndarray[Any, Any]) -> int:
    sizes = np.unique(labels, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def _scores(right: int, told: int, every: int) -> tuple[float, float, float]:
    precision, recall = right / max(told, 1), right / max(every, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


if __name__ == "__main__":
    main()
