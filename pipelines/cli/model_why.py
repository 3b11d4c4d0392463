"""`loda model why`: why one home has its score, for an officer who knows nothing of models."""

from __future__ import annotations

from datetime import date
from textwrap import wrap
from typing import Annotated, Any

import typer

from pipelines.cli.app import Json, print_json, sentences
from pipelines.cli.console import need_ledger
from pipelines.cli.model import model_app
from pipelines.core.errors import LodaError

WIDTH = 100
MOST_RECORDS = 8
EFFECT = {True: "raises", False: "lowers"}


@model_app.command("why", epilog="Example: loda model why camden 100023336956")
def model_why(
    borough: str,
    uprn: Annotated[str, typer.Argument(help="The home, as 'loda list' names it.")],
    as_of: Annotated[
        str, typer.Option(help="Day that the scores must be of, as 2026-09-30; empty means the day they are of.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Why a home has its score: what raises and what lowers it, the records behind it, and the licensing apart.

    'Raises strongly' multiplies the odds by 2.7 or more, 'raises' by 1.5, 'raises a little' by 1.1; 'lowers' divides
    them so. The figures themselves are in --json.
    """
    from models.hmo.why import why
    from pipelines.link.vocabulary import SENTENCES, LinkReason

    with sentences():
        need_ledger()
        found = why(borough, uprn, _day(as_of))
        for record in found["records"]:
            reason = record["link"]["reason"]
            record["link"]["sentence"] = SENTENCES[LinkReason(reason)] if reason else "Why it was tied is not recorded."
        if as_json:
            print_json(found)
        else:
            typer.echo("\n".join(lines(found, hide_chance=_may_be_drawn(found["borough"], uprn))))


def _day(as_of: str) -> date | None:
    try:
        return date.fromisoformat(as_of) if as_of else None
    except ValueError:
        raise LodaError(f"'{as_of}' is not a date; write it as 2026-09-30.") from None


def _may_be_drawn(slug: str, uprn: str) -> bool:
    """Whether the home stands on a list some of whose entries were drawn at random, which nobody who visits is told."""
    from pipelines.core.errors import NotFound
    from pipelines.ranking import current_list

    try:
        issued, entries = current_list(slug)
    except NotFound:
        return False
    return bool(issued.control_frame) and any(entry.uprn == uprn for entry in entries)


def lines(found: dict[str, Any], *, hide_chance: bool = False) -> list[str]:
    """What `models.hmo.why.why` found, in lines of at most `WIDTH` letters."""
    place = " ".join(str(found[name]) for name in ("address", "postcode") if found[name])
    part = f", part of the building {found['building_uprn']}" if found["building_uprn"] else ""
    made = [
        *_wrapped(f"{place}  UPRN {found['uprn']}{part}"),
        *_wrapped(found["note"]),
        "",
        *_guess(found, hide_chance),
    ]
    told = [theme for theme in (*found["raises"], *found["lowers"]) if theme["strength"] != "hardly"]
    for title, raising in (("WHAT MAKES IT LIKELIER", True), ("WHAT MAKES IT LESS LIKELY", False)):
        own = [theme for theme in told if (theme["log_odds"] > 0) is raising]
        made += ["", title, *(line for theme in own for line in _theme(theme))]
        made += [] if own else ["  Nothing that counts."]
    rest = [t["words"] for t in (*found["raises"], *found["lowers"]) if t["strength"] == "hardly"]
    made += ["", *_wrapped(f"Hardly any difference: {'; '.join(rest)}.")] if rest else []
    return [*made, "", *_records(found), "", *_licensing(found)]


def _guess(found: dict[str, Any], hide_chance: bool) -> list[str]:
    """Where the model starts, and where it ends."""
    said = "The model's guess whether this is a house in multiple occupation (HMO), from what was known by "
    said += f"{_in_words(found['as_of'])}. It starts from {_of_100(found['base']['probability'])} in 100, its guess of "
    said += "a home of which nothing is known; what follows moves it up or down."
    end = f"It comes to {_of_100(found['probability'])} in 100."
    if hide_chance:
        end = "What it comes to is not shown for a home that is on the list, see docs/model.md."
    return _wrapped(f"{said} {end}")


def _of_100(probability: float) -> str:
    from models.hmo.why_words import of_100

    return of_100(probability)


def _effect(log_odds: float, strength: str) -> str:
    return "hardly counts" if strength == "hardly" else f"{EFFECT[log_odds > 0]} {strength}".strip()


def _theme(theme: dict[str, Any]) -> list[str]:
    """A theme and those of its features that count; what is unknown for one cause in one line."""
    from models.hmo.why_themes import AMONG, shown

    features = [(f["words"], f["source"] if f["value"] is not None else None, f["log_odds"]) for f in theme["features"]]
    made = [f"  {theme['words']}: {_effect(theme['log_odds'], theme['strength'])}"]
    for told in shown(features, theme["log_odds"]):
        effect = told.effect if told.effect == AMONG else f"{told.effect} {told.strength}".strip()
        source = f" ({told.source})" if told.source is not None else ""
        more = f" (leaves {told.times} things open)" if told.times > 1 else ""
        made += _wrapped(told.words + source + more, f"    {effect:<16}  ", " " * 22)
    return made


def _records(found: dict[str, Any]) -> list[str]:
    """The records by dataset, the newest first, and why they are tied to the home."""
    from models.hmo.why_words import DATASET_WORDS

    made = _wrapped(
        f"RECORDS BEHIND IT, known by {_in_words(found['as_of'])}, each with the borough's own number where it "
        "has one. 'loda link why' says more of how each was tied."
    )
    by_dataset: dict[str, list[dict[str, Any]]] = {}
    for record in found["records"]:
        by_dataset.setdefault(record["dataset"], []).append(record)
    for dataset, records in by_dataset.items():
        made.append(f"  {DATASET_WORDS[dataset]}")
        for record in records[:MOST_RECORDS]:
            of = " (about the building)" if record["of"] == "building" else ""
            number = record["reference"] or f"record {record['record_id']}"
            said = f"{record['what']}{of} [{number}]"
            made += _wrapped(said, f"    {_in_words(record['event_date']):<12} ", " " * 17)
        if len(records) > MOST_RECORDS:
            made.append(f"    and {len(records) - MOST_RECORDS} more: see --json")
        made += [line for tie in _ties(records) for line in _wrapped(tie, "      tied: ", " " * 12)]
    made += [] if by_dataset else ["  None is tied to it."]
    return made + [line for refusal in found["withheld"] for line in _wrapped(f"Not shown: {refusal}", "  ", "  ")]


def _ties(records: list[dict[str, Any]]) -> list[str]:
    """Why records are tied, each reason once with how many there are and how sure the least sure of them is."""
    by_reason: dict[str, list[float]] = {}
    for record in records:
        by_reason.setdefault(record["link"]["sentence"], []).append(record["link"]["probability"])
    made = []
    for sentence, sure in by_reason.items():
        known = [probability for probability in sure if probability is not None]
        said = [f"{len(sure)} of {len(records)} records"] if len(sure) < len(records) else []
        said += [f"{_of_100(min(known))} in 100 sure"] if known else []
        made.append(f"{sentence} ({', '.join(said)})" if said else sentence)
    return made


def _licensing(found: dict[str, Any]) -> list[str]:
    """What the rules and the register say, which is no guess of the model."""
    own = found["licensing"]
    if own is None:
        return _wrapped("LICENCE, by the rules and not by the model: not worked out for this home.")
    said = [own["excluded_why"] or own["needed_why"], f"On the register: {own['status_why'] or own['status']}"]
    said += [f"Still to be found out: {own['missing']}."] if own["missing"] else []
    return _wrapped("LICENCE, by the rules and the register and not by the model: " + " ".join(said))


def _in_words(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
