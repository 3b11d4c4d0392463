"""The transparency record of a model, in the fields of the Algorithmic Transparency Recording Standard.

Template version 3.0 (Government Digital Service and Department for Science, Innovation and Technology): tier 1 for the
public, tier 2 in five sections. What the run, the agreements and the settings tell is filled in; what only the council
can know is marked `TO FILL IN` with the question that it must answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from models.hmo import atrs_risks, cohort, features, labels, splits
from models.hmo.card import WHOSE_WORDS
from models.hmo.features.declaration import SOURCE_WORDS
from models.hmo.sources import COLUMNS, LABEL_DATASETS
from pipelines.core.ledger.models import ModelVersion
from pipelines.core.settings import settings
from schemas import registry
from schemas.agreement import PURPOSES

VERSION = "3.0"
TO_FILL_IN = "TO FILL IN BY THE COUNCIL: "
PURPOSE = "hmo_detection"

Field = dict[str, Any]
"""One field: its `number` and `name` in the template, its `text`, and whether the council has `to_fill_in` it."""


def record(made: ModelVersion) -> dict[str, Any]:
    """The whole record as plain data: `standard`, `version`, `model`, `tier_1` and `tier_2` by section."""
    return {
        "standard": "Algorithmic Transparency Recording Standard",
        "version": VERSION,
        "model": made.id,
        "tier_1": _tier_1(),
        "tier_2": {
            "1. Owner and Responsibility": _owner(),
            "2. Description and Rationale": _rationale(made),
            "3. Deployment Context": _deployment(),
            "4. Tool Specification": [*_system(), *_model(made), *_development_data(made), *_operational_data()],
            "5. Risks, Mitigations and Impact Assessments": [_impact(), _field("5.2", "Risks", atrs_risks.table(made))],
        },
    }


def as_markdown(found: dict[str, Any]) -> str:
    """The record as a page that a person reads and completes."""
    lines = [f"# {found['standard']} {found['version']}: {found['model']}", ""]
    missing = sum(field["to_fill_in"] for field in every_field(found))
    lines += [
        f"{missing} fields can only be filled in by the council; they begin with '{TO_FILL_IN.rstrip(': ')}'.",
        "",
    ]
    for title, part in [("Tier 1: Overview", found["tier_1"]), *found["tier_2"].items()]:
        heading = title if title.startswith("Tier 1") else f"Tier 2, {title}"
        lines += [f"## {heading}", ""]
        for field in part:
            lines += [f"### {field['number']} {field['name']}".rstrip(), "", field["text"], ""]
    return "\n".join(lines).rstrip() + "\n"


def every_field(found: dict[str, Any]) -> Iterable[Field]:
    """All fields of both tiers in their order."""
    yield from found["tier_1"]
    for part in found["tier_2"].values():
        yield from part


def _field(number: str, name: str, text: str) -> Field:
    return {"number": number, "name": name, "text": text, "to_fill_in": False}


def _council(number: str, name: str, question: str) -> Field:
    return {"number": number, "name": name, "text": f"{TO_FILL_IN}{question}", "to_fill_in": True}


def _tier_1() -> list[Field]:
    return [
        _field("1", "Name", "LODA: ranking of homes that are likely unlicensed houses in multiple occupation (HMOs)"),
        _field(
            "2",
            "Description",
            "Landlords of most shared houses need a licence, so that councils can see that the homes are safe. Some do "
            "not apply. The tool ranks the homes of a borough by how likely they are shared houses without a licence, "
            "from records that the council holds already, so that officers visit the likeliest first. It says where "
            "to look, never what was done: an officer decides whom to visit, and what a home is, only a visit tells.",
        ),
        _council("3", "Website URL", "where may the public read about it?"),
        _council("4", "Contact email", "which address answers questions about it?"),
    ]


def _owner() -> list[Field]:
    return [
        _council("1.1", "Organisation or department", "the full name of the council."),
        _council("1.2", "Team", "the team that answers for its use."),
        _council("1.3", "Senior responsible owner", "the role title of the person who answers for it."),
        _council("1.4", "Third party involvement", "does anybody outside the council run or support it?"),
        _council("1.4.1", "Third party", "who? If nobody, say so."),
        _council("1.4.2", "Companies House Number", "of that third party, if any."),
        _council("1.4.3", "Third party role", "what do they do?"),
        _council("1.4.4", "Procurement procedure type", "how were they chosen?"),
        _council("1.4.5", "Third party data access terms", "what data do they see, and under which terms?"),
    ]


def _rationale(made: ModelVersion) -> list[Field]:
    return [
        _field(
            "2.1",
            "Detailed description",
            f"Each night the records of a borough are tied to its properties. {len(features.FEATURES)} numbers of "
            "every home are given to a model, which says how likely the home is an HMO, with the reasons that raise "
            "its score. Rules written from the law, apart from the model, say whether it would need a licence on the "
            "day; the register says whether it holds one. Homes that would need one and hold none are listed by "
            f"probability, cut at what the borough can visit. {settings().control_share:.0%} of the visits go to "
            "homes drawn at random, so that the list can be judged without its own bias; officers are not told which.",
        ),
        _field("2.2", "Benefits", _benefits(made)),
        _council(
            "2.3",
            "Previous process",
            "how were homes chosen for a visit before: by complaint, by programme, by chance?",
        ),
        _field(
            "2.4",
            "Alternatives considered",
            "The run tries three others on the same homes: drawing at random, most complaints first, and an "
            "inspector's rule of thumb (height, age, above a shop, complaints at the home and around it). What each "
            "would have found is in 4.2.7. " + TO_FILL_IN + "alternatives beside these, such as more licensing advice.",
        ),
    ]


def _benefits(made: ModelVersion) -> str:
    found = made.metrics.get("lists_forward", {})
    if not found:
        return "Too little became known within the history to tell what such a list would have found; see 4.2.7."
    ranked = found["rankers"]
    others = ", ".join(f"{own['found']:.1f} by {WHOSE_WORDS[name]}" for name, own in ranked.items() if name != "model")
    return (
        f"On past lists, judged by what became known since, {found['places']} visits would have found "
        f"{ranked['model']['found']:.1f} HMOs by this model and {others}. Homes that nobody visited count as nothing "
        "found. HMOs that are found are made safe, and fewer homes are visited for nothing."
    )


def _deployment() -> list[Field]:
    return [
        _field(
            "3.1",
            "Integration into broader operational process",
            "A list each morning, in order of visits, with address, reasons, the licence that the home would need and "
            "what the register says. Officers decide whom to visit. What a visit finds is recorded in the council's "
            "own system and comes back with its next extract of inspections. "
            + TO_FILL_IN
            + "who plans the visits, and how.",
        ),
        _field(
            "3.2",
            "Human review",
            "No decision is automated. An officer reads the reasons, checks them against the records, and decides on a "
            "visit; no letter, notice or penalty may rest on a score. A model comes into use only when a named person "
            "promotes it with a reason, and goes out of use by one command; both are in an audit log that only grows.",
        ),
        _field(
            "3.3",
            "Frequency and scale of usage",
            f"One list a borough and night at most, of up to {settings().list_length} times what can be visited "
            f"(by default {settings().capacity} visits a list). " + TO_FILL_IN + "how many visits a year rest on it.",
        ),
        _council("3.4", "Required training", "what must an officer have read or learnt before using the list?"),
        _council("3.5", "Appeals and review", "how can somebody whose home was visited ask why, object or complain?"),
    ]


def _system() -> list[Field]:
    return [
        _field(
            "4.1.1",
            "System architecture",
            "Extracts are checked and brought to shared schemas; records are tied to properties and landlords; "
            "features, model, licensing rules and list follow as separate steps, each recorded with the hashes of "
            "what it was made from. The code is open.",
        ),
        _field("4.1.2", "System-level input", f"Extracts of {', '.join(sorted([*COLUMNS, 'gazetteer']))}."),
        _field(
            "4.1.3",
            "System-level output",
            "A ranked list of homes with reasons, licence needed and licence held. In the list's Parquet file and for "
            "programs, the probability of each.",
        ),
        _field(
            "4.1.4",
            "Maintenance",
            "Inputs and scores are compared each night with the day of training and alarms name what moved; a "
            "challenger is compared with the champion on the same homes before a person promotes it. "
            + TO_FILL_IN
            + "how often the model is trained and reviewed.",
        ),
        _field("4.1.5", "Models", "One: the model below. Linking records to properties uses a model of its own."),
    ]


def _model(made: ModelVersion) -> list[Field]:
    fitted = made.metrics.get("settings", {})
    return [
        _field("4.2.1", "Model name", "HMO detector"),
        _field("4.2.2", "Model version", f"{made.id}, file SHA-256 {made.sha256}, code {made.hashes['code']}"),
        _field("4.2.3", "Model task", "How likely a home is an HMO on a day, from what was known by then."),
        _field("4.2.4", "Model input", f"{len(features.FEATURES)} numbers of a home: {', '.join(features.NAMES)}."),
        _field("4.2.5", "Model output", "A probability, and what each number adds to it."),
        _field(
            "4.2.6",
            "Model architecture",
            f"Boosted decision trees, {fitted.get('max_iter')} of at most {fitted.get('max_leaf_nodes')} leaves, whose "
            "score is brought to a probability by a logistic curve. Reasons are exact Shapley values.",
        ),
        _field("4.2.7", "Model performance", _performance(made)),
        _field(
            "4.2.8",
            "Datasets and their purposes",
            f"Trained, tried forwards in time and tried on boroughs left out whole, all on the data of 4.3. "
            f"Features are of {splits.STEPS} days before the day of training and of that day.",
        ),
    ]


def _performance(made: ModelVersion) -> str:
    lines = []
    for key, words in (("lists_forward", "forwards in time"), ("lists_left_out", "on boroughs never seen")):
        found = made.metrics.get(key)
        if not found:
            lines.append(f"Lists {words}: not possible yet.")
            continue
        told = "; ".join(
            f"{WHOSE_WORDS[name]} {own['found']:.1f} (from {own['found_worst']:.0f} to {own['found_best']:.0f} by the "
            f"order of ties), {own['lift']} times chance"
            for name, own in found["rankers"].items()
        )
        lines.append(f"Lists {words}, {found['places']} visits, {found['hmos_to_find']} HMOs to find: {told}.")
    brier = made.metrics["calibration"].get("brier")
    if brier is not None:
        lines.append(f"Brier score {brier}, on {made.metrics['calibration']['on']}.")
    return " ".join([*lines, "Rates by group of homes: see the model card."])


def _development_data(made: ModelVersion) -> list[Field]:
    counts = made.metrics["labels"]
    sharing = _agreements()
    return [
        _field(
            "4.3.1",
            "Development data description",
            f"Records of {counts['boroughs']} boroughs up to {made.as_of}: {_sources()}. Answers: licences, "
            f"applications and visits ({', '.join(sorted(LABEL_DATASETS))}), which are never features.",
        ),
        _field("4.3.2", "Data modality", "Tabular."),
        _field(
            "4.3.3",
            "Data quantities",
            f"{counts['homes']} homes; {counts['hmos']} known HMOs, {counts['hmos_by_visit']} of them by a visit; "
            f"{counts['visits_that_found_none']} homes where a visit found none; {counts['unlabelled_sampled']} rows "
            "of homes about which nothing is known.",
        ),
        _field("4.3.4", "Sensitive attributes", _sensitive()),
        _field("4.3.5", "Data completeness and representativeness", f"{cohort.RULE} {labels.BIAS}"),
        _field(
            "4.3.6",
            "Data cleaning",
            "Rows that break a rule are quarantined with a reason, and each altered cell is an issue that is told to "
            "the borough. Missing values stay missing: the model learns from absence itself.",
        ),
        _field("4.3.7", "Data collection", "Collected by the boroughs for the functions that each dataset serves."),
        _field(
            "4.3.8",
            "Data access and storage",
            "Every read goes through one door that checks the agreement in force, and reads of personal data are on "
            "record. Names are kept as keyed tokens. Data past the retention of their agreement are deleted with "
            "proof. " + TO_FILL_IN + "where it is hosted, and who has access.",
        ),
        _field("4.3.9", "Data sharing agreements", sharing),
    ]


def _operational_data() -> list[Field]:
    return [
        _field("4.4.1", "Data sources", f"The same as in 4.3.1, as of the night: {_sources()}."),
        _field("4.4.2", "Sensitive attributes", _sensitive()),
        _field("4.4.3", "Data processing methods", "As in training, see 4.3.6; nothing is filled in."),
        _field("4.4.4", "Data access and storage", "As in 4.3.8."),
        _field("4.4.5", "Data sharing agreements", _agreements()),
    ]


def _impact() -> Field:
    signed = "; ".join(a.reference for a in registry.agreements() if PURPOSE in a.purposes and a.reference)
    known = f"The agreements name: {signed}. " if signed else ""
    return {
        **_council("5.1", "Impact assessments", "title, date and summary of the data protection and equality ones."),
        "text": f"{known}{TO_FILL_IN}title, date and summary of the data protection impact assessment and of the "
        "equality impact assessment, with links.",
    }


def _sources() -> str:
    used = sorted({feature.dataset for feature in features.FEATURES})
    return ", ".join(SOURCE_WORDS[name].split(",")[0] for name in used)


def _sensitive() -> str:
    return (
        "Personal: numbers about those who live in a home (how many electors and surnames, benefit claims) and what "
        "its landlord has elsewhere. No protected characteristic and no ethnic composition of an area is an input; "
        "areas' figures are joined for the audit of fairness alone."
    )


def _agreements() -> str:
    found = [a for a in registry.agreements() if PURPOSE in a.purposes]
    told = [
        f"{a.title}: {a.lawful_basis.rstrip('.')}; in force {a.valid_from} to {a.valid_until}, data kept for "
        f"{a.retention_days} days"
        for a in found
    ]
    return f"Purpose: {PURPOSES[PURPOSE]}. " + ". ".join(told) + "."
