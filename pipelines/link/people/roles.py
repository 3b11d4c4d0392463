"""What each column of a file says about a person or a firm: told from its heading, from its values, or by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.errors import LodaError
from pipelines.link.address.text import as_text, postcodes
from pipelines.link.people.names import FIRM, folded
from pipelines.link.people.words import short_forms

MANY = ("address", "identifier", "contact")
"""Roles that several columns may have."""
LOOKED_AT = 2_000
"""Values at the top of a column by which its role is guessed."""

HEADINGS = {
    "forename": r"(?:first|given|fore|christian) ?names?|fname|first|forename ?s?|givenname",
    "surname": r"(?:sur|last|family|second) ?names?|lname|surname",
    "name": r"(?:full|whole|person|owner|holder|licence holder|license holder|landlord|licensee|manager|agent|"
    r"applicant|proprietor|contact|liable|liable party|tenant|customer|client|payer)? ?(?:s )?names?(?: full)?|"
    r"(?:licence |license )?holder|landlord|licensee|owner|proprietor|manager|agent",
    "birth_date": r"(?:date of birth|birth ?date|d ?o ?b|birthday|born)",
    "address": r"(?:full |correspondence |contact |postal |home |holder |owner |landlord |service |property )?"
    r"(?:address|addr|adr)(?: ?line)?(?: ?[1-9])?|street(?: name| address)?|line ?[1-9]|house name",
    "house_number": r"(?:street|house|building|property) ?(?:number|no|num)",
    "place": r"(?:suburb|town|city|post ?town|locality|village|place)(?: name)?",
    "postcode": r"(?:.* )?(?:post ?code|p ?code|zip|zip ?code)(?: .*)?",
    "company": r"(?:company|organi[sz]ation|business|firm|trading|employer)(?: ?name)?",
    "company_number": r"(?:company|co|registered|registration|companies house)(?: company)? ?(?:reg(?:istration)? )?"
    r"(?:number|no|num|reg|registration no)|crn",
    "region": r"(?:state|county|region|province|country)(?: code| name)?",
    "birth_place": r"(?:birth ?place|place of birth|town of birth|born in)",
    "occupation": r"(?:occupation|profession|job|job title|trade)",
    "gender": r"(?:gender|sex)",
    "contact": r".*\b(?:e ?mail|phone|tel|telephone|mobile)\b.*",
    "identifier": r"(?:n ?i ?no|nino|.*national insurance.*|"
    r"(?:soc(?:ial)? ?sec(?:urity)?|ssn)(?: ?(?:id|no|number))?|passport(?: ?(?:no|number))?|nhs ?(?:no|number)|"
    r"utr|vat(?: ?(?:no|number))?|driving licence(?: no| number)?|charity (?:no|number)|"
    r".*\baccreditation (?:no|number))",
}
"""Headings of each role, whole, in lower case with spaces for all signs."""

ROLES = (*HEADINGS, "ignore")


def told(heading: str) -> str | None:
    """The role that a heading tells, or None."""
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", heading)
    plain = re.sub(r"[^a-z0-9]+", " ", plain.lower()).strip()
    plain = re.sub(r"\b(?:fake|original|clean|std|text|str)\b", " ", plain).strip()
    for role, pattern in HEADINGS.items():
        if plain and re.fullmatch(pattern, plain):
            return role
    return None


def guessed(values: pa.Array) -> str | None:
    """The role that values without a telling heading have, where there is little doubt; else None."""
    text = folded(as_text(values.slice(0, LOOKED_AT)))
    text = text.filter(pc.not_equal(text, ""))
    if len(text) == 0:
        return None

    def share(mask: pa.Array) -> float:
        return float(pc.mean(mask.cast(pa.float64())).as_py())

    if share(pc.match_substring_regex(text, r"^[^ @]+@[^ @]+\.[A-Z]+$")) > 0.6:
        return "contact"
    if share(pc.not_equal(postcodes(text), "")) > 0.6 and share(pc.less(pc.utf8_length(text), 9)) > 0.9:
        return "postcode"
    if share(pc.match_substring_regex(text, r"^(?:\+44|0)[0-9 ]{9,12}$")) > 0.8:
        return "contact"
    if share(pc.match_substring_regex(text, FIRM)) > 0.6:
        return "company"
    if (
        share(pc.match_substring_regex(text, r"^[A-Z0-9 /]*[0-9].* (?:ROAD|RD|STREET|ST|AVENUE|AVE|LANE|CLOSE)\b"))
        > 0.4
    ):
        return "address"
    known = pa.array(list(short_forms()), pa.string())
    first = pc.list_element(pc.split_pattern(pc.binary_join_element_wise(text, " ", ""), " "), 0)
    if share(pc.is_in(first, known)) > 0.2:
        return "name" if share(pc.match_substring(text, " ")) > 0.6 else "forename"
    return None


def _added(found: dict[str, list[str]], roles: Mapping[str, str | None], given: Mapping[str, Sequence[str]]) -> None:
    for name, role in roles.items():
        if role is not None and role not in given and (role in MANY or role not in found):
            found.setdefault(role, []).append(name)


def recognised(table: pa.Table, given: Mapping[str, Sequence[str]] | None = None) -> dict[str, list[str]]:
    """By role the columns that have it, in the file's order.

    Args:
        table: columns of text.
        given: by role the columns that a person named; these columns and roles are not guessed.

    Raises:
        LodaError: a named role or column does not exist, or nothing tells one person from another.
    """
    given = given or {}
    for role, columns in given.items():
        if role not in ROLES:
            raise LodaError(f"'{role}' is no role of a column; the roles are {', '.join(ROLES)}.")
        missing = [name for name in columns if name not in table.column_names]
        if missing:
            raise LodaError(f"There is no column '{missing[0]}'; the columns are {', '.join(table.column_names)}.")
    taken = {name for columns in given.values() for name in columns}
    found = {role: list(columns) for role, columns in given.items() if role != "ignore"}
    free = [name for name in table.column_names if name not in taken]
    by_heading = {name: told(name) for name in free}
    _added(found, by_heading, given)
    if not {"name", "surname", "company"} & set(found):
        silent = [name for name in free if by_heading[name] is None]
        _added(found, {name: guessed(table[name].combine_chunks()) for name in silent}, given)
    if not {"name", "forename", "surname", "company", "company_number", "identifier", "contact"} & set(found):
        raise LodaError(
            "No column is known to hold names or identifying numbers. "
            "Say which one does, for instance --columns surname=COLUMN; "
            f"the columns are {', '.join(table.column_names)}."
        )
    return found
