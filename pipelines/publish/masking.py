"""What of a cell may stand in a receipt: receipts travel by mail and print, so nothing that says who or where.

Cells of columns that name a person are never shown. Cells that say where a property is are shown as a shape: every
letter an x, every digit a 9. Of the other columns dates, short numbers, short codes and codes that the mapping knows
are shown as they are, and anything else as a shape as well, because a file whose columns have shifted holds names where
its codes should be. The quarantine file, the officer's own data beside the officer's own file, is the one place with
values.
"""

from __future__ import annotations

import re

from schemas.contract import Contract, Field
from schemas.mapping import Mapping
from schemas.privacy import NAMES_A_PERSON

LONGEST = 40
DATE = re.compile(r"(\d{1,2}[/.-]){2}(\d{4}|\d{2})|\d{4}([/.-]\d{1,2}){2}")
MIDNIGHT = re.compile(r"[ T]00:00(:00(\.0+)?)?$")
NUMBER = re.compile(r"[+-]?£?\d{1,3}(,?\d{3})?(\.\d{1,2})?%?")
CODE = re.compile(r"[A-Za-z]{1,2}|(?=[A-Za-z]*\d)[A-Za-z0-9]{1,4}")


class Masks:
    """How the cells of each of the officer's columns are shown, told by every field that the column feeds."""

    def __init__(self, mapping: Mapping, contract: Contract) -> None:
        self._fed: dict[str, list[Field]] = {}
        self._codes: dict[str, set[str]] = {}
        for name, how in (*mapping.fields.items(), *mapping.implied.items()):
            if name in contract.by_name:
                codes = {code.casefold() for code in (*(contract.by_name[name].codes or ()), *how.values)}
                for source in how.sources:
                    self._fed.setdefault(source, []).append(contract.by_name[name])
                    self._codes.setdefault(source, set()).update(codes)

    def shown(self, column: str, cell: str) -> str | None:
        """The cell as it may be shown, None for one that may not be shown at all."""
        fields = self._fed.get(column)
        text = " ".join(cell.split())
        if not fields or any(field.privacy in NAMES_A_PERSON for field in fields):
            return None
        if not text:
            return ""
        if any(field.privacy != "none" for field in fields):
            return shape(text)
        if text.casefold() in self._codes[column]:
            return text  # a word of the mapping or of the contract
        return text if any(_says_nothing_of_anybody(text, field) for field in fields) else shape(text)


def shape(text: str) -> str:
    """The form of a text without its content: letters as x, digits as 9, other signs of ASCII as they are."""
    marks = ("9" if c.isdigit() else c if c.isascii() and not c.isalpha() else "x" for c in text[:LONGEST])
    return "".join(marks) + ("…" if len(text) > LONGEST else "")


def _says_nothing_of_anybody(text: str, field: Field) -> bool:
    if field.type == "date":
        return DATE.fullmatch(MIDNIGHT.sub("", text)) is not None
    if field.type in {"integer", "number"}:
        return NUMBER.fullmatch(text) is not None
    if field.type == "boolean" or field.codes is not None:
        return CODE.fullmatch(text) is not None
    return False
