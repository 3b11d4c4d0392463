"""What the model's stages read, by hash: whether they have to be done again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from models.hmo import border, landlords, sources
from models.hmo.border import Border
from models.hmo.evidence import Evidence, load
from models.hmo.landlords import Holdings
from pipelines.core.settings import settings
from pipelines.governance import access, stages

LONDON = "london"


def boroughs_with_data() -> list[str]:
    """Boroughs that stand on at least one accepted extract, in a stable order."""
    return sorted({borough for borough, *_ in stages.drops_behind()})


def borough_inputs(boroughs: list[str]) -> list[Any]:
    """What the evidence of these boroughs is made from: drops, links, and what their agreements allow today."""
    datasets = ["gazetteer", *sources.COLUMNS]
    links = [stages.state_of("link", borough) for borough in boroughs]
    return [stages.drops_behind(boroughs), links, _allowed(boroughs, datasets)]


def _allowed(boroughs: list[str], datasets: list[str]) -> list[list[str]]:
    return [[b, dataset] for b in boroughs for dataset in datasets if access.allowed(b, dataset, sources.PURPOSE)]


def pooled_inputs() -> list[Any]:
    """What only all boroughs together tell is made from: landlords' holdings, and what lies across a boundary."""
    boroughs = boroughs_with_data()
    links = [stages.state_of("link", borough) for borough in boroughs]
    datasets = sorted({*landlords.DATASETS, *border.DATASETS})
    drops, resolved = stages.drops_behind(datasets=datasets), stages.state_of("landlords", LONDON)
    return [drops, links, resolved, _allowed(boroughs, datasets)]


def read_evidence(boroughs: list[str]) -> Iterator[Evidence]:
    """The evidence of each of these boroughs that has properties, with what only all boroughs together tell."""
    holdings, beside = read_pooled()
    for borough, tables in sources.batches(boroughs):
        evidence = load(borough, tables, holdings, beside, agreed_of(borough))
        if evidence is not None:
            yield evidence


def agreed_of(borough: str) -> frozenset[tuple[str, str]]:
    """Datasets and purposes that the borough's agreements cover today."""
    return frozenset(
        (dataset, sources.PURPOSE)
        for dataset in ("gazetteer", *sources.COLUMNS)
        if access.allowed(borough, dataset, sources.PURPOSE)
    )


def read_pooled() -> tuple[Holdings, Border]:
    """What all boroughs together tell; a process that works on several boroughs reads it once."""
    key = _pooled_key()
    return _holdings(*key), _border(*key)


def read_holdings() -> Holdings:
    """Who holds what in all boroughs; read once by a process, as `read_pooled` does."""
    return _holdings(*_pooled_key())


def _pooled_key() -> tuple[str, str, tuple[str, ...]]:
    return settings().lake_url, stages.input_hash(*pooled_inputs()), tuple(boroughs_with_data())


@lru_cache(maxsize=1)
def _holdings(_lake_url: str, _made_from: str, boroughs: tuple[str, ...]) -> Holdings:
    return landlords.read(list(boroughs))


@lru_cache(maxsize=1)
def _border(_lake_url: str, _made_from: str, boroughs: tuple[str, ...]) -> Border:
    return border.read(list(boroughs))
