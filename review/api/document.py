"""The OpenAPI document of the API, for whoever writes a program against it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request

from review.api import OPENAPI
from review.permissions import Action
from review.routing import ACTION, guard_of

router = APIRouter(include_in_schema=False)


@router.get(OPENAPI, dependencies=[Depends(guard_of(Action.OPEN))])
def openapi(request: Request) -> dict[str, Any]:
    """The document of every version there is."""
    found: dict[str, Any] = request.app.openapi()
    return found


setattr(openapi, ACTION, Action.OPEN)
