"""Decisions about columns become the fields of a mapping: composed addresses, codes, date formats, what is missing."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pandas as pd

from pipelines.onboard.codes import one_code
from pipelines.onboard.decision import Assignment
from pipelines.onboard.headings import Knowledge
from pipelines.onboard.patterns import POSTCODE
from pipelines.onboard.profiles import Profile
from schemas import registry
from schemas.contract import Contract
from schemas.contract import Field as ContractField
from schemas.mapping_faults import EXCEL_DAYS

WITHOUT_POSTCODE = rf"(?s)^(.*?)[\s,]*(?:{POSTCODE})?\s*$"
POSTCODE_AT_END = rf"({POSTCODE})\s*$"
POSTCODE_INSIDE = rf"(?:^|[\s,])({POSTCODE})(?:[\s,.]|$)"
UK = "%d/%m/%Y"
SPACED = frozenset({"building_number", "suffix", "street", "location", "locality", "town"})
SUFFIXES = {
    "mandatory": ("HMOLIC", "HMOMAN", "HMOM", "MAND", "MHMO"),
    "additional": ("HMOADS", "HMOADL", "HMOADD", "HMOA", "ADDL", "AHMO"),
    "selective": ("SEL", "SELECT", "SELLIC", "SLIC", "PRS"),
}
EXEMPTION_SUFFIXES = ("HMOTXN", "TXN", "TEN", "HMOTEN")


@dataclass
class Draft:
    """The fields of a mapping in the making, with what a person should look at.

    `unsure` holds sentences by field; `open_codes` the distinct codes of a column that nobody
    knows, by field; `missing` the required fields without a source; `day_month` the date
    fields in which day and month cannot be told apart.
    """

    fields: dict[str, Any] = field(default_factory=dict)
    dates: list[str] = field(default_factory=list)
    known_since: dict[str, Any] | None = None
    remarks: dict[str, str] = field(default_factory=dict)
    unsure: dict[str, list[str]] = field(default_factory=dict)
    open_codes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    day_month: list[str] = field(default_factory=list)
    durations: dict[int, str] = field(default_factory=dict)
    guessed: dict[str, str] = field(default_factory=dict)

    def doubt(self, name: str, sentence: str) -> None:
        """Say what is not certain about a field."""
        self.unsure.setdefault(name, []).append(sentence)


@dataclass(frozen=True)
class Answers:
    """What a person has said: fields of columns (None: ignore), codes, constants, which way round dates are."""

    dataset: str | None = None
    columns: Mapping[str, str | None] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    day_first: bool | None = None


def compose(made: Assignment, known: Knowledge, answers: Answers, file_name: str = "") -> Draft:
    """The fields of a mapping from the decisions about columns."""
    contract = registry.contract(made.dataset)
    draft = Draft()
    formats = _formats(made, contract, answers, draft)
    for target in contract.fields:
        columns = made.columns_of(target.name)
        if columns:
            draft.fields[target.name] = _field(made, target, columns, known, answers, draft)
    _address(made, contract, draft)
    _duration(made, contract, draft)
    _declare(formats, contract, draft)
    _type_by_reference(made, contract, draft)
    _constants(made, contract, answers, draft, file_name)
    draft.fields = {f.name: draft.fields[f.name] for f in contract.fields if f.name in draft.fields}
    draft.known_since = _known_since(contract, known, draft)
    draft.missing = [name for name in contract.required if name not in draft.fields]
    return draft


def _names(made: Assignment, columns: list[int]) -> list[str]:
    return [made.profiles[column].name for column in columns]


def _field(
    made: Assignment, target: ContractField, columns: list[int], known: Knowledge, answers: Answers, draft: Draft
) -> Any:
    family = made.families.get(target.name)
    if family is not None:
        ordered = [column for column in family.columns if column in columns]
        columns = ordered + [column for column in columns if column not in ordered]
    names = _names(made, columns)
    if target.codes is not None and len(columns) == 1:
        return _coded(made.profiles[columns[0]], target, known, answers, draft)
    if len(names) == 1:
        return names[0]
    return {"columns": names} if target.name.endswith("address") else {"columns": names, "join": " "}


def _coded(profile: Profile, target: ContractField, known: Knowledge, answers: Answers, draft: Draft) -> Any:
    codes = {code.casefold() for code in target.codes or {}}
    given = answers.codes.get(target.name, {})
    values: dict[str, str] = {}
    unknown: list[str] = []
    for text, _ in profile.codes:
        code = given.get(text) or one_code(text, target, known)
        if code is None:
            unknown.append(text)
        elif " ".join(text.split()).casefold() not in codes or text in given:
            values[" ".join(text.split())] = code
    if unknown:
        draft.open_codes[target.name] = tuple(unknown)
        draft.doubt(
            target.name, f"{len(unknown)} of its codes are not known; rows with them are quarantined until they are"
        )
    return {"column": profile.name, "values": values} if values else profile.name


def _address(made: Assignment, contract: Contract, draft: Draft) -> None:
    """Take the postcode out of an address that holds it, and put parts together where there is no whole address."""
    if "address" not in contract.by_name:
        return
    if "address" not in draft.fields:
        _from_parts(contract, draft)
        if "address" not in draft.fields:
            return
    columns = made.columns_of("address")
    if not columns:
        return
    at_end = max(made.profiles[column].share("ends_in_postcode") for column in columns)
    inside = max(made.profiles[column].share("holds_postcode") for column in columns)
    names = draft.fields["address"]
    source: dict[str, Any] = {"column": names} if isinstance(names, str) else dict(names)
    family = made.families.get("address")
    if family is not None and "columns" in source and {p.element for p in family.members} <= SPACED:
        source["join"] = " "
    if at_end >= 0.2:
        draft.fields["address"] = source | {"extract": WITHOUT_POSTCODE}
        draft.fields.setdefault("postcode", source | {"extract": POSTCODE_AT_END})
    elif inside >= 0.2:
        draft.fields["address"] = source["column"] if list(source) == ["column"] else source
        draft.fields.setdefault("postcode", source | {"extract": POSTCODE_INSIDE})
    else:
        draft.fields["address"] = source["column"] if list(source) == ["column"] else source


def _from_parts(contract: Contract, draft: Draft) -> None:
    parts = [
        draft.fields[n]
        for n in ("unit", "building_name", "building_number", "street", "locality", "town")
        if n in draft.fields
    ]
    plain = [part for part in parts if isinstance(part, str)]
    if len(plain) >= 2 and "street" in draft.fields:
        draft.fields["address"] = {"columns": plain}
        draft.remarks["address"] = "put together from its parts, since no column holds the whole address"


def _duration(made: Assignment, contract: Contract, draft: Draft) -> None:
    """A length of the licence in place of its last day."""
    if (
        "expiry_date" not in contract.by_name
        or "expiry_date" in draft.fields
        or "commencement_date" not in draft.fields
    ):
        return
    for decision in made.decisions:
        profile = made.profiles[decision.column]
        if decision.field is not None or "duration" not in made.headings[decision.column].words or profile.blank:
            continue
        spelled = profile.share("duration")
        plain = profile.share("whole", "decimal")
        if max(spelled, plain) < 0.7:
            continue
        months = ((profile.typical or 0) > 11 and plain > spelled) or "months" in made.headings[decision.column].words
        how: dict[str, Any] = {"column": profile.name, "after": "commencement_date"}
        if spelled < 0.7:
            how["unit"] = "months" if months else "years"
        draft.fields["expiry_date"] = how
        draft.durations[decision.column] = "months" if months else "years"
        draft.remarks["expiry_date"] = "the last day is so long after the first; the register has no column for it"
        return


def _formats(made: Assignment, contract: Contract, answers: Answers, draft: Draft) -> dict[str, tuple[str, ...]]:
    """The formats of each date field; a column that cannot tell takes the way round that the others tell."""
    fields = {
        target.name: made.profiles[made.columns_of(target.name)[0]].dates
        for target in contract.fields
        if target.type == "date" and len(made.columns_of(target.name)) == 1
    }
    told = [reading for reading in fields.values() if reading.formats and not reading.ambiguous]
    month_first = any(reading.month_first for reading in told)
    found: dict[str, tuple[str, ...]] = {}
    for name, reading in fields.items():
        if reading.serial:
            found[name] = (EXCEL_DAYS,)
        elif not reading.formats:
            found[name] = ()  # a blank column: the formats of the others
        elif reading.ambiguous:
            draft.day_month += [] if told or answers.day_first is not None else [name]
            other_way = answers.day_first is False or (answers.day_first is None and month_first)
            found[name] = tuple(_swapped(form) if other_way else form for form in reading.formats)
        else:
            found[name] = reading.formats
    return found


def _swapped(form: str) -> str:
    return form.replace("%d", "%~").replace("%m", "%d").replace("%~", "%m")


def _declare(formats: Mapping[str, tuple[str, ...]], contract: Contract, draft: Draft) -> None:
    """Formats that most date fields share stand once; a field with others says its own."""
    counted = Counter(forms for forms in formats.values() if forms)
    if counted:
        # The commonest set, and every field whose formats are all among it.
        common = list(counted.most_common(1)[0][0])
    else:
        common = [UK] if formats else []
    for name, forms in formats.items():
        if forms and not set(forms) <= set(common):
            source = draft.fields[name]
            plain: dict[str, Any] = {"column": source} if isinstance(source, str) else dict(source)
            draft.fields[name] = plain | {"date": list(forms)}
    draft.dates = common


def _type_by_reference(made: Assignment, contract: Contract, draft: Draft) -> None:
    """A reference whose ending says the licence's type, where no column does."""
    if "licence_type" not in contract.by_name or "licence_type" in draft.fields:
        return
    name = next((n for n in ("licence_ref", "application_ref") if n in contract.by_name), "")
    columns = made.columns_of(name)
    if len(columns) != 1:
        return
    profile = made.profiles[columns[0]]
    endings = profile.texts.to_pandas().dropna().str.extract(r"[/\s_-]([A-Z]{3,8})\s*$")[0]
    counted = endings.value_counts()
    if not len(counted) or counted.sum() < 0.9 * profile.filled or len(counted) > 12:
        return
    values = {e: c for e in counted.index for c, known in SUFFIXES.items() if e in known}
    if not values:
        return
    draft.fields["licence_type"] = {"column": profile.name, "extract": r"[/\s_-]([A-Z]{3,8})\s*$", "values": values}
    draft.doubt("licence_type", "the ending of the reference is read as the type; no key to it came with the file")
    draft.guessed["licence_type"] = "the ending of the reference"
    unknown = tuple(str(e) for e in counted.index if e not in values)
    if unknown:
        draft.open_codes["licence_type"] = unknown


def _constants(made: Assignment, contract: Contract, answers: Answers, draft: Draft, file_name: str) -> None:
    """Required codes that no column holds: what a person said, or what every row of such a file is."""
    for name, code in answers.constants.items():
        if name in contract.by_name and name not in draft.fields:
            draft.fields[name] = {"constant": code}
    if contract.dataset == "licence_application" and _of_exemptions(made, draft, file_name):
        for name, code in (("application_kind", "temporary_exemption"), ("application_status", "granted")):
            if name not in draft.fields:
                draft.fields[name] = {"constant": code}
                draft.doubt(name, "no column says it; the file seems to hold temporary exemptions that were granted")
                draft.guessed[name] = "what the file seems to hold"


def _of_exemptions(made: Assignment, draft: Draft, file_name: str) -> bool:
    if re.search(r"(?i)exemption|\btens?\b", PurePosixPath(file_name).stem.replace("_", " ")):
        return True
    columns = made.columns_of("application_ref")
    if len(columns) != 1:
        return False
    endings = made.profiles[columns[0]].texts.to_pandas().dropna().str.extract(r"([A-Z]{3,8})\s*$")[0]
    return bool(pd.Series(endings).isin(EXEMPTION_SUFFIXES).mean() > 0.8) if len(endings) else False


def _known_since(contract: Contract, known: Knowledge, draft: Draft) -> dict[str, Any] | None:
    """Without a column for it, rows are taken to be known as long after an event as other boroughs' are."""
    if contract.known_since in draft.fields:
        return None
    for (after, days), _ in known.days_known_after.get(contract.dataset, Counter()).most_common():
        if after in draft.fields:
            return {"after": after, "days": days}
    return None
