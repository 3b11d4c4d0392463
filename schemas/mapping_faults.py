"""What can be wrong with a mapping before any file is read with it, a sentence each."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from schemas.contract import Contract
from schemas.contract import Field as ContractField
from schemas.mapping import OVERRIDABLE, REVIEW, FieldMap, Mapping

EXCEL_DAYS = "excel"
"""A declared date format of its own: days since 30 December 1899, as a spreadsheet stores a date (45292)."""
ISO = "%Y-%m-%d"
PROBES = (datetime(2024, 11, 30, tzinfo=UTC), datetime(1999, 2, 3, tzinfo=UTC))
LITERAL = re.compile(r"\^((?:[^\\.\[\](){}*+?|^$]|\\[^\w])*)\$")
"""A pattern that fits one text and no other."""


def mapping_faults(mapping: Mapping, contract: Contract) -> list[str]:
    """What is wrong with a mapping against its contract; empty when it is sound."""
    checks = (_source, _fields, _columns, _formats, _lengths, _codes, _patches, _implied, _known_since, _files)
    return [sentence for check in checks for sentence in check(mapping, contract)]


def unaccounted(mapping: Mapping, headings: Iterable[str]) -> list[str]:
    """What is wrong between a mapping and a file with these headings; empty where each is mapped or ignored."""
    there = list(headings)
    gone = sorted(mapping.needed - set(there))
    new = [name for name in there if name not in mapping.columns]
    return [
        *(f"column '{name}' is neither mapped nor ignored" for name in new),
        *(f"column '{name}' is mapped or ignored but not in the file" for name in gone),
    ]


def _source(mapping: Mapping, _: Contract) -> Iterator[str]:
    if mapping.source == REVIEW:
        yield f"the source '{REVIEW}' is that of what officers record on the platform's pages; give it another name"


def _fields(mapping: Mapping, contract: Contract) -> Iterator[str]:
    for name in mapping.fields:
        if name not in contract.by_name:
            yield f"field '{name}' is not in the contract of {mapping.dataset}"
    for name in contract.required:
        how = mapping.fields.get(name)
        if how is None:
            yield f"required field '{name}' has no source"
        elif how.sources and set(how.sources) <= set(mapping.optional) and how.default is None:
            yield f"required field '{name}' is fed by optional columns alone"


def _columns(mapping: Mapping, _: Contract) -> Iterator[str]:
    mapped = {column for how in mapping.fields.values() for column in how.sources}
    for name in sorted(mapped & set(mapping.ignore)):
        yield f"column '{name}' is both mapped and ignored"
    for name, how in mapping.fields.items():
        for column in sorted({column for column in how.sources if how.sources.count(column) > 1}):
            yield f"field '{name}' is fed twice by column '{column}'"
    for name in mapping.optional:
        if name not in mapping.columns:
            yield f"optional column '{name}' is not in the layout"


def _formats(mapping: Mapping, contract: Contract) -> Iterator[str]:
    for name, how in mapping.fields.items():
        target = contract.by_name.get(name)
        if target is None:
            continue
        if target.type != "date":
            if how.date:
                yield f"field '{name}' is no date but declares date formats"
        elif how.constant is not None:
            if not _is_iso(how.constant):
                yield f"the constant of date field '{name}' is not written as 2026-11-30"
        elif not (how.date or mapping.dates or how.after):
            yield f"date field '{name}' declares no format"
    for form in dict.fromkeys((*mapping.dates, *(form for how in mapping.fields.values() for form in how.date))):
        if not reads_a_date(form):
            yield f"the date format '{form}' cannot be read back to a day; write it like %d/%m/%Y"


def _lengths(mapping: Mapping, contract: Contract) -> Iterator[str]:
    """A field that is so long after another needs that other one, as a date that is read from the file."""
    for name, how in mapping.fields.items():
        if how.after is None or name not in contract.by_name:
            continue
        start = mapping.fields.get(how.after)
        if contract.by_name[name].type != "date":
            yield f"field '{name}' is no date, so it cannot be so long after '{how.after}'"
        if start is None or start.after is not None:
            yield f"field '{name}' counts from '{how.after}', which is not mapped to a date of its own"
        elif contract.by_name[how.after].type != "date":
            yield f"field '{name}' counts from '{how.after}', which is no date"


def reads_a_date(form: str) -> bool:
    """Whether a date format holds a whole day: what it writes, it reads back."""
    if form == EXCEL_DAYS:
        return True
    try:
        return all(datetime.strptime(day.strftime(form), form).date() == day.date() for day in PROBES)
    except ValueError:
        return False


def _is_iso(text: str) -> bool:
    try:
        return bool(datetime.strptime(text, ISO))
    except ValueError:
        return False


def _codes(mapping: Mapping, contract: Contract) -> Iterator[str]:
    for name, how in (*mapping.fields.items(), *mapping.implied.items()):
        target = contract.by_name.get(name)
        yield from _ambiguous_codes(name, how)
        if target is not None and target.codes is not None:
            yield from _unknown_codes(name, how, target)


def _ambiguous_codes(name: str, how: FieldMap) -> Iterator[str]:
    alike: dict[str, dict[str, str]] = defaultdict(dict)
    for code, value in how.values.items():
        alike[" ".join(code.split()).casefold()][code] = value
    for codes in alike.values():
        if len(set(codes.values())) > 1:
            told = " and ".join(f"'{code}' to '{value}'" for code, value in codes.items())
            yield f"field '{name}' maps codes that differ only by case or spaces apart: {told}"


def _unknown_codes(name: str, how: FieldMap, target: ContractField) -> Iterator[str]:
    codes = set(target.codes or ())
    given = set(how.values.values()) | ({how.constant} if how.constant is not None else set())
    for code in sorted(given - codes - {""}):
        yield f"field '{name}' maps to '{code}', which is not one of its codes"
    if how.default is not None and how.default not in {*codes, *how.values}:
        yield f"the default '{how.default}' of field '{name}' is neither one of its codes nor one that it maps"


def _patches(mapping: Mapping, contract: Contract) -> Iterator[str]:
    for name, patches in mapping.patches.items():
        how = mapping.fields.get(name)
        if name not in contract.by_name:
            yield f"patches are given for '{name}', which is not in the contract of {mapping.dataset}"
        elif how is None:
            yield f"the patches of field '{name}' are never reached: the field is not mapped"
        elif how.constant is not None:
            yield f"the patches of field '{name}' are never reached: the field is a constant"
        else:
            yield from _patches_of(name, patches, mapping)


def _patches_of(name: str, patches: dict[str, str], mapping: Mapping) -> Iterator[str]:
    blanks = {word.casefold() for word in mapping.blanks}
    before: list[tuple[str, str]] = []
    for pattern, by in patches.items():
        try:
            patched("x", [(pattern, by)])
        except pa.ArrowInvalid:
            yield f"the patch '{pattern}' of field '{name}' is not a pattern and replacement that can be run"
            continue
        literal = LITERAL.fullmatch(pattern)
        if literal is not None:
            text = re.sub(r"\\(.)", r"\1", literal.group(1))
            if text != " ".join(text.split()):
                yield f"the patch '{pattern}' of field '{name}' is never reached: spaces are tidied before it"
            elif text.casefold() in blanks:
                yield f"the patch '{pattern}' of field '{name}' is never reached: that text is read as blank before it"
            elif patched(text, before) != text:
                yield f"the patch '{pattern}' of field '{name}' is never reached: an earlier patch changes that text"
        before.append((pattern, by))


def patched(text: str, patches: Iterable[tuple[str, str]]) -> str:
    """One text after patches, as whole columns are patched.

    Raises:
        ArrowInvalid: a pattern or a replacement cannot be run.
    """
    column = pa.array([text], pa.string())
    for pattern, by in patches:
        column = pc.replace_substring_regex(column, pattern, by)
    return str(column[0].as_py())


def _implied(mapping: Mapping, contract: Contract) -> Iterator[str]:
    for name, how in mapping.implied.items():
        if name not in contract.by_name:
            yield f"'{name}' is said to be implied but is not in the contract of {mapping.dataset}"
        elif name not in mapping.fields:
            yield f"what is implied about '{name}' is compared with nothing: the field is not mapped"
        if not how.sources:
            yield f"what is implied about '{name}' must come from a column"


def _known_since(mapping: Mapping, contract: Contract) -> Iterator[str]:
    if mapping.known_since is None:
        return
    after = mapping.known_since.after
    if after not in mapping.fields:
        yield f"known_since counts from '{after}', which is not mapped"
    elif after in contract.by_name and contract.by_name[after].type != "date":
        yield f"known_since counts from '{after}', which is no date"


def _files(mapping: Mapping, contract: Contract) -> Iterator[str]:
    """A file's own way of reading must be sound, and read the very columns that the layout has."""
    for pattern, override in mapping.files.items():
        other = sorted(set(override) - OVERRIDABLE)
        if other:
            yield f"for files '{pattern}' the key '{other[0]}' cannot differ; another layout needs a mapping of its own"
            continue
        try:
            made = mapping.model_copy(update={"files": {}}).overridden(override)
        except ValidationError as error:
            yield f"what is said for files '{pattern}' is faulty: {error.errors()[0]['msg']}"
            continue
        if made.columns != mapping.columns:
            yield f"for files '{pattern}' other columns are read; another layout needs a mapping of its own"
        yield from (f"for files '{pattern}': {sentence}" for sentence in mapping_faults(made, contract))
