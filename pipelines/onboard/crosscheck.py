"""What columns say about each other once each has its field."""

from __future__ import annotations

import pandas as pd

from pipelines.onboard.dates import days
from pipelines.onboard.decision import Assignment
from pipelines.onboard.evidence import percent
from pipelines.onboard.profiles import Profile

SPANS = (
    ("commencement_date", "expiry_date"), ("liability_start", "liability_end"), ("received_date", "closed_date"),
    ("received_date", "decision_date"), ("effective_from", "effective_until"), ("start_date", "end_date"),
    ("in_force_from", "in_force_until"), ("social_from", "social_until"), ("certificate_date", "lodgement_date"),
    ("made_date", "in_force_from"), ("received_date", "known_since"), ("visit_date", "known_since"),
    ("event_date", "known_since"), ("received_date", "effective_from"),
)  # fmt: skip
NOT_MORE = (
    ("max_households", "max_persons"), ("households", "occupants"), ("surnames", "electors"),
    ("joined_12_months", "electors"), ("benefit_private_rent_claims", "benefit_claims"),
    ("min_households", "min_persons"),
)  # fmt: skip


def check_order(made: Assignment) -> None:
    """Ends before starts and more households than persons say that two columns were taken for each other."""
    for pairs, dated in ((SPANS, True), (NOT_MORE, False)):
        for first, second in pairs:
            one, two = made.columns_of(first), made.columns_of(second)
            if len(one) == len(two) == 1:
                share = _in_order(made.profiles[one[0]], made.profiles[two[0]], dated=dated)
                unsaid = all(n not in made.says[c] for c, n in ((one[0], first), (two[0], second)))
                if dated and unsaid and share is not None and share < 0.2:
                    made.decisions[one[0]].field, made.decisions[two[0]].field = second, first
                    continue
                if share is not None and share < 0.8:
                    for column in (one[0], two[0]):
                        made.decisions[column].doubt(
                            f"in {percent(1 - share)} of the rows '{first}' would be "
                            f"{'later' if dated else 'more'} than '{second}'"
                        )


def _in_order(first: Profile, second: Profile, *, dated: bool) -> float | None:
    frame = pd.DataFrame({"a": first.texts.to_pandas(), "b": second.texts.to_pandas()}).dropna()
    if dated:
        a, b = days(frame["a"], first.dates), days(frame["b"], second.dates)
    else:
        a, b = (pd.to_numeric(frame[side].str.replace(",", ""), errors="coerce") for side in ("a", "b"))
    both = a.notna() & b.notna()
    return float((a[both] <= b[both]).mean()) if both.sum() >= 5 else None
