"""How many generated inputs a property is given."""

from __future__ import annotations

import os


def examples(few: int, many: int) -> int:
    """Few in each run, where each costs tens of milliseconds; many under HYPOTHESIS_PROFILE=thorough.

    But under CI, where Hypothesis repeats itself, each run tries others than the last, so that few soon add up.
    """
    return many if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else few
