"""What is known about headings: the contracts, `schemas/headings.yaml`, and every mapping of the other boroughs."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pipelines.onboard.words import Heading, content, lexicon, likeness, read, spare_words
from schemas import registry
from schemas.contract import Privacy
from schemas.strict_yaml import read_yaml

OUTRIGHT, LEARNED, MAYBE, DIVIDED = 1.0, 0.97, 0.78, 0.7
"""How much a phrase counts: that says a field outright; that other boroughs' mappings agree on; that only may mean it;
on which the mappings differ."""

Source = Literal["contract", "words", "mapping"]


@dataclass(frozen=True)
class Phrase:
    """One way of saying a field, or that no field is meant (`field` is None, `reason` says why)."""

    heading: Heading
    field: str | None
    weight: float
    source: Source = "words"
    reason: str = ""
    privacy: str = "none"


@dataclass(frozen=True)
class Said:
    """What a heading says about one field: how alike, by which phrase, and words that are left over."""

    score: float
    phrase: Phrase
    spare: frozenset[str]

    @property
    def outright(self) -> bool:
        """Whether every word is understood and means the field without a doubt."""
        return self.phrase.weight >= LEARNED and not self.spare and self.score >= 0.8


@dataclass(frozen=True)
class Ignored:
    """Why no field wants a heading. `decided` by a word that is enough; `holds` is what is expected under it."""

    score: float
    reason: str
    privacy: Privacy
    decided: bool = False
    holds: frozenset[str] = frozenset()


@dataclass
class Knowledge:
    """All that is known, ready to be asked; some boroughs and systems may be left out to test it fairly.

    `exact` is what other boroughs' mappings made of a heading, by dataset and the heading's
    words; `codes` what they made of a code, by field.
    """

    phrases: dict[str, list[Phrase]] = field(default_factory=dict)
    exact: dict[str, dict[tuple[str, ...], Counter[str]]] = field(default_factory=dict)
    reasons: dict[str, dict[tuple[str, ...], str]] = field(default_factory=dict)
    codes: dict[str, dict[str, Counter[str]]] = field(default_factory=dict)
    days_known_after: dict[str, Counter[tuple[str, int]]] = field(default_factory=dict)
    presets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    _said: dict[tuple[str, Heading], dict[str, Said]] = field(default_factory=dict, repr=False)
    _ignored: dict[tuple[str, tuple[str, ...]], Ignored | None] = field(default_factory=dict, repr=False)
    _by_word: dict[str, dict[str, list[Phrase]]] = field(default_factory=dict, repr=False)

    def says(self, heading: Heading, dataset: str) -> dict[str, Said]:
        """What a heading says about each field of a dataset; fields it says nothing about are left out."""
        key = (dataset, heading)
        if key not in self._said:
            self._said[key] = _says(self._sharing_a_word(heading, dataset), heading)
        return self._said[key]

    def _sharing_a_word(self, heading: Heading, dataset: str) -> Iterable[Phrase]:
        if dataset not in self._by_word:
            index: dict[str, list[Phrase]] = defaultdict(list)
            for phrase in self.phrases[dataset]:
                for word in phrase.heading.set:
                    index[word].append(phrase)
            self._by_word[dataset] = index
        found = (phrase for word in heading.set for phrase in self._by_word[dataset].get(word, ()))
        return {id(phrase): phrase for phrase in found}.values()

    def others(self, heading: Heading, dataset: str) -> Counter[str]:
        """What other boroughs' mappings made of the very heading: fields, or "" for ignored, with how many."""
        return self.exact.get(dataset, {}).get(heading.words, Counter()) if heading.words else Counter()

    def ignored(self, heading: Heading, dataset: str) -> Ignored | None:
        """Why no field of the dataset wants the heading, if that is known."""
        key = (dataset, heading.words)
        if key not in self._ignored:
            self._ignored[key] = _ignored(heading, dataset)
        return self._ignored[key]


def _ignored(heading: Heading, dataset: str) -> Ignored | None:
    best: Ignored | None = None
    for rule in _ignore_rules():
        if dataset in rule.unless or (rule.only and dataset not in rule.only):
            continue
        if rule.words & set(heading.words) and not rule.without & set(heading.words):
            score, decided = 0.92, True
        else:
            score, decided = max((likeness(heading, p) for p in rule.means), default=0.0), False
        if score > (best.score if best else 0.55):
            best = Ignored(score, rule.reason, rule.privacy, decided, rule.holds)
    return best


def _says(phrases: Iterable[Phrase], heading: Heading) -> dict[str, Said]:
    found: dict[str, Said] = {}
    for phrase in phrases:
        alike = likeness(heading, phrase.heading)
        if alike < 0.3 or phrase.field is None:
            continue
        score = alike * phrase.weight
        if phrase.field not in found or score > found[phrase.field].score:
            found[phrase.field] = Said(score, phrase, spare_words(heading, phrase.heading))
    return found


@dataclass(frozen=True)
class _IgnoreRule:
    reason: str
    privacy: Privacy
    words: frozenset[str]
    without: frozenset[str]
    means: tuple[Heading, ...]
    unless: frozenset[str]
    only: frozenset[str]
    holds: frozenset[str]


@lru_cache(maxsize=1)
def _ignore_rules() -> tuple[_IgnoreRule, ...]:
    rules: Any = content()["ignore"]
    return tuple(
        _IgnoreRule(
            rule["reason"],
            rule["privacy"],
            frozenset(rule.get("words", ())),
            frozenset(rule.get("without", ())),
            tuple(h for h in map(read, rule.get("means", ())) if len(h.words) > 1 or set(h.words) - lexicon().light),
            frozenset(rule.get("unless", ())),
            frozenset(rule.get("only", ())),
            frozenset(rule.get("holds", ())),
        )
        for rule in rules
    )


@lru_cache(maxsize=64)
def element_phrases(kind: str) -> dict[str, tuple[Heading, ...]]:
    """Ways of saying each piece of an `address` or a `name`."""
    raw: Any = content()["elements"]
    return {element: tuple(read(str(text)) for text in texts) for element, texts in raw[kind].items()}


def parties(dataset: str) -> dict[str, dict[str, Any]]:
    """Which field of a dataset holds which party's name and address."""
    raw: Any = content()["parties"]
    found: dict[str, dict[str, Any]] = raw.get(dataset, {})
    return found


def knowledge(without_boroughs: Iterable[str] = (), without_systems: Iterable[str] = ()) -> Knowledge:
    """Everything known today, mappings that were written a minute ago included."""
    left_out, systems = frozenset(without_boroughs), frozenset(without_systems)
    files = [
        (path, path.stat().st_mtime_ns)
        for folder in registry.mapping_folders()
        for path in sorted(folder.glob("**/*.yaml"))
        if path.parent.name not in left_out
        and not (path.parent.parent.name == "systems" and path.parent.name in systems)
    ]
    return _knowledge(tuple(files))


@lru_cache(maxsize=64)
def _knowledge(files: tuple[tuple[Path, int], ...]) -> Knowledge:
    known = Knowledge({dataset: list(_own_phrases(dataset)) for dataset in registry.contracts()})
    exact: dict[str, dict[tuple[str, ...], Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    codes: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    after: dict[str, Counter[tuple[str, int]]] = defaultdict(Counter)
    for path, _ in files:
        dataset = path.name.split(".")[0]
        if dataset not in registry.contracts():
            continue
        raw = read_yaml(path)
        if not isinstance(raw, Mapping):
            continue
        if path.parent.parent.name == "systems":
            known.presets[(path.parent.name, dataset)] = dict(raw)
        _learn(raw, dataset, exact[dataset], codes)
        for column, reason in (raw.get("ignore") or {}).items():
            heading = read(str(column))
            if heading.words and reason:
                known.reasons.setdefault(dataset, {})[heading.words] = str(reason)
        since = raw.get("known_since")
        if isinstance(since, Mapping):
            after[dataset][(str(since["after"]), int(since.get("days", 0)))] += 1
    known.exact, known.codes, known.days_known_after = dict(exact), dict(codes), dict(after)
    for dataset, headings in known.exact.items():
        unclear = {phrase.heading.words for phrase in known.phrases[dataset] if phrase.weight == MAYBE}
        known.phrases[dataset] += _learned_phrases(headings, unclear)
    return known


def _own_phrases(dataset: str) -> Iterable[Phrase]:
    contract = registry.contract(dataset)
    fields: Any = content()["fields"]
    elements: Any = content()["elements"]
    element_ways = elements["address"]
    for target in contract.fields:
        yield Phrase(read(target.name.replace("_", " ")), target.name, OUTRIGHT, "contract")
        for text in element_ways.get(target.name, ()) if dataset == "gazetteer" else ():
            yield Phrase(read(str(text)), target.name, OUTRIGHT)
        yield Phrase(
            read(target.title), target.name, OUTRIGHT if len(read(target.title).words) > 1 else 0.9, "contract"
        )
        for section in ("any", dataset):
            ways = fields.get(section, {}).get(target.name)
            if ways is None:
                continue
            for weight, texts in ((OUTRIGHT, ways.get("means", ())), (MAYBE, ways.get("may_mean", ()))):
                for text in texts:
                    yield Phrase(read(str(text)), target.name, weight)


def _learn(
    raw: Mapping[str, Any],
    dataset: str,
    exact: dict[tuple[str, ...], Counter[str]],
    codes: dict[str, dict[str, Counter[str]]],
) -> None:
    """Take in one mapping: headings that feed a field alone, headings that are ignored, and codes."""
    columns: dict[str, str] = {}
    for name, how in (raw.get("fields") or {}).items():
        if isinstance(how, str):
            columns.setdefault(how, name)
        elif isinstance(how, Mapping):
            if isinstance(how.get("column"), str) and "after" not in how:
                columns.setdefault(how["column"], name)
            for code, value in (how.get("values") or {}).items():
                codes[name][" ".join(str(code).split()).casefold()][str(value)] += 1
    for column, reason in (raw.get("ignore") or {}).items():
        if reason is not None and not re.search("never filled|same in every row", str(reason)):
            columns.setdefault(str(column), "")
    for column, name in columns.items():
        heading = read(column)
        if heading.words and not heading.unknown and heading.again == 1 and not looks_like_value(column):
            exact[heading.words][name] += 1


def _learned_phrases(
    headings: Mapping[tuple[str, ...], Counter[str]], unclear: Collection[tuple[str, ...]]
) -> Iterable[Phrase]:
    for words, counted in headings.items():
        for name in counted:
            if name:
                # What may mean several things is not settled by a single borough's use of it.
                settled = len(counted) == 1 and (words not in unclear or counted.total() > 1)
                weight = LEARNED if settled else DIVIDED
                yield Phrase(Heading(" ".join(words), words), name, weight, "mapping")


def looks_like_value(text: str) -> bool:
    """Whether a heading is rather a cell that slipped up: a postcode, a number, a date."""
    return bool(
        re.fullmatch(r"(?i)\s*[a-z]{1,2}\d[a-z\d]?(?:\s*\d[a-z]{2})?\s*", text)
        or re.fullmatch(r"[\s\d.,/£:-]+", text)
        or re.fullmatch(r"(?i)\s*\d{1,2}[-/ ](?:\d{1,2}|[a-z]{3,9})[-/ ]\d{2,4}.*", text)
    ) and not re.fullmatch(r"(?i)\s*(?:s|pt|l|x|y|h)\d{1,3}\s*", text)


def roles_in(heading: Heading) -> frozenset[str]:
    """Parties that a heading names."""
    return frozenset(heading.words) & lexicon().roles
