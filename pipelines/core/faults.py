"""Where in our own code an exception came from. Its text may quote personal data, so the place is all that is told."""

from __future__ import annotations

import traceback
from pathlib import Path

from pipelines.core.hashing import CODE_FOLDERS, ROOT


def place_of(error: BaseException) -> str:
    """Type of the exception and the last three places in this repository that it passed, as `rows.py:120`."""
    ours = tuple(str(ROOT / folder) for folder in CODE_FOLDERS)
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename.startswith(ours)]
    where = " > ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-3:])
    return f"{type(error).__name__} at {where}"
