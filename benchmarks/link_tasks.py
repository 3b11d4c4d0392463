"""The tasks of the linkage benchmark: gazetteers, records that were corrupted from them, and the truth kept apart.

A task is a folder: `records.csv` (row, address, postcode), `gazetteer.csv` (uprn, parent_uprn, address or parts,
postcode), `truth.csv` (columns `TRUTH`) and `buildings.csv` (every property, the removed ones too, and its building).
Errors come from `address-errors`, whose rates were measured at six councils: nothing here is fitted to any linker.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from link_borough import make_borough
from link_identity import names_a_sibling

COUNCIL = {"intensity": 1.44}
"""The top of the band that was measured at councils."""
STRESS = {"intensity": 1.44, "prevalence": 2, "noise": {"rate": 0.25}, "postcode_error_multiplier": 5}
"""Worse than any council that was measured."""
PARTS = ["unit", "building_name", "building_number", "street", "locality", "town"]
TRUTH = [
    "row", "true_uprn", "true_building", "source_uprn", "category", "answerable", "building_answerable", "present",
    "building_present", "expect",
]  # fmt: skip
POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"
UNIT = re.compile(r"\b(FLAT|FLATS|APARTMENT|APT|ROOM|STUDIO|MAISONETTE|FLOOR|ANNEXE?)\b|^FLAT ?\d")


@dataclass(frozen=True)
class Task:
    """One task: its name and what it was made of, the same from the same seed."""

    name: str
    source: str
    severity: str = "council"
    postcodes: bool = True
    removed: float = 0.05


def tasks() -> list[Task]:
    """The sixteen tasks of corrupted records: two places, two severities, postcodes or none, 5 % or 30 % removed."""
    return [
        Task(
            f"{source}_{severity}{'' if postcodes else '_nopc'}_{round(removed * 100):02d}",
            source,
            severity,
            postcodes,
            removed,
        )
        for removed in (0.05, 0.3)
        for postcodes in (True, False)
        for severity in ("council", "stress")
        for source in ("merthyr", "synthetic")
    ]


def merthyr(path: Path) -> pd.DataFrame:
    """Merthyr Tydfil's residential addresses, each once: the columns of `make_borough` plus `address` as published."""
    raw = pd.read_csv(path, dtype="string")
    raw = raw[raw["UPRN"].str.fullmatch(r"\d+", na=False)].drop_duplicates("UPRN")
    postcode = raw["Property"].str.extract(rf", ({POSTCODE})\s*$")[0]
    raw = raw[postcode.notna()].assign(postcode=postcode.dropna())
    raw["address"] = (
        raw["Property"].str.replace(rf",\s*{POSTCODE}\s*$", "", regex=True).str.replace(r"\s+", " ", regex=True)
    )
    raw = raw.drop_duplicates(["address", "postcode"])
    parsed = pd.DataFrame([_parsed(text) for text in raw["address"]], columns=PARTS, index=raw.index, dtype="string")
    frame = pd.concat([raw[["address", "postcode"]], parsed], axis=1)
    frame["uprn"], frame["parent_uprn"], frame["shell"] = raw["UPRN"], "", False
    place = frame["street"] + "|" + frame["locality"] + "|" + frame["postcode"]
    numbered = frame["building_number"] != ""
    own = frame["building_number"].where(numbered, frame["building_name"])
    frame["building"] = frame.groupby(own + "|" + place)["uprn"].transform("first")
    frame["usrn"] = (frame["street"] + "|" + frame["locality"]).astype("category").cat.codes.astype("string")
    kind = np.select(
        [frame["unit"] != "", ~numbered, frame["building_name"] != ""], ["flat", "named", "named_number"], "house"
    )
    frame["kind"] = pd.array(kind, dtype="string")
    return frame.reset_index(drop=True)


def _parsed(text: str) -> tuple[str, ...]:
    """Parts of one published address; what cannot be told apart stays with the building's name."""
    *pieces, town = [piece.strip() for piece in text.split(",") if piece.strip()]
    units = [piece for piece in pieces[:-1] if UNIT.search(piece) and not re.search(r"\bREAR OF\b|\bABOVE\b", piece)]
    rest = [piece for piece in pieces if piece not in units]
    unit, name, number = " ".join(units), "", ""
    split = re.fullmatch(r"((?:FLAT|APARTMENT|ROOM) ?\d*[A-Z]?) ([A-Z' ]{4,})", unit)
    if split and not re.search(r"FLOOR|FLAT|FRONT|REAR", split[2]):
        unit, name = split[1], split[2]
    at = next((n for n, piece in enumerate(rest[:-1]) if re.fullmatch(r"\d+[A-Z]?(-\d+[A-Z]?)?", piece)), None)
    if at is not None:
        name, number = " ".join(filter(None, [name, *rest[:at]])), rest[at]
        rest = rest[at + 1 :]
    elif len(rest) > 1:
        name, rest = " ".join(filter(None, [name, rest[0]])), rest[1:]
    street, *locality = rest or [""]
    return unit, name, number, street, " ".join(locality), town


def corrupted(gazetteer: pd.DataFrame, controls: dict, seed: int) -> pd.DataFrame:
    """One record a property that is no shell: its uprn, what was recorded, and which other property that equals."""
    columns = {
        "unit": "subname", "building_name": "name", "building_number": "number", "street": "streetname",
        "town": "townname", "parent_uprn": "parentuprn",
    }  # fmt: skip
    given = gazetteer.rename(columns=columns)[["uprn", *columns.values(), "locality", "postcode", "usrn"]]
    with tempfile.TemporaryDirectory(prefix="loda-link-") as folder:
        paths = {name: Path(folder) / f"{name}.csv" for name in ("components", "out", "uprns")}
        given.to_csv(paths["components"], index=False)
        paths["uprns"].write_text("\n".join(gazetteer.loc[~gazetteer["shell"], "uprn"]))
        controls_file = Path(folder) / "controls.json"
        controls_file.write_text(json.dumps(controls))
        command = [sys.executable, "-m", "address_errors.cli", "corrupt", "--rates", "pooled", "--seed", str(seed)]
        command += ["--components", str(paths["components"]), "--output", str(paths["out"])]
        command += ["--uprns", str(paths["uprns"]), "--controls", str(controls_file)]
        subprocess.run(command, check=True, capture_output=True)
        made = pd.read_csv(paths["out"], dtype="string", keep_default_na=False)
    return made[["source_uprn", "recorded_address", "recorded_postcode", "collision", "collision_uprn"]]


def write_tasks(
    folder: Path, chosen: Sequence[Task], data: Path, addresses: int = 130_000, seed: int = 7
) -> Iterator[Path]:
    """Write the tasks one after another; each gazetteer and each corruption is made once."""
    gazetteers: dict[str, pd.DataFrame] = {}
    records: dict[tuple[str, str], pd.DataFrame] = {}
    for task in chosen:
        if task.source not in gazetteers:
            made = (
                merthyr(data / "gazetteers" / "merthyr_tydfil_uprn.csv")
                if task.source == "merthyr"
                else make_borough(addresses)
            )
            gazetteers[task.source] = made
        key = (task.source, task.severity)
        if key not in records:
            controls = COUNCIL if task.severity == "council" else STRESS
            records[key] = corrupted(gazetteers[task.source], controls, seed)
        yield write_task(folder / task.name, task, gazetteers[task.source], records[key], seed)


def write_task(folder: Path, task: Task, gazetteer: pd.DataFrame, made: pd.DataFrame, seed: int) -> Path:
    """Take the truth of a share of the properties away, shuffle both sides, write the folder."""
    draw = np.random.default_rng([seed, round(task.removed * 100)])
    gone = ~gazetteer["shell"] & (draw.random(len(gazetteer)) < task.removed)
    kept = gazetteer[~gone].sample(frac=1, random_state=seed)
    records = made.sample(frac=1, random_state=seed + 1).reset_index(drop=True)
    source = gazetteer.set_index("uprn")
    twins = _twins(records, source, task.postcodes)
    another = records["collision"] == "matches_other_only"
    building = source["building"]
    elsewhere = records["collision_uprn"].map(building) != records["source_uprn"].map(building)
    building_lost = twins | (another & elsewhere.fillna(value=True).astype(bool))
    sibling = names_a_sibling(records, source) & (records["collision"] != "matches_label_only")
    lost = twins | another | sibling
    truth = truth_of(records["source_uprn"], gazetteer, kept, source.loc[records["source_uprn"], "kind"].to_numpy())
    truth["answerable"] = (~lost).astype(int)
    truth["building_answerable"] = (~building_lost).astype(int)
    table = pd.DataFrame(
        {
            "row": records.index,
            "address": records["recorded_address"],
            "postcode": records["recorded_postcode"] if task.postcodes else "",
        }
    )
    return write_folder(folder, table, kept, truth, gazetteer)


def _twins(records: pd.DataFrame, source: pd.DataFrame, postcodes: bool) -> pd.Series:
    """Records that name another property just as well: the same parts, no postcode or locality to tell."""
    key = source[["unit", "building_name", "building_number", "street"]].agg("|".join, axis=1)
    of = records["source_uprn"]
    if postcodes:
        return of.map((key + "|" + source["postcode"]).duplicated(keep=False)).astype(bool)
    same_place = (key + "|" + source["locality"]).duplicated(keep=False)
    place = of.map(source["locality"]).fillna("")
    said = np.array([bool(p) and p in text.upper() for p, text in zip(place, records["recorded_address"], strict=True)])
    return of.map(key.duplicated(keep=False)).astype(bool) & (of.map(same_place).astype(bool) | ~said)


def truth_of(uprns: pd.Series, gazetteer: pd.DataFrame, kept: pd.DataFrame, category: Sequence[str]) -> pd.DataFrame:
    """The truth of records that were made of `uprns`: `true_uprn` is empty where the property is not in `kept`."""
    building = uprns.map(gazetteer.set_index("uprn")["building"])
    present = uprns.isin(set(kept["uprn"]))
    return pd.DataFrame(
        {
            "row": range(len(uprns)),
            "true_uprn": uprns.where(present, ""),
            "true_building": building,
            "source_uprn": uprns,
            "category": category,
            "answerable": 1,
            "building_answerable": 1,
            "present": present.astype(int),
            "building_present": building.isin(set(kept["building"])).astype(int),
            "expect": np.where(present, "linked", "parent_or_none"),
        }
    )


def write_folder(
    folder: Path, records: pd.DataFrame, kept: pd.DataFrame, truth: pd.DataFrame, all_of: pd.DataFrame
) -> Path:
    """Write the four files of a task."""
    folder.mkdir(parents=True, exist_ok=True)
    records.to_csv(folder / "records.csv", index=False)
    parts = ["address"] if "address" in kept else PARTS
    kept[["uprn", "parent_uprn", *parts, "postcode"]].to_csv(folder / "gazetteer.csv", index=False)
    truth[TRUTH].to_csv(folder / "truth.csv", index=False)
    buildings = all_of[["uprn", "building", "unit", "building_number", "shell"]].assign(
        present=all_of["uprn"].isin(set(kept["uprn"])).astype(int)
    )
    buildings.assign(shell=buildings["shell"].astype(int)).to_csv(folder / "buildings.csv", index=False)
    return folder


def write_columns(folder: Path, task: Path, rows: int = 20_000) -> Path:
    """The first rows of a task with the address in two columns, as councils' own systems often have it."""
    records, truth = (
        pd.read_csv(task / f"{name}.csv", dtype="string", keep_default_na=False).head(rows)
        for name in ("records", "truth")
    )
    split = records["address"].str.partition(",")
    table = records[["row"]].assign(
        address_1=split[0].str.strip(), address_2=split[2].str.strip(), postcode=records["postcode"]
    )
    folder.mkdir(parents=True, exist_ok=True)
    table.to_csv(folder / "records.csv", index=False)
    truth.to_csv(folder / "truth.csv", index=False)
    for name in ("gazetteer.csv", "buildings.csv"):
        (folder / name).write_bytes((task / name).read_bytes())
    return folder


def write_edge_cases(folder: Path, data: Path) -> Iterator[Path]:
    """The edge cases of uk-address-matcher's own tests: one record each, its gazetteer's first address is the truth."""
    cases = yaml.safe_load((data / "linkage" / "edge_case_addresses.yaml").read_text(encoding="utf-8"))["addresses"]
    for number, case in enumerate(cases, start=1):
        address, postcode = case["messy_address"]
        rows = [(str(1000 + n), "", text, code) for n, (text, code) in enumerate(case["canonical_addresses"])]
        kept = pd.DataFrame(rows, columns=["uprn", "parent_uprn", "address", "postcode"])
        kept = kept.assign(building=kept["uprn"], unit="", building_number="", shell=False)
        truth = truth_of(pd.Series(["1000"]), kept, kept, ["edge"])
        records = pd.DataFrame({"row": [0], "address": [address], "postcode": [postcode]})
        shuffled = kept.sample(frac=1, random_state=number)
        yield write_folder(folder / f"{number:02d}", records, shuffled, truth, kept)
