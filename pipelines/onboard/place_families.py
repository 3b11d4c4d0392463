"""Addresses and names, each of one column or several, placed in the fields of a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.onboard.decision import Assignment
from pipelines.onboard.evidence import percent
from pipelines.onboard.families import Family
from pipelines.onboard.headings import parties
from pipelines.onboard.pieces import ELEMENT_WORDS, Piece
from pipelines.onboard.profiles import Profile
from schemas import registry
from schemas.contract import Contract

FEW_NAMES = 12
"""Different values up to which a column under a heading of names may hold codes instead."""


def place_families(
    made: Assignment, families: Sequence[Family], pieces: Mapping[int, Piece], contract: Contract
) -> None:
    """Give each address and name its field; where two claim one field, the plainer wins and the other is in doubt."""
    claims: dict[str, list[tuple[float, Family, bool]]] = {}
    for family in families:
        name, doubtful = _field_of(family, contract)
        if name is not None and family.members:
            strength = (1.0 if family.sure else 0.6) - 0.3 * doubtful + (0.1 if family.role is not None else 0.0)
            claims.setdefault(name, []).append((strength, family, doubtful))
        if family.role == "property" and family.postcode is not None and "postcode" in contract.by_name:
            _decide_postcode(made, family, pieces[family.postcode])
    for name, claimed in claims.items():
        claimed.sort(key=lambda item: -item[0])
        strength, family, doubtful = claimed[0]
        made.families[name] = family
        rivals = [other for other in claimed[1:] if other[0] > strength - 0.15]
        for piece in family.members:
            _decide_piece(made, name, family, piece, doubtful=doubtful)
            if rivals:
                made.decisions[piece.column].doubt("another column could be meant as well")
        if name != "address" and name.endswith("address") and family.postcode is not None:
            _decide_piece(made, name, family, pieces[family.postcode], doubtful=doubtful)
            if not family.postcode_sure:
                made.decisions[family.postcode].doubt("it does not say whose postcode it is")


def _field_of(family: Family, contract: Contract) -> tuple[str | None, bool]:
    if family.kind == "address" and family.role in {None, "property"}:
        return ("address" if "address" in contract.by_name else None), False
    party = parties(contract.dataset).get(family.role or "nobody", {})
    name = party.get(family.kind)
    return (str(name) if name else None), bool(party.get("doubtful"))


def _decide_postcode(made: Assignment, family: Family, piece: Piece) -> None:
    decision = made.decisions[piece.column]
    made_of = made.profiles[piece.column]
    decision.field, decision.strength = "postcode", 0.9
    share = made_of.share("postcode")
    decision.evidence = f"The heading means 'postcode'; {percent(share)} of the values are postcodes."
    if made_of.blank:
        decision.evidence = "The heading means 'postcode'; nothing is written in the rows looked at."
    decision.sure = piece.said >= 0.8 and (made_of.blank or share >= 0.8)
    if not family.postcode_sure or not family.sure:
        decision.doubt("it does not say whose postcode it is")


def _decide_piece(made: Assignment, name: str, family: Family, piece: Piece, *, doubtful: bool) -> None:
    decision = made.decisions[piece.column]
    profile = made.profiles[piece.column]
    if profile.blank and len(family.members) > 1 and piece.element in {"title", "forename", "company", "second"}:
        return  # nothing to put together
    decision.field = name
    fits = 1.0 if piece.fits is None else piece.fits
    decision.strength = (piece.said or 0.8) * (0.5 + 0.5 * min(1.0, fits))
    title = registry.contract(made.dataset).by_name[name].title
    decision.evidence = _piece_evidence(piece, family, profile, title)
    decision.sure = (piece.said >= 0.8 or piece.said == 0.0) and fits >= 0.5
    if (
        piece.element == "whole"
        and piece.kind == "address"
        and len(family.members) == 1
        and fits < 0.7
        and piece.fits is not None
    ):
        decision.doubt("the values do not look like whole addresses")
    if piece.element == "location" and len(family.members) == 1 and fits < 0.8:
        decision.doubt("'location' may be an area instead of an address")
    if piece.kind == "name" and profile.distinct <= FEW_NAMES and profile.share("titled_name", "company") < 0.2:
        decision.doubt("the same few words come again and again, as codes do")
    if piece.element in {"name_and_address"}:
        decision.doubt("name and address stand in one cell")
    if piece.column in family.loose:
        decision.doubt("whose it is does not stand in the heading")
    if not family.sure:
        decision.doubt(family.why or "whose it is does not stand in the heading")
    if doubtful:
        decision.doubt("the heading names another party than the field does")
    if piece.element == "second" or (
        piece.kind == "name" and (piece.number or 1) > 1 and (piece.element == "whole" or made.dataset == "council_tax")
    ):
        decision.doubt("a second name may be another person's")


def _piece_evidence(piece: Piece, family: Family, profile: Profile, title: str) -> str:
    what = ELEMENT_WORDS[piece.element] if piece.kind == "address" or piece.element != "whole" else "name"
    said = (
        f"The heading means '{what}'"
        if piece.said
        else "It stands without a heading beside an address that was split over columns"
    )
    if profile.blank:
        seen = "nothing is written in the rows looked at"
    elif piece.kind == "name":
        share = max(profile.person, profile.share("one_word", "initials", "title"))
        seen = f"{percent(share)} of the values look like names"
    elif piece.element == "building_number":
        seen = f"{percent(profile.share('house_number'))} of the values are house numbers"
    elif piece.element == "postcode":
        seen = f"{percent(profile.share('postcode'))} of the values are postcodes"
    elif piece.element in {"whole", "location"} and profile.address > 0.3:
        seen = f"{percent(profile.address)} of the values look like whole addresses"
    else:
        share = max(profile.share("street", "flat_word", "letters_only"), profile.address)
        seen = f"{percent(share)} of the values look like a part of one"
    put = f"; with {len(family.members) - 1} other columns it makes up '{title}'" if len(family.members) > 1 else ""
    why = f"; {family.why}" if family.why else ""
    return f"{said}; {seen}{put}{why}."
