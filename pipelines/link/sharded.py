"""Linking in parts: a gazetteer of any size, in the memory of a few hundred thousand rows at a time, on every core.

1. Both sides are cut by outward code, so that a part holds whole districts, and each part is linked by itself.
2. What its own district does not answer, and what names none, is asked once more of the whole gazetteer, cut by house
   number (by the start of the name where there is none): every street has its number 12 in the same part.

An address that its own district answers, or that names a street which its own postcode has, is not asked again.
A gazetteer of at most `ROWS_A_PART` rows is one part and is asked once (`side_by_side.py`).
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.link.address.text import POSTCODE
from pipelines.link.linking import link
from pipelines.link.records import Records, make_records
from pipelines.link.side_by_side import FILE, link_side_by_side
from pipelines.link.spine import Whole, assemble, find_places, read_rows, streets_given
from pipelines.link.streets import Streets
from pipelines.link.vocabulary import Decision, LinkReason
from pipelines.link.workers import pool

ROWS_A_PART = 200_000
RECORDS_A_CHUNK = 200_000
LONGEST_RANGE = 8
NAME_LETTERS = 6
SHARED = ("postcodes", "street_postcodes", "given_streets", "streets")
"""What parts tell each other of the whole gazetteer (`Whole`)."""
ELSEWHERE = (
    *(LinkReason.NO_CANDIDATE, LinkReason.ALL_CONTRADICTED, LinkReason.NEAR_MATCH, LinkReason.SMALL_GAP),
    *(LinkReason.TOO_MANY_CANDIDATES, LinkReason.NOTHING_NEAR),
)
"""Reasons for which an address may have its property outside the district that it names."""
Ints = npt.NDArray[np.int64]


@pd.option_context("mode.copy_on_write", True)
def link_in_parts(records: pa.Table, gazetteer: pa.Table, workers: int) -> tuple[pa.Table, dict[str, float]]:
    """Links of records (record_id, address, postcode, uprn) to a gazetteer with the spine's columns.

    Returns:
        A row a record, in no order, with the columns of the table `link`; and counts.
    """
    gazetteer = gazetteer.take(pc.sort_indices(gazetteer, sort_keys=[("uprn", "ascending")]))
    if gazetteer.num_rows <= ROWS_A_PART:
        return link_side_by_side(records, gazetteer, workers)
    with tempfile.TemporaryDirectory(prefix="loda-link-") as name, pool(workers, Path(name)) as processes:
        return _links(Path(name), records, gazetteer, processes)


def _links(
    folder: Path, records: pa.Table, gazetteer: pa.Table, processes: ProcessPoolExecutor
) -> tuple[pa.Table, dict[str, float]]:
    places, parts = find_places(gazetteer), max(1, gazetteer.num_rows // ROWS_A_PART)
    areas = _cut_by_area(folder, records, gazetteer)
    del gazetteer
    list(processes.map(_read_area, areas, repeat(places), repeat(parts)))
    whole = _whole(areas, places)
    counts = list(processes.map(_link_area, areas, repeat(whole)))
    answered = pa.concat_tables([pq.read_table(area / "links.parquet") for area in areas])
    rest = _unanswered(records, answered)
    del records
    chunks = [folder / f"rest-{at}" for at in range(0, max(rest.num_rows, 1), RECORDS_A_CHUNK)]
    for number, chunk in enumerate(chunks):
        chunk.mkdir()
        pq.write_table(rest.slice(number * RECORDS_A_CHUNK, RECORDS_A_CHUNK), chunk / "records.parquet")
    list(processes.map(_read_rest, chunks, repeat(whole), repeat(parts)))
    asked = list(processes.map(_link_number, range(parts), repeat(areas), repeat(chunks), repeat(whole)))
    again = pa.concat_tables([answered.slice(0, 0), *(table for table, _ in asked if table is not None)])
    total = pd.DataFrame([*counts, *(count for _, count in asked)]).fillna(0.0).sum()
    return _best_of(answered, again), {str(name): float(value) for name, value in total.items()}


def _cut_by_area(folder: Path, records: pa.Table, gazetteer: pa.Table) -> list[Path]:
    """Both sides by outward code into folders of about `ROWS_A_PART` gazetteer rows; the last is for those without."""
    known = _outward(gazetteer["postcode"], None)
    asked = _outward(records["postcode"], records["address"])
    rows = pd.Series(known.to_pandas()).value_counts().sort_index()
    part = (rows.cumsum() - rows) // ROWS_A_PART
    of = pd.Series(pd.factorize(part)[0], index=rows.index)
    number = len(of.unique())
    areas = []
    for side, table, outward in (("gazetteer", gazetteer, known), ("records", records, asked)):
        at = pd.Series(outward.to_pandas()).map(of).fillna(number).to_numpy(np.int64)
        order = pa.array(np.argsort(at, kind="stable"))
        ends = np.searchsorted(np.sort(at), np.arange(number + 2))
        sorted_rows = table.take(order)
        for n in range(number + 1):
            area = folder / f"area-{n}"
            area.mkdir(exist_ok=True)
            areas += [area] if side == "gazetteer" and n < number else []
            pq.write_table(sorted_rows.slice(ends[n], ends[n + 1] - ends[n]), area / f"{side}.parquet")
    return areas


def _outward(postcode: pa.ChunkedArray, address: pa.ChunkedArray | None) -> pa.ChunkedArray:
    """Outward codes without spaces; from the address where there is no postcode beside it."""
    bare = pc.replace_substring_regex(pc.utf8_upper(pc.fill_null(postcode, "")), r"[^A-Z0-9]", "")
    if address is not None:
        found = pc.extract_regex(pc.utf8_upper(pc.fill_null(address, "")), rf"\b(?P<code>{POSTCODE})\s*$")
        inside = pc.replace_substring(pc.fill_null(pc.struct_field(found, "code"), ""), " ", "")
        bare = pc.if_else(pc.equal(bare, ""), inside, bare)
    return pc.if_else(pc.greater_equal(pc.binary_length(bare), 5), pc.utf8_slice_codeunits(bare, 0, -3), "")


def _read_area(area: Path, places: tuple[str, ...], parts: int) -> None:
    """Read an area's properties, and leave them for the second question."""
    gazetteer = pq.read_table(area / "gazetteer.parquet")
    rows, _, _ = read_rows(gazetteer, places)
    own = Whole.of(rows, places, streets_given(gazetteer))
    rows.to_parquet(area / "rows.parquet")
    for name in SHARED:
        pd.DataFrame({name: getattr(own, name)}).to_parquet(area / f"{name}.parquet")
    for number, some in _placed(rows, parts).groupby("part"):
        rows.loc[some["row"]].to_parquet(area / f"number-{number}.parquet")


def _link_area(area: Path, whole: Whole) -> dict[str, float]:
    """Link an area's records to its own properties."""
    spine = assemble(pd.read_parquet(area / "rows.parquet"), whole)
    records = make_records({FILE: pq.read_table(area / "records.parquet")}, whole, spine.streets)
    made, counts = link(records, spine, FILE)
    pq.write_table(made, area / "links.parquet")
    return {name: counts[name] for name in ("addresses", "pairs", "pairs_left_out")}


def _placed(rows: pd.DataFrame, parts: int) -> pd.DataFrame:
    """The parts in which each property is asked for: that of each number of its range, or that of its name."""
    by_name = pd.util.hash_array(rows["name_written"].str[:NAME_LETTERS].to_numpy(object)) % parts
    found = [pd.DataFrame({"row": rows.index, "part": np.where(rows["low"] >= 0, rows["low"] % parts, by_name)})]
    step = np.where((rows["high"] - rows["low"]) % 2 == 0, 2, 1)
    for n in range(1, LONGEST_RANGE):
        number = rows["low"] + n * step
        within = (number <= rows["high"]).to_numpy()
        found.append(pd.DataFrame({"row": rows.index[within], "part": (number[within] % parts).to_numpy()}))
    return pd.concat(found).drop_duplicates().astype({"part": np.int64})


def _whole(areas: list[Path], places: tuple[str, ...]) -> Whole:
    def distinct(name: str) -> pd.Index[str]:
        every = [pd.read_parquet(area / f"{name}.parquet")[name] for area in areas]
        return pd.Index(pd.concat(every).unique(), dtype=object)

    return Whole(places, *(distinct(name) for name in SHARED))


def _unanswered(records: pa.Table, answered: pa.Table) -> pa.Table:
    """Records that no area was asked for, and those whose property may lie elsewhere."""
    open_ = pc.and_(
        pc.is_in(answered["reason"], pa.array([str(reason) for reason in ELSEWHERE])),
        pc.is_in(answered["decision"], pa.array([str(Decision.NONE), str(Decision.REVIEW)])),
    )
    settled = answered.filter(pc.invert(open_))["record_id"]
    return records.filter(pc.invert(pc.is_in(records["record_id"], settled)))


def _read_rest(chunk: Path, whole: Whole, parts: int) -> None:
    """Parse records for the second question, and cut them by house number."""
    records = make_records(
        {FILE: pq.read_table(chunk / "records.parquet")}, whole, Streets.of(pd.Series(whole.streets))
    )
    by_name = pd.util.hash_array(records.addresses["name_written"].str[:NAME_LETTERS].to_numpy(object)) % parts
    low = records.addresses["low"]
    part = np.where(low >= 0, low % parts, by_name.astype(np.int64))
    of_row = part[records.rows["address"].to_numpy()]
    for number in np.unique(of_row):
        rows = records.rows.loc[of_row == number].reset_index(drop=True)
        distinct, rows["address"] = np.unique(rows["address"], return_inverse=True)
        rows.to_parquet(chunk / f"rows-{number}.parquet")
        records.addresses.iloc[distinct].reset_index(drop=True).to_parquet(chunk / f"addresses-{number}.parquet")


def _link_number(
    number: int, areas: list[Path], chunks: list[Path], whole: Whole
) -> tuple[pa.Table | None, dict[str, float]]:
    """Link the records of a part of the house numbers to the properties of those numbers, wherever they are."""
    properties = [path for area in areas if (path := area / f"number-{number}.parquet").exists()]
    rows = pd.concat([pd.read_parquet(path) for path in properties], ignore_index=True).sort_values(
        "uprn", kind="stable"
    )
    spine = assemble(rows.reset_index(drop=True), whole)
    found, counts = [], []
    for chunk in chunks:
        if not (chunk / f"rows-{number}.parquet").exists():
            continue
        records = Records(
            pd.read_parquet(chunk / f"rows-{number}.parquet"), pd.read_parquet(chunk / f"addresses-{number}.parquet")
        )
        made, count = link(records, spine, FILE)
        found.append(made)
        counts.append({name: count[name] for name in ("pairs", "pairs_left_out")})
    table = pa.concat_tables(found) if found else None
    total = pd.DataFrame(counts, columns=["pairs", "pairs_left_out"]).sum()
    return table, {str(name): float(value) for name, value in total.items()}


def _best_of(answered: pa.Table, again: pa.Table) -> pa.Table:
    """The second answer where it ties the record to something, or where the first tied it to nothing at all."""
    rank = {str(Decision.LINKED): 0, str(Decision.PARENT): 1, str(Decision.REVIEW): 2, str(Decision.NONE): 3}
    every = pa.concat_tables([answered, again])
    order = pd.DataFrame({"record": every["record_id"].to_numpy(), "rank": every["decision"].to_pandas().map(rank)})
    best = order.sort_values(["record", "rank"], kind="stable").drop_duplicates("record").index
    return every.take(pa.array(np.sort(best.to_numpy())))
