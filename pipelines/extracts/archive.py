"""ZIP archives that hold one file: opened as if that file had been dropped."""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, cast

from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB, settings

MARK = b"PK\x03\x04"
CONTENT_TYPES = "[Content_Types].xml"
"""Every workbook is a ZIP archive that holds this member."""

READABLE = frozenset({".csv", ".txt", ".tsv", ".xlsx", ".xlsm", ".parquet", ".pq", ".pdf"})
STREAMED = frozenset({".csv", ".txt", ".tsv"})
IN_MEMORY = 64 * MIB
MEMBERS_AT_MOST = 10_000
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    EOFError,
    OSError,
    RuntimeError,  # also of the kind that zipfile has for a compression or an encryption that it does not know
    ValueError,
    zlib.error,
)
"""All that the ZIP reader raises on damage, a lock, or a compression it does not know."""


class _Member(io.RawIOBase):
    """The bytes of a member; damage met on the way is a refusal."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        with _damage():
            return self._source.seek(offset, whence)

    def tell(self) -> int:
        return self._source.tell()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _damage():
            content = self._source.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


@contextmanager
def _damage() -> Iterator[None]:
    try:
        yield
    except DAMAGE as error:
        raise RefusedDrop("unreadable_archive", "The ZIP archive is damaged, cut short or locked.") from error


def member_kind(handle: IO[bytes]) -> str:
    """The ending of the one readable file in an archive, such as `.csv`.

    Raises:
        RefusedDrop: `unreadable_archive` or `unpacks_too_large`.
    """
    with _damage(), zipfile.ZipFile(handle) as archive:
        return _suffix(_only_member(archive))


@contextmanager
def unpacked(handle: IO[bytes]) -> Iterator[IO[bytes]]:
    """The file itself, or the one in it if it is a ZIP archive and no workbook; from its start.

    Text is streamed; what must be read in any order is unpacked to memory, beyond 64 MiB to a temporary file.

    Raises:
        RefusedDrop: `unreadable_archive` or `unpacks_too_large`.
    """
    handle.seek(0)
    is_archive = handle.read(len(MARK)) == MARK
    handle.seek(0)
    if not is_archive or _is_workbook(handle):
        handle.seek(0)
        yield handle
        return
    with _damage():
        archive = zipfile.ZipFile(handle)
        member = _only_member(archive)
        source = archive.open(member)
    content = io.BufferedReader(_Member(source), MIB)
    if _suffix(member) in STREAMED:
        yield cast("IO[bytes]", content)
        return
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as whole:
        while block := content.read(MIB):
            whole.write(block)
        whole.seek(0)
        yield cast("IO[bytes]", whole)


def _is_workbook(handle: IO[bytes]) -> bool:
    with _damage(), zipfile.ZipFile(handle) as archive:
        return CONTENT_TYPES in archive.namelist()


def _suffix(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


def _only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    limits = settings()
    members = archive.infolist()
    readable = [
        member
        for member in members[:MEMBERS_AT_MOST]
        if _suffix(member) in READABLE
        and not PurePosixPath(member.filename).name.startswith(".")
        # What macOS adds to every archive it makes.
        and not member.filename.startswith("__MACOSX/")
    ]
    if len(readable) != 1 or len(members) > MEMBERS_AT_MOST:
        raise RefusedDrop(
            "unreadable_archive",
            f"The ZIP archive holds {len(readable)} files that can be read among {len(members)}; it may hold one.",
        )
    member = readable[0]
    if member.flag_bits & 1:
        raise RefusedDrop("unreadable_archive", "The file in the ZIP archive is locked with a password.")
    if member.file_size > limits.max_unpacked_mib * MIB or (
        member.file_size > max(member.compress_size, 1) * limits.max_unpack_ratio
    ):
        raise RefusedDrop(
            "unpacks_too_large",
            f"The file in the archive says that it unpacks from {member.compress_size:,} bytes to "
            f"{member.file_size:,}; the limits are {limits.max_unpacked_mib} MiB and {limits.max_unpack_ratio} times.",
        )
    return member
