"""`loda agreements`, `loda audit`, `loda retention`, `loda erase`, `loda key`: for whoever answers for lawfulness."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.cli.console import need_ledger
from pipelines.core.errors import NotFound

agreements_app = typer.Typer(
    help="Who may use which data, for what and until when.", invoke_without_command=True, rich_markup_mode=None
)
audit_app = typer.Typer(help="The log of reads, releases, exports and deletions.", no_args_is_help=True)
key_app = typer.Typer(help="The key of the tokens of direct identifiers.", no_args_is_help=True)
app.add_typer(agreements_app, name="agreements")
app.add_typer(audit_app, name="audit")
app.add_typer(key_app, name="key")

FIELDS_SHOWN = 4

Who = Annotated[str, typer.Option(help="The person who answers for it.")]
Reason = Annotated[str, typer.Option(help="Why; recorded for good, so name nobody in it.")]


@agreements_app.callback(epilog="Example: loda agreements --borough camden")
def agreements(
    context: typer.Context,
    borough: Annotated[str, typer.Option(help="What holds for one borough, dataset by dataset.")] = "",
    as_json: Json = False,
) -> None:
    """Every agreement, and what of the data that are kept none of them covers, with the reason."""
    if context.invoked_subcommand is not None:
        return
    from pipelines.governance import overview

    with sentences():
        found = overview.of_borough(borough) if borough else overview.of_all()
        if as_json:
            print_json(found)
        else:
            typer.echo("\n".join(overview.as_lines(found)))


@agreements_app.command("apply", epilog="Example: loda agreements apply")
def apply(as_json: Json = False) -> None:
    """Bring all that is kept and made in line with the agreements of today, as each night does first."""
    from pipelines import night

    with sentences():
        night.prepare()
        result = night.agreements()
        if as_json:
            print_json({"outcome": result.outcome, "sentence": result.sentence, **result.counts})
        else:
            typer.echo(result.sentence)


@agreements_app.command(
    "withdraw",
    epilog="Example: loda agreements withdraw london-hmo --borough camden --dataset electoral --who 'B Example, Camden'"
    " --reason 'letter of 3 October'",
)
def withdraw(
    agreement: str,
    who: Who,
    reason: Reason,
    borough: Annotated[
        list[str] | None, typer.Option(help="Only of this borough; may be given more than once.")
    ] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Only this dataset; may be given more than once.")] = None,
) -> None:
    """Take data out of an agreement from today on: nothing of them may be used, and the next night deletes them."""
    from pipelines.governance import withdrawing
    from pipelines.governance.interruption import upgrade_between_nights

    with sentences():
        upgrade_between_nights()
        path, others = withdrawing.withdraw(agreement, who, reason, tuple(borough or ()), tuple(dataset or ()))
        typer.echo(f"Written to {path}. The next night deletes what no other agreement covers; 'loda agreements apply'")
        typer.echo("does it now. The extracts in the borough's own folder are the borough's to delete.")
        for other in others:
            typer.echo(other)


@audit_app.command("verify", epilog="Example: loda audit verify --anchor 1204:9f2c...")
def audit_verify(
    anchor: Annotated[
        list[str] | None,
        typer.Option(help="NUMBER:HASH that was printed or kept earlier; may be given more than once."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Whether any line of the log was changed, is missing, or was cut off. Exit code 1 if so."""
    from pipelines.core.ledger.engine import transaction
    from pipelines.governance import audit

    with sentences():
        need_ledger()
        own = audit.read_anchor()
        anchors = [audit.parse_anchor(text) for text in anchor or []] + ([own] if own else [])
        with transaction() as session:
            found = audit.check(session, anchors)
        if as_json:
            print_json(
                {
                    "sound": found.sound,
                    "lines": found.lines,
                    "line": found.line,
                    "anchor": str(found.head),
                    "sentence": found.sentence,
                }
            )
        else:
            typer.echo(found.sentence)
            if found.sound:
                typer.echo(f"Anchor {found.head}: keep it somewhere else and give it to --anchor next time.")
        if not found.sound:
            raise typer.Exit(1)


@audit_app.command("list", epilog="Example: loda audit list --about camden --last 20")
def audit_list(
    about: Annotated[str, typer.Option(help="Lines that speak of this borough, dataset, drop, list or model.")] = "",
    what: Annotated[str, typer.Option(help="Lines of this act, as 'read' or 'rotate key'.")] = "",
    last: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: Json = False,
) -> None:
    """Who did what when: reads of personal data, releases, exports, deletions, erasures, rotations of the key."""
    from pipelines.core.ledger.engine import transaction
    from pipelines.governance import audit

    with sentences():
        need_ledger()
        with transaction() as session:
            found = audit.lines(session, about=about or None, what=what or None, last=last)
        if as_json:
            print_json([_line(event) for event in found])
            return
        for event in found:
            typer.echo(f"{event.number:>7}  {event.at:%Y-%m-%d %H:%M}  {event.who}: {event.what}, {event.about}")
            typer.echo(f"         {_told(event.details)}")
        typer.echo(f"{len(found)} lines.")


def _line(event: Any) -> dict[str, Any]:
    names = ("number", "at", "who", "what", "about", "details", "hash")
    return {name: getattr(event, name) for name in names}


def _told(details: dict[str, Any]) -> str:
    """The details of a line for people: what was read, or names and figures."""
    if "reads" in details:
        reads = [f"{r['rows']:,} rows of {r['table']} ({_fields(r['fields'])})" for r in details["reads"]]
        return f"by {details.get('by', '?')}: {'; '.join(reads)}"
    return "; ".join(f"{name.replace('_', ' ')} {_plainly(value)}" for name, value in details.items())


def _plainly(value: Any) -> str:
    return ", ".join(_plainly(item) for item in value) if isinstance(value, list) else str(value)


def _fields(fields: list[str] | str) -> str:
    if fields == "all":
        return "all fields"
    more = len(fields) - FIELDS_SHOWN
    return ", ".join(fields[:FIELDS_SHOWN]) + (f" and {more} more" if more > 0 else "")


@app.command(epilog="Example: loda retention --dry-run")
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what is past its retention, delete nothing.")] = False,
    prove: Annotated[
        bool, typer.Option("--prove", help="Look again for all that was ever deleted. Exit code 1 if any is left.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Delete what is past the retention of its agreement, in raw bytes, lake, history, ledger, receipts and lists."""
    from pipelines import night
    from pipelines.governance import retention as stage

    with sentences():
        night.prepare()
        if prove:
            looked, left = stage.prove()
            rows = [{"drop": item.drop, "where": item.where, "what": item.what} for item in left]
            told = [f"{item.where}: {item.what} of drop {item.drop}" for item in left]
            head = (
                f"{looked} deleted drops were looked for in raw bytes, intake files, bucket, ledger, lake and history: "
                f"{f'{len(left)} traces are left' if left else 'no trace'}."
            )
            _say({"looked_for": looked, "left": rows}, [head], told, as_json)
            if left:
                raise typer.Exit(1)
        elif dry_run:
            due = stage.due()
            told = [f"drop {drop.id}, finished {drop.finished_at:%d %B %Y}" for drop in due.drops]
            told += [f"list {name}" for name in due.lists]
            head = (
                f"{due.counts['drops']} drops, {due.counts['lists']} lists and {due.counts['decisions']} decisions "
                "about links are past their retention."
            )
            _say({**due.counts, "drop_ids": [d.id for d in due.drops], "list_ids": due.lists}, [head], told, as_json)
        else:
            result = night.retention()
            _say({"outcome": result.outcome, **result.counts}, [result.sentence], [], as_json)


def _say(value: dict[str, Any], lines: list[str], details: list[str], as_json: bool) -> None:
    if as_json:
        print_json(value)
    else:
        typer.echo("\n".join([*lines, *(f"  {line}" for line in details)]))


@app.command(
    epilog="Example: loda erase --subject uprn:100023336956 --who 'B Example' --reason 'request 2026/17' --dry-run"
)
def erase(
    subject: Annotated[str, typer.Option(help="uprn:NUMBER, or 'person': the name is asked for, never given here.")],
    who: Who,
    reason: Reason,
    at: Annotated[str, typer.Option(help="For a person: only at the property with this UPRN.")] = "",
    name_file: Annotated[
        Path | None, typer.Option(help="For a person: file with each way of writing the name on a line.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much stands where, erase nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Erase one person's or one property's records everywhere, so that the next extract does not bring them back.

    A name on the command line would stand in the shell's history, so it is typed when asked for, piped in, or read
    from a file.
    """
    from pipelines import night
    from pipelines.extracts.searching import rows_as_text
    from pipelines.governance import erasure, erasure_search, subjects

    with sentences():
        night.prepare()
        if subject == "person":
            chosen = subjects.person_subject(_names(name_file), at.removeprefix("uprn:") or None)
        else:
            chosen = subjects.property_subject(subject)
        found = erasure_search.find(chosen, rows_as_text)
        if not dry_run:
            erasure.erase(found, who, reason)
            for slug in sorted({name.rsplit("-", 4)[0] for name in found.lists}):
                night.publish_lists(slug)
        if as_json:
            print_json({"erased": not dry_run, "boroughs": found.boroughs, **found.counts(), "unread": found.unread})
        else:
            typer.echo("\n".join(_erased_lines(found, dry_run=dry_run)))


def _names(path: Path | None) -> list[str]:
    """Spellings of the name: of a file, piped in, or typed until an empty line."""
    if path is not None:
        if not path.exists():
            raise NotFound(f"There is no file {path}.")
        return path.read_text(encoding="utf-8").splitlines()
    if not sys.stdin.isatty():
        return sys.stdin.read().splitlines()
    typer.echo("Each way of writing the name on a line, an empty line at the end:", err=True)
    return list(iter(lambda: sys.stdin.readline().strip(), ""))


def _erased_lines(found: Any, *, dry_run: bool) -> list[str]:
    said = "Would be erased" if dry_run else "Erased"
    where = ", ".join(found.boroughs) or "no borough"
    lines = [f"{said} of one {found.subject.kind}, in {where}:"]
    lines += [f"  {number:>9,}  {name.replace('_', ' ')}" for name, number in found.counts().items()]
    again = sorted({f"{drop.dataset} of {drop.borough}" for drop in found.drops})
    if again:
        lines.append(f"These cannot be read again until the borough sends them anew: {', '.join(again)}.")
    own = sorted({drop.path for drop in found.drops} | set(found.in_boroughs_folders))
    if own:
        lines.append("Files in the boroughs' own folders are theirs to change; where they still lie there, ask for it:")
        lines += [f"  {path}" for path in own]
    if found.unread:
        lines.append(f"These could not be read, so nobody knows what they hold: {', '.join(found.unread)}.")
    if not dry_run:
        lines.append("The next night makes links, scores and lists anew without it.")
    return lines


@key_app.command("rotate", epilog="Example: loda key rotate --who 'B Example' --reason 'yearly'")
def key_rotate(who: Who, reason: Reason, as_json: Json = False) -> None:
    """Take another key: all tokens are deleted now and made anew by the next night from the extracts that are kept.

    With LODA_PSEUDONYM_KEY, put the new key there first; otherwise a new key file is made and the old key destroyed.
    """
    from pipelines import night
    from pipelines.governance import key_rotation

    with sentences():
        night.prepare()
        made = key_rotation.rotate(who, reason)
        if as_json:
            lost = [list(found) for found in made.without_bytes]
            print_json({"rows": made.rows, "read_again": made.read_again, "without_bytes": lost})
            return
        typer.echo(
            f"The key is another one. Tokens of {made.rows:,} rows were deleted; {made.read_again} extracts are read "
            "again by the next night ('loda run')."
        )
        for borough, dataset, _ in made.without_bytes:
            typer.echo(f"  {dataset} of {borough} stays without names until its next extract: its bytes are gone.")


@key_app.command("check", epilog="Example: loda key check")
def key_check(as_json: Json = False) -> None:
    """Whether the key is there and is the one that tokens were made with. Exit code 78 if not."""
    from pipelines.governance import keys

    with sentences():
        mark = keys.check("pseudonym")
        if mark is None:
            told = "No key was made yet; the first night makes one, or takes LODA_PSEUDONYM_KEY."
        else:
            place = keys.setting("pseudonym")
            where = place if keys.present_in_environment("pseudonym") else str(keys.key_file("pseudonym"))
            told = f"The key in {where} is the one that tokens are made with (fingerprint {mark[:12]})."
        if as_json:
            print_json({"fingerprint": mark, "sentence": told})
        else:
            typer.echo(told)
