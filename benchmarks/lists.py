"""How good the lists are against the truth of synthetic Londons, beside what inspectors have without a model.

For each seed the demo makes a London and `loda run` a night, both by the command line; then `lists_truth.py` opens the
truth, which nothing of the pipeline reads. The bars: lift over chance at capacity 8 on average and 4 in the worst
borough; 1.8 times the rule of thumb, 2.5 times complaints only; four fifths of that in boroughs left out whole.

    .venv/bin/python benchmarks/lists.py --seeds 1 --boroughs 8 --dwellings 5000
    .venv/bin/python benchmarks/lists.py --seeds 1,2,3,4,5 --folder FOLDER      # 33 boroughs of 20,000, long
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
LODA = [sys.executable, "-c", "from pipelines.cli import app; app()"]
AS_OF = "2026-09-30"
RESAMPLES = 2_000


def main() -> None:
    """Make, judge, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seeds", default="1", help="with commas between")
    parser.add_argument("--boroughs", default="33", help="slugs, or how many")
    parser.add_argument("--dwellings", type=int, default=20_000)
    parser.add_argument(
        "--folder", type=Path, help="homes are kept here, and those that are there are judged as they are"
    )
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="loda-lists-"))
    seeds = {int(seed): _judged(folder / f"seed-{seed}", int(seed), options) for seed in options.seeds.split(",")}
    print(f"{options.boroughs} boroughs, {options.dwellings} dwellings each, seeds {options.seeds}\n")
    print(text(seeds))


def _judged(home: Path, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    environment = {**os.environ, "LODA_HOME": str(home), "PYTHONPATH": str(HERE.parent)}
    home.mkdir(parents=True, exist_ok=True)
    size = ["--boroughs", options.boroughs, "--dwellings", str(options.dwellings), "--seed", str(seed)]
    # A night of all London takes long: what was done before an interruption is not done again.
    for mark, command in (("demo.done", ["demo", *size]), ("done", ["run", "--as-of", AS_OF])):
        if not (home / mark).exists() and not (home / "done").exists():
            subprocess.run([*LODA, *command, "--json"], env=environment, check=True, stdout=subprocess.DEVNULL)
            (home / mark).touch()
    judge = [sys.executable, str(HERE / "lists_truth.py"), AS_OF]
    found: dict[str, Any] = json.loads(
        subprocess.run(judge, env=environment, check=True, stdout=subprocess.PIPE).stdout
    )
    print(f"seed {seed}: judged", file=sys.stderr, flush=True)
    return found


def text(seeds: dict[int, dict[str, Any]]) -> str:
    """The tables in Markdown. Intervals are over boroughs of all seeds drawn again; `seeds` is from worst to best."""
    rows = pd.concat([pd.DataFrame(found["boroughs"]).assign(seed=seed) for seed, found in seeds.items()])
    visits, chance = rows["visits"].to_numpy(float), rows["chance"].to_numpy(float)
    drawn = np.random.default_rng(1).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), RESAMPLES)
    lines = [
        "| ranked by | hits per 100 visits | interval | seeds | lift, all visits | mean of boroughs | worst borough |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    names = [name for name in rows.columns if name not in ("borough", "visits", "chance", "seed")]
    for name in sorted(names, key=lambda n: -rows[n].sum()):
        hits = rows[name].to_numpy(float)
        low, high = np.quantile(100 * (drawn @ hits) / (drawn @ visits), [0.025, 0.975])
        lift = hits / np.maximum(chance, 1e-9)
        by_seed = 100 * rows.groupby("seed")[name].sum() / rows.groupby("seed")["visits"].sum()
        lines.append(
            f"| {name} | {100 * hits.sum() / visits.sum():.1f} | {low:.1f} to {high:.1f} | "
            f"{by_seed.min():.1f} to {by_seed.max():.1f} | {hits.sum() / chance.sum():.1f} | {lift.mean():.1f} | "
            f"{lift.min():.1f} |"
        )
    lines += [
        "",
        "| seed | expected calibration error | HMOs expected, true | interval of the prior holds | prior over truth |",
        "| ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {seed} | {f['ece']:.4f} | {f['expected_hmos']:.0f}, {f['true_hmos']} | {f['prior_inside']:.0%} | "
        f"{f['prior_ratio']:.2f} |"
        for seed, f in seeds.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
