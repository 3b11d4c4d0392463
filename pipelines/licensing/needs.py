"""The rules' answers in an officer's words: which licence, why with the provision, and what evidence is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipelines.licensing.cases import PART_2_BEGAN, REFORM
from pipelines.licensing.exemptions import SELECTIVE_OPEN, empty
from pipelines.licensing.logic import Texts, joined
from pipelines.licensing.rules import Answers, answers
from schemas.scheme import Designation

MANDATORY_NOW = (
    "Five or more persons in two or more households: a mandatory HMO licence "
    "(Housing Act 2004 s.55(2)(a), s.61; SI 2018/221 art. 4)."
)
MANDATORY_BEFORE = (
    "Five or more persons in two or more households on three or more storeys: a mandatory HMO licence "
    "(Housing Act 2004 s.55(2)(a), s.61; SI 2006/371 art. 3, before 1 October 2018)."
)
ADDITIONAL = "An HMO of the size that the designation covers: an additional HMO licence (Housing Act 2004 s.56, s.61; "
ADDITIONAL_257 = (
    "A converted block under section 257 that the designation covers: an additional HMO licence "
    "(Housing Act 2004 s.56, s.257; "
)
SELECTIVE = "If it is let, and no HMO that Part 2 covers, it needs a selective licence (Housing Act 2004 s.80, s.85; "
ROOM = "A room is judged with the building it is in (Housing Act 2004 s.254(2))."
UNSETTLED = "The evidence does not settle whether a licence is needed (Housing Act 2004 s.55, s.61, s.85)."
NONE_BEFORE_2006 = "Parts 2 and 3 of the Housing Act 2004 were not in force before 6 April 2006."
NO_SCHEME = ", and no designation that covers it is in force on the day (Housing Act 2004 s.56, s.80)."
OUTSIDE_SELECTIVE = ", and outside selective licensing (Housing Act 2004 s.79; SI 2006/370 art. 2)."

NOBODY = "Nobody lives there, so that it is neither an HMO (Housing Act 2004 s.254) nor let (s.79(2))"
ONE_HOUSEHOLD = "One household is not an HMO (Housing Act 2004 s.254(2)(b), s.258)"
BLOCK = (
    "A block converted into self-contained flats is outside mandatory licensing, whatever its size "
    "(Housing Act 2004 s.257; SI 2018/221 art. 4, before 1 October 2018 SI 2006/371)"
)
FEWER = "Fewer than five persons are outside mandatory licensing (SI 2018/221 art. 4(a), before it SI 2006/371 art. 3)"
PURPOSE_BUILT = (
    "A purpose-built flat in a block of three or more self-contained flats is outside mandatory licensing "
    "(SI 2018/221 art. 4(c)(ii))"
)
STOREYS = "Before 1 October 2018 mandatory licensing began at three storeys of the HMO itself (SI 2006/371 art. 3)"
OTHERWISE = "It is outside mandatory licensing (Housing Act 2004 s.55(2)(a))"


def needed(cases: pd.DataFrame, designations: Sequence[Designation] = ()) -> pd.DataFrame:
    """Which licence each case needs on its day.

    `cases` has the column `on` and any of `CASE_DEFAULTS`. Returns, on the same index, `needed` (mandatory,
    additional, selective, none, cannot_tell), `needed_why` with the provision, `missing` (what evidence would settle
    what is open) and `excluded_why` (no HMO in law, and why; empty where it may be one).
    """
    found = answers(cases, designations)
    outside = found.exemption.outside.yes
    return pd.DataFrame(
        {
            "needed": found.needed,
            "needed_why": _why(found),
            "missing": _missing(found),
            "excluded_why": np.where(outside, _plus("Not an HMO: ", found.exemption.why, "."), "").astype(object),
        },
        index=cases.index,
    )


def _plus(*parts: Any) -> Texts:
    """Texts and columns of texts, joined row by row."""
    made: Any = ""
    for part in parts:
        made = made + (part if isinstance(part, str) else np.asarray(part, dtype=object))
    return np.asarray(made, dtype=object)


def _why(found: Answers) -> Texts:
    facts, choice = found.facts, found.needed
    reformed = (facts["on"] >= REFORM).to_numpy()
    block = (facts["form"] == "section_257").to_numpy()
    room = (facts["form"] == "room").to_numpy()
    additional = _plus(np.where(block, ADDITIONAL_257, ADDITIONAL), found.schemes.additional_ref, ").")
    mandatory = np.where(reformed, MANDATORY_NOW, MANDATORY_BEFORE)
    said = np.select(
        [room, choice == "mandatory", choice == "additional", choice == "selective", choice == "none"],
        [ROOM, mandatory, additional, _plus(SELECTIVE, found.schemes.selective_ref, ")."), _none(found)],
        UNSETTLED,
    ).astype(object)
    evidence = facts["evidence"].to_numpy(dtype=object)
    return np.where(evidence == "", said, _plus(said, " Evidence: ", evidence, ".")).astype(object)


def _none(found: Answers) -> Texts:
    """Why no licence is needed: the first rule that says so, and that no designation does otherwise."""
    facts = found.facts
    outside = found.exemption.outside.yes
    reformed = (facts["on"] >= REFORM).to_numpy()
    purpose_built = (facts["form"] == "flat_purpose_built").to_numpy() & reformed
    block = (facts["form"] == "section_257").to_numpy()
    reason = np.select(
        [
            outside,
            empty(facts),
            found.two_households.no,
            block,
            found.five.no,
            purpose_built,
            found.form_counts.no,
        ],
        [_plus("Not an HMO: ", found.exemption.why), NOBODY, ONE_HOUSEHOLD, BLOCK, FEWER, PURPOSE_BUILT, STOREYS],
        OTHERWISE,
    ).astype(object)
    ending = np.where(outside & found.schemes.outside_selective.yes, OUTSIDE_SELECTIVE, NO_SCHEME).astype(object)
    began = (facts["on"] >= PART_2_BEGAN).to_numpy()
    return np.where(began, _plus(reason, ending), NONE_BEFORE_2006).astype(object)


def _missing(found: Answers) -> Texts:
    """What evidence would settle what is open, joined by semicolons; empty where nothing is open."""
    facts, choice, is_open = found.facts, found.needed, found.open
    form, controller = facts["form"], facts["controller"]
    block = (form == "section_257").to_numpy()
    whole = is_open & ~block
    of_block = is_open & block
    before = (facts["on"] < REFORM).to_numpy()
    for_profit = (controller == "for_profit_provider").to_numpy() & facts["social_housing"].isna().to_numpy()
    owner = (controller == "owner_occupier").to_numpy() & facts["lodgers"].isna().to_numpy()
    unsaid = (controller == "unknown").to_numpy() & facts["let"].isna().to_numpy()
    unsure = form.isin(["flat_unknown", "unknown"]).to_numpy() & ~before
    wanted = [
        ((form == "room").to_numpy(), "the building that the room is in"),
        (whole & found.five.unknown, "how many persons live there"),
        (whole & found.two_households.unknown, "how many households they form"),
        (whole & unsure, "whether it is a purpose-built flat in a block of three or more"),
        (whole & before & facts["storeys"].isna().to_numpy(), "how many storeys the HMO itself has"),
        (is_open & found.schemes.ward_unknown, "whether the designation's area takes in this address"),
        (is_open & owner, "how many persons are not of the owner's household"),
        (
            of_block & facts["meets_building_standards"].isna().to_numpy(),
            "whether the conversion meets the building standards of section 257",
        ),
        (of_block & facts["owner_share"].isna().to_numpy(), "the share of flats that their owners live in"),
        (is_open & controller.isin(SELECTIVE_OPEN).to_numpy(), "whether the lettings are exempt from Part 3"),
        (is_open & for_profit, "whether it is social housing"),
        ((choice == "selective") & unsaid, "whether it is let, and by whom"),
    ]
    return joined(wanted, len(facts))
