"""Keyed tokens in the place of direct identifiers.

A plain hash of a name can be reversed by hashing every name; a keyed one cannot without
the key (ICO guidance on pseudonymisation). The same name gives the same token in every
borough, which is what lets one landlord be seen across boroughs.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.governance import keys
from pipelines.governance.keys import without_making_a_key

TOKEN_DIGITS = 32
LOOKED_AT = 4096
"""Values at the top of a column by which it is told whether many are the same, so that each is hashed once."""

__all__ = ["TOKEN_DIGITS", "canonical", "key", "keyed", "tokens", "without_making_a_key"]


def key() -> bytes:
    """The key that tokens are made with.

    Raises:
        ConfigurationError: it is lost, or another than the one used so far.
    """
    return keys.key("pseudonym")


def canonical(text: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Text as it is compared: capitals, letters and digits only, single spaces."""
    if isinstance(text, pa.ChunkedArray):
        return pa.chunked_array([canonical(chunk) for chunk in text.chunks], pa.string())
    upper = pc.utf8_upper(text)
    if pc.all(pc.ascii_is_alnum(upper)).as_py():
        return upper
    odd = pc.fill_null(pc.match_substring_regex(upper, r"[^A-Z0-9 ]|^ | $|  "), False)  # the rest stands so already
    few = pc.replace_substring_regex(upper.filter(odd), r"[^\p{L}\p{N}]+", " ")
    trimmed = pc.replace_with_mask(upper, odd, pc.utf8_trim_whitespace(few))
    # Punctuation alone is no name, and would make everybody who has none one person.
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def tokens(text: pa.Array) -> pa.Array:
    """A 32-digit token for each value, null where there is none; one keyed hash a distinct value."""
    return keyed(key(), canonical(text))


def keyed(secret: bytes, text: pa.Array) -> pa.Array:
    """Tokens of texts as they stand, under a key: BLAKE2s in its keyed mode (RFC 7693).

    It is as sound a keyed hash as HMAC-SHA-256 and five times as quick on short texts (0.5 against 2.4 microseconds);
    an extract of a million rows has two million names and account numbers.
    """
    empty = hashlib.blake2s(key=hashlib.sha256(secret).digest(), digest_size=TOKEN_DIGITS // 2)
    values = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    places = None
    if pc.count_distinct(values.slice(0, LOOKED_AT)).as_py() < LOOKED_AT // 2:
        encoded = values.dictionary_encode()
        values, places = encoded.dictionary, encoded.indices
    made: list[str | None] = []
    for value in values.cast(pa.binary()).to_pylist():
        if value is None:
            made.append(None)
            continue
        mac = empty.copy()
        mac.update(value)
        made.append(mac.hexdigest())
    found = pa.array(made, pa.string())
    return found if places is None else found.take(places)
