"""From a recognised file to a proposed mapping. Nothing is read but the file's sample and what the mappings know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from pipelines.core.errors import NotFound
from pipelines.onboard.assign import assign
from pipelines.onboard.compose import Answers, Draft, compose
from pipelines.onboard.datasets import Dataset, recognise_dataset
from pipelines.onboard.decision import Assignment, Decision
from pipelines.onboard.drift import change_of, nearest_layout
from pipelines.onboard.evidence import fit
from pipelines.onboard.headings import Knowledge, knowledge
from pipelines.onboard.profiles import Profile, profile_table
from pipelines.onboard.proposal import ColumnProposal, Proposal, confidence, questions_of
from pipelines.onboard.systems import Preset, fitting_preset, overrides
from schemas import registry
from schemas.mapping import Mapping as Layout
from schemas.registry import FOLDER
from schemas.strict_yaml import read_yaml

if TYPE_CHECKING:
    from pipelines.extracts.recognise import Recognised

BY_LAYOUT = 0.99
HARDLY_KNOWN = 0.3
"""A dataset named with less confidence is a guess, and so is every column read by it."""

NO_ANSWERS = Answers()


def propose(
    recognised: Recognised,
    *,
    borough: str,
    dataset: str | None = None,
    known: Sequence[Layout] | None = None,
    file_name: str = "",
    answers: Answers = NO_ANSWERS,
    knows: Knowledge | None = None,
) -> Proposal:
    """Propose how a file becomes a dataset.

    Args:
        recognised: The file's shape, headings and a sample of its rows.
        borough: Whose file it is.
        dataset: Which dataset it holds; recognised where it is not given.
        known: The borough's layouts. A file that fits one needs no mapping; one that nearly does gets the smallest
            change to it.
        file_name: The file's own name, which may say the dataset and the day.
        answers: What a person has said to earlier questions.
        knows: What is known about headings; everything by default.

    Raises:
        NotFound: there is no such dataset.
    """
    knows = knows or knowledge()
    wanted = answers.dataset or dataset
    if wanted is not None:
        registry.contract(wanted)
    layouts = [layout for layout in known or () if wanted in {None, layout.dataset}]
    fitting = next((m for m in layouts if m.needed <= set(recognised.headings) <= m.columns), None)
    profiles = profile_table(recognised.sample, blanks())
    if fitting is not None:
        return _known(recognised, fitting, borough, profiles, knows)
    nearest = nearest_layout(recognised, layouts, of_one_dataset=wanted is not None)
    preset = None if nearest is not None else fitting_preset(recognised.headings, knows, wanted)
    told = nearest.dataset if nearest is not None else preset.dataset if preset is not None else wanted
    found = _dataset(profiles, told, knows, file_name, recognised.shape.sheet or "", by_layout=told != wanted)
    if wanted is None and nearest is None and preset is None and not found.sure:
        _doubt_the_dataset(found, profiles, knows)
    made = found.assignment
    if preset is not None:
        _as_the_preset_says(made, preset, knows)
    _as_answered(made, answers)
    draft = compose(made, knows, answers, file_name)
    content = _content(recognised, draft, made, preset, file_name)
    if nearest is not None:
        return change_of(recognised, nearest, made, draft, borough)
    columns = _columns(made, draft)
    candidates = _candidates(found) if wanted is None and not found.sure and preset is None else ()
    remarks = dict(draft.remarks)
    return Proposal(
        borough, found.name, found.confidence, found.evidence, columns, content,
        questions_of(columns, draft, found.name, candidates, answers),
        _missing(draft, found.name), (), tuple(_notes(recognised, made, preset)), preset.system if preset else None,
        None, remarks, {name: tuple(told_) for name, told_ in (draft.unsure | _date_doubt(draft)).items()},
        draft.open_codes,
    )  # fmt: skip


def blanks() -> frozenset[str]:
    """Cells that mean "nothing here" for every borough, in small letters."""
    general: Any = read_yaml(FOLDER / "mappings" / "general.yaml") or {}
    return frozenset(str(word).lower() for word in general.get("blanks", ()))


def _dataset(
    profiles: Sequence[Profile], told: str | None, knows: Knowledge, file_name: str, sheet: str, *, by_layout: bool
) -> Dataset:
    if told is None:
        return recognise_dataset(profiles, knows, file_name, sheet)
    why = "Its headings are those of a layout that is known." if by_layout else "It was given."
    return Dataset(told, BY_LAYOUT if by_layout else 1.0, why, None, assign(profiles, told, knows))


def _doubt_the_dataset(found: Dataset, profiles: Sequence[Profile], knows: Knowledge) -> None:
    """As long as the dataset is in doubt, so is every column that the next best dataset would use otherwise."""
    if found.confidence < HARDLY_KNOWN:
        for decision in found.assignment.decisions:
            decision.doubt("which dataset the file holds is not known")
    if found.second is None:
        return
    other = assign(profiles, found.second, knows)
    for mine, theirs in zip(found.assignment.decisions, other.decisions, strict=True):
        if mine.field != theirs.field:
            mine.doubt("which dataset the file holds is not certain")


def _candidates(found: Dataset) -> tuple[tuple[str, str], ...]:
    names = [name for name in (found.name, found.second) if name is not None]
    rest = [name for name in registry.contracts() if name not in names]
    return tuple((name, registry.contract(name).title) for name in (*names, *rest))


def _as_the_preset_says(made: Assignment, preset: Preset, knows: Knowledge) -> None:
    """Columns of a known source system mean what its preset says, unless the values speak against it."""
    contract = registry.contract(made.dataset)
    said = f"The headings are those that {preset.product} exports"
    for decision in made.decisions:
        profile = made.profiles[decision.column]
        if profile.name not in preset.columns:
            if decision.field is not None and decision.field in preset.columns.values():
                decision.field, decision.reason = None, "not known"
                decision.doubt(f"{preset.product} does not export such a column")
            continue
        name = preset.columns[profile.name]
        decision.field, decision.strength, decision.sure, decision.doubts = name, 1.0, True, []
        if name is None:
            decision.reason = str((preset.content.get("ignore") or {}).get(profile.name, "no field wants it"))
            decision.evidence = f"{said}; no field wants this one."
            continue
        found = fit(profile, contract.by_name[name], knows)
        decision.evidence = f"{said}; {found.words}."
        decision.privacy = contract.by_name[name].privacy
        composed = sum(other == name for other in preset.columns.values()) > 1
        if found.against and not composed and contract.by_name[name].codes is None:
            decision.doubt("the values speak against it")


def _as_answered(made: Assignment, answers: Answers) -> None:
    contract = registry.contract(made.dataset)
    for decision in made.decisions:
        heading = made.profiles[decision.column].name
        if heading not in answers.columns:
            continue
        name = answers.columns[heading]
        if name is not None and name not in contract.by_name:
            raise NotFound(f"There is no field '{name}' in {made.dataset}; there are {', '.join(contract.by_name)}.")
        decision.field, decision.strength, decision.sure, decision.doubts = name, 1.0, True, []
        decision.evidence = "A person said so."
        decision.reason = "" if name else "a person said that it is not wanted"
        if name is not None:
            decision.privacy = contract.by_name[name].privacy


def _content(
    recognised: Recognised, draft: Draft, made: Assignment, preset: Preset | None, file_name: str
) -> dict[str, Any]:
    """The content of the mapping's file."""
    content: dict[str, Any] = {}
    shape = recognised.shape.model_dump(mode="json", exclude_defaults=True)
    if shape:
        content["shape"] = shape
    dated = extract_date_in(file_name)
    if dated is not None:
        content["extract_date"] = dated
    ignored = {
        made.profiles[d.column].name: d.reason or "not needed"
        for d in made.decisions
        if d.field is None and d.column not in draft.durations
    }
    if preset is None:
        content |= {"dates": draft.dates} if draft.dates else {}
        content["fields"] = draft.fields
        if ignored:
            content["ignore"] = ignored
        if draft.known_since is not None:
            content["known_since"] = draft.known_since
        return content
    own = overrides(preset, recognised.headings)
    fields = own.pop("fields", {})
    fields |= {name: how for name, how in draft.fields.items() if name not in (preset.content.get("fields") or {})}
    fields |= _more_codes(preset, draft)
    content = {"extends": preset.system} | content | own
    if draft.dates and draft.dates != list(preset.content.get("dates") or ()):
        content["dates"] = draft.dates
    if fields:
        content["fields"] = fields
    new = {name: reason for name, reason in ignored.items() if name in preset.new}
    if new or own.get("ignore"):
        content["ignore"] = {**own.get("ignore", {}), **new}
    draft.missing = [
        n for n in draft.missing if (preset.content.get("fields") or {}).get(n) is None or fields.get(n, "") is None
    ]
    return content


def _more_codes(preset: Preset, draft: Draft) -> dict[str, Any]:
    """Codes that the preset does not list and whose meaning is clear; what it lists stays as it is."""
    more: dict[str, Any] = {}
    for name, how in (preset.content.get("fields") or {}).items():
        mine = draft.fields.get(name)
        if not isinstance(how, Mapping) or "values" not in how or name not in draft.fields:
            continue
        listed = {" ".join(str(code).split()).casefold() for code in how["values"]}
        found = mine.get("values", {}) if isinstance(mine, Mapping) else {}
        added = {code: value for code, value in found.items() if code.casefold() not in listed}
        if added:
            more[name] = {"values": added}
        still = tuple(
            code for code in draft.open_codes.get(name, ()) if " ".join(code.split()).casefold() not in listed
        )
        if still:
            draft.open_codes[name] = still
        elif name in draft.open_codes:
            del draft.open_codes[name]
            draft.unsure.pop(name, None)
    return more


def _columns(made: Assignment, draft: Draft) -> tuple[ColumnProposal, ...]:
    found = []
    contract = registry.contract(made.dataset)
    for decision in made.decisions:
        if decision.column in draft.durations:
            _of_a_length(made, decision, draft)
        doubts = f" Unsure: {'; '.join(decision.doubts)}." if decision.doubts else ""
        found.append(
            ColumnProposal(
                made.profiles[decision.column].name,
                decision.field,
                confidence(decision.strength, sure=decision.sure),
                decision.evidence + doubts,
                decision.sure,
                contract.by_name[decision.field].privacy if decision.field else decision.privacy,
                decision.reason if decision.field is None else "",
                tuple(made.alternatives(decision.column)) if not decision.sure else (),
            )
        )
    return tuple(found)


def _of_a_length(made: Assignment, decision: Decision, draft: Draft) -> None:
    """A column of lengths that stands for the last day."""
    profile = made.profiles[decision.column]
    unit = draft.durations[decision.column]
    spelled = profile.share("duration") >= 0.7 or {"years", "months"} & set(made.headings[decision.column].words)
    few_years = unit == "years" and (profile.high or 99) <= 10
    decision.field, decision.strength, decision.reason = "expiry_date", 0.9, ""
    decision.evidence = f"The heading means a length, here in {unit}; with the first day it gives the last."
    decision.sure = bool(spelled or few_years)
    if not decision.sure:
        decision.doubt("whether it counts years or months is not said")
    if not made.decisions[made.columns_of("commencement_date")[0]].sure:
        decision.doubt("the first day that it counts from is not certain")


def _missing(draft: Draft, dataset: str) -> tuple[str, ...]:
    contract = registry.contract(dataset)
    found = []
    for name in draft.missing:
        target = contract.by_name[name]
        sentence = (
            f"No column holds '{target.title}' ({target.description.rstrip('.')}), and no row can be used without it."
        )
        if target.codes is not None:
            sentence += (
                f" Say what it is for the whole file ({', '.join(target.codes)}), or ask the borough to export it."
            )
        else:
            sentence += " Ask the borough to add that column to the export."
        found.append(sentence)
    return tuple(found)


def _date_doubt(draft: Draft) -> dict[str, list[str]]:
    if not draft.day_month:
        return {}
    return {"dates": ["no value tells day from month; day first is taken, as is usual here"]}


def _notes(recognised: Recognised, made: Assignment, preset: Preset | None) -> list[str]:
    notes = list(recognised.notes)
    if preset is not None:
        notes.append(f"The headings are those of {preset.product}, which other boroughs use; its mapping is extended.")
        if preset.new:
            notes.append(f"{len(preset.new)} columns are new to it.")
    personal = sum(d.privacy in {"direct", "special", "public_register"} for d in made.decisions)
    if personal:
        notes.append(f"{personal} columns hold personal data or may do; nothing of them is shown here.")
    return notes


def _known(
    recognised: Recognised, layout: Layout, borough: str, profiles: Sequence[Profile], knows: Knowledge
) -> Proposal:
    """The proposal for a file that fits one of the borough's own layouts: as that says."""
    contract = registry.contract(layout.dataset)
    feeds: dict[str, str] = {}
    for target in reversed(contract.fields):
        how = layout.fields.get(target.name)
        feeds |= dict.fromkeys(how.sources if how is not None else (), target.name)
    columns = []
    for profile in profiles:
        name = feeds.get(profile.name)
        found = (
            fit(profile, contract.by_name[name], knows).words if name else layout.ignore.get(profile.name, "ignored")
        )
        evidence = f"As in the borough's own layout '{layout.name}'; {found}."
        privacy = contract.by_name[name].privacy if name else "none"
        columns.append(
            ColumnProposal(
                profile.name,
                name,
                BY_LAYOUT,
                evidence,
                True,
                privacy,
                "" if name else layout.ignore.get(profile.name, ""),
            )
        )
    return Proposal(
        borough, layout.dataset, BY_LAYOUT, f"Its headings are those of the borough's layout '{layout.name}'.",
        tuple(columns), {},
        notes=(*recognised.notes, f"The layout is known already as '{layout.name}'; nothing has to be written."),
        system=layout.system, known_layout=layout.name,
    )  # fmt: skip


DATED = (
    (r"(\d{4}-\d{2}-\d{2})", "%Y-%m-%d"), (r"(\d{2}-\d{2}-\d{4})", "%d-%m-%Y"), (r"(\d{2}\.\d{2}\.\d{4})", "%d.%m.%Y"),
    (r"(\d{2}_\d{2}_\d{4})", "%d_%m_%Y"), (r"(\d{4}_\d{2}_\d{2})", "%Y_%m_%d"),
    (r"(20\d{6})(?!\d)", "%Y%m%d"), (r"(?<!\d)(\d{4}20\d{2})(?!\d)", "%d%m%Y"),
    (r"(\d{1,2} [A-Z][a-z]+ \d{4})", "%d %B %Y"), (r"(?<!\d)(\d{6})(?!\d)", "%y%m%d"),
    (r"(?<!\d)(\d{6})(?!\d)", "%d%m%y"),
)  # fmt: skip
NAMES_A_DAY = (2000, 2100)


def extract_date_in(file_name: str) -> dict[str, str] | None:
    """How the day of an extract is read from a file name such as this one; None where it holds none."""
    name = PurePosixPath(file_name).name
    for pattern, form in DATED:
        found = re.search(pattern, name)
        if found is None:
            continue
        try:
            day = datetime.strptime(found.group(1), form)
        except ValueError:
            continue
        if NAMES_A_DAY[0] <= day.year <= NAMES_A_DAY[1]:
            return {"pattern": pattern, "format": form}
    return None
