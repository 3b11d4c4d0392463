"""The page that lists every feature, made from the declarations.

`python -m models.hmo.features.page > docs/features.md`
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from models.hmo import features
from models.hmo.evidence import ENOUGH
from models.hmo.features.declaration import POOLED, Feature
from schemas.agreement import PURPOSES, Agreement

HEAD = f"""# Features

What the model is told of a home, one number each, all as they could be known by the end of the as-of date. This page is
made from the declarations in `models/hmo/features`: change them, then make it anew with
`python -m models.hmo.features.page > docs/features.md`; a test holds it to them.

- **Never a feature**: the home's own licence, applications and visits, those of its building, the gazetteer's classes
  of houses in multiple occupation, names, any protected characteristic, the ethnicity of an area.
- **Purpose**: each feature is for {", ".join(f"`{name}`" for name in PURPOSES)}. Where no agreement of the borough
  covers every dataset that a feature rests on for its purpose, the feature is unknown in that borough. What other
  boroughs add to a feature comes under their own agreements.
- **Missing** is never filled in: the model learns from absence itself. A dataset that a borough does not share is
  unknown, not nought.
- **Short histories**: a count that found something is a fact. That nothing was found is one only if the borough's
  history reaches back over {ENOUGH:.0%} of the window or more; else it is unknown. Rates of the street, the area and of
  what is nearby are by the year, over as far back as each borough's history reaches, so that boroughs are comparable.
  The oldest hundredth of the rows does not tell how far back a history reaches, nor do accounts of council tax that are
  still in force.
- **Nearby** is what lies within about 150 metres, counted in squares of 50, on both sides of a boundary.
"""


def text() -> str:
    """The page in Markdown."""
    lines = [HEAD, f"## All {len(features.FEATURES)}", "", *_table(features.FEATURES)]
    return "\n".join(lines) + "\n"


def _table(declared: Iterable[Feature]) -> list[str]:
    rows = ["| feature | theme | source | window | unit | missing | purpose |", "| --- " * 7 + "|"]
    for feature in declared:
        source = feature.dataset if feature.dataset not in POOLED else f"{feature.dataset}, all boroughs"
        more = [name for name in feature.rests_on if name != feature.dataset]
        source += f" ({', '.join(more)})" if more else ""
        window = "on the day" if feature.window_days is None else f"{feature.window_days} days"
        cells = (feature.name, feature.theme, source, window, feature.unit, feature.imputation, feature.purpose)
        rows.append("| " + " | ".join(cells) + " |")
    return rows


def unagreed(agreements: Iterable[Agreement]) -> list[str]:
    """Features that no agreement could ever let be made, a sentence each: a dataset in none for their purpose."""
    known = list(agreements)
    return [
        f"Feature '{feature.name}' rests on {dataset} for {feature.purpose}, which no agreement covers."
        for feature in features.FEATURES
        for dataset in feature.rests_on
        if not any(
            feature.purpose in agreement.purposes and {dataset, "all"} & set(agreement.datasets) for agreement in known
        )
    ]


if __name__ == "__main__":
    sys.stdout.write(text())
