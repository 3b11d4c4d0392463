"""Worker processes for linking: forked from a server that has the linking code and the pair model loaded.

Neither a fork of this process, which has Arrow's threads and may hang, nor a process started afresh, which loads for
four seconds. A script that links files needs `if __name__ == "__main__":`, as with every use of `multiprocessing`.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path

from pipelines.core.errors import LodaError
from pipelines.core.orphans import end_with_parent
from pipelines.core.settings import settings

PRELOADED = "pipelines.link.ready"
FORKSERVER = "forkserver"
WORTH_IT = 250_000
"""Bytes of a file from which it is likely to be linked by several processes."""


def warm(file: Path) -> None:
    """Start the server if a file is worth it, so that it loads while this process does. Does nothing if it is there."""
    large = file.is_file() and file.stat().st_size >= WORTH_IT
    if large and settings().workers > 1 and _context().get_start_method() == FORKSERVER:
        from multiprocessing.forkserver import ensure_running

        ensure_running()


def give_memory_back() -> None:
    """Have Arrow take memory from the system, which has back what is freed: a fifth less of it, in the same time."""
    import pyarrow

    pyarrow.set_memory_pool(pyarrow.system_memory_pool())


@contextmanager
def pool(workers: int, folder: Path) -> Iterator[ProcessPoolExecutor]:
    """Worker processes for as long as the context lasts.

    If this process is killed, they end as well, and the folder in which it left addresses for them is deleted.

    Raises:
        LodaError: a worker ended before its work was done.
    """
    try:
        with ProcessPoolExecutor(workers, mp_context=_context(), initializer=_prepare, initargs=(folder,)) as made:
            yield made
    except BrokenProcessPool as error:
        raise LodaError(
            "A worker process ended before its work was done, most likely for lack of memory, so nothing was linked. "
            "LODA_WORKERS=1 links in one process."
        ) from error


def _context() -> BaseContext:
    if FORKSERVER not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context(FORKSERVER)
    context.set_forkserver_preload([PRELOADED])
    return context


def _prepare(folder: Path) -> None:
    """In a worker: one thread, since a worker a core is enough, and an end with the process that it works for."""
    import pandas
    import pyarrow

    give_memory_back()
    pyarrow.set_cpu_count(1)
    pandas.set_option("mode.copy_on_write", True)  # a sixth less work: frames are not copied where none writes
    end_with_parent(partial(shutil.rmtree, folder, ignore_errors=True))
