"""Whether a second opinion on what `loda link` leaves open earns its time: uk-address-matcher's on those records.

    .venv/bin/python benchmarks/link.py --tasks 'merthyr_*' --peers ukam --folder TASKS
    .venv/bin/python benchmarks/link_second_opinion.py TASKS

For each task in which the peer's answers are kept: the records that are linked to nothing or left to people; how many
of them the peer answers at its usual cut, and how right it is there; and the most that it could add at the precision
that a link must have, at the best of its cuts, told by the truth, which flatters it.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from link_scores import GATES, Truth, ours, theirs

LODA = Path(sys.executable).with_name("loda")
USUAL = (10.0, 1.0)
"""The least weight and gap that the peer's answers are usually taken at."""
PRECISION = 0.995
"""What a link must have."""


def answers(task: Path, folder: Path) -> pd.DataFrame:
    """What `loda link` says of the task's records, by row."""
    out = folder / f"{task.name}.csv"
    files = [str(task / "records.csv"), "--gazetteer", str(task / "gazetteer.csv"), "--out", str(out)]
    subprocess.run([str(LODA), "link", *files], check=True, stdout=subprocess.DEVNULL)
    return ours(out)


def judged(task: Path, folder: Path) -> dict[str, object]:
    """A task's row of the table."""
    truth = Truth.read(task)
    first = answers(task, folder)
    second = theirs(task / "ukam.csv").rename(columns={"score": "weight"})[["best", "weight", "gap"]]
    asked = truth.frame.join(first["decision"]).join(second, how="left").head(records_of(task))
    asked = asked.loc[asked["answerable"].eq(1)]
    open_ = asked.loc[asked["decision"].isin(["none", "review"])]
    given = open_.loc[open_["best"].notna()]
    right = given["best"] == given["true_uprn"]
    usual = (given["weight"] >= USUAL[0]) & (given["gap"] >= USUAL[1])
    most = max((_most(given.loc[given["gap"] >= (gate or 0)], right) for gate in GATES), default=0)
    return {
        "task": task.name,
        "records": len(asked),
        "left open": len(open_),
        "in the gazetteer": int((open_["true_uprn"] != "").sum()),
        "answered": int(usual.sum()),
        "right": float(right[usual].mean()) if usual.any() else np.nan,
        f"most at {PRECISION}": most,
        "peer's seconds": json.loads((task / "ukam.json").read_text())["seconds"],
    }


def records_of(task: Path) -> int:
    """How many of the task's records the peer was given."""
    return int(json.loads((task / "ukam.json").read_text())["records"])


def _most(given: pd.DataFrame, right: pd.Series) -> int:
    """Right answers of the surest so many that at least `PRECISION` of them are right."""
    by_weight = right.reindex(given.index).groupby(given["weight"]).agg(["sum", "size"])
    sums = by_weight.sort_index(ascending=False).cumsum()
    good = sums.loc[sums["sum"] >= PRECISION * sums["size"], "sum"]
    return int(good.max()) if len(good) else 0


def main() -> None:
    """Print the table."""
    tasks = [path.parent for path in sorted(Path(sys.argv[1]).glob("*/ukam.json"))]
    with tempfile.TemporaryDirectory(prefix="loda-second-") as folder:
        table = pd.DataFrame([judged(task, Path(folder)) for task in tasks if (task / "truth.csv").exists()])
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3f}"))


if __name__ == "__main__":
    main()
