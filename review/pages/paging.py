"""Which page of a long table was asked for, and the links to the others."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import Request

from pipelines.core.errors import NotFound

FURTHEST = 100_000
AROUND = 1


def asked_page(request: Request) -> int:
    """The number of the page in the address, 1 where none is given.

    Raises:
        NotFound: it is no number of a page.
    """
    text = request.query_params.get("page", "1")
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= FURTHEST and len(text) < 9):
        raise NotFound("There is no such page.")
    return int(text)


def links_of(request: Request, number: int, size: int, of: int) -> dict[str, Any] | None:
    """The pagination of the Design System; None where everything stands on one page."""
    last = -(-of // size)
    if last < 2:
        return None
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in ("page", "done")]

    def link(page: int) -> str:
        return f"?{urlencode([*kept, ('page', page)])}"

    shown = sorted({1, last, *range(max(1, number - AROUND), min(last, number + AROUND) + 1)})
    items: list[dict[str, Any]] = []
    for before, page in zip([0, *shown], shown, strict=False):
        if page > before + 1:
            items.append({"ellipsis": True})
        items.append({"number": page, "href": link(page), "current": page == number})
    made: dict[str, Any] = {"items": items}
    if number > 1:
        made["previous"] = {"href": link(number - 1)}
    if number < last:
        made["next"] = {"href": link(number + 1)}
    return made
