"""Records to properties: a verdict for each record, from ready records and a ready spine.

Nothing here reads the lake or the ledger, so that a file is linked without them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.tables import LINK
from pipelines.link import cascade, review
from pipelines.link.caution import held_to_precision
from pipelines.link.pair_model import current
from pipelines.link.pairs import Missing, Scorer
from pipelines.link.records import Records
from pipelines.link.spine import Spine
from pipelines.link.stated import by_uprn
from pipelines.link.verdicts import COLUMNS, coded, tally, together
from pipelines.link.vocabulary import Decision, LinkReason

Decide: TypeAlias = Callable[[pd.DataFrame, Spine, Missing], tuple[pd.DataFrame, dict[str, float]]]
"""From distinct addresses, the gazetteer and what all addresses say of the area to verdicts, and counts of pairs."""


def link(
    records: Records,
    spine: Spine,
    borough: str,
    scorer: Scorer | None = None,
    decided: review.Decided = review.NOTHING,
    decide: Decide | None = None,
) -> tuple[pa.Table, dict[str, float]]:
    """One row of `link` for each record, and counts; what people decided outranks everything.

    Args:
        records: the records.
        spine: the gazetteer.
        borough: what the rows say that it is.
        scorer: how likely a pair is; None: the trained model.
        decided: what people decided.
        decide: what asks the cascade about the addresses; None: here and now, with the scorer.
    """
    made, counts, _, _ = judged(records, spine, decided, decide or _asking(scorer or current()))
    return table_of(made, records, borough), counts | counts_of(made["decision"], records.rows["dataset"])


def _asking(scorer: Scorer) -> Decide:
    def decide(addresses: pd.DataFrame, spine: Spine, area: Missing) -> tuple[pd.DataFrame, dict[str, float]]:
        made, notes = cascade.decide(addresses, spine, scorer, area)
        return made, notes.counts

    return decide


def judged(
    records: Records, spine: Spine, decided: review.Decided, decide: Decide
) -> tuple[pd.DataFrame, dict[str, float], review.Rulings, pd.DataFrame]:
    """A verdict for each record, counts of how it was come by, what people decided, and verdicts by address."""
    rulings = review.Rulings(decided, records, spine)
    stated, of, contradicted = by_uprn(records, spine)
    of = rulings.of_stated(stated, of)
    unsettled = np.zeros(len(records.addresses), dtype=bool)
    unsettled[records.rows["address"].to_numpy()[of < 0]] = True
    open_ = np.flatnonzero(unsettled)
    area = Missing.of(records.addresses, spine)
    by_address, found = decide(records.addresses.loc[open_], spine, area)
    made = _for_records(records, stated, of, held_to_precision(by_address))
    _contradictions_to_people(made, records, contradicted)
    reviewed = rulings.lay_over(made)
    counts = {"addresses": float(len(records.addresses)), "recalled": 0.0, "pairs": 0.0, "pairs_left_out": 0.0}
    counts |= found | reviewed
    return made, counts, rulings, by_address


def _for_records(
    records: Records, stated: pd.DataFrame, of: npt.NDArray[np.int64], by_address: pd.DataFrame
) -> pd.DataFrame:
    """Verdicts by stated UPRN (`of`: which a record has) and of distinct addresses joined back to the records."""
    every = coded(together([stated, by_address]).reindex(columns=[*COLUMNS, "stage"]))
    position = np.full(len(records.addresses), -1, np.int64)
    position[by_address.index] = len(stated) + np.arange(len(by_address))
    at = np.where(of >= 0, of, position[records.rows["address"].to_numpy()])
    return every.take(at).reset_index(drop=True)


def _contradictions_to_people(made: pd.DataFrame, records: Records, contradicted: npt.NDArray[np.bool_]) -> None:
    """A record whose UPRN belongs to another address, and which fits nowhere else either, is a person's to look at."""
    lost = contradicted & (made["decision"] == str(Decision.NONE)).to_numpy()
    made.loc[lost, "decision"] = str(Decision.REVIEW)
    made.loc[lost, "reason"] = str(LinkReason.UPRN_CONTRADICTS_ADDRESS)
    made.loc[lost, "runner_up"] = records.rows.loc[lost, "uprn"].to_numpy()


def table_of(made: pd.DataFrame, records: Records, borough: str) -> pa.Table:
    """Rows of `link` from verdicts indexed by the row of `records.rows`."""

    def text(values: pd.Series[str]) -> pa.Array:
        plain = pa.array(values).cast(pa.string())
        return pc.if_else(pc.equal(plain, ""), None, plain)

    of = records.rows[["dataset", "record_id"]].take(made.index.to_numpy())
    columns = {
        "borough": pa.repeat(pa.scalar(borough, pa.string()), len(made)),
        "dataset": pa.array(of["dataset"]).cast(pa.string()),
        "record_id": pa.array(of["record_id"].to_numpy(), pa.int64()),
        **{n: text(made[n]) for n in ("uprn", "decision", "reason", "level", "stage", "runner_up")},
        **{n: pa.array(made[n].to_numpy(np.float64)) for n in ("probability", "gap")},
    }
    return pa.table({name: columns[name] for name in LINK.names}).cast(LINK)


def counts_of(decision: pd.Series[str], dataset: pd.Series[str]) -> dict[str, float]:
    """Counts of records by decision, in all and by dataset."""
    table = tally({"dataset": dataset, "decision": decision})
    table.index = table.index.get_level_values("dataset")
    total = table.sum()
    counts = {"records": float(len(decision)), **{str(d): float(total[str(d)]) for d in Decision}}
    counts["match_rate"] = _rate(counts)
    for name, row in table.iterrows():
        own = {"records": float(row.sum()), **{str(d): float(row[str(d)]) for d in Decision}}
        counts |= {f"{name}.{key}": value for key, value in own.items()}
        counts[f"{name}.match_rate"] = _rate(own)
    return counts


def _rate(counts: dict[str, float]) -> float:
    if not counts["records"]:
        return 0.0
    return round((counts[Decision.LINKED] + counts[Decision.PARENT]) / counts["records"], 4)
