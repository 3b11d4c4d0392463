"""The lake: one borough's rows are replaced, whoever else writes, and a rule that cannot be judged is no silence."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from deltalake.exceptions import CommitFailedError

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


def streamed(borough: str, *values: int, **more: str):
    """Rows as a function that begins to read them, two at a time."""

    def reader() -> pa.RecordBatchReader:
        table = rows(borough, *values)
        for name, value in more.items():
            table = table.append_column(name, pa.array([value] * len(values), pa.string()))
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=2))

    return reader


def test_streamed_rows_replace_a_partition_in_one_commit(home):
    lake.replace("t", streamed("camden", 1, 2, 3), {"borough": "camden"}, {"drop": "one"})
    lake.replace("t", rows("bexley", 9), {"borough": "bexley"}, {})
    before = lake.version_of("t")
    made = lake.replace("t", streamed("camden", 4, 5, 6, 7, 8), {"borough": "camden"}, {"drop": "two"})
    assert made == before + 1
    assert sorted(lake.read("t", boroughs=["camden"])["x"].to_pylist()) == [4, 5, 6, 7, 8]
    assert sorted(lake.read("t")["x"].to_pylist()) == [4, 5, 6, 7, 8, 9]
    assert lake.open_table("t").history(1)[0]["drop"] == "two", "the hashes it was made from are in the history"
    lake.replace("t", streamed("camden"), {"borough": "camden"}, {})
    assert lake.read("t")["x"].to_pylist() == [9]


def test_streamed_rows_with_a_column_that_the_table_lacks(home):
    lake.replace("t", streamed("camden", 1), {"borough": "camden"}, {})
    lake.replace("t", streamed("bexley", 2, note="new"), {"borough": "bexley"}, {})
    assert dict(zip(lake.read("t")["x"].to_pylist(), lake.read("t")["note"].to_pylist(), strict=True)) == {
        1: None,
        2: "new",
    }


def test_streamed_rows_are_cut_into_files_and_the_log_holds_none_of_their_values(home, monkeypatch):
    monkeypatch.setattr("pipelines.core.lake_files.ROWS_A_FILE", 3)
    lake.replace("t", streamed("camden", *range(1000, 1010)), {"borough": "camden"}, {})
    assert sorted(lake.read("t")["x"].to_pylist()) == list(range(1000, 1010))
    added = pa.table(lake.open_table("t").get_add_actions(flatten=True)).to_pylist()
    assert [action["num_records"] for action in added] == [4, 4, 2]
    log = "".join(path.read_text() for path in Path(lake.table_url("t")).glob("_delta_log/*.json"))
    assert "1009" not in log
    assert "camden" in log


def test_a_commit_that_another_overtook_is_tried_again_without_writing_the_rows_anew(home, monkeypatch):
    lake.replace("t", streamed("camden", 1), {"borough": "camden"}, {})
    real, tries, readings = lake._commit, [], []

    def overtaken(*arguments):
        tries.append(1)
        if len(tries) == 1:
            raise CommitFailedError("another was first")
        real(*arguments)

    def reader():
        readings.append(1)
        return streamed("camden", 2)()

    monkeypatch.setattr(lake, "_commit", overtaken)
    lake.replace("t", reader, {"borough": "camden"}, {})
    assert (len(tries), len(readings)) == (2, 1)
    assert lake.read("t")["x"].to_pylist() == [2]


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


def test_great_expectations_is_told_not_to_hash_frames_and_rows_are_named_by_their_numbers():
    from great_expectations.execution_engine import pandas_execution_engine

    contract = registry.contract("gazetteer")
    size = 4
    columns = {field.name: pa.nulls(size, field.arrow_type) for field in contract.fields}
    columns |= {"uprn": pa.array(["1", "0", "3", "x"]), "address": pa.array(["1 A Road"] * size)}
    platform = {"borough": ["camden"] * size, "source": ["main"] * size, "record_id": [1, 2, 3, 3]}
    table = pa.table({**platform, "row_number": [12, 15, 20, 21], **columns})
    found = checkpoint.check_rows(contract, checkpoint.as_frame(table, contract))
    told = {(finding.issue, finding.field): finding.row_numbers.tolist() for finding in found}
    assert told == {("key_not_unique", ""): [20, 21], ("contract_broken", "uprn"): [15, 21]}
    assert pandas_execution_engine.HASH_THRESHOLD == 0
