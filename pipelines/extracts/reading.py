"""How a drop is read: by a layout of its borough, or, where it holds corrected rows, laid over what they correct."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pipelines.core.errors import HeldDrop, RefusedDrop
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, DropStatus, LastGood
from pipelines.extracts import given_back
from pipelines.extracts.correction import CorrectedExtract, Correction, merged, read_correction
from pipelines.extracts.decode import RaggedRows
from pipelines.extracts.intake import Extract, raw_extract
from pipelines.extracts.layout import choose_layout
from pipelines.extracts.resaved import untouched
from schemas import registry
from schemas.mapping import Mapping

CORRECTS = "corrects"
"""Key in a drop's `hashes` under which the drop that it corrects is recorded."""

RULES = "rules"
"""Key in a drop's `hashes` under which stands what it was read by, as `registry.rules_hash` has it."""

GONE = frozenset({"deleted", "raw_deleted"})
"""Keys in a drop's `hashes` that say that its bytes are not kept any more."""

NOT_A_STATE = (DropStatus.REFUSED.value, DropStatus.DUPLICATE.value)
CANDIDATES = 12
"""Extracts that corrected rows are compared with at most, newest first."""

NAMED_AT_MOST = 5
ALIKE = 0.5
"""Share of a row's cells that a correction leaves as they were, and share of the rows of which that must hold."""


@dataclass(frozen=True)
class Opened:
    """A drop as it is to be read. `corrects` is the drop whose rows it corrects, None for an ordinary extract."""

    extract: Extract
    mapping: Mapping
    names: list[str]
    corrects: Drop | None = None


def open_drop(drop: Drop) -> Opened:
    """A drop of the ledger, ready to be read; that it corrects another is recorded.

    Raises:
        HeldDrop: no layout fits.
        RefusedDrop: it cannot be read, or its corrections cannot be applied any more.
    """
    opened = open_extract(drop, raw_extract(drop))
    if opened.corrects is not None:
        with transaction() as session:
            row = session.get_one(Drop, drop.id)
            row.hashes = drop.hashes = {**row.hashes, CORRECTS: opened.corrects.id}
            # What is known is still that of the day of the extract.
            row.extract_date = drop.extract_date = opened.corrects.extract_date
    return opened


def open_extract(drop: Drop, extract: Extract, *, ledger: bool = True) -> Opened:
    """A file as the drop that it is or would be. Nothing is recorded; without a ledger nothing can be corrected.

    Raises:
        HeldDrop: no layout fits.
        RefusedDrop: it cannot be read, or its corrections cannot be applied.
    """
    try:
        mapping, names = choose_layout(drop.borough, drop.dataset, extract)
    except (HeldDrop, RefusedDrop):
        correction = read_correction(extract)
        if correction is None:
            raise
        if not ledger:
            raise _no_original("the ledger that knows the extract is not here") from None
        return _open_correction(drop, correction)
    return Opened(extract, mapping, names)


def read_as_of_now(drop: Drop) -> bool:
    """Whether a drop on its way was read by the contract, mappings and limits that hold now.

    They may change under a night, as by a deploy. What was read by others is not judged by these nor put into the
    lake under them; the next night reads it again.
    """
    return drop.hashes.get(RULES) in (None, registry.rules_hash(drop.borough, drop.dataset))


READ_AGAIN = "read by rules that have changed since, and read again the next night"
"""What is said of drops of which that does not hold."""


def reopened(drop: Drop) -> Extract:
    """The rows of a drop that was read before: its own bytes, or laid over those that it corrects."""
    if CORRECTS not in drop.hashes:
        return raw_extract(drop)
    with transaction() as session:
        chain = chain_of(session, drop)
    mapping, names = choose_layout(drop.borough, drop.dataset, raw_extract(chain[0]))
    return _laid_over(chain, [_correction_of(step) for step in chain[1:]], mapping, names)


def chain_of(session: Session, drop: Drop) -> list[Drop]:
    """The extract that a drop stands on in the end, the corrections of it in their order, and the drop itself."""
    chain = [drop]
    while (before := chain[0].hashes.get(CORRECTS)) is not None:
        chain.insert(0, session.get_one(Drop, before))
    return chain


def overtaken_by(session: Session, root: Drop, source: str | None) -> LastGood | None:
    """The last good extract that took the place of `root` and of its corrections, if one did."""
    query = sa.select(LastGood).where(LastGood.borough == root.borough, LastGood.dataset == root.dataset)
    for last in session.scalars(query.where(LastGood.source == source) if source else query):
        stands_on = session.get(Drop, last.drop_id)
        if stands_on is None or chain_of(session, stands_on)[0].id == root.id:
            continue
        if (last.extract_date, stands_on.received_at) > (root.extract_date, root.received_at):
            return last
    return None


def original_of(path: str) -> str | None:
    """The path of the file whose quarantined rows these are by its name, such as `register.csv.quarantine 2.csv`."""
    folder, name = path.rsplit("/", 1)
    at = name.lower().rfind(".quarantine")
    return f"{folder}/{name[:at]}" if at > 0 else None


def _open_correction(drop: Drop, correction: Correction) -> Opened:
    with transaction() as session:
        recorded = drop.hashes.get(CORRECTS)
        base = session.get_one(Drop, recorded) if recorded else _base(session, drop, correction)
        chain = chain_of(session, base)
        if any(GONE & set(step.hashes) for step in chain):
            raise _no_original(f"'{_name(chain[0])}' is not kept any more")
        overtaken = overtaken_by(session, chain[0], chain[0].source)
    if overtaken is not None:
        raise RefusedDrop(
            "correction_overtaken",
            f"These are corrected rows of '{_name(chain[0])}' (drop {chain[0].id}, extract of "
            f"{chain[0].extract_date:%d %B %Y}). A later extract of {overtaken.extract_date:%d %B %Y} "
            f"(drop {overtaken.drop_id}) is in place, so they would put an older state back.",
        )
    mapping, names = choose_layout(drop.borough, drop.dataset, raw_extract(chain[0]))
    steps = [*(_correction_of(step) for step in chain[1:]), correction]
    read = mapping.for_file(chain[0].path)
    return Opened(_laid_over([*chain, drop], steps, mapping, names), read, names, corrects=base)


def _laid_over(chain: Sequence[Drop], steps: list[Correction], mapping: Mapping, names: list[str]) -> CorrectedExtract:
    root, drop = chain[0], chain[-1]
    raw = raw_extract(root)
    named = original_of(drop.path) in {step.path for step in chain[:-1]}
    return CorrectedExtract(
        raw.folder,
        raw.path,
        raw.kind,
        merged(steps, names),
        own=steps[-1].numbers,
        of_drop=root.id,
        of_file=root.path,
        found_by="the name of the file and by its rows" if named else "its rows",
        date_formats=_date_formats(root, mapping),
    )


def _date_formats(root: Drop, mapping: Mapping) -> tuple[str, ...]:
    """Every format in which the extract may hold dates."""
    read = mapping.for_file(root.path)
    return tuple(dict.fromkeys((*read.dates, *(pattern for how in read.fields.values() for pattern in how.date))))


def _correction_of(drop: Drop) -> Correction:
    correction = read_correction(raw_extract(drop))
    assert correction is not None  # noqa: S101 - it was read as one before
    return correction


def _base(session: Session, drop: Drop, correction: Correction) -> Drop:
    """The newest state of the extract that corrected rows came from: told by their numbers and by what they hold.

    The file named like the corrected one is looked at first, then the newest extracts.

    Raises:
        RefusedDrop: `correction_without_original`.
    """
    earlier = session.scalars(
        sa.select(Drop)
        .where(
            Drop.borough == drop.borough,
            Drop.dataset == drop.dataset,
            Drop.id != drop.id,
            Drop.status.not_in(NOT_A_STATE),
            Drop.received_at <= drop.received_at,
        )
        .order_by(Drop.extract_date.desc(), Drop.received_at.desc())
    ).all()
    named = original_of(drop.path)
    families: dict[str, list[Drop]] = {}
    for found in sorted(earlier, key=lambda one: one.path != named):  # stable: newest first within each half
        if not GONE & set(found.hashes):
            families.setdefault(chain_of(session, found)[0].id, []).append(found)
    likest: tuple[float, list[Drop]] = (0.0, [])
    nearest: str | None = None
    for root_id, family in list(families.items())[:CANDIDATES]:
        root = session.get_one(Drop, root_id)
        share, differs = _likeness(correction, root, family)
        # Extracts of one register are alike, and so are their row numbers: the likest is the one, not the first.
        if differs is None and share > likest[0]:
            likest = (share, family)
        nearest = nearest or (differs and f"The nearest is '{_name(root)}' (drop {root.id}): {differs}")
    if not likest[1]:
        raise _no_original("no earlier extract of this borough and dataset has such rows in quarantine", nearest)
    return max(likest[1], key=lambda one: (one.received_at, one.id))


def _no_original(why: str, nearest: str | None = None) -> RefusedDrop:
    told = f"The file holds corrected rows, and {why}." + (f" {nearest}." if nearest else "")
    return RefusedDrop("correction_without_original", told)


def _name(drop: Drop) -> str:
    return drop.path.rsplit("/", 1)[-1]


def _likeness(correction: Correction, root: Drop, family: list[Drop]) -> tuple[float, str | None]:
    """The share of cells that corrected rows have in common with the rows of an extract, or why they are not its rows.

    They are if every number is one of its quarantined rows, the columns are the same, and most cells are as they were.
    """
    set_aside = given_back.rows_of(family)
    if not len(set_aside):
        return 0.0, "no row of it was given back"
    strange = correction.numbers[~np.isin(correction.numbers, set_aside)]
    if len(strange):
        shown = ", ".join(str(number) for number in strange[:NAMED_AT_MOST])
        return 0.0, f"row {shown}{' and others' if len(strange) > NAMED_AT_MOST else ''} of it was not given back"
    try:
        mapping, names = choose_layout(root.borough, root.dataset, raw_extract(root))
    except (HeldDrop, RefusedDrop):
        return 0.0, "its layout is not known any more"
    if set(names) != set(correction.names):
        return 0.0, f"the corrected file has other columns, {_other_columns(set(names), set(correction.names))}"
    shares = _shares_unchanged(correction, root, mapping, names)
    if not len(shares):
        return 1.0, None  # rows that were torn have nothing to be compared with
    if (shares >= ALIKE).mean() < ALIKE:
        return 0.0, "its rows of these numbers hold something else"
    return float(shares.mean()), None


def _other_columns(old: set[str], new: set[str]) -> str:
    parts = {"without": sorted(old - new), "with": sorted(new - old)}
    told = [f"{word} {', '.join(repr(name) for name in some[:NAMED_AT_MOST])}" for word, some in parts.items() if some]
    return " and ".join(told)


def _shares_unchanged(
    correction: Correction, root: Drop, mapping: Mapping, names: list[str]
) -> npt.NDArray[np.float64]:
    """For each corrected row that stood in the extract the share of its cells that say what they said."""
    place = pa.array(correction.numbers)
    last = int(correction.numbers.max())
    found: list[npt.NDArray[np.float64]] = [np.empty(0)]
    for chunk in raw_extract(root).rows(mapping.shape, names, RaggedRows()):
        hit = np.isin(chunk.row_numbers, correction.numbers)
        if hit.any():
            new = correction.table.take(pc.index_in(pa.array(chunk.row_numbers[hit]), place))
            old = chunk.table.filter(pa.array(hit))
            found.append(_share_unchanged(old, new, _date_formats(root, mapping)))
        if len(chunk.row_numbers) and int(chunk.row_numbers[-1]) >= last:
            break
    return np.concatenate(found)


def _share_unchanged(old: pa.Table, new: pa.Table, date_formats: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """For each row the share of its cells that were not blank and say what they said."""
    filled = np.zeros(old.num_rows)
    same = np.zeros(old.num_rows)
    for name in old.column_names:
        was, now = (table.column(name).combine_chunks() for table in (old, new))
        there = np.asarray(pc.not_equal(_bare(was), ""))
        filled += there
        same += there & (np.asarray(pc.equal(_bare(was), _bare(now))) | untouched(was, now, date_formats)[0])
    return np.divide(same, filled, out=np.ones(old.num_rows), where=filled > 0)


def _bare(cells: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(pc.utf8_lower(cells), r"[^\p{L}\p{N}]+", "")
