"""Faults of single cells, put into true values before they are written (addresses have their own module)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipelines.demo.export.addresses import PARTS
from pipelines.demo.export.attributes import COMPANY, Records, days
from pipelines.demo.export.draws import Mask, Texts, chosen, pick
from pipelines.demo.export.faults import Hand, faults
from pipelines.demo.export.text import filled, joined, matching, plain, replaced

SPANS = (
    ("liability_start", "liability_end"),
    ("commencement_date", "expiry_date"),
    ("received_date", "closed_date"),
    ("received_date", "decision_date"),
    ("start_date", "end_date"),
    ("effective_from", "effective_until"),
)
PEOPLE = ("max_persons", "occupants", "electors", "benefit_claims")
NAMES = ("liable_name", "holder_name", "applicant_name", "manager_name")


@dataclass
class Overrides:
    """Faults that no true value can hold: which rows of which field are written wrongly, and how."""

    impossible_date: dict[str, Mask] = field(default_factory=dict)
    far_future: dict[str, Mask] = field(default_factory=dict)
    unknown_code: dict[str, Mask] = field(default_factory=dict)


def write_uprns(records: Records, hand: Hand, mode: str) -> None:
    """Leave UPRNs out as the borough does, and move a few to the neighbour in the gazetteer."""
    if "uprn" not in records.frame.columns or records.contract.dataset in {"gazetteer", "licensing_scheme"}:
        return
    uprns = plain(records.frame["uprn"])
    if mode == "none":
        records.frame["uprn"] = ""
        return
    official = records.places.sorted_uprns
    wrong = hand.falls_on("uprn_wrong", filled(uprns), "uprn")
    if wrong.any():
        beside = np.minimum(np.searchsorted(official, uprns[wrong]) + 1, len(official) - 1)
        uprns = replaced(uprns, wrong, official[beside])
    # A blank UPRN is how the borough works, not a slip, so untidiness does not change it.
    blank_rate = faults().rate(f"uprn_blank_{mode}")
    records.frame["uprn"] = replaced(uprns, chosen(hand.keys, "uprn blank", blank_rate), "")


def write_names(records: Records, hand: Hand) -> None:
    """Vary how companies and people are named, as two systems of one council do."""
    for name in NAMES:
        if name not in records.frame.columns:
            continue
        column = plain(records.frame[name])
        company = matching(column, COMPANY)
        suffixed = hand.falls_on("company_suffix", matching(column, r".* (?:Ltd|Limited)"), name)
        if suffixed.any():
            stem = pd.Series(column[suffixed]).str.replace(r" (?:Ltd|Limited)$", "", regex=True).to_numpy(object)
            ending = pick(hand.keys[suffixed], "company ending", ("Ltd", "Limited", "LTD.", "Ltd."))
            column = replaced(column, suffixed, joined(" ", stem, ending))
        cut = hand.falls_on("name_initial", ~company & matching(column, r"[A-Z]\w+ .*"), name)
        if cut.any():
            short = pd.Series(column[cut]).str.replace(r"^(\w)\w+", r"\1", regex=True).to_numpy(object)
            column = replaced(column, cut, short)
        accented = hand.falls_on("name_accented", ~company & matching(column, r".*e"), name)
        if accented.any():
            stem = pd.Series(column[accented]).str.slice(0, -1).to_numpy(object)
            column = replaced(column, accented, joined("", stem, "é"))
        records.frame[name] = column


def write_numbers(records: Records, hand: Hand) -> None:
    """Occupants that cannot be."""
    for name in PEOPLE:
        if name in records.frame.columns and records.contract.by_name.get(name) is not None:
            numbers = pd.to_numeric(records.frame[name]).to_numpy(dtype=float, na_value=np.nan)
            hit = hand.falls_on("occupancy_outlier", ~np.isnan(numbers), name)
            outliers = np.where(chosen(hand.keys, "which outlier", 0.5), 112.0, 313.0)
            records.frame[name] = np.where(hit, outliers, numbers)


def write_dates(records: Records, hand: Hand, *, impossible: bool) -> Overrides:
    """Ends before starts; days and years that cannot be. `impossible` days only where dates are written as text."""
    overrides = Overrides()
    for start, end in SPANS:
        if start in records.contract.by_name and end in records.contract.by_name:
            first, last = days(records.frame, start), days(records.frame, end)
            hit = hand.falls_on("end_before_start", ~np.isnat(first) & ~np.isnat(last), end)
            records.frame[end] = np.where(hit, first - np.timedelta64(40, "D"), last).astype("datetime64[s]")
    for target in records.contract.fields:
        if target.type == "date" and target.name != "known_since" and target.name in records.frame.columns:
            there = ~np.isnat(days(records.frame, target.name))
            overrides.far_future[target.name] = hand.falls_on("date_far_future", there, target.name)
            if impossible:
                overrides.impossible_date[target.name] = hand.falls_on("date_impossible", there, target.name)
    return overrides


def write_blanks_and_codes(records: Records, hand: Hand, overrides: Overrides) -> None:
    """A required cell left blank; a code that the layout does not know."""
    every = np.ones(len(records), dtype=bool)
    required = [name for name in records.contract.required if name != "known_since"]
    for name in required:
        hit = hand.falls_on("required_blank", every, name, 1 / len(required))
        if not hit.any():
            continue
        if name == "address":
            for part in PARTS:
                if part != "postcode":
                    records.addresses.put(part, hit, "")
        if name in records.frame.columns:
            records.frame[name] = records.frame[name].mask(hit)
    for target in records.contract.fields:
        if target.codes and target.name in records.frame.columns:
            there = records.frame[target.name].notna().to_numpy()
            overrides.unknown_code[target.name] = hand.falls_on("unknown_code", there, target.name)


def damage_uprns(texts: Texts, hand: Hand) -> Texts:
    """UPRNs as they come out of a file that was opened and saved in a spreadsheet."""
    hit = hand.falls_on("uprn_excel", filled(texts), "uprn")
    if not hit.any():
        return texts
    rounded = np.array([f"{float(uprn):.5E}" for uprn in texts[hit]], dtype=object)  # two rows in a thousand
    as_number = texts[hit] + ".0"
    return replaced(texts, hit, np.where(chosen(hand.keys[hit], "how damaged", 0.5), rounded, as_number).astype(object))
