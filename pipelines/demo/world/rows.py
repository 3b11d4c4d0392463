"""Columns and frames that every dataset is put together with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from pipelines.demo.world.spec import Bools, Ints
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import Text
from schemas.registry import contract

TRUTH_FIELDS = ("true_uprn", "true_landlord")


def located(stock: Stock, record: Ints) -> dict[str, Any]:
    """Address, postcode and UPRN of the properties (positions among the stock's records), and the same as truth."""
    uprn = stock.uprn[record]
    return {"address": stock.address[record], "postcode": stock.postcode[record], "uprn": uprn, "true_uprn": uprn}


def whole(values: Ints, known: Bools | None = None) -> pd.arrays.IntegerArray:
    """Whole numbers that may be missing where `known` is false."""
    missing = np.zeros(len(values), dtype=np.bool_) if known is None else ~known
    return pd.arrays.IntegerArray(values.astype(np.int64), missing)


def coded(codes: tuple[str | None, ...], which: Ints) -> Text:
    """The code of each row."""
    found: Text = np.array(codes, dtype=object)[which]
    return found


def drawn(rng: np.random.Generator, codes: tuple[str | None, ...], shares: tuple[float, ...], size: int) -> Text:
    """Codes drawn at random with the shares given."""
    total = np.array(shares) / sum(shares)
    return coded(codes, rng.choice(len(codes), size, p=total))


def frame(dataset: str, columns: Mapping[str, Any]) -> pd.DataFrame:
    """A dataset with its contract's fields in order, then what is true of it. Every field must be given."""
    fields = [field.name for field in contract(dataset).fields]
    order = [*fields, *(name for name in TRUTH_FIELDS if name in columns)]
    return pd.DataFrame({name: columns[name] for name in order}, copy=False)
