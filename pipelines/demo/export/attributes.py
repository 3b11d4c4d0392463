"""What can stand under a heading: fields of the contract, parts of the address, and figures derived from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.core.errors import ConfigurationError
from pipelines.demo.export.addresses import PARTS, Addresses, Places, lines
from pipelines.demo.export.draws import Texts
from pipelines.demo.export.text import blank, joined, matching, plain
from schemas.contract import Contract

COMPANY = r".*\b(?:Ltd|Limited|LTD|LLP|PLC|Plc|Council|Association|Trust|Homes|Properties|Lettings|Group|Estates)\b.*"
POSTCODE_AT_END = r",?\s*([A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2})\s*$"
NO_DAY = np.datetime64("NaT", "D")

Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Records:
    """A dataset's records on their way into an extract: true values, addresses as typed, the gazetteer beside."""

    contract: Contract
    frame: pd.DataFrame
    addresses: Addresses
    places: Places

    def __len__(self) -> int:
        return len(self.frame)

    @cached_property
    def lines(self) -> list[Texts]:
        """The address in four lines; to be asked for only when every mistake is in it."""
        return lines(self.addresses)


def days(frame: pd.DataFrame, name: str) -> Days:
    """A date column as numpy days, NaT for a blank or a column that is not there."""
    if name not in frame.columns:
        return np.full(len(frame), NO_DAY)
    column = frame[name]
    if not pd.api.types.is_datetime64_any_dtype(column.dtype):
        column = pd.to_datetime(column)
    return column.to_numpy().astype("datetime64[D]")


def texts(frame: pd.DataFrame, name: str) -> Texts:
    """A column as text, blank for missing; whole numbers without a decimal point."""
    if name not in frame.columns:
        return blank(len(frame))
    column = frame[name]
    if pd.api.types.is_float_dtype(column.dtype):
        codes, numbers = pd.factorize(column.to_numpy(dtype=float))
        words = np.array([f"{value:.2f}".rstrip("0").rstrip(".") for value in numbers] + [""], dtype=object)
        return words[codes]
    if pd.api.types.is_bool_dtype(column.dtype):
        column = column.map({True: "true", False: "false"})
    if column.dtype == object or isinstance(column.dtype, pd.StringDtype):
        return plain(column)
    codes, distinct = pd.factorize(column)
    shown = np.array([*(str(value) for value in distinct), ""], dtype=object)
    return shown[codes]


def attribute(records: Records, name: str) -> Texts:
    """One column of values as text: a field, a part of the address, or a figure derived from them."""
    if name in DERIVED:
        return DERIVED[name](records)
    if name in PARTS:
        return records.addresses[name]
    if name not in records.contract.by_name:
        raise ConfigurationError(f"A layout of {records.contract.dataset} names '{name}', which nothing provides.")
    return texts(records.frame, name)


def _beside(records: Records, column: str) -> pd.Series:
    """A column of the gazetteer for each record's true property."""
    place = records.places.find(plain(records.frame["true_uprn"]))
    return records.places.beside[column].reindex(place).reset_index(drop=True)


def _address(records: Records) -> Texts:
    if records.contract.dataset == "gazetteer":
        return texts(records.frame, "address")
    return joined(", ", *records.lines)


def _address_with_postcode(records: Records) -> Texts:
    return joined(", ", _address(records), records.addresses["postcode"])


def _line(number: int) -> Callable[[Records], Texts]:
    return lambda records: records.lines[number - 1]


def _number_and_street(records: Records) -> Texts:
    return joined(" ", records.addresses["building_number"], records.addresses["street"])


def _unit_and_name(records: Records) -> Texts:
    return joined(", ", records.addresses["unit"], records.addresses["building_name"])


def _degrees(column: str, origin: float, metres: float, base: float) -> Callable[[Records], Texts]:
    # Near enough for a column that is never read: a tangent at London, within some 200 m.
    def value(records: Records) -> Texts:
        numbers = base + (pd.to_numeric(_beside(records, column)).astype(float) - origin) / metres
        return texts(pd.DataFrame({"degrees": numbers.round(5).astype(str).replace("nan", "")}), "degrees")

    return value


def _ward(records: Records) -> Texts:
    return texts(pd.DataFrame({"ward": _beside(records, "ward_name")}), "ward")


def _duration_years(records: Records) -> Texts:
    length = days(records.frame, "expiry_date") - days(records.frame, "commencement_date")
    years = np.where(np.isnat(length), np.nan, np.round(length.astype(float) / 365.25))
    return texts(pd.DataFrame({"years": years}), "years")


def _is_company(records: Records) -> npt.NDArray[np.bool_]:
    return matching(texts(records.frame, "holder_name"), COMPANY)


def _holder_company(records: Records) -> Texts:
    return np.where(_is_company(records), texts(records.frame, "holder_name"), "").astype(object)


def _holder_person(word: int | None) -> Callable[[Records], Texts]:
    """First name (0), surname (-1) or whole name (None) of a holder who is a person."""

    def value(records: Records) -> Texts:
        names = np.where(_is_company(records), "", texts(records.frame, "holder_name")).astype(object)
        if word is None:
            return names
        split = pd.Series(names, dtype=object).str.split(" ")
        taken = split.str[-1] if word == -1 else split.str[:-1].str.join(" ")
        return np.asarray(taken.fillna("").to_numpy(object), dtype=object)

    return value


def _holder_line(number: int) -> Callable[[Records], Texts]:
    def value(records: Records) -> Texts:
        plain = pd.Series(texts(records.frame, "holder_address"), dtype=object).str.replace(
            POSTCODE_AT_END, "", regex=True
        )
        parts = plain.str.split(", ")
        taken = parts.str[number - 1] if number < 3 else parts.str[2:].str.join(", ")
        return np.asarray(taken.fillna("").to_numpy(object), dtype=object)

    return value


def _holder_postcode(records: Records) -> Texts:
    found = pd.Series(texts(records.frame, "holder_address"), dtype=object).str.extract(POSTCODE_AT_END)[0]
    return np.asarray(found.fillna("").to_numpy(object), dtype=object)


def _total_rooms(records: Records) -> Texts:
    rooms = pd.to_numeric(records.frame.get("sleeping_rooms", pd.Series(np.nan, index=records.frame.index)))
    return texts(pd.DataFrame({"rooms": rooms.astype(float) + 2}), "rooms")


DERIVED: dict[str, Callable[[Records], Texts]] = {
    "address": _address,
    "address_with_postcode": _address_with_postcode,
    "address_line_1": _line(1),
    "address_line_2": _line(2),
    "address_line_3": _line(3),
    "address_line_4": _line(4),
    "number_and_street": _number_and_street,
    "unit_and_name": _unit_and_name,
    "latitude": _degrees("northing", 180_000.0, 111_240.0, 51.5045),
    "longitude": _degrees("easting", 530_000.0, 69_400.0, -0.1278),
    "ward": _ward,
    "duration_years": _duration_years,
    "holder_company": _holder_company,
    "holder_person": _holder_person(None),
    "holder_first_name": _holder_person(0),
    "holder_surname": _holder_person(-1),
    "holder_line_1": _holder_line(1),
    "holder_line_2": _holder_line(2),
    "holder_line_3": _holder_line(3),
    "holder_postcode": _holder_postcode,
    "total_rooms": _total_rooms,
}
