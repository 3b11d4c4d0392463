"""Runs a suite over harmonised rows and keeps row numbers and counts only.

Great Expectations puts offending values in its results. They are personal data, so its
result objects live and die in this module: nothing of them is stored or logged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from expectations.suite import Rule, as_columns, rules_for
from schemas.contract import Contract, Severity

TEXT = pd.StringDtype("pyarrow", na_value=np.nan)
GX_SEVERITY: dict[Severity, str] = {"critical": "critical", "error": "warning", "warning": "info"}
"""Great Expectations has three grades of its own; ours say what follows: hold, quarantine, pass with an issue."""
FEW_ROWS = 20_000
"""Below so many a run of its own costs more than the columns that it need not copy."""


@dataclass(frozen=True)
class Finding:
    """One rule that some rows break: which rule, how bad, and the numbers of those rows in the officer's file."""

    issue: str
    severity: Severity
    field: str
    row_numbers: npt.NDArray[np.int64]


def columns_needed(contract: Contract) -> list[str]:
    """Columns of the harmonised table that the suite looks at."""
    return sorted({"row_number"} | {c for rule in rules_for(contract) for c in rule.columns})


def check_rows(contract: Contract, frame: pd.DataFrame, extract_date: date | None = None) -> list[Finding]:
    """What the suite finds in a frame with the `columns_needed`, the gravest first; empty when all holds.

    Rules that compare with the day of the extract are left out where it is not given.

    Raises:
        RuntimeError: a rule could not be evaluated, which is a fault of the rule.
    """
    rules, columns = as_columns(rules_for(contract), frame, extract_date)
    order = {"critical": 0, "error": 1, "warning": 2}
    return sorted(_run(contract.dataset, rules, columns), key=lambda finding: order[finding.severity])


def as_frame(rows: pa.Table, contract: Contract) -> pd.DataFrame:
    """Harmonised rows as the suite looks at them: text in Arrow's memory, words that come often once."""
    few = {"borough", "source", *(field.name for field in contract.fields if field.codes is not None)}
    names = columns_needed(contract)
    # Encoded here: of its own `categories` Arrow takes none whose type the mapper has.
    columns = [rows[name].dictionary_encode() if name in few else rows[name] for name in names]
    frame: pd.DataFrame = pa.table(columns, names=names).to_pandas(
        date_as_object=False, types_mapper={pa.string(): TEXT}.get
    )
    return frame


def _run(dataset: str, rules: list[Rule], frame: pd.DataFrame) -> Iterator[Finding]:
    """Judge every rule by yes or no, which costs half; then have the rows named for those that are broken."""
    # Rows are known by their index: a column of names would be looked up cell by cell.
    frame = frame.set_axis(pd.Index(frame["row_number"].to_numpy()), axis="index")
    broken = [rule for rule, result in _validated(dataset, rules, frame, "BOOLEAN_ONLY") if not result.success]
    if not broken:
        return
    for rule, result in _validated(dataset, broken, frame, "COMPLETE"):
        numbers = _row_numbers(result.result)
        if not len(numbers):  # whatever Great Expectations met, it has not found a row that breaks the rule
            raise RuntimeError(f"The rule {rule.expectation} on {dataset}.{rule.field} cannot be evaluated.")
        yield Finding(rule.issue, rule.severity, rule.field, numbers)


def _validated(dataset: str, rules: list[Rule], frame: pd.DataFrame, result_format: str) -> list[tuple[Rule, Any]]:
    """Each rule with its result, in the order of the rules."""
    found = [pair for some in _apart(rules, frame) for pair in _judged(dataset, some, frame, result_format)]
    return sorted(found, key=lambda pair: rules.index(pair[0]))


def _apart(rules: list[Rule], frame: pd.DataFrame) -> list[list[Rule]]:
    """Rules by the columns of text that they look at.

    To leave out blanks Great Expectations copies all columns that it is given, for each rule, and text costs most.
    """
    if len(frame) < FEW_ROWS:
        return [rules]
    by_text: dict[tuple[str, ...], list[Rule]] = {}
    for rule in rules:
        text = sorted(name for name in rule.columns if isinstance(frame[name].dtype, pd.StringDtype))
        by_text.setdefault(tuple(text), []).append(rule)
    return list(by_text.values())


def _judged(dataset: str, rules: list[Rule], frame: pd.DataFrame, result_format: str) -> list[tuple[Rule, Any]]:
    """Each rule with its result, of one run of Great Expectations over the columns that these rules look at."""
    definition = _rows_to_judge(os.getpid())
    import great_expectations as gx

    judged = [
        getattr(gx.expectations, rule.expectation)(severity=GX_SEVERITY[rule.severity], **rule.arguments)
        for rule in rules
    ]
    suite = gx.ExpectationSuite(name=dataset, expectations=judged)
    # Patterns are then searched in Arrow's memory; without it every cell becomes a Python object first.
    with pd.option_context("future.infer_string", True), _each_configuration_built_once():
        needed = frame[sorted({name for rule in rules for name in rule.columns})]
        outcome = definition.get_batch({"dataframe": needed}).validate(suite, result_format=result_format)
    # A suite keeps one expectation where two are alike, so results are told apart by what they say, not by order.
    by_meaning = {_meaning(rule.expectation, rule.arguments): rule for rule in rules}
    found = []
    for result in outcome.results:
        told = result.expectation_config
        found.append((by_meaning[_meaning(_class_name(told.type), told.kwargs)], result))
    return found


@lru_cache(maxsize=1)
def _rows_to_judge(_process: int) -> Any:
    """Where a frame is handed to Great Expectations: one context a process, since a new one costs more than a rule."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # 4 s to import, so only where a gate is run
    from great_expectations.execution_engine import pandas_execution_engine

    # It would hash every cell of every frame to mark the batch: nobody reads the mark, and it costs more than rules.
    pandas_execution_engine.HASH_THRESHOLD = 0
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("harmonised")
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("rows")


@contextmanager
def _each_configuration_built_once() -> Iterator[None]:
    """Keep what an expectation says of itself while a suite is judged, in which no expectation changes.

    Great Expectations builds it anew at each of the many looks it takes at a rule: a sixth of a small night.
    """
    from great_expectations.expectations.expectation import Expectation

    built = Expectation.__dict__["configuration"]
    kept: dict[int, tuple[Any, Any]] = {}  # with the expectation, so that no other one gets its number meanwhile

    def configuration(expectation: Any) -> Any:
        if id(expectation) not in kept:
            kept[id(expectation)] = expectation, built.__get__(expectation)
        return kept[id(expectation)][1]

    Expectation.configuration = property(configuration)
    try:
        yield
    finally:
        Expectation.configuration = built


def _class_name(snake: str) -> str:
    return "".join(part.capitalize() for part in snake.split("_"))


def _meaning(name: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    keys = ("column", "column_A", "column_B", "column_list", "regex")
    return (name.lower(), *(str(arguments.get(key)) for key in keys))


def _row_numbers(result: dict[str, Any]) -> npt.NDArray[np.int64]:
    listed = result.get("unexpected_index_list") or []
    return np.unique(np.array(listed, np.int64))
