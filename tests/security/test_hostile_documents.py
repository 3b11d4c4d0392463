"""Documents built to overwhelm or to lead elsewhere: XML of workbooks, archives, YAML of mappings."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from pipelines.core.errors import ConfigurationError, RefusedDrop
from schemas import strict_yaml
from tests.unit.test_workbook import book_of, rows_of

CELL = '<row r="1"><c r="A1"><v>1</v></c></row>'
OUTSIDE = '<!DOCTYPE w [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
PARAMETER = '<!DOCTYPE w [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>'


def rewritten(change: dict[str, bytes], only: str = "") -> bytes:
    """A sound workbook with declarations before some of its parts, or with parts of another content."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book_of(CELL))) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change.get(name, old.read(name)))
    return target.getvalue()


def parts() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(book_of(CELL))) as book:
        return {name: book.read(name) for name in book.namelist()}


def declared(content: bytes, declaration: str) -> bytes:
    """The content with a declaration, behind the line that says that it is XML."""
    text = content.decode()
    head, end, rest = text.partition("?>") if text.startswith("<?xml") else ("", "", text)
    return (head + end + declaration + rest).encode()


SMALL = sorted(name for name in parts() if name.endswith(".rels") or name.endswith("workbook.xml"))


@pytest.mark.parametrize("declaration", [OUTSIDE, PARAMETER], ids=["entity", "parameter"])
@pytest.mark.parametrize("part", SMALL)
def test_a_part_that_names_what_lies_outside_is_refused(part: str, declaration: str) -> None:
    with pytest.raises(RefusedDrop) as refused:
        rows_of(rewritten({part: declared(parts()[part], declaration)}))
    assert refused.value.issue_type == "unreadable_spreadsheet"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_declaration_in_letters_of_two_bytes_is_seen_too(encoding: str) -> None:
    bomb = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10}'>" for n in range(1, 8))
    name = next(part for part in SMALL if part.endswith("workbook.xml"))
    text = declared(parts()[name], f"<!DOCTYPE w [<!ENTITY e0 'x'>{bomb}]>").decode()
    text = text.replace("UTF-8", "UTF-16").replace("utf-8", "UTF-16").replace("</workbook>", "<x>&e7;</x></workbook>")
    with pytest.raises(RefusedDrop) as refused:
        rows_of(rewritten({name: text.encode(encoding)}))
    assert refused.value.issue_type == "unreadable_spreadsheet"


def test_an_entity_in_a_cell_is_never_followed() -> None:
    name = next(part for part, content in parts().items() if b"<v>1</v>" in content)
    cell = declared(parts()[name], OUTSIDE).replace(b"<v>1</v>", b"<v>&e;</v>")
    try:
        found = str(rows_of(rewritten({name: cell})))
    except RefusedDrop:
        return
    assert Path("/etc/hostname").read_text().strip() not in found


def _yaml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mapping.yaml"
    path.write_text(text, encoding="utf-8")
    return path


ALIASES = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{f'*{chr(97 + n)}, ' * 9}x]\n" for n in range(9))
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)}\n  <<: [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(9)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ALIASES, "aliases"),
        (MERGES, "aliases"),
        ("[" * 100_000, "levels"),
        ("- " * 5_000 + "x", "levels"),
        ("? " * 5_000 + "x", "levels"),
        ("{a: " * 5_000, "levels"),
        ("x: '" + "y" * 3_000_000 + "'", "longer"),
        ("x: !!python/object/apply:os.system ['true']", "not valid YAML"),
        ("x: !!python/name:os.system", "not valid YAML"),
        ("x: !!python/module:os", "not valid YAML"),
        ("x: !!python/object/new:subprocess.Popen [['true']]", "not valid YAML"),
    ],
    ids=["aliases", "merges", "brackets", "dashes", "questions", "braces", "long", "apply", "name", "module", "new"],
)
def test_yaml_that_overwhelms_or_runs_is_told_in_a_sentence(tmp_path: Path, text: str, told: str) -> None:
    # In a process of its own: what overwhelms the loader ends the process without an exception.
    program = (
        "import sys\nfrom pathlib import Path\nfrom pipelines.core.errors import ConfigurationError\n"
        "from schemas.strict_yaml import read_yaml\n"
        "try:\n    read_yaml(Path(sys.argv[1]))\n"
        "except ConfigurationError as error:\n    print(error)\n    sys.exit(78)\n"
    )
    path = _yaml(tmp_path, text)
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 78, done.stderr[-500:]
    assert told in done.stdout


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_bytes(b"x: \xff\xfe")
    with pytest.raises(ConfigurationError, match="not valid YAML"):
        strict_yaml.read_yaml(path)


def test_our_own_files_are_far_from_the_limits() -> None:
    found = list(Path(strict_yaml.__file__).parent.rglob("*.yaml"))
    assert len(found) > 400
    assert [path for path in found if strict_yaml._overwhelms(path.read_text(encoding="utf-8"))] == []
