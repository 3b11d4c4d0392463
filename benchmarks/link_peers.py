"""Other ways of linking addresses on the benchmark's tasks, run by environments of their own.

`python link_peers.py PEER TASK OUT [--sample N]` reads `TASK/records.csv` and `TASK/gazetteer.csv`, never the truth,
and writes `OUT`: row, uprn, score, gap, stage, the best property of each record with whatever the peer is sure of.
`OUT` with the ending `.json` says what the run took. Nothing of this project is imported.

- `exact`: the same words, letters and digits, with the postcode or once in the gazetteer.
- `recordlinkage`: its documented way: block, string comparators, `ECMClassifier`, best pair of a record.
- `splink`: Splink 5 on DuckDB, several blocking rules, levels, term frequencies, best pair of a record and its margin.
- `ukam`: uk-address-matcher with all four stages.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

CERTAIN = 100.0
"""Score and gap of a deterministic match, above any that is weighed."""
PARTS = ["unit", "building_name", "building_number", "street", "locality", "town"]
SHORT = {
    "RD": "ROAD", "ST": "STREET", "AVE": "AVENUE", "AV": "AVENUE", "CL": "CLOSE", "LN": "LANE", "GDNS": "GARDENS",
    "PL": "PLACE", "CRES": "CRESCENT", "TERR": "TERRACE", "TER": "TERRACE", "SQ": "SQUARE", "CT": "COURT",
    "GRV": "GROVE",
    "HSE": "HOUSE", "APARTMENT": "FLAT", "APT": "FLAT", "FLT": "FLAT", "GRD": "GROUND", "GND": "GROUND", "1ST": "FIRST",
    "2ND": "SECOND", "3RD": "THIRD", "BSMT": "BASEMENT", "FLR": "FLOOR", "RM": "ROOM",
}  # fmt: skip
FLOOR = ("BASEMENT", "GROUND", "FIRST", "SECOND", "THIRD", "TOP")
STOP = {"FLAT", "FLOOR", "ROOM", "LONDON", "MERTHYR", "TYDFIL", "THE", "UNIT", "STUDIO", "BEDSIT", *FLOOR}


def main() -> None:
    """Run one peer on one task."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("peer", choices=list(PEERS))
    parser.add_argument("task", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sample", type=int, default=0, help="only the first N records; the order is random")
    options = parser.parse_args()
    records, gazetteer = read(options.task, options.sample)
    began, spent = time.perf_counter(), time.process_time()
    found = PEERS[options.peer](records, gazetteer)
    taken = {"seconds": round(time.perf_counter() - began, 1), "cpu": round(time.process_time() - spent, 1)}
    for name in ("score", "gap", "stage"):
        if name not in found:
            found[name] = CERTAIN if name != "stage" else options.peer
    found[["row", "uprn", "score", "gap", "stage"]].to_csv(options.out, index=False)
    facts = taken | {"records": len(records), "gazetteer": len(gazetteer), "versions": _versions()}
    options.out.with_suffix(".json").write_text(json.dumps(facts | found.attrs))


def read(task: Path, sample: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Records as row, address, postcode; gazetteer as uprn, address, postcode. All text, empty where nothing is."""
    records = pd.read_csv(task / "records.csv", dtype=str, keep_default_na=False)
    gazetteer = pd.read_csv(task / "gazetteer.csv", dtype=str, keep_default_na=False)
    if "address_1" in records:
        records["address"] = records["address_1"] + ", " + records["address_2"]
    if "address" not in gazetteer:
        number = gazetteer["building_number"] + " " + gazetteer["street"]
        parts = pd.concat(
            [gazetteer[["unit", "building_name"]], number.str.strip(), gazetteer[["locality", "town"]]], axis=1
        )
        gazetteer["address"] = [", ".join(part for part in row if part) for row in parts.itertuples(index=False)]
    records = records.head(sample) if sample else records
    return records[["row", "address", "postcode"]], gazetteer[["uprn", "address", "postcode"]]


def _versions() -> dict[str, str]:
    found = {}
    for name in ("uk-address-matcher", "recordlinkage", "splink", "duckdb", "pandas"):
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            continue
    return found


def _words(text: str) -> list[str]:
    return [SHORT.get(word, word) for word in re.findall(r"[A-Z0-9]+", text.upper().replace("'", ""))]


def _features(frame: pd.DataFrame) -> pd.DataFrame:
    """What an analyst takes out of an address string: its words, its numbers, its flat, its words that say where."""
    words = frame["address"].map(_words)
    made = pd.DataFrame(
        {"address": words.str.join(" "), "postcode": frame["postcode"].str.upper().str.replace(r"\s+", "", regex=True)}
    )
    made["numbers"] = words.map(lambda w: " ".join(word for word in w if word[0].isdigit()))
    made["number"] = made["numbers"].str.split().str[-1].fillna("")
    unit = made["address"].str.extract(r"\b(?:FLAT|ROOM|UNIT|STUDIO|BEDSIT) (\d+[A-Z]?|[A-H])\b")[0]
    floor = made["address"].str.extract(rf"\b({'|'.join(FLOOR)})\b")[0]
    made["unit"] = unit.fillna(floor).fillna("")
    made["place"] = words.map(
        lambda w: " ".join(word for word in w if not word[0].isdigit() and len(word) > 1 and word not in STOP)
    )
    made["first_word"] = made["place"].str.split().str[0].fillna("")
    return made


def exact(records: pd.DataFrame, gazetteer: pd.DataFrame) -> pd.DataFrame:
    """The same address and postcode; where there is no postcode, the same address that the gazetteer has once."""
    left, right = (frame["address"].map(lambda text: " ".join(_words(text))) for frame in (records, gazetteer))
    codes = [frame["postcode"].str.upper().str.replace(r"\s+", "", regex=True) for frame in (records, gazetteer)]
    keyed = pd.Series(gazetteer["uprn"].to_numpy(), right + "|" + codes[1])
    once = pd.Series(gazetteer["uprn"].to_numpy(), right)
    keyed, once = (series[~series.index.duplicated(keep=False)] for series in (keyed, once))
    found = (left + "|" + codes[0]).map(keyed).fillna(left.where(codes[0] == "").map(once))
    return pd.DataFrame({"row": records["row"], "uprn": found}).dropna()


def recordlinkage(records: pd.DataFrame, gazetteer: pd.DataFrame) -> pd.DataFrame:
    """The toolkit as its documentation shows it; blocked on the postcode, or on number and first word without one."""
    import recordlinkage as rl

    left, right = _features(records), _features(gazetteer)
    left.index, right.index = records["row"].astype(int), gazetteer["uprn"].astype("int64")
    left, right = left.replace("", None), right.replace("", None)
    index = rl.Index()
    if left["postcode"].isna().mean() < 0.9:
        index.block("postcode")
    else:
        index.block(["number", "first_word"])
    pairs = index.index(left, right)
    compare = rl.Compare()
    compare.string("address", "address", method="jarowinkler", threshold=0.92, label="address")
    compare.string("place", "place", method="jarowinkler", threshold=0.9, label="place")
    for name in ("number", "numbers", "unit"):
        compare.exact(name, name, label=name)
    compare.string("postcode", "postcode", method="jarowinkler", threshold=0.95, label="postcode")
    vectors = compare.compute(pairs, left, right)
    classifier = rl.ECMClassifier()
    classifier.fit(vectors)
    likely = classifier.prob(vectors)
    made = likely.rename("score").reset_index().set_axis(["row", "uprn", "score"], axis=1)
    made["score"] += vectors.sum(axis=1).to_numpy() * 1e-6
    return _best(made, len(pairs))


def _best(pairs: pd.DataFrame, count: int) -> pd.DataFrame:
    """Of scored pairs the best of each record, and how far the next one is."""
    ordered = pairs.sort_values(["row", "score"], ascending=[True, False])
    nth = ordered.groupby("row").cumcount()
    best, second = ordered[nth == 0].set_index("row"), ordered[nth == 1].set_index("row")["score"]
    best["gap"] = best["score"] - second
    best["gap"] = best["gap"].fillna(CERTAIN)
    made = best.reset_index()
    made.attrs["pairs"] = count
    return made


def splink(records: pd.DataFrame, gazetteer: pd.DataFrame) -> pd.DataFrame:
    """Splink 5: postcode or number and word as blocks, likeness in levels, EM of two passes, best pair of a record."""
    import duckdb
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    connection = duckdb.connect()
    db = DuckDBAPI(connection=connection)
    tables = []
    for name, frame, key in (("records", records, "row"), ("gazetteer", gazetteer, "uprn")):
        made = _features(frame).replace("", None)
        made.insert(0, "unique_id", frame[key].to_numpy())
        _stored(connection, f"{name}_input", made)
        tables.append(db.register(f"{name}_input", dataset_display_name=name))
    blocks = [block_on("postcode"), block_on("numbers", "first_word"), block_on("number", "place")]
    settings = SettingsCreator(
        link_type="link_only",
        comparisons=[
            cl.JaroWinklerAtThresholds("place", [0.97, 0.92, 0.85]).configure(term_frequency_adjustments=True),
            cl.ExactMatch("number"), cl.ExactMatch("numbers"), cl.ExactMatch("unit"),
            cl.JaroWinklerAtThresholds("address", [0.98, 0.94, 0.88]), cl.LevenshteinAtThresholds("postcode", [1, 2]),
        ],
        blocking_rules_to_generate_predictions=blocks,
        retain_intermediate_calculation_columns=False,
    )  # fmt: skip
    linker = Linker(tables, settings)
    with_postcodes = (records["postcode"] != "").mean() > 0.1
    same = block_on("address", "postcode") if with_postcodes else block_on("address")
    linker.training.estimate_probability_two_random_records_match([same], recall=0.6)
    linker.training.estimate_u_using_random_sampling(max_pairs=2e6)
    passes = [block_on("numbers", "first_word"), block_on("postcode" if with_postcodes else "place")]
    for rule in passes:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    scored = linker.inference.predict(threshold_match_weight=-20)
    found = connection.table(scored.physical_name)
    record, uprn = "unique_id_l", "unique_id_r"
    side = next((name for name in found.columns if name.startswith("source_dataset") and name.endswith("_l")), None)
    if side is not None and found.project(side).limit(1).fetchall()[0][0] != "records":
        record, uprn = uprn, record
    pairs = found.project(f'{record} AS "row", {uprn} AS uprn, match_weight AS score').df()
    return _best(pairs, len(pairs))


def _stored(connection: Any, name: str, frame: pd.DataFrame) -> None:
    """Put a frame into DuckDB as text, a column of nothing but blanks too."""
    columns = ", ".join(f'"{column}"::VARCHAR AS "{column}"' for column in frame.columns)
    connection.from_df(frame).project(columns).create(name)


def ukam(records: pd.DataFrame, gazetteer: pd.DataFrame) -> pd.DataFrame:
    """uk-address-matcher: exact, peeled, unique trigram, then its trained Splink model with its reranker."""
    import duckdb
    from uk_address_matcher import AddressMatcher, ExactMatchStage, PeeledAddressStage, SplinkStage, UniqueTrigramStage

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    for name, frame, key in (("messy", records, "row"), ("canonical", gazetteer, "uprn")):
        made = frame.rename(columns={key: "unique_id", "address": "address_concat"}).replace({"postcode": {"": None}})
        _stored(connection, name, made)
    exactly = (ExactMatchStage(), PeeledAddressStage(), UniqueTrigramStage())
    matcher = AddressMatcher(
        canonical_addresses=connection.table("canonical"), addresses_to_match=connection.table("messy"), con=connection,
        stages=[*exactly, SplinkStage(final_distinguishability_threshold=None)],
        show_progress="off",
    )  # fmt: skip
    made = matcher.match().matches().df()
    made = made.rename(columns={"unique_id": "row", "resolved_canonical_id": "uprn", "match_reason": "stage"})
    made["row"] = made["row"].astype(int)
    # Where its stages before the model answer everything, there are no columns of the model's.
    made = made.reindex(columns=made.columns.union(["match_weight", "distinguishability"]))
    made["score"] = made["match_weight"].fillna(CERTAIN).where(made["uprn"].notna())
    made["gap"] = made["distinguishability"].fillna(CERTAIN)
    return made.dropna(subset=["uprn"]).drop_duplicates("row")


PEERS: dict[str, Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]] = {
    "exact": exact,
    "recordlinkage": recordlinkage,
    "splink": splink,
    "ukam": ukam,
}

if __name__ == "__main__":
    main()
