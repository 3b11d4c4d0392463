"""How well a column's values fit a field, and the sentence that says so. Figures only: no value is ever quoted."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from pipelines.onboard.codes import NO_CODES, CodeList, read_codes
from pipelines.onboard.headings import Knowledge
from pipelines.onboard.profiles import Profile
from schemas.contract import Field

LONDON_EASTINGS, LONDON_NORTHINGS = (495_000, 570_000), (150_000, 205_000)
UNKNOWN = -1.0


@dataclass(frozen=True)
class Fit:
    """How well values fit a field.

    `share` is the share of filled cells that could be the field's, -1 for a blank column;
    `telling` is how much the values alone speak for this very field: 1 for postcodes,
    little for small whole numbers; `words` says it for an officer.
    """

    share: float
    telling: float
    words: str
    codes: CodeList = dataclasses.field(default=NO_CODES, compare=False)

    @property
    def blank(self) -> bool:
        """No value stands in the column, so nothing speaks for or against."""
        return self.share < 0

    @property
    def against(self) -> bool:
        """The values contradict the field."""
        return 0 <= self.share < 0.5


BLANK = Fit(UNKNOWN, 0.0, "nothing is written in the rows looked at")


def percent(share: float) -> str:
    """A share in words: `98%`, `all`, `none`."""
    if share >= 0.9995:
        return "all"
    if share <= 0.0005:
        return "none"
    return f"{share * 100:.0f}%" if 0.01 <= share <= 0.99 else f"{share * 100:.1f}%"


def fit(profile: Profile, target: Field, known: Knowledge) -> Fit:
    """How well a column's values fit a field of a contract."""
    if profile.blank:
        return BLANK
    special = _SPECIAL.get(target.name)
    if special is not None:
        return special(profile)
    if target.codes is not None:
        return _codes(profile, target, known)
    if target.type == "date":
        return _date(profile)
    if target.type in {"integer", "number"}:
        return _number(profile, target)
    if target.type == "boolean":
        share = profile.share("yes_no")
        return Fit(share, 0.3, f"{percent(share)} of the values are yes or no")
    if target.name.endswith("_ref"):
        found = _reference(profile)
        # One of several fields of a key comes again and again.
        shared = target.name in {"scheme_ref", "account_ref"} and found.share > 0.25
        return Fit(max(found.share, 0.85), 0.1, found.words) if shared else found
    if target.name.endswith("_name"):
        return _name(profile)
    if target.name.endswith("address"):
        return _address(profile)
    return Fit(0.6 if not profile.free_text else 0.3, 0.05, "the values are text")


def _postcode(profile: Profile) -> Fit:
    share = profile.share("postcode")
    return Fit(share, 1.0, f"{percent(share)} of the values are postcodes")


def _uprn(profile: Profile) -> Fit:
    share = profile.share("long_digits") + profile.share("damaged_number")
    eight = profile.share("usrn")
    telling = 0.9 if profile.share("uprn_12") > 0.6 else 0.25
    if eight > 0.95 and (profile.low or 0) > 19_999_999 and (profile.high or 0) < 50_000_000:
        share, telling = share * 0.6, 0.1  # street numbers have eight digits and begin with 2 to 4
    said = f"{percent(share)} of the values are numbers of 6 to 12 digits, as a UPRN is"
    if profile.share("damaged_number") > 0:
        said += " (some are damaged by a spreadsheet)"
    return Fit(min(share, 1.0), telling, said)


def _date(profile: Profile) -> Fit:
    share = profile.dates.share
    if not share:
        return Fit(0.0, 0.0, "the values are no dates")
    low, high = profile.dates.low, profile.dates.high
    between = "" if not low else f" of the year {low}" if low == high else f" of the years {low} to {high}"
    kind = "day numbers of a spreadsheet" if profile.dates.serial else "dates"
    return Fit(share, 0.6, f"{percent(share)} of the values are {kind}{between}")


def _number(profile: Profile, target: Field) -> Fit:
    whole = target.type == "integer"
    share = profile.share("whole") if whole else profile.share("number")
    if profile.low is None or profile.high is None:
        return Fit(share, 0.0, "the values are no numbers")
    low, high = float(target.minimum or 0), float(target.maximum or 1e12)
    outside = profile.low < low - 1 or profile.high > high * 1.2
    kind = "whole numbers" if whole else "numbers"
    said = f"{percent(share)} of the values are {kind} from {profile.low:g} to {profile.high:g}"
    return Fit(min(share, 0.2) if outside else share, 0.15, said)


def _reference(profile: Profile) -> Fit:
    apart = profile.unique_share
    coded = profile.share("coded_ref")
    share = min(1.0, 0.35 + 0.65 * apart) if profile.share("has_digit") > 0.5 else 0.3 * apart
    for other in ("ward_code", "lsoa", "postcode", "ends_in_postcode", "email", "phone", "decimal", "yes_no"):
        if profile.share(other) > 0.5:
            share = min(share, 0.1)
    if profile.dates.share > 0.7 or profile.address > 0.7 or profile.share("money") > 0.7:
        share = min(share, 0.1)
    if profile.constant:
        share = min(share, 0.2)
    if profile.share("uprn_12") > 0.8:
        return Fit(min(share, 0.3), 0.0, f"{percent(profile.share('uprn_12'))} of the values are numbers as UPRNs are")
    digits = profile.share("has_digit")
    said = "every value is another" if apart >= 0.9995 else f"{percent(apart)} of the values differ"
    return Fit(share, 0.45 if coded > 0.8 and apart > 0.9 else 0.2, f"{said} and {percent(digits)} hold digits")


def _name(profile: Profile) -> Fit:
    share = profile.person
    if share < 0.5 and profile.share("letters_only") > 0.8 and not profile.free_text and profile.distinct > 3:
        share = 0.5
    if profile.constant:
        share = min(share, 0.5)
    companies = profile.share("company")
    said = f"{percent(profile.person)} of the values look like names"
    return Fit(share, 0.4, said + (f", {percent(companies)} of companies" if companies > 0.02 else ""))


def _address(profile: Profile) -> Fit:
    share = profile.address
    said = f"{percent(profile.address)} of the values look like addresses"
    holding = profile.share("ends_in_postcode")
    return Fit(share, 0.7, said + (f", {percent(holding)} with a postcode at the end" if holding > 0.02 else ""))


def _codes(profile: Profile, target: Field, known: Knowledge) -> Fit:
    listed = read_codes(profile, target, known)
    if not profile.codes:
        return Fit(0.0, 0.0, f"there are {profile.distinct:,} different values, too many for a code")
    said = f"{percent(listed.share)} of the values are codes of it that are known"
    if listed.unknown:
        said += f", {len(listed.unknown)} different ones are not"
    telling = 0.0
    if listed.share > 0.8:
        telling = 0.75 if listed.distinct >= 2 else 0.3
        if profile.share("yes_no") > 0.9 or profile.share("digits") > 0.9:
            telling = 0.15
    # A short list of codes that nobody knows yet may still be this field's.
    unread = 0.55 if 2 <= profile.distinct <= 40 and not profile.free_text and profile.dates.share < 0.5 else 0.0
    if target.name in {"band", "energy_rating", "exemption_class", "logical_status", "blpu_class"}:
        unread = 0.3
    if profile.share("whole") > 0.9 and profile.distinct > 12:
        unread = 0.1
    return Fit(max(listed.share, unread), telling, said, listed)


def _band(profile: Profile) -> Fit:
    share = profile.share("band")
    return Fit(share, 0.6, f"{percent(share)} of the values are bands A to H", _letters(profile, "ABCDEFGH"))


def _letters(profile: Profile, letters: str) -> CodeList:
    known = {text: text.strip()[-1].upper() for text, _ in profile.codes if text.strip()[-1:].upper() in letters}
    other = tuple(text for text, _ in profile.codes if text not in known)
    return CodeList(known, other, profile.share("band"), len(set(known.values())))


def _in_range(name: str, limits: tuple[int, int], other: tuple[int, int]) -> Callable[[Profile], Fit]:
    def found(profile: Profile) -> Fit:
        share = profile.share("number")
        if profile.low is None or profile.high is None or profile.high < 1_000 or profile.high > 1_300_000:
            return Fit(0.0, 0.0, "the values are no grid coordinates")
        inside = limits[0] <= profile.low and profile.high <= limits[1]
        swapped = other[0] <= profile.low and profile.high <= other[1]
        if swapped:
            return Fit(
                0.05, 0.0, f"the values lie where London's {'northings' if name == 'easting' else 'eastings'} do"
            )
        if inside:
            return Fit(share, 0.8, f"{percent(share)} of the values lie where London's {name}s do")
        return Fit(share, 0.1, f"{percent(share)} of the values are numbers from {profile.low:g} to {profile.high:g}")

    return found


def _pattern(name: str, called: str, telling: float) -> Callable[[Profile], Fit]:
    def found(profile: Profile) -> Fit:
        share = profile.share(name)
        return Fit(share, telling, f"{percent(share)} of the values are {called}")

    return found


def _place_name(profile: Profile) -> Fit:
    share = profile.share("letters_only") if profile.address < 0.5 and not profile.free_text else 0.0
    return Fit(share, 0.1, f"{profile.distinct:,} different names")


def _town(profile: Profile) -> Fit:
    """In most of London every address has the one post town."""
    if profile.constant and profile.share("letters_only") > 0.9:
        return Fit(0.8, 0.1, "the same name in every row")
    return _place_name(profile)


def _covered_ward(profile: Profile) -> Fit:
    share = max(profile.share("ward_code"), 0.7 * profile.share("letters_only"))
    return Fit(
        share, 0.9 if profile.share("ward_code") > 0.5 else 0.1, f"{percent(profile.share('ward_code'))} are ward codes"
    )


def _unit(profile: Profile) -> Fit:
    return Fit(
        profile.share("unit", "flat_word", "house_number"),
        0.3,
        f"{percent(profile.share('flat_word'))} name a flat or room",
    )


def _house_number(profile: Profile) -> Fit:
    share = profile.share("house_number")
    return Fit(max(share, 0.6 * profile.share("has_digit")), 0.4, f"{percent(share)} are house numbers")


def _street(profile: Profile) -> Fit:
    share = profile.share("street")
    return Fit(share, 0.5, f"{percent(share)} are names of streets")


_SPECIAL: dict[str, Callable[[Profile], Fit]] = {
    "postcode": _postcode,
    "uprn": _uprn,
    "parent_uprn": _uprn,
    "band": _band,
    "easting": _in_range("easting", LONDON_EASTINGS, LONDON_NORTHINGS),
    "northing": _in_range("northing", LONDON_NORTHINGS, LONDON_EASTINGS),
    "ward_code": _pattern("ward_code", "ward codes", 0.95),
    "lsoa_code": _pattern("lsoa", "LSOA codes", 0.95),
    "covers_ward": _covered_ward,
    "ward_name": _place_name,
    "locality": _place_name,
    "town": _town,
    "building_name": _place_name,
    "unit": _unit,
    "building_number": _house_number,
    "street": _street,
}
