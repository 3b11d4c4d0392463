"""Hard cases of the linkage benchmark: one way of writing an address a category, with the answer that is right for it.

A record is a property of the synthetic borough, rewritten. `expect` says what is right:

- `linked`: the property itself;
- `building`: the building, whether it is called linked or parent (a block's name without a unit);
- `parent`: the building as `parent`, since the unit has no UPRN of its own;
- `parent_or_abstain`: the same, or nothing; to call the house the flat is wrong;
- `abstain`: nothing, or the building as `parent`;
- `linked_or_abstain`: the property itself, or nothing;
- `none`: nothing.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from link_borough import DISTRICTS, INWARD, STEMS, TYPES, make_borough
from link_hard_units import UNIT_CASES
from link_tasks import truth_of, write_folder
from link_text import Case, Place, Row, said

EACH = 900
ABBREVIATED = {
    "ROAD": "RD", "STREET": "ST", "AVENUE": "AVE", "CLOSE": "CL", "GROVE": "GRV", "LANE": "LN", "GARDENS": "GDNS",
    "PLACE": "PL", "CRESCENT": "CRES", "TERRACE": "TERR", "SQUARE": "SQ", "COURT": "CT",
}  # fmt: skip


def write_hard(folder: Path, addresses: int = 130_000, seed: int = 19, each: int = EACH) -> Path:
    """Write the hard cases as a task: at most `each` records a category."""
    gazetteer = make_borough(addresses)
    gone = _removed(gazetteer, np.random.default_rng(seed))
    place = Place.of(gazetteer, gone)
    columns = list(Row._fields)
    rows = [Row(*values) for values in gazetteer.assign(gone=gone)[columns].itertuples(index=False)]
    lines = []
    for case in (*UNIT_CASES, *CASES):
        draw = random.Random(f"{seed} {case.name}")
        eligible = [row for row in rows if bool(row.gone) == case.of_removed and case.which(row, place)]
        draw.shuffle(eligible)
        done = 0
        for row in eligible:
            if done >= each:
                break
            written = case.write(row, draw, place)
            if written is None:
                continue
            done += 1
            address, postcode = written if isinstance(written, tuple) else (written, row.postcode)
            lines.append((said(draw, address, row.locality, case.plain), postcode, row.uprn, case.name, case.expect))
    table = pd.DataFrame(lines, columns=["address", "postcode", "uprn", "category", "expect"])
    table = table.sample(frac=1, random_state=seed).reset_index(drop=True)
    kept = gazetteer[~gone].sample(frac=1, random_state=seed)
    truth = truth_of(table["uprn"], gazetteer, kept, table["category"].to_numpy())
    truth["expect"] = table["expect"]
    nowhere = truth["expect"].isin(["none", "parent", "parent_or_abstain"])
    truth.loc[nowhere, "true_uprn"] = ""
    truth.loc[nowhere, "present"] = 0
    truth.loc[truth["expect"] == "none", ["building_present", "building_answerable"]] = 0
    truth.loc[truth["expect"] == "none", "true_building"] = ""
    whole = truth["expect"] == "building"
    truth.loc[whole, ["true_uprn", "source_uprn"]] = truth["true_building"]
    truth["answerable"] = (
        truth["expect"].isin(["linked", "building", "none", "parent", "parent_or_abstain"]).astype(int)
    )
    records = pd.DataFrame({"row": table.index, "address": table["address"], "postcode": table["postcode"]})
    return write_folder(folder, records, kept, truth, gazetteer)


def _removed(gazetteer: pd.DataFrame, draw: np.random.Generator) -> np.ndarray:
    """What the gazetteer of the hard cases lacks: some units, some houses, all rooms of some houses."""
    chance = draw.random(len(gazetteer))
    plot = gazetteer["building"].map(
        dict(zip(gazetteer["building"].unique(), draw.random(gazetteer["building"].nunique()), strict=True))
    )
    unit = gazetteer["unit"] != ""
    rooms = (gazetteer["kind"] == "hmo") & unit & (plot < 0.35)
    units = unit & (gazetteer["kind"] != "hmo") & (chance < 0.04)
    houses = gazetteer["kind"].isin(["house", "infill"]) & (chance < 0.06)
    return (rooms | units | houses).to_numpy()


def _house(row: Row, place: Place) -> bool:
    return row.kind == "house"


def _block(row: Row, place: Place) -> bool:
    return row.kind in ("block", "sheltered") and bool(row.parent_uprn) and row.unit != "PENTHOUSE"


def _numbered_block(row: Row, place: Place) -> bool:
    return _block(row, place) and bool(row.building_number)


def _alone(row: Row, place: Place) -> bool:
    """Found once in the borough without its postcode."""
    return place.alone(row) and not row.shell_like


def _unit(row: Row) -> str:
    return row.unit


def _typo(draw: random.Random, word: str) -> str:
    at = draw.randrange(1, max(2, len(word) - 1))
    way = draw.random()
    if way < 0.3:
        return word[:at] + word[at + 1 :]
    if way < 0.6 and at + 1 < len(word):
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    letter = draw.choice("AEIOURSTLN")
    return word[:at] + letter + word[at + (way < 0.85) :]


def _street_typo(row: Row, draw: random.Random, place: Place) -> str | None:
    first, _, rest = row.street.partition(" ")
    if len(first) < 5 or not rest:
        return None
    street = f"{_typo(draw, first)} {rest}"
    return None if street in place.streets or street == row.street else row.text(street=street)


def _street_abbreviated(row: Row, draw: random.Random, place: Place) -> str | None:
    first, _, last = row.street.rpartition(" ")
    return row.text(street=f"{first} {ABBREVIATED[last]}") if last in ABBREVIATED and first else None


def _street_type_dropped(row: Row, draw: random.Random, place: Place) -> str | None:
    first, _, last = row.street.rpartition(" ")
    return row.text(street=first) if last.title() in TYPES and first not in ("THE", "HIGH", "") else None


def _street_type_wrong(row: Row, draw: random.Random, place: Place) -> str | None:
    first, _, last = row.street.rpartition(" ")
    other = f"{first} {draw.choice(list(TYPES)[:8]).upper()}"
    return row.text(street=other) if last.title() in TYPES and first and other not in place.streets else None


def _street_absent(row: Row, draw: random.Random, place: Place) -> str | None:
    street = (
        f"{draw.choice(STEMS)}{draw.choice(('bury', 'wick', 'stead', 'thorpe'))} {draw.choice(list(TYPES)[:6])}".upper()
    )
    return row.text(street=street)


def _number_absent(row: Row, draw: random.Random, place: Place) -> str | None:
    number = str(draw.choice((int(row.building_number) + draw.choice((1, 11, 21)), draw.randint(130, 420))))
    return None if place.has_number(row, number) else row.text(number=number)


def _postcode_typo(row: Row, draw: random.Random, place: Place) -> tuple[str, str]:
    at = draw.choice((-1, -2))
    code = list(row.postcode)
    code[at] = draw.choice(INWARD.replace(code[at], ""))
    return row.text(), "".join(code)


def _postcode_sector(row: Row, draw: random.Random, place: Place) -> tuple[str, str]:
    code = list(row.postcode)
    code[-3] = draw.choice("123456789".replace(code[-3], ""))
    return row.text(), "".join(code)


def _postcode_letter(row: Row, draw: random.Random, place: Place) -> tuple[str, str] | None:
    head, _, tail = row.postcode.partition(" ")
    swapped = {"1": "I", "0": "O", "5": "S"}
    found = next((n for n, sign in enumerate(head + tail) if sign in swapped), None)
    if found is None:
        return None
    whole = head + tail
    whole = whole[:found] + swapped[whole[found]] + whole[found + 1 :]
    return row.text(), f"{whole[:-3]} {whole[-3:]}"


def _postcode_shape(row: Row, draw: random.Random, place: Place) -> tuple[str, str]:
    code = draw.choice(
        (
            row.postcode.replace(" ", ""),
            row.postcode.lower(),
            row.postcode.replace(" ", "").lower(),
            f" {row.postcode} ",
            row.postcode.replace(" ", "  "),
        )
    )
    return row.text(), code


def _unit_number_only(row: Row, draw: random.Random, place: Place) -> str | None:
    number = row.unit.split()[-1]
    return f"{number} {row.building_name}, {row.street}" if row.unit != number and number.isdigit() else None


def _another_locality(row: Row, draw: random.Random, place: Place) -> str:
    return f"{row.text()}, {draw.choice(DISTRICTS).upper()}"


def _building_alone(row: Row, draw: random.Random, place: Place) -> str:
    return row.text(unit="")


def _absent_unit(row: Row, draw: random.Random, place: Place) -> str | None:
    word, _, number = row.unit.rpartition(" ")
    units = place.units[row.building]
    if not number.isdigit() or word != "FLAT":
        return None
    beyond = max(int(unit.split()[-1]) for unit in units if unit.split()[-1].isdigit()) + draw.randint(1, 9)
    return row.text(unit=f"FLAT {beyond}")


def _in_text(row: Row, draw: random.Random, place: Place) -> tuple[str, str]:
    return f"{row.text()}, LONDON, {row.postcode}", ""


def _swapped(row: Row, draw: random.Random, place: Place) -> str | None:
    number = row.unit.split()[-1]
    if not number.isdigit() or not row.building_number.isdigit() or number == row.building_number:
        return None
    if place.has_number(row, number):
        return None
    return f"FLAT {row.building_number}, {number} {row.street}"


def _lost_name(row: Row, place: Place) -> bool:
    """A block with a number that no other block of the street has."""
    return _numbered_block(row, place) and place.one_building(row)


def _text(change: Callable[[Row, random.Random], str]) -> Callable[[Row, random.Random, Place], str]:
    return lambda row, draw, place: change(row, draw)


CASES = (
    Case("as_gazetteer", lambda r, p: not r.shell_like, _text(lambda r, d: r.text())),
    Case("no_commas", lambda r, p: not r.shell_like, _text(lambda r, d: r.text().replace(",", "")), plain=True),
    Case("postcode_missing", _alone, lambda r, d, p: (r.text(), "")),
    Case("postcode_in_text", lambda r, p: not r.shell_like, _in_text, plain=True),
    Case("postcode_typo", _alone, _postcode_typo),
    Case("postcode_wrong_sector", _alone, _postcode_sector),
    Case("postcode_random", _alone, lambda r, d, p: (r.text(), d.choice(p.postcodes))),
    Case("postcode_i_for_1", _alone, _postcode_letter),
    Case("postcode_shape", lambda r, p: not r.shell_like, _postcode_shape),
    Case("street_typo", lambda r, p: not r.shell_like, _street_typo),
    Case("street_abbreviated", lambda r, p: not r.shell_like, _street_abbreviated),
    Case("street_type_dropped", lambda r, p: not r.shell_like, _street_type_dropped),
    Case("street_type_wrong", lambda r, p: not r.shell_like, _street_type_wrong),
    Case("street_not_in_gazetteer", _house, _street_absent, "none"),
    Case("number_not_in_gazetteer", _house, _number_absent, "none"),
    Case("house_removed", _house, _text(lambda r, d: r.text()), "none", of_removed=True),
    Case(
        "house_removed_beside_suffix",
        lambda r, p: r.kind == "infill" and not r.building_number.endswith("A"),
        _text(lambda r, d: r.text()),
        "none",
        of_removed=True,
    ),
    Case("another_locality_added", lambda r, p: not r.shell_like, _another_locality),
    Case(
        "occupier_before",
        _house,
        _text(lambda r, d: f"{d.choice(('The Occupier', 'No.', 'No', 'Resident at'))} {r.text()}"),
    ),
    Case("block_name_dropped", _lost_name, _text(lambda r, d: r.text(name=""))),
    Case(
        "block_name_last",
        _block,
        _text(lambda r, d: f"{r.unit}, {r.building_number} {r.street}, {r.building_name}".replace(",  ", ", ")),
    ),
    Case(
        "block_name_only",
        lambda r, p: _block(r, p) and p.one_name(r),
        _text(lambda r, d: f"{r.unit}, {r.building_name}"),
    ),
    Case(
        "block_street_dropped",
        lambda r, p: _block(r, p) and p.one_name(r),
        _text(lambda r, d: f"{r.unit} {r.building_name}, LONDON"),
    ),
    Case("block_number_dropped", _numbered_block, _text(lambda r, d: r.text(number=""))),
    Case("block_unit_number_only", _block, _unit_number_only),
    Case(
        "block_name_typo",
        _numbered_block,
        _text(
            lambda r, d: r.text(
                name=_typo(d, r.building_name.split()[0]) + r.building_name[len(r.building_name.split()[0]) :]
            )
        ),
    ),
    Case(
        "building_named_like_street",
        lambda r, p: _block(r, p) and r.building_name.split()[-1] in ("GARDENS", "PLACE", "SQUARE", "TERRACE"),
        _text(
            lambda r, d: d.choice(
                (
                    r.text(),
                    f"{r.unit.split()[-1]} {r.building_name}, {r.street}",
                    f"{r.unit} {r.building_name} {r.street}",
                )
            )
        ),
    ),
    Case("building_without_unit", _block, _building_alone, "building"),
    Case(
        "flat_removed",
        lambda r, p: r.unit != "" and r.parent_uprn != "" and (_block(r, p) or r.kind in ("numbers", "letters")),
        _text(lambda r, d: r.text()),
        "parent",
        of_removed=True,
    ),
    Case(
        "unit_not_in_building",
        lambda r, p: (_block(r, p) or r.kind == "numbers") and r.parent_uprn != "" and r.unit != "",
        _absent_unit,
        "parent",
    ),
    Case(
        "flat_of_undivided_house",
        lambda r, p: _house(r, p) and p.undivided(r),
        _text(lambda r, d: r.text(unit=d.choice(("FLAT 1", "FLAT 2", "FLAT A", "FIRST FLOOR FLAT", "FLAT 3")))),
        "parent_or_abstain",
    ),
    Case(
        "suffix_of_undivided_house",
        lambda r, p: _house(r, p) and p.undivided(r) and not p.has_number(r, f"{r.building_number}A"),
        _text(lambda r, d: r.text(number=f"{r.building_number}A")),
        "parent_or_abstain",
    ),
    Case("number_and_flat_swapped", lambda r, p: r.kind == "numbers" and bool(r.unit), _swapped, "linked_or_abstain"),
)


def counts(truth: pd.DataFrame) -> Counter:
    """Records a category."""
    return Counter(truth["category"])
