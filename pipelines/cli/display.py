"""What the commands print: tables for people, plain data for programs."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from rich.markup import escape

from pipelines.cli.console import console, need_ledger, table_of
from pipelines.core.errors import LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood, ListEntry, ModelVersion, PublishedList
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.whole_night import NightReport
from schemas import registry

if TYPE_CHECKING:
    from pipelines.cli.doctor import Finding
    from pipelines.demo import DemoSummary


def chosen_boroughs(text: str, default: Sequence[str]) -> list[str]:
    """Borough slugs from `camden,bexley`, or the first so many of London's 33 from `12`; the default from nothing."""
    london = [slug for slug, borough in registry.boroughs().items() if borough.london]
    if not text.strip():
        return list(default)
    if text.strip().isdecimal():
        number = int(text)
        if not 1 <= number <= len(london):
            raise LodaError(f"London has {len(london)} boroughs; {number} cannot be made.")
        return [*default, *(slug for slug in london if slug not in default)][:number]
    slugs = [part.strip().lower().replace(" ", "_").replace("-", "_") for part in text.split(",") if part.strip()]
    for slug in slugs:
        if slug not in london:
            raise NotFound(f"'{slug}' is not one of London's boroughs: {', '.join(london)}.")
    return slugs


def demo_summary(made: DemoSummary, *, as_json: bool) -> None:
    """What `loda demo` made and where."""
    if as_json:
        console.print_json(data=dataclasses.asdict(made), default=str)
        return
    console.print(
        f"{made.files} extracts, {made.rows:,} rows, {made.bytes / 1e6:,.1f} MB of {len(made.boroughs)} boroughs "
        f"in {made.seconds:.1f} s.\nDropped into {made.out}; the truth lies apart in {made.truth}.",
        soft_wrap=True,
    )


def progress(result: StageResult, seconds: float) -> None:
    """One line a stage and borough while the night runs."""
    if result.outcome != "unchanged":
        console.print(
            f"{result.borough:<24} {result.stage:<12} {seconds:6.1f} s  {escape(result.sentence)}", soft_wrap=True
        )


def _drop_row(drop: Drop) -> dict[str, Any]:
    return {
        "receipt": drop.id,
        "borough": drop.borough,
        "dataset": drop.dataset,
        "file": drop.path,
        "status": drop.status,
        "reason": drop.reason,
        "sentence": drop.sentence,
        "rows_in": drop.rows_in,
        "accepted": drop.accepted,
        "quarantined": drop.quarantined,
        "extract_date": drop.extract_date.isoformat(),
    }


def night_summary(report: NightReport, started: datetime, seconds: float) -> dict[str, Any]:
    """One night as plain data: every drop it answered, every borough's current list, what failed."""
    with transaction() as session:
        drops = session.scalars(
            sa.select(Drop).where(Drop.finished_at >= started).order_by(Drop.borough, Drop.dataset, Drop.received_at)
        ).all()
        lists = session.scalars(
            sa.select(PublishedList)
            .where(PublishedList.withdrawn_at.is_(None))
            .order_by(PublishedList.borough, PublishedList.as_of, PublishedList.version)
        ).all()
    current = {issued.borough: issued for issued in lists}
    rows = [_drop_row(drop) for drop in drops]
    return {
        "as_of": report.as_of.isoformat() if report.as_of else None,
        "changed": report.changed,
        "seconds": round(seconds, 1),
        "seconds_by_stage": {stage: round(value, 1) for stage, value in report.seconds.items()},
        "rows_in": sum(row["rows_in"] for row in rows),
        "accepted": sum(row["accepted"] for row in rows),
        "quarantined": sum(row["quarantined"] for row in rows),
        "drops": rows,
        "lists": {slug: list_heading(issued) for slug, issued in sorted(current.items())},
        "failures": [dict(zip(("stage", "borough", "sentence"), failure, strict=True)) for failure in report.failures],
        "results": [dataclasses.asdict(result) for result in report.results],
    }


def print_night(summary: dict[str, Any]) -> None:
    """The end of `loda run`, for people."""
    if not summary["changed"] and not summary["failures"]:
        console.print("No new drop and nothing to do again: nothing was changed.")
        return
    console.print(
        f"\n{len(summary['drops'])} drops: {summary['rows_in']:,} rows in = {summary['accepted']:,} accepted "
        f"+ {summary['quarantined']:,} quarantined. {len(summary['lists'])} boroughs have a list. "
        f"{summary['seconds']:.0f} s.",
        soft_wrap=True,
    )
    for failure in summary["failures"]:
        what = f"{failure['stage']} of {failure['borough']}: {failure['sentence']}"
        console.print(f"[red]FAILED[/red] {escape(what)}", soft_wrap=True)
    console.print("Next: 'loda status', 'loda list BOROUGH', 'loda receipt DROP'.")


def print_spread(report: NightReport, seconds: float) -> None:
    """The end of `loda spread`, for people."""
    counted = Counter(result.outcome for result in report.results)
    told = ", ".join(f"{counted[outcome]} {outcome}" for outcome in ("made", "unchanged", "skipped"))
    console.print(f"Links and features as of {report.as_of}, by stage and borough: {told}. {seconds:.0f} s.")
    for stage, borough, sentence in report.failures:
        console.print(f"[red]FAILED[/red] {escape(f'{stage} of {borough}: {sentence}')}", soft_wrap=True)


def status_rows() -> dict[str, Any]:
    """Last good extract of every borough and dataset, held and refused drops since, and current lists."""
    from models.hmo import drift

    need_ledger()
    with transaction() as session:
        good = session.scalars(sa.select(LastGood).order_by(LastGood.borough, LastGood.dataset)).all()
        troubled = session.scalars(
            sa.select(Drop).where(Drop.status.in_(["held", "refused"])).order_by(Drop.received_at.desc())
        ).all()
        lists = session.scalars(
            sa.select(PublishedList)
            .where(PublishedList.withdrawn_at.is_(None))
            .order_by(PublishedList.borough, PublishedList.as_of, PublishedList.version)
        ).all()
    current = {issued.borough: list_heading(issued) for issued in lists}
    return {
        "last_good": [
            {
                "borough": g.borough,
                "dataset": g.dataset,
                "source": g.source,
                "drop": g.drop_id,
                "rows": g.rows,
                "extract_date": g.extract_date.isoformat(),
                "published_at": g.published_at.isoformat(),
            }
            for g in good
        ],
        "not_used": [_drop_row(drop) for drop in troubled],
        "lists": current,
        "moved": {borough: kept["alerts"] for borough, kept in drift.as_kept().items() if kept["alerts"]},
    }


def print_status(rows: dict[str, Any]) -> None:
    """`loda status`, for people."""
    table = table_of("Borough", "Dataset", "Extract of", "Rows", "Drop", right=["Rows"], title="Last good extracts")
    for row in rows["last_good"]:
        table.add_row(row["borough"], row["dataset"], row["extract_date"], f"{row['rows']:,}", row["drop"])
    console.print(table)
    if rows["not_used"]:
        table = table_of("Drop", "Status", "Why", title="Not used")
        for row in rows["not_used"]:
            table.add_row(row["receipt"], row["status"], escape(row["sentence"] or ""))
        console.print(table)
    table = table_of(
        "Borough", "As of", "Version", "Entries", "Issued", right=["Version", "Entries"], title="Current lists"
    )
    for slug, issued in rows["lists"].items():
        table.add_row(
            slug, issued["as_of"], str(issued["version"]), str(issued["entries_in_all"]), issued["issued_at"][:16]
        )
    console.print(table)
    for alerts in rows["moved"].values():
        more = f" And {len(alerts) - 1} more: 'loda model drift'." if len(alerts) > 1 else ""
        console.print(f"Moved since training: {escape(alerts[0])}{more}", soft_wrap=True)


def list_heading(issued: PublishedList) -> dict[str, Any]:
    """Which list it is and what it was made from."""
    return {
        "borough": issued.borough,
        "list": issued.id,
        "as_of": issued.as_of.isoformat(),
        "version": issued.version,
        "issued_at": issued.issued_at.isoformat(),
        "model": issued.model_id,
        "capacity": issued.capacity,
        "expected_hits": round(issued.expected_hits, 1),
        "entries_in_all": issued.rows,
        "files": issued.files,
        "note": "Each entry is a lead to check, not a finding.",
    }


def list_rows(entries: Sequence[ListEntry]) -> list[dict[str, Any]]:
    """Entries as plain data, UPRN first."""
    return [
        {
            "uprn": e.uprn,
            "rank": e.rank,
            "address": e.address,
            "ward": e.ward,
            "probability": round(e.probability, 4),
            "reasons": list(e.reasons),
            "licence_needed": e.licence_needed,
            "licence_status": e.licence_status,
            "licence_why": e.licence_why,
        }
        for e in entries
    ]


def print_list(issued: PublishedList, rows: list[dict[str, Any]]) -> None:
    """A borough's list, for people."""
    name = registry.borough(issued.borough).name
    console.print(
        f"[bold]{name}[/bold]: likely unlicensed HMOs as of {issued.as_of:%d %B %Y} (list version {issued.version}, "
        f"model {issued.model_id}). About {issued.expected_hits:.0f} hits are expected in {issued.capacity} visits. "
        "Each entry is a lead to check, not a finding.",
        soft_wrap=True,
    )
    for row in rows:
        needed = row["licence_needed"].replace("_", " ")
        # Beside falling probabilities an entry that was drawn at random would be told at a glance.
        chance = "" if issued.control_frame else f"  probability {row['probability']:.2f}"
        console.print(
            f"\n{row['rank']:>4}  [bold]{escape(row['address'])}[/bold]  UPRN {row['uprn']}{chance}\n"
            f"      licence: {escape(row['licence_status'])}; would need: {needed}",
            soft_wrap=True,
        )
        for reason in row["reasons"]:
            console.print(f"      - {escape(reason)}", soft_wrap=True)


def find_receipt(drop: str) -> dict[str, Any]:
    """The receipt of a drop, by its name or the file's path.

    Raises:
        NotFound: there is no such drop, or it is not finished.
    """
    need_ledger()
    with transaction() as session:
        found = session.scalars(
            sa.select(Drop).where(sa.or_(Drop.id == drop, Drop.path == drop)).order_by(Drop.received_at.desc())
        ).first()
    if found is None:
        raise NotFound(f"There is no drop '{drop}'; 'loda status' names those there are.")
    if found.receipt is None and "deleted" in found.hashes:
        raise NotFound(f"The receipt of drop {found.id} is not kept any more. {found.sentence}")
    if found.receipt is None:
        raise NotFound(f"Drop {found.id} is {found.status}; its receipt is written when a night has finished with it.")
    return dict(found.receipt)


def print_doctor(found: Sequence[Finding]) -> None:
    """`loda doctor`, for people."""
    for finding in found:
        mark = "[green]ok  [/green]" if finding.ok else "[red]MEND[/red]"
        console.print(f"{mark} {finding.check:<22} {escape(finding.sentence)}", soft_wrap=True)


def model_rows() -> list[dict[str, Any]]:
    """Every model, newest first."""
    need_ledger()
    with transaction() as session:
        found = session.scalars(sa.select(ModelVersion).order_by(ModelVersion.trained_at.desc())).all()
    return [
        {
            "model": m.id,
            "status": m.status,
            "as_of": m.as_of.isoformat(),
            "trained_at": m.trained_at.isoformat(),
            "promoted_by": m.promoted_by,
            "reason": m.promotion_reason,
            "metrics": m.metrics,
        }
        for m in found
    ]


def print_models(rows: list[dict[str, Any]]) -> None:
    """`loda model list`, for people."""
    table = table_of("Model", "Status", "As of", "Promoted by", "Reason")
    for row in rows:
        table.add_row(
            row["model"], row["status"], row["as_of"], escape(row["promoted_by"] or "-"), escape(row["reason"] or "-")
        )
    console.print(table)


def print_tonight(top: int) -> None:
    """The end of a night, for people: receipts in short, the top of each list, where everything lies."""
    from pipelines.ranking import current_list

    need_ledger()
    with transaction() as session:
        drops = session.scalars(sa.select(Drop).order_by(Drop.borough, Drop.dataset, Drop.received_at)).all()
        standing = sa.select(PublishedList.borough).where(PublishedList.withdrawn_at.is_(None))
        listed = sorted(set(session.scalars(standing)))
    for slug in sorted({drop.borough for drop in drops}):
        mine = [drop for drop in drops if drop.borough == slug]
        rows_in, accepted, quarantined = (
            sum(getattr(d, f) for d in mine) for f in ("rows_in", "accepted", "quarantined")
        )
        states = {
            state: sum(d.status == state for d in mine)
            for state in ("accepted", "superseded", "held", "refused", "duplicate")
        }
        told = ", ".join(f"{number} {state}" for state, number in states.items() if number)
        console.rule(f"[bold]{escape(slug)}[/bold]", align="left")
        console.print(
            f"{len(mine)} receipts: {told}. Rows in {rows_in:,} = accepted {accepted:,} + quarantined {quarantined:,}.",
            soft_wrap=True,
        )
        for drop in mine:
            if drop.status in {"held", "refused"}:
                console.print(f"  {drop.status}: {escape(drop.path)}: {escape(drop.sentence or '')}", soft_wrap=True)
        if slug in listed:
            issued, entries = current_list(slug, None)
            print_list(issued, list_rows(entries[:top]))
    base = settings()
    console.rule(align="left")
    console.print(
        f"Lists       {base.published_url}/<borough>/current.json names the newest; 'loda list BOROUGH' prints it\n"
        f"Receipts    beside each drop: {base.bucket_url}/drops/<borough>/<dataset>/<file>.receipt.txt and .json\n"
        f"Quarantine  beside each drop: <file>.quarantine.csv\n"
        f"Ledger      {sa.make_url(base.ledger_url).render_as_string(hide_password=True)}\n"
        f"Lake        {base.lake_url}",
        soft_wrap=True,
    )
