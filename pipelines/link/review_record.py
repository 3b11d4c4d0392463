"""One record that an officer says is not the property it was tied to: a decision about its address, for every night.

A decision is about the address as the link stage reads it, so it holds for all records with that address.
"""

from __future__ import annotations

import pyarrow.compute as pc

from pipelines.core.errors import NotFound
from pipelines.governance import access, link_decisions
from pipelines.link.review import IS_NOT
from pipelines.link.review_export import HEADINGS, key_of_row
from pipelines.link.review_import import Taken, take_one
from pipelines.link.spine import read_spine
from schemas import registry
from schemas.agreement import Role

NEEDED = ("record_id", "address", "postcode")


def refuse(borough: str, dataset: str, record_id: int, uprn: str, *, who: str, note: str, role: Role) -> Taken:
    """Take down that a record of a dataset is not the property with this UPRN, in the name of a person.

    Returns:
        `new` or `unchanged` is 1, or `refused` says why nothing was taken.

    Raises:
        NotFound: the dataset has no such record, or none with an address, that the role may see.
        ConfigurationError: the role may not see the borough's gazetteer.
        NotTaken: nobody is named.
    """
    if dataset not in registry.contracts() or not {"address", "postcode"} <= set(registry.contract(dataset).by_name):
        raise NotFound("There is no such record.")
    rows = access.read_dataset(dataset, boroughs=[borough], purpose="hmo_detection", columns=NEEDED, role=role)
    own = rows.filter(pc.equal(rows["record_id"], record_id)).to_pylist()
    if not own or not own[0]["address"]:
        raise NotFound("There is no such record, or its address may not be seen.")
    spine, _ = read_spine(borough)
    newest = max((decision.number for decision in link_decisions.read(borough, history=True)), default=0)
    row = dict.fromkeys(HEADINGS, "") | {
        "borough": borough,
        "address": own[0]["address"],
        "postcode": own[0]["postcode"] or "",
        "datasets": dataset,
        "candidate_1": uprn,
        "verdict": IS_NOT,
        "uprn": uprn,
        "note": note,
        "last_decision": str(newest),
    }
    return take_one(row | {"key": key_of_row(row)}, who, spine, role)
