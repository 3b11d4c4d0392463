"""Files on any fsspec URL: the bucket that boroughs drop into, raw bytes, published lists.

A file written here appears whole or not at all: it is written beside its place and moved.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

IMPATIENT = {"connect_timeout": 2, "read_timeout": 4, "retries": {"total_max_attempts": 1}}
"""Of S3's client, in seconds: long for a server of the same network, where only a look is wanted and no work."""
WRITE_ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class NotPlainFile(OSError):
    """A link, a folder, a pipe or a device lies where a file should."""


@dataclass(frozen=True)
class Entry:
    """One file as a listing shows it. `path` is relative to the folder listed; `marker` changes when the file does."""

    path: str
    size: int
    modified: datetime
    marker: str


class Folder:
    """A folder at a URL, local or on an object store.

    A server of S3 that is not there is asked again and again, for half a minute; with `patient` off, once.
    """

    def __init__(self, url: str, *, patient: bool = True) -> None:
        self.url = url.rstrip("/")
        once = not patient and self.url.startswith(("s3://", "s3a://"))
        self.fs, root = fsspec.core.url_to_fs(self.url, **({"config_kwargs": IMPATIENT} if once else {}))
        if once:
            self.fs.retries = 1  # fsspec keeps one object for each set of options, so that no other is meant
        self.root = str(root).rstrip("/")
        self.local = isinstance(self.fs, LocalFileSystem)

    def full(self, path: str) -> str:
        """The path as the file system knows it.

        Raises:
            ValueError: it leads out of this folder.
        """
        if ".." in path.split("/"):
            raise ValueError("The path leads out of its folder.")
        return f"{self.root}/{path}"

    def is_missing(self) -> bool:
        """Whether the folder on this disk, or the very bucket of S3, is not there; of other stores it is never said."""
        if self.local:
            return not Path(self.root).is_dir()
        ask = getattr(self.fs, "call_s3", None)
        if ask is None:
            return False
        bucket, _, place = self.root.partition("/")
        try:
            # Not HeadBucket, to which an identity that may list its own places only has no right.
            ask("list_objects_v2", Bucket=bucket, Prefix=f"{place}/" if place else "", MaxKeys=1)
        except FileNotFoundError:
            return True
        return False

    def list(self, below: str = "") -> list[Entry]:
        """All files below a folder, by path; empty when there is no such folder."""
        self.fs.invalidate_cache()
        start = self.full(below).rstrip("/")
        if not self.fs.exists(start):
            return []
        found = cast("dict[str, dict[str, Any]]", self.fs.find(start, detail=True))
        # An object store that keeps folders tells an emptied one as itself.
        files = {path: info for path, info in found.items() if info.get("type") != "directory"}
        return [self._entry(path, info) for path, info in sorted(files.items())]

    def _entry(self, path: str, info: dict[str, Any]) -> Entry:
        stamp = info.get("LastModified") or info.get("mtime") or 0
        modified = stamp if isinstance(stamp, datetime) else datetime.fromtimestamp(float(stamp), UTC)
        size = int(info.get("size") or 0)
        tag = info.get("ETag") or info.get("ino") or ""
        return Entry(path.removeprefix(self.root + "/"), size, modified, f"{size}:{modified.isoformat()}:{tag}")

    @contextmanager
    def read(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file to read bytes."""
        with self.fs.open(self.full(path), "rb") as handle:
            yield cast("IO[bytes]", handle)

    @contextmanager
    def read_own(self, path: str) -> Iterator[IO[bytes]]:
        """Open a file that somebody else put there: its own bytes, never those of what it links to.

        Raises:
            NotPlainFile: it is a link, a folder, a pipe or a device.
        """
        if not self.local:
            with self.read(path) as handle:
                yield handle
            return
        try:
            # Of a pipe that nobody writes to, opening it in the plain way would wait for ever.
            opened = os.open(self.full(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.EMLINK, errno.ENXIO}:
                raise NotPlainFile("not a plain file") from error
            raise
        with os.fdopen(opened, "rb") if stat.S_ISREG(os.fstat(opened).st_mode) else _closed(opened) as handle:
            yield handle

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        return bool(self.fs.exists(self.full(path)))

    @contextmanager
    def write(self, path: str) -> Iterator[IO[bytes]]:
        """Write a file that appears at `path` only when the block ends well."""
        target = self.full(path)
        if not self.local:  # an object store shows an object only when its upload is complete
            handle = self.fs.open(target, "wb")
            try:
                yield cast("IO[bytes]", handle)
            except BaseException:
                handle.discard()  # closing it would upload what is there, as if it were whole
                raise
            handle.close()
            return
        folder, name = target.rsplit("/", 1)
        # The same name each time, so that what a killed run left half written is written over by the next.
        beside = f"{folder}/.{name}.part"
        self.fs.makedirs(folder, exist_ok=True)
        try:
            # Whoever may drop files could put a link there, so that we write over what it leads to.
            if Path(beside).is_symlink():
                Path(beside).unlink()
            with os.fdopen(os.open(beside, WRITE_ANEW, 0o666), "wb") as handle:
                yield handle
            Path(beside).replace(target)
        finally:
            Path(beside).unlink(missing_ok=True)

    def write_bytes(self, path: str, content: bytes) -> None:
        """Write a whole file at once."""
        with self.write(path) as handle:
            handle.write(content)

    def read_bytes(self, path: str) -> bytes | None:
        """A whole file; None where there is none."""
        try:
            with self.read(path) as handle:
                return handle.read()
        except FileNotFoundError:
            return None

    def remove(self, path: str) -> None:
        """Delete a file or folder; nothing happens if it is not there."""
        if self.exists(path):
            self.fs.rm(self.full(path), recursive=True)


def _closed(opened: int) -> IO[bytes]:
    os.close(opened)
    raise NotPlainFile("not a plain file")
