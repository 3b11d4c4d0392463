"""What people decided about links, laid over what the cascade says: people outrank the model, every night.

A decision says that an address *is* the property with this UPRN, or that it *is not*. Its key is borough, canonical
address and postcode as the link stage reads them (`Records.addresses`), never a record's id: it holds for every
record with that address, in every dataset, of this drop and of later ones.

What survives what: the address is kept as it was written as well, and its key is computed anew every night by the
parser of that night, so a change of the parser loses no decision. It holds no token, so a rotation of the key does
not touch it. A property that leaves the gazetteer takes nothing away: an "is" waits, is counted (`reviewed_gone`) and
listed, and applies again when the property is back.

- "Is" decides first, against the model and against the UPRN that a record states. One exception: where it names a
  building and the record states a flat of that building, the flat stays, since it says more and not otherwise.
- "Is not" bars the pair at every stage, stated UPRNs included. If what is left is another property that may be it,
  the record goes to people with that one; else it is tied to nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.core.hashing import hash_of
from pipelines.link.records import SEPARATOR, Records, make_records
from pipelines.link.spine import Spine
from pipelines.link.suggestions import suggestions
from pipelines.link.verdicts import CERTAIN
from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage

if TYPE_CHECKING:
    from pipelines.core.ledger.models import LinkReview

IS, IS_NOT = "is", "is_not"
COLUMNS = ("number", "address", "postcode", "verdict", "uprn")
TIED = (str(Decision.LINKED), str(Decision.PARENT))
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Decided:
    """A borough's decisions that hold: columns `COLUMNS`, address and postcode as they were written, oldest first."""

    rows: pd.DataFrame

    @property
    def version(self) -> str:
        """A hash of what they say: another one if, and only if, the borough has to be linked again."""
        return hash_of([list(row) for row in self.rows.itertuples(index=False)])


NOTHING = Decided(pd.DataFrame(columns=list(COLUMNS)))


def decided(borough: str) -> Decided:
    """The decisions of a borough that hold today."""
    from pipelines.governance import link_decisions  # a file is linked without the lake and the ledger

    return decided_of(link_decisions.read(borough))


def decided_of(found: Sequence[LinkReview]) -> Decided:
    """Decisions of the ledger as the link stage takes them."""
    rows = [(d.number, d.address_written, d.postcode_written, d.verdict, d.uprn) for d in found]
    return Decided(pd.DataFrame(rows, columns=list(COLUMNS)))


def keys_of(address: Sequence[str], postcode: Sequence[str], spine: Spine) -> pd.DataFrame:
    """Canonical address and postcode of texts, and both as one `key`, exactly as the link stage reads records."""
    table = pa.table(
        {
            "record_id": pa.array(range(len(address)), pa.int64()),
            "address": pa.array(address, pa.string()),
            "postcode": pa.array(postcode, pa.string()),
            "uprn": pa.nulls(len(address), pa.string()),
        }
    )
    made = make_records({"review": table}, spine.whole, spine.streets)
    found = made.addresses.loc[made.rows["address"]].reset_index(drop=True)
    return found[["canonical", "postcode"]].assign(key=key_of(found))


def key_of(addresses: pd.DataFrame) -> pd.Series[str]:
    """One text for canonical address and postcode (rows of `Records.addresses`).

    Where the parser found neither number nor name its other words count as well: they may hold what tells it apart.
    """
    weak = (addresses["low"] < 0) & (addresses["name"] == "")
    return addresses["canonical"] + SEPARATOR + addresses["postcode"] + (SEPARATOR + addresses["words"]).where(weak, "")


def first_of_key(addresses: pd.DataFrame) -> npt.NDArray[np.int64]:
    """For each address (its number) the number of the first one with its key, which stands for them all."""
    codes, _ = pd.factorize(key_of(addresses))
    return np.unique(codes, return_index=True)[1][codes] if len(codes) else codes.astype(np.int64)


class Rulings:
    """Decisions as they apply to a borough's records: by number of the address, which property it is and is not.

    Several addresses of `Records.addresses` may have one key; `_at` is for each record the number of the first of them.
    """

    def __init__(self, found: Decided, records: Records, spine: Spine) -> None:
        self._records, self._spine = records, spine
        rows = found.rows
        number = np.full(len(rows), -1, np.int64)
        self._at = pd.Series(0, index=records.rows.index)
        if len(rows) and len(records.rows):
            keys = keys_of(rows["address"].tolist(), rows["postcode"].tolist(), spine)["key"]
            first = first_of_key(records.addresses)
            own = key_of(records.addresses)
            alone = own.loc[own.index == first]
            number = alone.index.to_numpy()[pd.Index(alone).get_indexer(pd.Index(keys))]
            number[~keys.isin(alone).to_numpy()] = -1
            self._at = pd.Series(first[records.rows["address"].to_numpy()])
        known = rows["uprn"].isin(spine.rows["uprn"])
        self.gone = int((~known & (rows["verdict"] == IS)).sum())
        pairs = rows.assign(at=number).loc[(number >= 0) & known]
        # Two addresses that a newer parser takes for one may have been decided apart: the later decision holds.
        last = pairs.drop_duplicates(["at", "uprn"], keep="last")
        self.yes = last.loc[last["verdict"] == IS].drop_duplicates("at", keep="last").set_index("at")["uprn"]
        no = last.loc[last["verdict"] == IS_NOT]
        self.no = no.set_index("at")["uprn"]
        self._stated_barred = np.zeros(len(records.rows), bool)
        self._barred = pd.Index(_pair(no["at"], no["uprn"]))

    def bars(self, at: pd.Series[int] | npt.NDArray[np.int64], uprn: pd.Series[str]) -> Mask:
        """Row by row: whether people said that this address is not that property."""
        if self.no.empty:
            return np.zeros(len(uprn), bool)
        hit = np.isin(np.asarray(at), self.no.index.to_numpy())
        hit[hit] = _pair(np.asarray(at)[hit], uprn.to_numpy()[hit]).isin(self._barred)
        return hit

    def bars_of(self, record: pd.Index[int], uprn: pd.Series[str]) -> Mask:
        """Row by row: whether people said that the address of a record (its row) is not that property."""
        return self.bars(self._at.loc[record], uprn)

    def of_stated(self, stated: pd.DataFrame, of: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Which of the verdicts of `by_uprn` each record has, -1 where people barred it: its address decides then."""
        if self.no.empty:
            return of
        settled = np.flatnonzero(of >= 0)
        own = self.bars(self._at.iloc[settled], stated["uprn"].iloc[of[settled]])
        self._stated_barred[settled[own]] = True
        return np.where(self._stated_barred, -1, of)

    def lay_over(self, made: pd.DataFrame) -> dict[str, float]:
        """Write what people decided over the verdicts of all records (columns of verdicts and stage), in place.

        Returns:
            Counts of records: reviewed_is, reviewed_is_not (left with nothing, or with another to look at); and of
            decisions whose property is not in the gazetteer: reviewed_gone.
        """
        refused = self._refuse(made)
        said = self._say(made)
        refused &= ~said
        counts = {"reviewed_is": said.sum(), "reviewed_is_not": refused.sum(), "reviewed_gone": self.gone}
        return {name: float(number) for name, number in counts.items()}

    def _refuse(self, made: pd.DataFrame) -> Mask:
        """Take barred pairs away; what is left is another candidate for people, or nothing."""
        if self.no.empty:
            return np.zeros(len(made), bool)
        at = self._at.set_axis(made.index)
        second = self.bars(at, made["runner_up"])
        made.loc[second, "runner_up"] = ""
        tied = made["decision"].isin(TIED).to_numpy()
        away = tied & self.bars(at, made["uprn"])
        # An address that waits for people and of which all that it might be was refused waits no longer.
        open_ = (made["decision"] == str(Decision.REVIEW)).to_numpy() & (made["runner_up"] == "").to_numpy()
        away |= open_ & np.isin(at.to_numpy(), self.no.index.to_numpy())
        away |= self._stated_barred & (made["decision"] == str(Decision.NONE)).to_numpy()
        made.loc[away & (made["runner_up"] == made["uprn"]).to_numpy(), "runner_up"] = ""
        lacking = away & (made["runner_up"] == "").to_numpy()
        # How likely a suggestion is, nobody has worked out; the runner-up of a link is as likely as its gap says.
        likely = np.where(lacking, 0.0, np.maximum(0.0, (made["probability"] - made["gap"]).to_numpy(float)))
        made.loc[lacking, "runner_up"] = at[lacking].map(self._next(at[lacking].unique())).fillna("")
        another = (made["runner_up"] != "").to_numpy()
        left: dict[str, str | float] = {
            "uprn": "",
            "level": str(Level.NONE),
            "gap": 0.0,
            "stage": str(LinkStage.REVIEWED),
        }
        for mask, decision, reason in (
            (away & another, Decision.REVIEW, LinkReason.REVIEWED_NEXT),
            (away & ~another, Decision.NONE, LinkReason.REVIEWED_IS_NOT),
        ):
            values = left | {"decision": str(decision), "reason": str(reason)}
            made.loc[mask, "probability"] = likely[mask]
            for name, value in values.items():
                made.loc[mask, name] = value
        return np.asarray(away)

    def _next(self, at: npt.NDArray[np.int64]) -> pd.Series[str]:
        """The likest property of each address that nobody has refused, by number of the address."""
        found = suggestions(self._records.addresses.loc[at], self._spine)
        found = found.loc[~self.bars(found["address"], found["uprn"])]
        return found.drop_duplicates("address").set_index("address")["uprn"]

    def _say(self, made: pd.DataFrame) -> Mask:
        """Tie records to the property that people said it is."""
        if self.yes.empty:
            return np.zeros(len(made), bool)
        uprn = self._at.map(self.yes).set_axis(made.index)
        said = np.array(uprn.notna())
        said[said] = ~self._says_more(made.loc[said], uprn[said])
        parents = self._spine.rows.loc[self._spine.rows["is_parent"], "uprn"]
        building = uprn.isin(parents).to_numpy()
        for mask, decision, level in (
            (said & ~building, Decision.LINKED, Level.UNIT),
            (said & building, Decision.PARENT, Level.BUILDING),
        ):
            made.loc[mask, "uprn"] = uprn[mask]
            values = {"decision": decision, "level": level, "reason": LinkReason.REVIEWED_IS}
            for name, value in (values | {"stage": LinkStage.REVIEWED, "runner_up": ""}).items():
                made.loc[mask, name] = str(value)
            made.loc[mask, ["probability", "gap"]] = CERTAIN
        return np.asarray(said)

    def _says_more(self, made: pd.DataFrame, decided_on: pd.Series[str]) -> Mask:
        """Where a record's own UPRN is a flat of the very building that people named."""
        rows = self._spine.rows.drop_duplicates("uprn").set_index("uprn")
        own = rows.reindex(made["uprn"])
        whole = rows.reindex(decided_on)
        stated = (made["stage"] == str(LinkStage.UPRN)).to_numpy() & (made["uprn"] != "").to_numpy()
        below = (own["parent_uprn"].to_numpy() == decided_on.to_numpy()) | (
            own["building"].to_numpy() == whole["building"].to_numpy()
        )
        is_building = (whole["is_parent"] == True).to_numpy()  # noqa: E712 - unknown is not
        return np.asarray(stated & below & is_building & (made["uprn"] != decided_on).to_numpy())


def _pair(at: pd.Series[int] | npt.NDArray[np.int64], uprn: pd.Series[str] | npt.NDArray[np.object_]) -> pd.Index[str]:
    return pd.Index(np.asarray(at).astype(str).astype(object) + "|" + np.asarray(uprn).astype(object), dtype=object)
