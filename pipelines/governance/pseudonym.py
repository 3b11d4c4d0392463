"""Keyed tokens in the place of direct identifiers.

A plain hash of a name can be reversed by hashing every name; a keyed one cannot without
the key (ICO guidance on pseudonymisation). The same name gives the same token in every
borough, which is what lets one landlord be seen across boroughs.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.core.settings import settings

TOKEN_DIGITS = 32


def key() -> bytes:
    """The key: `LODA_PSEUDONYM_KEY`, or a key file that is made on first use and readable by its owner only."""
    given = settings().pseudonym_key
    if given is not None:
        return given.get_secret_value().encode()
    path = settings().home / "secrets" / "pseudonym.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.touch(mode=0o600)
        beside.write_text(secrets.token_hex(32))
        # A hard link fails where the key is there already, so of two first runs one key wins, whole.
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
        beside.unlink()
    return path.read_bytes()


def canonical(text: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Text as it is compared: capitals, letters and digits only, single spaces."""
    plain = pc.replace_substring_regex(pc.utf8_upper(text), r"[^\p{L}\p{N}]+", " ")
    trimmed = pc.utf8_trim_whitespace(plain)
    # Punctuation alone is no name, and would make everybody who has none one person.
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)


def tokens(text: pa.Array) -> pa.Array:
    """A 32-digit token for each value, null where there is none; one HMAC-SHA-256 a distinct value."""
    secret = key()
    encoded = canonical(text).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    made = pa.array(
        [
            hmac.digest(secret, value.encode(), hashlib.sha256).hex()[:TOKEN_DIGITS]
            for value in encoded.dictionary.to_pylist()
        ],
        pa.string(),
    )
    return made.take(encoded.indices)
