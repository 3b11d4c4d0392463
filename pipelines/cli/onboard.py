"""`loda onboard`: a file in a layout that nobody has described becomes a mapping, and is rehearsed with it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from pipelines.cli.app import Json, app, print_json, sentences
from pipelines.cli.console import console, table_of
from pipelines.core.errors import LodaError, NotFound

if TYPE_CHECKING:
    from pipelines.core.ledger.models import Drop
    from pipelines.extracts import Extract
    from pipelines.extracts.recognise import Recognised
    from pipelines.onboard import Answers, Proposal, Question
    from pipelines.rehearsal import Rehearsal

NOT_USABLE = 65
ASKED_AT_MOST = 60
FINDINGS_SHOWN = 12


@app.command(epilog="Example: loda onboard 'HMO register.xlsx' --borough camden --write")
def onboard(
    file: Annotated[str, typer.Argument(help="The extract, or the name of a drop that is held.", show_default=False)],
    borough: Annotated[str, typer.Option(help="Whose extract it is, such as camden.")] = "",
    dataset: Annotated[str, typer.Option(help="What it holds, such as council_tax; recognised where not given.")] = "",
    write: Annotated[bool, typer.Option("--write", help="Save the mapping where the night finds it.")] = False,
    as_json: Json = False,
) -> None:
    """Propose how a file in an unknown layout becomes a dataset, ask what is uncertain, and rehearse it.

    Nothing of the file is stored. On a terminal it asks one question at a time; whatever is not answered stays marked
    UNSURE in the mapping. Exit code 65 where no mapping can be used yet: it says what to ask the borough for.
    """
    with sentences():
        extract, name, borough, dataset = _found(file, borough, dataset)
        work = _Sitting(extract, name, borough, dataset or None)
        if not as_json and _at_a_terminal():
            work.ask()
        rehearsed = work.rehearse()
        written = work.write() if write else None
        if as_json:
            print_json(_plain(work, rehearsed, written))
        else:
            _show(work, rehearsed, written)
        if write and written is None and work.proposal.known_layout is None:
            raise typer.Exit(NOT_USABLE)


def _at_a_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def _found(file: str, borough: str, dataset: str) -> tuple[Extract, str, str, str]:
    """The extract of a file or of a held drop, the file's name, whose it is and what it holds."""
    from pipelines.core.bucket import Folder
    from pipelines.extracts import Extract, raw_extract
    from schemas import registry

    path = Path(file).expanduser()
    if path.is_file():
        if not borough:
            raise LodaError("Say whose extract it is: --borough camden. 'loda status' lists the boroughs.")
        if dataset:
            registry.contract(dataset)
        place = path.absolute()
        extract = Extract(Folder(f"file://{place.parent}"), place.name, place.suffix.lower())
        return extract, place.name, _borough(borough), dataset
    drop = _drop(file)
    if drop is None:
        raise NotFound(f"There is no file '{file}', and no drop of that name; 'loda status' names those that are held.")
    return raw_extract(drop), PurePosixPath(drop.path).name, drop.borough, dataset or drop.dataset


def _borough(text: str) -> str:
    """A borough's slug from how people write it.

    Raises:
        NotFound: there is no such borough.
    """
    from schemas import registry

    slug = "_".join(text.strip().lower().replace("&", "and").replace("-", " ").replace("_", " ").split())
    names = {b.name.lower().replace(" ", "_"): b.slug for b in registry.boroughs().values()}
    if slug in registry.boroughs() or slug in names:
        return names.get(slug, slug)
    raise NotFound(
        f"There is no borough '{text}'{registry.meant(slug, registry.boroughs())}. "
        f"There are {', '.join(registry.boroughs())}. "
        "A new one needs a line in schemas/boroughs.yaml first: its slug, name and GSS code."
    )


def _drop(name: str) -> Drop | None:
    import sqlalchemy as sa

    from pipelines.core.ledger.engine import is_there, transaction
    from pipelines.core.ledger.models import Drop

    if not is_there():
        return None
    with transaction() as session:
        found = sa.select(Drop).where(sa.or_(Drop.id == name, Drop.path == name)).order_by(Drop.received_at.desc())
        return session.scalars(found).first()


class _Sitting:
    """One sitting with one file: what it is, what is proposed, what was answered."""

    def __init__(self, extract: Extract, name: str, borough: str, dataset: str | None) -> None:
        from pipelines.extracts.recognise import recognise
        from pipelines.onboard import Answers

        self.extract, self.name, self.borough, self.dataset = extract, name, borough, dataset
        self.recognised: Recognised = recognise(extract)
        self.answers: Answers = Answers()
        self.proposal: Proposal = self._propose()

    def _propose(self) -> Proposal:
        from pipelines.onboard import known_layouts, propose

        dataset = self.answers.dataset or self.dataset
        return propose(
            self.recognised,
            borough=self.borough,
            dataset=dataset,
            known=known_layouts(self.borough, dataset),
            file_name=self.name,
            answers=self.answers,
        )

    def ask(self) -> None:
        """Ask one question after the other; an empty answer takes the guess, and `?` leaves it marked."""
        left: set[tuple[str, str]] = set()
        for _ in range(ASKED_AT_MOST):
            waiting = [q for q in self.proposal.questions if (q.kind, q.about) not in left]
            if not waiting:
                return
            question = waiting[0]
            answer = _asked(question, len(waiting))
            if answer is None:
                left.add((question.kind, question.about))
                continue
            self.answers = _with(self.answers, question, answer)
            left.add((question.kind, question.about))
            self.proposal = self._propose()

    def rehearse(self) -> Rehearsal | None:
        """What the night would make of the file with the proposed mapping; None where there is none to be used."""
        from pipelines.rehearsal import rehearse

        if not self.proposal.usable:
            return None
        return rehearse(
            self.extract,
            borough=self.borough,
            dataset=self.proposal.dataset,
            mapping=self.proposal.as_mapping(self.layout_path().stem),
            file_name=self.name,
        )

    def layout_path(self) -> Path:
        """Where the mapping would be saved: never over another layout."""
        from pipelines.onboard.saving import layout_path

        return layout_path(self.proposal, self.name)

    def write(self) -> Path | None:
        """Save the mapping where the night finds it, with a line in the audit log if it changes anything."""
        from pipelines.onboard.saving import save

        if not self.proposal.usable or self.proposal.known_layout is not None:
            return None
        path = self.layout_path()
        save(path, self.proposal)
        return path


def _asked(question: Question, left: int) -> str | None:
    """The answer to one question, None where the person does not know."""
    typer.echo(f"\n{question.text}   ({left} to go; Enter takes [{question.guess or 'none'}], ? leaves it marked)")
    for number, (option, meaning) in enumerate(question.options, start=1):
        typer.echo(f"  {number:2d}  {option:<22} {meaning}")
    while True:
        given = str(typer.prompt("Which", default=question.guess or "?")).strip()
        if given in {"?", ""}:
            return None
        if given.isdecimal() and 1 <= int(given) <= len(question.options):
            return question.options[int(given) - 1][0]
        if given in {option for option, _ in question.options}:
            return given
        typer.echo("Give one of the numbers or names above, or ?.")


def _with(answers: Answers, question: Question, answer: str) -> Answers:
    if question.kind == "dataset":
        return replace(answers, dataset=answer)
    if question.kind == "constant":
        return replace(answers, constants={**answers.constants, question.about: answer})
    if question.kind == "dates":
        return replace(answers, day_first=answer == "day")
    if question.kind == "code" and question.field is not None:
        codes = {**answers.codes.get(question.field, {}), question.about: answer}
        return replace(answers, codes={**answers.codes, question.field: codes})
    return replace(answers, columns={**answers.columns, question.about: None if answer == "ignore" else answer})


def _plain(work: _Sitting, rehearsed: Rehearsal | None, written: Path | None) -> dict[str, Any]:
    """Everything for a program."""
    shape, receipt = work.recognised.shape, rehearsed.receipt if rehearsed else None
    rows = receipt["rows_in"] if receipt and receipt["rows_in"] else work.recognised.rows
    return {
        "file": work.name,
        **work.proposal.as_dict(),
        "format": shape.format,
        "encoding": shape.encoding if shape.format == "csv" else None,
        "delimiter": shape.delimiter if shape.format == "csv" else None,
        "sheet": shape.sheet,
        "header_row": shape.header_row,
        "tables": work.recognised.tables,
        "rows": rows,
        "accepted": receipt["accepted"] if receipt else 0,
        "quarantined": receipt["quarantined"] if receipt else rows,
        "usable": work.proposal.usable,
        "rehearsal": {key: receipt[key] for key in ("status", "reason", "sentence")} if receipt else None,
        "why": _findings(receipt) if receipt else list(work.proposal.faults),
        "mapping": str(written) if written else None,
        "mapping_yaml": work.proposal.yaml_text() if work.proposal.known_layout is None else None,
    }


def _findings(receipt: dict[str, Any]) -> list[str]:
    """What the night would have to say about the rows, a line each."""
    return [
        f"{finding.get('rows', 0):,} rows: {finding.get('sentence', finding.get('issue_type', ''))}"
        for finding in receipt.get("findings") or []
    ]


def _show(work: _Sitting, rehearsed: Rehearsal | None, written: Path | None) -> None:
    """Everything for a person."""
    from schemas import registry

    made, shape = work.proposal, work.recognised.shape
    contract = registry.contract(made.dataset)
    sure = "" if made.dataset_confidence >= 0.9 else f" (not certain: {made.dataset_confidence:.0%}; --dataset says it)"
    console.print(
        f"[bold]{escape(work.name)}[/bold] holds {contract.title}{sure}. {escape(made.dataset_evidence)}\n"
        f"{work.recognised.rows:,} rows, {len(made.columns)} columns, headings in row {shape.header_row}, "
        f"{shape.format}{' in ' + shape.encoding if shape.format == 'csv' else ''}.",
        soft_wrap=True,
    )
    for note in (*made.notes, *made.changes):
        console.print(f"  {escape(note)}", soft_wrap=True)
    table = table_of("Column", "becomes", "", "Why")
    for column in made.columns:
        becomes = contract.by_name[column.field].title if column.field else "not used"
        mark = "[green]sure[/green]" if column.sure else "[yellow]UNSURE[/yellow]"
        table.add_row(escape(column.column), becomes, mark, escape(column.evidence))
    console.print(table)
    for sentence in made.missing:
        console.print(f"[red]Missing[/red] {escape(sentence)}", soft_wrap=True)
    if rehearsed is not None:
        _show_rehearsal(rehearsed)
    _show_end(work, written)


def _show_rehearsal(rehearsed: Rehearsal) -> None:
    receipt = rehearsed.receipt
    console.print(
        f"Rehearsal: {receipt['rows_in']:,} rows in = {receipt['accepted']:,} accepted + {receipt['quarantined']:,} "
        f"quarantined. Nothing was stored.",
        soft_wrap=True,
    )
    if receipt["sentence"]:
        console.print(f"  The night would not use it: {escape(receipt['sentence'])}", soft_wrap=True)
    for line in _findings(receipt)[:FINDINGS_SHOWN]:
        console.print(f"  {escape(line)}", soft_wrap=True)


def _show_end(work: _Sitting, written: Path | None) -> None:
    made = work.proposal
    open_ = len(made.questions)
    if made.known_layout is not None:
        console.print("Nothing has to be written: the night reads this layout already.")
    elif not made.usable:
        for sentence in made.faults:
            console.print(f"No mapping can be used yet: {escape(sentence)}", soft_wrap=True)
    elif written is not None:
        console.print(
            f"Saved in {escape(str(written))}. The next night reads files of this layout with it.", soft_wrap=True
        )
    else:
        console.print("Next: the same with --write saves the mapping where the night finds it.")
    if open_ and made.known_layout is None:
        console.print(f"{open_} questions are open; the mapping marks them UNSURE.")
