"""A tiny invented borough in the shape that the demo's world gives its records, for tests of the exporter alone."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from schemas import registry

UNTIL = date(2026, 9, 30)


def records(dwellings: int = 400, seed: int = 1) -> dict[str, pd.DataFrame]:
    """Records of every dataset: all fields of the contract, `true_uprn` and, where it belongs, `true_landlord`."""
    rng = np.random.default_rng(seed)
    gazetteer = _gazetteer(dwellings, rng)
    rows = {"gazetteer": 1.0, "council_tax": 2.0, "epc": 0.7, "electoral": 0.9, "benefits": 0.3, "waste": 0.5}
    made = {"gazetteer": gazetteer}
    for dataset in registry.contracts():
        if dataset == "licensing_scheme":
            made[dataset] = _filled(dataset, pd.DataFrame(index=range(4)), rng)
        elif dataset != "gazetteer":
            places = rng.integers(0, dwellings, max(3, int(dwellings * rows.get(dataset, 0.25))))
            base = gazetteer.loc[places, ["address", "postcode", "uprn", "true_uprn"]].reset_index(drop=True)
            made[dataset] = _filled(dataset, base, rng)
    return made


def _gazetteer(dwellings: int, rng: np.random.Generator) -> pd.DataFrame:
    number = np.arange(dwellings)
    flat = number % 3 == 0
    frame = pd.DataFrame(
        {
            "uprn": (100_020_000_000 + number * 7).astype(str),
            "unit": np.where(flat, "Flat " + pd.Series(number % 4 + 1).astype(str), None),
            "building_name": np.where(number % 17 == 0, "Kestrel Court", None),
            "building_number": (number // 4 + 1).astype(str),
            "street": np.array(["Example Road", "Sample Street", "Instance Avenue"])[number % 3],
            "locality": None,
            "town": "London",
            "postcode": np.array(["ZZ1 1AB", "ZZ1 2CD", "ZZ2 3EF"])[number % 3],
        }
    )
    frame["true_uprn"] = frame["uprn"]
    parts = [frame["unit"], frame["building_name"], frame["building_number"] + " " + frame["street"], frame["town"]]
    frame["address"] = [", ".join(p for p in row if isinstance(p, str)) for row in zip(*parts, strict=True)]
    return _filled("gazetteer", frame, rng)


def _filled(dataset: str, frame: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    size = len(frame)
    for field in registry.contract(dataset).fields:
        if field.name in frame.columns:
            continue
        if field.type == "date":
            past = np.datetime64(UNTIL) - rng.integers(60, 900, size).astype("timedelta64[D]")
            late = field.name.endswith(("end", "until", "expiry_date", "end_date"))
            frame[field.name] = (past + np.timedelta64(400, "D") * late).astype("datetime64[s]")
        elif field.codes:
            frame[field.name] = rng.choice(list(field.codes), size)
        elif field.type in {"integer", "number"}:
            frame[field.name] = rng.integers(1, 9, size)
        elif field.type == "boolean":
            frame[field.name] = rng.random(size) < 0.5
        elif field.name in {"ward_code", "covers_ward"}:
            frame[field.name] = [f"E0500000{i % 9}" for i in range(size)]
        elif field.name.endswith("_name"):
            frame[field.name] = np.where(rng.random(size) < 0.3, "Example Homes Ltd", "Alan Example")
        elif field.name.endswith("_address"):
            frame[field.name] = "1 Elsewhere Street, Sometown, ZZ9 9ZZ"
        elif field.name in {"lsoa_code", "parent_uprn"}:
            frame[field.name] = None
        else:
            frame[field.name] = [f"{field.name[:3].upper()}-{i:06d}" for i in range(size)]
    if dataset in {"council_tax", "hmo_licence"}:
        frame["true_landlord"] = [f"L{i % 50}" for i in range(size)]
    return frame
