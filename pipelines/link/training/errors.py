"""Addresses as people write them: the published error model of `address-errors`, then a list of hard rewrites."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from pipelines.link.training.gazetteers import PARTS

SEVERITIES = (
    {"intensity": 1.0},
    {"intensity": 1.44},
    {"intensity": 1.44, "prevalence": 2, "noise": {"rate": 0.25}, "postcode_error_multiplier": 5},
)
"""Within, at the top of, and beyond the band that the package's authors measured at six councils."""


def mistyped(frame: pd.DataFrame, uprns: list[str], severity: int, seed: int) -> pd.DataFrame:
    """Records of some properties: columns uprn, address, postcode. Those that became another address are left out."""
    from address_errors import Controls, Corruptor, Noise, Profile, load_components

    given = dict(SEVERITIES[severity])
    if "noise" in given:
        given["noise"] = Noise(**given["noise"])  # type: ignore[arg-type]
    names = {"unit": "subname", "building_name": "name", "building_number": "number", "street": "streetname"}
    names |= {"town": "townname", "parent_uprn": "parentuprn"}
    table = frame.rename(columns=names).assign(usrn=pd.factorize(frame["street"] + frame["locality"])[0].astype(str))
    with tempfile.TemporaryDirectory(prefix="loda-train-") as folder:
        path = Path(folder) / "components.csv"
        table.to_csv(path, index=False)
        made = Corruptor(Profile.load(), seed=seed, controls=Controls(**given), rates="pooled")
        made.index(load_components(str(path)))
        rows = pd.DataFrame(made.generate(uprns))
    rows = rows.loc[rows["collision"] != "matches_other_only"]
    return pd.DataFrame(
        {"uprn": rows["source_uprn"], "address": rows["recorded_address"], "postcode": rows["recorded_postcode"]}
    ).fillna("")


Parts = dict[str, str]
Rewrite = Callable[[Parts, np.random.Generator], Parts | None]
FLOORS = {
    "ground": ("GFF", "G/F", "Grd Floor Flat", "Ground Flr", "GFF Flat"),
    "first": ("FFF", "1st Floor Flat", "F/F Flat", "First Flr", "1st Flr Flat"),
    "second": ("SFF", "2nd Floor Flat", "Second Flr"),
    "top": ("TFF", "Top Flat"),
    "basement": ("Bsmt Flat", "Basement", "Lower Ground Floor"),
}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _unit_word(p: Parts, draw: np.random.Generator) -> Parts | None:
    found = re.fullmatch(r"(?i)(?:flat|apartment|unit) (\w+)", p["unit"])
    if not found:
        return None
    word = draw.choice(["Apartment {}", "Apt {}", "Flt {}", "{}", "Flat No {}", "Unit {}", "#{}", "Flat{}"])
    return p | {"unit": str(word).format(found[1])}


def _letter_behind(p: Parts, _: np.random.Generator) -> Parts | None:
    found = re.fullmatch(r"(?i)flat ([a-z])", p["unit"])
    return (
        p | {"unit": "", "building_number": p["building_number"] + found[1]} if found and p["building_number"] else None
    )


def _letter_before(p: Parts, _: np.random.Generator) -> Parts | None:
    found = re.fullmatch(r"(\d+)([A-Za-z])", p["building_number"])
    return p | {"unit": f"Flat {found[2]}", "building_number": found[1]} if found and not p["unit"] else None


def _floor_letters(p: Parts, draw: np.random.Generator) -> Parts | None:
    for word, ways in FLOORS.items():
        if p["unit"].lower().startswith(word) or p["unit"].lower() == f"flat {word} floor":
            return p | {"unit": str(draw.choice(ways))}
    return None


def _room(p: Parts, draw: np.random.Generator) -> Parts | None:
    found = re.fullmatch(r"(?i)room (\w+)", p["unit"])
    return (
        p | {"unit": str(draw.choice(["Rm {}", "Bedsit {}", "Bedroom {}", "Studio {}"])).format(found[1])}
        if found
        else None
    )


def _range(p: Parts, draw: np.random.Generator) -> Parts | None:
    found = re.fullmatch(r"(\d+)-(\d+)", p["building_number"])
    if not found:
        return None
    low, high = int(found[1]), int(found[2])
    ways = [f"{low}/{high}", f"{low} to {high}", f"{low} & {high}", f"{low} - {high}", str(low), str(high)]
    if low <= 31 and high <= 12:
        ways.append(f"{low}-{MONTHS[high - 1]}")
    return p | {"building_number": str(draw.choice(ways))}


def _name_lost(p: Parts, _: np.random.Generator) -> Parts | None:
    return p | {"building_name": ""} if p["building_name"] and p["building_number"] else None


def _name_short(p: Parts, _: np.random.Generator) -> Parts | None:
    words = p["building_name"].split()
    return p | {"building_name": " ".join(words[:-1])} if len(words) > 1 else None


def _name_only(p: Parts, _: np.random.Generator) -> Parts | None:
    return p | {"building_number": "", "street": ""} if p["building_name"] else None


def _street_lost(p: Parts, _: np.random.Generator) -> Parts | None:
    return p | {"street": ""} if p["building_name"] or p["building_number"] else None


def _street_type_lost(p: Parts, _: np.random.Generator) -> Parts | None:
    words = p["street"].split()
    return p | {"street": " ".join(words[:-1])} if len(words) > 1 else None


def _street_joined(p: Parts, _: np.random.Generator) -> Parts | None:
    return p | {"street": p["street"].replace(" ", "")} if " " in p["street"] else None


def _slip(p: Parts, draw: np.random.Generator) -> Parts | None:
    text = p["street"]
    if len(text) < 5:
        return None
    at = int(draw.integers(1, len(text) - 1))
    ways = (
        text[:at] + text[at + 1 :],
        text[:at] + text[at + 1] + text[at] + text[at + 2 :],
        text[:at] + "e" + text[at + 1 :],
    )
    return p | {"street": str(draw.choice(ways))}


def _postcode(p: Parts, draw: np.random.Generator) -> Parts | None:
    code = p["postcode"]
    if len(code) < 5:
        return None
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    ways = (
        code[:-1] + str(draw.choice(list(letters))),
        code[:-3] + str(draw.integers(0, 10)) + code[-2:],
        "",
        code.replace("1", "I"),
    )
    return p | {"postcode": str(draw.choice(ways))}


def _place_lost(p: Parts, _: np.random.Generator) -> Parts | None:
    return p | {"locality": "", "town": ""} if p["locality"] else None


REWRITES: tuple[Rewrite, ...] = (
    *(_unit_word, _letter_behind, _letter_before, _floor_letters, _room, _range, _name_lost, _name_short, _name_only),
    *(_street_lost, _street_type_lost, _street_joined, _slip, _postcode, _place_lost),
)
"""What is rare in any sample of errors and yet certain to come: each is one way of writing the very same property."""


def rewritten(frame: pd.DataFrame, uprns: list[str], seed: int) -> pd.DataFrame:
    """Records of some properties by one or two rewrites each: columns uprn, address, postcode."""
    draw = np.random.default_rng(seed)
    rows = frame.set_index("uprn").loc[uprns, list(PARTS)]
    made = []
    for uprn, parts in zip(uprns, rows.to_dict("records"), strict=True):
        some = parts
        for at in draw.choice(len(REWRITES), size=4, replace=False)[: int(draw.integers(1, 5))]:
            some = REWRITES[at](some, draw) or some
        made.append({"uprn": uprn, "address": _line(some, draw), "postcode": some["postcode"]})
    return pd.DataFrame(made, columns=["uprn", "address", "postcode"])


def _line(p: Parts, draw: np.random.Generator) -> str:
    street = f"{p['building_number']} {p['street']}".strip()
    comma = ", " if draw.random() < 0.7 else " "
    last = draw.random() < 0.1
    pieces = [p["building_name"], street, p["unit"]] if last else [p["unit"], p["building_name"], street]
    text = comma.join(piece for piece in (*pieces, p["locality"], p["town"]) if piece)
    return text.upper() if draw.random() < 0.4 else text
