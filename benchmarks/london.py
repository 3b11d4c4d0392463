"""All of London on this machine: its first night, and an ordinary night on which three boroughs send something new.

The world is synthetic London, its boroughs at their published size unless told otherwise. A quarter of London (every
fourth borough by size, so that small and large are both in it) goes first, so that growth can be told. The ordinary
night is the next one: the three boroughs drop every extract anew, as it is a day later, the others nothing.

    .venv/bin/python benchmarks/london.py                      # a quarter, then the whole, at published size
    .venv/bin/python benchmarks/london.py --dwellings 2000     # the same with small boroughs, to see that it works
    .venv/bin/python benchmarks/london.py --only quarter
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path

from night import Night, a_night, floor

from pipelines.demo.nights import ANCHOR, make
from pipelines.demo.world.profile import profile
from schemas.registry import boroughs as london

LONDON = 33
CHANGED = 3
BARS = {"ordinary": 0.15, "floor": 25.0, "growth": 4.4, "process": 10.0, "together": 16.0}


@dataclass(frozen=True)
class Measured:
    """A part of London: its size, its two nights, and the floor of the first (seconds)."""

    boroughs: int
    dwellings: int
    first: Night
    ordinary: Night
    floor: float


def measure(boroughs: Sequence[str], dwellings: int | None, workers: int) -> Measured:
    """Make the extracts of a part of London in a throw-away home and run both nights over them."""
    home = Path(tempfile.mkdtemp(prefix="loda-london-"))
    environment = {**os.environ, "LODA_HOME": str(home), "LODA_WORKERS": str(workers), "LODA_STABLE_SECONDS": "0"}
    try:
        _say(f"Making the extracts of {len(boroughs)} boroughs ...")
        make(str(home / "bucket"), str(home / "truth"), boroughs, dwellings, until=ANCHOR - timedelta(days=1))
        _say("The floor ...")
        lowest = floor(home / "bucket", workers)
        _say("The first night ...")
        first = a_night(environment)
        changed = sorted(boroughs, key=_published)[len(boroughs) // 2 :][:CHANGED]
        make(str(home / "bucket"), str(home / "truth_later"), changed, dwellings, until=ANCHOR)
        _say(f"The night after, with every extract of {', '.join(changed)} anew ...")
        ordinary = a_night(environment)
        size = sum(dwellings or _published(slug) for slug in boroughs)
        return Measured(len(boroughs), size, first, ordinary, lowest)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _published(slug: str) -> int:
    return profile(slug).dwellings


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def tell(name: str, part: Measured) -> None:
    """Print a part of London: its two nights by stage, and what the bars ask."""
    first, ordinary = part.first, part.ordinary
    print(f"\n{name}: {part.boroughs} boroughs, {part.dwellings:,} dwellings\n")
    print(f"{'':<34}{'first night':>14}{'ordinary':>14}{'share':>9}")
    for label, one, other, form in (
        ("rows in", first.rows, ordinary.rows, ",.0f"),
        ("seconds", first.seconds, ordinary.seconds, ",.1f"),
        ("rows a second", first.rows / first.seconds, ordinary.rows / ordinary.seconds, ",.0f"),
        ("largest process, GiB", first.largest, ordinary.largest, ".2f"),
        ("all processes together, GiB", first.together, ordinary.together, ".2f"),
    ):
        print(f"{label:<34}{one:>14{form}}{other:>14{form}}{other / one:>9.0%}")
    print("\nSeconds by stage, summed over processes")
    for stage, seconds in sorted(first.by_stage.items(), key=lambda item: -item[1]):
        again = ordinary.by_stage.get(stage, 0.0)
        print(f"  {stage:<32}{seconds:>14,.1f}{again:>14,.1f}{again / seconds if seconds else 0:>9.0%}")
    print()
    _bar("ordinary night over first night", ordinary.seconds / first.seconds, BARS["ordinary"])
    _bar(f"first night over the floor of {part.floor:,.1f} s", first.seconds / part.floor, BARS["floor"])
    _bar("largest process, GiB", max(first.largest, ordinary.largest), BARS["process"])
    _bar("all processes together, GiB", max(first.together, ordinary.together), BARS["together"])


def _bar(what: str, figure: float, most: float) -> None:
    print(f"{what:<48}{figure:>8.2f}   at most {most:g}: {'met' if figure <= most else 'NOT met'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dwellings", type=int, default=0, help="of each borough; 0 for its published number")
    parser.add_argument("--only", choices=("quarter", "whole"), help="one part alone, without its growth")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    chosen = parser.parse_args()
    whole = sorted(islice(london(), LONDON), key=_published)
    parts = {"quarter": whole[2::4], "whole": whole}
    dwellings = chosen.dwellings or None
    done = {}
    for name, boroughs in parts.items():
        if chosen.only in (None, name):
            done[name] = measure(boroughs, dwellings, chosen.workers)
            tell(name, done[name])
    if len(done) == 2:
        times = done["whole"].first.rows / done["quarter"].first.rows
        growth = done["whole"].first.seconds / done["quarter"].first.seconds
        print(f"\nFrom the quarter to the whole: {times:.2f} times the rows.")
        _bar("growth of the first night, for four times the rows", growth * 4 / times, BARS["growth"])


if __name__ == "__main__":
    main()
