"""One borough's extracts of one day, and the truth about every row of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import pandas as pd

from pipelines.core.bucket import Folder
from pipelines.demo.export.addresses import Places, mistype, official
from pipelines.demo.export.assignments import Extract, extracts
from pipelines.demo.export.attributes import Records
from pipelines.demo.export.cells import (
    write_blanks_and_codes,
    write_dates,
    write_names,
    write_numbers,
    write_uprns,
)
from pipelines.demo.export.draws import Keys, Rows, keys
from pipelines.demo.export.faults import FaultLog, Hand, faults
from pipelines.demo.export.files import MARK, file_bytes
from pipelines.demo.export.layout import layout
from pipelines.demo.export.render import ColumnOfCells, ragged, render, repeated, undecodable
from schemas.contract import Contract
from schemas.registry import contract


@dataclass(frozen=True)
class Exported:
    """One file that was made. `links` says which property, and which landlord, each of its rows is truly about."""

    dataset: str
    path: str
    rows: int
    size: int
    content: bytes
    links: pd.DataFrame
    faults: pd.DataFrame


def export_dataset(frame: pd.DataFrame, places: Places, extract: Extract, day: date, seed: int) -> Exported:
    """Write one dataset of a borough's world as that borough's system would.

    Args:
        frame: The true records of the dataset.
        places: The borough's true gazetteer.
        extract: Layout, format and the rest.
        day: The day of the extract, which stands in its file name.
        seed: Decides which cells are faulty.
    """
    target = contract(extract.dataset)
    hand = Hand(_keys(frame, target, extract, seed), _untidiness(extract), FaultLog())
    columns = _columns(frame, places, extract, target, seed, hand)
    length = len(frame)
    rows = repeated(hand, length)
    text = extract.format == "csv"
    wide = ragged(hand, length) if text else np.zeros(length, dtype=bool)
    columns = undecodable(columns, hand, MARK) if text else columns
    written = [ColumnOfCells(c.heading, c.cells[rows], c.kind, c.about) for c in columns]
    name = extract.name_on(day)
    content = file_bytes(written, extract, day, wide[rows])
    numbers = np.arange(len(rows), dtype=np.int64) + extract.header_row + 1
    links = _links(frame, rows, numbers, name)
    return Exported(
        extract.dataset, f"drops/{extract.borough}/{extract.dataset}/{name}", len(rows), len(content), content, links,
        _fault_rows(hand.log, rows, numbers, extract, name),
    )  # fmt: skip


def export_borough(
    records: Mapping[str, pd.DataFrame], borough: str, day: date, seed: int, datasets: Collection[str], bucket: Folder
) -> list[Exported]:
    """Write the extracts of some datasets of a borough into the bucket, in the order of their names."""
    made = []
    places = Places(records["gazetteer"])
    for dataset, extract in sorted(extracts(borough).items()):
        if dataset in datasets and len(records[dataset]):
            exported = export_dataset(records[dataset], places, extract, day, seed)
            bucket.write_bytes(exported.path, exported.content)
            made.append(replace(exported, content=b""))  # a borough's files need not lie in memory together
    return made


def _untidiness(extract: Extract) -> float:
    return extract.untidiness * faults().typing[extract.dataset].others


def _keys(frame: pd.DataFrame, target: Contract, extract: Extract, seed: int) -> Keys:
    named = [name for name in target.key if name in frame.columns]
    return keys([frame[name] for name in named], f"{seed}|{extract.borough}|{extract.dataset}")


def _columns(
    frame: pd.DataFrame, places: Places, extract: Extract, target: Contract, seed: int, hand: Hand
) -> list[ColumnOfCells]:
    frame = frame.reset_index(drop=True).copy()
    if "true_uprn" not in frame.columns:
        frame["true_uprn"] = frame["uprn"] if "uprn" in frame.columns else ""
    for missing in ("address", "postcode"):
        if missing not in frame.columns:
            frame[missing] = ""
    typed = faults().typing[extract.dataset]
    typist = hand
    if typed.typed == "once":
        once = keys([frame["true_uprn"]], f"{seed}|{extract.borough}|{extract.dataset}")
        typist = replace(hand, keys=once)
    prepared = Records(target, frame, official(frame, places), places)
    mistype(prepared.addresses, typist, typed.intensity)
    write_uprns(prepared, hand, extract.uprn)
    write_names(prepared, hand)
    write_numbers(prepared, hand)
    as_text = extract.date != "native" or extract.format == "xlsx"
    overrides = write_dates(prepared, hand, impossible=as_text)
    write_blanks_and_codes(prepared, hand, overrides)
    return render(prepared, extract, layout(extract.layout, extract.dataset), overrides, hand)


def _links(frame: pd.DataFrame, rows: Rows, numbers: Rows, name: str) -> pd.DataFrame:
    links = pd.DataFrame({"file": name, "row_number": numbers})
    for column in ("true_uprn", "true_landlord"):
        there = column in frame.columns
        links[column] = frame[column].astype("string").to_numpy(dtype=object)[rows] if there else None
    return links


def _fault_rows(log: FaultLog, rows: Rows, numbers: Rows, extract: Extract, name: str) -> pd.DataFrame:
    first = pd.Series(numbers, index=rows)
    first = first[~first.index.duplicated()]
    frame = log.frame()
    frame["row_number"] = first.reindex(frame.pop("position")).to_numpy()
    frame.insert(0, "file", name)
    frame.insert(0, "dataset", extract.dataset)
    return frame
