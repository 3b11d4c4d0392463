"""Every night: what boroughs have dropped, admitted, harmonised, gated and published to the lake.

Before anything is read, what no agreement covers any more is let go. Then one mapped task group a borough, so that a
late, broken or absent borough holds up nobody else: it stays at its last good state and its receipt says why. The
asset `loda_harmonised` is updated once at the end, and only if at least one borough has published something new or
something may no longer be used. What officers recorded on the platform's pages comes in beside the extracts. The last
task fails if any borough failed, so that a run with a failed borough is never shown as a success.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task_group
from loda_wiring import COMMON, HARMONISED, announce, at, borough_task, closing_task, conclude, run, single_task


@single_task
def boroughs_with_outcomes() -> list[str]:
    """List the boroughs whose officers recorded what visits found."""
    from pipelines import night

    return run(night.boroughs_with_outcomes)


@borough_task
def outcomes(borough: str) -> dict[str, Any]:
    """Bring what the borough's officers recorded into the lake."""
    from pipelines import night

    return run(night.outcomes, borough=borough)


@dag(schedule=at("0 1 * * *"), tags=["loda", "nightly"], doc_md=__doc__, **COMMON)
def loda_ingest() -> None:
    """Wire the intake of one night."""

    @single_task
    def prepare() -> None:
        """Bring the ledger up to date and check the settings."""
        from pipelines import night

        run(night.prepare)

    @single_task
    def agreements() -> dict[str, Any]:
        """Let go of what no agreement covers any more, before anything reads it."""
        from pipelines import night

        return run(night.agreements)

    @single_task
    def discover() -> list[str]:
        """List the boroughs with something new in the bucket."""
        from pipelines import night

        return run(night.discover)

    @borough_task
    def admit(borough: str) -> dict[str, Any]:
        """Take the borough's drops in: hash, sniff, keep the bytes, refuse what cannot be read."""
        from pipelines import night

        return run(night.admit, borough=borough)

    @borough_task
    def harmonise(borough: str) -> dict[str, Any]:
        """Turn each admitted drop into rows of its contract, with an issue for each altered cell."""
        from pipelines import night

        return run(night.harmonise, borough=borough)

    @borough_task
    def gate(borough: str) -> dict[str, Any]:
        """Pass, pass with issues, or hold each drop."""
        from pipelines import night

        return run(night.gate, borough=borough)

    @borough_task
    def propose(borough: str) -> dict[str, Any]:
        """Answer drops held for their layout with a proposed mapping."""
        from pipelines import night

        return run(night.propose, borough=borough)

    @borough_task
    def publish(borough: str) -> dict[str, Any]:
        """Replace the borough's part of the lake and write its receipts."""
        from pipelines import night

        return run(night.publish_drops, borough=borough)

    @task_group
    def intake(borough: str) -> Any:
        """One borough from its drops to the lake."""
        published = publish(borough=borough)
        admitted, harmonised = admit(borough=borough), harmonise(borough=borough)
        admitted >> harmonised >> gate(borough=borough) >> propose(borough=borough) >> published
        return published

    @closing_task(outlets=[HARMONISED])
    def announce_harmonised(results: Any, recorded: Any, withdrawn: Any, *, outlet_events: Any) -> dict[str, Any]:
        """Update the asset if anything new came into the lake, or something may no longer be used."""
        return announce(HARMONISED, outlet_events, results, recorded, withdrawn)

    @closing_task
    def conclude_ingest(expected: Any, results: Any, recording: Any, recorded: Any) -> dict[str, Any]:
        """Fail the run if a borough is not through, and say which."""
        conclude(recording, recorded)
        return conclude(expected, results)

    enforced, found, recording = agreements(), discover(), boroughs_with_outcomes()
    prepare() >> enforced >> [found, recording]
    published = intake.expand(borough=found)
    recorded = outcomes.expand(borough=recording)
    announced = announce_harmonised(published, recorded, enforced)
    announced >> conclude_ingest(found, published, recording, recorded)


loda_ingest()
