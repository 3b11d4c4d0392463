"""A proposed mapping as YAML for people: every field with the evidence for it, what is in doubt marked UNSURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from schemas import registry

if TYPE_CHECKING:
    from pipelines.onboard.proposal import ColumnProposal, Proposal

WIDE = 100_000


def as_yaml(proposal: Proposal) -> str:
    """The whole file."""
    return "\n".join(_lines(proposal)) + "\n"


def _lines(proposal: Proposal) -> Iterator[str]:
    content = proposal.mapping
    place = registry.boroughs().get(proposal.borough)
    name = place.name if place is not None else proposal.borough
    yield f"# {name}: {registry.contract(proposal.dataset).title}. Proposed by 'loda onboard'; edit it as you like."
    yield "# Lines marked UNSURE want a look; each says what is not certain."
    for sentence in (*proposal.missing, *proposal.changes):
        yield f"# {_one_line(sentence)}"
    for key in ("extends", "source"):
        if key in content:
            yield f"{key}: {_flow(content[key])}"
    if content.get("shape"):
        yield f"shape: {_flow(content['shape'])}"
    if content.get("dates"):
        if "dates" in proposal.unsure:
            yield from (f"# UNSURE: {_one_line(sentence)}" for sentence in proposal.unsure["dates"])
        yield f"dates: {_flow(content['dates'])}"
    yield from _filled(content, ("blanks", "extract_date", "optional"))
    yield from _columns(proposal)
    yield from _filled(content, ("patches", "implied", "files"))
    if "known_since" in content:
        if content["known_since"]:
            yield "# Rows count as known so many days after that date, as in other boroughs' mappings."
        yield f"known_since: {_flow(content['known_since'])}"


def _filled(content: Mapping[str, Any], keys: Sequence[str]) -> Iterator[str]:
    for key in keys:
        if content.get(key):
            yield f"{key}: {_flow(content[key])}"


def _columns(proposal: Proposal) -> Iterator[str]:
    """What each column feeds, and why the others are ignored."""
    content = proposal.mapping
    by_field: dict[str | None, list[ColumnProposal]] = {}
    for column in proposal.columns:
        by_field.setdefault(column.field, []).append(column)
    if content.get("fields"):
        yield "fields:"
        for name, how in content["fields"].items():
            yield from _field(proposal, name, how, by_field.get(name, ()))
    if content.get("ignore"):
        yield "ignore:"
        doubts = {column.column: column for column in proposal.columns if not column.sure}
        for heading, reason in content["ignore"].items():
            if heading in doubts:
                yield f"  # UNSURE: {_one_line(doubts[heading].evidence)}"
            yield f"  {_key(heading)}: {_flow(reason)}"


def _field(proposal: Proposal, name: str, how: Any, columns: Sequence[ColumnProposal]) -> Iterator[str]:
    for column in columns:
        mark = "" if column.sure else "UNSURE: "
        shown = f"{column.column}: " if len(columns) > 1 else ""
        yield f"  # {mark}{_one_line(shown + column.evidence)}"
    if name in proposal.remarks:
        yield f"  # {_one_line(proposal.remarks[name])}"
    for sentence in proposal.unsure.get(name, ()):
        yield f"  # UNSURE: {_one_line(sentence)}"
    if isinstance(how, Mapping) and how.get("values"):
        yield f"  {name}:"
        for key, value in how.items():
            if key != "values":
                yield f"    {key}: {_flow(value)}"
        yield "    values:"
        for code, meaning in how["values"].items():
            yield f"      {_key(code)}: {_flow(meaning)}"
        for code in proposal.open_codes.get(name, ()):
            yield f"      # UNSURE: {_key(code)}: what does it mean?"
        return
    yield f"  {name}: {_flow(how)}"
    for code in proposal.open_codes.get(name, ()):
        yield f"  # UNSURE: the code {_key(code)} is not known; say under 'values' what it means"


def _flow(value: Any) -> str:
    """A value on one line."""
    text: str = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=WIDE)
    return text.removesuffix("...\n").strip()


def _key(text: str) -> str:
    return _flow(str(text))


def _one_line(text: str) -> str:
    return " ".join(text.split())
