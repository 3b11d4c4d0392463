"""Whatever layout comes in: it is answered, each row has one fate, and nobody meets an exception."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipelines.core.errors import LodaError
from pipelines.core.settings import settings as home_settings
from pipelines.extracts import Extract
from pipelines.extracts.recognise import recognise
from pipelines.onboard import propose
from pipelines.rehearsal import rehearse
from tests.examples import examples
from tests.homes import own_home
from tests.intake.conftest import Intake
from tests.unit.layouts import extract_of
from tests.unit.onboard_files import Cells
from tests.unit.test_onboard_columns import REGISTER

RUBBISH = st.one_of(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r\n"), max_size=25),
    st.sampled_from(["", "N/A", "31/04/2024", "1.00023E+11", "=HYPERLINK(1)", "-1", "\u202eabc", "٢٠٢٤", "Total"]),
)
HEADINGS = st.one_of(
    st.sampled_from([heading for heading, _, _ in REGISTER]),
    st.sampled_from(
        ["UPRN", "Address 1", "Post Code", "Flat No", "Surname", "Licence Ref.", "Exp. Date", "Type", "", "x"]
    ),
    RUBBISH,
)
PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""A file that fails is not made smaller: that would take minutes."""
KINDS = sorted({kind for _, kind, _ in REGISTER})


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, int]:
    """A file as somebody might send it, and how many rows of it hold anything."""
    width = draw(st.integers(1, 14))
    heads = [draw(HEADINGS) for _ in range(width)]
    kinds = [draw(st.sampled_from([*KINDS, ""])) for _ in range(width)]
    cells = Cells(str(draw(st.integers(0, 99))))
    rows = []
    for _ in range(draw(st.integers(0, 30))):
        row = [cells.cell(kind) if kind else draw(RUBBISH) for kind in kinds]
        if draw(st.integers(0, 9)) == 0:
            row[draw(st.integers(0, width - 1))] = draw(RUBBISH)
        rows.append(row)
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=draw(st.sampled_from([",", ";", "\t", "|"])), lineterminator="\r\n")
    for _ in range(draw(st.integers(0, 2))):
        writer.writerow([draw(st.sampled_from(["A report", "Printed 01/02/2024", ""]))])
    writer.writerow(heads)
    writer.writerows(rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "utf-16"]))
    return text.getvalue().encode(encoding, errors="replace"), len(rows)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with own_home(tmp_path_factory.mktemp("any")) as folder:
        yield folder


def _rehearsed(extract: Extract) -> dict:
    """Its receipt by the mapping that is proposed, or as the night would answer without one."""
    found = recognise(extract)
    made = propose(found, borough="haringey", file_name="extract.csv")
    assert 0 <= made.dataset_confidence <= 1
    for column in made.columns:
        assert 0 <= column.confidence <= 1
        assert column.evidence.endswith(".")
    assert made.usable or all(sentence.endswith(".") for sentence in made.faults)
    mapping = made.as_mapping() if made.usable else None
    receipt = rehearse(
        extract, borough="haringey", dataset=made.dataset, mapping=mapping, file_name="extract_2026-03-01.csv"
    ).receipt
    if mapping is not None and receipt["status"] != "refused":
        assert receipt["rows_in"] == found.rows, "no row is lost between looking at a file and reading it"
    return receipt


@settings(max_examples=examples(20, 200), deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(file=files())
def test_any_layout_is_answered(home: Path, file: tuple[bytes, int]) -> None:
    content, rows = file
    try:
        receipt = _rehearsed(extract_of(content, ".csv"))
    except LodaError as error:
        assert str(error).endswith("."), error  # noqa: PT017 - a sentence is an answer
        return
    assert receipt["reason"] not in {"platform_fault", "contract_broken"}, receipt["sentence"]
    assert receipt["rows_in"] == receipt["accepted"] + receipt["quarantined"]
    assert receipt["rows_in"] <= rows + 3, "no row is made up: preamble and heading at most are taken for rows"


@settings(max_examples=examples(6, 60), deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
@given(file=files())
def test_any_layout_may_lie_in_the_bucket(home: Path, file: tuple[bytes, int]) -> None:
    intake = Intake(Path(home_settings().bucket_url))
    path = intake.drop(file[0], "extract.csv", place="oxford/hmo_licence")
    intake.night()
    newest = intake.drops()[-1]
    assert newest.status in {"held", "refused", "superseded"}
    assert newest.reason != "platform_fault", newest.sentence
    assert newest.rows_in == newest.accepted + newest.quarantined
    assert path.with_name("extract.csv.receipt.json").exists()
