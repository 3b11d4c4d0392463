"""The page of a receipt in a real browser: accessible, alone, and readable on a telephone and on paper."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipelines.core.bucket import Folder
from pipelines.extracts import Extract
from pipelines.publish import receipt_html
from pipelines.rehearsal import rehearse
from tests.browser.conftest import NARROW, WIDE, Look, overflow, violations
from tests.homes import own_home
from tests.intake.conftest import HEADER, row

LONG = "a_register_of_licences_with_a_very_long_name_and_no_space_anywhere_" + "x" * 60 + ".csv"


def messy() -> bytes:
    """A register with every level of finding."""
    rows = [row(n) for n in range(1, 61)]
    for n in range(1, 10):
        rows[n] = row(n + 1, location="")
    for n in range(10, 20):
        rows[n] = row(n + 1, end="31/04/2028")
    for n in range(20, 40):
        rows[n] = row(n + 1, occupants="2")
    for n in range(40, 55):
        rows[n] = row(n + 1, location=f"{n + 1} Example  Road\tOxford ox41ab")
    return "\n".join([HEADER, *rows]).encode()


def proposal() -> dict[str, Any]:
    words = {0.98: "sure", 0.5: "unsure"}
    columns = [("Licence No.", "licence_ref", "Licence reference", 0.98), ("Ward", None, None, 0.98)]
    columns += [(f"A heading that goes on and on {n}", "address", "Address", 0.5) for n in range(12)]
    return {
        "dataset": "hmo_licence",
        "file": f"drops/oxford/hmo_licence/{LONG}.mapping.yaml",
        "rows": 1200,
        "accepted": 1187,
        "quarantined": 13,
        "changes": ["The heading 'Location' is now 'Premises'.", "The column 'Ward' is new; it is not used."],
        "columns": [
            {
                "column": column,
                "field": field,
                "becomes": title,
                "confidence": share,
                "confidence_in_words": words[share],
                "evidence": "every cell has the form of a reference",
                "sure": share > 0.9,
            }
            for column, field, title, share in columns
        ],
    }


def receipts(folder: Path) -> dict[str, dict[str, Any]]:
    def of(content: bytes, name: str) -> dict[str, Any]:
        (folder / name).write_bytes(content)
        extract = Extract(Folder(str(folder)), name, Path(name).suffix)
        return rehearse(extract, borough="oxford", dataset="hmo_licence", file_name=name).receipt

    night = {"rehearsed": False, "notes": []}
    check = of(messy(), LONG)
    accepted = check | night | {"outcome": "Accepted"}
    held = of(b"One,Two\n1,2\n", "held.csv") | night | {"outcome": "Held: nothing of it is used yet"}
    refused = of(b"", "empty.csv") | night | {"outcome": "Refused: it could not be read"}
    since = {
        "drop": "oxford-hmo_licence-0123456789ab",
        "file": "drops/oxford/hmo_licence/last.csv",
        "sentences": ["Rows in the file: 400 then, 419 now, 19 more (5%).", "Rows set aside: 4 then, 19 now."],
    }
    decision = {"decision": "release", "who": "B Example", "reason": "the register was cleaned"}
    correction = {"sentence": "2 corrected rows take their place in 'register.csv'; all other rows of it stay."}
    first = {key: accepted[key] for key in accepted if key not in ("since_last", "details", "correction", "read_with")}
    return {
        "accepted": accepted | {"since_last": since, "decision": decision},
        "check": check,
        "corrected": accepted | {"correction": correction},
        "held with a proposal": held | {"proposal": proposal(), "reason": "layout_changed"},
        "refused": refused,
        "of an earlier version": first,
    }


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("receipts")
    with own_home(folder / "home"):
        made = receipts(folder)
    for name, receipt in made.items():
        (folder / f"{name}.html").write_bytes(receipt_html(receipt))
    return {name: folder / f"{name}.html" for name in made}


NAMES = ["accepted", "check", "corrected", "held with a proposal", "refused", "of an earlier version"]


@pytest.mark.parametrize("name", NAMES)
def test_no_axe_violation_wide_or_narrow(pages: dict[str, Path], look_at: Look, name: str) -> None:
    for width in (WIDE, NARROW):
        assert violations(look_at(pages[name], width)) == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [NARROW, 420, 768, WIDE])
def test_nothing_scrolls_sideways(pages: dict[str, Path], look_at: Look, name: str, width: int) -> None:
    assert overflow(look_at(pages[name], width)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_headings_are_in_order_and_landmarks_are_there(pages: dict[str, Path], look_at: Look, name: str) -> None:
    page = look_at(pages[name])
    levels = [int(tag[1]) for tag in page.eval_on_selector_all("h1,h2,h3,h4", "all => all.map(one => one.tagName)")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert page.locator("main").count() == page.locator("header").count() == page.locator("footer").count() == 1
    assert page.get_attribute("html", "lang") == "en-GB"
    unnamed = page.eval_on_selector_all("table", "all => all.filter(one => !one.querySelector('caption')).length")
    assert unnamed == 0


def test_the_outcome_is_said_first_and_in_words(pages: dict[str, Path], look_at: Look) -> None:
    page = look_at(pages["accepted"])
    told = page.inner_text(".outcome")
    assert told.startswith("Accepted")
    assert re.search(r"51 of 60 rows are in use. 9 rows were NOT loaded", told)
    assert [text.strip() for text in page.locator("h3").all_inner_texts()][:2] == ["Must fix", "Should check"]


def test_on_paper_everything_is_there_and_no_row_is_torn_apart(pages: dict[str, Path], look_at: Look, tmp_path) -> None:
    import pdfplumber

    page = look_at(pages["accepted"])
    page.pdf(path=tmp_path / "receipt.pdf", format="A4")
    with pdfplumber.open(tmp_path / "receipt.pdf") as printed:
        text = "\n".join(sheet.extract_text() for sheet in printed.pages)
        assert all(word["x1"] <= sheet.width for sheet in printed.pages for word in sheet.extract_words())
    for needed in ("Must fix", "Should check", "What changed since your last file", "Row by row", "SHA-256"):
        assert needed in text
