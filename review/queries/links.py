"""Addresses that wait for people in a borough, and what was decided about them since the links were made.

What waits is made from the lake, which takes seconds for a large borough, so it is kept in memory for as long as
nothing that it was made from has changed: links, gazetteer, agreements, erasures, the day.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core import clock
from pipelines.core.hashing import hash_of
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Erasure, LinkReview
from pipelines.governance import stages
from pipelines.governance.reads import reading
from pipelines.link.review import IS, IS_NOT, keys_of
from pipelines.link.review_export import ADDRESS_KEY, CANDIDATES, MARK, read_waiting
from pipelines.link.spine import Spine
from schemas.agreement import Role

KEPT = 4
"""Boroughs of which what waits is kept in memory."""


@dataclass(frozen=True)
class Candidate:
    """A property that an address may be."""

    uprn: str
    address: str


@dataclass(frozen=True)
class Waiting:
    """An address that waits: `cells` are those of an export's row, `candidates` those that nobody has refused."""

    key: str
    cells: dict[str, str]
    candidates: tuple[Candidate, ...]
    settled: bool

    @property
    def address(self) -> str:
        """The address as it was written, with its postcode."""
        return " ".join(f"{self.cells['address']} {self.cells['postcode']}".split())

    @property
    def records(self) -> int:
        """How many records have it."""
        return int(self.cells["records"])


@dataclass
class Desk:
    """What waits in a borough: rows of the export by their key, most useful first, and what their addresses are."""

    rows: dict[str, dict[str, str]]
    address_keys: dict[str, str]
    spine: Spine
    decided: dict[int, str] = field(default_factory=dict)
    """Keys of the addresses of decisions, by the number of the decision."""


@dataclass(frozen=True)
class Queue:
    """Addresses that wait, in order, with what was decided; `seen` is the number of the newest decision of all."""

    addresses: list[Waiting]
    seen: int

    @property
    def settled(self) -> int:
        """How many are decided."""
        return sum(one.settled for one in self.addresses)

    def find(self, key: str) -> int | None:
        """The place of an address, None where it does not wait."""
        return next((place for place, one in enumerate(self.addresses) if one.key == key), None)

    def next_open(self, after: int) -> Waiting | None:
        """The next address that is not decided, from the start again behind the last; None where none is left."""
        order = [*self.addresses[after + 1 :], *self.addresses[: after + 1]]
        return next((one for one in order if not one.settled), None)


_desks: OrderedDict[tuple[str, str], tuple[str, Desk]] = OrderedDict()
_lock = Lock()
_locks_of: defaultdict[tuple[str, str], Lock] = defaultdict(Lock)


def desk(borough: str, role: Role) -> Desk:
    """What waits in a borough for a role.

    Raises:
        NotFound: the borough has no gazetteer.
        ConfigurationError: the role may not see the borough's gazetteer.
    """
    with transaction() as session:
        erased = session.scalar(sa.select(sa.func.count()).select_from(Erasure))
    made_from = hash_of(
        [stages.state_of("link", borough), stages.drops_behind([borough]), erased, clock.today().isoformat()]
    )
    with _locks_of[borough, role]:  # of several who ask at once one waits for the lake, and all get what it found
        found = _desks.get((borough, role))
        if found is None or found[0] != made_from:
            found = (made_from, _made(borough, role))
        with _lock:
            _desks[borough, role] = found
            _desks.move_to_end((borough, role))
            while len(_desks) > KEPT:
                _desks.popitem(last=False)
    return found[1]


def _made(borough: str, role: Role) -> Desk:
    with reading("link review page", borough):
        rows, spine = read_waiting(borough, role)
    cells = {str(row["key"]): {str(name): str(value) for name, value in row.items()} for row in rows.to_dict("records")}
    keys = {key: row.pop(ADDRESS_KEY) for key, row in cells.items()}
    # Of the properties only their numbers are needed to decide; the rest would fill the memory.
    return Desk(cells, keys, replace(spine, rows=spine.rows[["uprn"]].copy(), buildings=spine.buildings.iloc[:0]))


def queue(session: Session, borough: str, own: Desk) -> Queue:
    """What waits on a desk, with the decisions that hold by now laid over it."""
    query = sa.select(
        LinkReview.number,
        LinkReview.address_written,
        LinkReview.postcode_written,
        LinkReview.verdict,
        LinkReview.uprn,
        LinkReview.superseded_at,
    ).where(LinkReview.borough == borough)
    every = session.execute(query.order_by(LinkReview.number)).all()
    holding = [row for row in every if row.superseded_at is None]
    _know_keys(own, [row for row in holding if row.number not in own.decided])
    said: dict[str, dict[str, set[str]]] = {}
    for row in holding:
        said.setdefault(own.decided[row.number], {}).setdefault(row.verdict, set()).add(row.uprn)
    addresses = [_waiting(key, cells, said.get(own.address_keys[key], {})) for key, cells in own.rows.items()]
    return Queue(addresses, every[-1].number if every else 0)


def _know_keys(own: Desk, decisions: list[Any]) -> None:
    if decisions:
        keys = keys_of([d.address_written for d in decisions], [d.postcode_written for d in decisions], own.spine)
        own.decided.update(zip([d.number for d in decisions], keys["key"].tolist(), strict=True))


def _waiting(key: str, cells: dict[str, str], said: dict[str, set[str]]) -> Waiting:
    refused = said.get(IS_NOT, set())
    shown = [cells[name].split(MARK, 1) for name in CANDIDATES if cells[name]]
    left = tuple(Candidate(uprn, text) for uprn, text in shown if uprn not in refused)
    settled = bool(said.get(IS)) or (bool(refused) and not left)
    return Waiting(key, cells, left, settled)
