"""Content hashes: what an artefact was made from, and whether it must be made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
CODE_FOLDERS = ("pipelines", "schemas", "models", "expectations")


def hash_of(value: Any) -> str:
    """SHA-256 (64 hex digits) of any JSON-like value, the same whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """SHA-256 over names and bytes of files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


@lru_cache(maxsize=1)
def code_version() -> str:
    """First 12 hex digits of the hash over the code that makes artefacts; data files have hashes of their own."""
    files = [p for folder in CODE_FOLDERS for p in (ROOT / folder).rglob("*.py") if "demo" not in p.parts]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache(maxsize=1)
def intake_version() -> str:
    """First 12 hex digits of the hash over the code and rules that decide what becomes of a row."""
    folders = ("pipelines/extracts", "pipelines/harmonise", "pipelines/gate", "expectations")
    files = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.suffix in {".py", ".yaml"}]
    return hash_files(files)[:12]


def hash_rows(frame: pd.DataFrame, *, salt: str) -> npt.NDArray[np.int64]:
    """One signed 64-bit hash for each row of text columns, vectorised; equal rows under one salt have equal hashes."""
    key = hashlib.sha256(salt.encode()).hexdigest()[:16]
    hashes = pd.util.hash_pandas_object(frame.astype("string").fillna(""), index=False, hash_key=key, categorize=True)
    return hashes.to_numpy().astype(np.uint64).view(np.int64)
