"""A page for each dataset, made from its contract: what to send, in plain words, with a template and a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from expectations.suite import Rule, base_rules, rules_for
from pipelines.core import clock
from pipelines.core.settings import settings
from pipelines.publish.html import render
from schemas import registry
from schemas.contract import Contract, Field
from schemas.guidance import SHORT_TREATMENT, TREATMENT, day, every, example_of, form_of
from schemas.sample import csv_sample, sample_rows
from schemas.template import csv_template, xlsx_template

KINDS = "CSV, XLSX, Parquet"
NEVER = (
    "dates of birth, National Insurance numbers, telephone numbers, e-mail addresses and bank details",
    "notes, diaries, comments and any other free text",
    "columns that are not on this page: each of them holds the file back until somebody has looked",
)
"""What no dataset takes, whatever its contract adds."""


@dataclass(frozen=True)
class Fault:
    """A mistake that is often met, what it looks like, and how to keep clear of it."""

    name: str
    looks: str
    avoid: str


def dataset_files() -> dict[str, bytes]:
    """Every page, template and sample by file name, `index.html` first."""
    contracts = list(registry.contracts().values())
    files = {"index.html": index_page(contracts)}
    for contract in contracts:
        name = contract.dataset
        files[f"{name}.html"] = dataset_page(contract)
        files[f"{name}.template.csv"] = csv_template(contract).encode()
        files[f"{name}.template.xlsx"] = xlsx_template(contract)
        files[f"{name}.sample.csv"] = csv_sample(contract).encode()
    return files


def index_page(contracts: Sequence[Contract]) -> bytes:
    """The page that names every dataset."""
    rows = [{"contract": contract, "every": every(contract)} for contract in contracts]
    return render("datasets.html", rows=rows, kinds=KINDS)


def dataset_page(contract: Contract) -> bytes:
    """The page of one dataset, for the officer who prepares its extract."""
    limits = settings()
    classes = {field.privacy for field in contract.fields}
    return render(
        "dataset.html",
        contract=contract,
        every=every(contract),
        kinds=KINDS,
        agreements=agreements_for(contract),
        fields=[_field(field, contract) for field in contract.fields],
        treatments=[(SHORT_TREATMENT[p], TREATMENT[p]) for p in TREATMENT if p in classes],
        coded=[field for field in contract.fields if field.codes],
        rules=rules_in_words(contract),
        held_share=f"{limits.max_quarantined_share:.0%}",
        least_share=f"{1 - limits.max_row_fall_share:.0%}",
        faults=common_faults(contract),
        never=[*contract.do_not_send, *NEVER],
        sample=_sample(contract),
    )


def _field(field: Field, contract: Contract) -> dict[str, Any]:
    meaning = field.description
    if field.name == contract.known_since:  # what the model makes of it is nothing that an officer needs
        meaning = f"{meaning.split(';')[0]}. Blank where your system does not say: the day of the extract is taken."
    return {
        "name": field.name,
        "title": field.title,
        "description": meaning,
        "required": field.required,
        "form": form_of(field),
        "coded": field.codes is not None,
        "treatment": SHORT_TREATMENT[field.privacy],
        "personal": field.privacy in {"direct", "special"},
        "example": example_of(field),
    }


def agreements_for(contract: Contract) -> list[dict[str, str]]:
    """Agreements in force today that cover the dataset for some borough: title and lawful basis."""
    today = clock.today()
    return [
        {"title": agreement.title, "lawful_basis": agreement.lawful_basis}
        for agreement in registry.agreements()
        if {contract.dataset, "all"} & set(agreement.datasets)
        and agreement.valid_from <= today <= agreement.valid_until
    ]


def _sample(contract: Contract) -> list[list[tuple[str, str]]]:
    """The first two rows of the sample, each as the cells that are filled."""
    titles = {field.name: field.title for field in contract.fields}
    return [[(titles[name], row[name]) for name in titles if row.get(name)] for row in sample_rows(contract)[:2]]


def rules_in_words(contract: Contract) -> dict[str, list[str]]:
    """What is found fault with, sorted by what follows: `row` set aside, `cell` left blank, `note` in the receipt.

    From the contract and from the rules between fields; `drop` has those that hold the whole file.
    """
    fields = contract.fields
    words: dict[str, list[str]] = {"row": [], "cell": [], "note": [], "drop": []}
    required = [field for field in fields if field.required]
    words["row"].append(f"{_listed(required, 'or')}: blank, or nothing that can be read.")
    coded = [field for field in fields if field.codes]
    if coded:
        words["row"].append(f"{_listed(coded)}: a code that is not on this page.")
    key = [contract.by_name[name] for name in contract.key]
    words["row"].append(f"{_listed(key)}: the same as in an earlier row, which is used.")
    formed = [field for field in fields if field.pattern and not field.required]
    if formed:
        words["cell"].append(f"{_listed(formed)}: not of the form that is asked for.")
    dated = [field for field in fields if field.type == "date"]
    words["cell"].append(f"{_listed(dated)}: not a date, or a day that is not possible.")
    counted = [field for field in fields if field.type in {"integer", "number"}]
    if counted:
        words["cell"].append(f"{_listed(counted)}: anything but a number.")
        words["note"].append(f"{_listed(counted)}: a number far from what is usual.")
    for severity, told in _rules_between_fields(contract):
        words[{"error": "row", "warning": "note", "critical": "drop"}[severity]].append(told)
    return words


def _rules_between_fields(contract: Contract) -> list[tuple[str, str]]:
    """Severity and sentence of each rule written by hand; rules for one fault under one condition are told as one."""
    base = base_rules(contract)
    grouped: dict[tuple[str, str, str, frozenset[str] | None], set[str]] = {}
    for rule in rules_for(contract):
        if rule not in base:
            limits = {*rule.only_where, *rule.since, *rule.unless}
            looked_at = (rule.columns - limits) | ({rule.field} if rule.field else set())
            alone = len(looked_at) < 2  # a rule about two fields together says something of its own
            key = (rule.severity, rule.issue, _condition(rule, contract), None if alone else frozenset(looked_at))
            grouped.setdefault(key, set()).update(looked_at)
    found = []
    for (severity, issue, condition, _), names in grouped.items():
        fields = [field for field in contract.fields if field.name in names]
        sentence = registry.issue_types()[issue].sentence
        told = f"{_listed(fields)}{condition}: {_lower(sentence)}" if fields else sentence
        found.append((severity, told))
    return found


def _condition(rule: Rule, contract: Contract) -> str:
    where = [f"{contract.by_name[name].title} is {' or '.join(codes)}" for name, codes in rule.only_where.items()]
    where += [f"{contract.by_name[name].title} is {day(first)} or later" for name, first in rule.since.items()]
    return f", where {' and '.join(where)}" if where else ""


def _listed(fields: Sequence[Field], last: str = "and") -> str:
    titles = [field.title for field in fields]
    return titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} {last} {titles[-1]}"


def _lower(text: str) -> str:
    """The first letter small, unless the word is an abbreviation (UPRN, HMO)."""
    first = text.split(maxsplit=1)[0]
    return text if len(first) > 1 and first.isupper() else text[:1].lower() + text[1:]


def common_faults(contract: Contract) -> list[Fault]:
    """The mistakes that extracts of this dataset are most often held or cut for, and how to avoid each."""
    found = [
        Fault(
            "Only what is new",
            "An extract of this month's rows alone",
            "Send everything the dataset covers each time. An extract replaces the one before it.",
        ),
        Fault(
            "Headings that differ",
            "A heading renamed, a title above the headings, totals or notes below the rows",
            "Keep the headings of the template, once, in the first row. Their order is free, and a column that need "
            "not be filled may be left out.",
        ),
    ]
    if "uprn" in contract.by_name:
        found.append(
            Fault(
                "A UPRN that a spreadsheet rounded",
                "1.00023E+11 instead of 100023336956: the last digits are lost for good",
                "Use the workbook template, whose cells are text, or drop the CSV as it was exported, without opening "
                "it in a spreadsheet.",
            )
        )
    found.append(
        Fault(
            "Dates in another order",
            "04/28/2025, 28-Apr-25, or a day that does not exist, such as 31/04/2025",
            "Write 2025-04-28. A spreadsheet's 28/04/2025 is read as well: day first, always.",
        )
    )
    if any(field.codes for field in contract.fields):
        found.append(
            Fault(
                "A code of your own",
                "A word of your system in a coded column",
                "Use the codes on this page. If yours has no place among them, say so before you send it.",
            )
        )
    if "address" in contract.by_name:
        found.append(
            Fault(
                "A flat without its number",
                "The house's address for each of its flats",
                "Put flat, room or floor first, as in 'Flat 2, 14 Example Road', and the postcode in its own column.",
            )
        )
    found += [
        Fault(
            "Letters that turn into signs",
            "Café as Caf\ufffd, or a pound sign as Â£",
            "Save as 'CSV UTF-8'. A workbook needs no choice.",
        ),
        Fault(
            "A second sheet",
            "Rows spread over several sheets of a workbook",
            "Put them all on the first sheet; the others are not read.",
        ),
    ]
    return found
