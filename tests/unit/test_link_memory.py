"""An address is asked about once of the same gazetteer, code and model, and what is recalled changes no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from pipelines.core.tables import ADDRESS_LINK, LINK
from pipelines.governance import access, erasure, erasure_search, subjects
from pipelines.governance.enforcement import apply_agreements
from pipelines.link import cascade, link_borough
from tests.unit.agreed import agree
from tests.unit.link_lake import put
from tests.unit.test_link import gazetteer

BOROUGH = "camden"
KNOWN = [
    {"address": "Flat 3, 2 Example Road", "postcode": "N1 1AA"},
    {"address": "4 Exmaple Road", "postcode": "N1 1AA"},
    {"address": "Flat 7, 2 Example Raod", "postcode": "N1 1AA"},
    {"address": "77 Missing Lane", "postcode": "E9 9ZZ"},
    {"address": "London", "postcode": "N1 1AA"},
]
NEW = [{"address": "8 Example Road", "postcode": "N1 1AA"}, {"address": "Flat 4, 2 Example Road", "postcode": "N1 1AA"}]
HARD = [{"address": "12 Exampel Road", "postcode": "N1 1AA"}]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The canonical addresses that each night asked the cascade about."""
    calls: list[list[str]] = []
    plain = cascade.decide

    def spy(addresses: pd.DataFrame, *more: Any) -> Any:
        calls.append(sorted(addresses["canonical"]))
        return plain(addresses, *more)

    monkeypatch.setattr(cascade, "decide", spy)
    return calls


def night(*rows: dict[str, Any], dataset: str = "epc", drop: str = "d1") -> dict[str, float]:
    put(BOROUGH, dataset, [{f"{_ref(dataset)}": str(n), **row} for n, row in enumerate(rows)], drop=drop)
    made = link_borough(BOROUGH)
    assert made.outcome == "made"
    return made.counts


def _ref(dataset: str) -> str:
    return {"epc": "certificate_ref", "waste": "waste_ref"}[dataset]


def links() -> pd.DataFrame:
    rows = access.read_table("link", LINK, boroughs=[BOROUGH]).to_pandas()
    return rows.sort_values(["dataset", "record_id", "uprn"], ignore_index=True)


def remembered() -> pd.DataFrame:
    return access.read_table("address_link", ADDRESS_LINK, boroughs=[BOROUGH]).to_pandas()


def forget() -> None:
    access.write_table("address_link", ADDRESS_LINK.empty_table(), borough=BOROUGH, made_from={})


def test_a_second_night_asks_about_the_new_addresses_alone(home: Path, asked: list[list[str]]) -> None:
    put(BOROUGH, "gazetteer", gazetteer())
    first = night(*KNOWN)
    assert (first["addresses"], first["recalled"]) == (5, 0)
    second = night(*NEW, KNOWN[0], dataset="waste")
    assert asked[1] == ["FLAT 4|2||EXAMPLE RD", "|8||EXAMPLE RD"]
    assert (second["addresses"], second["recalled"]) == (7, 5)
    with_memory = links()
    forget()
    put(BOROUGH, "waste", [{"waste_ref": str(n), **r} for n, r in enumerate([*NEW, KNOWN[0]])], drop="d3")
    assert link_borough(BOROUGH).counts["recalled"] == 0
    pd.testing.assert_frame_equal(with_memory, links())


def test_what_the_pair_model_judges_is_judged_together_again(home: Path, asked: list[list[str]]) -> None:
    put(BOROUGH, "gazetteer", gazetteer())
    night(*KNOWN)
    stages = set(links()["stage"])
    assert {"exact", "pairs", "abstain"} <= stages
    night(*HARD, dataset="waste")
    assert "FLAT 3|2||EXAMPLE RD" not in asked[1]
    assert {"|4||EXMAPLE RD", "|12||EXAMPEL RD"} <= set(asked[1])
    with_memory = links()
    forget()
    night(*HARD, dataset="waste", drop="d2")
    pd.testing.assert_frame_equal(with_memory, links())
    night(KNOWN[0], dataset="waste", drop="d3")
    assert "|4||EXMAPLE RD" in asked[-1], "one that was judged with them is gone"


def test_another_gazetteer_code_or_model_recalls_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(BOROUGH, "gazetteer", gazetteer())
    night(*KNOWN)
    put(BOROUGH, "gazetteer", gazetteer()[:-1], drop="d2")
    assert link_borough(BOROUGH).counts["recalled"] == 0
    assert night(*KNOWN, drop="d3")["recalled"] == 5
    for where in ("pipelines.link.memory.model_version", "pipelines.governance.stages.code_version"):
        monkeypatch.setattr(where, lambda: "another")
        made = link_borough(BOROUGH)
        assert (made.outcome, made.counts["recalled"]) == ("made", 0)
        assert link_borough(BOROUGH).outcome == "unchanged"


def test_a_borough_recalls_its_own(home: Path) -> None:
    for borough in ("camden", "hackney"):
        put(borough, "gazetteer", gazetteer())
        put(borough, "epc", [{"certificate_ref": "1", **KNOWN[0]}])
        assert link_borough(borough).counts["recalled"] == 0


def test_it_holds_no_address_and_one_row_an_address_of_tonight(home: Path) -> None:
    put(BOROUGH, "gazetteer", gazetteer())
    night(*KNOWN, *KNOWN)
    rows = remembered()
    assert len(rows) == 5 == rows["address"].nunique()
    assert rows["address"].dtype == "int64"
    assert not [word for word in ("EXAMPLE", "MISSING", "N1 1AA") if word in rows.to_csv().upper()]
    night(KNOWN[0], drop="d2")
    assert len(remembered()) == 1


def test_it_goes_with_the_property_and_with_the_agreement(home: Path) -> None:
    put(BOROUGH, "gazetteer", gazetteer())
    night(*KNOWN)
    flat = links().set_index("record_id").loc[1000, "uprn"]
    mine = remembered()
    assert flat in set(mine["uprn"])
    erasure.erase(
        erasure_search.find(subjects.property_subject(f"uprn:{flat}"), lambda drop: iter(())), "A Example", "asked"
    )
    left = remembered()
    assert 0 < len(left) < len(mine)
    assert flat not in {*left["uprn"], *left["runner_up"]}
    agree(datasets=["gazetteer"])
    assert remembered().empty, "it may not be read, before the night has taken it away"
    apply_agreements()
    agree(datasets=["gazetteer", "epc"])
    assert remembered().empty, "it was taken away"
