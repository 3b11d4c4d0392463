"""One borough: gazetteer to `property`, every other address-bearing record to `link`."""

from __future__ import annotations

import logging
import time

import numpy as np
import pandas as pd

from pipelines.core.types import StageResult
from pipelines.governance import access, stages
from pipelines.link import memory, report, review
from pipelines.link.linking import Decide, counts_of, judged, table_of
from pipelines.link.pair_model import current
from pipelines.link.pairs import Missing
from pipelines.link.records import Records, datasets_with_address, read_records
from pipelines.link.spine import Spine, read_spine
from pipelines.link.unit_ranges import linked_units
from pipelines.link.vocabulary import Decision, Level, LinkReason

STAGE = "link"
log = logging.getLogger(__name__)


@pd.option_context("mode.copy_on_write", True)
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
    made, counts, rulings, by_address = judged(records, spine, decided, _remembering(borough, rests_on))
    told, rows = each_unit(made, records, spine, rulings)
    counts |= counts_of(told["decision"], records.rows["dataset"])
    access.write_table("link", table_of(rows, records, borough), borough=borough, made_from=hashes)
    report.write(borough, told, records, areas, hashes)
    memory.keep(borough, rests_on, by_address)
    counts["properties"] = float(len(spine.rows))
    counts["seconds"] = round(time.perf_counter() - started, 3)
    stages.mark_done(STAGE, borough, made_from, counts)
    log.info("linked %s: %d records, match rate %.3f", borough, counts["records"], counts["match_rate"])
    return StageResult(STAGE, borough, "made", _sentence(borough, counts), counts)


def _remembering(borough: str, rests_on: str) -> Decide:
    scorer, known = current(), memory.recall(borough, rests_on)

    def decide(addresses: pd.DataFrame, spine: Spine, area: Missing) -> tuple[pd.DataFrame, dict[str, float]]:
        made, notes, recalled = memory.decide(addresses, spine, scorer, known, area)
        return made, notes.counts | {"recalled": float(recalled)}

    return decide


def each_unit(
    made: pd.DataFrame, records: Records, spine: Spine, rulings: review.Rulings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is told of each record, and the rows of links: of a record of several flats, one a flat."""
    units = linked_units(made, records, spine)
    units = units.loc[~rulings.bars_of(units.index, units["uprn"])]
    told = made.copy()
    for column, value in (("decision", Decision.LINKED), ("reason", LinkReason.UNIT_RANGE), ("level", Level.UNIT)):
        told.loc[units.index.unique(), column] = str(value)
    kept = np.ones(len(made), dtype=bool)
    kept[units.index[units["replaces"]]] = False
    # Of the same categories, that they stay categories.
    own = units[made.columns].astype(made.dtypes)
    return told, pd.concat([made.loc[kept], own]).sort_index(kind="stable")


def _sentence(borough: str, counts: dict[str, float]) -> str:
    n = {key: f"{int(counts[key]):,}" for key in ("records", "linked", "parent", "review", "none")}
    return (
        f"{borough}: of {n['records']} records {n['linked']} are tied to their property, "
        f"{n['parent']} to the building, {n['review']} are for people to decide and {n['none']} fit nothing."
    )
