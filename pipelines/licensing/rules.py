"""Which licence the law asks for: pure functions of a table of cases, every answer with its provision.

Mandatory licensing: Housing Act 2004 s.55(2)(a), s.61 with SI 2018/221 art. 4 since 1 October 2018 and SI 2006/371
art. 3 before. Additional licensing: s.55(2)(b), s.56. Selective licensing: s.79, s.80, s.85. Not HMOs: Schedule 14.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.licensing.cases import PART_2_BEGAN, REFORM, complete
from pipelines.licensing.exemptions import Exemption, outside_selective, schedule_14
from pipelines.licensing.logic import Answer, Mask, Texts, answer, at_least, certain, numbers, unless
from pipelines.licensing.schemes import coverage, in_force
from schemas.scheme import TWO_THIRDS, Designation

MANDATORY_PERSONS = 5
STOREYS_BEFORE_REFORM = 3


@dataclass(frozen=True)
class Answers:
    """The rules' answers for each case, before they become words."""

    facts: pd.DataFrame
    five: Answer
    two_households: Answer
    exemption: Exemption
    form_counts: Answer
    mandatory: Answer
    schemes: SchemeAnswers

    @property
    def needed(self) -> Texts:
        """mandatory, additional, selective, none or cannot_tell. A room is judged with its building."""
        mandatory, additional, selective = self.mandatory, self.schemes.additional, self.schemes.selective
        room = (self.facts["form"] == "room").to_numpy()
        return np.select(
            [room, mandatory.yes, additional.yes, selective.yes, self.open],
            ["cannot_tell", "mandatory", "additional", "selective", "cannot_tell"],
            "none",
        ).astype(object)

    @property
    def open(self) -> Mask:
        """Where some fact that is not known could change the answer."""
        mandatory, additional, selective = self.mandatory, self.schemes.additional, self.schemes.selective
        part_2 = (mandatory.unknown | additional.unknown) & ~mandatory.yes
        return part_2 | (selective.unknown & ~(mandatory.yes | additional.yes))


@dataclass(frozen=True)
class SchemeAnswers:
    """Whether a designation asks for a licence, which one it is, and where its area cannot be told."""

    additional: Answer
    selective: Answer
    outside_selective: Answer
    additional_ref: Texts
    selective_ref: Texts
    ward_unknown: Mask


def answers(cases: pd.DataFrame, designations: Sequence[Designation]) -> Answers:
    """The rules' answers for cases with a column `on` and any of `CASE_DEFAULTS`."""
    facts = complete(cases)
    floor = facts["occupants_at_least"].to_numpy(dtype=bool)
    five = at_least(facts["occupants"], MANDATORY_PERSONS, floor)
    # Fewer than two persons cannot form two households (s.254(2)(b), s.258).
    two_households = at_least(facts["households"], 2) & ~certain(at_least(facts["occupants"], 2, floor).no)
    exemption = schedule_14(facts, two_households)
    form_counts = _form_counts(facts)
    in_time = certain(facts["on"] >= PART_2_BEGAN)
    mandatory = in_time & two_households & ~exemption.outside & five & form_counts
    schemes = _schemes(facts, designations, two_households, exemption)
    return Answers(facts, five, two_households, exemption, form_counts, mandatory, schemes)


def _form_counts(facts: pd.DataFrame) -> Answer:
    """Whether the building's form and storeys are those of mandatory licensing on the day."""
    form = facts["form"]
    block = (form == "section_257").to_numpy()
    unsure = form.isin(["flat_unknown", "unknown"]).to_numpy()
    since = unless(block | (form == "flat_purpose_built").to_numpy(), ~unsure)
    before = at_least(facts["storeys"], STOREYS_BEFORE_REFORM) & certain(~block)
    reformed = certain(facts["on"] >= REFORM)
    return (reformed & since) | (~reformed & before)


def _schemes(
    facts: pd.DataFrame, designations: Sequence[Designation], two_households: Answer, exemption: Exemption
) -> SchemeAnswers:
    """What the designations ask for; the ones in force on the day, one after the other."""
    size = len(facts)
    found = {kind: certain(np.zeros(size)) for kind in ("additional", "selective")}
    refs = {kind: np.full(size, "", dtype=object) for kind in found}
    in_time, outside_3 = certain(facts["on"] >= PART_2_BEGAN), outside_selective(facts)
    ward_unknown = np.zeros(size, dtype=bool)
    places = coverage(designations, facts["ward_code"], facts["ward_name"])
    for designation, inside in zip(designations, places, strict=True):
        current = in_force(designation, facts["on"]) & in_time
        if designation.kind == "additional":
            described = _described(facts, designation, two_households, exemption)
        else:
            described = ~outside_3
        applies = current & inside & described
        found[designation.kind] |= applies
        ward_unknown |= inside.unknown & ~applies.no
        ref, days = refs[designation.kind], f"{designation.in_force_from} to {designation.in_force_until}"
        ref[applies.yes] = f"{designation.ref}, in force {days}"
    return SchemeAnswers(
        found["additional"], found["selective"], outside_3, refs["additional"], refs["selective"], ward_unknown
    )


def _described(facts: pd.DataFrame, designation: Designation, two_households: Answer, exemption: Exemption) -> Answer:
    """Whether a case is an HMO of the description of an additional designation (s.56(1), s.254, s.257)."""
    block = certain(facts["form"] == "section_257")
    floor = facts["occupants_at_least"].to_numpy(dtype=bool)
    persons = at_least(facts["occupants"], designation.min_persons, floor)
    households = two_households & at_least(facts["households"], max(designation.min_households, 2))
    share = numbers(facts["owner_share"])
    limit = min(designation.section_257_owner_share_below, TWO_THIRDS)
    few_owners = unless(share >= limit, share < limit)
    included = answer([designation.section_257] * len(facts))
    converted = included & ~answer(facts["meets_building_standards"]) & few_owners
    return ((~block & persons & households) | (block & converted)) & ~exemption.outside
