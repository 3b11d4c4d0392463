"""What the model costs: features of a borough beside plain pandas, and a whole London from evidence to reasons.

Tables are made column by column, as the lake would hold them; making them, and reading those of one borough, is not
counted. The bars: everything but the estimator's own fits together costs less than these, and the whole stays below
8 GB.

    .venv/bin/python benchmarks/model.py                                                          # a quick check
    .venv/bin/python benchmarks/model.py --dwellings 120000 --events 1200000 --boroughs 1         # one borough
    .venv/bin/python benchmarks/model.py --dwellings 115600 --events 1156000 --boroughs 33        # London
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import model_pandas
import numpy as np
import pyarrow.parquet as pq
from model_tables import keep, lake, tables

from models.hmo import artefacts, estimator, evidence, examples, features, landlords, matrix, splits
from models.hmo import border as across
from schemas import registry

# The package gives the functions of these names.
train, score = (importlib.import_module(f"models.hmo.{name}") for name in ("train", "score"))

AS_OF = date(2026, 10, 1)
PEAK_BAR_GB = 8.0


class Clock:
    """Seconds by step, and seconds of processor time of all threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)

    @contextmanager
    def step(self, name: str, times: int = 1) -> Iterator[None]:
        """Count what happens inside so many times as part of a step."""
        start, cpu = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] += times * (time.perf_counter() - start)
        self.cpu[name] += times * (time.process_time() - cpu)


def main() -> None:
    """Measure and print."""
    options = _options()
    if not options.only_london:
        _print_borough(options.dwellings, options.events)
    if not options.only_borough:
        _print_london(options.dwellings, options.events, options.boroughs)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dwellings", type=int, default=6_000, help="homes of each borough")
    parser.add_argument("--events", type=int, default=60_000, help="rows of all datasets of each borough")
    parser.add_argument("--boroughs", type=int, default=3, help="boroughs of the whole")
    parser.add_argument("--only-borough", action="store_true", help="the features of one borough alone")
    parser.add_argument("--only-london", action="store_true", help="the whole alone")
    return parser.parse_args()


def peak_mb() -> float:
    """The most memory that this process ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _in_its_own_process(work: Any, *arguments: Any) -> Any:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _print_borough(dwellings: int, events: int) -> None:
    print(f"Features of one borough: {dwellings:,} dwellings, {events:,} rows\n")
    ours, own, cpu, memory = _in_its_own_process(_ours, dwellings, events)
    theirs, their_seconds, their_cpu, their_memory = _in_its_own_process(_plain, dwellings, events)
    print(f"{'':<44}{'features':>9}{'seconds':>9}{'CPU seconds':>13}{'memory added, MB':>18}")
    steps = ("evidence", "cut", "features")
    whole, part = (sum(cpu[name] for name in (*steps[:2], last)) for last in ("features", "features of the part"))
    for name in steps:
        shown = len(features.NAMES) if name == "features" else ""
        print(f"{'this code: ' + name:<44}{shown:>9}{own[name]:>9.2f}{cpu[name]:>13.2f}")
    line = "{:<44}{:>9}{:>9.2f}{:>13.2f}{:>18.0f}".format
    print(line("this code: all three", len(features.NAMES), sum(own[name] for name in steps), whole, memory))
    print(f"{'this code, the features that pandas makes':<44}{len(theirs):>9}{'':>9}{part:>13.2f}")
    print(line("pandas, merges and groupbys", len(theirs), their_seconds, their_cpu, their_memory))
    print(f"pandas takes {their_cpu / part:.1f} times the processor time for {len(theirs)} features, "
          f"{their_cpu / whole:.1f} times that of this code for all {len(features.NAMES)}.")  # fmt: skip
    for name, found in theirs.items():
        np.testing.assert_allclose(ours[name], found, rtol=1e-9, err_msg=name)
    print(f"All {len(theirs)} are equal for every property.\n")


def _ours(dwellings: int, events: int) -> tuple[dict[str, Any], dict[str, float], dict[str, float], float]:
    made = tables("bench", 0, dwellings, events, AS_OF)
    with tempfile.TemporaryDirectory(prefix="loda-model-") as folder:
        keep(Path(folder) / "bench", made)
        with lake(Path(folder)):
            holdings, border = landlords.read(["bench"]), across.read(["bench"])
    base, clock = peak_mb(), Clock()
    with clock.step("evidence"):
        own = evidence.load("bench", made, holdings, border)
    assert own is not None  # noqa: S101 - there are properties
    with clock.step("cut"):
        view = own.at(AS_OF)
    with clock.step("features"):
        values = features.values(view)
    peak = peak_mb()
    view = own.at(AS_OF)
    with clock.step("features of the part"):
        part = {name: features.BY_NAME[name].values(view) for name in COMPARED}
    for at, name in enumerate(features.NAMES):
        if name in part:
            np.testing.assert_array_equal(values[:, at], part[name])
    return part, dict(clock.seconds), dict(clock.cpu), peak - base


def _plain(dwellings: int, events: int) -> tuple[dict[str, Any], float, float, float]:
    made = tables("bench", 0, dwellings, events, AS_OF)
    base, clock = peak_mb(), Clock()
    with clock.step("features"):
        found = model_pandas.features(made, AS_OF)
    values = {name: found[name].to_numpy() for name in found}
    return values, clock.seconds["features"], clock.cpu["features"], peak_mb() - base


COMPARED = (
    "complaints_12_months", "complaints_36_months", "certificates_10_years", "liability_changes_5_years",
    "liability_changes_12_months", "floor_area", "habitable_rooms", "energy_rating", "is_house", "band", "electors",
    "surnames", "joined_12_months", "benefit_claims", "noise_36_months", "pests_36_months", "waste_36_months",
    "disrepair_36_months", "hmo_suspected_36_months", "missed_collection_24_months", "bulky_24_months",
    "fly_tip_24_months", "extra_container_24_months", "change_of_use_hmo_10_years", "flat_conversion_10_years",
    "months_since_complaint", "accounts_at_once", "owner_liable", "company_liable", "single_person_discount",
    "students_only", "area_electors",
)  # fmt: skip


def _print_london(dwellings: int, events: int, boroughs: int) -> None:
    print(f"From evidence to reasons: {boroughs} boroughs of {dwellings:,} dwellings, {events:,} rows each\n")
    seconds, cpu, peak, rows, fits = _in_its_own_process(_london, dwellings, events, boroughs)
    fit, other = cpu["the estimator's fits"], sum(cpu.values()) - cpu["the estimator's fits"]
    print(f"{'step':<44}{'seconds':>9}{'CPU seconds':>13}{'of the fits':>13}")
    for name, value in seconds.items():
        print(f"{name:<44}{value:>9.1f}{cpu[name]:>13.1f}{cpu[name] / fit:>13.2f}")
    print(f"{'all':<44}{sum(seconds.values()):>9.1f}{sum(cpu.values()):>13.1f}{sum(cpu.values()) / fit:>13.2f}")
    verdict = "met" if other < fit else "not met"
    print(f"\n{rows:,} homes scored; {fits} fits. All but the fits takes {other / fit:.2f} times their processor "
          f"time (bar: less than 1; {verdict}).")  # fmt: skip
    verdict = "met" if peak < PEAK_BAR_GB * 1000 else "not met"
    print(f"Peak memory {peak:,.0f} MB (bar: {PEAK_BAR_GB:.0f} GB; {verdict}).")


def _london(dwellings: int, events: int, boroughs: int) -> tuple[dict[str, float], dict[str, float], float, int, int]:
    names = sorted(registry.boroughs())[:boroughs]
    clock, dates = Clock(), splits.history(AS_OF)
    gathered = []
    with tempfile.TemporaryDirectory(prefix="loda-model-") as folder:
        for number, name in enumerate(names):
            keep(Path(folder) / name, tables(name, number, dwellings, events, AS_OF))
        with clock.step("landlords and boundaries of all boroughs"), lake(Path(folder)):
            holdings, border = landlords.read(names), across.read(names)
        for name in names:
            made = {path.stem: pq.read_table(path) for path in (Path(folder) / name).iterdir()}
            # Two stages load it, a night apart.
            with clock.step("evidence, for the matrix and for training", times=2):
                own = evidence.load(name, made, holdings, border)
            del made
            assert own is not None  # noqa: S101 - there are properties
            with clock.step("matrix"):
                members, values = matrix.at(own.at(AS_OF))
                table = matrix.table_of(name, AS_OF, own.uprns[members], values)
            pq.write_table(table, Path(folder) / f"{name}.matrix")
            del table, values
            with clock.step("examples of five days"):
                gathered.append(examples.gather(own, AS_OF, dates, boroughs))
            del own
        fitted = _timed_fits(clock)
        with clock.step("training but for the fits"):
            trained = train.fit(gathered, AS_OF)
        for taken in (clock.seconds, clock.cpu):
            taken["training but for the fits"] -= taken["the estimator's fits"]
        with clock.step("profiles to tell drift by"):
            artefacts.profiled(gathered, trained.detector)
        del gathered
        rows = sum(_scored(clock, trained.detector, Path(folder) / f"{name}.matrix") for name in names)
    return dict(clock.seconds), dict(clock.cpu), peak_mb(), rows, len(fitted)


def _timed_fits(clock: Clock) -> list[float]:
    """Have the estimator's fits timed: each by itself, and all of them as they run two at a time."""
    fitted: list[float] = []  # one entry a fit
    fit, fit_all = estimator.fit, train._fit_all

    def timed(*arguments: Any) -> Any:
        start = time.thread_time()
        model = fit(*arguments)
        fitted.append(time.thread_time() - start)
        return model

    def timed_all(parts: Any) -> Any:
        with clock.step("the estimator's fits"):
            return fit_all(parts)

    estimator.fit, train._fit_all = timed, timed_all
    return fitted


def _scored(clock: Clock, detector: estimator.Detector, path: Path) -> int:
    rows = pq.read_table(path)
    with clock.step("scores and reasons"):
        score.scored(detector, rows, score.values_of(detector.features, rows), {}, "model")
    return rows.num_rows


if __name__ == "__main__":
    main()
