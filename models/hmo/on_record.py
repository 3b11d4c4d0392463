"""What is on record of homes and their buildings, as an analyst may see it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from models.hmo import why_records, why_register
from models.hmo.ties import homes_of, tied
from models.hmo.why_records import COUNTS, KINDS, Reach
from models.hmo.why_register import APPLICATION, LICENCE
from models.hmo.why_words import DATASET_WORDS, of_100

TEN_YEARS = 10 * 365
"""How far back records are told: as far as the longest window of a feature."""
MOST = 40
"""Records of one dataset that are kept of a home: an officer reads no more, and a block's bin store has thousands."""
WANTED = {
    (dataset, of_building): Reach(0 if dataset in COUNTS else TEN_YEARS, True)
    for dataset in KINDS
    for of_building in (False, True)
}
"""Of counts, which are taken again and again, the newest says it."""
OF_REGISTER = [(dataset, of_building) for dataset in (LICENCE, APPLICATION) for of_building in (False, True)]


@dataclass(frozen=True)
class OfHome:
    """What is on record of one home, as `why_records` and `why_register` find it."""

    records: list[dict[str, Any]]
    licences: list[dict[str, Any]]
    applications: list[dict[str, Any]]


@dataclass(frozen=True)
class Found:
    """What is on record of homes, in their order; `withheld` says why datasets are not shown, a sentence each."""

    homes: list[OfHome]
    withheld: list[str]


def of_homes(borough: str, uprns: Sequence[str], buildings: Sequence[str | None], day: date) -> Found:
    """What was on record by the end of a day: each table of the lake is read once.

    Args:
        borough: its slug.
        uprns: the homes.
        buildings: UPRN of the building that each is a part of, None where it is of none.
        day: the day.
    """
    size, pairs = len(uprns), tied(borough, homes_of(uprns, buildings), [*WANTED, *OF_REGISTER])
    records, withheld = why_records.of_homes(borough, pairs, size, WANTED, day)
    licences, no_licences = why_register.of_homes(borough, LICENCE, pairs, size, day)
    applications, no_applications = why_register.of_homes(borough, APPLICATION, pairs, size, day)
    homes = [OfHome(*own) for own in zip(records, licences, applications, strict=True)]
    return Found(homes, [*withheld, *(said for said in (no_licences, no_applications) if said is not None)])


def told(own: OfHome, sentences: Mapping[str, str]) -> dict[str, Any]:
    """`records`, `left_out`, `licences` and `applications` of a home as a dossier has them (`models.hmo.dossier`).

    `sentences` say what each reason of a link means, by its code.
    """
    newest = _newest(own.records)
    return {
        "records": [_record(record, record["what"], sentences) for record in newest],
        "left_out": len(own.records) - len(newest),
        "licences": [_record(one, _words(one["type"] or "licence", one["state"]), sentences) for one in own.licences],
        "applications": [_record(one, _words(one["kind"], one["status"]), sentences) for one in own.applications],
    }


def _newest(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest of each dataset, all together newest first."""
    kept: list[dict[str, Any]] = []
    by_dataset: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        by_dataset.setdefault(record["dataset"], []).append(record)
    for own in by_dataset.values():
        kept += sorted(own, key=lambda record: record["event_date"], reverse=True)[:MOST]
    return sorted(kept, key=lambda record: record["event_date"], reverse=True)


def _words(*parts: str | None) -> str:
    return "; ".join(part for part in parts if part)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _record(record: dict[str, Any], what: str, sentences: Mapping[str, str]) -> dict[str, Any]:
    """A record as plain data: days as text, and why it is tied in words."""
    own: dict[str, Any] = {name: _plain(value) for name, value in record.items() if name != "link"}
    link = dict(record["link"])
    probability = link.pop("probability")
    sure = None if probability is None else f"{of_100(probability)} in 100"
    sentence = sentences.get(link["reason"] or "", "Why it was tied is not recorded.")
    return {
        **{"source": DATASET_WORDS[own["dataset"]], "date": own.pop("event_date"), "what": what},
        **own,
        "link": {**link, "sentence": sentence, "sure": sure},
    }
