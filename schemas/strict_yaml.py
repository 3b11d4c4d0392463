"""YAML as everything that is data here is written: safe, read quickly, no key twice."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from pipelines.core.errors import ConfigurationError

_Quick = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The quick loader where it was built."""

DEEPEST = 20
"""Levels of lists and mappings within each other, far more than ours have. In thousands libyaml ends the process."""
MOST_ALIASES = 20
"""A few lines of aliases to aliases are a list of billions to whoever walks through it; ours have none."""
LARGEST = 2 * 1024 * 1024
"""Bytes of a file."""


class _StrictLoader(_Quick):  # type: ignore[misc, valid-type] # chosen when it runs
    """YAML that refuses a key given twice, since the second would silently win."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise ConfigurationError(f"The key {sorted(twice)[0]!r} stands twice{node.start_mark}.")
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


def read_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises:
        ConfigurationError: it is not YAML, gives one key twice, or is built to overwhelm whoever reads it.
    """
    try:
        text = path.read_text(encoding="utf-8")
        if fault := _overwhelms(text):
            raise ConfigurationError(f"{path} {fault}; write it plainly.")
        return yaml.load(text, Loader=_StrictLoader)  # noqa: S506  # nosec B506 # a safe loader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error


def _overwhelms(text: str) -> str | None:
    """What of a text no file of data needs, asked of its events before anything is built of them; else None."""
    if len(text) > LARGEST:
        return f"is longer than {LARGEST:,} letters"
    depth = aliases = 0
    for event in yaml.parse(text, Loader=_Quick):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > DEEPEST:
            return f"has more than {DEEPEST} levels of lists within lists"
        if aliases > MOST_ALIASES:
            return f"has more than {MOST_ALIASES} aliases"
    return None
