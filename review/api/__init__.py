"""The JSON API: the same lists, properties, outcomes and receipts, for a borough's own systems."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

PREFIX = "/api/"
OPENAPI = "/api/v1/openapi.json"


def routers() -> list[APIRouter]:
    """Every route of the API, and its document."""
    from review.api import document, v1

    return [v1.router, document.router]


def is_of_api(request: Request) -> bool:
    """Whether a program asks, and so is answered in JSON."""
    return request.url.path.startswith(PREFIX)


def refusal(status: int, sentence: str, **more: Any) -> Response:
    """What is said to a program when it is not answered."""
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
    return JSONResponse({"error": sentence, **more}, status_code=status, headers=headers)


def not_as_described(error: RequestValidationError) -> Response:
    """What is said of a request that is not as the OpenAPI document describes it: where and what, never the value."""
    fields = [{"where": ".".join(str(part) for part in one["loc"]), "what": one["msg"]} for one in error.errors()]
    return refusal(422, f"The request is not as {OPENAPI} describes it.", fields=fields)
