"""The JSON API: the same lists, properties, outcomes and receipts, for a borough's own systems."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

PREFIX = "/api/"


def router() -> APIRouter:
    """Every route of the API."""
    return APIRouter()


def is_of_api(request: Request) -> bool:
    """Whether a program asks, and so is answered in JSON."""
    return request.url.path.startswith(PREFIX)


def refusal(status: int, sentence: str) -> Response:
    """What is said to a program when it is not answered."""
    return JSONResponse({"error": sentence}, status_code=status)
