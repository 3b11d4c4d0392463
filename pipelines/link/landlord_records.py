"""The records behind landlords: licence holders and managers in plain names, council tax as tokens; and their keys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.governance import access, pseudonym
from pipelines.link.address.text import as_text, clean, swap, take_postcode
from pipelines.link.people import names

TITLES = "MR|MRS|MS|MISS|DR|MX|SIR|PROF|REV"
TITLED = ("", *(f"{title} " for title in TITLES.split("|")))
ENDINGS = ("LTD", "LIMITED", "PLC", "LLP", "CIC")
TRADES = (
    *("PROPERTIES", "PROPERTY", "LETTINGS", "ESTATES", "ESTATE", "HOMES", "HOUSING", "MANAGEMENT", "INVESTMENTS"),
    *("HOLDINGS", "GROUP", "COMPANY", "CO", "ASSOCIATION", "TRUST", "RESIDENTIAL", "LIVING"),
)
COMPANY = rf"\b(?:{'|'.join((*ENDINGS, *TRADES))})$"
PLAIN_WORDS = frozenset([*TRADES, *ENDINGS, "AND", "UK", "LONDON"])
"""A company called by these words alone is not told apart by its name."""


def read(boroughs: list[str]) -> pd.DataFrame:
    """All records of licences and liabilities.

    Columns: borough, dataset, record_id, role, known_since, plain (name), where (address), company, person, full,
    number, token, address, postcode, seen, liable_party.
    `token` and `address` are keyed hashes of name and address as they stand; `full` is a person's first name and
    surname, `number` a company's registered number, and `seen` a keyed hash of what a plain record is compared by.
    Empty text where something is not known.
    """
    return pd.concat([_licences(boroughs), _liabilities(boroughs)], ignore_index=True)


def _licences(boroughs: list[str]) -> pd.DataFrame:
    """Holders and managers, in plain text in the public register; only the holder has an address there."""
    columns = ["borough", "record_id", "holder_name", "holder_address", "manager_name", "known_since"]
    table = access.read_dataset("hmo_licence", boroughs=boroughs, purpose="hmo_detection", columns=columns)
    parts = []
    for role, name, address in (("holder", "holder_name", "holder_address"), ("manager", "manager_name", None)):
        text = as_text(table[name])
        where = as_text(table[address]) if address else pa.array([""] * len(text), pa.string())
        own = pd.DataFrame(
            {
                "borough": table["borough"].to_pandas(),
                "dataset": "hmo_licence",
                "record_id": table["record_id"].to_pandas(),
                "role": role,
                "known_since": pd.to_datetime(table["known_since"].to_pandas()),
            }
        )
        # A landlord holds many licences, and each may have a row for every year: what is said is said again and again.
        told, placed = names.distinct(text, _named), names.distinct(where, _placed)
        seen = names.distinct(pc.binary_join_element_wise(text, where, " / "), lambda t: tokens(t).to_frame("seen"))
        parts.append(pd.concat([own, told, placed, seen], axis=1).loc[(told["plain"].str.strip() != "").to_numpy()])
    return pd.concat(parts, ignore_index=True)


def _named(text: pa.Array) -> pd.DataFrame:
    """What each name of a register says: plain, company, person, full, number, token."""
    told = names.parsed(text)
    return pd.DataFrame(
        {
            "plain": text.to_pandas(),
            "company": company_name(text).to_pandas(),
            "person": person_name(text).to_pandas(),
            "full": (told["forename"] + " " + told["surname"]).where(told["forename"].str.len() > 1, ""),
            "number": told["company_number"],
            "token": tokens(text),
        }
    )


def _placed(where: pa.Array) -> pd.DataFrame:
    """What each address says: where, address, postcode."""
    _, postcode = take_postcode(clean(where))
    return pd.DataFrame({"where": where.to_pandas(), "address": tokens(where), "postcode": postcode.to_pandas()})


def _liabilities(boroughs: list[str]) -> pd.DataFrame:
    """Liable owners and companies; name and address are tokens."""
    columns = ["borough", "record_id", "liable_name", "liable_address", "liable_party", "known_since"]
    table = access.read_dataset("council_tax", boroughs=boroughs, purpose="hmo_detection", columns=columns)
    table = table.filter(
        pc.and_(pc.is_in(table["liable_party"], pa.array(["owner", "company"])), table["liable_name"].is_valid())
    )
    frame: pd.DataFrame = table.to_pandas().rename(columns={"liable_name": "token", "liable_address": "address"})
    frame["known_since"] = pd.to_datetime(frame["known_since"])
    frame["address"] = frame["address"].fillna("")
    empty = dict.fromkeys(("plain", "where", "company", "person", "full", "number", "postcode", "seen"), "")
    return frame.assign(dataset="council_tax", role="owner", **empty)


def company_name(text: pa.Array) -> pa.Array:
    """The name of a company in one spelling, ending in LTD where it is a limited one; empty where it is no company."""
    name = swap(pc.utf8_upper(text), names.NUMBERED, " ")
    name = pc.fill_null(pseudonym.canonical(swap(name, r"['’.]", "")), "")
    name = swap(swap(swap(name, r"\bLIMITED\b", "LTD"), r"^THE ", ""), r"\bAND\b ", "")
    return pc.if_else(pc.match_substring_regex(name, COMPANY), name, "")


def person_name(text: pa.Array) -> pa.Array:
    """A person's name without titles, `SURNAME, First` turned about."""
    turned = swap(pc.utf8_upper(text), r"^\s*([^,]+),\s*([^,]+?)\s*$", r"\2 \1")
    name = swap(pc.fill_null(pseudonym.canonical(turned), ""), rf"\b(?:{TITLES})\b", " ")
    return pc.utf8_trim_whitespace(swap(name, r" +", " "))


def initial_name(people: pd.Series[str]) -> pd.Series[str]:
    """Initial and surname: `KATE ANN EXAMPLE` and `K EXAMPLE` are both `K EXAMPLE`."""
    return _swapped(people, r"^([A-Z])[^ ]* (?:.* )?([^ ]+)$", r"\1 \2")


def turned(people: pd.Series[str]) -> pd.Series[str]:
    """The surname first, as many registers write it."""
    return _swapped(people, r"^(.+) ([^ ]+)$", r"\2 \1")


def _swapped(texts: pd.Series[str], pattern: str, instead: str) -> pd.Series[str]:
    return pd.Series(swap(as_text(texts), pattern, instead).to_pandas().to_numpy(), index=texts.index, dtype=object)


def tokens(text: pa.Array) -> pd.Series[str]:
    """Keyed hashes, empty where there is no text."""
    return cast("pd.Series[str]", _hashed(text).to_pandas())


def _hashed(text: pa.Array) -> pa.Array:
    blank = pc.equal(pc.utf8_trim_whitespace(text), "")
    return pc.fill_null(pc.if_else(blank, "", pseudonym.tokens(text)), "")


def keys(texts: pd.Series[str]) -> pd.Series[str]:
    """Keyed hashes of plain texts, on their index."""
    return pd.Series(tokens(as_text(texts)).to_numpy(), index=texts.index, dtype=object)


def spellings(plain: pd.DataFrame, asked: pd.Series[str]) -> pd.DataFrame:
    """From the token of every way in which a council may have written a plain name: the name's own key and `full`.

    Only tokens that are asked for are told. `full` is empty where the way tells only an initial, or where several first
    names are written that way.
    """
    plain = plain.drop_duplicates("plain")
    companies = plain.loc[plain["company"] != "", "company"].drop_duplicates()
    people = plain.loc[(plain["company"] == "") & (plain["person"] != ""), ["person", "full"]].drop_duplicates("person")
    persons, full = people["person"], people["full"]
    limited = companies.loc[companies.str.endswith(" LTD")]
    in_full = limited.str.replace(r" LTD$", " LIMITED", regex=True)
    every = initial_name(persons)
    initials = every.drop_duplicates()
    of_company, of_initials = keys(companies), keys(initials)
    of_limited = of_company.loc[limited.index]
    of_person = every.map(of_initials.set_axis(initials))
    named = ((persons, of_person, full), (initials, of_initials, ""))
    ways = [
        _Way(plain["plain"], plain["key"], plain["full"]),
        *(_Way(written, key, "", ("", "THE ")) for written, key in ((companies, of_company), (in_full, of_limited))),
        *(_Way(form, key, told, TITLED) for name, key, told in named for form in (name, turned(name))),
    ]
    wanted = as_text(asked.unique())
    found = pd.concat([part for way in ways for part in way.asked_for(wanted)], ignore_index=True)
    several = found[["token", "full"]].drop_duplicates()["token"]
    first = found.drop_duplicates("token").set_index("token")
    first.loc[several[several.duplicated()].unique(), "full"] = ""
    return first


@dataclass(frozen=True)
class _Way:
    """One way to write names, with the key and `full` of each, and what may stand before it."""

    written: pd.Series[str]
    key: pd.Series[str]
    full: pd.Series[str] | str
    before: tuple[str, ...] = ("",)

    def asked_for(self, wanted: pa.Array) -> Iterator[pd.DataFrame]:
        """Token, key and full of the names of whose tokens somebody asks, for each thing that may stand before."""
        text, told = as_text(self.written), pd.DataFrame({"key": self.key, "full": self.full})
        for before in self.before:
            # Nearly all that is hashed nobody asks for, so that it stays out of pandas.
            token = _hashed(pc.binary_join_element_wise(before, text, "") if before else text)
            asked = pc.is_in(token, value_set=wanted)
            found = told.loc[asked.to_numpy(zero_copy_only=False)]
            yield found.assign(token=token.filter(asked).to_pandas().to_numpy())


def says_little(company: str) -> bool:
    """Whether a company's name is of words of the trade alone."""
    return bool(company) and not set(company.split()) - PLAIN_WORDS
