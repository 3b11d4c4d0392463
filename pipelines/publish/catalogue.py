"""The catalogue: which borough runs which source system for which dataset, read from the mappings.

London's shared technology audit asked every borough for this by hand. Here it follows from what the night reads by, so
it is right as long as the files arrive.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import LastGood
from pipelines.core.settings import settings
from pipelines.publish.html import render
from schemas import registry
from schemas.mapping import Mapping

NO_PRODUCT = "layout of its own"
FAULTY = "not known: its mapping is faulty"
README = """Which borough runs which system
================================

systems.csv has one row for each layout in which a borough shares a dataset: the source system that it comes from, its
product and vendor, and whether an extract of it is in use. index.html shows the same for people, by product, by
dataset and by borough.

It answers what London's shared technology audit asked: who runs what, who else runs it, and with whom a contract, an
export or a lesson could be shared. Nobody fills it in. It is read from the mappings that the nightly intake works by,
so a borough that changes its system changes this list with its next extract.

{provenance}

borough, borough_name, gss_code   the borough
dataset, dataset_title            what it shares
layout, source, format            the mapping, which of several extracts of the dataset it is, and the kind of file
system, product, vendor           where the extract comes from; empty where the layout is the borough's own
in_use                            yes where an extract of this dataset and source is in use today
mapping_from                      project: comes with the software; installation: written here
"""
SYNTHETIC = (
    "The mappings that come with the software describe synthetic boroughs: which council runs which product is not "
    "claimed. Rows that say 'installation' are about real files."
)
REAL = "Every mapping in it was written for this installation's own files."


@dataclass(frozen=True)
class Entry:
    """One layout of one borough's dataset, and the system behind it."""

    borough: str
    borough_name: str
    gss_code: str
    dataset: str
    dataset_title: str
    layout: str
    source: str
    format: str
    system: str
    product: str
    vendor: str
    in_use: str
    mapping_from: str


def catalogue(boroughs: Iterable[str] | None = None) -> list[Entry]:
    """An entry for each layout that somebody wrote down, by borough and dataset; of all boroughs by default."""
    with transaction() as session:
        in_use = {tuple(row) for row in session.execute(sa.select(LastGood.borough, LastGood.dataset, LastGood.source))}
    entries = []
    for slug in registry.boroughs() if boroughs is None else boroughs:
        for dataset in registry.contracts():
            try:
                found = [_entry(mapping, in_use) for mapping in registry.own_mappings(slug, dataset)]
            except ConfigurationError:
                # What is wrong with it stands in the receipt and in 'loda doctor'; here it is only not known.
                found = [_faulty(slug, dataset)]
            entries += found
    return entries


def _entry(mapping: Mapping, in_use: set[tuple[Any, ...]]) -> Entry:
    borough = registry.borough(mapping.borough)
    system = registry.systems().get(mapping.system or "")
    own = settings().mappings_dir / mapping.borough / f"{mapping.name}.yaml"
    return Entry(
        borough=borough.slug,
        borough_name=borough.name,
        gss_code=borough.gss_code,
        dataset=mapping.dataset,
        dataset_title=registry.contract(mapping.dataset).title,
        layout=mapping.name,
        source=mapping.source,
        format=mapping.shape.format,
        system=mapping.system or "",
        product=system.product if system else mapping.system or NO_PRODUCT,
        vendor=system.vendor if system else "",
        in_use="yes" if (mapping.borough, mapping.dataset, mapping.source) in in_use else "no",
        mapping_from="installation" if own.exists() else "project",
    )


def _faulty(slug: str, dataset: str) -> Entry:
    borough, contract = registry.borough(slug), registry.contract(dataset)
    empty = {"layout": "", "source": "", "format": "", "system": "", "vendor": "", "in_use": "no", "mapping_from": ""}
    return Entry(slug, borough.name, borough.gss_code, dataset, contract.title, product=FAULTY, **empty)


def catalogue_csv(entries: Sequence[Entry]) -> bytes:
    """The catalogue as a table, a row an entry."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Entry.__dataclass_fields__), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    return text.getvalue().encode()


def catalogue_files(entries: Sequence[Entry]) -> dict[str, bytes]:
    """The page, the table and what they are, by file name."""
    return {
        "systems.csv": catalogue_csv(entries),
        "README.txt": README.format(provenance=_provenance(entries)).encode(),
        "index.html": catalogue_page(entries),
    }


def _provenance(entries: Sequence[Entry]) -> str:
    return SYNTHETIC if any(entry.mapping_from == "project" for entry in entries) else REAL


def catalogue_page(entries: Sequence[Entry]) -> bytes:
    """The catalogue for people: by product, by dataset, by borough."""
    products: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    datasets: dict[str, list[Entry]] = defaultdict(list)
    boroughs: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        products[entry.product, entry.vendor].append(entry)
        datasets[entry.dataset_title].append(entry)
        boroughs[entry.borough_name].append(entry)
    by_product = [
        {
            "product": product,
            "vendor": vendor,
            "datasets": _distinct(entry.dataset_title for entry in own),
            "boroughs": _distinct(entry.borough_name for entry in own),
        }
        for (product, vendor), own in products.items()
    ]
    last = {NO_PRODUCT, FAULTY}
    return render(
        "systems.html",
        products=sorted(by_product, key=lambda row: (row["product"] in last, -len(row["boroughs"]), row["product"])),
        datasets=[{"title": title, "shares": _shares(own)} for title, own in sorted(datasets.items())],
        boroughs=[
            {"name": name, "entries": [(entry.dataset_title, entry.product) for entry in own]}
            for name, own in sorted(boroughs.items())
        ],
        provenance=_provenance(entries),
    )


def _distinct(values: Any) -> list[str]:
    return sorted(set(values))


def _shares(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    """Products of a dataset with the number of boroughs that run them, the most used first."""
    boroughs: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        boroughs[entry.product].add(entry.borough)
    return sorted(((product, len(own)) for product, own in boroughs.items()), key=lambda share: (-share[1], share[0]))
