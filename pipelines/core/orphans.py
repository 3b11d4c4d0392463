"""Worker processes end with the process that they work for, however that ends.

A worker waits for work on a pipe that its fellows hold open too: without this, workers of a night that was killed would
finish what they had begun, for minutes, and then wait for ever, while the next night runs beside them.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable

ORPHANED = 1
"""Exit code of a worker whose parent is gone. Nobody is left to read it."""


def end_with_parent(before: Callable[[], None] | None = None) -> None:
    """In a worker, as the initializer of its pool: end at once when the parent has ended.

    What the worker was writing is left as by a kill of the whole night, which the next one mends.

    Args:
        before: what is done first, such as deleting what the parent left for its workers.
    """
    threading.Thread(target=_wait, args=(before,), name="end with parent", daemon=True).start()


def _wait(before: Callable[[], None] | None) -> None:
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    # Waits on a pipe that the parent alone holds open, so it works wherever processes do.
    parent.join()
    try:
        if before is not None:
            before()
    finally:
        os._exit(ORPHANED)
