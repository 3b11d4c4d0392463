"""Link: every record to its property, every licence and liability to its landlord.

`link_borough(borough)` reads the borough's harmonised datasets and writes two tables:

- `property`: the gazetteer as the spine, one row a UPRN with its parsed address, building and street keys;
- `link`: one row a record with an address, with a decision, a closed reason, a level, a probability and a gap; of a
  record of several flats one row a flat (`unit_ranges.py`).

Accuracy comes before speed and flats before everything: merging two flats manufactures an HMO. So *which building*
and *which unit of it* are two questions. Only the first is ever answered by likeness. The second is answered by
equality of parts, and a unit that is not found goes to the building, to people, or nowhere, never to another unit.

The cascade, each stage working on what the one before left open (`cascade.py`):

1. `uprn` (by record): the row's own UPRN, if it is in the gazetteer and number, unit and street do not contradict it.
2. `exact`: canonical address and postcode of one property.
3. `exact_address`: canonical address alone, where it stands once in the borough.
4. `building`: same number or name, street and postcode; then the unit (`units.py`).
5. `pairs`: the likeliest building of the postcode, of the street and number, or of a name, by recordlinkage over
   blocks (`candidates.py`) and a model of pairs (`features.py`, `pair_model.py`, `pairs.py`); then the unit.
6. `abstain`: nothing, with the reason.

Vetoes hold at every stage: two different numbers (ranges and suffixes understood), two different streets, two
different units. No unit in the record against several units in the building is decision `parent`; so is a unit that the
gazetteer does not have. A near match, or two about as near, is decision `review`: such a row carries no UPRN,
and `runner_up` holds what it may be.

A place beside a property (land at it, next door to it, opposite) and two properties in one cell are never linked,
unless the gazetteer has that very place in the same words: they go to `review` with the property as `runner_up`.

Each distinct address is resolved once for the borough and joined back to its records.

`link_landlords()` writes the table `landlord`: holders, managers and liable owners of all boroughs as one entity each
(`landlords.py`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage

if TYPE_CHECKING:
    from pipelines.link.borough import link_borough
    from pipelines.link.landlords import link_landlords

_STAGES = {"link_borough": "borough", "link_landlords": "landlords"}
"""Imported when they are asked for: linking a file needs neither the lake nor the ledger, which take a second."""

__all__ = ["Decision", "Level", "LinkReason", "LinkStage", "link_borough", "link_landlords"]


def __getattr__(name: str) -> Any:
    """One of the stages."""
    if name not in _STAGES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_STAGES[name]}"), name)
