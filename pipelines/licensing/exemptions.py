"""Who is outside: Schedule 14 of the Housing Act 2004 (not HMOs), and lettings that selective licensing leaves out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.licensing.logic import Answer, Mask, Texts, answer, at_least, certain, numbers, unless

PRESCRIBED_LODGERS = 2
"""Persons besides the owner's household that leave a home outside (SI 2006/373 reg. 6(2) with Sch. 14 para. 6)."""

SCHEDULE_14 = {
    "local_authority": "managed or controlled by a local housing authority (Housing Act 2004 Sch. 14 para. 2(1)(a))",
    "registered_provider": "managed or controlled by a non-profit registered provider of social housing "
    "(Housing Act 2004 Sch. 14 para. 2(1)(b))",
    "other_public": "managed or controlled by a police, fire and rescue or health service body "
    "(Housing Act 2004 Sch. 14 para. 2(1))",
    "for_profit_provider": "social housing of a profit-making registered provider (Housing Act 2004 Sch. 14 para. 2A)",
    "cooperative": "managed or controlled by a co-operative society of its occupiers "
    "(Housing Act 2004 Sch. 14 para. 2B)",
    "regulated": "regulated by another enactment, such as a care home "
    "(Housing Act 2004 Sch. 14 para. 3, SI 2006/373 Sch. 1)",
    "education": "student accommodation managed by a specified educational establishment "
    "(Housing Act 2004 Sch. 14 para. 4)",
    "religious": "occupied for the purposes of a religious community (Housing Act 2004 Sch. 14 para. 5)",
}
OWNERS = "occupied only by its owner's household and at most two others (Housing Act 2004 Sch. 14 para. 6)"
TWO_PERSONS = "occupied by two persons who form two households (Housing Act 2004 Sch. 14 para. 7)"
NOT_FOR_BLOCKS = ("religious",)
"""Paragraphs 5 and 6 do not apply to converted blocks under section 257."""

SELECTIVE_EXEMPT = (
    "local_authority",
    "registered_provider",
    "other_public",
    "for_profit_provider",
    "regulated",
    "education",
)
"""Lettings outside Part 3: s.79(3) for registered providers, SI 2006/370 art. 2 for the others."""
SELECTIVE_OPEN = ("cooperative", "religious")
"""Outside Part 2 by Schedule 14, but neither named in s.79(3) nor in SI 2006/370: the lettings decide."""


@dataclass(frozen=True)
class Exemption:
    """Whether each case is outside Part 2, and the words why, empty where it is not."""

    outside: Answer
    why: Texts


def schedule_14(cases: pd.DataFrame, two_households: Answer) -> Exemption:
    """Which cases are not HMOs by Schedule 14."""
    controller = cases["controller"]
    block = (cases["form"] == "section_257").to_numpy()
    named = controller.isin(list(SCHEDULE_14)).to_numpy() & ~(controller.isin(NOT_FOR_BLOCKS).to_numpy() & block)
    by_body = certain(named) & _social_if_for_profit(cases)

    owner = (controller == "owner_occupier").to_numpy() & ~block
    lodgers = numbers(cases["lodgers"])
    too_many = lodgers > PRESCRIBED_LODGERS
    by_owner = certain(owner) & unless(too_many, (lodgers <= PRESCRIBED_LODGERS) | two_households.no)

    floor = cases["occupants_at_least"].to_numpy(dtype=bool)
    two = at_least(cases["occupants"], 2, floor) & ~at_least(cases["occupants"], 3, floor)
    by_number = two & two_households & certain(~block)

    outside = by_body | by_owner | by_number
    why = np.select(
        [by_owner.yes, by_body.yes, by_number.yes],
        [OWNERS, controller.map(SCHEDULE_14).fillna("").to_numpy(dtype=object), TWO_PERSONS],
        "",
    )
    return Exemption(outside, why.astype(object))


def _social_if_for_profit(cases: pd.DataFrame) -> Answer:
    """A profit-making provider counts only for its social housing."""
    for_profit = (cases["controller"] == "for_profit_provider").to_numpy()
    return certain(~for_profit) | answer(cases["social_housing"])


def outside_selective(cases: pd.DataFrame) -> Answer:
    """Whether a case is outside Part 3 whatever the ward: not let, or let by an exempt body.

    An unknown letting is taken for let, since the question is what a let property would need.
    """
    controller = cases["controller"]
    exempt = certain(controller.isin(SELECTIVE_EXEMPT)) & _social_if_for_profit(cases)
    # The owner lives there: the house is not wholly let (s.79(2)), or shared with the landlord (SI 2006/370 art. 2).
    not_let = (controller == "owner_occupier").to_numpy() | answer(cases["let"]).no
    block = (cases["form"] == "section_257").to_numpy()  # its flats are judged one by one
    undecided = controller.isin(SELECTIVE_OPEN).to_numpy()
    return exempt | certain(not_let | empty(cases) | block) | unless(~undecided, np.zeros(len(cases), dtype=bool))


def empty(cases: pd.DataFrame) -> Mask:
    """Where nobody is known to live."""
    nobody = numbers(cases["occupants"]) == 0
    return np.asarray(nobody & ~cases["occupants_at_least"].to_numpy(dtype=bool), dtype=bool)
