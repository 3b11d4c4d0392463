"""The years that headings name, in four digits or in two."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from models.table.calendar import MONTHS, NAMES

_MONTH = "|".join((*MONTHS, *NAMES, "december", "sept"))
SHORT = re.compile(rf"(?<![a-z])(?:fy|{_MONTH})[-_ ']?(\d{{2}})(?:[-_/](\d{{2}}))?(?!\d)", re.IGNORECASE)
"""Two digits that can only be a year: of a month (`Jan-16`) or a business year (`fy16`, `FY15/16`)."""

ENDING = re.compile(r"(.*?([^\d]))(\d{2})")
"""Two digits at the end of a heading: `comp_16`."""


def years_in(name: str) -> list[int]:
    """The years that a heading names, in order: `viol_2016`, `viol201605`, `imd2019`, `claims_2015_16` (two years)."""
    found: set[int] = set()
    for match in re.finditer(r"(?<!\d)((?:19|20)\d{2})(?:([-_/. ]?)(\d{2}))?(?:[-_/. ]?\d{2})?(?!\d)", name):
        year, following = int(match[1]), match[3]
        found.add(year)
        # A business year: the second number is the next year's last two digits.
        if following is not None and int(following) == (year + 1) % 100:
            found.add(year + 1)
    found |= {int(year) for year in re.findall(r"(?<!\d)((?:19|20)\d{2})(?!\d)", name)}
    for match in SHORT.finditer(name):
        found |= {_century(int(short)) for short in match.groups() if short}
    return sorted(found)


def years_of(names: Iterable[str]) -> Mapping[str, Sequence[int]]:
    """The years that each heading of a table names, two digits at the end among them where headings run by the year.

    Endings are years where one word has two in a row (`comp_14`, `comp_15`), unless they count from 0 or 1; other words
    with the same sign before the digits then follow up to a year more (`viol_16`).
    """
    found = {name: years_in(name) for name in names}
    endings = {name: match for name, own in found.items() if not own and (match := ENDING.fullmatch(name))}
    runs: dict[str, list[int]] = defaultdict(list)
    for match in endings.values():
        runs[match[1]].append(int(match[3]))
    spans: dict[str, list[int]] = defaultdict(list)
    for stem, ends in runs.items():
        if min(ends) > 1 and any(end + 1 in ends for end in ends):
            spans[_sign(stem[-1])] += ends
    for name, match in endings.items():
        span, end = spans.get(_sign(match[2]), []), int(match[3])
        if span and min(span) <= end <= max(span) + 1:
            found[name] = [_century(end)]
    return found


def _sign(last: str) -> str:
    return "a letter" if last.isalpha() else last


def _century(short: int) -> int:
    return (2000 if short < 50 else 1900) + short
