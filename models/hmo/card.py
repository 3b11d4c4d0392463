"""The model card: what a model was made from, how good it is and what it must not be used for, written by the run."""

from __future__ import annotations

from typing import Any

from models.hmo import cohort, fairness, features, labels, learners, prior, splits
from models.hmo.examples import UNLABELLED_RATIO
from models.hmo.features.declaration import SOURCE_WORDS
from pipelines.core.ledger.models import ModelVersion

WHOSE_WORDS = {
    "model": "this model",
    "random": "chance",
    "complaints_only": "complaints only",
    "rule_of_thumb": "inspector's rule of thumb",
}


def text(made: ModelVersion) -> str:
    """The card in Markdown."""
    parts = [
        _head(made),
        _data(made),
        _labels(made),
        _figures(made),
        _priors(made),
        _fairness(made),
        _features(),
        _limits(made),
    ]
    return "\n\n".join(parts) + "\n"


def _head(made: ModelVersion) -> str:
    return (
        f"# Model card: {made.id}\n\n"
        "**A lead to check, not a finding.** The model ranks homes by how likely they are houses in multiple "
        "occupation, so that officers visit the likeliest first. Whether one needs a licence is decided by the "
        "licensing rules, whether it holds one by the register, and what it is by the officer's visit.\n\n"
        f"Trained on what was known by the end of {made.as_of}. Inputs `{made.hashes['inputs'][:12]}`, code "
        f"`{made.hashes['code']}`, file SHA-256 `{made.sha256[:12]}`."
    )


def _data(made: ModelVersion) -> str:
    counts = made.metrics["labels"]
    return (
        "## Data\n\n"
        f"{counts['boroughs']} boroughs, {counts['homes']} homes. {cohort.RULE}\n\n"
        f"Features are taken on {splits.STEPS} days, {splits.STEP_DAYS} days apart, before the day of training. A "
        "label trains with the features of the last of these days before anybody at the council could have acted "
        "on it: its event, its becoming known, or an application for a licence, whichever came first."
    )


def _labels(made: ModelVersion) -> str:
    counts = made.metrics["labels"]
    lines = [
        "## Labels and their bias",
        "",
        f"- {counts['hmos']} homes known as HMOs on the day, {counts['hmos_by_visit']} of them visited, and "
        f"{counts['visits_that_found_none']} where a visit found none, with the features of that day. A visit without "
        "access is no label.",
        f"- {counts['hmos_before']} HMOs and {counts['visits_that_found_none_before']} visits that found none, with "
        "features from before anybody could have acted on the answer. Only these judge forwards in time.",
        f"- {counts['unlabelled_sampled']} rows of unlabelled homes, sampled by UPRN, as negatives that weigh together "
        f"{UNLABELLED_RATIO:.0f} times the HMOs of their borough and day.",
        f"- {learners.MODELS} models, each with another half of these, are averaged. A home known by a licence alone "
        "counts by the odds that its like evades, by the HMOs that visits found with and without a licence.",
        "",
        labels.BIAS,
        "",
        "Features taken after an answer may hold its consequences, such as an owner made liable for council tax since "
        "the licence: what is known on the day teaches the model and flatters the figures that rest on it.",
    ]
    return "\n".join(lines)


def _figures(made: ModelVersion) -> str:
    metrics = made.metrics
    calibration = metrics["calibration"]
    lines = ["## Figures", ""]
    for key, title in (
        ("lists_forward", "Lists forwards in time: trained on what was known then, judged by what became known since"),
        ("lists_left_out", "Lists of boroughs that the model never saw, judged by what is known of them today"),
    ):
        lines += [f"### {title}", "", *_list_table(metrics[key]), ""]
    left_out = metrics["left_out"]
    lines += [f"### Rows left out by {left_out['by']}", ""]
    for key, title in (
        ("visited_before", "visited homes, features before the visit"),
        ("all_before", "labelled and unlabelled homes, features before the answer"),
        ("all", "all rows"),
    ):
        found = left_out[key]
        if found:
            lines.append(
                f"- {title}: area under the curve {found['auc']}, average precision {found['average_precision']} "
                f"({found['rows']} rows, {found['share_hmo']:.1%} HMOs)"
            )
    lines += ["", f"### Calibration, on {calibration['on']}", ""]
    if calibration.get("bins"):
        lines += [f"Brier score {calibration['brier']} among them.", "", "| homes | predicted | found |"]
        lines += ["| ---: | ---: | ---: |"]
        lines += [f"| {b['rows']} | {b['predicted']:.1%} | {b['found']:.1%} |" for b in calibration["bins"]]
    else:
        lines.append("No visits to compare with.")
    return "\n".join(lines)


def _priors(made: ModelVersion) -> str:
    rows = made.metrics.get("prior", [])
    lines = ["## How many HMOs there are", ""]
    if not rows:
        return "\n".join([*lines, "Not known: no visit has found an HMO yet."])
    hmos, low, high = (sum(row[name] for row in rows) for name in ("hmos", "low", "high"))
    lines += [
        f"Estimated from registers and visits as two lists of the same homes: {hmos} in all. By borough, with an "
        f"interval of {prior.LEVEL:.0%} (their sums: {low} to {high}). {prior.CAUTION}",
        "",
        "| borough | HMOs | interval | the register covers |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['borough']} | {row['hmos']} | {row['low']} to {row['high']} | {row['register_covers']:.0%} |"
        for row in rows
    ]
    return "\n".join(lines)


def _list_table(report: dict[str, Any]) -> list[str]:
    if not report:
        return ["Not possible yet: too little became known within the history."]
    lines = [
        f"{report['places']} visits, {report['hmos_to_find']} HMOs to find. Homes nobody visited count as nothing "
        "found: lower bounds.",
        "",
        "| ranked by | found | worst and best of ties | share of visits | share of those answered | lift |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, figures in report["rankers"].items():
        lines.append(
            f"| {WHOSE_WORDS[name]} | {figures['found']:.1f} | {figures['found_worst']:.0f} to "
            f"{figures['found_best']:.0f} | {figures['precision']:.1%} | {figures['precision_answered']:.1%} | "
            f"{figures['lift']} |"
        )
    return lines


def _fairness(made: ModelVersion) -> str:
    found = made.metrics.get("fairness") or {}
    lines = [
        "## Whom the list falls on",
        "",
        "Past lists at capacity, judged by what became known since. The attributes are joined for this audit alone. "
        f"A rate of fewer than {fairness.SMALLEST} homes is not shown (-); in brackets its 95% interval.",
        "",
    ]
    if not found:
        return "\n".join([*lines, "Not possible yet: no past list could be tried."])
    lines += [f"- {key.replace('_', ' ')}: {words}" for key, words in fairness.RATES.items()] + [""]
    for name, groups in found["by"].items():
        lines += [f"### By {name}", "", "| group | homes | " + " | ".join(k.replace("_", " ") for k in fairness.RATES)]
        lines[-1] += " |"
        lines.append("| --- | ---: |" + " ---: |" * len(fairness.RATES))
        for group, own in groups.items():
            rates = " | ".join(_rate(own[key]) for key in fairness.RATES)
            lines.append(f"| {group.replace('_', ' ')} | {'-' if own['homes'] is None else own['homes']} | {rates} |")
        lines.append("")
    lines += [f"- {sentence}" for sentence in (*found["absent"], *found["differences"])]
    return "\n".join(lines).rstrip()


def _rate(found: list[float] | None) -> str:
    return "-" if found is None else f"{found[0]:.1%} ({found[1]:.1%} to {found[2]:.1%})"


def _features() -> str:
    lines = ["## Features", "", "| feature | source | unit | if missing |", "| --- | --- | --- | --- |"]
    for feature in features.FEATURES:
        source = SOURCE_WORDS[feature.dataset].split(",")[0]
        lines.append(f"| {feature.name} | {source} | {feature.unit} | {feature.imputation} |")
    return "\n".join(lines)


def _limits(made: ModelVersion) -> str:
    return (
        "## Limits\n\n"
        "- A score is intelligence, never evidence: no letter, notice or penalty may rest on it.\n"
        "- Never among the features: the home's own licence, applications and visits, the gazetteer's HMO classes, "
        "names, and any protected characteristic or the ethnicity of an area.\n"
        f"- Probabilities are calibrated on {made.metrics['calibration']['on']}; on a register alone they tell how "
        "many are recorded, which is fewer than there are.\n"
        "- Unlabelled homes count as negatives of low weight although some of them are HMOs.\n"
        "- Planned visits (programme, list, control) are taken to find what others of equal score would. Where "
        "officers choose by what no dataset holds, and where only visits after complaints are known, probabilities "
        "are too high.\n"
        "- A record that was changed later is seen as it is now if it was known then; a complaint that was not "
        "linked to a home is not seen at all, and links miss recent movers more often than others.\n"
        "- Counts over years are short where a borough's extract reaches back less far."
    )
