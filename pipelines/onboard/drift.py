"""A layout that drifted: the smallest change to the mapping that is known, said in sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from rapidfuzz import fuzz
from scipy.optimize import linear_sum_assignment

from pipelines.onboard.compose import Draft
from pipelines.onboard.decision import Assignment, Decision
from pipelines.onboard.proposal import ColumnProposal, Proposal, confidence
from pipelines.onboard.words import likeness, read
from schemas import registry
from schemas.contract import Contract
from schemas.mapping import FieldMap
from schemas.mapping import Mapping as Layout
from schemas.registry import mapping_folders
from schemas.strict_yaml import read_yaml

if TYPE_CHECKING:
    from pipelines.extracts.recognise import Recognised

STILL_IT = 0.5
"""A file that has fewer of a layout's headings is not that layout in another form but another one."""
RENAMED = 0.55
SURELY_RENAMED = 0.8


@dataclass(frozen=True)
class Renamed:
    """One heading of the known layout under another name in the file."""

    before: str
    now: str
    likeness: float
    sure: bool


def nearest_layout(recognised: Recognised, layouts: Sequence[Layout], *, of_one_dataset: bool) -> Layout | None:
    """The known layout that a file is nearest to, if it has half of its headings or nearly so under other names.

    Where nobody has said which dataset the file holds, half of the file's own headings must be the layout's too: one
    product writes the same few headings into the extracts of every dataset.
    """
    best: tuple[float, Layout] | None = None
    here = set(recognised.headings)
    for layout in layouts:
        if not of_one_dataset and len(layout.columns & here) < STILL_IT * len(here):
            continue
        alike = len(layout.columns & here) / max(len(layout.columns), 1)
        if alike < STILL_IT and len(layout.needed - here) <= len(here - layout.columns) + 1:
            gone, new = sorted(layout.needed - here), [h for h in recognised.headings if h not in layout.columns]
            alike += (
                0.5
                * sum(max((_alike(g, n) for n in new), default=0.0) > SURELY_RENAMED for g in gone)
                / max(len(layout.columns), 1)
            )
        if alike >= STILL_IT and (best is None or alike > best[0]):
            best = (alike, layout)
    return best[1] if best else None


def _doubted_if_twice(column: ColumnProposal, headings: Sequence[str]) -> ColumnProposal:
    """A heading that stands twice is told apart by order alone, and nobody says that the order has stayed."""
    base = re.sub(r" \(\d{1,3}\)$", "", column.column)
    if f"{base} (2)" not in headings:
        return column
    evidence = f"{column.evidence} Unsure: '{base}' stands more than once, and their order may have changed."
    return replace(column, sure=False, confidence=min(column.confidence, 0.45), evidence=evidence)


def change_of(recognised: Recognised, layout: Layout, made: Assignment, draft: Draft, borough: str) -> Proposal:
    """The proposal that changes a known layout as little as the file asks for."""
    contract = registry.contract(layout.dataset)
    feeds = _feeds(layout, contract)
    gone = [name for name in sorted(layout.needed, key=_order(layout)) if name not in recognised.headings]
    new = [name for name in recognised.headings if name not in layout.columns]
    renamed = _renamed(gone, new, feeds, made)
    now_called = {r.before: r.now for r in renamed}
    lost = [name for name in gone if name not in now_called]
    added = [name for name in new if name not in now_called.values()]
    decisions = {made.profiles[d.column].name: d for d in made.decisions}
    fields, missing = _fields(layout, now_called, lost, contract)
    ignore = {now_called.get(name, name): reason for name, reason in layout.ignore.items() if name not in lost}
    columns = [_column(name, layout, feeds, renamed, decisions[name], contract) for name in recognised.headings]
    sentences = [_told_renamed(r, feeds, decisions[r.now], contract) for r in renamed]
    for name in added:
        sentence, column = _take_in(name, decisions[name], fields, ignore, draft, contract)
        sentences.append(sentence)
        columns = [column if c.column == name else c for c in columns]
    columns = [_doubted_if_twice(column, recognised.headings) for column in columns]
    sentences += [_told_lost(name, feeds, fields, contract) for name in lost]
    sentences += _told_shape(recognised, layout)
    if not sentences:
        sentences = ["The headings are the same; only their order or the file around them has changed."]
    content = _content(recognised, layout, fields, ignore, draft)
    if content.get("known_since", {}).get("after", "") not in {*fields, ""}:
        del content["known_since"]
    fed_anew = {d.field for d in decisions.values() if made.profiles[d.column].name in added}
    return Proposal(
        borough, layout.dataset, 0.99, f"It is the layout '{layout.name}' with changes.", tuple(columns), content,
        (), tuple(missing), tuple(sentences), tuple(recognised.notes), layout.system, None,
        dict(draft.remarks), {}, {n: c for n, c in draft.open_codes.items() if n in fed_anew},
    )  # fmt: skip


def _feeds(layout: Layout, contract: Contract) -> dict[str, str | None]:
    feeds: dict[str, str | None] = dict.fromkeys(layout.ignore)
    for target in reversed(contract.fields):
        how = layout.fields.get(target.name)
        feeds |= dict.fromkeys(how.sources if how is not None else (), target.name)
    return feeds


def _order(layout: Layout) -> Any:
    names = [column for how in layout.fields.values() for column in how.sources] + list(layout.ignore)
    return lambda name: names.index(name) if name in names else len(names)


def _alike(before: str, now: str) -> float:
    """How alike two headings are, by their words and by their letters."""
    one, two = read(before), read(now)
    letters = fuzz.ratio(before.casefold(), now.casefold()) / 100
    return max(likeness(one, two), 0.9 * letters if letters > 0.75 else 0.0)


def _renamed(
    gone: Sequence[str], new: Sequence[str], feeds: Mapping[str, str | None], made: Assignment
) -> list[Renamed]:
    """Which new heading stands for which that is gone: by the words, and by what the values would feed."""
    if not gone or not new:
        return []
    decisions = {made.profiles[d.column].name: d for d in made.decisions}
    scores = np.zeros((len(gone), len(new)))
    for row, before in enumerate(gone):
        for place, now in enumerate(new):
            decision = decisions[now]
            same_field = decision.field is not None and decision.field == feeds[before]
            both_ignored = decision.field is None and feeds[before] is None
            score = max(_alike(before, now), (0.9 if decision.sure else 0.65) if same_field else 0.0)
            fits = _still_fits(made, decision, feeds[before])
            if both_ignored:
                score = max(score, 0.3)
            scores[row, place] = score if fits else score * 0.4
    rows, places = linear_sum_assignment(-scores)
    found = []
    for row, place in zip(rows, places, strict=True):
        score = float(scores[row, place])
        if score < RENAMED:
            continue
        others = max([*np.delete(scores[row], place), *np.delete(scores[:, place], row), 0.0])
        decision = decisions[new[place]]
        agreed = decision.field == feeds[gone[row]] or decision.field is None
        sure = score >= SURELY_RENAMED and others < score - 0.15 and agreed
        found.append(Renamed(gone[row], new[place], score, sure))
    return found


def _still_fits(made: Assignment, decision: Decision, name: str | None) -> bool:
    """Whether the values of a column could be those of a field."""
    if name is None:
        return True
    found = made.fits.get((decision.column, name))
    return found is None or found.blank or found.share >= 0.5


def _fields(
    layout: Layout, now_called: Mapping[str, str], lost: Sequence[str], contract: Contract
) -> tuple[dict[str, Any], list[str]]:
    fields: dict[str, Any] = {}
    missing = []
    for name, how in layout.fields.items():
        there = [now_called.get(column, column) for column in how.sources if column not in lost]
        if how.sources and not there:
            if name in contract.required:
                missing.append(_gone_required(how, contract.by_name[name].title))
            continue
        fields[name] = _field(how, there)
    for name in [n for n, how in layout.fields.items() if how.after is not None and how.after not in fields]:
        fields.pop(name, None)
    return fields, missing


def _gone_required(how: FieldMap, title: str) -> str:
    columns = " and ".join(f"'{column}'" for column in how.sources)
    return (
        f"The column {columns} is gone; it fed '{title}', and no row can be used without that. "
        "Ask the borough to export it again."
    )


def _field(how: FieldMap, columns: Sequence[str]) -> Any:
    said: dict[str, Any] = how.model_dump(mode="json", exclude_unset=True, exclude={"column", "columns"})
    if how.constant is not None:
        return said
    if len(columns) == 1 and not said.get("join"):
        return {"column": columns[0], **said} if said else columns[0]
    if len(columns) == 1:
        said.pop("join")
        return {"column": columns[0], **said} if said else columns[0]
    return {"columns": list(columns), **said}


def _column(
    name: str,
    layout: Layout,
    feeds: Mapping[str, str | None],
    renamed: Sequence[Renamed],
    decision: Decision,
    contract: Contract,
) -> ColumnProposal:
    change = next((r for r in renamed if r.now == name), None)
    before = change.before if change else name
    target = feeds.get(before)
    privacy = contract.by_name[target].privacy if target else decision.privacy
    reason = layout.ignore.get(before, "") if target is None else ""
    if change is None:
        return ColumnProposal(name, target, 0.99, f"As in the layout '{layout.name}'.", True, privacy, reason)
    evidence = f"It stands for '{change.before}' of the layout '{layout.name}'. {decision.evidence}"
    return ColumnProposal(
        name, target, confidence(change.likeness, sure=change.sure), evidence, change.sure, privacy, reason
    )


def _take_in(
    name: str, decision: Decision, fields: dict[str, Any], ignore: dict[str, str], draft: Draft, contract: Contract
) -> tuple[str, ColumnProposal]:
    """A column that is new: it feeds a field that has no source yet, or is ignored."""
    target = decision.field
    if target is not None and target not in fields and target in draft.fields:
        fields[target] = draft.fields[target]
        title = contract.by_name[target].title
        column = ColumnProposal(
            name, target, confidence(decision.strength, sure=decision.sure), decision.evidence, decision.sure,
            contract.by_name[target].privacy,
        )  # fmt: skip
        return f"The column '{name}' is new and feeds '{title}', which had no source.", column
    reason = decision.reason or "new; what it would feed has a source already"
    ignore[name] = reason
    sure = decision.sure and decision.field is None
    column = ColumnProposal(
        name, None, confidence(decision.strength, sure=sure), decision.evidence, sure, decision.privacy, reason
    )  # fmt: skip
    return f"The column '{name}' is new and is ignored: {reason}.", column


def _told_renamed(renamed: Renamed, feeds: Mapping[str, str | None], decision: Decision, contract: Contract) -> str:
    target = feeds[renamed.before]
    what = f"'{contract.by_name[target].title}'" if target else "an ignored column"
    doubt = "" if renamed.sure else " This is not certain."
    return f"The heading '{renamed.before}' ({what}) is now '{renamed.now}'. {decision.evidence}{doubt}"


def _told_lost(name: str, feeds: Mapping[str, str | None], fields: Mapping[str, Any], contract: Contract) -> str:
    target = feeds.get(name)
    if target is None:
        return f"The column '{name}', which was ignored, is gone."
    if target in fields:
        return f"The column '{name}' is gone; '{contract.by_name[target].title}' is made of what is left."
    return f"The column '{name}' is gone; '{contract.by_name[target].title}' stays blank."


def _told_shape(recognised: Recognised, layout: Layout) -> list[str]:
    before, now = layout.shape.model_dump(), recognised.shape.model_dump()
    said = {
        "header_row": "The headings stand in row {now}; they stood in row {before}.",
        "delimiter": "The cells are separated by {now!r}; it was {before!r}.",
        "encoding": "The text is written as {now}; it was {before}.",
        "sheet": "The rows stand on the sheet {now!r}; it was {before!r}.",
        "format": "The file is {now}; it was {before}.",
    }
    return [text.format(now=now[key], before=before[key]) for key, text in said.items() if now[key] != before[key]]


def _content(
    recognised: Recognised, layout: Layout, fields: dict[str, Any], ignore: dict[str, str], draft: Draft
) -> dict[str, Any]:
    """The known layout's own file with the change in it; a preset that it extends stays extended where it still can."""
    whole = layout.model_dump(mode="json", exclude_unset=True)
    content = {
        key: whole[key]
        for key in ("source", "extract_date", "dates", "blanks", "patches", "implied", "known_since", "files")
        if whole.get(key)
    }
    general = read_yaml(registry.FOLDER / "mappings" / "general.yaml") or {}
    content = {key: value for key, value in content.items() if value != general.get(key)}
    shape = recognised.shape.model_dump(mode="json", exclude_defaults=True)
    content |= {"shape": shape} if shape else {}
    needs_dates = any(name in draft.fields for name in fields) and not content.get("dates")
    if needs_dates and draft.dates:
        content["dates"] = draft.dates
    own = _own_content(layout)
    if own is None or "extends" not in own:
        return {**content, "fields": fields, **({"ignore": ignore} if ignore else {})}
    return _extended(own, layout, content, fields, ignore)


def _own_content(layout: Layout) -> dict[str, Any] | None:
    """The file that a layout was read from, if it still says the same."""
    for folder in reversed(mapping_folders()):
        path = folder / layout.borough / f"{layout.name}.yaml"
        if path.exists():
            found: dict[str, Any] = read_yaml(path) or {}
            return found if registry.read_mapping(path).hash == layout.hash else None
    return None


def _extended(
    own: Mapping[str, Any],
    layout: Layout,
    content: dict[str, Any],
    fields: Mapping[str, Any],
    ignore: Mapping[str, str],
) -> dict[str, Any]:
    """A mapping that goes on extending its preset: only what differs from it is said."""
    made: dict[str, Any] = {"extends": own["extends"]}
    made |= {key: content[key] for key in ("shape", "extract_date", "dates", "source") if key in content}
    before = {name: how.model_dump(mode="json", exclude_unset=True) for name, how in layout.fields.items()}
    changed: dict[str, Any] = {**(own.get("fields") or {})}
    for name, how in fields.items():
        plain = {"column": how} if isinstance(how, str) else how
        if plain != before.get(name):
            changed[name] = {key: value for key, value in plain.items() if before.get(name, {}).get(key) != value}
            if "column" in plain and "columns" in before.get(name, {}):
                changed[name] = {**changed[name], "columns": None}
    changed |= {name: None for name in before if name not in fields}
    if changed:
        made["fields"] = changed
    differs: dict[str, Any] = {name: reason for name, reason in ignore.items() if name not in layout.ignore}
    differs |= {name: None for name in layout.ignore if name not in ignore}
    differs = {**(own.get("ignore") or {}), **differs}
    if differs:
        made["ignore"] = differs
    if own.get("known_since") or "known_since" in own:
        made["known_since"] = own["known_since"]
    elif layout.known_since is not None and layout.known_since.after not in fields:
        made["known_since"] = None
    return made
