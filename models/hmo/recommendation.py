"""What a comparison of two models says to the person who decides. It recommends; it never promotes."""

from __future__ import annotations

from typing import Any

FEWEST_TO_TELL = 10
"""HMOs found by only one of the two models below which chance alone could have chosen between them."""

SURE = 0.05


def recommend(found: dict[str, Any]) -> str:
    """The recommendation in words, from the figures of `judge.compare`.

    Whether one is better is told from the HMOs that only one of the two would have found, by McNemar's exact test:
    those that both find, and those that neither finds, say nothing.
    """
    from scipy.stats import binomtest

    new, old = found["only_challenger"], found["only_champion"]
    if new + old < FEWEST_TO_TELL:
        return (
            f"Too little is known yet: since {found['judged_from']}, {new + old} HMOs became known that one of the two "
            f"would have found and the other not; {FEWEST_TO_TELL} are needed to tell. Keep the champion, or "
            f"look at each run's own trial: {_own_trials(found)}. They are of other homes and days."
        )
    chance = binomtest(new, new + old).pvalue
    alone = (
        f"Since {found['judged_from']} the challenger alone would have found {new} HMOs, the champion alone {old}; "
        f"chance alone would differ so much in {chance:.0%} of cases."
    )
    worse = [row["borough"] for row in found["boroughs"] if row["verdict"] == "worse"]
    but = f" It finds fewer in {', '.join(worse)}: ask these boroughs first." if worse else ""
    if chance > SURE:
        return f"{alone} That is no difference to rely on: keep the champion.{but}"
    if new < old:
        return f"{alone} The champion is better: keep it."
    return (
        f"{alone} The challenger is better.{but} If you answer for it: loda model promote {found['challenger']} "
        "--who NAME --reason WHY. Nothing is promoted until a named person does."
    )


def _own_trials(found: dict[str, Any]) -> str:
    told = []
    for role in ("champion", "challenger"):
        own = found["own_trials"][role]
        told.append(f"{role} {own['lift']} times chance" if own else f"{role} without one")
    return ", ".join(told)
