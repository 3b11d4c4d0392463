"""Operations on whole arrays of text, without a loop over rows. A blank is the empty text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.demo.export.draws import Keys, Mask, Texts, pick, uniform, whole


def plain(column: pd.Series) -> Texts:
    """A column's cells as text, blank where something is missing."""
    cells = column.to_numpy(dtype=object)
    missing = pd.isna(cells)
    return replaced(cells, missing, "") if missing.any() else cells


def blank(length: int) -> Texts:
    """So many blanks."""
    return np.full(length, "", dtype=object)


def filled(texts: Texts) -> Mask:
    """Rows that are not blank."""
    return np.asarray(texts != "", dtype=bool)


def matching(texts: Texts, pattern: str) -> Mask:
    """Rows that a regular expression matches whole; each distinct text is looked at once."""
    codes, distinct = pd.factorize(texts)
    return np.asarray(pd.Series(distinct, dtype=object).str.fullmatch(pattern).to_numpy(bool)[codes], dtype=bool)


def replaced(texts: Texts, rows: Mask, by: Texts | str | None) -> Texts:
    """A copy with other texts in some rows; `by` is one text or as many as there are such rows."""
    copy = texts.copy()
    copy[rows] = by
    return copy


def joined(separator: str, *columns: Texts | str) -> Texts:
    """Columns joined row by row; blanks leave no separator behind."""
    length = max(len(c) for c in columns if not isinstance(c, str))
    result = blank(length)
    for column in columns:
        texts = np.full(length, column, dtype=object) if isinstance(column, str) else column
        between = np.where(filled(result) & filled(texts), separator, "").astype(object)
        result = result + between + texts
    return result


def take_words(texts: Texts, first: int, last: int | None = None) -> Texts:
    """Words from `first` up to `last` of each text; the whole text where that would leave nothing."""
    taken = pd.Series(texts, dtype=object).str.split(" ").str[first:last].str.join(" ").to_numpy(object)
    return np.where(taken == "", texts, taken).astype(object)


def upper_first(texts: Texts) -> Texts:
    """First letter in capitals, the others small."""
    return pd.Series(texts, dtype=object).str.capitalize().to_numpy(object)


def mistyped(texts: Texts, keys: Keys) -> Texts:
    """One slip of the fingers in each text of two letters or more: letters swapped, lost, doubled or hit beside."""
    if not len(texts):
        return texts
    letters = np.asarray(texts, dtype=str)
    width = letters.dtype.itemsize // 4 + 1
    grid = np.zeros((len(letters), width), dtype=np.uint32)
    grid[:, :-1] = letters.view(np.uint32).reshape(len(letters), width - 1)
    lengths = np.count_nonzero(grid, axis=1)
    at = 1 + (uniform(keys, "slip at") * np.maximum(lengths - 2, 1)).astype(np.int64)
    kind = whole(keys, "slip", 4)
    columns = np.arange(width)[None, :]
    source = np.broadcast_to(columns, grid.shape).copy()
    rows = np.arange(len(letters))
    swap, lose, double, beside = (kind == k for k in range(4))
    source[rows[swap], at[swap] - 1], source[rows[swap], at[swap]] = at[swap], at[swap] - 1
    source += (lose[:, None] & (columns >= at[:, None])).astype(np.int64)
    source -= (double[:, None] & (columns > at[:, None])).astype(np.int64)
    slipped = np.take_along_axis(grid, np.clip(source, 0, width - 1), axis=1)
    wrong = pick(keys[beside], "key beside", tuple("aeiounrst")).astype(str)
    slipped[rows[beside], at[beside]] = wrong.view(np.uint32).reshape(-1) if len(wrong) else 0
    written = np.ascontiguousarray(slipped).view(f"<U{width}").reshape(-1).astype(object)
    return np.where(lengths >= 2, written, texts).astype(object)


def in_case(texts: Texts, case: str) -> Texts:
    """Texts in `upper` or `lower` case, or `as_is`."""
    if case == "as_is":
        return texts
    column = pa.array(texts, pa.string())
    changed = pc.utf8_upper(column) if case == "upper" else pc.utf8_lower(column)
    return np.asarray(changed.to_numpy(zero_copy_only=False), dtype=object)
