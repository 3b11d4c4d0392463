"""Pieces of addresses and names: which column holds which piece, and whose it is by its own heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pipelines.onboard.headings import Knowledge, element_phrases, looks_like_value, parties
from pipelines.onboard.profiles import Profile
from pipelines.onboard.words import Heading, lexicon, likeness
from schemas import registry

OF_PROPERTY = frozenset({"property", "site", "hmo"})
NOT_OF_A_PIECE = frozenset({"licence", "lead", "main", "primary", "current", "application", "order", "your", "our"})
FIRST_ROLE = (
    "complainant", "officer", "guarantor", "holder", "manager", "agent", "applicant", "landlord", "liable",
    "correspondence", "joint",
)  # fmt: skip
RANK = {
    "whole": 0, "lines": 0, "unit": 1, "building_name": 2, "building_number": 3, "suffix": 4, "street": 5,
    "location": 6, "locality": 6, "town": 7, "county": 8, "country": 9, "postcode": 10,
    "title": 0, "forename": 1, "surname": 2, "second": 4, "company": 5, "name_and_address": 0,
}  # fmt: skip
"""The order in which pieces are put together, whichever order the columns have."""
PART_FIELDS = frozenset({"unit", "building_name", "building_number", "street", "locality", "town"})
YOURS = {"service_request": "complainant", "licence_application": "applicant", "hmo_licence": "applicant"}
ENDS_IN = frozenset({"street", "town", "locality", "postcode", "county", "forename", "surname"})
WHOLE_OR_LINES = frozenset({"whole", "lines", "location"})
DESCRIBING = frozenset({"description", "type", "form", "age", "status"})
LIKE_ENOUGH = 0.7
ELEMENT_WORDS = {
    "whole": "address", "lines": "line of an address", "location": "location", "unit": "flat or room",
    "building_name": "name of a building", "building_number": "house number", "suffix": "suffix of a house number",
    "street": "street", "locality": "locality", "town": "town", "postcode": "postcode", "county": "county",
    "country": "country", "title": "title", "forename": "first name or initial", "surname": "surname",
    "company": "company", "second": "second name", "name_and_address": "name and address",
}  # fmt: skip
"""What each element of an address or a name is called."""


@dataclass(frozen=True)
class Piece:
    """One column that holds a piece of an address or a name.

    `role` is the party that the heading names ("property" counts as one), None where it
    names none; `fits` says how well the values agree, None for a blank column; `said` is
    how alike heading and piece are, 0 where the heading is blank.
    """

    column: int
    kind: str
    element: str
    role: str | None
    said: float
    fits: float | None
    number: int | None = None
    again: int = 1

    @property
    def rank(self) -> tuple[int, int, int]:
        """Where it stands in the address or name that it is a piece of."""
        return RANK[self.element], self.number or 0, self.column


def find_pieces(
    headings: Sequence[Heading], profiles: Sequence[Profile], dataset: str, known: Knowledge
) -> dict[int, Piece]:
    """Every column that holds a piece of an address or a name, by its position."""
    found: dict[int, Piece] = {}
    for place, (heading, profile) in enumerate(zip(headings, profiles, strict=True)):
        piece = _piece(place, heading, profile, dataset, known)
        if piece is not None:
            found[place] = piece
    _doubtful_numbers(found, headings, profiles)
    _beside_an_address(found, headings, profiles)
    _number_beside_a_street(found, headings, profiles)
    return found


def role_of(heading: Heading, dataset: str) -> str | None:
    """The party a heading names; on a form "your" is whoever filled it in."""
    there = set(heading.words)
    if "your" in there:
        return YOURS.get(dataset)
    for role in FIRST_ROLE:
        if role in there:
            return role
    return "property" if OF_PROPERTY & there else None


def _piece(place: int, heading: Heading, profile: Profile, dataset: str, known: Knowledge) -> Piece | None:
    if not heading.words:
        return None
    ignored = known.ignored(heading, dataset)
    role = role_of(heading, dataset)
    if ignored is not None and ignored.decided and not (set(heading.words) & {"complainant", "officer"}):
        return None
    rest = Heading(heading.text, _rest(heading), heading.unknown, heading.number, heading.again)
    best = _best_element(rest, role, heading, profile)
    if (
        best is None
        and heading.unknown
        and role not in {None, "property"}
        and (profile.person > 0.7 or profile.address > 0.7)
    ):
        # The party is known and the rest is not: what stands there says whether it is the name or the address.
        kind = "name" if profile.person > profile.address else "address"
        return Piece(place, kind, "whole", role, 0.5, max(profile.person, profile.address), None, heading.again)
    if best is None:
        return None
    kind, element, said, fits = best
    if element == "building_number" and rest.set <= {"ref"} and heading.set - OF_PROPERTY - {"ref"}:
        return None  # the number of a licence, an application, a party
    if element == "building_name" and heading.set & DESCRIBING:
        return None  # what kind of building it is
    field_said = max(
        (said_.score for name, said_ in known.says(heading, dataset).items() if not is_of_pieces(name, dataset)),
        default=0.0,
    )
    apart = dataset == "gazetteer" and role in {None, "property"} and element in PART_FIELDS | {"suffix"}
    if field_said > said + 0.02 or apart:
        return None
    if kind == "name" and role in {None, "property"} and "nobody" not in parties(dataset) and element != "whole":
        role = None
    return Piece(place, kind, element, role, said, fits, heading.number, heading.again)


def is_of_pieces(name: str, dataset: str) -> bool:
    """Whether a field is put together from pieces of addresses and names."""
    if name in {"address", "postcode"}:
        return True
    return any(name in party.values() for party in parties(dataset).values())


def _rest(heading: Heading) -> tuple[str, ...]:
    drop = lexicon().roles | OF_PROPERTY | NOT_OF_A_PIECE
    return tuple(word for word in heading.words if word not in drop)


def _best_element(
    rest: Heading, role: str | None, heading: Heading, profile: Profile
) -> tuple[str, str, float, float | None] | None:
    meant = [word for word in rest.words if not word.isdecimal()]
    if not meant:
        return _unsaid(role, heading, profile)
    best: tuple[str, str, float, float | None] | None = None
    # "Address 1: City" is a town: what it is a piece of need not be said.
    inner = tuple(word for word in meant if word != "address")
    within, last = replace(rest, words=inner) if inner else rest, replace(rest, words=tuple(meant[-1:]))
    for kind in ("address", "name"):
        for element, phrases in element_phrases(kind).items():
            ways = (rest, heading) if element in WHOLE_OR_LINES else (rest, heading, within)
            said = max(likeness(way, p) for way in ways for p in phrases)
            if element in ENDS_IN and said < LIKE_ENOUGH and max(likeness(last, p) for p in phrases) > 0.95:
                said = LIKE_ENOUGH  # "Rented house: street": of which house it is, the columns beside it say
            if element == "lines" and not ({"line"} | {w for w in rest.words if w.isdecimal()}) & rest.set:
                continue  # a whole address, unless it says which line
            if said < LIKE_ENOUGH or set(rest.unknown) & {w for w in rest.words if len(w) > 1}:
                continue
            fits = None if profile.blank else fit_of_element(_called(kind, element), profile)
            if fits is not None and fits < 0.35:
                continue
            if best is None or (said, fits or 0.5) > (best[2], best[3] or 0.5):
                best = (kind, element, said, fits)
    return best


def _unsaid(role: str | None, heading: Heading, profile: Profile) -> tuple[str, str, float, float | None] | None:
    """A heading that names a party and nothing else: what stands under it tells name from address."""
    if role is None:
        return None
    if role == "property":
        good = profile.address >= 0.7 or profile.share("ends_in_street", "street") > 0.6
        return ("address", "whole", 0.85, max(profile.address, 0.5)) if good else None
    if role == "officer":
        return ("name", "whole", 0.9, None)
    if profile.blank:
        return ("name", "whole", 0.85, None)
    if profile.address >= 0.5 and profile.person < 0.5:
        return ("address", "whole", 0.8, profile.address)
    if heading.number is not None and profile.share("titled_name") < 0.2:
        return ("address", "lines", 0.75, _line_of_an_address(profile))
    fits = fit_of_element("whole name", profile)
    return ("name", "whole", 0.9, fits) if fits >= 0.4 else None


def fit_of_element(element: str, profile: Profile) -> float:
    """How well values fit one piece, 0 to 1."""
    letters = profile.share("letters_only")
    number, street = profile.share("house_number"), profile.share("street")
    texty = 0.0 if profile.dates.share > 0.5 or profile.share("yes_no", "email", "phone", "money") > 0.6 else 1.0
    fits: Mapping[str, float] = {
        "postcode": profile.share("postcode"),
        "whole": texty * max(profile.address, 0.8 * street, 0.4 * letters, 0.4 if number > 0.6 else 0.0),
        "lines": texty * _line_of_an_address(profile),
        "location": texty * max(profile.address, street, 0.7 * letters),
        "unit": max(profile.share("flat_word"), 0.8 * profile.share("unit")),
        "building_name": texty * max(letters, 0.6 * (profile.address > 0.3), 0.6 * _letters_and_digits(profile)),
        "building_number": max(number, 0.5 if profile.address > 0.4 else 0.0),
        "suffix": profile.share("initials", "one_word") if profile.mean_length < 3 else 0.0,
        "street": max(street, 0.45 * letters),
        "locality": 0.8 * letters,
        "town": 0.9 * letters,
        "county": letters,
        "country": letters,
        "whole name": max(profile.person, 0.5 * letters if not profile.free_text else 0.0),
        "title": profile.share("title"),
        "forename": max(profile.share("one_word", "initials"), profile.person),
        "surname": max(profile.share("one_word"), 0.8 * profile.person),
        "second": max(profile.person, 0.6 * letters),
        "company": max(profile.share("company"), profile.person, 0.6 * letters),
        "name_and_address": max(profile.address, profile.person) * texty,
    }
    return fits[element]


def _letters_and_digits(profile: Profile) -> float:
    return min(profile.share("has_digit"), profile.share("has_letter"))


def _line_of_an_address(profile: Profile) -> float:
    """How well values could be one line of an address: words, or house numbers, but no counts, codes or references."""
    if profile.share("postcode", "ends_in_postcode") > 0.5:
        return 0.4 if profile.share("postcode") > 0.5 else 0.8
    if profile.share("has_letter") < 0.5:
        return 0.7 if profile.share("house_number") > 0.6 and profile.distinct > 12 else 0.2
    if profile.kind in {"reference", "text"} and profile.address < 0.3 and profile.share("street") < 0.3:
        return 0.3
    short = profile.mean_length < 4 and profile.share("flat_word", "street") < 0.2
    return 0.3 if short else 0.8


def _called(kind: str, element: str) -> str:
    return "whole name" if (kind, element) == ("name", "whole") else element


def _doubtful_numbers(found: dict[int, Piece], headings: Sequence[Heading], profiles: Sequence[Profile]) -> None:
    """A heading "No" or "Units" is a house number or a flat only where a street stands beside it."""
    streets = {p.column for p in found.values() if p.element in {"street", "lines"}}
    streets |= {p.column for p in found.values() if p.kind == "address" and profiles[p.column].share("street") > 0.5}
    streets |= {
        p.column
        for p in found.values()
        if p.element == "building_number" and headings[p.column].set & {"building", "pao", "street"}
    }
    for place, piece in list(found.items()):
        words = set(headings[place].words)
        bare = piece.element == "building_number" and words <= {"ref", "property", "site"}
        digits = profiles[place].share("digits") > 0.8 and profiles[place].share("flat_word") < 0.3
        counted = piece.element == "unit" and digits and (headings[place].counted or "ref" not in words)
        near = any(abs(place - other) <= 2 for other in streets)
        if (bare and not near) or (counted and (headings[place].counted or not near)):
            del found[place]


def _beside_an_address(found: dict[int, Piece], headings: Sequence[Heading], profiles: Sequence[Profile]) -> None:
    """Columns without a heading beside an address heading that was merged over them."""
    merged = [
        p for p in found.values()
        if p.kind == "address" and p.element in {"whole", "lines"} and profiles[p.column].address < 0.6
    ]  # fmt: skip
    for piece in merged:
        for step in (1, -1):
            place = piece.column + step
            while 0 <= place < len(headings) and place not in found:
                if headings[place].words or not _is_part(profiles[place]) or looks_like_value(headings[place].text):
                    break
                found[place] = Piece(place, "address", "lines", piece.role, 0.0, 0.8, None, piece.again)
                place += step


def _number_beside_a_street(found: dict[int, Piece], headings: Sequence[Heading], profiles: Sequence[Profile]) -> None:
    """House numbers under a heading that nobody knows, beside streets that have none: a guess, and marked as one."""
    if any(p.element == "building_number" for p in found.values()):
        return
    for piece in [p for p in found.values() if p.element == "street" and profiles[p.column].share("has_digit") < 0.3]:
        for place in (piece.column - 1, piece.column + 1):
            unknown = 0 <= place < len(headings) and place not in found and headings[place].unknown
            if unknown and profiles[place].share("house_number") > 0.8 and profiles[place].distinct > 5:
                found[place] = Piece(place, "address", "building_number", piece.role, 0.3, 0.8)
                return


def _is_part(profile: Profile) -> bool:
    """Whether values look like a piece of an address: a house number, a street, a flat, a place."""
    if profile.blank or profile.dates.share > 0.3 or profile.share("postcode", "email", "phone") > 0.3:
        return False
    number = profile.share("house_number") if (profile.high or 0) < 2_000 and profile.distinct > 5 else 0.0
    return max(number, profile.share("street"), profile.share("flat_word"), profile.address) > 0.4


def party_fields(dataset: str, role: str | None) -> dict[str, object]:
    """Which fields hold a party's name and address; empty where the dataset wants neither."""
    if role in {None, "property"}:
        return {"address": "address", "postcode": "postcode"}
    return dict(parties(dataset).get(role or "", {}))


def has_postcode_field(dataset: str) -> bool:
    """Whether the dataset's contract has the property's postcode."""
    return "postcode" in registry.contract(dataset).by_name
