"""One borough: gazetteer to `property`, every other address-bearing record to `link`."""

from __future__ import annotations

import logging
import time

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.tables import LINK
from pipelines.core.types import StageResult
from pipelines.governance import access, stages
from pipelines.link import memory, report, review
from pipelines.link.pair_model import current
from pipelines.link.pairs import Missing, Scorer
from pipelines.link.records import Records, datasets_with_address, read_records
from pipelines.link.spine import Spine, read_spine
from pipelines.link.stated import by_uprn
from pipelines.link.unit_ranges import linked_units
from pipelines.link.verdicts import COLUMNS
from pipelines.link.vocabulary import Decision, Level, LinkReason

STAGE = "link"
log = logging.getLogger(__name__)


def link_borough(borough: str) -> StageResult:
    """Write the borough's rows of the tables `property`, `link` and `link_report`.

    Reads only this borough's harmonised datasets, each under an agreement in force, and what people decided about its
    links. Does nothing if the drops behind them, the decisions, the agreements and the code are those of last time.

    Returns:
        Counts of records, of which one may have several rows: records, linked, parent, review, none, match_rate
        (linked or parent, share of records), the same by dataset (`council_tax.match_rate`); addresses (distinct),
        recalled (of those, see `memory`), pairs, pairs_left_out, seconds; reviewed_is, reviewed_is_not and
        reviewed_gone (`review.Rulings.lay_over`).
    """
    datasets = ["gazetteer", *datasets_with_address()]
    drops = stages.drops_behind([borough], datasets)
    allowed = [d for d in datasets if access.allowed(borough, d, "hmo_detection")]
    decided = review.decided(borough)
    made_from = stages.input_hash(STAGE, drops, allowed, decided.version, report.version(), memory.model_version())
    if stages.is_done(STAGE, borough, made_from):
        return StageResult(STAGE, borough, "unchanged", f"The links of {borough} are up to date.")
    started = time.perf_counter()
    spine, table = read_spine(borough)
    if table.num_rows == 0:
        sentence = f"{borough} has no gazetteer that may be used yet, so there is nothing to link to."
        return StageResult(STAGE, borough, "skipped", sentence)
    hashes = {"input": made_from}
    access.write_table("property", table, borough=borough, made_from=hashes)
    areas = report.areas_of(table)
    del table
    records = read_records(borough, spine)
    rests_on = memory.version(borough)
    made, counts, rulings, by_address = _judged(records, spine, current(), decided, memory.recall(borough, rests_on))
    told, rows = _each_unit(made, records, spine, rulings)
    counts |= _counts(told["decision"], records.rows["dataset"])
    access.write_table("link", _table(rows, records, borough), borough=borough, made_from=hashes)
    report.write(borough, _table(told, records, borough), records, areas, hashes)
    memory.keep(borough, rests_on, records.addresses, by_address)
    counts["properties"] = float(len(spine.rows))
    counts["seconds"] = round(time.perf_counter() - started, 3)
    stages.mark_done(STAGE, borough, made_from, counts)
    log.info("linked %s: %d records, match rate %.3f", borough, counts["records"], counts["match_rate"])
    return StageResult(STAGE, borough, "made", _sentence(borough, counts), counts)


def link(
    records: Records,
    spine: Spine,
    borough: str,
    scorer: Scorer | None = None,
    decided: review.Decided = review.NOTHING,
) -> tuple[pa.Table, dict[str, float]]:
    """One row of `link` for each record, and counts; what people decided outranks everything."""
    made, counts, _, _ = _judged(records, spine, scorer or current(), decided, memory.NOTHING)
    return _table(made, records, borough), counts | _counts(made["decision"], records.rows["dataset"])


def _judged(
    records: Records, spine: Spine, scorer: Scorer, decided: review.Decided, known: pd.DataFrame
) -> tuple[pd.DataFrame, dict[str, float], review.Rulings, pd.DataFrame]:
    """A verdict for each record, counts of how it was come by, what people decided, and verdicts by address."""
    rulings = review.Rulings(decided, records, spine)
    by_record, contradicted = rulings.of_stated(*by_uprn(records, spine))
    settled = np.zeros(len(records.rows), dtype=bool)
    settled[by_record.index] = True
    open_ = np.unique(records.rows["address"].to_numpy()[~settled])
    area = Missing.of(records.addresses, spine)
    by_address, notes, recalled = memory.decide(records.addresses.loc[open_], spine, scorer, known, area)
    made = _for_records(records, by_record, by_address, settled)
    _contradictions_to_people(made, records, contradicted & ~settled)
    reviewed = rulings.lay_over(made)
    counts = {"addresses": float(len(records.addresses)), "recalled": float(recalled)}
    counts |= {"pairs": 0.0, "pairs_left_out": 0.0} | notes.counts | reviewed
    return made, counts, rulings, by_address


def _each_unit(
    made: pd.DataFrame, records: Records, spine: Spine, rulings: review.Rulings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is told of each record, and the rows of links: of a record of several flats, one a flat."""
    units = linked_units(made, records, spine)
    units = units.loc[~rulings.bars_of(units.index, units["uprn"])]
    told = made.copy()
    for column, value in (("decision", Decision.LINKED), ("reason", LinkReason.UNIT_RANGE), ("level", Level.UNIT)):
        told.loc[units.index.unique(), column] = str(value)
    kept = made.loc[~made.index.isin(units.index[units["replaces"]])]
    return told, pd.concat([kept, units[made.columns]]).sort_index(kind="stable")


def _for_records(
    records: Records, by_record: pd.DataFrame, by_address: pd.DataFrame, settled: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Verdicts of distinct addresses joined back to the records."""
    position = by_address.index.get_indexer(pd.Index(records.rows["address"]))
    made = {}
    for column in [*COLUMNS, "stage"]:
        own = by_record[column].reindex(records.rows.index).to_numpy()
        if len(by_address):
            own = np.where(settled, own, by_address[column].to_numpy()[position])
        made[column] = own
    return pd.DataFrame(made)


def _contradictions_to_people(made: pd.DataFrame, records: Records, contradicted: npt.NDArray[np.bool_]) -> None:
    """A record whose UPRN belongs to another address, and which fits nowhere else either, is a person's to look at."""
    lost = contradicted & (made["decision"] == str(Decision.NONE)).to_numpy()
    made.loc[lost, "decision"] = str(Decision.REVIEW)
    made.loc[lost, "reason"] = str(LinkReason.UPRN_CONTRADICTS_ADDRESS)
    made.loc[lost, "runner_up"] = records.rows["uprn"].to_numpy()[lost]


def _table(made: pd.DataFrame, records: Records, borough: str) -> pa.Table:
    """Rows of `link` from verdicts indexed by the row of `records.rows`."""

    def text(values: pd.Series[str]) -> pa.Array:
        plain = pa.array(values, pa.string())
        return pc.if_else(pc.equal(plain, ""), None, plain)

    of = records.rows.loc[made.index]
    columns = {
        "borough": pa.array(np.full(len(made), borough), pa.string()),
        "dataset": pa.array(of["dataset"].astype(str), pa.string()),
        "record_id": pa.array(of["record_id"].to_numpy(), pa.int64()),
        **{n: text(made[n]) for n in ("uprn", "decision", "reason", "level", "stage", "runner_up")},
        **{n: pa.array(made[n].to_numpy(np.float64)) for n in ("probability", "gap")},
    }
    return pa.table({name: columns[name] for name in LINK.names}).cast(LINK)


def _counts(decision: pd.Series[str], dataset: pd.Series[str]) -> dict[str, float]:
    table = pd.crosstab(dataset.astype(str), decision).reindex(columns=[str(d) for d in Decision], fill_value=0)
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


def _sentence(borough: str, counts: dict[str, float]) -> str:
    n = {key: f"{int(counts[key]):,}" for key in ("records", "linked", "parent", "review", "none")}
    return (
        f"{borough}: of {n['records']} records {n['linked']} are tied to their property, "
        f"{n['parent']} to the building, {n['review']} are for people to decide and {n['none']} fit nothing."
    )
