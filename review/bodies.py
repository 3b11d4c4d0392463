"""What a browser sends: bounded while it arrives, so that no form fills the disk, and files of forms as they are."""

from __future__ import annotations

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.types import Message

from pipelines.core.errors import LodaError
from pipelines.core.settings import MIB
from review.settings import review_settings

OF_A_FORM = 2 * MIB
"""Bytes of a form without a file."""

AROUND_A_FILE = MIB
"""Bytes that the rest of a form with a file may take."""

DRAINED = 4
"""So many times the limit is read and thrown away before the line is cut, so that a browser comes to see the answer."""


class TooLarge(LodaError):
    """More was sent than is taken; the sentence says how much is."""


def _may_hold_a_file(request: Request) -> bool:
    return request.headers.get("content-type", "").lower().startswith("multipart/form-data")


def limit_of(request: Request) -> int:
    """Bytes that the body of a request may have."""
    return review_settings().max_upload_mib * MIB + AROUND_A_FILE if _may_hold_a_file(request) else OF_A_FORM


def _too_large(request: Request) -> TooLarge:
    if not _may_hold_a_file(request):
        return TooLarge("The form is too large to be taken.")
    return TooLarge(
        f"The file is larger than {review_settings().max_upload_mib} MiB, the most that can be sent here, so nothing "
        "of it was kept. Put it into your borough's folder of the bucket instead, or send it as a ZIP archive."
    )


async def bounded(request: Request) -> None:
    """Have the body of a request stop where it grows past its limit, however it is read afterwards.

    What is too large is read on for a while and thrown away: a browser shows no answer before it has sent everything.

    Raises:
        TooLarge: while the body is read.
    """
    limit, arrive = limit_of(request), request.receive
    arrived = 0

    async def receive() -> Message:
        nonlocal arrived
        message = await arrive()
        arrived += len(message.get("body", b""))
        if arrived <= limit:
            return message
        while message.get("more_body", False) and arrived <= DRAINED * limit:
            message = await arrive()
            arrived += len(message.get("body", b""))
        raise _too_large(request)

    request._receive = receive


def file_of(sent: FormData, name: str) -> UploadFile | None:
    """The file in a field of a form; None where none was chosen."""
    found = sent.get(name)
    return found if isinstance(found, UploadFile) and found.filename else None
