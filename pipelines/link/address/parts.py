"""Parts of a cleaned address: unit, building number, building name, street. Array in, arrays out, nothing raised."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.repairs import where
from pipelines.link.address.text import map_words, pull, swap, tidy
from pipelines.link.address.words import BUILDINGS, FLOORS, KINDS, NAMED, STREETS, STRONG_STREETS

NUMBER = r"[0-9]{1,5}(?:HALF|[A-Z])?(?:-[0-9]{1,5}[A-Z]?)?"
IDENTIFIER = r"(?:[0-9]{1,5}[A-Z]?[0-9]?|[A-Z][0-9]{0,4}|[A-Z]{2}[0-9]{1,4})"
FLOOR = "|".join(FLOORS)
STOREYS = (
    "BASEMENT|LOWER GROUND|UPPER GROUND|GROUND|TOP|UPPER|LOWER|MIDDLE|GARDEN|REAR|FRONT|ATTIC|LOFT|FIRST|SECOND|THIRD"
)
_WITHOUT_SAINT = "|".join(word for word in STRONG_STREETS.split("|") if word != "ST")
DIRECTIONS = "NORTH|SOUTH|EAST|WEST"
UNNUMBERED = "UNNUMBERED"
"""The room that is named by its place (the front room), as opposed to the flat of that place."""
_THING = (
    "LAND|SITE|PLOT|GARAGES?|PAVEMENT|FOOTWAY|FOOTPATH|VERGE|SKIP|BINS?|TREE|CAR PARK|PARKING|SPACE|AREA|ALLEY|ROAD"
)
_NEXT_TO = (
    rf"^(?P<how>(?:(?:{_THING})(?: [A-Z]+)? )?(?:NEAR|NEARBY|OUTSIDE|OPPOSITE|OPP|NEXT DOOR|NEXT TO|ADJACENT|ADJ|"
    r"ADJOINING|BESIDE|BETWEEN|ALONGSIDE|IN FRONT OF|ACROSS FROM)(?: TO| OF)?(?: ,)? |"
    r"LAND (?:(?:ON|TO|AT|OF|IN) )+(?:SIDE OF |FRONT OF )?|GARAGES? (?:(?:AT|TO|IN|OF) )*(?:REAR OF |AT |OF ))"
)
_TWO = (
    rf"^(?P<one>[0-9]{{1,4}}[A-Z]? [A-Z ]*[A-Z])(?P<sign> , (?:AND )?| AND | OR )"
    rf"(?P<two>[0-9]{{1,4}}[A-Z]? [A-Z ]+ (?:{STRONG_STREETS}))(?: ,.*)?$"
)


_APART = rf"^{NUMBER} , [^,0-9]+ , {NUMBER} , "


@dataclass
class Parts:
    """Columns of equal length; empty text where a part is not there. `rest` is what is not yet read.

    `units` is a run of several flats (`1-6`: from, to; `A+B`: each), which are no unit of the address.
    """

    rest: pa.Array
    kind: pa.Array
    identifier: pa.Array
    floor: pa.Array
    room: pa.Array
    number: pa.Array
    name: pa.Array
    street: pa.Array
    words: pa.Array
    units: pa.Array

    @classmethod
    def of(cls, text: pa.Array) -> Parts:
        """Nothing read yet."""
        empty = pa.array([""] * len(text), pa.string())
        return cls(text, *[empty] * 9)


def read(text: pa.Array) -> Parts:
    """Read a cleaned text without postcode and places into its parts."""
    parts = Parts.of(text)
    aside = _aside(parts)
    for step in (_guard, _floor, _room, _unit, _bare_kind, _letter_behind_number, _number, _street):
        step(parts)
    if aside is not None:
        kind, words = aside
        beside = pc.not_equal(kind, "")
        parts.kind = pc.if_else(beside, kind, parts.kind)
        parts.words = pc.if_else(beside, pc.binary_join_element_wise(words, parts.words, " "), parts.words)
        for part in ("identifier", "floor", "room", "units"):
            setattr(parts, part, pc.if_else(beside, "", getattr(parts, part)))
    return parts


def _aside(parts: Parts) -> tuple[pa.Array, pa.Array] | None:
    """BESIDE for a place beside a property, SEVERAL for two; the (first) property stays to be read.

    Returns:
        The kind, and the words that say so; None if no text is of either.
    """
    text = parts.rest
    beside = pc.match_substring_regex(text, _NEXT_TO)
    # Land behind a house is read as the rear of it, as "rear of" is.
    beside = pc.and_(beside, pc.invert(pc.match_substring_regex(text, r"^LAND (?:AT |TO )*REAR\b")))
    either = pc.match_substring_regex(text, r"^[0-9]{1,4}[A-Z]? OR [0-9]{1,4}[A-Z]? [A-Z]")
    two = pc.match_substring_regex(text, _TWO)
    if not pc.any(pc.or_(beside, pc.or_(either, two))).as_py():
        return None
    how = pc.fill_null(pc.struct_field(pc.extract_regex(text, _NEXT_TO), "how"), "")
    text = pc.if_else(beside, swap(text, _NEXT_TO, ""), text)
    text = pc.if_else(either, swap(text, r"^([0-9]{1,4}[A-Z]?) OR [0-9]{1,4}[A-Z]? ", r"\1 "), text)
    found = pc.extract_regex(text, _TWO)
    got = {n: pc.fill_null(pc.struct_field(found, n), "") for n in ("one", "sign", "two")}
    # Between commas only two whole streets are two properties: "4 EXAMPLE CT , 9 HI ST" is one.
    street = pc.match_substring_regex(got["one"], rf" (?:{STRONG_STREETS})(?: (?:{DIRECTIONS}))?$")
    two = pc.and_(pc.is_valid(found), pc.or_(pc.not_equal(got["sign"], " , "), street))
    parts.rest = pc.if_else(two, got["one"], text)
    several = pc.or_(either, pc.and_(two, pc.not_equal(got["one"], got["two"])))
    kind = pc.if_else(several, "SEVERAL", pc.if_else(beside, "BESIDE", ""))
    return kind, pc.if_else(several, got["two"], pc.if_else(beside, how, ""))


def _guard(parts: Parts) -> None:
    """Commas where a floor is followed by a flat with a number of its own, so that neither eats the other's."""
    parts.rest = where(parts.rest, rf"\b(?:FL|FLOORS?|{STOREYS}|AT|SHOPS?|SHOP)\b", _guarded)


def _guarded(text: pa.Array) -> pa.Array:
    text = swap(text, r" AT( ,|$)", r"\1")
    # A street, and not the basement of one.
    text = swap(text, rf"\bBASEMENT ({STREETS})( ,|$)", r"BASEMENT\1\2")
    text = swap(text, r"\b(ABOVE|OVER|BEHIND|REAR OF|TO) (?:A )?(?:SHOPS?|RETAIL UNIT)\b", r"\1 ")
    text = swap(text, r"\b(FIRST|SECOND|THIRD|FOURTH|GROUND) FL\b", r"\1 FLOOR")
    text = swap(text, r"\bFL ([0-9A-Z]{1,3}\b)", r"FLAT \1")
    own = rf"(FLAT|ROOM|STUDIO|MAISONETTE|UNIT) ({IDENTIFIER})"
    text = swap(text, rf"\b(FLOORS?|{STOREYS}) {own}( ,)? ([0-9])", r"\1 , \2 \3 , \5")
    text = swap(text, r"\b(FLOORS?) (FLAT|ROOM|STUDIO) ([A-Z])\b", r"\1 , \2 \3")
    text = swap(text, rf"\b(FLOORS?|{STOREYS}) {own} , ([^,0-9]* (?:{NAMED})(?: ,|$))", r"\1 , \2 \3 , \4")
    text = swap(text, rf"\b{own} AT\b", r"\1 \2 ,")
    text = swap(text, r"\b(FLOORS?)( FLAT)?(?: ,)? (?:BACK|REAR)( ,|$)", r"\1 REAR\2\3")
    text = swap(text, r"\b(FLOORS?)( FLAT)?(?: ,)? (FRONT|LEFT|RIGHT)( ,|$)", r"\1 \3\2\4")
    text = swap(text, r"(^|, )(REAR|FRONT|BACK) ([0-9])", r"\1\2 , \3")
    # "67 FIRST FLOOR , X BLDG" and "GROUND FLOOR 95 , X CT": the number is the flat's, since a building's name follows.
    storey = rf"(?:{FLOOR}) FLOORS?(?: FRONT| REAR)?"
    named = rf"[^,0-9]* (?:{NAMED})(?: ,|$)"
    text = swap(text, rf"(^|, )([0-9]{{1,4}}[A-Z]?) ({storey}) , ({named})", r"\1FLAT \2 , \3 , \4")
    text = swap(text, rf"(^|, )({storey})(?: FLAT)? ([0-9]{{1,4}}[A-Z]?) , ({named})", r"\1FLAT \3 , \2 , \4")
    return tidy(swap(text, r"(^|, )BACK ,", r"\1REAR ,"))


def _floor(parts: Parts) -> None:
    several = rf"(?P<floor>(?:{FLOOR})(?: AND (?:{FLOOR}))*)"
    side = r"(?P<side>(?: FRONT| REAR| LEFT| RIGHT)?)"
    after = r"(?: FLAT| MAISONETTE| STUDIO| ONLY)?"
    patterns = (
        rf"\b(?:FLAT )?(?:AT )?{several} FLOORS?{side}{after}\b",
        rf"\b(?P<floor>{STOREYS})(?P<side>(?: FRONT| REAR| LEFT| RIGHT)?) (?:FLAT|MAISONETTE|STUDIO)\b",
        r"\b(?:FLAT )?(?P<floor>BASEMENT|LOWER GROUND)(?P<side>(?: FRONT| REAR| LEFT| RIGHT)?)\b",
        rf"\b(?:FLAT|MAISONETTE|STUDIO) (?P<floor>{STOREYS})(?P<side>)(?: ,|$)",
        rf"(?:^|, )(?P<floor>{STOREYS})(?P<side>) ,",
        r"\b(?:LAND )?(?:AT )?(?P<floor>REAR)(?P<side>) OF\b",
    )
    for pattern in patterns:
        hit, got, rest = pull(parts.rest, pattern, ("floor", "side"))
        take = pc.and_(hit, pc.equal(parts.floor, ""))
        phrase = pc.replace_substring(pc.replace_substring(got["floor"], "LOWER GROUND", "LG"), "UPPER GROUND", "UG")
        code = swap(map_words(phrase, {**FLOORS, "AND": "AND"}), " ", "")
        code = pc.binary_join_element_wise(code, pc.utf8_trim_whitespace(got["side"]), "")
        parts.floor = pc.if_else(take, code, parts.floor)
        parts.rest = pc.if_else(take, rest, parts.rest)


def _room(parts: Parts) -> None:
    parts.rest = tidy(swap(parts.rest, r"\bROOMS [0-9]+[A-Z]?-[0-9]+[A-Z]?", " , "))
    hit, got, rest = pull(parts.rest, rf"\bROOMS? (?P<room>{IDENTIFIER})\b", ("room",))
    parts.room, parts.rest = pc.if_else(hit, got["room"], parts.room), pc.if_else(hit, rest, parts.rest)
    # "FRONT ROOM , 5 X PL": a room without a number, in the place that is named.
    core = rf"(?:^|, )(?:(?P<floor>{STOREYS}) )?ROOM(?: AT| OF)?(?: ,|$)"
    hit, got, rest = pull(parts.rest, core, ("floor",))
    take = pc.and_(hit, pc.equal(parts.room, ""))
    code = map_words(got["floor"], FLOORS)
    parts.floor = pc.if_else(pc.and_(take, pc.equal(parts.floor, "")), swap(code, "[^A-Z0-9]", ""), parts.floor)
    parts.room = pc.if_else(take, UNNUMBERED, parts.room)
    parts.rest = pc.if_else(take, rest, parts.rest)


def _unit(parts: Parts) -> None:
    """A kind with its number or letter. A run of flats (`FLATS 1-6`) is the building, so no unit at all."""
    one = r"(?:[0-9]+[A-Z]?|[A-Z][0-9]{0,4})"
    core = rf"\b(?:FLATS?|UNITS?|APTS|ROOMS|STUDIOS) (?P<units>{one}(?:-{one}|(?:\+{one})+))(?: OF)?\b"
    _, got, parts.rest = pull(parts.rest, core, ("units",))
    parts.units = got["units"]
    # An annexe seldom has a number of its own: "ANNEXE 19 SHELLEY RD" is the annexe of number 19.
    parts.rest = swap(parts.rest, r"\bANNEXE ([0-9]+[A-Z]?) ([^0-9]+)$", r"ANNEXE , \1 \2")
    hit, got, rest = pull(parts.rest, rf"\b(?P<kind>{KINDS}) (?P<identifier>{IDENTIFIER})\b", ("kind", "identifier"))
    parts.kind = pc.if_else(hit, got["kind"], parts.kind)
    parts.identifier = pc.if_else(hit, pc.utf8_ltrim(got["identifier"], "0"), parts.identifier)
    parts.rest = pc.if_else(hit, rest, parts.rest)


def _bare_kind(parts: Parts) -> None:
    """`FLAT ABOVE 74 HIGH ST`, `ANNEXE AT 8 X GDNS`: a part without a number of its own."""
    core = rf"(?:^|, )(?P<kind>{KINDS})(?: ABOVE| OVER| AT| TO| REAR OF| R O| BEHIND)?(?: ,| |$)"
    parts.rest = tidy(swap(parts.rest, rf"^([0-9].*[A-Z]) ({KINDS})$", r"\1 , \2"))
    hit, got, rest = pull(parts.rest, core, ("kind",))
    alone = pc.match_substring_regex(rest, rf"^[0-9]|, | (?:{BUILDINGS})$")
    take = pc.and_(pc.and_(hit, alone), pc.equal(parts.kind, ""))
    # "FLAT , FIRST FLOOR" is the first-floor flat.
    storey = pc.and_(pc.not_equal(parts.floor, ""), pc.equal(got["kind"], "FLAT"))
    parts.kind = pc.if_else(pc.and_(take, pc.invert(storey)), got["kind"], parts.kind)
    parts.rest = pc.if_else(take, rest, parts.rest)


def _letter_behind_number(parts: Parts) -> None:
    """`12 A HI RD` is 12A."""
    street = pc.match_substring_regex(parts.rest, rf"\b[0-9]{{1,4}} [A-Z] (?:{STREETS})(?: ,|$)")
    joined = swap(parts.rest, r"\b([0-9]{1,4}) ([A-Z])( ,|$| [A-Z]{2,})", r"\1\2\3")
    parts.rest = pc.if_else(street, parts.rest, joined)


def _number(parts: Parts) -> None:
    """The number in the street, and what stands before it: a bare unit (`1, 12 HI RD`) or a name."""
    letter, got, _ = pull(parts.rest, r"^(?P<unit>[A-Z]) , [A-Z]{2,}", ("unit",))
    _take_bare_unit(parts, got["unit"])
    parts.rest = pc.if_else(letter, swap(parts.rest, r"^[A-Z] , ", ""), parts.rest)
    # "MILO MANS , 25 , MERTTINS CRES , 109": a number behind the street is the flat's.
    behind = rf"^(?P<head>[^0-9]+ , {NUMBER} , [^0-9]+ (?:{STREETS})) , (?P<unit>[0-9]{{1,4}}[A-Z]?)$"
    found = pc.extract_regex(parts.rest, behind)
    _take_bare_unit(parts, pc.fill_null(pc.struct_field(found, "unit"), ""))
    parts.rest = pc.if_else(pc.is_valid(found), pc.struct_field(found, "head"), parts.rest)
    lead = rf"^(?:(?P<unit>[0-9]{{1,4}}[A-Z]?|[A-Z])[ ,]+)?(?P<number>{NUMBER})(?P<comma>[ ,]+)(?P<after>[A-Z].*)$"
    named = rf"^(?P<name>[^0-9]+?)[ ,]+(?P<number>{NUMBER})[ ,]+(?P<after>[A-Z][^0-9]*)$"
    first = pc.extract_regex(parts.rest, lead)
    hit = pc.is_valid(first)
    got = {n: pc.fill_null(pc.struct_field(first, n), "") for n in ("unit", "number", "after")}
    _take_bare_unit(parts, got["unit"])
    parts.number = pc.if_else(hit, got["number"], parts.number)
    rest = pc.if_else(hit, got["after"], parts.rest)

    second = pc.extract_regex(rest, named)
    inner = {n: pc.fill_null(pc.struct_field(second, n), "") for n in ("name", "number", "after")}
    is_named = pc.is_valid(second)
    # "12 HI RD , BLK 5 X" must not become number 5: behind a leading number only the name of a building may follow.
    building = pc.match_substring_regex(inner["name"], rf"\b(?:{NAMED})(?: ,)?$")
    street = pc.match_substring_regex(inner["after"], rf"\b(?:{STREETS})\b")
    # "73 , RAINBOW , 16 , CAROLINE TER": between commas a name needs no word for what it is, nor may it be a street's
    # ("61 , JARVIS SQ , 18 , MARSDEN PL"): the number before the last street is the house's.
    apart = pc.and_(pc.match_substring_regex(parts.rest, _APART), pc.match_substring_regex(rest, r"^[^,0-9]+ , [0-9]"))
    building = pc.or_(apart, pc.and_(building, street))
    is_named = pc.and_(is_named, pc.or_(pc.invert(hit), building))
    both = pc.and_(hit, is_named)
    _take_bare_unit(parts, pc.if_else(both, parts.number, ""))
    parts.number = pc.if_else(is_named, inner["number"], parts.number)
    parts.name = pc.if_else(is_named, inner["name"], parts.name)
    rest = pc.if_else(is_named, inner["after"], rest)

    last = pc.extract_regex(rest, rf"^(?P<street>[^0-9]+?)[ ,]+(?P<number>{NUMBER})$")
    trailing = pc.and_(pc.is_valid(last), pc.equal(parts.number, ""))
    parts.number = pc.if_else(trailing, pc.fill_null(pc.struct_field(last, "number"), ""), parts.number)
    rest = pc.if_else(trailing, pc.fill_null(pc.struct_field(last, "street"), ""), rest)
    only = pc.and_(pc.match_substring_regex(rest, rf"^{NUMBER}$"), pc.equal(parts.number, ""))
    parts.number = pc.if_else(only, rest, parts.number)
    parts.rest = pc.if_else(only, "", rest)
    parts.number = _tidy_range(parts.number)


def _take_bare_unit(parts: Parts, unit: pa.Array) -> None:
    """A number or letter without a kind is a flat, unless a unit is already there or it is a range."""
    free = pc.and_(pc.equal(parts.identifier, ""), pc.and_(pc.equal(parts.room, ""), pc.equal(parts.floor, "")))
    take = pc.and_(free, pc.match_substring_regex(unit, rf"^{IDENTIFIER}$"))
    parts.kind = pc.if_else(pc.and_(take, pc.equal(parts.kind, "")), "FLAT", parts.kind)
    parts.identifier = pc.if_else(take, unit, parts.identifier)


def _tidy_range(number: pa.Array) -> pa.Array:
    """No leading zeros; the smaller end first; `112-14` is 112 to 114; two equal ends are one number."""
    number = swap(swap(number, r"^0+([0-9])", r"\1"), r"-0+([0-9])", r"-\1")
    found = pc.extract_regex(number, r"^(?P<low>[0-9]+)(?P<a>[A-Z]*)-(?P<high>[0-9]+)(?P<b>[A-Z]?)$")
    hit = pc.is_valid(found)
    if not pc.any(hit).as_py():
        return number
    got = {n: pc.fill_null(pc.struct_field(found, n), "") for n in ("low", "a", "high", "b")}
    low, high = (pc.cast(pc.if_else(hit, got[n], "0"), pa.int32()) for n in ("low", "high"))
    size_low, size_high = pc.binary_length(got["low"]), pc.binary_length(got["high"])
    short = pc.and_(pc.less(high, low), pc.less(size_high, size_low))
    filled = pc.if_else(
        pc.and_(pc.equal(size_low, 3), pc.equal(size_high, 2)),
        pc.binary_join_element_wise(pc.utf8_slice_codeunits(got["low"], 0, 1), got["high"], ""),
        pc.binary_join_element_wise(pc.utf8_slice_codeunits(got["low"], 0, -1), got["high"], ""),
    )
    filled = pc.if_else(pc.and_(short, pc.equal(pc.binary_length(filled), size_low)), filled, got["high"])
    high = pc.cast(pc.if_else(hit, filled, "0"), pa.int32())
    left = pc.binary_join_element_wise(got["low"], got["a"], "")
    right = pc.binary_join_element_wise(filled, got["b"], "")
    ordered = pc.if_else(
        pc.less_equal(low, high),
        pc.binary_join_element_wise(left, right, "-"),
        pc.binary_join_element_wise(right, left, "-"),
    )
    ordered = pc.if_else(pc.equal(left, right), left, ordered)
    return pc.if_else(hit, ordered, number)


def _street(parts: Parts) -> None:
    """Building name, street and locality out of what stands behind the number."""
    parts.words = pc.binary_join_element_wise(parts.name, parts.rest, " ")
    found = pc.extract_regex(parts.rest, r"^(?P<one>[^,]*)(?: , (?P<two>[^,]*)(?:.*)?)?$")
    one, two = (pc.utf8_trim_whitespace(pc.fill_null(pc.struct_field(found, n), "")) for n in ("one", "two"))
    whole = _end_of_street(one)
    ends = rf"(?:{STRONG_STREETS})(?: (?:{DIRECTIONS}))?"
    split = pc.extract_regex(whole, rf"^(?P<name>.+ (?:{BUILDINGS})) (?P<street>[A-Z0-9]{{2,}} (?:.* )?{ends})$")
    in_one = pc.and_(pc.is_valid(split), pc.equal(two, ""))
    one_is_building = pc.match_substring_regex(one, rf"(?:^| )(?:{NAMED})$")
    two_is_street = pc.match_substring_regex(two, rf"\b(?:{STREETS})\b")
    in_two = pc.and_(pc.and_(one_is_building, two_is_street), pc.equal(parts.name, ""))
    with_number = pc.not_equal(parts.number, "")
    # Without a number the first of two parts is a name, unless it is the street and the second a locality.
    one_is_street = pc.and_(
        pc.match_substring_regex(one, rf"\b(?:{STRONG_STREETS})(?: (?:{DIRECTIONS}))?$"), pc.invert(two_is_street)
    )
    nameless = pc.and_(pc.invert(with_number), pc.and_(pc.not_equal(two, ""), pc.invert(one_is_street)))
    lone_name = pc.and_(
        pc.and_(pc.invert(with_number), pc.equal(two, "")),
        pc.or_(
            pc.invert(pc.match_substring_regex(one, rf"\b(?:{STREETS})\b")),
            pc.match_substring_regex(one, rf" (?:{STRONG_STREETS}) (?:{BUILDINGS})$"),
        ),
    )
    two_parts = pc.or_(in_two, nameless)
    name = pc.if_else(in_one, pc.fill_null(pc.struct_field(split, "name"), ""), one)
    has_name = pc.or_(in_one, pc.or_(two_parts, lone_name))
    street = pc.if_else(two_parts, two, pc.if_else(lone_name, "", one))
    street = pc.if_else(in_one, pc.fill_null(pc.struct_field(split, "street"), ""), street)
    # "4 EXAMPLE CT , HI ST": the number is that of the flat in the court.
    flat_of_court = pc.and_(pc.or_(in_one, in_two), pc.and_(with_number, pc.equal(parts.name, "")))
    take = pc.and_(flat_of_court, pc.and_(pc.equal(parts.identifier, ""), pc.equal(parts.room, "")))
    _take_bare_unit(parts, pc.if_else(take, parts.number, ""))
    parts.number = pc.if_else(take, "", parts.number)
    parts.name = pc.if_else(pc.equal(parts.name, ""), pc.if_else(has_name, name, ""), parts.name)
    parts.street = _end_of_street(street)
    # "7 HI ST , FLAT 3 , PIPER HSE": the building's name behind its street.
    behind = pc.and_(pc.match_substring_regex(two, rf" (?:{BUILDINGS})$"), pc.invert(two_is_street))
    in_street = pc.match_substring_regex(one, rf" (?:{STRONG_STREETS})(?: (?:{DIRECTIONS}))?$")
    behind = pc.and_(pc.and_(behind, in_street), pc.and_(with_number, pc.equal(parts.name, "")))
    parts.name = pc.if_else(behind, two, parts.name)
    parts.name = tidy(pc.replace_substring(parts.name, ",", " "))
    _left_over(parts)
    parts.rest = pa.array([""] * len(street), pa.string())


def _left_over(parts: Parts) -> None:
    """What is left of "flat above" or "flat at", and is no name."""
    above = pc.match_substring_regex(parts.name, r"^(?:ABOVE|OVER)(?: AT)?$")
    free = pc.and_(pc.equal(parts.kind, ""), pc.and_(pc.equal(parts.floor, ""), pc.equal(parts.room, "")))
    parts.kind = pc.if_else(pc.and_(above, free), "FLAT", parts.kind)
    none = pc.or_(above, pc.match_substring_regex(parts.name, r"^(?:AT|OF|TO)$"))
    parts.name = pc.if_else(none, "", parts.name)


def _end_of_street(street: pa.Array) -> pa.Array:
    """What stands behind the last strong street type is a locality, unless it is a direction or a building's type."""
    more = rf"(?:{DIRECTIONS}|{BUILDINGS})"
    # "ST" may be a saint, so it ends a street only where no other type does.
    whole = pc.match_substring_regex(street, rf" (?:{_WITHOUT_SAINT}) {more}$")
    surest = rf"^(.+ (?:{_WITHOUT_SAINT})(?: (?:{DIRECTIONS}))?) .+$"
    cut = pc.if_else(whole, street, swap(street, surest, r"\1"))
    plain = pc.match_substring_regex(cut, rf" (?:{_WITHOUT_SAINT})(?: {more})?$| ST {more}$")
    return pc.if_else(plain, cut, swap(cut, rf"^(.+ ST(?: (?:{DIRECTIONS}))?) .+$", r"\1"))
