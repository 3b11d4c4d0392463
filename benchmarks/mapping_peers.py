"""The schema matchers of the `valentine` package on the benchmark's files, run by an environment of their own.

`python mapping_peers.py FOLDER` reads `FOLDER/<n>.source.csv` (a file's headings and some of its rows) and
`FOLDER/<n>.target.csv` (a dataset's fields and its sample rows) and writes `FOLDER/peers.json`:
matcher → n → source column → field, the best one-to-one matching that valentine finds. Nothing of this project is
imported, since valentine needs another pandas.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

SECONDS_EACH = 900.0
"""A matcher that has taken longer in all is stopped, and is judged on the files it has done."""


def matchers() -> dict[str, Any]:
    """Matchers by headings alone, by values alone, and by both, as their authors set them up."""
    from valentine.algorithms import Coma, Cupid, DistributionBased, JaccardDistanceMatcher, SimilarityFlooding

    return {
        "valentine Coma (headings)": Coma(),
        "valentine Coma (headings and values)": Coma(use_instances=True),
        "valentine Cupid": Cupid(),
        "valentine Similarity Flooding": SimilarityFlooding(),
        "valentine Jaccard (values)": JaccardDistanceMatcher(),
        "valentine Distribution-based (values)": DistributionBased(),
    }


def main(folder: Path) -> None:
    """Run every matcher over every pair of tables."""
    import pandas as pd
    from valentine import valentine_match

    tables = {}
    for source in sorted(folder.glob("*.source.csv"), key=lambda path: int(path.name.split(".")[0])):
        number = source.name.split(".")[0]
        read = [pd.read_csv(folder / f"{number}.{side}.csv", dtype=str) for side in ("source", "target")]
        tables[number] = read
    found: dict[str, dict[str, dict[str, str]]] = {}
    faults: dict[str, str] = {}
    seconds: dict[str, float] = {}
    for name, matcher in matchers().items():
        began, done = time.monotonic(), {}
        for number, (source, target) in tables.items():
            if time.monotonic() - began > SECONDS_EACH:
                break
            try:
                matches = valentine_match([source, target], matcher, df_names=["source", "target"])
            except Exception as error:  # noqa: BLE001 - what a peer cannot do is reported with its figure
                faults[name] = type(error).__name__
                continue
            done[number] = {pair.source_column: pair.target_column for pair in matches.one_to_one_hungarian()}
        found[name], seconds[name] = done, round(time.monotonic() - began, 1)
    (folder / "peers.json").write_text(json.dumps({"found": found, "seconds": seconds, "faults": faults}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
