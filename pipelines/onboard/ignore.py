"""Columns that no field wants: why, and whether somebody should look at that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.onboard.decision import Assignment, Decision
from pipelines.onboard.evidence import fit
from pipelines.onboard.families import Family
from pipelines.onboard.headings import Ignored, Knowledge, parties, roles_in
from pipelines.onboard.pieces import ELEMENT_WORDS, Piece
from schemas import registry
from schemas.contract import Contract

PARTIES = frozenset({"holder", "manager", "agent", "applicant", "liable", "complainant"})
PIECES_HOLD = {
    "name": frozenset({"name", "code", "text", "reference"}),
    "address": frozenset({"address", "name", "place", "text", "code", "number", "reference", "postcode"}),
}
"""What may stand under a heading that names a piece of a name or an address."""
PLACE_WORDS = frozenset({"address", "flat", "unit", "building", "street", "locality", "town", "postcode", "sao", "pao"})
SERIES = 8
"""Columns of one name and a number, from which on they are a series."""


def ignore_the_rest(
    made: Assignment, pieces: Mapping[int, Piece], families: Sequence[Family], known: Knowledge, contract: Contract
) -> None:
    """Say of every column without a field why it has none, and doubt that where its values look wanted."""
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
    _ignore_series(made)


def _ignore_series(made: Assignment) -> None:
    """Many columns of one name and a number are a series, and no field holds one: nobody need be asked about each."""
    alike: dict[tuple[str, ...], list[Decision]] = {}
    for decision in made.decisions:
        heading = made.headings[decision.column]
        stem = tuple(word for word in heading.words if not word.isdecimal())
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
        named = roles_in(made.headings[decision.column])
        wanted = any(piece.kind in parties(made.dataset).get(other, {}) for other in named)
        sure = piece.said >= 0.75 and not wanted and not _party_has_field(made, piece)
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
            sure=not open_ and not (best[0].endswith(("address", "_name")) and _may_be_a_piece(made, column)),
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
        told = "The heading is not known, and no open field could hold such values."
        _ignore(decision, 0.8, reason, told, sure=not _may_be_a_piece(made, column))


def _may_be_a_piece(made: Assignment, column: int) -> bool:
    """Whether a column under a heading that is not understood could be a piece of a name or an address, or a flag."""
    heading, profile = made.headings[column], made.profiles[column]
    sure = {d.field for d in made.decisions if d.sure and d.field}
    fields = registry.contract(made.dataset).fields
    if heading.set & PLACE_WORDS or any(parties(made.dataset).get(role) for role in roles_in(heading)):
        return True
    if profile.share("yes_no") > 0.9:
        return any(f.codes is not None and f.name not in sure for f in fields)
    place = max(profile.address, profile.share("street", "flat_word", "postcode"))
    if place > 0.5 and any(f.name.endswith("address") for f in fields):
        return True
    person = max(profile.person, profile.share("one_word", "initials", "title", "company"))
    open_name = any(f.name.endswith("_name") and f.name not in sure for f in fields)
    return person > 0.5 and (open_name or bool(heading.unknown))


def _could_want(made: Assignment, column: int, name: str) -> bool:
    """Whether a field could hold what stands in a column, or a piece of it."""
    profile = made.profiles[column]
    if name.endswith("_address") and max(profile.address, profile.share("postcode", "street")) > 0.5:
        return True
    found = made.fits.get((column, name))
    if found is None:
        return False
    coded = made.is_coded(name)
    return found.share >= (0.5 if coded else 0.75) and (coded or found.telling >= 0.1)


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
