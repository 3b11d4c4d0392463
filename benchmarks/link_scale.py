"""A gazetteer and records of any size for the linkage benchmark's speed and memory, made column by column.

Streets of some ninety addresses whose names repeat as London's do, postcodes of about fifteen, houses, divided houses
and blocks; one property in twenty is in the records alone. The errors are cheap ones (a letter, an abbreviation, no
postcode, no word before the flat's number): what is measured here is not how hard the records are.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from link_borough import BLOCK_ENDS, DISTRICTS, INWARD, STEMS, TYPES

SHORT = {"ROAD": "RD", "STREET": "ST", "AVENUE": "AVE", "CLOSE": "CL", "GARDENS": "GDNS", "LANE": "LN", "PLACE": "PL"}
AREAS = {
    "E": 20, "N": 22, "NW": 11, "SE": 28, "SW": 20, "W": 14, "EN": 9, "HA": 9, "IG": 11, "RM": 20, "CR": 9, "BR": 8,
    "KT": 9, "SM": 7, "TW": 20, "UB": 11,
}  # fmt: skip
OUTWARD = [f"{area}{n}" for area, most in AREAS.items() for n in range(1, most + 1)]
STREET_ROWS, POSTCODE_ROWS, GONE = 90, 15, 0.05


@dataclass(frozen=True)
class Scaled:
    """What was written: the true property of each record, 0 where the gazetteer has none."""

    true: np.ndarray

    @property
    def records(self) -> int:
        """How many records there are."""
        return len(self.true)

    def judged(self, answers: pd.DataFrame) -> tuple[float, float]:
        """Precision and recall of what was linked; records without a postcode may name two places, and count."""
        linked = answers[answers["decision"] == "linked"]
        right = (self.true[linked["row"].to_numpy()] == linked["uprn"].to_numpy(dtype=np.int64)).sum()
        return float(right / max(len(linked), 1)), float(right / max((self.true > 0).sum(), 1))


def write_scaled(folder: Path, addresses: int, records: int, seed: int = 5) -> Scaled:
    """Write `gazetteer.csv` of about `addresses` rows and `records.csv` of `records` to the folder."""
    draw = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    gazetteer = _gazetteer(draw, round(addresses / (1 - GONE)))
    gone = (draw.random(len(gazetteer)) < GONE) & ~gazetteer["shell"].to_numpy()
    written = gazetteer.drop(columns="shell").take(draw.permutation(np.flatnonzero(~gone)))
    pacsv.write_csv(pa.Table.from_pandas(written, preserve_index=False), folder / "gazetteer.csv")
    of = np.resize(draw.permutation(np.flatnonzero(~gazetteer["shell"].to_numpy())), records)
    sources = gazetteer.iloc[of]
    true = np.where(gone[of], 0, sources["uprn"].to_numpy())
    del written
    table = _records(draw, sources)
    pacsv.write_csv(table, folder / "records.csv")
    return Scaled(true)


def _gazetteer(draw: np.random.Generator, addresses: int) -> pd.DataFrame:
    """Rows street by street and plot by plot: uprn, parent_uprn (0: none), parts, postcode, shell."""
    size = draw.choice([1, 4, 5, 21, 31], p=[0.84, 0.075, 0.055, 0.022, 0.008], size=addresses)
    size = size[: int(np.searchsorted(np.cumsum(size), addresses)) + 1]
    plot = np.repeat(np.arange(len(size)), size)
    within = np.arange(len(plot)) - np.repeat(np.cumsum(size) - size, size)
    first_street = np.arange(len(plot)) // STREET_ROWS
    street = first_street[np.cumsum(size) - size][plot]
    of_plot = street[within == 0]
    start = np.r_[True, of_plot[1:] != of_plot[:-1]]
    nth = np.arange(len(size)) - np.maximum.accumulate(np.where(start, np.arange(len(size)), 0))
    divided, block, shell = size[plot] > 1, size[plot] > 6, (size[plot] > 1) & (within == 0)
    lettered = (plot % 3 == 0) & ~block
    count = int(street.max()) + 1
    stems, types = np.array([stem.upper() for stem in STEMS]), np.array([name.upper() for name in TYPES])
    weight = np.array(list(TYPES.values())) / sum(TYPES.values())
    names = np.char.add(np.char.add(draw.choice(stems, count), " "), draw.choice(types, count, p=weight))
    unit_words = np.r_[[""], [f"FLAT {n}" for n in range(1, 32)], [f"FLAT {letter}" for letter in "ABCDE"]]
    unit = np.where(divided & ~shell, np.where(lettered, 31 + np.minimum(within, 5), np.minimum(within, 31)), 0)
    ends = np.array([end.upper() for end in BLOCK_ENDS])
    blocks = np.char.add(np.char.add(draw.choice(stems, 4_000), " "), draw.choice(ends, 4_000))
    uprn = 10_000_000_000 + draw.permutation(len(plot))
    parent = np.where(divided & ~shell, uprn[np.cumsum(size) - size][plot], 0)
    borough = street * 33 // max(count, 1)
    named = draw.integers(1, 4_001, len(size))
    frame = pd.DataFrame({
        "uprn": uprn,
        "parent_uprn": pd.arrays.IntegerArray(parent, parent == 0),
        "unit": pd.Categorical.from_codes(unit, unit_words),
        "building_name": _category(np.where(block, named[plot], 0), np.r_[[""], blocks]),
        "building_number": (nth + 1)[plot],
        "street": _category(street, names),
        "locality": pd.Categorical.from_codes(np.where(borough % 3 == 0, borough % len(DISTRICTS), -1), DISTRICTS),
        "town": "LONDON",
        "postcode": _postcodes(draw, street, within, plot),
        "shell": shell,
    })  # fmt: skip
    frame["locality"] = frame["locality"].cat.rename_categories(str.upper)
    return frame


def _category(codes: np.ndarray, values: np.ndarray) -> pd.Categorical:
    """Codes into values that may repeat."""
    unique, back = np.unique(values, return_inverse=True)
    return pd.Categorical.from_codes(back[codes], unique)


def _postcodes(draw: np.random.Generator, street: np.ndarray, within: np.ndarray, plot: np.ndarray) -> pd.Categorical:
    """A new postcode every fifteen or so rows of a street; a plot keeps one."""
    first = np.flatnonzero(within == 0)
    change = np.r_[
        True, (street[first][1:] != street[first][:-1]) | (first[1:] // POSTCODE_ROWS != first[:-1] // POSTCODE_ROWS)
    ]
    code = (np.cumsum(change) - 1)[plot]
    count = int(code.max()) + 1
    letters = list(INWARD)
    each = -(-count // len(OUTWARD))
    space = [f"{digit}{a}{b}" for digit in range(10) for a in letters for b in letters]
    chosen = np.concatenate([draw.choice(space, min(each, len(space)), replace=False) for _ in OUTWARD])
    outward = np.repeat(OUTWARD, min(each, len(space)))
    names = np.char.add(np.char.add(outward, " "), chosen)
    return _category(code % len(names), names)


def _records(draw: np.random.Generator, sources: pd.DataFrame) -> pa.Table:
    """Records of the sources: row, address, postcode."""
    rows = len(sources)
    streets = pd.Series(sources["street"].cat.categories)
    short = streets.str.replace(r"\b(" + "|".join(SHORT) + r")$", lambda found: SHORT[found[1]], regex=True)
    typed = pd.Series([_typed(name, n) for n, name in enumerate(streets)])
    way = np.digitize(draw.random(rows), [0.72, 0.92])
    three = pa.array(pd.concat([streets, short, typed]).to_numpy(dtype=object))
    street = three.take(pa.array(sources["street"].cat.codes.to_numpy().astype(np.int64) + way * len(streets)))
    number = pc.cast(pa.array(sources["building_number"].to_numpy()), pa.string())
    units = pd.Series(sources["unit"].cat.categories)
    both = pa.array(
        pd.concat([units, units.str.replace("FLAT ", ""), units.str.replace("FLAT", "APT")]).to_numpy(dtype=object)
    )
    unit = both.take(
        pa.array(
            sources["unit"].cat.codes.to_numpy().astype(np.int64)
            + np.digitize(draw.random(rows), [0.85, 0.95]) * len(units)
        )
    )
    name = pa.array(sources["building_name"].astype(str).to_numpy(dtype=object))
    place = pc.binary_join_element_wise(number, street, " ")
    unit, name = (
        pc.if_else(pc.equal(part, ""), "", pc.binary_join_element_wise(part, "", ", ")) for part in (unit, name)
    )
    address = pc.binary_join_element_wise(unit, name, place, pa.scalar(", LONDON"), "")
    given = pa.array(sources["postcode"].astype(str).to_numpy(dtype=object))
    postcode = pc.if_else(pa.array(draw.random(rows) < 0.1), "", given)
    return pa.table({"row": np.arange(rows), "address": address, "postcode": postcode})


def _typed(name: str, seed: int) -> str:
    """A street with one letter wrong, the same for every record of that street that has it wrong."""
    at = 1 + seed % max(1, len(name.split()[0]) - 2)
    return (
        name[:at] + name[at + 1 :]
        if seed % 2
        else name[:at] + name[at + 1 : at + 2] + name[at : at + 1] + name[at + 2 :]
    )
