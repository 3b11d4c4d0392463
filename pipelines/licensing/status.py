"""Whether the licence that is needed is held: the register's state beside the rules' answer. Never says "guilty"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from pipelines.licensing.cases import REFORM, as_days, complete
from pipelines.licensing.logic import Mask, Texts, joined
from pipelines.licensing.register import application_state, licence_state

STALE_APPLICATION_DAYS = 365
"""Working rule: an application undecided for longer is asked about."""
TYPE_WORDS = {
    "mandatory": "Mandatory HMO licence",
    "additional": "Additional HMO licence",
    "selective": "Selective licence",
}


def status(
    cases: pd.DataFrame, needs: pd.DataFrame, licences: pd.DataFrame, applications: pd.DataFrame
) -> pd.DataFrame:
    """What is held, applied for or exempt for each case on its day.

    `cases` is indexed by UPRN, `needs` is what `rules.needed` returned for it; `licences` and `applications` have a
    column `uprn` and the columns of their contracts. Returns `status`, `status_why` and `status_missing` on the index
    of `cases`. A mandatory and an additional licence are both licences under Part 2 and stand for each other; a Part 2
    licence is accepted where the evidence would ask only for a selective one, since that evidence is the likelier to
    be wrong. A selective licence from before 1 October 2018 counts as a mandatory one (SI 2018/221 art. 5).
    """
    facts = complete(cases)
    register = licence_state(licences, facts["on"]).join(application_state(applications, facts["on"]))
    wants = needs["needed"].to_numpy(dtype=object)
    part_2, part_3 = np.isin(wants, ["mandatory", "additional"]), wants == "selective"
    has_2, has_3 = _has(register, "part2_current"), _has(register, "part3_current")
    old = register["part3_before_reform"].eq(True).to_numpy()
    carried = has_3 & old & (wants == "mandatory") & (facts["on"] >= REFORM).to_numpy()
    by_2 = has_2
    by_3 = has_3 & ~has_2 & (~part_2 | carried)
    over = by_2 & _over(facts, register)
    exempt = np.where(part_2, _has(register, "exempt2_until"), _has(register, "exempt3_until"))
    pending_2, pending_3 = _has(register, "pending2_application_kind"), _has(register, "pending3_application_kind")
    pending = np.where(part_2, pending_2, np.where(part_3, pending_3 | pending_2, pending_2 | pending_3))
    wrong = part_2 & has_3 & ~carried
    expired = register["past_kind"].eq("expired").to_numpy()
    masks = [over, by_2, by_3, exempt.astype(bool), pending.astype(bool), wrong, expired]
    codes = ["over_occupied", "held", "held", "temporary_exemption", "pending", "wrong_type", "expired"]
    why = _why(register, part_2, carried, masks)
    return pd.DataFrame(
        {
            "status": np.select(masks, codes, "none").astype(object),
            "status_why": why,
            "status_missing": _missing(facts, register, masks, pending_2),
        },
        index=cases.index,
    )


def _has(register: pd.DataFrame, column: str) -> Mask:
    """Where the column is filled."""
    return np.asarray(register[column].notna(), dtype=bool)


def _over(facts: pd.DataFrame, register: pd.DataFrame) -> Mask:
    """More persons or households than the licence permits (s.72(2)), by a count that is not a mere lower bound."""
    counted = ~facts["occupants_at_least"].to_numpy(dtype=bool)
    return counted & (
        _more(facts["occupants"], register["part2_max_persons"])
        | _more(facts["households"], register["part2_max_households"])
    )


def _more(found: pd.Series[Any], permitted: pd.Series[Any]) -> Mask:
    limit = pd.to_numeric(permitted).to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(found.to_numpy(dtype=float, na_value=np.nan) > limit, dtype=bool)


def _licence(register: pd.DataFrame, part: str) -> Texts:
    """`Mandatory HMO licence 23/01202 is in force until 2028-11-16`, for the rows that have one."""
    kind = register[f"{part}_licence_type"].map(TYPE_WORDS).fillna("Licence").astype(object)
    ref = register[f"{part}_licence_ref"].fillna("without a reference").astype(object)
    said = kind + " " + ref + " is in force until " + _day(register[f"{part}_until"])
    return np.asarray(said, dtype=object)


def _day(dates: pd.Series[Any]) -> Texts:
    days = as_days(dates).to_numpy().astype("datetime64[D]")
    return np.where(np.isnat(days), "a day not recorded", days.astype(str)).astype(object)


def _application(register: pd.DataFrame, name: str) -> Texts:
    ref = register[f"{name}_application_ref"].fillna("").astype(object)
    notice = register[f"{name}_application_kind"].eq("temporary_exemption").to_numpy()
    kind = np.where(notice, "A notification for a temporary exemption, ", "An application, ").astype(object)
    provision = np.where(notice, "s.72(4)(a)", "s.72(4)(b)").astype(object)
    received = _day(register[f"{name}_received_date"])
    return np.asarray(
        kind
        + ref
        + ", received on "
        + received
        + ", is effective: a defence while it lasts (Housing Act 2004 "
        + provision
        + ", s.72(8); for selective licensing s.95).",
        dtype=object,
    )


def _why(
    register: pd.DataFrame,
    part_2: Mask,
    carried: Mask,
    masks: list[Mask],
) -> Texts:
    """One sentence a row; sentences are made only for the rows that need them."""
    said = np.full(len(register), "No licence, application or exemption was found on the register.", dtype=object)
    first = np.select(masks, list(range(len(masks))), len(masks))
    sentences: list[Callable[[pd.DataFrame, Mask, Mask], Any]] = [
        _over_why,
        _held_2,
        _held_3,
        _exempt_why,
        _pending_why,
        _wrong_why,
        _expired_why,
    ]
    for number, sentence in enumerate(sentences):
        rows = first == number
        if rows.any():
            said[rows] = sentence(register[rows], part_2[rows], carried[rows])
    other = (first == len(masks)) & register["past_kind"].notna().to_numpy()
    if other.any():
        past = register[other]
        ref = past["past_licence_ref"].fillna("without a reference").astype(object)
        said[other] = "No licence in force; licence " + ref + " is " + past["past_kind"].astype(object) + "."
    return said


def _over_why(register: pd.DataFrame, *_: Mask) -> Any:
    return _licence(register, "part2") + ", but more live there than it permits (Housing Act 2004 s.72(2))."


def _held_2(register: pd.DataFrame, *_: Mask) -> Any:
    return _licence(register, "part2") + "."


def _held_3(register: pd.DataFrame, _: Mask, carried: Mask) -> Any:
    transitional = np.where(carried, " and has effect as a licence under Part 2 (SI 2018/221 art. 5).", ".")
    return _licence(register, "part3") + transitional.astype(object)


def _exempt_why(register: pd.DataFrame, part_2: Mask, _: Mask) -> Any:
    until = np.where(part_2, _day(register["exempt2_until"]), _day(register["exempt3_until"])).astype(object)
    return "A temporary exemption is in force until " + until + " (Housing Act 2004 s.62, s.86)."


def _pending_why(register: pd.DataFrame, *_: Mask) -> Any:
    first = register["pending2_application_kind"].notna().to_numpy()
    return np.where(first, _application(register, "pending2"), _application(register, "pending3"))


def _wrong_why(register: pd.DataFrame, *_: Mask) -> Any:
    return _licence(register, "part3") + ", but a licence under Part 2 is needed (Housing Act 2004 s.61, s.85(1)(a))."


def _expired_why(register: pd.DataFrame, *_: Mask) -> Any:
    ref = register["past_licence_ref"].fillna("without a reference").astype(object)
    return "Licence " + ref + " ended on " + _day(register["past_until"]) + " (Housing Act 2004 s.68, s.91)."


def _missing(
    facts: pd.DataFrame,
    register: pd.DataFrame,
    masks: list[Mask],
    pending_2: Mask,
) -> Texts:
    """What the register should be asked, joined by semicolons."""
    first = np.select(masks, list(range(len(masks))), len(masks))
    floor = facts["occupants_at_least"].to_numpy(dtype=bool)
    maybe_over = floor & (_more(facts["occupants"], register["part2_max_persons"]))
    end_unknown = np.where(
        first <= 1, register["part2_end_unknown"].eq(True), register["part3_end_unknown"].eq(True)
    ).astype(bool)
    no_type = (register["part2_licence_type"].isna() & register["part2_current"].notna()).to_numpy()
    received = np.where(pending_2, register["pending2_received_date"], register["pending3_received_date"])
    age = facts["on"].to_numpy() - received.astype("datetime64[s]")
    stale = age > np.timedelta64(STALE_APPLICATION_DAYS, "D")
    return joined(
        [
            ((first == 1) & maybe_over, "whether more persons live there than the licence permits"),
            ((first <= 2) & end_unknown, "the last day of the licence"),
            ((first <= 1) & no_type, "the type of the licence"),
            ((first == 4) & stale, "whether the application, over a year old, was decided"),
        ],
        len(facts),
    )
