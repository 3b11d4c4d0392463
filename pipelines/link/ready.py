"""Imported once by the server that worker processes are forked from: all that linking needs, and the pair model."""

from __future__ import annotations

import gc


def _load() -> None:
    from pipelines.link import comparators, pair_model, side_by_side  # noqa: F401 - imported for the workers' sake

    pair_model.current()


# Nothing of this is garbage; frozen, the workers' collection leaves it alone, so that they share its memory.
gc.disable()
_load()
gc.freeze()
gc.enable()
