"""One best assignment of a file's columns to a dataset's fields, and how far each may be relied upon."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import linear_sum_assignment

from pipelines.onboard.dates import days
from pipelines.onboard.evidence import Fit, fit, percent
from pipelines.onboard.families import Family, find_families
from pipelines.onboard.headings import Ignored, Knowledge, Said, looks_like_value, parties
from pipelines.onboard.pieces import Piece, find_pieces, is_of_pieces
from pipelines.onboard.profiles import Profile
from pipelines.onboard.words import Heading, read
from schemas import registry
from schemas.contract import Contract, Privacy

AT_LEAST, AT_LEAST_UNSAID = 0.36, 0.2
"""A pair scored lower is no pair; a column without any heading may be placed by its values alone."""
BY_VALUES, BY_VALUES_NEEDED = 0.6, 0.85
PARTIES = frozenset({"holder", "manager", "agent", "applicant", "liable", "complainant"})
PIECES_HOLD = {
    "name": frozenset({"name", "code", "text", "reference"}),
    "address": frozenset({"address", "name", "place", "text", "code", "number", "reference", "postcode"}),
}
"""What may stand under a heading that names a piece of a name or an address."""
RIVAL = 0.12
SERIES = 8
GENERIC = frozenset({"type", "status", "reason", "outcome", "code", "ref", "case", "scheme", "description"})
"""Words so general that a heading of nothing else says little about what its codes are."""
SPANS = (
    ("commencement_date", "expiry_date"), ("liability_start", "liability_end"), ("received_date", "closed_date"),
    ("received_date", "decision_date"), ("effective_from", "effective_until"), ("start_date", "end_date"),
    ("in_force_from", "in_force_until"), ("social_from", "social_until"), ("certificate_date", "lodgement_date"),
    ("made_date", "in_force_from"), ("received_date", "known_since"), ("visit_date", "known_since"),
    ("event_date", "known_since"), ("received_date", "effective_from"),
)  # fmt: skip
NOT_MORE = (
    ("max_households", "max_persons"), ("households", "occupants"), ("surnames", "electors"),
    ("joined_12_months", "electors"), ("benefit_private_rent_claims", "benefit_claims"),
    ("min_households", "min_persons"),
)  # fmt: skip


@dataclass
class Decision:
    """What becomes of one column: the field it feeds or why none, how strong that is, and whether to rely on it."""

    column: int
    field: str | None = None
    strength: float = 0.0
    sure: bool = False
    evidence: str = ""
    reason: str = ""
    privacy: Privacy = "none"
    doubts: list[str] = dataclasses.field(default_factory=list)

    def doubt(self, sentence: str) -> None:
        """Take back that it may be relied upon, and say why."""
        self.sure = False
        if sentence not in self.doubts:
            self.doubts.append(sentence)


@dataclass
class Assignment:
    """All decisions about a file for one dataset, in the order of its columns."""

    dataset: str
    headings: list[Heading]
    profiles: list[Profile]
    decisions: list[Decision]
    families: dict[str, Family]
    fits: dict[tuple[int, str], Fit]
    says: list[dict[str, Said]]
    scores: dict[tuple[int, str], float] = dataclasses.field(default_factory=dict)

    def columns_of(self, name: str) -> list[int]:
        """Positions of the columns that feed a field."""
        return [d.column for d in self.decisions if d.field == name]

    def alternatives(self, column: int) -> list[str]:
        """Fields that a column could feed besides, the likeliest first."""
        mine = self.decisions[column].field
        scored = [(score, name) for (place, name), score in self.scores.items() if place == column and name != mine]
        return [name for score, name in sorted(scored, reverse=True) if score > 0.15][:4]


def assign(profiles: Sequence[Profile], dataset: str, known: Knowledge) -> Assignment:
    """Assign the columns of a file to the fields of a dataset."""
    contract = registry.contract(dataset)
    headings = [read(profile.name) for profile in profiles]
    pieces = find_pieces(headings, profiles, dataset, known)
    made = Assignment(
        dataset, headings, list(profiles), [Decision(n) for n in range(len(profiles))], {}, {},
        [known.says(heading, dataset) for heading in headings],
    )  # fmt: skip
    families = find_families(pieces, profiles, dataset)
    _place_families(made, families, pieces, contract)
    settled = {d.column for d in made.decisions if d.field is not None} | set(pieces)
    _place_columns(made, [n for n in range(len(profiles)) if n not in settled], contract, known)
    _ignore_the_rest(made, pieces, families, known, contract)
    _ignore_series(made)
    _check_order(made)
    _classify(made, pieces, contract)
    return made


def _place_families(
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
    if piece.element in {"name_and_address"}:
        decision.doubt("name and address stand in one cell")
    if piece.column in family.loose:
        decision.doubt("whose it is does not stand in the heading")
    if not family.sure:
        decision.doubt(family.why or "whose it is does not stand in the heading")
    if doubtful:
        decision.doubt("the heading names another party than the field does")
    if piece.element == "second" or (
        piece.kind == "name" and (piece.number or 1) > 1 and made.dataset == "council_tax"
    ):
        decision.doubt("a second name may be another person's")


ELEMENT_WORDS = {
    "whole": "address", "lines": "line of an address", "location": "location", "unit": "flat or room",
    "building_name": "name of a building", "building_number": "house number", "suffix": "suffix of a house number",
    "street": "street", "locality": "locality", "town": "town", "postcode": "postcode", "county": "county",
    "country": "country", "title": "title", "forename": "first name or initial", "surname": "surname",
    "company": "company", "second": "second name", "name_and_address": "name and address",
}  # fmt: skip


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


def _place_columns(made: Assignment, columns: list[int], contract: Contract, known: Knowledge) -> None:
    """The best assignment of the remaining columns to the remaining fields, all at once."""
    taken = {d.field for d in made.decisions}
    fields = [f for f in contract.fields if f.name not in taken]
    if not columns or not fields:
        return
    scores = np.zeros((len(columns), len(fields)))
    for row, column in enumerate(columns):
        for place, target in enumerate(fields):
            found = fit(made.profiles[column], target, known)
            made.fits[column, target.name] = found
            made.scores[column, target.name] = scores[row, place] = _score(made, column, target.name, found, known)
    rows, places = linear_sum_assignment(-scores)
    chosen = {}
    for row, place in zip(rows, places, strict=True):
        column = columns[row]
        least = AT_LEAST if made.headings[column].words else AT_LEAST_UNSAID
        if scores[row, place] >= least:
            chosen[column] = fields[place].name
            made.decisions[column].strength = float(scores[row, place])
    for column, name in chosen.items():
        made.decisions[column].field = name
    for column, name in chosen.items():
        _decide_column(made, column, name, scores, columns, [f.name for f in fields], known, chosen)


def _score(made: Assignment, column: int, name: str, found: Fit, known: Knowledge) -> float:
    heading = made.headings[column]
    said = made.says[column].get(name)
    ignored = known.ignored(heading, made.dataset)
    by_heading = said.score if said else 0.0
    if ignored is not None and ignored.score > by_heading + 0.02 and not (said and said.outright):
        by_heading *= 0.3
    if is_of_pieces(name, made.dataset) and by_heading < 0.8:
        by_heading *= 0.4
    gate = 1.0 if found.blank else _gate(found.share)
    if _is_coded(made, name) and not found.blank and found.codes.share == 0 and set(heading.words) <= GENERIC:
        gate *= 0.45  # "Type" of codes that are none of the field's
    contract = registry.contract(made.dataset)
    needed = name in contract.key or name in contract.required
    by_values = 0.0 if found.blank else found.telling * found.share * (BY_VALUES_NEEDED if needed else BY_VALUES)
    if heading.words and not looks_like_value(heading.text):
        # A heading that plainly says something else outweighs values that happen to fit.
        best = max((s.score for other, s in made.says[column].items() if other != name), default=0.0)
        if ignored is not None:
            best = max(best, ignored.score)
        if best >= 0.75 and by_heading < 0.3:
            best_fit = max(
                (fit(made.profiles[column], registry.contract(made.dataset).by_name[o], known).share
                 for o, s in made.says[column].items() if s.score >= 0.75), default=1.0)  # fmt: skip
            by_values *= 0.5 if best_fit >= 0.5 or best_fit < 0 else 1.0
    bonus = 0.06 * found.telling * max(found.share, 0.0) + 0.02 * made.profiles[column].filled_share
    return float(max(by_heading * gate + (bonus if by_heading else 0.0), by_values))


def _gate(share: float) -> float:
    if share >= 0.9:
        return 1.0
    return 0.55 + 0.45 * (share - 0.5) / 0.4 if share >= 0.5 else 0.25


def _decide_column(
    made: Assignment,
    column: int,
    name: str,
    scores: npt.NDArray[np.float64],
    columns: Sequence[int],
    fields: Sequence[str],
    known: Knowledge,
    chosen: Mapping[int, str],
) -> None:
    decision = made.decisions[column]
    found, said = made.fits[column, name], made.says[column].get(name)
    decision.evidence = _evidence(made, column, name, said, found, known)
    row, place = columns.index(column), fields.index(name)
    mine = float(scores[row, place])
    decision.sure = _may_be_relied_upon(made, column, name, said, found, scores, columns, place)
    if found.against:
        decision.doubt("the values speak against it")
    elif 0 <= found.share < 0.75:
        decision.doubt("only a part of the values fits")
    if not _plainly(said) and any(
        scores[row, other] > mine - RIVAL
        for other in range(len(fields))
        if other != place and not _taken_plainly(made, fields[other])
    ):
        decision.doubt("it could feed another field as well")
    for other, rival in enumerate(columns):
        if other == row or scores[other, place] <= mine - RIVAL / 2:
            continue
        elsewhere = chosen.get(rival)
        if elsewhere is not None and _plainly(made.says[rival].get(elsewhere)):
            continue  # the other column says plainly that it is something else
        if not (_plainly(said) and not _plainly(made.says[rival].get(name))):
            decision.doubt("another column could be meant as well")
    if made.profiles[column].dates.ambiguous and registry.contract(made.dataset).by_name[name].type == "date":
        decision.evidence += " No value tells day from month."


def _taken_plainly(made: Assignment, name: str) -> bool:
    """Whether another column feeds a field and says so outright."""
    return any(_plainly(made.says[column].get(name)) for column in made.columns_of(name))


def _plainly(said: Said | None) -> bool:
    return said is not None and said.outright


def _may_be_relied_upon(
    made: Assignment,
    column: int,
    name: str,
    said: Said | None,
    found: Fit,
    scores: npt.NDArray[np.float64],
    columns: Sequence[int],
    place: int,
) -> bool:
    """Heading and values agree on one field: said outright, or said by half and the values tell the rest."""
    if said is None or said.spare:
        return False
    if said.outright:
        return found.blank or found.share >= 0.75
    if found.blank or said.score < 0.7:
        return False
    row = columns.index(column)
    alone = not any(scores[other, place] > 0.3 for other in range(len(columns)) if other != row)
    target = registry.contract(made.dataset).by_name[name]
    if target.name.endswith("_ref"):
        return alone and found.share >= 0.9 and made.profiles[column].unique_share > 0.9
    if target.codes is not None:
        return alone and found.codes.share >= 0.9 and found.codes.distinct >= 2 and found.telling >= 0.6
    if target.name == "uprn":
        return alone and found.telling >= 0.8 and found.share > 0.9
    return False


def _evidence(made: Assignment, column: int, name: str, said: Said | None, found: Fit, known: Knowledge) -> str:
    title = registry.contract(made.dataset).by_name[name].title.lower()
    if said is None:
        heading = "The heading does not say it"
    elif said.outright:
        heading = f"The heading means '{title}'"
    elif said.spare:
        heading = f"The heading is like '{title}', but not all of it is understood"
    else:
        heading = f"The heading may mean '{title}'"
    others = known.others(made.headings[column], made.dataset)
    if others.get(name):
        times = others[name]
        heading += f", as in {times} other mapping{'s' if times > 1 else ''}"
    return f"{heading}; {found.words}."


def _ignore_the_rest(
    made: Assignment, pieces: Mapping[int, Piece], families: Sequence[Family], known: Knowledge, contract: Contract
) -> None:
    for decision in made.decisions:
        if decision.field is not None:
            continue
        heading, profile = made.headings[decision.column], made.profiles[decision.column]
        ignored = known.ignored(heading, made.dataset)
        piece = pieces.get(decision.column)
        learned = known.others(heading, made.dataset)
        if profile.blank and not heading.words:
            _ignore(decision, 0.99, "never filled", "The heading is blank and nothing is written under it.", sure=True)
        elif piece is not None:
            _ignore_piece(made, decision, piece, families)
        elif learned and set(learned) == {""}:
            reason = known.reasons.get(made.dataset, {}).get(heading.words) or (
                ignored.reason if ignored else "not needed"
            )
            told = f"{sum(learned.values())} other mapping{'s' if sum(learned.values()) > 1 else ''}"
            _ignore(decision, 0.97, reason, f"No field wants it ({reason}), as in {told}.", sure=True)
            decision.privacy = ignored.privacy if ignored else "none"
        elif ignored is not None and ignored.score >= 0.72:
            best = max((said.score for said in made.says[decision.column].values()), default=0.0)
            filled = {d.field for d in made.decisions if d.sure and d.field}
            meant = any(s.score >= 0.6 and n not in filled for n, s in made.says[decision.column].items())
            sure = ignored.score >= 0.9 and best < 1.0 and not (meant and best > ignored.score - 0.35)
            _ignore(
                decision,
                ignored.score,
                ignored.reason,
                f"The heading says what no field wants: {ignored.reason}.",
                sure=sure,
            )
            decision.privacy = ignored.privacy
        else:
            _ignore_unknown(made, decision, ignored)
        _doubt_by_values(made, decision, ignored, piece, contract, known)


def _ignore_series(made: Assignment) -> None:
    """Many columns of one name and a number are a series, and no field holds one: nobody need be asked about each."""
    alike: dict[tuple[str, ...], list[Decision]] = {}
    for decision in made.decisions:
        heading = made.headings[decision.column]
        stem = tuple(word for word in heading.words if not word.isdigit())
        if (decision.field is None and stem and heading.number is not None) or len(heading.words) > len(stem):
            alike.setdefault(stem, []).append(decision)
    for series in alike.values():
        if len(series) >= SERIES:
            for decision in [d for d in series if d.field is None and not d.sure]:
                told = f"It is one of {len(series)} columns of that name with a number, and no field holds a series."
                _ignore(decision, 0.85, "one of a series", told, sure=True)


def _ignore(decision: Decision, strength: float, reason: str, evidence: str, *, sure: bool) -> None:
    decision.strength, decision.reason, decision.evidence, decision.sure = strength, reason, evidence, sure


def _ignore_piece(made: Assignment, decision: Decision, piece: Piece, families: Sequence[Family]) -> None:
    profile = made.profiles[decision.column]
    family = next(
        (
            f
            for f in families
            if piece.column in {p.column for p in (*f.members, *f.left_over)} or f.postcode == piece.column
        ),
        None,
    )
    if profile.blank:
        _ignore(decision, 0.9, "never filled", "Nothing is written under it in the rows looked at.", sure=True)
    elif piece.element in {"county", "country"}:
        same = "the same in every row" if profile.constant else "the postcode says it"
        _ignore(decision, 0.85, same, f"It is the {piece.element}, which no field needs.", sure=profile.constant)
    elif family is not None and piece in family.left_over:
        _ignore(
            decision,
            0.7,
            "stands in the address already",
            "Its text stands in the address of the same row already.",
            sure=False,
        )
    elif piece.role in {None, "property", "unknown"} or (family is not None and family.role == "unknown"):
        what = "address" if piece.kind == "address" else "name"
        _ignore(
            decision,
            0.4,
            f"a second {what}; whose it is, the heading does not say",
            f"It is {_a(ELEMENT_WORDS[piece.element])}, but whose it is does not stand in the heading.",
            sure=False,
        )
    else:
        role = "party" if piece.role == "joint" else str(piece.role)
        reason = "names staff" if role == "officer" else f"personal data of the {role}, which has no field"
        sure = piece.said >= 0.75 and not _party_has_field(made, piece)
        _ignore(
            decision,
            0.9,
            reason,
            f"It is {_a(ELEMENT_WORDS[piece.element] if piece.element != 'whole' else piece.kind)} of the {role}, "
            "and no field wants it.",
            sure=sure,
        )


def _a(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"


def _party_has_field(made: Assignment, piece: Piece) -> bool:
    return piece.kind in parties(made.dataset).get(piece.role or "", {})


def _ignore_unknown(made: Assignment, decision: Decision, ignored: Ignored | None) -> None:
    """A heading that nobody knows: ignored, and in doubt as long as an open field could want what stands there."""
    column = decision.column
    filled = {d.field for d in made.decisions if d.sure and d.field}
    open_ = [
        name
        for name in registry.contract(made.dataset).by_name
        if name not in filled and _could_want(made, column, name)
    ]
    best = max(made.says[column].items(), key=lambda item: item[1].score, default=None)
    already = best is not None and best[1].score >= 0.6 and best[0] in filled
    if made.profiles[column].blank:
        _ignore(
            decision,
            0.8,
            "never filled",
            "Nothing is written under it in the rows looked at, and the heading is not known.",
            sure=best is None or best[1].score < 0.6,
        )
    elif best is not None and best[1].score >= 0.6 and not already:
        name = registry.contract(made.dataset).by_name[best[0]].title.lower()
        found = made.fits.get((column, best[0]))
        told = found.words if found is not None else "another column feeds that"
        _ignore(decision, 0.4, "not understood", f"The heading is like '{name}', but {told}.", sure=False)
    elif already and best is not None:
        name = registry.contract(made.dataset).by_name[best[0]].title.lower()
        _ignore(
            decision,
            0.8,
            "another column says it better",
            f"The heading is like '{name}', which another column gives more plainly.",
            sure=not open_,
        )
        if open_:  # of two columns that could both be meant, neither may be relied upon
            for winner in made.decisions:
                if winner.field == best[0]:
                    winner.doubt("another column could be meant as well")
    elif open_:
        _ignore(
            decision,
            0.45,
            "not known",
            "The heading is not known, and a field without a source could want such values.",
            sure=False,
        )
    else:
        reason = ignored.reason if ignored is not None and ignored.score >= 0.6 else "no field holds it"
        _ignore(decision, 0.8, reason, "The heading is not known, and no open field could hold such values.", sure=True)


def _could_want(made: Assignment, column: int, name: str) -> bool:
    """Whether a field could hold what stands in a column."""
    found = made.fits.get((column, name))
    if found is None:
        return False
    coded = _is_coded(made, name)
    return found.share >= (0.5 if coded else 0.75) and (coded or found.telling >= 0.1)


def _is_coded(made: Assignment, name: str) -> bool:
    return registry.contract(made.dataset).by_name[name].codes is not None


def _doubt_by_values(
    made: Assignment,
    decision: Decision,
    ignored: Ignored | None,
    piece: Piece | None,
    contract: Contract,
    known: Knowledge,
) -> None:
    """A column to be ignored whose values are not what the heading promises, or what an open field wants."""
    filled = {d.field for d in made.decisions if d.field} - {d.field for d in made.decisions if not d.sure}
    profile = made.profiles[decision.column]
    expected = (
        ignored.holds if ignored is not None and piece is None else PIECES_HOLD.get(piece.kind) if piece else None
    )
    if expected and profile.kind not in {*expected, "blank", "constant"}:
        decision.doubt(f"the values are of another kind ({profile.kind}) than the heading says")
    role = set(made.headings[decision.column].words)
    for name, good in (
        ("uprn", profile.share("uprn_12") > 0.8),
        ("postcode", profile.share("postcode") > 0.8),
        ("address", profile.address > 0.8),
    ):
        anothers = role & PARTIES and name != "uprn" and any(d.field == name for d in made.decisions)
        if good and name in contract.by_name and name not in filled and not anothers:
            decision.doubt(f"the values look like what '{contract.by_name[name].title}' waits for")
    for target in contract.fields:
        if target.name in filled:
            continue
        if target.type == "date" and target.name in contract.required and profile.kind == "date":
            decision.doubt(f"the values are dates, and '{target.title}' waits for one")
        if target.codes is not None and profile.share("yes_no", "digits") <= 0.5:
            listed = fit(profile, target, known).codes
            if listed.share >= 0.9 and listed.distinct >= 2:
                decision.doubt(f"the values are codes that '{target.title}' waits for")


def _check_order(made: Assignment) -> None:
    """Ends before starts and more households than persons say that two columns were taken for each other."""
    for pairs, dated in ((SPANS, True), (NOT_MORE, False)):
        for first, second in pairs:
            one, two = made.columns_of(first), made.columns_of(second)
            if len(one) == len(two) == 1:
                share = _in_order(made.profiles[one[0]], made.profiles[two[0]], dated=dated)
                unsaid = all(n not in made.says[c] for c, n in ((one[0], first), (two[0], second)))
                if dated and unsaid and share is not None and share < 0.2:
                    made.decisions[one[0]].field, made.decisions[two[0]].field = second, first
                    continue
                if share is not None and share < 0.8:
                    for column in (one[0], two[0]):
                        made.decisions[column].doubt(
                            f"in {percent(1 - share)} of the rows '{first}' would be "
                            f"{'later' if dated else 'more'} than '{second}'"
                        )


def _in_order(first: Profile, second: Profile, *, dated: bool) -> float | None:
    frame = pd.DataFrame({"a": first.texts.to_pandas(), "b": second.texts.to_pandas()}).dropna()
    if dated:
        a, b = days(frame["a"], first.dates), days(frame["b"], second.dates)
    else:
        a, b = (pd.to_numeric(frame[side].str.replace(",", ""), errors="coerce") for side in ("a", "b"))
    both = a.notna() & b.notna()
    return float((a[both] <= b[both]).mean()) if both.sum() >= 5 else None


def _classify(made: Assignment, pieces: Mapping[int, Piece], contract: Contract) -> None:
    """The privacy class of every column, by its field, else by its heading, else by what its values look like."""
    for decision in made.decisions:
        profile = made.profiles[decision.column]
        piece = pieces.get(decision.column)
        if decision.field is not None:
            decision.privacy = contract.by_name[decision.field].privacy
            continue
        if (
            profile.share("email", "phone") > 0.5
            or (profile.person > 0.6 and (profile.unique_share > 0.3 or profile.distinct > 30))
            or profile.share("titled_name") > 0.1
            or (piece is not None and (piece.kind == "name" or piece.role not in {None, "property"}))
        ):
            decision.privacy = "direct"
        elif decision.privacy == "none" and profile.free_text:
            decision.privacy = "special"
        elif decision.privacy == "none" and (
            profile.address > 0.5
            or profile.share("postcode") > 0.5
            or profile.share("uprn_12") > 0.5
            or piece is not None
        ):
            decision.privacy = "indirect"
