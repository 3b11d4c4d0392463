"""A start for a data protection impact assessment: what agreements and contracts say, and blanks for people.

The parts are those of UK GDPR article 35(7): the processing and its purposes, necessity and proportion, risks to
people, measures. What the files know is written out; what a person must judge is marked `FILL IN` and never guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from schemas.agreement import ALL, ALL_LONDON, PURPOSES, ROLES, Agreement
from schemas.contract import Contract
from schemas.privacy import COUNTS_ONLY, PERSONAL

BLANK = "**FILL IN**"
"""What a person has to write; the command counts how many there are."""

CLASSES = {
    "none": "nothing personal",
    "indirect": "says something about the home of somebody",
    "direct": "names or numbers a person; kept as a keyed token only",
    "special": "special category (article 9)",
    "public_register": "a name that a public register shows by law",
}
"""Privacy classes of fields, in words."""

RISKS = {
    "A home is visited because of records that are not its own.": "Each link has a reason and a probability; doubtful "
    "ones wait for a person (link-review.md). An officer sees the records and may say that one is not this property's.",
    "People are treated by their neighbourhood or origin.": "No protected characteristic is told to the model; "
    "fairness by deprivation and ethnicity of areas is measured and shown on the model's card (model.md).",
    "A score is taken for a finding.": "Pages show priorities and reasons, say everywhere that an entry is a lead, and "
    "decide nothing by machine alone.",
    "Data are used beyond what was agreed.": "Every read goes through one door that asks the agreements of the day, by "
    "purpose and field, and writes a log that the database will not change.",
    "Names leak from the lake, a log or a backup.": "Names are tokens before they are stored; logs, receipts and "
    "messages hold none, which a test with marked names shows. Backups are the operator's own.",
    "Open figures give a household away.": "Figures of small areas are rounded by a secret that never changes, wards "
    "and boroughs are their sums, and tests play the attacker over several quarters (open-data.md).",
    "Data stay longer than agreed.": "Retention deletes weekly, in history too, and can be asked to prove it.",
    "Somebody who was erased comes back with the next extract.": "Keyed tokens of the erased keep their rows out.",
}
"""Risks to people that this design knows of, each with the measure in place. Whether it is enough is for people."""


def page(agreements: Iterable[Agreement], contracts: Mapping[str, Contract]) -> str:
    """The assessment's start as Markdown. Nothing of any extract is read."""
    known = tuple(agreements)
    parts = [
        _head(),
        _processing(known),
        *(_agreement(agreement, contracts) for agreement in known),
        _datasets(contracts),
        *(_fields(contract) for contract in contracts.values()),
        _necessity(),
        _risks(),
        _sign_off(),
    ]
    return "\n\n".join(parts) + "\n"


def _table(headings: list[str], rows: Iterable[list[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(" ".join(cell.split()) or "none" for cell in line) + " |" for line in lines)


def _head() -> str:
    return (
        "# Data protection impact assessment: a start\n\n"
        "Made by `loda governance dpia` from the agreements and contracts that the software obeys, so it is true of "
        "what runs. It is no assessment until a person has written what is marked "
        + BLANK
        + ". The committed page is about "
        "the examples for synthetic data; run the command where your own agreements are.\n\n"
        "## Who\n\n"
        + _table(
            ["question", "answer"],
            [
                ["Controllers, and whether they are joint", BLANK],
                ["Processor that operates the platform", BLANK],
                ["Data protection officer who was asked, and their advice", BLANK],
                ["Tenants, landlords or their bodies who were asked, or why not", BLANK],
            ],
        )
    )


def _processing(agreements: tuple[Agreement, ...]) -> str:
    purposes = sorted({purpose for agreement in agreements for purpose in agreement.purposes})
    rows = [[f"`{purpose}`", PURPOSES.get(purpose, BLANK)] for purpose in purposes]
    return "## What is done, and what for\n\n" + _table(["purpose in the agreements", "in words"], rows)


def _agreement(agreement: Agreement, contracts: Mapping[str, Contract]) -> str:
    datasets = list(contracts) if ALL in agreement.datasets else list(agreement.datasets)
    limited = [
        f"{dataset}: only {', '.join(scope.only)}" if scope.only else f"{dataset}: without {', '.join(scope.without)}"
        for dataset, scope in agreement.fields.items()
    ]
    finest = [f"{dataset} by {grain}" for dataset, grain in agreement.at_finest.items()]
    taken = [f"{w.withdrawn_on.isoformat()} by {w.by}" for w in agreement.withdrawals]
    rows = [
        ["Parties", ", ".join(agreement.parties) or BLANK],
        ["Boroughs", "all of London" if ALL_LONDON in agreement.boroughs else ", ".join(agreement.boroughs)],
        ["Datasets", ", ".join(datasets)],
        ["Fields", "; ".join(limited) or "all of the contracts"],
        ["Purposes", ", ".join(agreement.purposes)],
        ["Lawful basis", agreement.lawful_basis],
        ["Condition for special categories (article 9), where there are any", _article_9(datasets, contracts)],
        ["In force", f"{agreement.valid_from.isoformat()} to {agreement.valid_until.isoformat()}, both included"],
        ["Withdrawn", "; ".join(taken) or "nothing"],
        ["Retention", f"{agreement.retention_days} days after data were replaced or refused"],
        ["Recipients, and what each sees at the finest", _recipients(agreement)],
        ["At the finest, whoever it is", ", ".join(finest) or "as each recipient"],
        ["Signed protocol", agreement.reference or BLANK],
    ]
    return f"### Agreement `{agreement.id}`\n\n{agreement.title}\n\n" + _table(["what", "as agreed"], rows)


def _article_9(datasets: list[str], contracts: Mapping[str, Contract]) -> str:
    special = [
        f"{dataset}.{field.name}"
        for dataset in datasets
        if dataset in contracts
        for field in contracts[dataset].fields
        if field.privacy == "special"
    ]
    return f"{BLANK}: {', '.join(special)}" if special else "no field of these contracts is of a special category"


def _recipients(agreement: Agreement) -> str:
    seen = [f"{ROLES[role]}: {grain}" for role, grain in agreement.may_see.items()]
    return "; ".join(seen) or BLANK


def _datasets(contracts: Mapping[str, Contract]) -> str:
    rows = []
    for contract in contracts.values():
        counts = Counter[str](field.privacy for field in contract.fields)
        rows.append(
            [
                f"`{contract.dataset}`",
                contract.purpose,
                contract.grain,
                ", ".join(f"{counts[name]} {name}" for name in CLASSES if counts[name]),
                "counts by property only" if contract.dataset in COUNTS_ONLY else ", ".join(contract.do_not_send),
            ]
        )
    classes = _table(["privacy class", "meaning"], [[f"`{name}`", words] for name, words in CLASSES.items()])
    return (
        "## Which data\n\n"
        + _table(["dataset", "what for", "a row is", "fields by privacy class", "not to be sent"], rows)
        + f"\n\n{classes}\n\nHow many people and homes they are about, and from which year on: {BLANK}"
    )


def _fields(contract: Contract) -> str:
    rows = [
        [f"`{field.name}`", f"`{field.privacy}`", field.description]
        for field in contract.fields
        if field.privacy in PERSONAL
    ]
    return f"### Personal fields of `{contract.dataset}`\n\n" + (
        _table(["field", "privacy class", "what it is"], rows) if rows else "None."
    )


def _necessity() -> str:
    questions = [
        "Why the purpose cannot be reached with fewer data or coarser ones",
        "What each dataset adds (`loda model backtest` measures boroughs with and without)",
        "How people are told, and where the notice is",
        "How the rights of access, erasure and objection are answered (docs/governance.md has erasure)",
        "Where the platform and its backups are hosted, and who can reach them",
    ]
    return "## Necessity and proportion\n\n" + _table(["question", "answer"], [[q, BLANK] for q in questions])


def _risks() -> str:
    rows = [[risk, measure, BLANK, BLANK] for risk, measure in RISKS.items()]
    return "## Risks to people, and measures\n\n" + _table(
        ["risk", "measure in place", "what is left: likely, severe", "accepted by"], [*rows, [BLANK] * 4]
    )


def _sign_off() -> str:
    rows = [[who, BLANK, BLANK] for who in ("Senior responsible owner", "Data protection officer", "Next review")]
    return "## Signed\n\n" + _table(["who", "name", "day"], rows)
