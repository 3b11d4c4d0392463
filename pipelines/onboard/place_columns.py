"""The best assignment of single columns to fields, all at once, and whether each may be relied upon."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from pipelines.onboard.decision import Assignment
from pipelines.onboard.evidence import Fit, fit
from pipelines.onboard.headings import Knowledge, Said, looks_like_value
from pipelines.onboard.pieces import is_of_pieces
from pipelines.onboard.profiles import Profile
from schemas import registry
from schemas.contract import Contract

AT_LEAST, AT_LEAST_UNSAID = 0.36, 0.2
"""A pair scored lower is no pair; a column without any heading may be placed by its values alone."""
BY_VALUES, BY_VALUES_NEEDED = 0.6, 0.85
"""The most that values alone can score, for any field and for one without which no row is used."""
SAYS_WHICH_DAY = 0.5
MAY_MEAN = 0.6
"""What a heading says of a field from which on codes under it may settle that it is meant."""
RIVAL = 0.12
"""Another column that scores less far behind is a rival, and then neither is relied upon."""
KEYS_OF_A_DATABASE = frozenset({"id", "guid", "uid", "key", "pk", "oid", "fid", "row id"})
"""A number that a person knows, or one that only the source's database does: such a heading does not tell."""
GENERIC = frozenset({"type", "status", "reason", "outcome", "code", "ref", "case", "scheme", "description"})
"""Words so general that a heading of nothing else says little about what its codes are."""


def place_columns(made: Assignment, columns: list[int], contract: Contract, known: Knowledge) -> None:
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
        by_heading *= 1.0 if _codes_settle(made.profiles[column], said, found) else 0.3
    if is_of_pieces(name, made.dataset) and by_heading < 0.8:
        by_heading *= 0.4
    gate = 1.0 if found.blank else _gate(found.share)
    if made.is_coded(name) and not found.blank and found.codes.share == 0 and set(heading.words) <= GENERIC:
        gate *= 0.45  # "Type" of codes that are none of the field's
    contract = registry.contract(made.dataset)
    needed = name in contract.key or name in contract.required
    by_values = 0.0 if found.blank else found.telling * found.share * (BY_VALUES_NEEDED if needed else BY_VALUES)
    speaks = bool(heading.words) and not looks_like_value(heading.text)
    if speaks and by_heading < SAYS_WHICH_DAY and contract.by_name[name].type == "date":
        by_heading = by_values = 0.0  # a register has many days, one like the other: only the heading says which it is
    if speaks:
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


def _codes_settle(profile: Profile, said: Said | None, found: Fit) -> bool:
    """Whether a heading that may mean a field does: "Type" of which most values are words for the field's codes.

    A number, a letter or a yes may be a code of anything.
    """
    if said is None or said.spare or said.score < MAY_MEAN:
        return False
    return found.codes.share >= 0.5 and profile.share("yes_no", "digits") <= 0.5


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
    if said is None or said.spare or made.headings[column].text.strip().lower() in KEYS_OF_A_DATABASE:
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
