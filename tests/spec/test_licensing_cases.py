"""Every worked licensing case of licensing_cases.yaml."""

from __future__ import annotations

from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.licensing.cases import CASE_DEFAULTS, CONTROLLERS, FORMS
from pipelines.licensing.needs import needed
from pipelines.licensing.register import APPLICATION_COLUMNS, LICENCE_COLUMNS
from pipelines.licensing.status import status
from schemas import registry
from schemas.scheme import Designation
from schemas.strict_yaml import read_yaml

CASES: list[dict[str, Any]] = read_yaml(Path(__file__).with_name("licensing_cases.yaml"))
OTHER_KEYS = {"case", "day", "schemes", "ward", "licences", "applications", "needed", "status"}
OTHER_KEYS |= {"why", "status_why", "missing", "excluded"}


def designations(given: str | list[dict[str, Any]] | None) -> tuple[Designation, ...]:
    if given is None:
        return ()
    if isinstance(given, str):
        return registry.schemes()[given]
    return tuple(Designation.model_validate(item) for item in given)


def facts(case: dict[str, Any]) -> dict[str, Any]:
    given = {name: case[name] for name in CASE_DEFAULTS if name in case}
    usual = {"form": "house", "controller": "private", "ward_name": case.get("ward")}
    return usual | given | {"on": pd.Timestamp(case["day"])}


def register(cases: list[dict[str, Any]], kind: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """The licences or applications of the cases; the name of a case stands for its UPRN."""
    rows = [row | {"uprn": case["case"]} for case in cases for row in case.get(kind, [])]
    return pd.DataFrame(rows, columns=list(columns))


@cache
def answers() -> dict[str, dict[str, str]]:
    """The answers to all cases by name; those under one set of schemes are judged at once, as a borough's are."""
    found: dict[str, dict[str, str]] = {}
    for _, group in groupby(sorted(CASES, key=scheme_key), key=scheme_key):
        cases = list(group)
        frame = pd.DataFrame([facts(case) for case in cases], index=pd.Index([case["case"] for case in cases]))
        needs = needed(frame, designations(cases[0].get("schemes")))
        licences = register(cases, "licences", LICENCE_COLUMNS)
        held = status(frame, needs, licences, register(cases, "applications", APPLICATION_COLUMNS))
        found |= needs.join(held).to_dict("index")
    return found


def scheme_key(case: dict[str, Any]) -> str:
    return str(case.get("schemes"))


def judged(case: dict[str, Any]) -> dict[str, str]:
    return answers()[case["case"]]


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    assert set(case) <= OTHER_KEYS | set(CASE_DEFAULTS), "a key that is not known"
    assert case.get("form", "house") in FORMS
    assert case.get("controller", "private") in CONTROLLERS
    found = judged(case)
    assert found["needed"] == case["needed"], found["needed_why"]
    assert case.get("why", "") in found["needed_why"]
    assert case.get("status", found["status"]) == found["status"], found["status_why"]
    assert case.get("status_why", "") in found["status_why"]
    assert case.get("missing", "") in found["missing"] + "; " + found["status_missing"]
    assert case.get("excluded", "") in found["excluded_why"]
    if found["needed"] not in ("none",) and not found["excluded_why"]:
        assert "Housing Act 2004" in found["needed_why"] or "SI 20" in found["needed_why"]


def test_there_are_many_cases_and_no_two_bear_one_name() -> None:
    assert len(CASES) >= 80
    assert len({case["case"] for case in CASES}) == len(CASES)


def test_no_explanation_accuses_anybody() -> None:
    for case in CASES:
        text = " ".join(str(value) for value in judged(case).values()).lower()
        assert not any(word in text for word in ("guilty", "offender", "illegal", "criminal"))


def test_every_answer_is_reached() -> None:
    found = [judged(case) for case in CASES]
    assert {one["needed"] for one in found} == {"mandatory", "additional", "selective", "none", "cannot_tell"}
    assert {one["status"] for one in found} == {
        "held",
        "over_occupied",
        "pending",
        "temporary_exemption",
        "wrong_type",
        "expired",
        "none",
    }


def test_every_published_designation_names_its_source() -> None:
    assert {"camden", "westminster", "islington", "waltham_forest", "bexley", "barking_and_dagenham"} <= set(
        registry.schemes()
    )
    for borough, listed in registry.schemes().items():
        assert borough in registry.boroughs()
        for designation in listed:
            assert len(designation.source) > 10
            assert designation.wards != "not_published" or designation.not_published
