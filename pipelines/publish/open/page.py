"""A publication as a page with plots: nothing loaded from elsewhere, each plot's figures in a table below it."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pipelines.publish.html import render
from pipelines.publish.open.counting import PROPERTIES, SOURCES
from pipelines.publish.open.metadata import FORMATS, LICENCE, TITLE
from pipelines.publish.open.protect import BASE, FEWEST_HOMES

WIDE, NARROW = 9.4, 3.4
"""Inches at 96 pixels: as wide as the page's text on a screen, and on a telephone of 360 pixels."""

LETTER, SAMPLE = 7.6, 46
"""Pixels of a letter in a legend, and of the colour beside it with the space between."""

HEADINGS = {PROPERTIES: "Properties", **{source.measure: source.heading for source in SOURCES}}

COLOURS = ("#0b5c6b", "#f0a830", "#7b2d68", "#8fc1a9", "#c8553d", "#3d5a98", "#b8b04a", "#5b5b5b", "#d9a5b3", "#9aa5b1")
"""Neighbours differ in lightness as well as in hue, so that they are told apart without seeing colour."""


def page(table: pd.DataFrame, dictionary: pd.DataFrame, words: str, day: date, made: Mapping[str, bytes]) -> bytes:
    """The page of one publication. `made` are the files it leads to."""
    top = table[table["area_level"] == "borough"]
    measures = dictionary[dictionary["what"] == "measure"]
    known = [name for name in measures["name"] if (top["measure"] == name).any()]
    told = measures.set_index("name")["description"]
    files = [{"path": path, "title": title, "size": _size(len(made[path]))} for path, (title, *_) in FORMATS.items()]
    return render(
        "open.html",
        title=TITLE,
        words=words,
        day=f"{day.day} {day:%B %Y}",
        measures=[_measure(top, dictionary, name, told[name]) for name in known],
        files=files,
        boroughs=top["borough_name"].nunique(),
        wards=table.loc[table["area_level"] == "ward", "area_code"].nunique(),
        lsoas=table.loc[table["area_level"] == "lsoa", "area_code"].nunique(),
        base=BASE,
        fewest=FEWEST_HOMES,
        licence=LICENCE,
    )


def overview(publications: Sequence[Mapping[str, Any]]) -> bytes:
    """The page that leads to every publication, newest first, given their Data Packages."""
    rows = [{"name": found["version"], "title": found["title"], "day": found["created"][:10]} for found in publications]
    return render("open_index.html", title=TITLE, rows=rows)


def _measure(top: pd.DataFrame, dictionary: pd.DataFrame, measure: str, told: str) -> dict[str, Any]:
    kinds = dictionary[(dictionary["what"] == "kind") & (dictionary["of"] == measure)].set_index("name")["description"]
    own = top[top["measure"] == measure]
    wide = own.pivot_table(index="borough_name", columns="kind", values="count", aggfunc="first")[list(kinds.index)]
    margins = own.drop_duplicates("borough_name").set_index("borough_name")["margin"]
    names = {kind: str(kind).replace("_", " ").replace("hmo", "HMO") for kind in wide}
    shown = wide.rename(columns=names)
    rows = [
        {"name": name, "figures": list(zip(names.values(), figures, strict=True)), "margin": int(margins[name])}
        for name, figures in zip(shown.index, shown.to_numpy().tolist(), strict=True)
    ]
    return {
        "heading": HEADINGS[measure],
        "told": told,
        "kinds": [(names[kind], text) for kind, text in kinds.items()],
        "rows": rows,
        "wide": _plot(shown, WIDE),
        "narrow": _plot(shown, NARROW),
    }


def _plot(wide: pd.DataFrame, width: float) -> dict[str, Any]:
    """Bars by borough, a colour a kind, as a picture for the page: `data` (base64 SVG), `width`, `height` (pixels)."""
    kinds = list(wide)
    longest = max(len(str(kind)) for kind in kinds)
    columns = min(max(int((width * 96 - 20) // (LETTER * longest + SAMPLE)), 1), len(kinds))
    lines = 0 if len(kinds) == 1 else -(-len(kinds) // columns)
    height = 0.9 + 0.3 * len(wide) + 0.24 * lines
    with matplotlib.rc_context({"svg.hashsalt": "loda", "svg.fonttype": "none", "font.size": 10.5}):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        places, start = np.arange(len(wide))[::-1], np.zeros(len(wide))
        for kind, colour in zip(kinds, COLOURS, strict=False):
            long = wide[kind].to_numpy(float)
            axes.barh(places, long, 0.7, left=start, color=colour, edgecolor="white", linewidth=0.6, label=kind)
            start = start + long
        axes.set_yticks(places, [str(name) for name in wide.index])
        axes.tick_params(axis="y", length=0)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(4 if width < WIDE else 8, integer=True))
        axes.xaxis.set_major_formatter(matplotlib.ticker.StrMethodFormatter("{x:,.0f}"))
        axes.set_xlabel("properties, rounded")
        axes.set_ylim(-0.6, len(wide) - 0.4)
        axes.set_xlim(0, max(start.max() * 1.03, BASE))
        if lines:
            figure.legend(loc="outside upper left", ncols=columns, frameon=False, handlelength=1.0)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return {
        "data": base64.b64encode(out.getvalue()).decode(),
        "width": round(width * 96),
        "height": round(height * 96),
    }


def _size(length: int) -> str:
    return f"{length / 1024:,.0f} KiB" if length < 1024 * 1024 else f"{length / 1024 / 1024:,.1f} MiB"
