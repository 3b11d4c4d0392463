"""Hard cases that are about the unit: flats, floors, rooms, ranges, shops, annexes and what people call them."""

from __future__ import annotations

import random
import re

from link_text import Case, Place, Row

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ORDINALS = {"GROUND": "G", "FIRST": "1ST", "SECOND": "2ND", "THIRD": "3RD"}


def _kind(*kinds: str) -> object:
    return lambda row, place: row.kind in kinds and (bool(row.unit) or row.kind in ("suffix", "range_whole"))


def _lettered(row: Row, place: Place) -> bool:
    return re.fullmatch(r"FLAT [A-E]", row.unit) is not None and "-" not in row.building_number


def _numbered(row: Row, place: Place) -> bool:
    return row.kind == "numbers" and re.fullmatch(r"FLAT \d", row.unit) is not None


def _suffixed(row: Row, place: Place) -> bool:
    return row.kind == "suffix" and row.building_number[-1].isalpha()


def _floored(row: Row, place: Place) -> bool:
    return (
        row.kind in ("floors", "shop_flats")
        and re.fullmatch(r"(FLAT )?\w+( FLOOR)?( FLAT)?", row.unit) is not None
        and ("FLOOR" in row.unit or "BASEMENT" in row.unit)
        and "SHOP" not in row.unit
    )


def _floor(row: Row) -> str:
    return row.unit.replace("FLAT", "").replace("FLOOR", "").strip()


def _on(*floors: str) -> object:
    return lambda row, place: _floored(row, place) and _floor(row) in floors


def _range(row: Row, place: Place) -> bool:
    return "-" in row.building_number


def _ends(row: Row) -> tuple[str, str]:
    low, _, high = row.building_number.partition("-")
    return low, high


def _to_suffix(row: Row, draw: random.Random, place: Place) -> str | None:
    number = f"{row.building_number}{row.unit[-1]}"
    if place.has_number(row, number):
        return None
    return row.text(unit="", number=draw.choice((number, f"{row.building_number} {row.unit[-1]}", number.lower())))


def _from_suffix(row: Row, draw: random.Random, place: Place) -> str:
    letter, number = row.building_number[-1], row.building_number[:-1]
    return row.text(unit=f"{draw.choice(('FLAT', 'FLAT', 'APT', 'UNIT'))} {letter}", number=number)


def _renumbered(row: Row, draw: random.Random, place: Place) -> str | None:
    ending = row.unit.split()[-1]
    other = "ABCDEFGHI"[int(ending) - 1] if ending.isdigit() else str("ABCDE".index(ending) + 1)
    if any(unit.endswith(f" {other}") for unit in place.units[row.building]):
        return None
    return row.text(unit=f"FLAT {other}")


def _excel(row: Row, draw: random.Random, place: Place) -> str | None:
    low, high = _ends(row)
    if not (low.isdigit() and high.isdigit()) or int(low) > 31 or int(high) > 12:
        return None
    day = low.zfill(2) if draw.random() < 0.5 else low
    return row.text(number=f"{day}-{MONTHS[int(high) - 1]}")


def _range_words(row: Row, draw: random.Random, place: Place) -> str:
    low, high = _ends(row)
    return row.text(
        number=draw.choice((f"{low}/{high}", f"{low} TO {high}", f"{low} - {high}", f"{low}–{high}", f"{low} & {high}"))
    )


def _one_end(which: int) -> object:
    def write(row: Row, draw: random.Random, place: Place) -> str | None:
        end = _ends(row)[which]
        alone = place.on_number[(end, row.street)] == {row.building}
        return row.text(number=end) if alone else None

    return write


def _letter_and_floor(row: Row, draw: random.Random, place: Place) -> str | None:
    if not re.fullmatch(r"FLAT [A-E]", row.unit):
        return None
    floor = ("GROUND", "FIRST", "SECOND", "THIRD", "FOURTH")["ABCDE".index(row.unit[-1])]
    return draw.choice((row.text(unit=f"{row.unit}, {floor} FLOOR"), row.text(unit=f"{row.unit} {floor} FLOOR FLAT")))


def _initials(row: Row, draw: random.Random, place: Place) -> str | None:
    floor = _floor(row)
    if floor == "TOP" and any("THIRD" in unit for unit in place.units[row.building]):
        return None
    return row.text(unit=f"{floor[0]}FF")


def _slashed(row: Row, draw: random.Random, place: Place) -> str:
    sign = {"GROUND": "G", "FIRST": draw.choice("1F"), "SECOND": draw.choice("2S")}[_floor(row)]
    return row.text(unit=draw.choice((f"{sign}/F FLAT", f"{sign}F FLAT", f"FLAT {sign}/F")))


def _floor_words(row: Row, draw: random.Random, place: Place) -> str:
    floor = _floor(row)
    short = ORDINALS.get(floor, floor)
    if floor == "GROUND":
        return row.text(
            unit=draw.choice(("FLAT GROUND FLOOR", "GRD FLOOR FLAT", "GRD FLR FLAT", "GROUND FLAT", "GND FLOOR"))
        )
    return row.text(
        unit=draw.choice(
            (f"FLAT {floor} FLOOR", f"{floor} FLOOR", f"{short} FLOOR FLAT", f"{short} FLR", f"FLAT {short} FLOOR")
        )
    )


def _highest(row: Row, place: Place) -> bool:
    floors = ["BASEMENT", "GROUND", "FIRST", "SECOND", "THIRD"]
    units = [unit.replace("FLAT", "").replace("FLOOR", "").strip() for unit in place.units[row.building]]
    if not _floored(row, place) or not set(units) <= set(floors) or len(units) < 3:
        return False
    return floors.index(_floor(row)) == max(floors.index(unit) for unit in units)


def _only_upstairs(row: Row, place: Place) -> bool:
    return row.kind == "shop_flats" and row.unit in ("FLAT ABOVE", "FLAT OVER", "FLAT")


def _trading(row: Row, place: Place) -> bool:
    return row.kind in ("shop", "shop_flats") and bool(row.building_name) and not row.unit


def _room(row: Row, place: Place) -> bool:
    return row.kind == "hmo" and bool(row.unit)


def _room_words(row: Row, draw: random.Random, place: Place) -> str:
    number = row.unit.split()[-1]
    words = [word for word in ("ROOM", "RM", "BEDSIT", "BEDROOM", "STUDIO") if not row.unit.startswith(word)]
    return draw.choice(
        (row.text(unit=f"{draw.choice(words)} {number}"), f"{row.building_number} {row.street}, {row.unit}")
    )


def _unit(*ways: str) -> object:
    """Write the unit in one of these ways; `{n}` is its number or letter."""
    return lambda row, draw, place: row.text(unit=draw.choice(ways).format(n=row.unit.split()[-1]))


def _last(row: Row, draw: random.Random, place: Place) -> str:
    return draw.choice(
        (f"{row.building_number} {row.street}, {row.unit}", f"{row.building_number} {row.unit} {row.street}")
    )


def _maisonette(row: Row, draw: random.Random, place: Place) -> str:
    first, _, second = row.unit.partition(" ")
    if first == "MAISONETTE":
        return row.text(unit=draw.choice((f"MAIS {second}", f"MAISONETTE NO {second}", f"FLAT {second}")))
    return row.text(unit=draw.choice((f"{first} FLOOR MAISONETTE", f"MAISONETTE {first}", f"{first} MAIS")))


UNIT_CASES = (
    Case("letter_to_suffix", _lettered, _to_suffix),
    Case("letter_abbreviated", _lettered, _unit("FLT {n}", "FL {n}", "APT {n}", "FLAT{n}")),
    Case("letter_last", _lettered, _last),
    Case("suffix_to_letter", _suffixed, _from_suffix),
    Case(
        "suffix_spaced",
        _suffixed,
        lambda r, d, p: r.text(number=f"{r.building_number[:-1]}{d.choice((' ', '-', ' / '))}{r.building_number[-1]}"),
    ),
    Case("letter_and_floor", _kind("letters", "range_flats"), _letter_and_floor),
    Case(
        "letter_without_floor",
        lambda r, p: re.fullmatch(r"FLAT [A-E] \w+( FLOOR)?", r.unit) is not None,
        lambda r, d, p: r.text(unit=r.unit[:6]),
    ),
    Case(
        "number_as_apartment",
        _numbered,
        _unit("APARTMENT {n}", "APT {n}", "UNIT {n}", "FLT {n}", "FLAT NO {n}", "FLAT NO. {n}", "FLAT{n}", "FLAT 0{n}"),
    ),
    Case("number_bare", _numbered, _unit("{n}")),
    Case("number_slash", _numbered, lambda r, d, p: f"{r.unit.split()[-1]}/{r.building_number} {r.street}"),
    Case("number_last", _numbered, _last),
    Case("renumbered_to_letter", _numbered, _renumbered, "abstain"),
    Case("renumbered_to_number", _lettered, _renumbered, "abstain"),
    Case("floor_words", _on("GROUND", "FIRST", "SECOND", "THIRD"), _floor_words),
    Case("floor_initials", _on("GROUND", "FIRST", "SECOND", "TOP"), _initials),
    Case("floor_slash", _on("GROUND", "FIRST", "SECOND"), _slashed),
    Case(
        "basement_words",
        _on("BASEMENT"),
        _unit("BSMT FLAT", "BASEMENT", "FLAT BASEMENT", "BASEMENT FLOOR FLAT", "BST FLAT"),
    ),
    Case(
        "basement_as_lower_ground",
        _on("BASEMENT"),
        _unit("LOWER GROUND FLOOR FLAT", "LGF FLAT", "LGFF", "LOWER GROUND", "FLAT LOWER GROUND FLOOR", "L/G FLAT"),
    ),
    Case("highest_as_top", _highest, _unit("TOP FLOOR FLAT", "TOP FLAT", "FLAT TOP FLOOR"), "linked_or_abstain"),
    Case("range_words", _range, _range_words),
    Case("range_low_only", _range, _one_end(0)),
    Case("range_high_only", _range, _one_end(1)),
    Case("range_excel", _range, _excel),
    Case(
        "shop_renamed",
        _trading,
        lambda r, d, p: r.text(
            name=d.choice(("VAPE WORLD", "CITY PHONES", "GOLDEN WOK", "CORNER SHOP LTD", "TOP CUTS"))
        ),
    ),
    Case(
        "shop_as_shop",
        _trading,
        lambda r, d, p: r.text(name="", unit=d.choice(("SHOP", "GROUND FLOOR SHOP", "SHOP AT", "UNIT"))),
        "linked_or_abstain",
    ),
    Case(
        "above_shop",
        _only_upstairs,
        _unit(
            "FLAT ABOVE SHOP",
            "ABOVE SHOP",
            "FLAT OVER SHOP",
            "FLAT ABOVE",
            "FLAT OVER",
            "UPSTAIRS FLAT",
            "OVER SHOP AT",
        ),
    ),
    Case("room_words", _room, _room_words),
    Case(
        "room_with_floor",
        _room,
        lambda r, d, p: r.text(unit=f"{r.unit}, {d.choice(('GROUND', 'FIRST', 'SECOND'))} FLOOR"),
    ),
    Case(
        "room_only_house_has_uprn",
        _room,
        lambda r, d, p: d.choice((r.text(), _room_words(r, d, p))),
        "parent",
        of_removed=True,
    ),
    Case(
        "rear_of",
        lambda r, p: r.kind == "rear" and bool(r.unit),
        lambda r, d, p: r.text(unit=d.choice(("R/O", "REAR OF", "LAND AT REAR OF", "FLAT AT REAR OF", "REAR"))),
    ),
    Case(
        "annexe",
        lambda r, p: r.kind == "annexe" and bool(r.unit),
        _unit("ANNEX", "THE ANNEX", "ANNEXE TO", "ANNEXE AT"),
    ),
    Case("maisonette", lambda r, p: r.kind == "maisonettes" and bool(r.unit), _maisonette),
)
