"""The declared faults and their rates (`faults.yaml`), and the log of those that were put in."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from pipelines.demo.export.draws import Keys, Mask, Rows, chosen
from schemas.mapping import Strict
from schemas.strict_yaml import read_yaml

FOLDER = Path(__file__).resolve().parent


class Rate(Strict):
    """How often a fault happens, and who says so."""

    rate: float = Field(ge=0, le=1)
    source: str


class Typing(Strict):
    """How carelessly a dataset's addresses are typed, how often anew, and how common its other faults are."""

    intensity: float = Field(ge=0, le=5)
    typed: Literal["once", "each_time"]
    others: float = Field(1.0, ge=0, le=5)


class Faults(Strict):
    """All declared faults."""

    address: dict[str, Rate]
    typing: dict[str, Typing]
    cells: dict[str, Rate]
    rows: dict[str, Rate]

    def rate(self, fault: str) -> float:
        """Declared rate of a fault of a cell, a row or an address."""
        return next(group[fault].rate for group in (self.cells, self.rows, self.address) if fault in group)


@lru_cache(maxsize=1)
def faults() -> Faults:
    """The declared faults, read once."""
    return Faults.model_validate(read_yaml(FOLDER / "faults.yaml"))


@dataclass
class FaultLog:
    """Which faults were put into which rows of one extract. Rows are positions in the records."""

    found: list[tuple[str, str, Rows]] = field(default_factory=list)

    def note(self, fault: str, rows: Mask, what: str = "") -> None:
        """Remember the rows of a fault; `what` names the field it fell on."""
        if rows.any():
            self.found.append((fault, what, np.flatnonzero(rows)))

    def frame(self) -> pd.DataFrame:
        """One row a fault: `fault`, `field`, `position`."""
        return pd.DataFrame(
            {
                "fault": np.repeat([f for f, _, _ in self.found], [len(r) for _, _, r in self.found]).astype(object),
                "field": np.repeat([w for _, w, _ in self.found], [len(r) for _, _, r in self.found]).astype(object),
                "position": np.concatenate([r for _, _, r in self.found] or [np.zeros(0, np.int64)]),
            }
        )


@dataclass(frozen=True)
class Hand:
    """The hand that puts faults into one extract: whose keys, how untidy, and the log it keeps."""

    keys: Keys
    untidiness: float
    log: FaultLog

    def falls_on(self, fault: str, rows: Mask, what: str = "", scale: float = 1.0) -> Mask:
        """Draw and note the rows among `rows` that a fault falls on."""
        rate = min(1.0, faults().rate(fault) * self.untidiness * scale)
        hit = rows & chosen(self.keys, f"{fault}:{what}", rate)
        self.log.note(fault, hit, what)
        return hit
