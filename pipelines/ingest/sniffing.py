"""Whether bytes may be read at all: size, kind, line length, how far an archive unpacks. Memory stays flat."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Protocol

import numpy as np

from pipelines.core.bucket import Folder
from pipelines.core.errors import RefusedDrop
from pipelines.core.settings import MIB, settings
from pipelines.extracts.archive import DAMAGE, member_kind, unpacked

CHUNK = 4 * MIB
TEXT_KINDS = frozenset({".csv", ".txt", ".tsv"})
WORKBOOK_KINDS = frozenset({".xlsx", ".xlsm"})
PARQUET_KINDS = frozenset({".parquet", ".pq"})
PDF_KIND = ".pdf"
ARCHIVE_KIND = ".zip"
KINDS = TEXT_KINDS | WORKBOOK_KINDS | PARQUET_KINDS | {PDF_KIND, ARCHIVE_KIND}
PDF_MARK = b"%PDF"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Copied:
    """What was learnt of a file while it was copied."""

    sha256: str
    size: int
    has_nul: bool
    longest_line: int
    head: bytes


class Sink(Protocol):
    """What bytes can be copied to."""

    def write(self, content: bytes, /) -> int:
        """Take some bytes."""
        ...


class _LineMeter:
    """Longest run of bytes without a line end, over chunks."""

    def __init__(self) -> None:
        self.longest = 0
        self._open = 0

    def feed(self, chunk: bytes) -> None:
        data = np.frombuffer(chunk, dtype=np.uint8)
        ends = np.flatnonzero((data == 10) | (data == 13))
        if ends.size == 0:
            self._open += data.size
        else:
            self.longest = max(self.longest, self._open + int(ends[0]), int(np.diff(ends).max(initial=0)))
            self._open = data.size - int(ends[-1]) - 1
        self.longest = max(self.longest, self._open)


def copy_and_measure(source: IO[bytes], target: Sink, kind: str) -> Copied:
    """Copy bytes and measure them on the way; stops as soon as a limit is passed.

    Raises:
        RefusedDrop: `too_large` or `line_too_long`.
    """
    limits = settings()
    digest = hashlib.sha256()
    meter = _LineMeter()
    size, has_nul, head = 0, False, b""
    while chunk := source.read(CHUNK):
        if size == 0:
            head = chunk[:4096]
        size += len(chunk)
        if size > limits.max_drop_mib * MIB:
            raise RefusedDrop("too_large", f"The file is larger than {limits.max_drop_mib} MiB.")
        if kind in TEXT_KINDS:
            has_nul = has_nul or b"\0" in chunk
            meter.feed(chunk)
            if meter.longest > limits.max_line_mib * MIB:
                raise RefusedDrop("line_too_long", f"The file holds a line longer than {limits.max_line_mib} MiB.")
        digest.update(chunk)
        target.write(chunk)
    return Copied(digest.hexdigest(), size, has_nul, meter.longest, head)


def kind_of(path: str) -> str:
    """The file's ending in lower case, such as `.csv`."""
    return PurePosixPath(path).suffix.lower()


def check_kind(kind: str) -> None:
    """Refuse kinds that the night does not read.

    Raises:
        RefusedDrop: `unsupported_kind`.
    """
    if kind not in KINDS:
        named = f"'{kind[:20]}'" if kind else "without an ending"
        raise RefusedDrop(
            "unsupported_kind",
            f"The night reads CSV, XLSX, Parquet and PDF, and a ZIP archive of one of them, not files {named}.",
        )


def check_content(raw: Folder, path: str, kind: str, copied: Copied) -> None:
    """Refuse bytes that are not what the file's name says.

    Raises:
        RefusedDrop: with the fault and a sentence.
    """
    if copied.size == 0:
        raise RefusedDrop("empty_file", "The file is empty (0 bytes).")
    if kind in TEXT_KINDS:
        _check_text(copied)
    elif kind == PDF_KIND:
        _check_pdf(copied)
    else:
        with raw.read(path) as handle:
            _check_binary(handle, kind, copied)


def _check_binary(handle: IO[bytes], kind: str, copied: Copied) -> None:
    if kind in WORKBOOK_KINDS:
        _check_workbook(handle, copied.size)
    elif kind == ARCHIVE_KIND:
        _check_archive(handle)
    else:
        handle.seek(-min(4, copied.size), 2)
        if copied.head[:4] != b"PAR1" or handle.read(4) != b"PAR1":
            raise RefusedDrop("unreadable_parquet", "The file does not begin and end as a Parquet file does.")


def _check_pdf(copied: Copied) -> None:
    limit = settings().max_pdf_mib
    if PDF_MARK not in copied.head[:1024]:
        raise RefusedDrop("unreadable_pdf", "The file does not begin as a PDF document does.")
    if copied.size > limit * MIB:
        raise RefusedDrop("too_large", f"The PDF document is larger than {limit} MiB; ask for a spreadsheet.")


class _Nowhere:
    """A file that takes bytes and keeps none."""

    def write(self, content: bytes) -> int:
        """Take some bytes."""
        return len(content)


def _check_archive(handle: IO[bytes]) -> None:
    """Look at the one file in an archive as if it had been dropped itself, within the limits of unpacking."""
    kind = member_kind(handle)
    with unpacked(handle) as member:
        copied = copy_and_measure(member, _Nowhere(), kind)
        if copied.size == 0:
            raise RefusedDrop("empty_file", "The file in the archive is empty (0 bytes).")
        if kind in TEXT_KINDS:
            _check_text(copied)
        elif kind == PDF_KIND:
            _check_pdf(copied)
        else:
            _check_binary(member, kind, copied)


def _check_text(copied: Copied) -> None:
    magic = {
        b"PK\x03\x04": "a workbook or ZIP archive",
        b"PAR1": "a Parquet file",
        b"%PDF": "a PDF document",
        b"\xd0\xcf\x11\xe0": "an old Excel workbook",
        b"\x1f\x8b": "a compressed archive",
        b"\x89PNG": "a picture",
    }
    for mark, name in magic.items():
        if copied.head.startswith(mark):
            raise RefusedDrop("not_text", f"The file is named as text but is {name}.")
    if copied.has_nul and not copied.head.startswith(UTF16_MARKS):
        raise RefusedDrop("not_text", "The file is named as text but holds bytes that no text has.")
    if not copied.head.strip(b" \t\r\n\xef\xbb\xbf") and copied.size <= len(copied.head):
        raise RefusedDrop("empty_file", "The file holds nothing but blank lines.")


def _check_workbook(handle: IO[bytes], size: int) -> None:
    limits = settings()
    limit = limits.max_unpacked_mib * MIB
    try:
        with zipfile.ZipFile(handle) as archive:
            members = archive.infolist()
            unpacked = sum(member.file_size for member in members)
            if unpacked > limit or unpacked > max(size, 1) * limits.max_unpack_ratio:
                raise RefusedDrop(
                    "unpacks_too_large",
                    f"The workbook of {size:,} bytes says that it unpacks to {unpacked:,}; "
                    f"the limits are {limits.max_unpacked_mib} MiB and {limits.max_unpack_ratio} times.",
                )
            if "[Content_Types].xml" not in archive.namelist():
                raise RefusedDrop("unreadable_spreadsheet", "The file is an archive but not a workbook.")
            # A member that lies about its size fails its checksum here, before a reader trusts it.
            if archive.testzip() is not None:
                raise RefusedDrop("unreadable_spreadsheet", "A part of the workbook is damaged.")
    except DAMAGE as error:
        raise RefusedDrop("unreadable_spreadsheet", "The workbook is damaged, cut short or locked.") from error
