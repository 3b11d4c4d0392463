"""Splink on the files of `landlords.py`; run by it in an environment of its own, `.venv/peers-splink`.

The set-ups are those of Splink's own tutorials ("Deduplicate 50k rows historical persons" and "Linking two tables of
persons", for Febrl 4), carried over to version 5. Called with the task, its files and where to write answers: pairs
of row numbers at each of a few thresholds, and for one file also the clusters at the tutorial's threshold.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)


def historical(path: str) -> tuple[Any, Any]:
    """Linker over one file, and its predictions."""
    import pandas as pd
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    people = pd.read_parquet(path)
    people = people.drop(columns=["cluster"]).assign(unique_id=range(len(people)))
    people["first_name_surname_concat"] = people["first_name"] + " " + people["surname"]
    rules = [
        block_on("substr(first_name,1,3)", "substr(surname,1,4)"),
        block_on("surname", "dob"),
        block_on("first_name", "dob"),
        block_on("postcode_fake", "first_name"),
        block_on("postcode_fake", "surname"),
        block_on("dob", "birth_place"),
        block_on("substr(postcode_fake,1,3)", "dob"),
        block_on("substr(postcode_fake,1,3)", "first_name"),
        block_on("substr(postcode_fake,1,3)", "surname"),
        block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
    ]
    settings = SettingsCreator(
        link_type="dedupe_only",
        blocking_rules_to_generate_predictions=rules,
        comparisons=[
            cl.ForenameSurnameComparison(
                "first_name", "surname", forename_surname_concat_col_name="first_name_surname_concat"
            ),
            cl.DateOfBirthComparison("dob", input_is_string=True),
            cl.PostcodeComparison("postcode_fake"),
            cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
            cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
        ],
        max_iterations=10,
        em_convergence=0.01,
    )
    db = DuckDBAPI()
    linker = Linker(db.register(people, dataset_display_name="people"), settings)
    linker.training.estimate_probability_two_random_records_match(
        [
            "l.first_name = r.first_name and l.surname = r.surname and l.dob = r.dob",
            "substr(l.first_name,1,2) = substr(r.first_name,1,2) and l.surname = r.surname"
            " and substr(l.postcode_fake,1,2) = substr(r.postcode_fake,1,2)",
            "l.dob = r.dob and l.postcode_fake = r.postcode_fake",
        ],
        recall=0.6,
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("first_name", "surname"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("dob"))
    return linker, linker.inference.predict(threshold_match_probability=min(THRESHOLDS))


def febrl4(left: str, right: str) -> tuple[Any, Any]:
    """Linker over two files, and its predictions."""
    import pandas as pd
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    tables = []
    db = DuckDBAPI()
    for name, path in (("left_file", left), ("right_file", right)):
        people = pd.read_csv(path, dtype=str, skipinitialspace=True).replace({"": None})
        people = people.drop(columns=["rec_id"]).assign(unique_id=range(len(people)))
        tables.append(db.register(people, dataset_display_name=name))
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[
            block_on("given_name", "surname"),
            "l.given_name = r.surname and l.surname = r.given_name",
            block_on("date_of_birth"),
            block_on("soc_sec_id"),
            block_on("state", "address_1"),
            block_on("street_number", "address_1"),
            block_on("postcode"),
        ],
        comparisons=[
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison(
                "date_of_birth", input_is_string=True, datetime_format="%Y%m%d", invalid_dates_as_null=True
            ),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]),
            cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]).configure(term_frequency_adjustments=True),
        ],
    )
    linker = Linker(tables, settings)
    linker.training.estimate_probability_two_random_records_match(
        [
            "l.soc_sec_id = r.soc_sec_id",
            "l.given_name = r.given_name and l.surname = r.surname and l.date_of_birth = r.date_of_birth",
            "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
        ],
        recall=0.8,
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6)
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("date_of_birth"))
    linker.training.estimate_parameters_using_expectation_maximisation(block_on("postcode"))
    return linker, linker.inference.predict(threshold_match_probability=min(THRESHOLDS))


def main() -> None:
    """Run one task and write what was found."""
    import pandas  # noqa: F401 - before the clock
    import splink
    import splink.comparison_library

    task, *files, out = sys.argv[1:]
    clock, cpu = time.perf_counter(), time.process_time()
    linker, predictions = historical(*files) if task == "historical" else febrl4(*files)
    clusters = {}
    if task == "historical":
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predictions, threshold_match_probability=0.95
        )
    seconds, spent = time.perf_counter() - clock, time.process_time() - cpu
    if task == "historical":
        clusters["0.95"] = found.as_pandas_dataframe()
        for threshold in (0.5, 0.8, 0.9, 0.99, 0.999):
            again = linker.clustering.cluster_pairwise_predictions_at_threshold(
                predictions, threshold_match_probability=threshold
            )
            clusters[str(threshold)] = again.as_pandas_dataframe()
    folder = Path(out)
    edges = predictions.as_pandas_dataframe()
    edges = edges.rename(columns={"unique_id_l": "left", "unique_id_r": "right", "match_probability": "probability"})
    edges[["left", "right", "probability"]].to_parquet(folder / "edges.parquet")
    for name, table in clusters.items():
        table[["unique_id", "cluster_id"]].to_parquet(folder / f"clusters-{name}.parquet")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    said = {"seconds": seconds, "cpu": spent, "peak_mb": peak, "version": splink.__version__}
    (folder / "said.json").write_text(json.dumps(said))


if __name__ == "__main__":
    main()
