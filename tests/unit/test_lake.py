"""The lake: one borough's rows are replaced, whoever else writes, and a rule that cannot be judged is no silence."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from expectations import checkpoint
from expectations.suite import Rule
from pipelines.core import lake
from schemas import registry


def rows(borough: str, *values: int) -> pa.Table:
    return pa.table({"borough": [borough] * len(values), "x": list(values)})


def test_a_partition_is_replaced_and_emptied(home):
    lake.replace("t", rows("camden", 1, 2), {"borough": "camden"}, {})
    lake.replace("t", rows("bexley", 3), {"borough": "bexley"}, {})
    lake.replace("t", rows("camden", 4), {"borough": "camden"}, {})
    assert sorted(lake.read("t")["x"].to_pylist()) == [3, 4]
    lake.replace("t", rows("camden"), {"borough": "camden"}, {})
    assert lake.read("t")["x"].to_pylist() == [3]


def test_two_first_writers_do_not_erase_each_other(home, monkeypatch: pytest.MonkeyPatch):
    lake.replace("t", rows("camden", 1), {"borough": "camden"}, {})
    with monkeypatch.context() as second:
        # The other writer looked before the table was there.
        second.setattr(lake, "open_table", lambda *_: None)
        lake.replace("t", rows("bexley", 2), {"borough": "bexley"}, {})
    assert sorted(lake.read("t")["x"].to_pylist()) == [1, 2]


def test_a_partition_value_is_never_read_as_a_condition(home):
    lake.replace("t", rows("camden", 1), {"borough": "camden"}, {})
    strange = "x' OR '1'='1"
    lake.replace("t", rows(strange, 2), {"borough": strange}, {})
    assert sorted(lake.read("t")["x"].to_pylist()) == [1, 2]


def test_a_rule_that_cannot_be_evaluated_is_an_error(monkeypatch: pytest.MonkeyPatch):
    rule = Rule(
        expectation="ExpectColumnValuesToMatchRegex",
        severity="error",
        issue="invalid_format",
        field="address",
        arguments={"column": "address", "regex": "("},
    )
    monkeypatch.setattr(checkpoint, "rules_for", lambda _contract: (rule,))
    frame = pd.DataFrame({"row_number": [2], "address": ["1 Example Road"]})
    with pytest.raises(RuntimeError, match="cannot be evaluated"):
        checkpoint.check_rows(registry.contract("gazetteer"), frame)
