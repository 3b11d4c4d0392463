"""Records as they are compared: each column as whole numbers over its sorted distinct texts, -1 where unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.link.address.text import as_text, clean, drop_places, map_words, postcodes, swap, take_postcode
from pipelines.link.people import names

Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
UNITS = r"\b(?:FLAT|APARTMENT|UNIT|ROOM|STUDIO|SUITE|FLOOR|FIRST FLOOR|GROUND FLOOR)\b"
NUMBERS = ("identifier", "contact")
"""A person's own number; a telephone or an e-mail address, which a household or an office may share."""
REGION_WORDS = ("LONDON", "GREATER LONDON", "UNITED KINGDOM", "ENGLAND", "UK")


@dataclass(frozen=True)
class Column:
    """A column's distinct texts, sorted, and which of them each record has."""

    codes: Codes
    texts: npt.NDArray[np.object_]

    @cached_property
    def frequency(self) -> npt.NDArray[np.float64]:
        """How many records have each text."""
        return np.bincount(self.codes[self.codes >= 0], minlength=len(self.texts)).astype(np.float64)

    @property
    def known(self) -> Mask:
        """Records whose text is known."""
        return self.codes >= 0

    def of(self, rows: Rows) -> npt.NDArray[np.object_]:
        """Texts of records, empty where unknown."""
        texts = np.append(self.texts, "").astype(object)
        return texts[self.codes[rows]]


def column(values: pd.Series[str] | npt.NDArray[np.object_]) -> Column:
    """A column of texts; empty ones are unknown."""
    found, texts = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=True)
    order = np.argsort(texts)
    place = np.empty(len(texts) + 1, np.int32)
    place[order] = np.arange(len(texts), dtype=np.int32)
    place[-1] = -1
    codes = place[found]
    texts = texts[order]
    if len(texts) and texts[0] == "":
        codes, texts = np.maximum(codes - 1, -1), texts[1:]
    return Column(codes.astype(np.int32), texts)


@dataclass
class Records:
    """What is compared: `columns` by name, and of two files which one each record is of (`side`; all 0 for one)."""

    columns: dict[str, Column]
    side: npt.NDArray[np.int8]
    identifiers: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.side)

    @property
    def linking(self) -> bool:
        """Whether these are records of two files."""
        return bool(self.side.any())

    def has(self, *wanted: str) -> bool:
        """Whether all these columns are there with something in them."""
        return all(name in self.columns and len(self.columns[name].texts) > 0 for name in wanted)


def prepared(table: pa.Table, roles: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Each row's names, dates, addresses and numbers in one spelling; a column of text a feature, empty if unknown."""
    text = {role: [as_text(table[name]) for name in columns] for role, columns in roles.items()}
    parts = _names(text) | _places(text)
    if "birth_date" in text:
        parts["birth"] = dates(text["birth_date"][0])
    for role in ("region", "birth_place", "occupation", "gender"):
        if role in text:
            parts[role] = plain(text[role][0])
    for role in NUMBERS:
        for number, values in enumerate(text.get(role, [])):
            parts[f"{role}_{number + 1}"] = identifiers(values)
    frame = pd.DataFrame(parts, index=range(table.num_rows), dtype=object).fillna("")
    if "company" in frame:
        frame["company_core"] = names.company_core(frame["company"])
        if "alias" in frame and (frame["alias"] != "").any():
            traded = names.company_core(frame["alias"])
            # Who trades as a firm is compared with the firm itself.
            frame["alias"] = traded.where(traded != "", frame["company_core"])
    return frame


def _names(text: Mapping[str, list[pa.Array]]) -> dict[str, Any]:
    """Parts of names, of a column of whole names and of columns of their own; the latter come first."""
    parts: dict[str, Any] = {}
    whole = names.parsed(text["name"][0]) if "name" in text else None
    if whole is not None:
        parts |= {name: whole[name] for name in ("forename", "surname", "other", "company", "alias", "company_number")}
    separate: list[str] = [role for role in ("forename", "surname") if role in text]
    for role in separate:
        own = names.part(text[role][0])
        if role == "forename":
            first = own.str.split(" ", n=1)
            own, more = first.str[0].fillna(""), first.str[1].fillna("")
            parts["other"] = _joined(parts.get("other"), more)
        if whole is not None:
            left_over = whole[role].where((whole[role] != own) & (own != ""), "")
            parts["other"] = _joined(parts.get("other"), left_over)
            own = own.where(own != "", whole[role])
        parts[role] = own
    if "other" in parts and len(separate) == 2:
        parts["other"] = _without(parts["other"], parts["forename"], parts["surname"])
    if "company" in text:
        firms = names.distinct(text["company"][0], _firms)
        for name in ("company", "company_number"):
            parts[name] = _first(firms[name], parts.get(name))
    if "company_number" in text:
        own = names.company_number(text["company_number"][0]).to_pandas()
        parts["company_number"] = _first(own, parts.get("company_number"))
    return parts


def _firms(text: pa.Array) -> pd.DataFrame:
    found = names._parsed(pc.binary_join_element_wise(text, "LTD", " "))
    own = names.company(names.folded(text)).to_pandas()
    return pd.DataFrame({"company": own, "company_number": found["company_number"]}, dtype=object)


def _joined(left: pd.Series[str] | None, right: pd.Series[str]) -> pd.Series[str]:
    return right if left is None else (left + " " + right).str.strip()


def _first(left: pd.Series[str], right: pd.Series[str] | None) -> pd.Series[str]:
    return left if right is None else left.where(left != "", right)


def _without(other: pd.Series[str], *said: pd.Series[str]) -> pd.Series[str]:
    """Further names without those that stand in the columns of their own; one look a distinct combination."""
    frame = pd.DataFrame({"other": other, **{str(n): part for n, part in enumerate(said)}})
    distinct = frame.drop_duplicates()
    kept = [
        " ".join(word for word in row[0].split() if word not in row[1:])
        for row in distinct.itertuples(index=False, name=None)
    ]
    return frame.merge(distinct.assign(kept=kept), how="left", on=list(frame))["kept"]


def plain(values: pa.Array) -> pd.Series[str]:
    """Capitals, letters and digits, single spaces."""

    def made(text: pa.Array) -> pd.DataFrame:
        text = swap(names.folded(text), r"[^A-Z0-9]+", " ")
        return pd.DataFrame({"plain": pc.utf8_trim_whitespace(text).to_pandas()}, dtype=object)

    return names.distinct(values, made)["plain"]


def identifiers(values: pa.Array) -> pd.Series[str]:
    """Numbers and e-mail addresses without signs; a telephone number without the country's code."""

    def made(text: pa.Array) -> pd.DataFrame:
        bare = swap(names.folded(text), r"[^A-Z0-9@]+", "")
        bare = swap(bare, r"^(?:0?044|44)([1-9][0-9]{9})$", r"0\1")
        bare = swap(bare, r"^(?:0+|9+|NONE|NA|UNKNOWN|NULL)$", "")
        return pd.DataFrame({"bare": bare.to_pandas()}, dtype=object)

    return names.distinct(values, made)["bare"]


def dates(values: pa.Array) -> pd.Series[str]:
    """Dates as YYYYMMDD, of any common spelling; digits as they stand where it is no date, so that slips stay slips."""

    def made(text: pa.Array) -> pd.DataFrame:
        text = names.folded(text)
        text = swap(text, r"(?:T| )[0-9]{2}:[0-9]{2}.*$", "")
        text = swap(text, r"^([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})$", r"\3-\2-\1")
        text = swap(text, r"^([0-9]{4})[-/. ]([0-9])[-/. ]", r"\1-0\2-")
        text = swap(text, r"^([0-9]{4})[-/. ]([0-9]{2})[-/. ]([0-9])$", r"\1-\2-0\3")
        series = text.to_pandas()
        named = series.str.contains(r"[A-Z]{3}", regex=True)
        if named.any():
            read = pd.to_datetime(series[named], errors="coerce", dayfirst=True, format="mixed")
            series[named] = read.dt.strftime("%Y%m%d").fillna(series[named])
        digits = series.str.replace(r"[^0-9]", "", regex=True)
        return pd.DataFrame({"date": digits.where(digits.str.len() >= 4, "")}, dtype=object)

    return names.distinct(values, made)["date"]


def _places(text: Mapping[str, list[pa.Array]]) -> dict[str, Any]:
    """House number, street, further lines, place and postcode out of the address columns there are."""
    parts: dict[str, Any] = {}
    if "address" in text:
        first, *more = text["address"]
        rest, postcode = take_postcode(clean(first))
        lines = [rest]
        for line in more:
            line, found = take_postcode(clean(line))
            postcode = pc.if_else(pc.equal(postcode, ""), found, postcode)
            lines.append(line)
        lines = [drop_places(line, REGION_WORDS) for line in lines]
        numbers = pc.utf8_trim_whitespace(swap(pc.binary_join_element_wise(*lines, " "), r"\b[A-Z,]+\b|,", " "))
        parts["house"] = swap(numbers, r" +", " ").to_pandas()
        bare = [_street(line) for line in lines]
        parts["street"] = bare[0].to_pandas()
        if len(bare) > 1:
            joined = pc.binary_join_element_wise(*bare[1:], " ")
            parts["street_more"] = pc.utf8_trim_whitespace(swap(joined, r" +", " ")).to_pandas()
        parts["postcode"] = swap(postcode, " ", "").to_pandas()
    if "house_number" in text:
        parts["house"] = _first(plain(text["house_number"][0]), parts.get("house"))
    if "place" in text:
        parts["place"] = plain(text["place"][0])
    if "postcode" in text:
        # Half of a postcode, or one with a slip, is still worth comparing.
        parts["postcode"] = _first(plain(text["postcode"][0]).str.replace(" ", ""), parts.get("postcode"))
    return parts


def _street(line: pa.Array) -> pa.Array:
    bare = swap(swap(line, UNITS, " "), r"\b[0-9]+[A-Z]?\b|[^A-Z ]", " ")
    return pc.utf8_trim_whitespace(swap(map_words(bare, {}), r" +", " "))


def records(frame: pd.DataFrame, side: npt.NDArray[np.int8] | None = None) -> Records:
    """Prepared rows as records."""
    columns = {str(name): column(frame[name]) for name in frame}
    if "forename" in columns:
        spelt = columns["forename"].texts
        initial = pd.Series(spelt, dtype=object).str[0].fillna("")
        columns["initial"] = _derived(columns["forename"], initial)
        columns["forename_sound"] = _derived(columns["forename"], names.sound(pd.Series(spelt, dtype=object)))
    if "surname" in columns:
        columns["surname_sound"] = _derived(
            columns["surname"], names.sound(pd.Series(columns["surname"].texts, dtype=object))
        )
    ids = [name for name in columns if name.rpartition("_")[0] in NUMBERS]
    return Records(columns, np.zeros(len(frame), np.int8) if side is None else side, ids)


def _derived(base: Column, values: pd.Series[str]) -> Column:
    """A column that follows from another one, worked out over its distinct texts."""
    made = column(values.to_numpy(dtype=object))
    return Column(np.append(made.codes, -1).astype(np.int32)[base.codes], made.texts)


__all__ = ["Column", "Records", "column", "dates", "identifiers", "plain", "postcodes", "prepared", "records"]
