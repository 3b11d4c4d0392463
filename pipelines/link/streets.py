"""The gazetteer's streets as a vocabulary, and which of them a record means.

A street that the gazetteer has under exactly that name is itself and no other: that is what makes "another street" a
contradiction and not a likeness. A text that is no street of the gazetteer may be a slip of the pen for one or more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from rapidfuzz.distance import OSA
from rapidfuzz.process import cpdist

from pipelines.link.places import stem_and_type, written_out

SLIP = 0.72
"""Similarity of two whole street names, without spaces, from which one may be a slip of the other."""
TYPE_LEFT_OUT = 0.9
"""Likeness of a name without its type to the street of that name."""
MOST = 4
"""Streets that one text may stand for."""
KEY = 3


def joined(streets: pd.Series[str]) -> pd.Series[str]:
    """Whole names without spaces; a street that is written in one word ends as one that is not."""
    return written_out(streets).str.replace(r"STREET$", "ST", regex=True)


def _cut(streets: pd.DataFrame, side: str) -> pd.Series[str]:
    """The start of a name, or the end of its stem: nearly all streets end in one of a dozen types."""
    return streets["joined"].str[:KEY] if side == "start" else streets["stem"].str[-KEY:]


@dataclass(frozen=True)
class Streets:
    """Distinct streets in the parser's spelling; the position is the street's number.

    Attributes:
        table: text, joined (written out, no spaces), stem, type; one row a street.
    """

    table: pd.DataFrame

    @classmethod
    def of(cls, streets: pd.Series[str]) -> Streets:
        """The vocabulary of a column of streets."""
        text = pd.Series(sorted(set(streets.unique()) - {""}), dtype=object)
        stem, kind = stem_and_type(text)
        return cls(pd.DataFrame({"text": text, "joined": joined(text), "stem": stem, "type": kind}))

    def number(self, streets: pd.Series[str]) -> npt.NDArray[np.int64]:
        """The number of each street, -1 for one that is not there."""
        return np.asarray(pd.Index(self.table["text"]).get_indexer(pd.Index(streets)), dtype=np.int64)

    def meant(self, streets: pd.Series[str]) -> pd.DataFrame:
        """Streets that each distinct text may stand for.

        Returns:
            Columns text, street (number), likeness (1 for the very name); the likeliest first, at most `MOST` a text.
        """
        asked = pd.Series(sorted(set(streets.unique()) - {""}), dtype=object)
        stem, kind = stem_and_type(asked)
        frame = pd.DataFrame({"text": asked, "joined": joined(asked), "stem": stem, "type": kind})
        found = [self._equal(frame, "text", 1.0), self._equal(frame, "joined", 1.0)]
        rest = frame.loc[~frame["text"].isin(pd.concat(found)["text"])]
        bare = rest.loc[(rest["type"] == "") & (rest["stem"] != "")]
        found += [self._equal(bare, "stem", TYPE_LEFT_OUT), *(self._near(rest, side) for side in ("start", "end"))]
        filled = [part for part in found if len(part)] or found[:1]
        every = pd.concat(filled, ignore_index=True).sort_values(
            ["text", "likeness", "street"], ascending=[True, False, True]
        )
        every = every.drop_duplicates(["text", "street"])
        return every.loc[every.groupby("text").cumcount() < MOST].reset_index(drop=True)

    def _equal(self, asked: pd.DataFrame, key: str, likeness: float) -> pd.DataFrame:
        known = self.table[[key]].rename_axis("street").reset_index()
        pairs = asked[["text", key]].loc[:, ~asked[["text", key]].columns.duplicated()].assign(asked=asked["text"])
        pairs = pairs.merge(known, on=key)
        return pd.DataFrame({"text": pairs["asked"], "street": pairs["street"], "likeness": likeness})

    def _near(self, asked: pd.DataFrame, side: str) -> pd.DataFrame:
        """Slips of the pen: one slip leaves the start or the end of a name as it was."""
        left = asked.assign(key=_cut(asked, side))
        right = self.table.rename_axis("street").reset_index().assign(key=_cut(self.table, side).to_numpy())
        pairs = left[["text", "joined", "key"]].merge(right[["street", "joined", "key"]], on="key")
        if pairs.empty:
            return pd.DataFrame({"text": [], "street": np.zeros(0, np.int64), "likeness": np.zeros(0)})
        a, b = pairs["joined_x"].to_numpy(), pairs["joined_y"].to_numpy()
        likeness = np.asarray(cpdist(a, b, scorer=OSA.normalized_similarity, dtype=np.float32))
        near = likeness >= SLIP
        return pd.DataFrame(
            {
                "text": pairs["text"].to_numpy()[near],
                "street": pairs["street"].to_numpy()[near],
                "likeness": likeness[near],
            }
        )
