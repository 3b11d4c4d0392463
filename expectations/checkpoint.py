"""Runs a suite over harmonised rows and keeps row numbers and counts only.

Great Expectations puts offending values in its results. They are personal data, so its
result objects live and die in this module: nothing of them is stored or logged.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from expectations.suite import Rule, rules_for
from schemas.contract import Contract, Severity

GX_SEVERITY: dict[Severity, str] = {"critical": "critical", "error": "warning", "warning": "info"}
"""Great Expectations has three grades of its own; ours say what follows: hold, quarantine, pass with an issue."""


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


def check_rows(contract: Contract, frame: pd.DataFrame) -> list[Finding]:
    """What the suite finds in a frame with the `columns_needed`, the gravest first; empty when all holds.

    Raises:
        RuntimeError: a rule could not be evaluated, which is a fault of the rule.
    """
    grouped: dict[tuple[tuple[str, tuple[str, ...]], ...], list[Rule]] = {}
    for rule in rules_for(contract):
        grouped.setdefault(tuple(rule.only_where.items()), []).append(rule)
    findings: list[Finding] = []
    for condition, rules in grouped.items():
        rows = frame
        for column, values in condition:
            rows = rows[rows[column].isin(values)]
        if len(rows):
            findings += _run(contract.dataset, rules, rows)
    order = {"critical": 0, "error": 1, "warning": 2}
    return sorted(findings, key=lambda finding: order[finding.severity])


def _run(dataset: str, rules: list[Rule], frame: pd.DataFrame) -> Iterator[Finding]:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # 4 s to import, so only where a gate is run

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("harmonised")
        .add_dataframe_asset(dataset)
        .add_batch_definition_whole_dataframe("rows")
        .get_batch({"dataframe": frame})
    )
    suite = gx.ExpectationSuite(name=dataset)
    for rule in rules:
        expectation = getattr(gx.expectations, rule.expectation)
        suite.add_expectation(expectation(severity=GX_SEVERITY[rule.severity], **rule.arguments))
    outcome = batch.validate(
        suite, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["row_number"]}
    )
    # A suite keeps one expectation where two are alike, so results are told apart by what they say, not by order.
    by_meaning = {_meaning(rule.expectation, rule.arguments): rule for rule in rules}
    for result in outcome.results:
        arguments = result.expectation_config.kwargs
        rule = by_meaning[_meaning(_class_name(result.expectation_config.type), arguments)]
        if not result.success:
            numbers = _row_numbers(result.result)
            if not len(numbers):  # whatever Great Expectations met, it has not found a row that breaks the rule
                raise RuntimeError(f"The rule {rule.expectation} on {dataset}.{rule.field} cannot be evaluated.")
            yield Finding(rule.issue, rule.severity, rule.field, numbers)


def _class_name(snake: str) -> str:
    return "".join(part.capitalize() for part in snake.split("_"))


def _meaning(name: str, arguments: dict[str, Any]) -> tuple[str, ...]:
    keys = ("column", "column_A", "column_B", "column_list", "regex")
    return (name.lower(), *(str(arguments.get(key)) for key in keys))


def _row_numbers(result: dict[str, Any]) -> npt.NDArray[np.int64]:
    listed = result.get("unexpected_index_list") or []
    return np.array(sorted({int(item["row_number"]) for item in listed}), np.int64)
