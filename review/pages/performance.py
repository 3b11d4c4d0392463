"""How a borough's lists did, how far the model's probabilities hold, and what all of it rests on."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import Response

from models.hmo import registry as models
from models.hmo.outcomes import list_visits as visits_of_lake
from pipelines.core.ledger.engine import snapshot, transaction
from pipelines.core.ledger.models import ModelVersion
from pipelines.governance import audit, standing
from pipelines.governance.reads import showing, told_with
from review import charts, words
from review.permissions import Action
from review.queries import coverage, performance
from review.queries.performance import Results, Tally
from review.rendering import day, page
from review.routing import Pages, person
from schemas import registry

pages = Pages()
WEEKS_DRAWN = 12


@pages.get("/performance/{borough}", Action.SEE_PERFORMANCE)
def show(request: Request, borough: str) -> Response:
    """The results of a borough."""
    refusal = standing.list_refusal(borough)
    with showing("review results", borough):
        visits = visits_of_lake(borough) if refusal is None else None
        tied = coverage.matched(borough)
        # Working them out takes a second or more, for which nobody who writes may wait.
        with snapshot() as session:
            champion = models.champion(session)
            found = performance.results(session, borough, visits) if visits is not None else None
            rests_on = coverage.sources(session, borough, tied)
        with transaction() as session:
            details = {"visits": found.total.visits if found else 0, "weeks": len(found.weeks) if found else 0}
            details |= told_with(session)
            audit.record(session, who=person(request).who, what="view results", about=borough, details=details)
    return page(
        request,
        "performance.html",
        borough_name=registry.borough(borough).name,
        refusal=refusal,
        found=found,
        pictures=_pictures(found) if found else {},
        sources=[own for own in rests_on if own.missing is None],
        missing=[own for own in rests_on if own.missing is not None],
        champion=champion,
        calibration=calibration_of(champion),
        fewest_controls=performance.FEWEST_CONTROLS,
        few=performance.FEW,
    )


def _pictures(found: Results) -> dict[str, charts.Picture]:
    """Pictures of the weeks, oldest first, and of the priorities, where there is something to draw."""
    band = (found.base.rate, found.base.low, found.base.high) if found.base else None
    newest = list(reversed(found.weeks[:WEEKS_DRAWN]))
    kinds: dict[str, tuple[str, list[tuple[tuple[str, ...], Tally]]]] = {
        "weeks": (
            "Unlicensed HMOs per 100 answered visits, by week",
            [((f"{week.monday.day}", f"{week.monday:%b}"), week.tally) for week in newest],
        ),
        "bands": (
            "Unlicensed HMOs per 100 answered visits, by priority",
            [(_in_two(words.BANDS[name]), tally) for name, tally in found.bands.items()],
        ),
    }
    return {
        name: charts.shares(
            f"chart-{name}", title, [charts.Point(label, own.rate, own.interval) for label, own in tallies], band
        )
        for name, (title, tallies) in kinds.items()
        if any(own.rate is not None for _, own in tallies)
    }


def _in_two(text: str) -> tuple[str, ...]:
    """A label in two lines, broken at its first space but one."""
    parts = text.split(" ")
    middle = -(-len(parts) // 2)
    return tuple(part for part in (" ".join(parts[:middle]), " ".join(parts[middle:])) if part)


def calibration_of(model: ModelVersion | None) -> dict[str, Any] | None:
    """A model's calibration as pages show it: bins, what they are of, and their picture; None where there is none."""
    own = (model.metrics if model else {}).get("calibration") or {}
    if model is None or not own.get("bins"):
        return None
    title = f"Share of HMOs found against the share that the model stated, model of {day(model.as_of)}"
    bins = [(float(part["predicted"]), float(part["found"])) for part in own["bins"]]
    return {**own, "picture": charts.calibration("chart-calibration", title, bins)}
