"""Whose records are erased: a property or a person, and how either is known again in rows, in text and by tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa

from pipelines.core.errors import LodaError
from pipelines.core.ledger import engine as ledger
from pipelines.core.ledger.models import Erasure
from pipelines.governance import keys
from pipelines.governance.pseudonym import canonical
from schemas.contract import Contract

Mask = npt.NDArray[np.bool_]
TITLES = ("MR", "MRS", "MS", "MISS", "DR", "MX", "SIR", "PROF", "REV")
UPRN = re.compile(r"[1-9]\d{0,11}")
MOST_SPELLINGS = 20


@dataclass(frozen=True)
class Subject:
    """A property by its UPRN, or a person by the spellings of a name, of everywhere or at one property only.

    Spellings are canonical: capitals, letters and digits, single spaces.
    """

    uprn: str | None = None
    names: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Person or property."""
        return "person" if self.names else "property"


def property_subject(text: str) -> Subject:
    """A property, of `uprn:100023336956`.

    Raises:
        LodaError: it is no UPRN.
    """
    number = text.removeprefix("uprn:").strip()
    if not UPRN.fullmatch(number):
        raise LodaError("A property is named by its UPRN, up to 12 digits: --subject uprn:100023336956.")
    return Subject(uprn=number)


def person_subject(spellings: Iterable[str], uprn: str | None = None) -> Subject:
    """A person, of the ways in which the name may have been written; titles and the surname first are tried as well.

    Raises:
        LodaError: there is no name, or a single word, which many people share.
    """
    typed = [name for name in canonical(pa.array(list(spellings), pa.string())).to_pylist() if name]
    if not typed:
        raise LodaError("Give the person's name, each way of writing it on a line of its own.")
    if any(" " not in name for name in typed):
        raise LodaError("A single word is shared by many people: give first name and surname.")
    if len(typed) > MOST_SPELLINGS:
        raise LodaError(f"More than {MOST_SPELLINGS} spellings are no longer one person.")
    both = dict.fromkeys(way for name in typed for way in (name, _surname_first(name)))
    ways = [*both, *(f"{title} {name}" for name in both for title in TITLES)]
    return Subject(uprn=uprn, names=tuple(ways))


def _surname_first(name: str) -> str:
    first, _, surname = name.rpartition(" ")
    return f"{surname} {first}"


def name_fields(contract: Contract) -> list[str]:
    """Fields of a contract that hold a person's name, in plain text or as a token."""
    named = {"direct", "public_register"}
    return [field.name for field in contract.fields if field.privacy in named and field.name.endswith("_name")]


def is_in(text: pa.Array | pa.ChunkedArray, values: Iterable[str]) -> Mask:
    """Which texts are among these; none where there is no text."""
    found = pc.fill_null(pc.is_in(text, pa.array(list(values), pa.string())), False)
    return np.asarray(found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy(), bool)


def place_keys(rows: Mapping[str, pa.Array] | pa.Table) -> pa.Array | pa.ChunkedArray:
    """Address and postcode of rows as one text that is compared; null where there is no address."""
    address = canonical(rows["address"])
    postcode = pc.fill_null(canonical(rows["postcode"]), "")
    return pc.binary_join_element_wise(address, postcode, "|")


# --- what is remembered, so that a later extract does not bring them back ---


def token(kind: str, text: str) -> str:
    """What is remembered of a subject (64 hex digits): a keyed hash, which tells nobody without the key who it was."""
    return hmac.digest(keys.key("erasure"), f"{kind}|{text}".encode(), hashlib.sha256).hex()


def tokens_of(subject: Subject, places: Iterable[str]) -> dict[str, str]:
    """Tokens to be remembered, with their kind: of a property its UPRN and the addresses it was written as (`places`).

    Of a person the spellings of the name, each with the property where only one was meant.
    """
    places = list(dict.fromkeys(places))
    if subject.names and subject.uprn is None:
        return {token("name", name): "name" for name in subject.names}
    uprn = str(subject.uprn)
    if not subject.names:
        return {token("uprn", uprn): "uprn"} | {token("place", place): "place" for place in places}
    at = {token("name_uprn", f"{name}|{uprn}"): "name_uprn" for name in subject.names}
    return at | {token("name_place", f"{name}|{p}"): "name_place" for name in subject.names for p in places}


def remembered() -> dict[str, set[str]]:
    """Tokens of all erased subjects by kind; empty where there is no ledger, as in a rehearsal."""
    if not ledger.is_there():
        return {}
    with ledger.transaction() as session:
        found: dict[str, set[str]] = {}
        for made, kind in session.execute(sa.select(Erasure.token, Erasure.kind)):
            found.setdefault(kind, set()).add(made)
        return found


def known(kind: str, text: pa.Array | pa.ChunkedArray, tokens: Mapping[str, set[str]]) -> Mask:
    """Which texts are remembered under a kind; one keyed hash a distinct text."""
    wanted = tokens.get(kind)
    if not wanted:
        return np.zeros(len(text), bool)
    encoded = text.dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    hit = [token(kind, value) in wanted for value in encoded.dictionary.to_pylist()]
    found = pc.fill_null(pa.array(hit, pa.bool_()).take(encoded.indices), False)
    return np.asarray(found.to_numpy(zero_copy_only=False), bool)


# --- in text that nobody has parsed ---


def in_text(text: pa.Array | pa.ChunkedArray, subject: Subject, places: Iterable[str]) -> Mask:
    """Which lines of an extract speak of the subject: its UPRN, one of its addresses, the name (at the property)."""
    canon = canonical(text)
    at_property = _any(canon, [f"0*{subject.uprn}"]) if subject.uprn else np.zeros(len(text), bool)
    for place in places:
        # Address and postcode stand in columns of any order.
        address, _, postcode = place.partition("|")
        at_property = at_property | (_any(canon, [address]) & (_any(canon, [postcode]) if postcode else True))
    if not subject.names:
        return at_property
    named = _any(canon, subject.names)
    return named if subject.uprn is None else named & at_property


def _any(text: pa.Array | pa.ChunkedArray, phrases: Iterable[str]) -> Mask:
    """Which texts hold one of these as whole words; letters, digits, blanks and `0*` stand for themselves in them."""
    found = pc.fill_null(pc.match_substring_regex(text, rf"(^| )({'|'.join(phrases)})( |$)"), False)
    return np.asarray(found.to_numpy(zero_copy_only=False) if isinstance(found, pa.Array) else found.to_numpy(), bool)
