"""Headings as words: cut, spelled out and brought to one way of saying it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from rapidfuzz import fuzz, process

from schemas.registry import FOLDER
from schemas.strict_yaml import read_yaml

LONGEST_WORD = 24
TYPO_FROM = 5
SHORTENED_FROM = 3
"""Letters of a word without its vowels that are enough to know it by."""
TYPO_LIKENESS = 83
SHORT = 3
TWO_LETTERS = frozenset(
    [
        "no",
        "of",
        "to",
        "in",
        "on",
        "by",
        "or",
        "at",
        "as",
        "dt",
        "id",
        "ap",
        "hh",
        "sc",
        "wc",
        "cd",
        "pc",
        "nm",
        "ref",
        "la",
        "hb",
        "ct",
        "lh",
    ]
)


NUMBER_WORDS = frozenset({"no", "num", "number", "numbers", "nbr", "nr"})


@dataclass(frozen=True)
class Heading:
    """A heading as its words, each brought to one way of saying it; `unknown` are those that nobody listed.

    `number` is the digit in it (`Address 2`), `again` the occurrence of a repeated heading (`Address (2)`),
    `counted` says that it speaks of a number of things ("Number of units").
    """

    text: str
    words: tuple[str, ...]
    unknown: frozenset[str] = frozenset()
    number: int | None = None
    again: int = 1
    counted: bool = False

    @cached_property
    def set(self) -> frozenset[str]:
        """The words without their order."""
        return frozenset(self.words)


@dataclass(frozen=True)
class Lexicon:
    """The words of `schemas/headings.yaml`: ways of writing → word, phrases → word, and what kind each word is."""

    single: Mapping[str, str]
    several: Mapping[tuple[str, ...], str]
    alike: Mapping[tuple[str, ...], str]
    fillers: frozenset[str]
    light: frozenset[str]
    asides: frozenset[str]
    roles: frozenset[str]
    countable: frozenset[str]
    vocabulary: frozenset[str] = field(repr=False)
    longest: int = 5

    def weight(self, word: str) -> float:
        """How much a word decides: a party most, a light word hardly."""
        if word.isdecimal():
            return 0.15
        if word in self.light:
            return 0.3
        return 1.6 if word in self.roles else 1.0


@lru_cache(maxsize=1)
def content() -> dict[str, object]:
    """What stands in `schemas/headings.yaml`."""
    found: dict[str, object] = read_yaml(FOLDER / "headings.yaml")
    return found


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The words, read once."""
    raw = content()
    table: dict[str, list[str]] = raw["words"]  # type: ignore[assignment] # the file's own shape
    single: dict[str, str] = {}
    several: dict[tuple[str, ...], str] = {}
    alike: dict[tuple[str, ...], str] = {}
    for word, others in table.items():
        single[word] = word
        for other in (str(text).lower() for text in others):
            parts = tuple(re.findall(r"[a-z]+|\d+", other))
            if len(parts) == 1:
                single.setdefault(parts[0], word)
            else:
                several.setdefault(parts, word)
    for parts, word in several.items():  # "sub building" is meant by "sub bldg" as well
        alike.setdefault(tuple(single.get(part, part) for part in parts), word)
    named = {name: frozenset(raw[name]) for name in ("fillers", "light", "asides", "roles", "countable")}  # type: ignore[call-overload]
    loose = {part for parts in several for part in parts}
    known = set(single) | loose | named["fillers"] | set(_phrase_words(raw)) | {"to", "from"}
    vocabulary = frozenset(word for word in known if word.isalpha())
    return Lexicon(single, several, alike, **named, vocabulary=vocabulary, longest=max(map(len, several), default=2))


def _phrase_words(raw: object) -> Iterable[str]:
    if isinstance(raw, str):
        yield from re.findall(r"[a-z]+", raw.lower())
    elif isinstance(raw, Mapping):
        for value in raw.values():
            yield from _phrase_words(value)
    elif isinstance(raw, list):
        for value in raw:
            yield from _phrase_words(value)


YES_OR_NO = r"(?i)[(\[]?\s*\b(?:y|yes)\s*/\s*(?:n|no)\b\s*[)\]]?"
"""How headings say what may be answered, which is nothing about what is asked."""


@lru_cache(maxsize=20_000)
def read(text: str) -> Heading:
    """A heading as words."""
    plain = re.sub(YES_OR_NO, " ", text.strip()).strip()
    again = 1
    repeated = re.fullmatch(r"(.*\S) \((\d{1,3})\)", plain)
    if repeated:
        plain, again = repeated.group(1), int(repeated.group(2))
    if re.fullmatch(r"\(column \d+\)", text.strip()):
        return Heading(text, ())
    raw = _spell(_without_asides(plain))
    digits = [int(word) for word in raw if word.isdecimal() and len(word) <= 2]
    words, unknown = _settle(raw)
    counted = bool({"total", "count", "cnt", "qty", "how"} & set(raw)) or _counts(raw)
    return Heading(text, words, unknown, digits[-1] if digits else None, again, counted)


def _without_asides(text: str) -> str:
    """A heading without brackets that say nothing more: "UPRN (if known)"."""
    for aside in re.findall(r"[(\[]([^)\]]*)[)\]]", text):
        words = set(re.findall(r"[a-z]+", aside.lower()))
        if words and words <= lexicon().asides | lexicon().fillers:
            text = re.sub(r"[(\[]" + re.escape(aside) + r"[)\]]", " ", text)
    return text


def _counts(raw: list[str]) -> bool:
    """Whether a number word was one that counts: "number of", "no households"."""
    known = lexicon()
    numbers = [n for n, word in enumerate(raw) if word in NUMBER_WORDS]
    return any(_longest(raw, n, known)[0] == 1 and not _alone(raw, n, known) for n in numbers)


def _spell(text: str) -> list[str]:
    """The plain words in a heading, run-together ones cut apart, misspelt ones put right."""
    text = text.replace("’", "'").replace("'s ", " ").replace("'", "")
    text = text.replace("#", " number ").replace("%", " percent ").replace("&", " and ").replace("£", " fee ")
    words: list[str] = []
    for chunk in re.findall(r"[^\W\d_]+|\d+", text):
        words += [chunk] if chunk.isdecimal() else _cut(chunk)
    return words


@lru_cache(maxsize=20_000)
def _cut(chunk: str) -> list[str]:
    known = lexicon()
    whole = chunk.lower()
    if whole in known.vocabulary:
        return [whole]
    inside = {m.start() for m in re.finditer(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", chunk)}
    edges = frozenset({0, len(whole)} | inside)
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, len(whole) + 1):
        starts = {0, *range(max(0, end - LONGEST_WORD), end)}
        options = [_step(best[start], whole[start:end], start, end, edges) for start in sorted(starts)]
        best.append(min(options, key=lambda option: option[0]))
    return best[-1][1]


def _step(
    before: tuple[float, list[str]], piece: str, start: int, end: int, edges: frozenset[int]
) -> tuple[float, list[str]]:
    """The price of one more word: listed ones are cheap, short ones dearer, strange ones only between edges."""
    cost, pieces = before
    crossed = sum(1 for edge in edges if start < edge < end)
    word = piece
    if piece in lexicon().vocabulary and (len(piece) > 2 or piece in TWO_LETTERS):
        price = 1.0 if len(piece) > SHORT else 2.2
    elif start in edges and end in edges:
        put_right = _misspelt(piece) or _shortened(piece)
        word, price = (put_right, 3.4) if put_right else (piece, 3.0 + 1.1 * len(piece))
    elif len(piece) > TYPO_FROM and not crossed and (put_right := _misspelt(piece)):
        word, price = put_right, 4.6
    else:
        return float("inf"), pieces
    return cost + price + 1.5 * crossed - (0.3 if end in edges else 0.0), [*pieces, word]


@lru_cache(maxsize=50_000)
def _misspelt(word: str) -> str | None:
    """The listed word that this one is a slip of, if there is one."""
    if len(word) < TYPO_FROM:
        return None
    choices = _by_first().get(word[0], [])
    found = process.extractOne(word, choices, scorer=fuzz.ratio, score_cutoff=TYPO_LIKENESS)
    if found is None or abs(len(found[0]) - len(word)) > 2:
        return None
    return str(found[0])


@lru_cache(maxsize=50_000)
def _shortened(word: str) -> str | None:
    """The listed word whose vowels were left out, if it is the only one: "crtd" is created, "flrs" floors."""
    if len(word) < SHORTENED_FROM or re.search("[aeiou]", word[1:]):
        return None
    found = _by_bones().get(_bones(word), [])
    means = {lexicon().single.get(listed) or lexicon().single.get(_one(listed), listed) for listed in found}
    return found[0] if len(means) == 1 else None


def _bones(word: str) -> str:
    """A word without the vowels behind its first letter and without doubled letters."""
    return re.sub(r"(.)\1", r"\1", word[0] + re.sub("[aeiou]", "", word[1:]))


@lru_cache(maxsize=1)
def _by_bones() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in sorted(lexicon().vocabulary):
        if len(word) > SHORTENED_FROM and _bones(word) != word:
            found.setdefault(_bones(word), []).append(word)
    return found


@lru_cache(maxsize=1)
def _by_first() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in sorted(lexicon().vocabulary):
        if len(word) >= TYPO_FROM:
            found.setdefault(word[0], []).append(word)
    return found


def _settle(raw: list[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Words that mean the same become one, several that mean one thing become one, small words go."""
    known = lexicon()
    words: list[str] = []
    unknown: set[str] = set()
    place = 0
    while place < len(raw):
        length, word = _longest(raw, place, known)
        if length == 1:
            word = _alone(raw, place, known)
        if word and word not in known.fillers:
            if word not in words:
                words.append(word)
            if length == 1 and not word.isdecimal() and raw[place] not in known.vocabulary:
                unknown.add(word)
        place += length
    return tuple(words), frozenset(unknown)


def _longest(raw: list[str], place: int, known: Lexicon) -> tuple[int, str]:
    for length in range(min(known.longest, len(raw) - place), 1, -1):
        written = tuple(raw[place : place + length])
        found = known.several.get(written) or known.alike.get(tuple(known.single.get(w, w) for w in written))
        if found is not None:
            return length, found
    return 1, ""


def _alone(raw: list[str], place: int, known: Lexicon) -> str:
    text = raw[place]
    if text == "to":
        after = raw[place + 1] if place + 1 < len(raw) else "date"
        return "end" if (place > 0 and after in {"date", "dt"}) or len(raw) == 1 else ""
    if text in known.fillers:
        return ""
    word = known.single.get(text) or known.single.get(_one(text)) or _one(text)
    if word == "ref" and text in NUMBER_WORDS:
        following = [known.single.get(w) or known.single.get(_one(w)) or w for w in raw[place + 1 : place + 4]]
        following = [w for w in following if w not in known.fillers]
        counted = bool(following) and (
            following[0] in known.countable or _first_of(following, known) in known.countable
        )
        if counted or (place + 1 < len(raw) and raw[place + 1] == "of"):
            return ""
    return word


def _first_of(words: list[str], known: Lexicon) -> str:
    """The first word that is not a mere qualifier, as `persons` in 'number permitted persons'."""
    return next((w for w in words if w not in {"max", "min", "actual", "current", "declared", "live", "private"}), "")


def _one(word: str) -> str:
    """A plural as its singular, where only the singular is listed."""
    if len(word) > SHORT and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def likeness(heading: Heading, phrase: Heading) -> float:
    """How alike two headings are, 0 to 1: the share of what decides that both hold; another party is a clear no."""
    here, there = heading.set, phrase.set
    if here.isdisjoint(there):
        return 0.0
    known = lexicon()
    both = sum(known.weight(word) for word in here & there)
    spare = sum(_spare_weight(w, heading, known) for w in here - there)
    missing = sum(known.weight(word) for word in there - here)
    alike = 2 * both / (2 * both + spare + missing)
    if (here & known.roles) != (there & known.roles):
        alike *= 0.35
    return alike


def _spare_weight(word: str, heading: Heading, known: Lexicon) -> float:
    if len(word) == 1:
        return 0.3  # a stray letter before or behind, as in LSurname
    return known.weight(word) * (1.2 if word in heading.unknown else 1.0)


def spare_words(heading: Heading, phrase: Heading) -> frozenset[str]:
    """Words of a heading that decide and that a phrase does not account for."""
    known = lexicon()
    return frozenset(
        w for w in set(heading.words) - set(phrase.words) if w not in known.light and not (w.isdecimal() and len(w) < 3)
    )
