"""The documentation: every page is in the index, every link leads somewhere, every command exists, no other host."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.main import get_command

from pipelines.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
OUTSIDE = re.compile(r"^(?:https?:)?//", re.I)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "video": "src", "object": "data"}
FETCHED_LINKS = {"stylesheet", "icon", "preload", "preconnect", "dns-prefetch", "modulepreload", "manifest"}
"""What a browser asks for by itself; `next`, `search` and the like it does not."""


class _Fetched(HTMLParser):
    """Addresses that a browser asks for by itself when it shows a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if address := given.get(FETCHED.get(tag, "")):
            self.found.append(address)
        if tag == "link" and FETCHED_LINKS & set((given.get("rel") or "").split()):
            self.found.append(given.get("href") or "")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, made with every warning as an error, as `make docs` makes them."""
    out = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", "docs", str(out)]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return out


def test_every_page_is_made_and_reached_from_the_index(built: Path) -> None:
    pages = {path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")}
    made = {path.relative_to(built).with_suffix("") for path in built.rglob("*.html")}
    assert len(pages) > 20
    assert pages <= made
    index = (built / "index.html").read_text(encoding="utf-8")
    assert [str(page) for page in pages if page.name != "index" and f'href="{page}.html"' not in index] == []


def test_no_page_asks_another_host_for_anything(built: Path) -> None:
    asked = []
    for path in built.rglob("*.html"):
        parser = _Fetched()
        parser.feed(path.read_text(encoding="utf-8"))
        assert parser.found
        asked += [f"{path.name}: {address}" for address in parser.found if OUTSIDE.match(address)]
    for path in built.rglob("*.css"):
        styles = path.read_text(encoding="utf-8")
        asked += [f"{path.name}: {u}" for u in re.findall(r"url\(\s*['\"]?([^'\")]+)", styles) if OUTSIDE.match(u)]
        asked += [f"{path.name}: {u}" for u in re.findall(r"@import\s+['\"]([^'\"]+)", styles) if OUTSIDE.match(u)]
    assert asked == []


def test_a_broken_anchor_fails_the_making_of_the_pages(tmp_path: Path) -> None:
    """That the check can fail: a link to a heading that is not there."""
    (tmp_path / "conf.py").write_text((DOCS / "conf.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "index.md").write_text("# One\n\n[two](#not-there) and [three](not-there.md#x)\n", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-n", "-q", "-b", "html", ".", "out"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode != 0
    assert "not-there" in made.stderr


def _anchors(text: str) -> set[str]:
    """Anchors of a page's headings, as code hosts make them."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_links_of_the_front_pages_lead_somewhere(name: str) -> None:
    links = [link for link in LINK.findall((ROOT / name).read_text(encoding="utf-8")) if not OUTSIDE.match(link)]
    assert links
    broken = []
    for link in links:
        path, _, anchor = link.partition("#")
        target = ROOT / path if path else ROOT / name
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text(encoding="utf-8"))):
            broken.append(link)
    assert broken == []


def _commands(text: str) -> list[list[str]]:
    """Calls of `loda` in a page's code, as words."""
    spans = re.findall(r"`(loda [^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    blocks = "\n".join(re.findall(r"^```(?:console|sh|bash)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    lines = re.findall(r"^(?:\$ )?(loda .+)$", blocks.replace("\\\n", " "), re.MULTILINE)
    whole = [re.sub(r"'[^']*'|\"[^\"]*\"", "TEXT", call).split("#")[0] for call in spans + lines]
    return [part.split() for call in whole for part in re.split(r"&&|\||;", call) if part.strip().startswith("loda ")]


def _fault(words: list[str]) -> str | None:
    """What of a call does not exist, or None: a command, or an option of it."""
    command = get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands") and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    if hasattr(command, "commands") and rest and re.fullmatch("[a-z][a-z-]*", rest[0]) and words[1] != "link":
        return f"{' '.join(words)}: no such command"
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for group in getattr(command, "commands", {}).values():
        known |= {option for parameter in group.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.split("=")[0] for word in rest if word.startswith("--")} - {"--help"}
    return f"{' '.join(words)}: no {sorted(given - known)}" if given - known else None


def test_every_command_in_the_pages_exists_with_its_options() -> None:
    calls = [call for path in [*DOCS.rglob("*.md"), ROOT / "README.md"] for call in _commands(path.read_text("utf-8"))]
    assert len(calls) > 60
    assert [fault for call in calls if (fault := _fault(call))] == []
    assert _fault(["loda", "stattus"])
    assert _fault(["loda", "gate", "release", "DROP", "--whom", "A"])


def test_the_picture_can_be_heard_and_is_readable_on_a_telephone() -> None:
    for path in (DOCS / "pictures").glob("*.svg"):
        picture = ElementTree.parse(path).getroot()  # noqa: S314 - our own file
        named = {child.get("id"): child.text for child in picture if child.tag.endswith(("title", "desc"))}
        assert picture.get("role") == "img"
        assert all(named[key] for key in (picture.get("aria-labelledby") or "").split())
        width = float((picture.get("viewBox") or "").split()[2])
        sizes = [float(text.get("font-size", "0")) for text in picture.iter() if text.tag.endswith("}text")]
        assert sizes
        assert min(sizes) * min(1.0, 360 / width) >= 12, "letters of less than 12 pixels at 360"


def test_every_test_that_the_threat_model_names_is_there() -> None:
    named = set(re.findall(r"`(tests/[^`]+\.py)`", (DOCS / "threat-model.md").read_text(encoding="utf-8")))
    assert len(named) > 12
    assert [name for name in named if not (ROOT / name).exists()] == []
