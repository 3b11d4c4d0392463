"""The page of settings, made from the classes that read them and from what `.env.example` adds to their sentences.

`python -m pipelines.cli.settings_page > docs/configuration.md` writes it anew; a test holds it to the code.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import annotated_types
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from pipelines.core.settings import Settings
from review.settings import ReviewSettings

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"

KINDS: dict[str, type[BaseSettings]] = {"The platform": Settings, "The officers' pages": ReviewSettings}
"""Every class of settings by its heading."""

BY_MACHINE = {"LODA_WORKERS": "number of processors", "LODA_REVIEW_WORKERS": "2, or 1 where there is one processor"}
"""Defaults that differ from machine to machine, in words."""

INTRODUCTION = """# Configuration

Every setting, made from the code that reads it: change the classes and write this page anew with
`python -m pipelines.cli.settings_page > docs/configuration.md` (`make docs` does); a test holds it to them.

A setting is a variable of the environment or a line of `.env` in the folder where a command is started; the environment
wins. An empty value changes nothing. `<home>` is the value of `LODA_HOME`. `loda doctor` names a variable under `LODA_`
that is no setting, and says whether everything that the settings lead to can be reached. A value that cannot be used
stops a command with exit code 78 and a sentence that names the setting, never its value. Secrets belong in a secrets
store, which passes them in the environment; `.env` is for one machine and never committed.
"""


def name_of(kind: type[BaseSettings], field: str) -> str:
    """The variable that sets a field."""
    return f"{kind.model_config.get('env_prefix', '')}{field.upper()}"


def page() -> str:
    """The page as Markdown, the same on every machine."""
    added = _described(EXAMPLE.read_text(encoding="utf-8"))
    parts = [INTRODUCTION]
    for heading, kind in KINDS.items():
        parts.append(f"## {heading}\n\n| setting | what it is | may be | default |\n| --- | --- | --- | --- |")
        for field, info in kind.model_fields.items():
            name = name_of(kind, field)
            what = _plain(added.get(name) or info.description or "")
            parts.append(f"| `{name}` | {what} | {_may_be(info)} | {_default(name, info)} |")
        parts.append("")
    return "\n".join(parts)


def _described(example: str) -> dict[str, str]:
    """What the example says of each setting; it begins with the class's own sentence, as a test of both holds."""
    found = {}
    for block in example.split("\n\n"):
        *words, last = [line.removeprefix("# ") for line in block.strip().splitlines()] or [""]
        if named := re.match(r"(LODA_[A-Z_]+)=", last):
            found[named.group(1)] = " ".join(words)
    return found


def _plain(text: str) -> str:
    """Text for a cell of a table; a page named in it becomes a link."""
    escaped = re.sub(r"(?<!`)<([a-z ]+)>(?!`)", r"`<\1>`", text.replace("|", "\\|"))
    return re.sub(r"docs/([a-z-]+\.md)", r"[\1](\1)", escaped)


def _may_be(info: FieldInfo) -> str:
    named = str(info.annotation)
    kinds = {"SecretStr": "secret", "bool": "true, false", "int": "whole number", "float": "number", "Path": "folder"}
    kind = next((words for mark, words in kinds.items() if mark in named), "text")
    bounds = [
        *(_bound("over", item.gt) for item in info.metadata if isinstance(item, annotated_types.Gt)),
        *(_bound("from", item.ge) for item in info.metadata if isinstance(item, annotated_types.Ge)),
        *(_bound("to", item.le) for item in info.metadata if isinstance(item, annotated_types.Le)),
    ]
    return " ".join([kind, *bounds])


def _bound(word: str, value: Any) -> str:
    return f"{word} {value}"


def _default(name: str, info: FieldInfo) -> str:
    if name in BY_MACHINE:
        return BY_MACHINE[name]
    value = info.default
    if value is None or str(value) in {"", "."}:
        return "empty"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    sys.stdout.write(page())
