"""The start of an impact assessment says what agreements and contracts say, and leaves to people what is theirs."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.governance import dpia
from schemas import registry
from schemas.agreement import Agreement, FieldScope, Withdrawal
from schemas.privacy import PERSONAL

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_page_is_what_the_agreements_and_contracts_say(home: Path) -> None:
    made = CliRunner().invoke(app, ["governance", "dpia", "--out", "dpia.md"])
    assert made.exit_code == 0
    assert "are marked FILL IN" in made.stdout
    assert Path("dpia.md").read_text() == (ROOT / "docs" / "dpia.md").read_text(), (
        "write it anew: loda governance dpia --out docs/dpia.md"
    )


def test_every_personal_field_of_every_contract_is_named_with_its_class(home: Path) -> None:
    text = dpia.page((), registry.contracts())
    fields = [(c.dataset, f) for c in registry.contracts().values() for f in c.fields]
    assert sum(field.privacy in PERSONAL for _, field in fields) > 40
    for dataset, field in fields:
        part = text.split(f"### Personal fields of `{dataset}`")[1].split("\n#")[0]
        assert (f"| `{field.name}` | `{field.privacy}` |" in part) is (field.privacy in PERSONAL), (dataset, field.name)


@pytest.fixture
def own() -> Agreement:
    return Agreement(
        id="own",
        title="Our own",
        parties=("Camden",),
        boroughs=("camden",),
        datasets=("electoral", "council_tax"),
        purposes=("hmo_detection",),
        lawful_basis="Public task",
        fields={"council_tax": FieldScope(without=("liable_address",))},
        may_see={"analyst": "property"},
        at_finest={"electoral": "property"},
        valid_from=date(2026, 4, 1),
        valid_until=date(2029, 3, 31),
        retention_days=730,
        withdrawals=(Withdrawal(withdrawn_on=date(2026, 10, 3), by="B Example", why="letter"),),
    )


def test_an_agreement_of_ones_own_is_written_out(own: Agreement) -> None:
    text = dpia.page((own,), registry.contracts())
    for told in (
        "| Datasets | electoral, council_tax |",
        "council_tax: without liable_address",
        "2026-04-01 to 2029-03-31",
        "730 days",
        "analysts: property",
        "electoral by property",
        "2026-10-03 by B Example",
    ):
        assert told in text
    assert "london-hmo" not in text


def test_what_no_file_says_is_left_to_a_person(own: Agreement) -> None:
    text = dpia.page((own,), registry.contracts())
    assert f"| Signed protocol | {dpia.BLANK} |" in text
    assert f"| Parties | {dpia.BLANK} |" not in text
    nobody = own.model_copy(update={"parties": (), "may_see": {}})
    bare = dpia.page((nobody,), registry.contracts())
    assert bare.count(dpia.BLANK) == text.count(dpia.BLANK) + 2


def test_a_special_category_asks_for_its_condition(own: Agreement) -> None:
    contracts = registry.contracts()
    field = contracts["council_tax"].fields[-1].model_copy(update={"privacy": "special"})
    changed = contracts["council_tax"].model_copy(update={"fields": (*contracts["council_tax"].fields[:-1], field)})
    text = dpia.page((own,), {**contracts, "council_tax": changed})
    assert f"{dpia.BLANK}: council_tax.{field.name}" in text


def test_a_folder_that_is_not_there_is_told(home: Path) -> None:
    made = CliRunner().invoke(app, ["governance", "dpia", "--out", "nowhere/dpia.md"])
    assert made.exit_code == 1
    assert "cannot be written" in made.output
