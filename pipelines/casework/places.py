"""Which property of a borough is meant: as a list names it, else as the borough's gazetteer does."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.ledger.models import ListEntry, PublishedList
from pipelines.core.tables import PROPERTY
from pipelines.governance import access

COLUMNS = pa.schema([PROPERTY.field(name) for name in ("borough", "uprn", "address", "postcode")])


@dataclass(frozen=True)
class Place:
    """A property of a borough and its address on one line, postcode included."""

    borough: str
    uprn: str
    address: str


def on_a_list(session: Session, borough: str, uprn: str, list_id: str | None = None) -> Place | None:
    """The property as a list of the borough names it: that list, or the newest it stood on; None where it did not.

    Lists that were taken down count: who went there went there.
    """
    query = (
        sa.select(ListEntry.address)
        .join(PublishedList, PublishedList.id == ListEntry.list_id)
        .where(PublishedList.borough == borough, ListEntry.uprn == uprn)
        .order_by(PublishedList.as_of.desc(), PublishedList.version.desc())
        .limit(1)
    )
    if list_id is not None:
        query = query.where(PublishedList.id == list_id)
    address = session.scalar(query)
    return None if address is None else Place(borough, uprn, address)


def in_gazetteer(borough: str, uprn: str) -> Place | None:
    """The property as the borough's gazetteer names it, for one that stood on no list; None where it is not there.

    It reads the lake and puts that on record in a transaction of its own unless reads are gathered: call it before a
    transaction is opened.
    """
    found = _on_one_line(access.read_table("property", COLUMNS, boroughs=[borough], among={"uprn": [uprn]}))
    if not found.num_rows:
        return None
    return Place(borough, uprn, str(found["address"][0].as_py()))


def gazetteer(borough: str) -> pa.Table:
    """Every property of a borough's gazetteer: columns `uprn`, `address` (on one line with its postcode).

    It reads the lake and puts that on record in a transaction of its own: call it before a transaction is opened.
    """
    return _on_one_line(access.read_table("property", COLUMNS, boroughs=[borough]))


def _on_one_line(rows: pa.Table) -> pa.Table:
    address, postcode = pc.fill_null(rows["address"], ""), pc.fill_null(rows["postcode"], "")
    apart = pc.binary_join_element_wise(address, postcode, ", ")
    return pa.table({"uprn": rows["uprn"], "address": pc.if_else(pc.equal(postcode, ""), address, apart)})
