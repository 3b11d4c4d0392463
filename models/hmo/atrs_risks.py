"""Risks of the list and what is done about each: field 5.2 of the transparency record."""

from __future__ import annotations

from pipelines.core.ledger.models import ModelVersion
from pipelines.core.settings import settings

ALWAYS = (
    (
        "The list sends officers where they always went, because it learns from where they went.",
        "Homes that nobody visited are not taken for negatives; a share of the visits is drawn at random "
        "({control}), from which the base rate is estimated without the model's bias.",
    ),
    (
        "Some groups of residents or areas are visited more than others for no good reason.",
        "No protected characteristic and no ethnic composition of an area is an input. Rates by deprivation, ethnic "
        "composition, tenure and borough are in each model's card: {fairness}.",
    ),
    (
        "A score is taken for evidence.",
        "The list, its files and this record say that it is a lead to check. Rules of law and the register stand apart "
        "from the score. The files that officers open show no probability where the list has random visits.",
    ),
    (
        "The model grows old: extracts change, boroughs change.",
        "Inputs and scores are compared each night with the day of training, and what moved is told in words. "
        "The champion before can be brought back with one command.",
    ),
    (
        "Records are tied to the wrong home.",
        "A record whose home is not sure is left untied; match rates by group of records are reported, and what people "
        "decide about links outranks the link model for good.",
    ),
    (
        "Personal data leak.",
        "Agreements in force are enforced at one door, names are tokens, reads are on record, files beside a model "
        "hold counts alone, and small groups are not shown.",
    ),
)


def table(made: ModelVersion) -> str:
    """Each risk with its mitigation, in Markdown; what the run measured stands where it belongs."""
    found = made.metrics.get("fairness") or {}
    differences = len(found.get("differences", []))
    if not found:
        told = "not possible yet for this model"
    elif differences:
        told = f"{differences} differences beyond chance were found for this model"
    else:
        told = "no difference beyond chance was found for this model"
    words = {"control": f"{settings().control_share:.0%}", "fairness": told}
    lines = ["| risk | mitigation |", "| --- | --- |"]
    lines += [f"| {risk} | {mitigation.format(**words)} |" for risk, mitigation in ALWAYS]
    return "\n".join(lines)
