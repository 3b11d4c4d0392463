"""Scorecards as pages and tables: one of each borough, one of all London."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from pipelines.publish.due import GRAVE, WORDS, Standing
from pipelines.publish.html import render
from pipelines.publish.scorecards import DROPS_SHOWN, LINES, Card, Line, Scorecards
from pipelines.publish.sparkline import percent, sparkline
from schemas import registry
from schemas.guidance import day

AGAINST = {
    "above": ("\u25b2", "above the London median"),
    "below": ("\u25bc", "below the London median"),
    "same": ("=", "the same as the London median"),
}
"""A sign and its words; the words are read out, and the sign is told apart by its form."""
EXPLAINED = {
    "completeness": "cells that are filled, in the columns that are sent; cells that are rightly blank count too",
    "conformity": "rows whose codes and forms are those of the contract",
    "validity": "rows whose dates, numbers, UPRNs and postcodes can be read and are possible",
    "uniqueness": "rows that stand there once",
    "consistency": "rows whose cells do not contradict each other or the gazetteer",
    "timeliness": "100% when the extract came within its grace; half when it took twice the time between two extracts",
    "uprn_filled": "rows that have a UPRN",
    "uprn_in_gazetteer": "UPRNs that the borough's own gazetteer has",
}
CSV_HEAD = (
    "borough", "borough_name", "dataset", "source", "drop", "extract_date", "arrived", "rows", "days_late",
    "line", "good", "of", "share", "london_median",
)  # fmt: skip


def borough_page(borough: str, all_cards: Scorecards) -> bytes:
    """The scorecard of one borough."""
    return render("scorecard.html", **content_of(borough, all_cards))


def content_of(borough: str, all_cards: Scorecards) -> dict[str, Any]:
    """What a page of a borough's scorecard shows."""
    cards = all_cards.cards.get(borough, ())
    standing = list(all_cards.standing.get(borough, ()))
    by_dataset = {stood.dataset: stood for stood in standing}
    carded = {card.dataset for card in cards}
    return {
        "borough": registry.borough(borough),
        "cards": [_card(card, by_dataset.get(card.dataset)) for card in cards],
        "columns": [(name, title) for name, title in LINES.items()],
        "explained": [(LINES[name], words) for name, words in EXPLAINED.items()],
        "grave": [_stood(stood) for stood in standing if stood.state in GRAVE],
        "without": [_stood(stood) for stood in standing if stood.dataset not in carded],
        "expected": len(standing),
        "shown": DROPS_SHOWN,
    }


def _stood(standing: Standing) -> dict[str, str]:
    return {"title": standing.title, "words": WORDS[standing.state], "due": day(standing.due), "state": standing.state}


def _card(card: Card, standing: Standing | None) -> dict[str, Any]:
    newest = card.arrivals[-1]
    return {
        "card": card,
        "title": card.title if card.source == "main" else f"{card.title} ({card.source})",
        "anchor": f"{card.dataset}-{card.source}",
        "newest": day(newest.extract_date),
        "rows": newest.rows,
        "state": standing.state if standing else "",
        "words": WORDS[standing.state] if standing else "not expected",
        "in_time": card.in_time,
        "cells": [_cell(card.line(name)) for name in LINES],
        "lines": [_line(line) for line in card.lines],
        "arrivals": [
            {
                "extract": day(arrival.extract_date),
                "arrived": day(arrival.arrived),
                "late": _late(arrival.late),
                "rows": arrival.rows,
                "shares": [_share(line.shares[place]) for line in card.lines],
            }
            for place, arrival in reversed(list(enumerate(card.arrivals)))
        ],
    }


def _late(days: int | None) -> str:
    if days is None:
        return "first"
    return "in time" if days == 0 else f"{days} {'day' if days == 1 else 'days'} late"


def _share(share: float | None) -> str:
    return "\u2013" if share is None else percent(share)


def _cell(line: Line | None) -> dict[str, str]:
    if line is None:
        return {"share": "\u2013", "sign": "", "words": "no figure", "against": ""}
    sign, words = AGAINST.get(line.against_london, ("", ""))
    return {"share": _share(line.latest), "sign": sign, "words": words, "against": line.against_london}


def _line(line: Line) -> dict[str, Any]:
    change = line.change
    moved = "\u2013"
    if change is not None:
        points = round(abs(change) * 100, 1)
        moved = (
            "no change"
            if points == 0
            else f"{'up' if change > 0 else 'down'} {points} {'point' if points == 1 else 'points'}"
        )
    return {
        "line": line,
        "title": line.title,
        "london": _share(line.london),
        "change": moved,
        "picture": sparkline(line.shares, line.london),
        **_cell(line),
    }


def london_page(all_cards: Scorecards) -> bytes:
    """The page of all London: each borough's middle dataset, and each dataset's middle and lowest borough."""
    boroughs = []
    for slug in all_cards.boroughs:
        if not registry.borough(slug).london:
            continue
        cards, standing = all_cards.cards.get(slug, ()), all_cards.standing.get(slug, ())
        states = [stood.state for stood in standing]
        boroughs.append(
            {
                "borough": registry.borough(slug),
                "datasets": len({card.dataset for card in cards}),
                "late": states.count("late"),
                "missing": states.count("missing"),
                "cells": [_middle(card.line(name) for card in cards) for name in LINES],
            }
        )
    every = [card for slug, cards in all_cards.cards.items() if registry.borough(slug).london for card in cards]
    datasets = []
    for dataset, contract in registry.contracts().items():
        own = [card for card in every if card.dataset == dataset]
        if own:
            cells = [_spread(card.line(name) for card in own) for name in LINES]
            boroughs_with = len({card.borough for card in own})
            datasets.append({"dataset": dataset, "title": contract.title, "boroughs": boroughs_with, "cells": cells})
    return render(
        "scorecards.html",
        boroughs=boroughs,
        datasets=datasets,
        columns=list(LINES.values()),
        explained=[(LINES[name], words) for name, words in EXPLAINED.items()],
    )


def _known(lines: Iterable[Line | None]) -> list[float]:
    return [line.latest for line in lines if line is not None and line.latest is not None]


def _middle(lines: Iterable[Line | None]) -> str:
    known = _known(lines)
    return _share(median(known)) if known else "\u2013"


def _spread(lines: Iterable[Line | None]) -> dict[str, str]:
    known = _known(lines)
    return {"middle": _share(median(known)) if known else "\u2013", "lowest": _share(min(known)) if known else "\u2013"}


def scorecard_rows(cards: Sequence[Card]) -> list[dict[str, Any]]:
    """A row for each dataset, arrival and line, oldest first: the table behind the pages."""
    return [
        {
            "borough": card.borough,
            "borough_name": registry.borough(card.borough).name,
            "dataset": card.dataset,
            "source": card.source,
            "drop": arrival.drop,
            "extract_date": arrival.extract_date.isoformat(),
            "arrived": arrival.arrived.isoformat(),
            "rows": arrival.rows,
            "days_late": arrival.late,
            "line": line.name,
            "good": arrival.figures[line.name].good,
            "of": arrival.figures[line.name].of,
            "share": round(share, 5),
            "london_median": None if line.london is None else round(line.london, 5),
        }
        for card in cards
        for line in card.lines
        for arrival, share in zip(card.arrivals, line.shares, strict=True)
        if share is not None
    ]


def scorecard_csv(cards: Sequence[Card]) -> bytes:
    """`scorecard_rows` as CSV; nothing in it comes from a borough's file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_HEAD, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(scorecard_rows(cards))
    return text.getvalue().encode()
