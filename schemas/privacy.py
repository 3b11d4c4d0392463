"""What may never stand in a contract or be mapped: people where only counts may be, and free text.

The electoral register may be used beyond its own purposes only for statutory functions or for statistics that show
no elector's name and address (Representation of the People (England and Wales) Regulations 2001, reg. 107), and
disclosing a person's social security information without lawful authority is an offence. So both come as counts by
property. Free text may say anything about anybody, so no contract has a field for it.
"""

from __future__ import annotations

import re

from schemas.contract import Contract, Field
from schemas.mapping import Mapping

COUNTS_ONLY = ("electoral", "benefits")
"""Datasets that hold counts by property and nothing about a person."""

PERSONAL = frozenset({"indirect", "direct", "special", "public_register"})
"""Privacy classes whose reading is audited."""

NAMES_A_PERSON = frozenset({"direct", "special", "public_register"})
"""Privacy classes that a row by property does not show."""

LONGEST_TEXT = 300
"""Letters of the longest text that is still one fact; the longest are addresses."""

LOCATE = frozenset({"address", "postcode", "uprn"})
"""Text fields that say where a property is."""

_FREE_TEXT = re.compile(
    r"\b(notes?|comments?|remarks?|narrative|memos?|free[ _]?text|observations?|further details|description of)\b", re.I
)
_PERSON = re.compile(
    r"\b(fore ?names?|first names?|given names?|middle names?|last names?|family name|surname|full name|initials?|title"
    r"|(elector|claimant|customer|partner|party|person|occupier|tenant|applicant|resident) ?(name|no|number|ref|id)?"
    r"|dob|date of birth|birth ?date|age|nino|ni number|national insurance|gender|sex|nationality|ethnic\w*"
    r"|e ?mail\w*|phone|telephone|mobile|signature|name)\b",
    re.I,
)

_NAMES_A_PERSON = re.compile(
    r"\b(fore ?names?|first names?|given names?|middle names?|last names?|family name|surname|full name|dob"
    r"|date of birth|birth ?date|nino|ni number|ni no|national insurance( number| no)?"
    r"|(elector|claimant|customer|partner|applicant|tenant|occupier|resident|party)s? name)\b"
)
_A_PERSONS_NUMBER = re.compile(
    r"\b((elector|claimant|customer|partner|party|person|occupier|tenant|applicant|resident|roll) "
    r"(no|number|ref|id)|age|nino|ni number|phone|telephone|mobile)\b"
)
_OF_A_PLACE = re.compile(
    r"\b(property|building|house|street|road|ward|block|site|estate|flat|locality|town|polling district) "
    r"(name|no|number|ref|id|title)\b"
)
_A_COUNT = re.compile(r"\b(counts?|number of|no of|num|total|different|distinct|unique)\b")


def _words(heading: str) -> str:
    """A heading as words: `ELECTOR_FORENAME` and `electorForename` are `elector forename`."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    return " ".join(re.split(r"[^A-Za-z0-9]+", apart)).strip().lower()


def is_free_text(heading: str) -> bool:
    """Whether a heading announces text that somebody typed."""
    return bool(_FREE_TEXT.search(_words(heading)))


def is_about_a_person(heading: str) -> bool:
    """Whether a heading announces something about one person; a number of surnames is not."""
    words = _OF_A_PLACE.sub(" ", _words(heading))
    return bool(_PERSON.search(words)) and not _A_COUNT.search(words)


def is_a_persons_number(heading: str) -> bool:
    """Whether a heading announces a number that one person has, such as an elector number or an age."""
    return bool(_A_PERSONS_NUMBER.search(_words(heading)))


def names_a_person(heading: str) -> bool:
    """Whether a heading announces names, days of birth or national insurance numbers beyond doubt."""
    words = _words(heading)
    return bool(_NAMES_A_PERSON.search(words)) and not _A_COUNT.search(words)


def contract_faults(contract: Contract) -> list[str]:
    """Fields that a contract must not have, a sentence each."""
    found = []
    for field in contract.fields:
        where = f"Field '{field.name}' of {contract.dataset}"
        if field.type == "string" and is_free_text(field.name):
            found.append(f"{where} is free text; no contract may hold any.")
        bounded = field.codes or field.pattern or (field.max_length is not None and field.max_length <= LONGEST_TEXT)
        if field.type == "string" and not bounded:
            found.append(f"{where} is text without codes, pattern or a length of at most {LONGEST_TEXT}.")
        if contract.dataset in COUNTS_ONLY:
            found += [f"{where} {why}; {contract.dataset} may hold counts by property only." for why in _person(field)]
    times = {contract.event_time, contract.known_since}
    if contract.dataset in COUNTS_ONLY:
        found += [
            f"Field '{field.name}' of {contract.dataset} is a date of something else than the count."
            for field in contract.fields
            if field.type == "date" and field.name not in times
        ]
    return found


def _person(field: Field) -> list[str]:
    """What makes a field one about a person."""
    found = []
    if field.privacy in NAMES_A_PERSON:
        found.append(f"is of the privacy class '{field.privacy}'")
    if field.type == "string" and field.name not in LOCATE and not field.codes:
        found.append("is text about something else than where the property is")
    return found


def mapping_faults(mapping: Mapping, contract: Contract) -> list[str]:
    """What a mapping must not take from an extract, a sentence each."""
    found = []
    for name, how in mapping.fields.items():
        field = contract.by_name.get(name)
        if field is None:
            continue
        found += [
            f"column '{heading}' looks like free text and feeds '{name}'; ignore it instead"
            for heading in how.sources
            if field.type == "string" and not field.codes and is_free_text(heading)
        ]
        if mapping.dataset not in COUNTS_ONLY:
            continue
        found += [
            f"column '{heading}' looks like one person's and feeds '{name}'; {mapping.dataset} takes counts by "
            "property only, so ignore it"
            for heading in how.sources
            if (is_a_persons_number(heading) if field.type == "integer" else is_about_a_person(heading))
        ]
        if field.type == "integer" and how.constant is not None:
            found.append(f"the count '{name}' is a constant, so the extract has a row for each person, not for a count")
    return found
