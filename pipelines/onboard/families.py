"""Pieces that belong together: one address or one name, and whose it is where the headings do not say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.onboard.headings import parties
from pipelines.onboard.patterns import POSTCODE
from pipelines.onboard.pieces import Piece
from pipelines.onboard.profiles import Profile

NEAR = 3
CONCENTRATED = 0.6
SINGLE = frozenset(
    {"whole", "location", "street", "building_number", "building_name", "unit", "town", "locality", "suffix"}
)

PARTIAL = frozenset({"company", "title", "forename", "surname", "second"})


@dataclass
class Family:
    """The columns of one address or one name.

    `role` is whose it is ("property" for the property's own address); `sure` is whether
    that may be relied upon, `why` says it in words; `postcode` is the position of its
    postcode column; `loose` are columns that joined it without saying whose they are.
    """

    kind: str
    role: str | None
    members: list[Piece]
    sure: bool = True
    why: str = ""
    postcode: int | None = None
    postcode_sure: bool = True
    left_over: list[Piece] = field(default_factory=list)
    loose: set[int] = field(default_factory=set)

    @property
    def columns(self) -> list[int]:
        """Positions of its columns in the order in which they are put together."""
        return [piece.column for piece in sorted(self.members, key=lambda piece: piece.rank)]

    @property
    def first(self) -> int:
        """Position of its leftmost column."""
        return min((piece.column for piece in self.members), default=self.postcode or 0)

    @property
    def last(self) -> int:
        """Position of its rightmost column."""
        return max((piece.column for piece in self.members), default=self.postcode or 0)


def find_families(pieces: dict[int, Piece], profiles: Sequence[Profile], dataset: str) -> list[Family]:
    """Addresses and names of a file, each with whose it is."""
    names = _names(pieces, dataset)
    addresses = _addresses(pieces, profiles)
    _name_owners(addresses, names, profiles, dataset)
    _postcodes(addresses, names, pieces, profiles)
    return [*addresses, *names]


def _addresses(pieces: dict[int, Piece], profiles: Sequence[Profile]) -> list[Family]:
    found: list[Family] = []
    for piece in sorted(pieces.values(), key=lambda p: p.column):
        if piece.kind != "address" or piece.element in {"postcode", "county", "country"}:
            continue
        home = _home_of(piece, found, profiles)
        if home is None:
            found.append(Family("address", piece.role, [piece]))
        else:
            home.members.append(piece)
    return [_without_parts_of_a_whole(family, profiles) for family in found]


def _home_of(piece: Piece, found: Sequence[Family], profiles: Sequence[Profile]) -> Family | None:
    """The family that a piece joins: of the same party, and without such a piece yet; the nearest of several."""
    fitting = []
    for family in found:
        if family.role != piece.role:
            # "Licence holder address 1", "Address 2", "Address 3": only the first says whose.
            follows = piece.role is None and piece.column == family.last + 1 and piece.element == "lines"
            numbers = [p.number or 0 for p in family.members if p.element == "lines"]
            if not (follows and numbers and (piece.number or 0) == max(numbers) + 1):
                continue
        if _taken(piece, family, profiles):
            continue
        fitting.append((abs(family.last - piece.column), family))
    return min(fitting, key=lambda item: item[0])[1] if fitting else None


def _taken(piece: Piece, family: Family, profiles: Sequence[Profile]) -> bool:
    if any(p.again != piece.again for p in family.members) and piece.said != 0.0:
        return True
    if piece.element == "lines":
        if piece.said and any(p.element == "lines" and p.said and p.number == piece.number for p in family.members):
            return True
        return any(p.element == "whole" and profiles[p.column].address >= 0.6 for p in family.members) and bool(
            piece.said
        )
    same = any(p.element == piece.element for p in family.members)
    wholes = {"whole", "location"}
    both = piece.element in wholes and any(p.element in wholes for p in family.members)
    if both and not same:
        # "Address" and "Location": one address where the second is only a place, two where both are whole.
        other = next(p for p in family.members if p.element in wholes)
        return profiles[piece.column].address >= 0.5 and profiles[other.column].address >= 0.5
    return same and piece.element in SINGLE


def _without_parts_of_a_whole(family: Family, profiles: Sequence[Profile]) -> Family:
    """Where one column holds the whole address, its parts in other columns are not needed again."""
    whole = next(
        (p for p in family.members if p.element in {"whole", "location"} and profiles[p.column].address >= 0.7), None
    )
    if whole is None:
        return family
    repeated = [
        p for p in family.members
        if p is not whole and p.element in {"unit", "building_name", "building_number", "suffix", "street", "lines"}
        and _repeats(profiles[p.column], profiles[whole.column])
    ]  # fmt: skip
    if repeated:
        also = [p for p in family.members if p.element in {"locality", "town"} and p is not whole]
        repeated += [p for p in also if _repeats(profiles[p.column], profiles[whole.column])]
    family.left_over += repeated
    family.members = [p for p in family.members if p not in repeated]
    return family


def _repeats(part: Profile, whole: Profile) -> bool:
    """Whether a part's text stands in the whole address of the same row, nearly always."""
    if part.blank:
        return True
    frame = (
        pd.DataFrame({"part": part.texts.slice(0, 600).to_pandas(), "whole": whole.texts.slice(0, 600).to_pandas()})
        .dropna()
        .head(300)
    )
    if frame.empty:
        return False
    inside = [str(p).casefold() in str(w).casefold() for p, w in zip(frame["part"], frame["whole"], strict=True)]
    return float(np.mean(inside)) > 0.8


def _names(pieces: dict[int, Piece], dataset: str) -> list[Family]:
    found: list[Family] = []
    ordered = sorted(pieces.values(), key=lambda p: p.column)
    for piece in ordered:
        if piece.kind != "name":
            continue
        role = piece.role if piece.role != "property" else None
        adopted = False
        if role is None:
            before = [
                p
                for p in ordered
                if p.role not in {None, "property"} and 0 < piece.column - p.column <= 1 and p.kind == "name"
            ]
            following = [
                p
                for p in ordered
                if p.role not in {None, "property"} and p.kind == "name" and p.column - piece.column == 1
            ]
            near = before or (following if piece.element in {"title", "forename"} else [])
            role, adopted = (near[-1].role, True) if near else (None, False)
        home = next((f for f in found if f.role == role and not _same_piece(piece, f)), None)
        if home is None:
            found.append(Family("name", role, [piece], sure=not adopted))
        else:
            home.members.append(piece)
            ordered[ordered.index(piece)] = replace(piece, role=role)
    _join_loose_parts(found, dataset)
    return found


def _join_loose_parts(found: list[Family], dataset: str) -> None:
    """A company or a title of nobody's belongs to the one party whose name is wanted, if there is only one."""
    wanted = [f for f in found if f.role is not None and "name" in parties(dataset).get(f.role, {})]
    for family in [f for f in found if f.role is None and all(p.element in PARTIAL for p in f.members)]:
        if len(wanted) == 1 and not any(_same_piece(piece, wanted[0]) for piece in family.members):
            wanted[0].members += family.members
            wanted[0].loose |= {piece.column for piece in family.members}
            found.remove(family)


def _same_piece(piece: Piece, family: Family) -> bool:
    return any(
        p.element == piece.element and p.number == piece.number and p.again == piece.again for p in family.members
    ) or any(p.again != piece.again for p in family.members)


def _name_owners(addresses: list[Family], names: list[Family], profiles: Sequence[Profile], dataset: str) -> None:
    """Whose each address is. The property's is the one that says so, or the only one that no party claims."""
    explicit = [f for f in addresses if f.role == "property"]
    open_ = [f for f in addresses if f.role is None]
    if explicit:
        for extra in explicit[1:]:
            extra.sure = explicit[0].sure = False
            extra.why = explicit[0].why = "two columns could be the property's address"
        for family in open_:
            _give_to_party_before(family, names, addresses, dataset, sure=True)
        return
    if not open_:
        return
    if len(open_) == 1:
        only = open_[0]
        only.role, only.why = "property", "it is the only address that is nobody else's"
        spread = spread_of(only, profiles)
        only.sure = spread is None or spread >= CONCENTRATED
        if not only.sure:
            only.why = "it is the only address that is nobody else's, but its postcodes are spread widely"
        return
    scored = sorted(open_, key=lambda f: -_is_property(f, names, profiles))
    chosen = scored[0]
    chosen.role, chosen.sure = "property", False
    chosen.why = "of the addresses that say no owner it is the one whose postcodes lie together"
    for family in scored[1:]:
        _give_to_party_before(family, names, addresses, dataset, sure=False)


def _give_to_party_before(
    family: Family, names: list[Family], addresses: list[Family], dataset: str, *, sure: bool
) -> None:
    """An address beside a party's name is that party's; without one beside it nobody knows."""
    before = [f for f in names if 0 < family.first - f.last <= NEAR]
    nearest = min(before, key=lambda f: family.first - f.last, default=None)
    if nearest is None:
        family.role, family.sure, family.why = "unknown", False, "it does not say whose address it is"
        return
    role = nearest.role or (
        "holder" if "holder" in parties(dataset) else "liable" if "liable" in parties(dataset) else "unknown"
    )
    taken = any(other is not family and other.role == role for other in addresses)
    family.role = role
    family.sure = sure and family.first - nearest.last == 1 and nearest.role is not None and not taken
    family.why = "it stands beside the name of that party"


def _is_property(family: Family, names: list[Family], profiles: Sequence[Profile]) -> float:
    """How much a family looks like the property's: postcodes close together, addresses that differ, no name before."""
    spread = spread_of(family, profiles)
    unique = max(profiles[p.column].unique_share for p in family.members)
    after_name = any(0 < family.first - f.last <= 2 for f in names)
    location = any(p.element == "location" for p in family.members)
    return 2 * (spread if spread is not None else 0.7) + unique - 0.35 * after_name + 0.1 * location


def spread_of(family: Family, profiles: Sequence[Profile]) -> float | None:
    """Share of postcodes in the six commonest districts, 1 for a small place; None where there are too few to tell."""
    texts = [profiles[p.column].texts for p in family.members]
    if family.postcode is not None:
        texts = [profiles[family.postcode].texts]
    districts = pd.concat([pd.Series(_districts(text)) for text in texts], ignore_index=True).dropna()
    if len(districts) < 30:
        return None
    return float(districts.value_counts(normalize=True).head(6).sum())


def _districts(texts: pa.Array) -> list[str | None]:
    found = pc.extract_regex(pc.utf8_upper(texts), r"(?:^|[\s,])(?P<area>[A-Z]{1,2}\d[A-Z\d]?)\s*\d[A-Z]{2}[\s.,]*$")
    areas: list[str | None] = pc.struct_field(found, "area").to_pylist()
    return areas


def _postcodes(
    addresses: list[Family], names: list[Family], pieces: dict[int, Piece], profiles: Sequence[Profile]
) -> None:
    """Give each postcode column to its address."""
    columns = [
        p for p in sorted(pieces.values(), key=lambda p: p.column) if p.kind == "address" and p.element == "postcode"
    ]
    for piece in [p for p in columns if p.role is not None]:
        home = next((f for f in addresses if f.role == piece.role and f.postcode is None), None)
        if home is not None:
            home.postcode = piece.column
        else:
            addresses.append(Family("address", piece.role, [], postcode=piece.column, why="a postcode of its own"))
    for piece in [p for p in columns if p.role is None]:
        home, sure = _home_of_postcode(piece, addresses, profiles)
        if home is None:
            addresses.append(Family("address", "property" if sure else "unknown", [], sure, "", piece.column, sure))
        else:
            home.postcode, home.postcode_sure = piece.column, sure and home.sure


def _home_of_postcode(
    piece: Piece, addresses: Sequence[Family], profiles: Sequence[Profile]
) -> tuple[Family | None, bool]:
    open_ = [f for f in addresses if f.postcode is None and f.members]
    if not open_:
        return None, not any(f.role == "property" for f in addresses)
    if len(open_) == 1 and open_[0].role == "property":
        return open_[0], _agrees(piece, open_[0], profiles) is not False
    # An address that ends in another postcode of its own does not own this one; one that ends in this very one does.
    told = [(f, _agrees(piece, f, profiles)) for f in open_]
    same = [f for f, agrees in told if agrees]
    if same:
        return same[0], True
    without = [f for f, agrees in told if agrees is None]
    if not without:
        return None, False
    before = [f for f in without if 0 < piece.column - f.last <= 2]
    if before:
        nearest = max(before, key=lambda f: f.last)
        alone = len(without) == 1
        concentrated = (_spread(profiles[piece.column]) or 1.0) >= CONCENTRATED
        return nearest, alone or (nearest.role != "property" or concentrated)
    home = next((f for f in without if f.role == "property"), without[0])
    return home, len(without) == 1


def _spread(profile: Profile) -> float | None:
    districts = pd.Series(_districts(profile.texts)).dropna()
    return float(districts.value_counts(normalize=True).head(6).sum()) if len(districts) >= 30 else None


def _agrees(piece: Piece, family: Family, profiles: Sequence[Profile]) -> bool | None:
    """Whether a family's addresses end in the postcodes of a column: True, False, or None where they hold none."""
    mine = profiles[piece.column].texts
    for member in family.members:
        theirs = pc.struct_field(
            pc.extract_regex(profiles[member.column].texts, rf"(?s)(?P<code>{POSTCODE})[\s.,]*$"), "code"
        )
        both = pd.DataFrame({"a": _plain(mine), "b": _plain(theirs)}).dropna()
        if len(both) >= 3 and len(both) > 0.3 * max(1, profiles[member.column].filled):
            return bool((both["a"] == both["b"]).mean() > 0.7)
    return None


def _plain(texts: pa.Array) -> pd.Series:
    plain: pd.Series = pc.replace_substring_regex(pc.utf8_upper(texts), r"\s", "").to_pandas()
    return plain
