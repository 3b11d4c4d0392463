"""A page as a screen reader is told of it: Chromium's accessibility tree, which programs of the system read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

CELLS = frozenset({"cell", "gridcell", "columnheader", "rowheader"})


@dataclass(eq=False)
class Node:
    """One thing that is told: its role and name as Chromium worked them out, and what is within it."""

    role: str
    name: str
    own: dict[str, Any]
    element: int | None
    within: Node | None = None
    holds: list[Node] = field(default_factory=list)

    def all(self, *roles: str) -> Iterator[Node]:
        """What is within it, in the order of the page, of these roles."""
        for each in self.holds:
            if not roles or each.role in roles:
                yield each
            yield from each.all(*roles)

    def nearest(self, *roles: str) -> Node | None:
        """The innermost thing of these roles that it stands in."""
        outer = self.within
        while outer is not None and outer.role not in roles:
            outer = outer.within
        return outer

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(own.name for own in self.all("StaticText") if own.name)


def tree_of(page: Page) -> Node:
    """The page as it is now; what is not told (decoration, what is hidden) is left out."""
    session = page.context.new_cdp_session(page)
    try:
        session.send("Accessibility.enable")
        found = session.send("Accessibility.getFullAXTree")["nodes"]
    finally:
        session.detach()
    by_id = {own["nodeId"]: own for own in found}
    (top,) = [own for own in found if "parentId" not in own]
    root = _node(top, None)
    _grow(root, top, by_id)
    return root


def _grow(into: Node, of: dict[str, Any], by_id: dict[str, dict[str, Any]]) -> None:
    for child in (by_id[own] for own in of.get("childIds", ()) if own in by_id):
        if child.get("ignored"):
            _grow(into, child, by_id)
            continue
        made = _node(child, into)
        into.holds.append(made)
        _grow(made, child, by_id)


def _node(own: dict[str, Any], within: Node | None) -> Node:
    told = {one["name"]: one["value"].get("value") for one in own.get("properties", ())}
    name = " ".join(str(own.get("name", {}).get("value", "")).split())
    return Node(own["role"]["value"], name, told, own.get("backendDOMNodeId"), within)


@dataclass(frozen=True)
class Table:
    """A table by its rows: of each cell what it is, what it says, and over how many columns it goes."""

    name: str
    rows: list[list[tuple[Node, int]]]


def tables_of(page: Page, root: Node) -> list[Table]:
    """Every table of the page."""
    session = page.context.new_cdp_session(page)
    try:
        return [
            Table(own.name, [[(cell, _columns(session, cell)) for cell in row.all(*CELLS)] for row in own.all("row")])
            for own in root.all("table", "grid")
        ]
    finally:
        session.detach()


def _columns(session: CDPSession, cell: Node) -> int:
    """Over how many columns a cell goes, which the tree does not tell."""
    described = session.send("DOM.describeNode", {"backendNodeId": cell.element})["node"]
    listed = described.get("attributes", [])
    return int(dict(zip(listed[::2], listed[1::2], strict=True)).get("colspan", 1))
