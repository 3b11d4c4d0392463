"""Whatever is known of a property, the rules answer, and more occupants never make a licence unneeded."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.licensing.cases import CONTROLLERS, FORMS
from pipelines.licensing.needs import needed
from pipelines.licensing.register import APPLICATION_COLUMNS, LICENCE_COLUMNS
from pipelines.licensing.status import status
from schemas import registry
from tests.examples import examples

DAYS = st.dates(date(2005, 1, 1), date(2032, 12, 31)).map(pd.Timestamp)
COUNTS = st.none() | st.integers(0, 30)
CASES = st.fixed_dictionaries(
    {
        "on": DAYS,
        "ward_code": st.none() | st.sampled_from(["E05000001", "E05000002"]),
        "ward_name": st.none() | st.sampled_from(["Erith", "Endlebury", "Abbey", "", "St Mary's & St James"]),
        "form": st.none() | st.sampled_from(sorted(FORMS)),
        "storeys": st.none() | st.integers(1, 9),
        "occupants": COUNTS,
        "occupants_at_least": st.booleans(),
        "households": COUNTS,
        "controller": st.none() | st.sampled_from(sorted(CONTROLLERS)),
        "social_housing": st.none() | st.booleans(),
        "lodgers": COUNTS,
        "owner_share": st.none() | st.floats(0, 1),
        "meets_building_standards": st.none() | st.booleans(),
        "let": st.none() | st.booleans(),
    }
)
MAYBE_DAY = st.none() | DAYS
LICENCES = st.fixed_dictionaries(
    {
        "licence_ref": st.none() | st.text(max_size=8),
        "licence_type": st.none() | st.sampled_from(["mandatory", "additional", "selective"]),
        "licence_status": st.none() | st.sampled_from(["current", "expired", "revoked", "surrendered", "superseded"]),
        "max_persons": st.none() | st.integers(1, 20),
        "max_households": st.none() | st.integers(1, 20),
        "commencement_date": MAYBE_DAY,
        "expiry_date": MAYBE_DAY,
    }
)
APPLICATIONS = st.fixed_dictionaries(
    {
        "application_ref": st.text(max_size=8),
        "application_kind": st.sampled_from(["new", "renewal", "variation", "temporary_exemption"]),
        "licence_type": st.none() | st.sampled_from(["mandatory", "additional", "selective"]),
        "application_status": st.none() | st.sampled_from(["received", "granted", "refused", "withdrawn"]),
        "received_date": MAYBE_DAY,
        "decision_date": MAYBE_DAY,
        "effective_from": MAYBE_DAY,
        "effective_until": MAYBE_DAY,
    }
)
BOROUGHS = st.sampled_from([None, *sorted(registry.schemes())])


def schemes(borough: str | None) -> Any:
    return registry.schemes()[borough] if borough else ()


def frame(cases: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(cases, index=pd.Index([str(n + 1) for n in range(len(cases))]))


@settings(max_examples=examples(15, 150), deadline=None)
@given(
    st.lists(CASES, min_size=1, max_size=6),
    BOROUGHS,
    st.lists(LICENCES, max_size=4),
    st.lists(APPLICATIONS, max_size=4),
)
def test_there_is_always_an_answer(
    cases: list[dict[str, Any]], borough: str | None, licences: list[dict[str, Any]], applications: list[dict[str, Any]]
) -> None:
    rows = frame(cases)
    needs = needed(rows, schemes(borough))
    register = status(
        rows,
        needs,
        pd.DataFrame(licences, columns=list(LICENCE_COLUMNS)).assign(uprn="1"),
        pd.DataFrame(applications, columns=list(APPLICATION_COLUMNS)).assign(uprn="1"),
    )
    assert set(needs["needed"]) <= {"mandatory", "additional", "selective", "none", "cannot_tell"}
    assert set(register["status"]) <= {
        *("held", "over_occupied", "pending", "temporary_exemption", "wrong_type", "expired", "none")
    }
    assert (needs["needed_why"].str.len() > 10).all()
    assert (register["status_why"].str.len() > 10).all()
    assert not (needs["missing"].eq("") & needs["needed"].eq("cannot_tell")).any(), needs
    assert (register["status"].iloc[1:] == "none").all(), "only the first property has a register"


@settings(max_examples=examples(15, 150), deadline=None)
@given(CASES, BOROUGHS, st.integers(1, 10))
def test_more_occupants_never_end_the_need_of_a_mandatory_licence(
    case: dict[str, Any], borough: str | None, more: int
) -> None:
    occupants = case["occupants"] or 0
    pair = frame([case | {"occupants": occupants}, case | {"occupants": occupants + more}])
    answers = needed(pair, schemes(borough))["needed"].tolist()
    assert answers[0] != "mandatory" or answers[1] == "mandatory"


@settings(max_examples=examples(10, 100), deadline=None)
@given(st.lists(CASES, min_size=2, max_size=3), BOROUGHS)
def test_a_case_is_judged_alone(cases: list[dict[str, Any]], borough: str | None) -> None:
    together = needed(frame(cases), schemes(borough))
    alone = [needed(frame([case]), schemes(borough)).iloc[0].tolist() for case in cases]
    assert together.to_numpy().tolist() == alone
