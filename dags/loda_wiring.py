"""What every DAG of this folder shares: assets, default arguments, and how a stage is called from a task.

Three rules live here and nowhere else:

- A task hands on the counts and the sentence of a `StageResult`, never rows.
- A fault that a person must mend (`LodaError`, or a bug) fails at once; one that may pass by itself (network,
  database, another run that holds a lock) is tried again with backoff.
- The text of an unforeseen exception is not logged, since it may quote a cell. Its type and its place are.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, is_dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, Param, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

HARMONISED = Asset("loda_harmonised")
LINKED = Asset("loda_linked")
TRAINED = Asset("loda_trained")
RANKED = Asset("loda_ranked")

ALL = "london"
"""Stands for all boroughs at once, in a `StageResult` as here."""

# A folder, a bucket, a database or a lock may be free again on the next try. The same bytes, the same contract and
# the same code give the same fault again.
PASSING_ERRORS = {"OSError", "OperationalError", "BotoCoreError", "ClientError", "CommitFailedError"}
LASTING_ERRORS = {"FileNotFoundError", "NotADirectoryError", "IsADirectoryError", "PermissionError"}
# Exit codes of a LodaError, as in sysexits.h: "another run holds it", and faults of a drop, an agreement, a setting.
TRY_LATER_CODE = 75
LASTING_CODES = {64, 65, 66, 77, 78}

_progress = logging.getLogger("loda.progress")
_alert = logging.getLogger("loda.alert")


class TryAgain(AirflowException):
    """A fault that may pass by itself; Airflow tries the task again."""


def tell_failure(context: Mapping[str, Any]) -> None:
    """Log one sentence on a task that has failed for good: which, for whom, why, and what stands meanwhile."""
    instance = context["ti"]
    borough = (getattr(context.get("task"), "op_kwargs", None) or {}).get("borough")
    stage = instance.task_id.rsplit(".", 1)[-1]
    whom = f"{stage} failed for {borough}, which stays at its last good state" if borough else f"{stage} failed"
    _alert.error("%s: %s. %s", instance.dag_id, whom, context.get("exception") or "The log of the task says why.")


def mail_failure(context: Mapping[str, Any]) -> None:
    """Mail it to the engineers where a mail server is set; read only when a task has failed."""
    import loda_mail

    loda_mail.mail_failure(context)


COMMON: dict[str, Any] = {
    "catchup": False,
    "max_active_runs": 1,
    "default_args": {
        "owner": "loda",
        "retries": 3,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=15),
        "on_failure_callback": [tell_failure, mail_failure],
    },
}
"""Arguments that every DAG has."""

# One XCom a task: without this a task that returns a dict would write one more for each of its keys.
single_task = partial(task, multiple_outputs=False)
borough_task = partial(task, multiple_outputs=False, map_index_template="{{ task.op_kwargs['borough'] }}")
# It skips all that lies behind it, closing tasks as well: nothing was asked for, so there is nothing to conclude.
short_circuit = task.short_circuit
closing_task = partial(task, multiple_outputs=False, trigger_rule="all_done")


def at(cron: str) -> CronTriggerTimetable:
    """A schedule in London's time that waits for its first hour instead of running when it is switched on."""
    return CronTriggerTimetable(cron, timezone="Europe/London", run_immediately=False)


def at_or_after(cron: str, asset: Asset) -> AssetOrTimeSchedule:
    """A schedule in London's time, and whenever an asset was updated."""
    return AssetOrTimeSchedule(timetable=at(cron), assets=[asset])


def was_started_by_an_asset(dag_run: Any) -> bool:
    """Whether a run was started because an asset was updated, neither by the clock nor by hand."""
    return str(getattr(dag_run.run_type, "value", dag_run.run_type)) == "asset_triggered"


def as_of_param() -> Param:
    """The as-of date that a run may be given by hand; a new one for each DAG, since a Param keeps its value."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="As-of date",
        description="Day whose knowledge may be used, as 2026-03-31. Empty: up to the newest extract.",
    )


def run(call: Callable[..., Any], **arguments: Any) -> Any:
    """Call a function of `pipelines.night` and hand on what may pass through XCom: a `StageResult` as a dict.

    Raises:
        AirflowFailException: a person has to mend something; its text is the sentence that says what.
        TryAgain: it may pass by itself.
    """
    stage, borough = call.__name__, arguments.get("borough", ALL)
    _say("started", stage, borough)
    began = time.monotonic()
    try:
        with _lineage():
            result = call(**arguments)
    except Exception as error:  # noqa: BLE001 - raised again below, without the text of exceptions that are not ours
        failure = _failure(error, stage)
    else:
        result = asdict(result) if is_dataclass(result) and not isinstance(result, type) else result
        told = result if isinstance(result, dict) else {"outcome": "made", "sentence": ""}
        _say(told["outcome"], stage, borough, told["sentence"], time.monotonic() - began)
        return result
    outcome = "put off" if isinstance(failure, TryAgain) else "failed"
    _say(outcome, stage, borough, str(failure), time.monotonic() - began)
    raise failure


def _lineage() -> AbstractContextManager[None]:
    """Name this run of a DAG to what tells where data came from, under the id that Airflow's own provider gives it."""
    from airflow.sdk import get_current_context
    from airflow.sdk.configuration import conf

    from pipelines.observe import lineage

    try:
        dag_run = get_current_context()["dag_run"]
    except RuntimeError:  # called by a test, not by a task
        return nullcontext()
    namespace = conf.get("openlineage", "namespace", fallback="") or os.environ.get("OPENLINEAGE_NAMESPACE", "default")
    moment = dag_run.logical_date or dag_run.run_after
    return lineage.dag_run(namespace, dag_run.dag_id, moment, dag_run.clear_number or 0)


def announce(asset: Asset, outlet_events: Any, *results: Any) -> dict[str, Any]:
    """Let the asset be updated if any of the results made something new, with the boroughs it is about.

    Raises:
        AirflowSkipException: nothing was made, so nothing downstream has to run.
    """
    made = sorted({result["borough"] for result in _each(results) if result["outcome"] == "made"})
    if not made:
        raise AirflowSkipException("Nothing has changed, so nothing further has to be done.")
    outlet_events[asset].extra = {"boroughs": made}
    return {"boroughs": made}


def conclude(expected: Iterable[str] | None, *results: Any) -> dict[str, Any]:
    """End a run with one figure on all boroughs, and as failed if any of them did not reach its last stage.

    Raises:
        AirflowFailException: the boroughs that failed, by name, or that no boroughs could be listed.
    """
    if expected is None:
        raise AirflowFailException("The boroughs of this run could not be listed; the log of the first tasks says why.")
    wanted, through = set(expected), {result["borough"] for result in _each(results)}
    failed = sorted(wanted - through)
    if failed:
        raise AirflowFailException(
            f"Failed, and at their last good state: {', '.join(failed)}. "
            f"Done: {len(wanted) - len(failed)} of {len(wanted)}."
        )
    return {"done": len(wanted)}


def _each(results: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """Every result. What mapped tasks handed on comes as a sequence, but bare if there is one, as None if none."""
    for result in results:
        if isinstance(result, Mapping):
            yield result
        elif result is not None:
            yield from _each(result)


def _failure(error: Exception, stage: str) -> AirflowException:
    from pipelines.core.errors import LodaError

    if isinstance(error, AirflowException):
        return error
    if isinstance(error, LodaError):
        behind = error.__cause__ or error.__context__
        again = error.exit_code == TRY_LATER_CODE or (error.exit_code not in LASTING_CODES and _may_pass(behind))
        return TryAgain(str(error)) if again else AirflowFailException(str(error))
    frames = traceback.extract_tb(error.__traceback__)
    _progress.error("Where it happened:\n%s", "".join(traceback.format_list(frames)))
    what = f"{stage} met {type(error).__name__} at {frames[-1].filename.rsplit('/', 1)[-1]}:{frames[-1].lineno}"
    if _may_pass(error):
        return TryAgain(f"{what}; it may pass by itself.")
    return AirflowFailException(f"{what}; an engineer has to look at the log of the task.")


def _may_pass(error: BaseException | None) -> bool:
    ancestors = {parent.__name__ for parent in type(error).__mro__}
    return bool(ancestors & PASSING_ERRORS) and not ancestors & LASTING_ERRORS


def _say(outcome: str, stage: str, borough: str, sentence: str = "", seconds: float = 0.0) -> None:
    progress = {"outcome": outcome, "stage": stage, "borough": borough, "seconds": seconds, "sentence": sentence}
    _progress.info("%s %s: %s, %.1f s. %s", borough, stage, outcome, seconds, sentence, extra={"progress": progress})
