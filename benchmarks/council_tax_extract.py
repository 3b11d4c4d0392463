"""A council-tax extract of any size for benchmarks: twelve columns as NEC writes them, with faults at measured rates.

Rows are made in blocks from a seed, so memory does not grow with the file and the same size is
always the same bytes. Fault rates are those of the synthetic boroughs
(`pipelines/demo/export/faults.yaml`, each with its source); where that file has none, the rate
stands here with its own.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from pipelines.demo.export.faults import faults

HEADINGS = (
    "ACCOUNT_REF", "PROP_ADDR1", "PROP_ADDR2", "PROP_PCODE", "UPRN", "LIABLE_NAME",
    "LIAB_TYPE", "BAND", "DISC_CODE", "EXEMPT_CLASS", "LIAB_START", "LIAB_END",
)  # fmt: skip
MAPPING = """\
# The columns of NEC's preset that this extract has.
extends: nec
dates: ["%d/%m/%Y"]
fields:
  address: {columns: [PROP_ADDR1, PROP_ADDR2]}
  liable_address: null
  known_since: null
known_since: {after: liability_start, days: 14}
ignore: {PROPERTY_REF: null, LIABLE_PHONE: null, DISC_PCT: null, NOTEPAD: null}
"""
BLOCK_ROWS = 200_000
LOWER_CASE_POSTCODES = 0.01  # judged: typed in by hand
LOCAL_CODES = 0.0005  # judged: exemption classes A and C kept as local codes after 1 April 2013
UNIT_SHARE = 0.54  # flats among London's homes, Census 2021
ENDED_SHARE = 0.62  # liability periods that are over, in an extract with history
ROWS_OF_ONE_ACCOUNT = 1.15
HOMES_SHARE = 0.35  # homes for each liability period

FIRST = ("Amina", "Ben", "Chloe", "Dev", "Elif", "Femi", "Grace", "Hamid", "Ines", "Jack", "Kofi", "Lena", "Marek",
         "Nadia", "Owen", "Priya", "Quentin", "Rosa", "Samir", "Tara", "Usha", "Victor", "Wen", "Xenia", "Yusuf",
         "Zoe")  # fmt: skip
SYLLABLES = ("ad", "ber", "cor", "dan", "el", "far", "gor", "hal", "is", "jen", "kel", "lam", "mor", "nes", "ol", "pat",
             "rin", "sal", "tor", "ul", "ven", "wes", "yar", "zel")  # fmt: skip
STREETS = ("Road", "Street", "Avenue", "Close", "Gardens", "Lane", "Terrace", "Way")
AREAS = ("E", "EC", "N", "NW", "SE", "SW", "W", "WC", "BR", "CR", "EN", "HA", "IG", "KT", "RM", "SM", "TW", "UB")
INWARD = np.array(list("ABDEFGHJLNPQRSTUWXYZ"), dtype=object)

Texts = npt.NDArray[np.object_]


def write(path: Path, rows: int, seed: int = 1) -> None:
    """Write an extract of so many written rows, torn ones included."""
    with path.open("wb") as handle:
        handle.write((",".join(HEADINGS) + "\n").encode())
        for first in range(0, rows, BLOCK_ROWS):
            handle.write(_block(first, min(BLOCK_ROWS, rows - first), seed))


def _block(first: int, rows: int, seed: int) -> bytes:
    draw = np.random.default_rng([seed, first])
    torn = int(draw.binomial(rows, faults().rate("ragged_row")))
    undecodable = int(draw.binomial(rows, faults().rate("undecodable_byte")))
    columns = _sound(first, rows - torn - undecodable, draw)
    _spoil(columns, draw)
    table = pa.table({name: pa.array(columns[name], pa.string()) for name in HEADINGS})
    table = _with_copies(table, draw)
    target = io.BytesIO()
    pacsv.write_csv(table, target, pacsv.WriteOptions(include_header=False, quoting_style="needed"))
    number = np.arange(first, first + torn + undecodable)
    lines = [b"9%09d,1, Example, Road,,,,,,,,,,,\n" % n for n in number[:torn]]
    lines += [b"9%09d,1 Caf\xe9 Road,London,E1 1AA,,A Name,OCC,B,NIL,,01/02/2020,\n" % n for n in number[torn:]]
    return target.getvalue() + b"".join(lines)


def _sound(first: int, rows: int, draw: np.random.Generator) -> dict[str, Texts]:
    number = np.arange(first, first + rows)
    home = (number * HOMES_SHARE).astype(np.int64)
    account = (number / ROWS_OF_ONE_ACCOUNT).astype(np.int64)
    start = np.datetime64("1995-04-01") + draw.integers(0, 11_000, rows).astype("timedelta64[D]")
    ended = draw.random(rows) < ENDED_SHARE
    end = np.where(ended, start + draw.integers(20, 4_000, rows).astype("timedelta64[D]"), np.datetime64("NaT"))
    house = (home % 173 + 1).astype(str).astype(object)
    street = _street(home // 60)
    unit = (home % 7 + 1).astype(str).astype(object)
    flat = (home * 2654435761 % 1000) < UNIT_SHARE * 1000
    return {
        "ACCOUNT_REF": (60_000_000 + account).astype(str).astype(object),
        "PROP_ADDR1": np.where(flat, "Flat " + unit + ", " + house + " " + street, house + " " + street).astype(object),
        "PROP_ADDR2": np.full(rows, "London", dtype=object),
        "PROP_PCODE": _postcode(home // 15),
        "UPRN": (10_000_000_000 + home * 7).astype(str).astype(object),
        "LIABLE_NAME": _names(account),
        "LIAB_TYPE": _drawn(draw, rows, {"OCC": 0.86, "OWN": 0.07, "ORG": 0.04, "LA": 0.03}),
        "BAND": np.array(list("ABCDEFGH"), object)[home * 40503 % 8],
        "DISC_CODE": _drawn(draw, rows, {"NIL": 0.6, "SPD25": 0.32, "DIS25": 0.04, "DIS50": 0.02, "EMP": 0.02}),
        "EXEMPT_CLASS": _drawn(draw, rows, {"": 0.96, "N": 0.025, "F": 0.007, "U": 0.005, "M": 0.003}),
        "LIAB_START": _days(start),
        "LIAB_END": _days(end),
    }  # fmt: skip


def _drawn(draw: np.random.Generator, rows: int, shares: dict[str, float]) -> Texts:
    return draw.choice(np.array(list(shares), object), rows, p=list(shares.values()))


def _street(number: npt.NDArray[np.int64]) -> Texts:
    first, second = (np.array(SYLLABLES, object)[number // size % len(SYLLABLES)] for size in (1, 24))
    return capitalised(first + second) + " " + np.array(STREETS, object)[number // 576 % len(STREETS)]


def capitalised(words: Texts) -> Texts:
    """Words with a capital first letter."""
    return np.asarray(pc.utf8_capitalize(pa.array(words, pa.string())).to_numpy(zero_copy_only=False), dtype=object)


def _postcode(number: npt.NDArray[np.int64]) -> Texts:
    area = np.array(AREAS, object)[number % len(AREAS)]
    district = (number // 18 % 19 + 1).astype(str).astype(object)
    sector = (number // 342 % 9 + 1).astype(str).astype(object)
    return area + district + " " + sector + INWARD[number // 3078 % 20] + INWARD[number // 61560 % 20]


def _names(account: npt.NDArray[np.int64]) -> Texts:
    mixed = account.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(20)
    first = np.array(FIRST, object)[(mixed % np.uint64(26)).astype(int)]
    middle = np.array(FIRST, object)[(mixed // np.uint64(26) % np.uint64(26)).astype(int)].astype(str)
    parts = [
        np.array(SYLLABLES, object)[(mixed // np.uint64(676 * 24**k) % np.uint64(24)).astype(int)] for k in range(3)
    ]
    return first + " " + middle.astype("U1").astype(object) + " " + capitalised(parts[0] + parts[1] + parts[2])


def _days(days: npt.NDArray[np.datetime64]) -> Texts:
    text = np.datetime_as_string(days, unit="D").astype("U10")
    turned = [text.view("U1").reshape(-1, 10)[:, place] for place in (8, 9, 5, 6, 0, 1, 2, 3)]
    day, month, year = turned[0:2], turned[2:4], turned[4:8]
    slash = np.full(len(text), "/", dtype="U1")
    letters = np.stack([*day, slash, *month, slash, *year], axis=1)
    written = np.ascontiguousarray(letters).view("U10").reshape(-1).astype(object)
    return np.where(np.isnat(days), "", written).astype(object)


def _spoil(columns: dict[str, Texts], draw: np.random.Generator) -> None:
    """Put faults into single cells, each at its declared rate."""
    rows = len(columns["UPRN"])

    def hit(rate: float) -> npt.NDArray[np.int64]:
        return np.flatnonzero(draw.random(rows) < rate)

    rate = faults().rate
    for name in ("PROP_ADDR1", "PROP_PCODE", "LIABLE_NAME"):
        padded = hit(rate("padded_cell"))
        columns[name][padded] = columns[name][padded] + "  "
    columns["PROP_PCODE"][hit(rate("postcode_missing"))] = ""
    unspaced, lower = hit(rate("postcode_unspaced")), hit(LOWER_CASE_POSTCODES)
    columns["PROP_PCODE"][unspaced] = [cell.replace(" ", "") for cell in columns["PROP_PCODE"][unspaced]]
    columns["PROP_PCODE"][lower] = [cell.lower() for cell in columns["PROP_PCODE"][lower]]
    damaged = hit(rate("uprn_excel"))
    columns["UPRN"][damaged[::2]] = [f"{float(cell):.5E}" for cell in columns["UPRN"][damaged[::2]]]
    columns["UPRN"][damaged[1::2]] = columns["UPRN"][damaged[1::2]] + ".0"
    columns["UPRN"][hit(rate("uprn_blank_all"))] = ""
    columns["LIAB_START"][hit(rate("date_impossible"))] = "31/04/2024"
    columns["LIAB_START"][hit(rate("date_far_future"))] = "02/03/3017"
    columns["LIAB_END"][hit(rate("end_before_start"))] = "01/04/1994"
    columns["PROP_ADDR1"][hit(rate("required_blank"))] = ""
    columns["BAND"][hit(rate("unknown_code"))] = "Z"
    columns["EXEMPT_CLASS"][hit(LOCAL_CODES)] = "C"
    accented = hit(rate("name_accented"))
    columns["LIABLE_NAME"][accented] = columns["LIABLE_NAME"][accented] + "é"


def _with_copies(table: pa.Table, draw: np.random.Generator) -> pa.Table:
    """Some rows written twice, in place of the rows after them."""
    place = np.arange(table.num_rows)
    again = np.flatnonzero(draw.random(table.num_rows) < faults().rate("duplicated_row"))
    place[again[again > 0]] -= 1
    return table.take(pa.array(place))
