"""Cells of a file that an officer opens in a spreadsheet and gives back: safe there, and unchanged when they return.

A cell that begins with `=`, `+`, `-`, `@` or a tab may be run as a formula when the file is opened (OWASP, CSV
injection). It gets an apostrophe before it, and so does a cell that begins with an apostrophe of its own, so that
taking one away gives back exactly what was there. Control characters, which no spreadsheet keeps, are spelt as the
sign for escape and the letter of their key: the bell is `␛G`, and the sign itself is written twice.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

RISKY = r"^(?:[\s\p{Z}\p{Cf}]*[=+\-@＝＋－＠]|[\t\r\n])"
QUOTE = "'"
SIGN = "␛"
CONTROLS = "".join(chr(code) for code in (*range(9), 11, 12, *range(14, 32), 127))
"""Control characters but tab and line ends, which spreadsheets do keep inside a cell."""


def guarded(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Text cells as they may be opened in a spreadsheet; `unguarded` takes them back."""
    spelt = _spelt(text)
    risky = pc.or_(pc.match_substring_regex(spelt, RISKY), pc.starts_with(spelt, QUOTE))
    return pc.if_else(risky, pc.binary_join_element_wise(QUOTE, spelt, ""), spelt)


def unguarded(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Text cells as they were before `guarded`; a cell that nobody guarded stays what it is."""
    rest = pc.utf8_slice_codeunits(text, 1)
    was = pc.and_(
        pc.starts_with(text, QUOTE), pc.or_(pc.match_substring_regex(rest, RISKY), pc.starts_with(rest, QUOTE))
    )
    plain = pc.if_else(was, rest, text)
    return _unspelt(plain)


def guarded_text(text: str) -> str:
    """One guarded cell, such as a heading."""
    return str(guarded(pa.array([text], pa.string()))[0].as_py())


def unguarded_text(text: str) -> str:
    """One cell as it was before `guarded_text`."""
    return str(unguarded(pa.array([text], pa.string()))[0].as_py())


def _spelt(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if not pc.any(pc.match_substring_regex(text, f"[{SIGN}{re.escape(CONTROLS)}]"), min_count=0).as_py():
        return text
    text = pc.replace_substring(text, SIGN, SIGN + SIGN)
    for control in CONTROLS:
        text = pc.replace_substring(text, control, SIGN + chr(ord(control) ^ 0x40))
    return text


def _unspelt(text: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    if not pc.any(pc.match_substring(text, SIGN), min_count=0).as_py():
        return text
    letters = {chr(ord(control) ^ 0x40): control for control in CONTROLS} | {SIGN: SIGN}
    encoded = (
        text.combine_chunks().dictionary_encode() if isinstance(text, pa.ChunkedArray) else text.dictionary_encode()
    )
    pattern = re.compile(f"{SIGN}(.)", re.DOTALL)
    plain = [
        pattern.sub(lambda found: letters.get(found.group(1), found.group(0)), value)
        for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(plain, pa.string()).take(encoded.indices)
