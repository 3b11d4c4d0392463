"""Agreements: what they let be read, with the reason where they do not, at which grain, and what is wrong with one."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.governance import access, overview, withdrawing
from schemas import lint, registry
from schemas.agreement import Agreement, Cover
from schemas.agreement import cover as find_cover
from tests.unit.agreed import LONDON, agree, withdrawal

PURPOSE = "hmo_detection"


def taxed(borough: str, *names: str) -> None:
    """Council tax rows of a borough, one a name."""
    schema = registry.contract("council_tax").arrow_schema()
    rows = [
        {"borough": borough, "source": "main", "drop_id": "d", "row_number": n, "record_id": n, "address": f"{n} Road"}
        | {"liable_name": name, "band": "D", "liable_party": "owner", "account_ref": f"t{n}"}
        for n, name in enumerate(names, start=2)
    ]
    table = pa.Table.from_pylist(rows, schema=schema)
    access.write_dataset("council_tax", table, borough=borough, source="main", made_from={})


def cover(on: date = date(2026, 7, 1), purpose: str | None = PURPOSE, **changes) -> Cover:
    """What one agreement lets be done with Camden's waste."""
    agreement = Agreement.model_validate(LONDON | changes)
    contract = registry.contract("waste")
    return find_cover([agreement], "camden", contract, london=True, purpose=purpose, day=on)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"valid_until": "2020-06-30"}, "ended on 30 June 2020"),
        ({"valid_from": "2030-01-01"}, "only from 01 January 2030"),
        ({"boroughs": ["bexley"]}, "No agreement lets camden share waste"),
        ({"datasets": ["epc"]}, "No agreement lets camden share waste"),
        ({"withdrawals": [withdrawal("2020-02-03")]}, "B Example withdrew camden's waste"),
        ({"withdrawals": [withdrawal(boroughs=["camden"])]}, "a letter"),
        ({"withdrawals": [withdrawal(datasets=["waste"])]}, "withdrew"),
        ({"purpose": "marketing"}, "but not for marketing"),
    ],
)
def test_without_agreement_the_reason_is_told(changes, told):
    assert cover().refusal is None
    found = cover(**changes)
    assert told in found.refusal
    assert found.scope() == "none"


@pytest.mark.parametrize(
    "changes",
    [
        {"withdrawals": [withdrawal(boroughs=["bexley"])]},
        {"withdrawals": [withdrawal(datasets=["epc"])]},
        {"withdrawals": [withdrawal(on="2034-01-01")]},
        {"boroughs": ["camden"], "datasets": ["waste"]},
        {"purpose": None, "purposes": ["something else"]},
    ],
)
def test_a_withdrawal_of_something_else_or_later_takes_nothing_away(changes):
    assert cover(**changes).refusal is None


def test_an_agreement_ends_with_its_last_day():
    assert cover(date(2026, 6, 30), valid_until="2026-06-30").refusal is None
    assert cover(date(2026, 7, 1), valid_until="2026-06-30").refusal


def test_nothing_is_read_without_agreement(home):
    taxed("camden", "a")
    assert access.allowed("camden", "council_tax", PURPOSE)
    agree(valid_until="2020-06-30")
    assert not access.allowed("camden", "council_tax", PURPOSE)
    assert access.allowed("camden", "council_tax", PURPOSE, on=date(2020, 6, 30))
    assert "ended on 30 June 2020" in access.refusal("camden", "council_tax", PURPOSE)
    assert access.read_dataset("council_tax", boroughs=["camden"], purpose=PURPOSE).num_rows == 0


def test_fields_that_are_left_out_come_back_blank_for_that_borough_only(home):
    taxed("camden", "a", "b")
    taxed("bexley", "c")
    agree(id="bexley-own", boroughs=["bexley"])
    agree(fields={"council_tax": {"without": ["liable_name"]}})
    rows = access.read_dataset("council_tax", boroughs=["camden", "bexley"], purpose=PURPOSE)
    assert rows.schema == registry.contract("council_tax").arrow_schema()
    by_borough = {(r["borough"], r["liable_name"]) for r in rows.to_pylist()}
    assert by_borough == {("camden", None), ("bexley", "c")}
    assert set(rows["band"].to_pylist()) == {"D"}
    named = access.read_dataset("council_tax", boroughs=["camden", "bexley"], purpose=PURPOSE, columns=["liable_name"])
    assert sorted(named["liable_name"].to_pylist(), key=str) == [None, None, "c"]
    told = access.refusal("camden", "council_tax", PURPOSE, field="liable_name")
    assert "'london-hmo' leaves out the field liable_name of camden's council_tax" in told
    assert access.refusal("camden", "council_tax", PURPOSE, field="band") is None


def test_only_some_fields_keeps_the_day_since_which_a_row_is_known(home):
    taxed("camden", "a")
    agree(fields={"council_tax": {"only": ["account_ref", "address", "liability_start", "band"]}})
    row = access.read_dataset("council_tax", boroughs=["camden"], purpose=PURPOSE).to_pylist()[0]
    assert (row["band"], row["liable_party"], row["record_id"]) == ("D", None, 2)
    assert access.refusal("camden", "council_tax", PURPOSE, field="known_since") is None


def test_what_no_agreement_covers_is_not_even_stored(home):
    agree(fields={"council_tax": {"without": ["liable_name"]}})
    taxed("camden", "a")
    agree()
    rows = access.read_dataset("council_tax", boroughs=["camden"], purpose=PURPOSE)
    assert rows["liable_name"].to_pylist() == [None]
    agree(valid_until="2020-01-01")
    with pytest.raises(ConfigurationError, match="Nothing of it may be added"):
        taxed("camden", "a")


def test_a_role_sees_its_grain(home):
    agree()
    taxed("camden", *"abcdefghij")
    record = access.read_dataset("council_tax", boroughs=["camden"], purpose=PURPOSE, role="ig_lead")
    assert record["liable_name"].null_count == 0
    by_property = access.read_dataset("council_tax", boroughs=["camden"], purpose=PURPOSE, role="analyst")
    assert by_property.num_rows == 10
    assert by_property["liable_name"].null_count == by_property["account_ref"].null_count == 10
    assert by_property["address"].null_count == 0
    for role, told in (
        ("engineer", "lets engineers see camden's council_tax in counts"),
        ("public", "does not let the public"),
    ):
        assert access.read_dataset("council_tax", boroughs=["camden"], purpose=PURPOSE, role=role).num_rows == 0
        assert told in access.refusal("camden", "council_tax", PURPOSE, role=role)
    assert access.grain("ig_lead", "camden", "electoral", PURPOSE) == "property"
    assert "without liable_name" in access.refusal(
        "camden", "council_tax", PURPOSE, role="analyst", field="liable_name"
    )


def test_counts_hide_small_ones_and_are_rounded(home):
    taxed("camden", *(["a"] * 12))
    taxed("bexley", *(["b"] * 7))
    found = access.counts("council_tax", boroughs=["camden", "bexley"], purpose=PURPOSE, by=["band"], role="engineer")
    assert {(r["borough"], r["band"], r["rows"]) for r in found.to_pylist()} == {
        ("camden", "D", 10),
        ("bexley", "D", None),
    }
    with pytest.raises(ValueError, match="names a person"):
        access.counts("council_tax", boroughs=["camden"], purpose=PURPOSE, by=["liable_name"])


def faults(tmp_path: Path, **changes) -> str:
    path = tmp_path / "agreement.yaml"
    path.write_text(yaml.safe_dump(LONDON | changes))
    try:
        return " ".join(registry.read_agreement(path).faults(registry.boroughs(), registry.contracts()))
    except ConfigurationError as error:
        return str(error)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"boroughs": ["atlantis"]}, "'atlantis', which is no borough"),
        ({"datasets": ["gossip"]}, "'gossip', which is no dataset"),
        ({"purposes": ["marketing"]}, "the purpose 'marketing'"),
        ({"fields": {"waste": {"without": ["colour"]}}}, "'colour', which is not in the contract of waste"),
        ({"fields": {"waste": {"without": ["address"]}}}, "without which none of its rows can be used"),
        ({"fields": {"gossip": {"without": ["colour"]}}}, "'gossip', which is no dataset"),
        ({"at_finest": {"benefits": "property"}}, "see electoral record by record"),
        ({"may_see": {"public": "property"}}, "lets the public see council_tax finer than in counts"),
        ({"withdrawals": [withdrawal("2001-01-01")]}, "before it begins"),
        ({"withdrawals": [withdrawal(boroughs=["atlantis"])]}, "'atlantis', which is no borough"),
        ({"valid_until": "2014-01-01"}, "ends before it begins"),
        ({"fields": {"waste": {}}}, "give either 'only' or 'without'"),
        ({"surprise": 1}, "surprise"),
        ({"retention_days": 0}, "retention_days"),
    ],
)
def test_what_is_wrong_with_an_agreement_is_told(tmp_path, changes, told):
    assert faults(tmp_path) == ""
    assert told in faults(tmp_path, **changes)


def test_lint_looks_at_agreements(home):
    assert lint._agreements() == []
    agree(boroughs=["atlantis"])
    assert lint._agreements() == ["Agreement 'london-hmo' names 'atlantis', which is no borough."]


def test_a_faulty_agreement_stops_every_read(home):
    path = agree()
    path.write_text("id: [")
    with pytest.raises(ConfigurationError, match="not valid YAML"):
        access.allowed("camden", "waste", PURPOSE)


def test_two_files_of_one_name_in_a_folder_are_told(home):
    path = agree()
    path.with_name("copy.yaml").write_text(path.read_text())
    with pytest.raises(ConfigurationError, match="both agreement 'london-hmo'"):
        registry.agreements()


def test_withdrawing_writes_the_agreement_where_it_wins(home):
    path, others = withdrawing.withdraw("london-hmo", "B Example, Camden", "letter", ("camden",), ("electoral",))
    assert path.parent == home / "agreements"
    assert others == []
    assert not access.allowed("camden", "electoral", PURPOSE)
    assert access.allowed("camden", "waste", PURPOSE)
    assert access.allowed("bexley", "electoral", PURPOSE)
    with transaction() as session:
        (event,) = session.query(AuditEvent).all()
    assert (event.who, event.what, event.about) == ("B Example, Camden", "withdraw agreement", "london-hmo")
    # Only what was decided stands in the file, and it reads as before.
    again = registry.read_agreement(path)
    assert again.model_copy(update={"withdrawals": ()}) == registry.read_agreement(
        registry.FOLDER / "agreements" / "london-hmo.yaml"
    )


def test_withdrawing_tells_what_another_agreement_still_covers(home):
    agree(id="camden-own", boroughs=["camden"], datasets=["electoral"])
    _, others = withdrawing.withdraw("london-hmo", "B Example", "letter", ("camden",))
    assert others == ["Agreement 'camden-own' still covers electoral of camden: that is not deleted."]
    assert access.allowed("camden", "electoral", PURPOSE)


@pytest.mark.parametrize(
    ("arguments", "error", "told"),
    [
        (("nothing", "B", "why"), NotFound, "there are london-hmo"),
        (("london-hmo", " ", "why"), ConfigurationError, "give both"),
        (("london-hmo", "B Example", "why", ("oxford",)), ConfigurationError, "does not cover"),
        (("london-hmo", "B Example", "why", ("atlantis",)), ConfigurationError, "does not cover"),
    ],
)
def test_a_withdrawal_that_cannot_be_is_told(home, arguments, error, told):
    with pytest.raises(error, match=told):
        withdrawing.withdraw(*arguments)
    assert not (home / "agreements").exists()


def test_overview_speaks_plainly(home):
    agree(fields={"council_tax": {"without": ["liable_name"]}}, withdrawals=[withdrawal(datasets=["waste"])])
    text = "\n".join(overview.as_lines(overview.of_borough("camden")))
    assert "without liable_name" in text
    assert "B Example withdrew camden's waste" in text
    assert "analysts by property" in text
    text = "\n".join(overview.as_lines(overview.of_all()))
    assert "london-hmo: in force, 2015-01-01 to 2035-12-31" in text
    assert "withdrawn  on 2020-01-01 by B Example: waste of all its boroughs" in text


def test_grains_are_coarser_of_the_two():
    agreement = Agreement.model_validate(LONDON)
    assert agreement.grain("ig_lead", "council_tax") == "record"
    assert agreement.grain("ig_lead", "benefits") == "property"
    assert agreement.grain("engineer", "benefits") == "count"
    assert agreement.grain("public", "benefits") is None
