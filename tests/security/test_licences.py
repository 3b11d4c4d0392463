"""Every package of the environment is under a licence that councils may use it by."""

from __future__ import annotations

import re
from importlib.metadata import PackageMetadata, distributions
from pathlib import Path

import yaml

LICENCES = Path(__file__).resolve().parents[2] / "ops" / "licences.yaml"
OURS = "loda"


def _said(about: PackageMetadata) -> str:
    """The licence as a package names it: as an expression, by classifiers, or in a word."""
    if about.get("License-Expression"):
        return str(about["License-Expression"])
    classifiers = [line.rsplit(" :: ", 1)[1] for line in about.get_all("Classifier") or [] if "License ::" in line]
    named = [name for name in classifiers if name != "OSI Approved"]
    return " AND ".join(named) or (about.get("License") or "").strip().split("\n")[0]


def _allowed(said: str, allowed: set[str]) -> bool:
    """Whether all that is asked at once, of at least one choice, is allowed."""
    choices = said.split(" OR ") if " OR " in said else [said]
    return any(all(one.strip() in allowed for one in re.split(r" AND |, ", choice)) for choice in choices)


def test_every_package_is_under_a_licence_that_is_allowed() -> None:
    known = yaml.safe_load(LICENCES.read_text(encoding="utf-8"))
    allowed, looked_at = set(known["allowed"]), known["looked_at"]
    names = {found.metadata["Name"].lower().replace("_", "-"): _said(found.metadata) for found in distributions()}
    others = {name: said for name, said in names.items() if not _allowed(said, allowed) and name != OURS}
    assert {name: said for name, said in others.items() if name not in looked_at} == {}
    assert set(looked_at) <= set(others), "what is no longer there, or needs no looking at, is off the list"


def test_a_licence_asks_all_of_what_is_joined_and_one_of_what_is_offered() -> None:
    allowed = {"MIT", "Apache-2.0"}
    assert _allowed("MIT AND Apache-2.0", allowed)
    assert _allowed("GPL-3.0 OR MIT", allowed)
    assert not _allowed("MIT AND GPL-3.0", allowed)
    assert not _allowed("", allowed)
