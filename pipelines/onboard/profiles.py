"""What stands in a column: shares of its values that look like a postcode, a date, a name. Counts, never values."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.onboard.dates import NO_DATES, DateReading, read_dates
from pipelines.onboard.patterns import Shares, shares_of

DISTINCT_LOOKED_AT = 2_000
FEW = 60


@dataclass(frozen=True)
class Profile:
    """One column in figures. Shares are of the cells that hold something.

    `codes` are the distinct values of a column with few of them, most frequent first; they
    are kept for code lists and are never shown for a column that is personal.
    """

    name: str
    position: int
    rows: int
    filled: int
    distinct: int
    shares: Shares
    low: float | None = None
    high: float | None = None
    typical: float | None = None
    mean_length: float = 0.0
    dates: DateReading = NO_DATES
    codes: tuple[tuple[str, int], ...] = ()
    texts: pa.Array = field(default=None, repr=False, compare=False)

    def share(self, *names: str) -> float:
        """The largest share among some patterns; 0 for a blank column."""
        return max((self.shares.get(name, 0.0) for name in names), default=0.0)

    @property
    def blank(self) -> bool:
        """Nothing stands in it."""
        return self.filled == 0

    @property
    def filled_share(self) -> float:
        """Share of rows that hold something."""
        return self.filled / self.rows if self.rows else 0.0

    @property
    def constant(self) -> bool:
        """One value in every row."""
        return self.distinct == 1 and self.filled > 1 and self.filled_share > 0.9

    @property
    def unique_share(self) -> float:
        """Distinct values by filled cells: 1 where every cell is another."""
        return self.distinct / self.filled if self.filled else 0.0

    @cached_property
    def address(self) -> float:
        """How much the values look like whole addresses: a number, a street, more than one part."""
        number = self.share("starts_with_number", "flat_word")
        return min(1.0, max(min(number, self.share("street")) * 1.1, self.share("ends_in_postcode"),
                            self.share("has_comma") * self.share("has_digit")
                            * (0.9 if self.mean_length > 14 else 0.3)))  # fmt: skip

    @cached_property
    def person(self) -> float:
        """How much the values look like names of people or companies."""
        if self.share("has_digit") > 0.3 or self.share("ends_in_street") > 0.4 or self.share("yes_no") > 0.8:
            return 0.0
        return min(1.0, max(self.share("words_of_name"), self.share("titled_name"), self.share("company") * 1.1))

    @cached_property
    def kind(self) -> str:
        """What kind of values these mostly are, in one word: the first that fits, from the most particular on."""
        if self.blank:
            return "blank"
        tests = (
            ("postcode", self.share("postcode") > 0.7),
            ("email", self.share("email") > 0.5),
            ("date", self.dates.share > 0.7),
            ("uprn", self.share("uprn_12") > 0.7),
            ("phone", self.share("phone") > 0.5),
            ("address", self.address > 0.7),
            ("number", self.share("number") > 0.8),
            ("text", self.free_text),
            ("constant", self.constant),
            ("name", self.person > 0.7),
            ("place", self.share("street") > 0.7 and self.share("letters_only") > 0.7),
            ("reference", self.unique_share > 0.9 and self.share("has_digit") > 0.8),
            ("code", self.distinct <= FEW),
        )
        return next((kind for kind, fits in tests if fits), "text")

    @property
    def free_text(self) -> bool:
        """Sentences rather than values."""
        return self.share("sentence") > 0.25 and self.address < 0.5


def profile_table(table: pa.Table, blanks: frozenset[str]) -> list[Profile]:
    """Profiles of all columns of a sample of text columns; `blanks` are cells that mean nothing, in small letters."""
    return [_profile(name, place, table.column(name), blanks) for place, name in enumerate(table.column_names)]


def _profile(name: str, place: int, column: pa.ChunkedArray, blanks: frozenset[str]) -> Profile:
    text = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_string(text.type):
        text = text.cast(pa.string())
    trimmed = pc.utf8_trim_whitespace(pc.fill_null(text, ""))
    nothing = pc.is_in(pc.utf8_lower(trimmed), pa.array(sorted(blanks | {""}), pa.string()))
    texts = pc.if_else(nothing, pa.scalar(None, pa.string()), trimmed)
    counted = pc.value_counts(texts.drop_null())
    values, counts = counted.field("values"), counted.field("counts").to_numpy()
    if not len(values):
        return Profile(name, place, len(texts), 0, 0, {}, texts=texts)
    order = np.argsort(-counts, kind="stable")[:DISTINCT_LOOKED_AT]
    looked, weight = values.take(pa.array(order)), counts[order].astype(float)
    shares = shares_of(looked, weight)
    low, high, typical = _range(looked, weight) if shares["number"] > 0.5 else (None, None, None)
    length = float(np.average(pc.utf8_length(looked).to_numpy(), weights=weight))
    dates = read_dates(looked, weight, serial=shares["digits"] > 0.9) if shares["has_digit"] > 0.5 else NO_DATES
    codes: tuple[tuple[str, int], ...] = ()
    if len(values) <= FEW:
        codes = tuple(zip(looked.to_pylist(), weight.astype(int).tolist(), strict=True))
    return Profile(
        name, place, len(texts), int(counts.sum()), len(values), shares, low, high, typical, length, dates, codes, texts
    )


def _range(values: pa.Array, weight: npt.NDArray[np.float64]) -> tuple[float | None, float | None, float | None]:
    """Second percentile, ninety-eighth and median of the numbers, so that a slip does not decide."""
    plain = pc.replace_substring_regex(values, r"[,£\s']", "")
    sound = pc.match_substring_regex(plain, r"^[+-]?\d{1,15}(\.\d*)?$").to_numpy(zero_copy_only=False)
    if not sound.any():
        return None, None, None
    numbers = plain.filter(pa.array(sound)).cast(pa.float64()).to_numpy()
    order = np.argsort(numbers)
    mass = np.cumsum(weight[sound][order])
    at = [numbers[order][min(np.searchsorted(mass, q * mass[-1]), len(numbers) - 1)] for q in (0.02, 0.98, 0.5)]
    return float(at[0]), float(at[1]), float(at[2])
