"""What stands in the head of a page: only what the person may open."""

from __future__ import annotations

from typing import Any

from review.identity.person import Person
from review.permissions import Action, boroughs_of, may
from schemas import registry

OF_BOROUGH = (
    ("List", "/lists/{}", Action.SEE_LIST),
    ("Results", "/performance/{}", Action.SEE_PERFORMANCE),
    ("Intake", "/intake/{}", Action.SEE_INTAKE),
    ("Links", "/links/{}", Action.SEE_LINKS),
)
OF_ALL = (
    ("Model", "/model", Action.SEE_MODEL),
    ("Audit", "/audit", Action.SEE_AUDIT),
    ("Health", "/health", Action.SEE_HEALTH),
    ("Sessions", "/sessions", Action.END_SESSIONS),
)


def items(person: Person | None, borough: str | None, path: str) -> list[dict[str, Any]]:
    """Links as the service navigation takes them: text, href, and whether the page that is shown lies there."""
    if person is None:
        return []
    slug = borough if borough in registry.boroughs() else None
    found = []
    for text, pattern, action in OF_BOROUGH:
        theirs = boroughs_of(person, action)
        where = slug if slug in theirs else (theirs[0] if len(theirs) == 1 else None)
        if where is not None:
            found.append(_item(text, pattern.format(where), path))
        elif theirs:
            found.append(_item(text, f"/boroughs?to={pattern.split('/')[1]}", path))
    found += [_item(text, href, path) for text, href, action in OF_ALL if may(person, action)]
    return found


def _item(text: str, href: str, path: str) -> dict[str, Any]:
    inside = path == href or path.startswith(f"{href}/")
    return {"text": text, "href": href, "current": path == href, "active": inside}
