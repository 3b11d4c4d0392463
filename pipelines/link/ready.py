"""Imported once by the server that worker processes are forked from: all that linking needs, and the pair model."""

from __future__ import annotations

import gc

from pipelines.link import comparators, linking, pair_model, workers  # noqa: F401 - imported for the workers' sake

pair_model.current()
# The workers' garbage collection leaves alone what is here already, so that they share its memory.
gc.freeze()
