"""The links of an area are held to an estimated precision."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.link.caution import PRECISE, PRIOR_LINKS, held_to_precision


def area(**numbers: int) -> pd.DataFrame:
    """So many links of the pair model of each probability (`p95=10`: ten of 0.95), and 5,000 exact ones."""
    probability = [0.999] * 5_000 + [int(name[1:]) / 100 for name, number in numbers.items() for _ in range(number)]
    stage = ["exact"] * 5_000 + ["pairs"] * (len(probability) - 5_000)
    return pd.DataFrame(
        {
            "uprn": [str(n) for n in range(len(probability))],
            "decision": "linked",
            "reason": "same_building_and_unit",
            "level": "unit",
            "probability": probability,
            "gap": probability,
            "runner_up": "",
            "stage": stage,
        }
    )


def test_an_area_whose_links_are_sure_enough_keeps_them_all() -> None:
    verdicts = area(p98=500, p90=100)
    assert held_to_precision(verdicts) is verdicts


def test_the_least_sure_go_to_people_and_no_more_than_need_to() -> None:
    verdicts = area(p99=3_000, p90=1_000, p95=200)
    held = held_to_precision(verdicts)
    given_up = held.loc[held["decision"] == "review"]
    assert set(given_up["probability"]) == {0.90}
    assert (given_up["runner_up"] == verdicts.loc[given_up.index, "uprn"]).all()
    assert (given_up[["uprn", "level"]] == ["", "none"]).all().all()
    kept = held.loc[held["decision"] == "linked"]
    assert (PRIOR_LINKS * 0.998 + kept["probability"].sum()) / (PRIOR_LINKS + len(kept)) >= PRECISE


def test_links_by_equal_keys_are_never_given_up() -> None:
    verdicts = area(p50=9_000)
    held = held_to_precision(verdicts)
    assert (held["decision"] == "linked").sum() == 5_000


@pytest.mark.parametrize("number", [0, 100])
def test_an_area_with_few_links_is_judged_as_the_average_one(number: int) -> None:
    verdicts = area(p95=number).iloc[5_000:]
    assert held_to_precision(verdicts).equals(verdicts)
