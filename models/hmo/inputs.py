"""What the model's stages read, by hash: whether they have to be done again."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from models.hmo import landlords, sources
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
    return [[b, dataset] for b in boroughs for dataset in datasets if access.allowed(b, dataset, "hmo_detection")]


def landlord_inputs() -> list[Any]:
    """What the landlords' holdings of all boroughs are made from."""
    boroughs = boroughs_with_data()
    links = [stages.state_of("link", borough) for borough in boroughs]
    datasets = list(landlords.DATASETS)
    drops, resolved = stages.drops_behind(datasets=datasets), stages.state_of("landlords", LONDON)
    return [drops, links, resolved, _allowed(boroughs, datasets)]


def read_evidence(boroughs: list[str]) -> Iterator[Evidence]:
    """The evidence of each of these boroughs that has properties, with the landlords of all boroughs."""
    holdings = read_holdings()
    for borough, tables in sources.batches(boroughs):
        evidence = load(borough, tables, holdings)
        if evidence is not None:
            yield evidence


def read_holdings() -> Holdings:
    """The landlords of all boroughs; a process that works on several boroughs reads them once."""
    return _holdings(settings().lake_url, stages.input_hash(*landlord_inputs()), tuple(boroughs_with_data()))


@lru_cache(maxsize=1)
def _holdings(_lake_url: str, _made_from: str, boroughs: tuple[str, ...]) -> Holdings:
    return landlords.read(list(boroughs))
