"""OpenLineage events: what every stage read and wrote, at which version, how many rows; with or without Airflow.

Off unless `LODA_LINEAGE_FILE` or OpenLineage's own settings name a receiver. A receiver that is away is told once in
each process and costs a night nothing more. Events hold names of tables and columns, versions and counts, and of a
failure a sentence of ours or the type of the exception, never its text.
"""

from __future__ import annotations

import functools
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pipelines.core import lake_use
from pipelines.core.errors import LodaError
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from schemas import registry

if TYPE_CHECKING:
    from openlineage.client import OpenLineageClient

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

NAMESPACE = "loda"
LONDON = "london"
PRODUCER = "urn:loda:pipelines.observe.lineage"
PARENT = "OPENLINEAGE_PARENT_ID"
"""`namespace/name/run id` of what a stage is part of, as other integrations hand it to processes below."""
ITS_OWN = ("OPENLINEAGE_URL", "OPENLINEAGE_CONFIG", "OPENLINEAGE__TRANSPORT", "OPENLINEAGE__TRANSPORT__TYPE")

_away = False


def is_on() -> bool:
    """Whether a receiver is named and was not found away by this process."""
    if _away or os.environ.get("OPENLINEAGE_DISABLED", "").strip().lower() == "true":
        return False
    return settings().lineage_file is not None or any(os.environ.get(name) for name in ITS_OWN)


def observed(stage: Callable[P, R]) -> Callable[P, R]:
    """A stage whose runs are told as events of the job `loda/<stage>.<borough>`."""

    @functools.wraps(stage)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not is_on():
            return stage(*args, **kwargs)
        first = kwargs.get("borough", args[0] if args else LONDON)
        borough = first if isinstance(first, str) and first in registry.boroughs() else LONDON
        with _run(stage.__name__, borough) as done:
            result = stage(*args, **kwargs)
            done.append(result)
            return result

    return call


@contextmanager
def _run(stage: str, borough: str) -> Iterator[list[Any]]:
    from openlineage.client.uuid import generate_new_uuid

    from pipelines.observe import lineage_datasets as datasets

    run = str(generate_new_uuid())
    done: list[Any] = []
    before = datasets.Before.of(stage, borough)
    _emit("START", stage, borough, run)
    try:
        with lake_use.recording() as use:
            yield done
    except Exception as error:
        _emit("FAIL", stage, borough, run, error=error)
        raise
    inputs, outputs = datasets.of(before, use)
    _emit("COMPLETE", stage, borough, run, inputs=inputs, outputs=outputs, result=done[0] if done else None)


def _emit(
    kind: str,
    stage: str,
    borough: str,
    run: str,
    *,
    inputs: list[Any] | None = None,
    outputs: list[Any] | None = None,
    result: object = None,
    error: Exception | None = None,
) -> None:
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
    from openlineage.client.facet_v2 import documentation_job, error_message_run, job_type_job

    facets: dict[str, Any] = {}
    parent = _parent()
    if parent is not None:
        facets["parent"] = parent
    if error is not None:
        told = str(error) if isinstance(error, LodaError) else f"It met {type(error).__name__}."
        facets["errorMessage"] = error_message_run.ErrorMessageRunFacet(message=told, programmingLanguage="python")
    about: dict[str, Any] = {
        "jobType": job_type_job.JobTypeJobFacet(processingType="BATCH", integration="LODA", jobType="TASK")
    }
    if isinstance(result, StageResult):
        about["documentation"] = documentation_job.DocumentationJobFacet(description=result.sentence)
    event = RunEvent(
        eventType=RunState[kind],
        eventTime=datetime.now(UTC).isoformat(),
        run=Run(runId=run, facets=facets),
        job=Job(namespace=NAMESPACE, name=f"{stage}.{borough}", facets=about),
        producer=PRODUCER,
        inputs=inputs or [],
        outputs=outputs or [],
    )
    _send(event)


def _send(event: Any) -> None:
    """Hand an event on; where the receiver is away, say so once and stop trying in this process."""
    global _away
    if _away:
        return
    try:
        _client(str(settings().lineage_file or "")).emit(event)
    except Exception as error:  # noqa: BLE001 - told; lineage is no reason for a list to be late
        _away = True
        log.warning(
            "Lineage events are not received (%s): check LODA_LINEAGE_FILE or OPENLINEAGE_URL. The night goes on.",
            type(error).__name__,
        )


@functools.lru_cache(maxsize=1)
def _client(file: str) -> OpenLineageClient:
    from openlineage.client import OpenLineageClient
    from openlineage.client.transport.file import FileConfig, FileTransport

    if not file:
        return OpenLineageClient()
    return OpenLineageClient(transport=FileTransport(FileConfig(log_file_path=file, append=True)))


def _parent() -> Any:
    """What a stage is part of, as `OPENLINEAGE_PARENT_ID` names it; None where it is part of nothing."""
    from openlineage.client.facet_v2 import parent_run

    given = os.environ.get(PARENT, "").rsplit("/", 2)  # a namespace may be a URL
    if len(given) != 3:
        return None
    namespace, name, run = given
    return parent_run.ParentRunFacet(run=parent_run.Run(runId=run), job=parent_run.Job(namespace=namespace, name=name))


@contextmanager
def whole_night() -> Iterator[None]:
    """The run that the stages of a night without Airflow are part of, also in processes that it starts."""
    if not is_on() or os.environ.get(PARENT):
        yield
        return
    from openlineage.client.uuid import generate_new_uuid

    run = str(generate_new_uuid())
    _emit("START", "night", LONDON, run)
    try:
        with _part_of(f"{NAMESPACE}/night.{LONDON}/{run}"):
            yield
    except Exception as error:
        _emit("FAIL", "night", LONDON, run, error=error)
        raise
    _emit("COMPLETE", "night", LONDON, run)


@contextmanager
def dag_run(namespace: str, dag: str, moment: datetime, cleared: int) -> Iterator[None]:
    """Inside it a stage is part of a run of a DAG, under the id that Airflow's OpenLineage provider gives that run.

    The id follows from the namespace under which Airflow reports, the DAG, the run's logical date (where it has none,
    the moment after which it could run) and how often it was cleared: `build_dag_run_ol_run_id` of
    apache-airflow-providers-openlineage 2.20.
    """
    if not is_on():
        yield
        return
    from openlineage.client.uuid import generate_static_uuid

    run = generate_static_uuid(instant=moment, data=f"{namespace}.{dag}.{cleared}".encode())
    with _part_of(f"{namespace}/{dag}/{run}"):
        yield


@contextmanager
def _part_of(parent: str) -> Iterator[None]:
    """Name the parent to this process and to those that it starts."""
    before = os.environ.get(PARENT)
    os.environ[PARENT] = parent
    try:
        yield
    finally:
        if before is None:
            del os.environ[PARENT]
        else:
            os.environ[PARENT] = before
