"""How many HMOs there are: from what registers and visits hold of the same homes."""

from __future__ import annotations

import numpy as np
import pytest

from models.hmo import prior
from models.hmo.prior import Found


def drawn(borough: str, homes: int, hmos: int, coverage: float, visits: int, rng: np.random.Generator) -> Found:
    """A borough whose HMOs are licensed by chance and found by visits that do not look at the register."""
    licensed = rng.random(hmos) < coverage
    seen = rng.permutation(hmos)[:visits]
    return Found(borough, homes, int(licensed.sum()), 0, visits, int(licensed[seen].sum()))


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    inside, tried, ratio = 0, 0, []
    for _ in range(40):
        coverages = rng.beta(6, 14, 12).clip(0.1, 0.9)
        counts = [
            drawn(str(n), 20_000, 1_000, float(c), int(rng.integers(5, 80)), rng) for n, c in enumerate(coverages)
        ]
        for made in prior.estimate(counts):
            inside += made.low <= 0.05 <= made.high
            tried += 1
            ratio.append(made.share / 0.05)
    assert 0.84 <= inside / tried <= 0.96
    assert 0.9 < np.median(ratio) < 1.1


def test_a_borough_without_visits_has_the_average_of_the_others_and_a_wider_interval() -> None:
    rng = np.random.default_rng(3)
    counts = [drawn(str(n), 20_000, 1_000, 0.3, 200, rng) for n in range(8)]
    without = Found("without", 20_000, 300, 0, 0, 0)
    *others, made = prior.estimate([*counts, without])
    assert made.coverage == pytest.approx(0.3, abs=0.04)
    assert made.low < 0.05 < made.high
    assert made.high - made.low > max(other.high - other.low for other in others)


def test_the_register_is_the_least_there_can_be_and_the_homes_the_most() -> None:
    all_licensed = Found("a", 1_000, 90, 10, 50, 50)
    hardly = Found("b", 100, 60, 0, 50, 1)
    one, two = prior.estimate([all_licensed, hardly])
    assert one.low >= 0.1
    assert two.high == 1.0


def test_licences_that_a_visit_led_to_are_not_multiplied() -> None:
    plain, led = prior.estimate([Found("a", 10_000, 100, 0, 40, 20), Found("b", 10_000, 100, 50, 40, 20)])
    assert led.hmos == pytest.approx(plain.hmos + 50, rel=0.01)


def test_without_any_visit_that_found_one_nothing_is_estimated() -> None:
    with pytest.raises(ValueError, match="No visit has found an HMO"):
        prior.estimate([Found("a", 100, 10, 0, 0, 0)])


def test_a_borough_without_a_register_has_the_middle_and_the_range_of_the_others() -> None:
    rng = np.random.default_rng(5)
    others = [drawn(str(n), 20_000, hmos, 0.3, 150, rng) for n, hmos in enumerate((400, 800, 1_600))]
    *known, made = prior.estimate([*others, Found("none", 10_000, 0, 0, 40, 12)])
    shares = [one.share for one in known]
    assert (made.low, made.share, made.high) == (min(shares), sorted(shares)[1], max(shares))
